#include <libsql/replica.hpp>

#include "api/access.hpp"
#include "replica/replicated.hpp"

namespace libsql {
namespace {

replica::Replicated& held(const std::shared_ptr<replica::Replicated>& replicated) {
  if (replicated == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  return *replicated;
}

}  // namespace

Replica Database::replica() const {
  if (store_ == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  auto replicated = std::dynamic_pointer_cast<replica::Replicated>(store_);
  if (replicated == nullptr) core::throw_unsupported("replication", to_string(mode()));
  return Replica(std::move(replicated));
}

Replica::Replica(std::shared_ptr<replica::Replicated> replicated) noexcept : replicated_(std::move(replicated)) {}
Replica::Replica(const Replica&) noexcept = default;
Replica::Replica(Replica&&) noexcept = default;
Replica& Replica::operator=(const Replica&) noexcept = default;
Replica& Replica::operator=(Replica&&) noexcept = default;
Replica::~Replica() = default;

SyncReport Replica::sync(const SyncOptions& options) const {
  replica::Replicated& replicated = held(replicated_);
  return replicated.sync(replica::order_of(options, replicated.sync_deadline()));
}
SyncReport Replica::sync_until(FrameNumber frame_no, const SyncOptions& options) const {
  replica::Replicated& replicated = held(replicated_);
  return replicated.sync_until(frame_no, replica::order_of(options, replicated.sync_deadline()));
}
SyncReport Replica::flush_replicator() const { return held(replicated_).flush(); }
SyncReport Replica::sync_frames(BlobView frames) const { return held(replicated_).sync_frames(frames); }
SyncReport Replica::sync_snapshot(BlobView file) const { return held(replicated_).sync_snapshot(file); }
std::optional<FrameNumber> Replica::replication_index() const noexcept {
  return replicated_ == nullptr ? std::nullopt : replicated_->replication_index();
}
std::optional<FrameNumber> Replica::max_write_replication_index() const noexcept {
  return replicated_ == nullptr ? std::nullopt : replicated_->max_write_index();
}
Freshness Replica::freshness() const { return held(replicated_).freshness(); }
ReplicaHealth Replica::health() const { return held(replicated_).health(); }
Database Replica::freeze() const { return detail::Access::database(held(replicated_).freeze()); }

}  // namespace libsql

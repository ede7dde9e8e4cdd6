// A primary that is a file of this machine, and a source that copies it whole.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <libsql/libsql.hpp>

#include "api/access.hpp"
#include "core/errors.hpp"
#include "local/store.hpp"
#include "replica/source.hpp"
#include "replica/store.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {

inline std::shared_ptr<local::Store> open_file(const std::string& path) {
  local::Options options;
  options.path = path;
  options.busy_timeout = std::chrono::milliseconds(50);
  return std::make_shared<local::Store>(std::move(options));
}

class FakeSource final : public replica::Source {
 public:
  FakeSource(std::shared_ptr<local::Store> copy, std::shared_ptr<local::Store> primary)
      : copy_(std::move(copy)), primary_(std::move(primary)) {}

  std::shared_ptr<local::Store> store() override { return copy_; }
  SyncReport sync(const replica::SyncOrder& order, std::optional<FrameNumber>) override {
    ++syncs;
    if (before_sync) before_sync(order);
    std::unique_lock lock(mutex_);
    const FrameNumber frame = written.load();
    Connection from = detail::Access::connection(primary_->connect());
    Connection to = detail::Access::connection(copy_->connect());
    if (backup(from, to) != BackupOutcome::Completed) core::throw_error(ErrorCode::Busy, "the copy was not made");
    SyncReport report;
    report.frame_no = frame;
    report.frames_synced = frame - applied_.value_or(0);
    applied_ = frame;
    lock.unlock();
    if (order.progress) order.progress({.frame_no = frame, .target = frame, .frames_received = 1, .bytes_received = 0});
    if (told_) told_({.frame_no = frame, .frames = report.frames_synced});
    return report;
  }
  SyncReport apply(BlobView) override { return {}; }
  SyncReport apply_snapshot(BlobView) override { return {}; }
  std::optional<FrameNumber> applied() const noexcept override {
    const std::lock_guard lock(mutex_);
    return applied_;
  }
  void freeze() override { frozen = true; }
  void on_applied(std::function<void(const replica::Applied&)> told) override { told_ = std::move(told); }

  std::function<void(const replica::SyncOrder&)> before_sync;
  std::atomic<int> syncs = 0;
  std::atomic<FrameNumber> written = 0;  // at the primary
  bool frozen = false;

 private:
  std::shared_ptr<local::Store> copy_;
  std::shared_ptr<local::Store> primary_;
  mutable std::recursive_mutex mutex_;
  std::optional<FrameNumber> applied_;
  std::function<void(const replica::Applied&)> told_;
};

/// The two files, and the replica between them.
class FakeReplica {
 public:
  explicit FakeReplica(std::function<void(replica::StoreOptions&)> tune = {}) {
    replica::StoreOptions options;
    options.source = source;
    options.primary = primary;
    options.told_index = [this](core::Session&) { return tells ? std::optional(++source->written) : std::nullopt; };
    if (tune) tune(options);
    store = replica::Store::open(std::move(options));
  }
  Connection connect() { return detail::Access::connection(store->connect()); }
  Database database() { return detail::Access::database(store); }
  Connection connect_to_copy() { return detail::Access::connection(copy->connect()); }
  Connection connect_to_primary() { return detail::Access::connection(primary->connect()); }

  TemporaryDirectory directory;
  std::shared_ptr<local::Store> copy = open_file(directory.file("copy.db"));
  std::shared_ptr<local::Store> primary = open_file(directory.file("primary.db"));
  std::shared_ptr<FakeSource> source = std::make_shared<FakeSource>(copy, primary);
  bool tells = true;  // which frame a write got
  std::shared_ptr<replica::Store> store;
};

}  // namespace libsql::test

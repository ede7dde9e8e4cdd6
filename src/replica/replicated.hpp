// What the public Replica does, whatever brings the database up to date: one log that is followed, frames given by
// hand, or changes that go both ways.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include <libsql/replica.hpp>
#include <libsql/value.hpp>

#include "core/backend.hpp"
#include "net/interrupt.hpp"

namespace libsql::replica {

/// A sync that somebody asks for.
struct SyncOrder {
  net::Wait wait;
  std::function<void(const libsql::SyncProgress&)> progress;
};

/// In the words of the public call, which must outlive it. `limit` is the deadline of who gives none. Throws
/// Configuration for one that is not positive.
SyncOrder order_of(const SyncOptions& options, std::optional<std::chrono::milliseconds> limit);

/// Threads: any. Errors and results as replica.hpp says.
class Replicated {
 public:
  virtual ~Replicated() = default;
  virtual libsql::SyncReport sync(const SyncOrder& order) = 0;
  virtual libsql::SyncReport sync_until(FrameNumber frame_no, const SyncOrder& order) = 0;
  virtual libsql::SyncReport flush() = 0;
  virtual libsql::SyncReport sync_frames(BlobView frames) = 0;
  virtual libsql::SyncReport sync_snapshot(BlobView file) = 0;
  virtual std::optional<FrameNumber> replication_index() const noexcept = 0;
  virtual std::optional<FrameNumber> max_write_index() const noexcept = 0;
  virtual Freshness freshness() const = 0;
  virtual ReplicaHealth health() const = 0;
  /// The store of the ordinary database that it becomes.
  virtual std::shared_ptr<core::Store> freeze() = 0;
  virtual std::optional<std::chrono::milliseconds> sync_deadline() const noexcept = 0;
};

}  // namespace libsql::replica

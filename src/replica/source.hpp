// What a replica's store needs of whoever keeps its copy up to date: the follower of a primary, or a test's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libsql/replica.hpp>
#include <libsql/value.hpp>

#include "local/store.hpp"
#include "replica/replicated.hpp"

namespace libsql::replica {

/// What one local commit has brought.
struct Applied {
  std::optional<FrameNumber> frame_no;  // the last of its frames
  std::uint64_t frames = 0;
};

/// Threads: any.
class Source {
 public:
  virtual ~Source() = default;
  /// Whose connections read the copy.
  virtual std::shared_ptr<local::Store> store() = 0;
  /// Copies what the primary had committed when the call began; with `until` it may end as soon as the copy has that
  /// frame, and does not wait for one that the primary lacks. Throws as Replica::sync().
  virtual libsql::SyncReport sync(const SyncOrder& order, std::optional<FrameNumber> until) = 0;
  virtual libsql::SyncReport apply(BlobView frames) = 0;
  virtual libsql::SyncReport apply_snapshot(BlobView file) = 0;
  /// The last frame that the copy has; none: it is no copy yet.
  virtual std::optional<FrameNumber> applied() const noexcept = 0;
  virtual void freeze() = 0;
  /// `told` is called after each local commit of frames, on the thread that made it. It must not throw, nor sync.
  virtual void on_applied(std::function<void(const Applied&)> told) = 0;
};

}  // namespace libsql::replica

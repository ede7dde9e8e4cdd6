// Syncs that come together: one of them goes, the others wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include <libsql/error.hpp>

#include "replica/replicated.hpp"
#include "replica/source.hpp"

namespace libsql::replica {

/// Threads: any.
class SharedSync {
 public:
  explicit SharedSync(Source& source) noexcept : source_(source) {}
  SharedSync(const SharedSync&) = delete;
  SharedSync& operator=(const SharedSync&) = delete;

  /// Returns the report of a sync that began after the call did, of this thread or of another one; with `until`, an
  /// empty one as soon as the copy has that frame. `progress` is called on the caller's thread.
  libsql::SyncReport run(const SyncOrder& order, std::optional<FrameNumber> until = std::nullopt);
  bool is_running() const;
  /// Waits so long. Throws Interrupted and Timeout as run() does.
  void pause(std::chrono::nanoseconds time, const net::Wait& wait);

 private:
  struct Ended {
    std::uint64_t number = 0;  // in the order of their beginnings
    libsql::SyncReport report;
    bool failed = false;
    // What the others are told of it: each gets an exception of its own, as they end on different threads. None: it
    // says nothing of the primary, only of the one who synced.
    std::optional<detail::ErrorData> failure;
  };

  libsql::SyncReport lead(std::unique_lock<std::mutex>& lock, const SyncOrder& order, std::optional<FrameNumber> until);
  void wait(std::unique_lock<std::mutex>& lock, const SyncOrder& order, std::uint64_t& seen);
  bool has(std::optional<FrameNumber> until) const noexcept;

  Source& source_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  std::uint64_t begun_ = 0;
  Ended last_;
  libsql::SyncProgress progress_;
  std::uint64_t steps_ = 0;  // of progress
};

}  // namespace libsql::replica

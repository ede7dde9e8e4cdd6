// When the log of a database is copied back into its file, by whom, and what keeps it from beginning anew meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include <libsql/wal.hpp>

#include "engine/log_hold.hpp"
#include "local/checkpoint_policy.hpp"
#include "local/spares.hpp"
#include "local/write_line.hpp"

namespace libsql::local {

class Store;

/// The log, held by all the LogHolds of one database at once. Threads: any number.
class HeldLog final {
 public:
  explicit HeldLog(BorrowedConnection connection);
  HeldLog(const HeldLog&) = delete;
  HeldLog& operator=(const HeldLog&) = delete;

  WalState state();
  bool is_broken() const noexcept;
  /// Lets the log go if it is larger. False: nothing is held.
  bool stays_within(std::uint64_t max_bytes) noexcept;

 private:
  mutable std::mutex mutex_;
  BorrowedConnection connection_;
  std::optional<engine::wal::LogHold> hold_;  // none: broken
};

/// While one lives, the log that was there when it was made stays, with all its frames and those that are added: it may
/// be copied, but is not begun anew, in whatever process. Bounded: once the log has CheckpointPolicy::max_held_bytes
/// the hold breaks, which its owner has to look for. Keeps the database open. Threads: any.
class LogHold final {
 public:
  explicit LogHold(std::shared_ptr<HeldLog> log) : log_(std::move(log)), since_(log_->state()) {}

  /// The log as it was when the hold began: frames 1 to max_frame, and all later ones with these salts, are kept.
  const WalState& since() const noexcept { return since_; }
  /// Whether the log has been let go, so that frames may be gone.
  bool is_broken() const noexcept { return log_->is_broken(); }

 private:
  std::shared_ptr<HeldLog> log_;
  WalState since_;
};

/// Of one store. Threads: any number.
class Checkpoints final {
 public:
  Checkpoints(Store& store, CheckpointPolicy policy) noexcept : store_(store), policy_(policy) {}

  const CheckpointPolicy& policy() const noexcept { return policy_; }
  bool are_in_background() const noexcept { return policy_.by == Checkpointer::Background; }

  /// Sets what a new connection does by itself.
  void set_up(engine::Connection& connection);
  /// From now on the background copies what writers of this process write. For Checkpointer::Background.
  void listen();

  /// How much a checkpoint does: copies what can be copied without waiting; cuts the log to nothing as well, if it is
  /// large, or in any case, if nobody reads it or holds it; or waits for readers, as long as the store's connections
  /// would for a lock, to copy and cut everything.
  enum class Extent : std::uint8_t { CutIfLarge, Cut, CutAndWait };
  /// Throws Error.
  void checkpoint(Extent extent);

  /// Throws Busy if too many read older states, Unsupported for a database that has no log.
  std::unique_ptr<LogHold> hold();

 private:
  void nudge() noexcept;
  void checkpoint(engine::Connection& connection, Extent extent);

  Store& store_;
  const CheckpointPolicy policy_;
  std::optional<std::uint32_t> frames_;  // Background: copied from so many on; the first connection sets it
  std::atomic<bool> nudged_ = false;
  std::shared_ptr<const void> listening_;
  std::mutex mutex_;
  std::weak_ptr<HeldLog> held_;
};

}  // namespace libsql::local

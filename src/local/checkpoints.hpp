// When a database's log is copied back into its file, by whom, and what keeps the log from restarting meanwhile.
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

/// The hold on a database's log that all its LogHolds share. Threads: any number.
class HeldLog final {
 public:
  explicit HeldLog(BorrowedConnection connection);
  HeldLog(const HeldLog&) = delete;
  HeldLog& operator=(const HeldLog&) = delete;

  WalState state();
  bool is_broken() const noexcept;
  /// Releases the log if it is larger. False if the log is not held any more.
  bool stays_within(std::uint64_t max_bytes) noexcept;

 private:
  mutable std::mutex mutex_;
  BorrowedConnection connection_;
  std::optional<engine::wal::LogHold> hold_;  // none: the hold is broken
};

/// While one exists, the log as it was at its creation is kept, with all frames then and later. It may be copied back,
/// but no process restarts it. The hold breaks when the log reaches CheckpointPolicy::max_held_bytes, so its owner must
/// check is_broken(). Keeps the database open. Threads: any.
class LogHold final {
 public:
  explicit LogHold(std::shared_ptr<HeldLog> log) : log_(std::move(log)), since_(log_->state()) {}

  /// The state of the log when the hold began. Frames 1 to max_frame, and all later ones with these salts, are kept.
  const WalState& since() const noexcept { return since_; }
  /// Whether the log has been released, so that frames may be lost.
  bool is_broken() const noexcept { return log_->is_broken(); }

 private:
  std::shared_ptr<HeldLog> log_;
  WalState since_;
};

/// The checkpoints of one store. Threads: any number.
class Checkpoints final {
 public:
  Checkpoints(Store& store, CheckpointPolicy policy) noexcept : store_(store), policy_(policy) {}

  const CheckpointPolicy& policy() const noexcept { return policy_; }
  bool are_in_background() const noexcept { return policy_.by == Checkpointer::Background; }

  /// Configures what a new connection checkpoints by itself.
  void set_up(engine::Connection& connection);
  /// From now on the background thread copies what writers of this process commit. For Checkpointer::Background.
  void listen();

  /// How much a checkpoint does. All copy what can be copied without waiting.
  /// CutIfLarge also truncates the log if it is large, and Cut in any case, unless it is being read or held.
  /// CutAndWait waits for readers, for as long as the store's connections wait for a lock, to copy and truncate
  /// everything.
  enum class Extent : std::uint8_t { CutIfLarge, Cut, CutAndWait };
  /// Throws Error.
  void checkpoint(Extent extent);

  /// Throws Busy if there are too many readers of older states, Unsupported for a database without a log.
  std::unique_ptr<LogHold> hold();

 private:
  void nudge() noexcept;
  void checkpoint(engine::Connection& connection, Extent extent);

  Store& store_;
  const CheckpointPolicy policy_;
  std::optional<std::uint32_t> frames_;  // Background: a log this long is copied back; set by the first connection
  std::atomic<bool> nudged_ = false;
  std::shared_ptr<const void> listening_;
  std::mutex mutex_;
  std::weak_ptr<HeldLog> held_;
};

}  // namespace libsql::local

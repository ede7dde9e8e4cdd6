#include "local/checkpoints.hpp"

#include <chrono>
#include <exception>
#include <limits>
#include <utility>

#include "core/errors.hpp"
#include "engine/wal_log.hpp"
#include "local/background.hpp"
#include "local/store.hpp"

namespace libsql::local {

HeldLog::HeldLog(BorrowedConnection connection) : connection_(std::move(connection)) {
  hold_.emplace(connection_->handle());
}

WalState HeldLog::state() {
  const std::lock_guard lock(mutex_);
  return hold_ ? hold_->state() : WalState{};
}

bool HeldLog::is_broken() const noexcept {
  const std::lock_guard lock(mutex_);
  return !hold_;
}

bool HeldLog::stays_within(std::uint64_t max_bytes) noexcept {
  const std::lock_guard lock(mutex_);
  if (!hold_) return false;
  try {
    const std::optional<std::uint64_t> size = hold_->size();
    if (!size || *size <= max_bytes) return true;
  } catch (const std::exception&) {  // if its size cannot be read, its growth cannot be limited
  }
  hold_.reset();
  return false;
}

void Checkpoints::set_up(engine::Connection& connection) {
  if (policy_.by == Checkpointer::Writers) return;
  const std::int64_t frames = connection.query_integer("PRAGMA wal_autocheckpoint");
  if (!frames_) frames_ = frames > 0 ? static_cast<std::uint32_t>(frames) : std::numeric_limits<std::uint32_t>::max();
  if (frames > 0) connection.query_text("PRAGMA wal_autocheckpoint=0");
  if (are_in_background()) engine::wal::set_checkpoint_on_close(connection.handle(), false);
}

void Checkpoints::listen() {
  if (store_.write_line() == nullptr) return;  // no other connection can write to it
  listening_ = store_.write_line()->after_write(
      [store = store_.weak_from_this(), frames = *frames_](const WriteLine::Write& write) {
        if (write.end.frame < frames) return;
        if (const std::shared_ptr<Store> alive = store.lock()) alive->checkpoints().nudge();
      });
}

void Checkpoints::nudge() noexcept {
  if (nudged_.exchange(true)) return;
  const auto job = [store = store_.weak_from_this()] {
    const std::shared_ptr<Store> alive = store.lock();
    if (alive == nullptr) return;
    alive->checkpoints().nudged_ = false;  // cleared first, so that a write during the checkpoint asks for another one
    alive->checkpoints().checkpoint(Extent::CutIfLarge);
  };
  try {
    if (!background::post(job)) nudged_ = false;
  } catch (const std::exception&) {  // the next write asks again
    nudged_ = false;
  }
}

void Checkpoints::checkpoint(Extent extent) {
  // In the background nothing is opened, because by then the path may name another database, or none.
  if (are_in_background()) return store_.with_keeper([&](engine::Connection& keeper) { checkpoint(keeper, extent); });
  checkpoint(*store_.borrow(), extent);
}

void Checkpoints::checkpoint(engine::Connection& connection, Extent extent) {
  const bool waits = extent == Extent::CutAndWait;
  connection.patience().set_busy_timeout(waits ? store_.options().busy_timeout : std::chrono::milliseconds(0));
  // First without the lock that writers need. This copies nearly everything.
  connection.query_text("PRAGMA main.wal_checkpoint(PASSIVE)");
  if (extent == Extent::CutIfLarge) {
    const auto bytes = static_cast<std::uint64_t>(engine::wal::log_file_size(connection.handle()));
    if (bytes < policy_.cut_from_bytes) return;
  }
  connection.query_text("PRAGMA main.wal_checkpoint(TRUNCATE)");
}

std::unique_ptr<LogHold> Checkpoints::hold() {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<HeldLog> log = held_.lock();
  if (log == nullptr || log->is_broken()) {
    log = std::make_shared<HeldLog>(store_.borrow());
    const auto look = [watched = std::weak_ptr<HeldLog>(log), most = policy_.max_held_bytes] {
      const std::shared_ptr<HeldLog> alive = watched.lock();
      return alive != nullptr && alive->stays_within(most);
    };
    if (!background::look_each_second(look)) {
      core::throw_error(ErrorCode::NoMemory, "there is no thread that could watch the size of a held log");
    }
    held_ = log;
  }
  return std::make_unique<LogHold>(std::move(log));
}

}  // namespace libsql::local

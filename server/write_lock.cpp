#include "server/write_lock.hpp"

namespace libsql::server {

bool WriteLock::take_over_if_due() noexcept {
  const std::lock_guard lock(mutex_);
  if (holder_ == nullptr || Clock::now() - since_ < std::chrono::milliseconds(timeout_)) return false;
  WriteSlot& victim = *holder_;
  if (!victim.victim_()) return false;  // it is running something; it will be looked at again
  victim.held_ = false;
  holder_ = nullptr;
  queue_->leave();
  return true;
}

WriteSlot::WriteSlot(engine::Connection& connection, std::shared_ptr<WriteLock> lock, std::function<bool()> victim)
    : connection_(connection), lock_(std::move(lock)), victim_(std::move(victim)) {
  connection_.set_write_gate(this);
}

WriteSlot::~WriteSlot() {
  give_up();
  connection_.set_write_gate(nullptr);
}

void WriteSlot::take() {
  if (held_) return;
  if (connection_.interrupt_state()->is_stopped()) {
    connection_.fail_wait(true, "interrupted before the wait for the write lock");
  }
  using Outcome = local::WriteQueue::Outcome;
  const Outcome outcome = lock_->queue_->enter(connection_.wait_limit(), connection_.interrupts(), this);
  if (outcome != Outcome::Entered) {
    connection_.fail_wait(outcome == Outcome::Interrupted, "database is locked");
  }
  held_ = true;
  const std::lock_guard lock(lock_->mutex_);
  lock_->holder_ = this;
  lock_->since_ = WriteLock::Clock::now();
}

void WriteSlot::settle() noexcept {
  if (held_ && !connection_.holds_write_lock()) give_up();
}

void WriteSlot::give_up() noexcept {
  if (!held_) return;
  {
    const std::lock_guard lock(lock_->mutex_);
    lock_->holder_ = nullptr;
  }
  held_ = false;
  lock_->queue_->leave();
}

}  // namespace libsql::server

#include "local/write_turn.hpp"

namespace libsql::local {

void WriteTurn::take() {
  if (held_) return;
  if (!queue_->try_enter()) wait();
  held_ = true;
}

void WriteTurn::wait() {
  const engine::Clock::time_point start = engine::Clock::now();
  const WriteQueue::Outcome outcome = queue_->enter(connection_.wait_limit(), connection_.interrupts());
  if (outcome != WriteQueue::Outcome::Entered) {
    connection_.fail_wait(outcome == WriteQueue::Outcome::Interrupted,
                          outcome == WriteQueue::Outcome::Interrupted
                              ? "interrupted while waiting for other writers of this process"
                              : "other writers of this process held the database for too long");
  }
  connection_.set_waited(engine::Clock::now() - start);
}

void WriteTurn::settle() noexcept {
  connection_.set_waited({});
  if (!held_) return;
  const bool open = !connection_.is_autocommit();
  if (in_transaction_) {  // no write outlasts the transaction that it is part of
    if (!open) give_up();
    return;
  }
  if (!connection_.holds_write_lock()) return give_up();
  in_transaction_ = open;  // else rows of a write are still being read
  connection_.set_write_gate(this, open ? engine::GateDuty::TransactionEnd : engine::GateDuty::AllStatements);
}

void WriteTurn::give_up() noexcept {
  if (!held_) return;
  held_ = in_transaction_ = false;
  watch_for_writes();
  queue_->leave();
}

}  // namespace libsql::local

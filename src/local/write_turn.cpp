#include "local/write_turn.hpp"

namespace libsql::local {

void WriteTurn::take() {
  if (held_) return;
  if (!line_->try_enter()) wait();
  held_ = true;
  if (give_way_) line_->set_holder(*this);
}

void WriteTurn::wait() {
  if (connection_.patience().interrupt_state()->is_stopped()) {
    connection_.patience().fail_wait(true, "interrupted before the wait for other writers of this process");
  }
  const engine::Clock::time_point start = engine::Clock::now();
  if (watch_ != nullptr) watch_->wait_begins();
  const WriteLine::Outcome outcome =
      line_->enter(connection_.patience().wait_limit(), connection_.patience().interrupts(),
                   connection_.patience().heeded_interrupts());
  if (watch_ != nullptr) watch_->wait_ended();
  if (outcome != WriteLine::Outcome::Entered) {
    connection_.patience().fail_wait(outcome == WriteLine::Outcome::Interrupted,
                                     outcome == WriteLine::Outcome::Interrupted
                                         ? "interrupted while waiting for other writers of this process"
                                         : "database is locked");
  }
  connection_.patience().set_waited(engine::Clock::now() - start);
}

void WriteTurn::settle() noexcept {
  connection_.patience().set_waited({});
  if (!held_) return;
  const bool open = !connection_.is_autocommit();
  if (in_transaction_) {  // a transaction that has written holds the lock until it ends
    if (!open) give_up();
    return;
  }
  if (!connection_.holds_write_lock()) return give_up();
  in_transaction_ = open;  // if not open, a write is still returning rows outside any transaction
  connection_.set_write_gate(this, open ? engine::GateDuty::TransactionEnd : engine::GateDuty::AllStatements);
}

void WriteTurn::give_up() noexcept {
  if (!held_) return;
  if (give_way_) line_->clear_holder(*this);
  if (line_->is_listened_to()) line_->note_write(connection_);
  held_ = in_transaction_ = false;
  watch_for_writes();
  line_->leave();
}

void WriteTurn::taken_away() noexcept {
  if (line_->is_listened_to())
    line_->note_write(connection_);  // a write outside any transaction may have been committed
  held_ = in_transaction_ = false;
  watch_for_writes();
}

}  // namespace libsql::local

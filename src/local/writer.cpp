#include "local/writer.hpp"

#include <algorithm>
#include <libsql/transaction.hpp>

#include "core/errors.hpp"

namespace libsql::local {

void SessionTarget::begin(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  session_.set_busy_timeout(std::max(left, std::chrono::milliseconds(0)));
  try {
    session_.begin(TransactionBehavior::Immediate);
  } catch (const Busy& busy) {
    core::throw_error(ErrorCode::Timeout,
                      "the writer could not lock the database before the deadline: " + busy.message());
  }
  session_.connection().set_transaction_guard(true);
}

void SessionTarget::set_mark() { run("SAVEPOINT libsql_writer_job"); }

void SessionTarget::drop_mark() {
  session_.connection().end_cursors();
  run("RELEASE libsql_writer_job");
}

bool SessionTarget::return_to_mark() noexcept {
  try {
    session_.connection().end_cursors();
    run("ROLLBACK TO libsql_writer_job");
    run("RELEASE libsql_writer_job");
    return true;
  } catch (const std::exception&) {  // the caller sees to the whole transaction then
    return false;
  }
}

bool SessionTarget::in_transaction() const noexcept { return !session_.connection().is_autocommit(); }

void SessionTarget::commit() {
  session_.connection().set_transaction_guard(false);
  session_.connection().end_cursors();
  session_.commit();
}

void SessionTarget::rollback() noexcept {
  session_.connection().set_transaction_guard(false);
  try {
    session_.connection().end_cursors();
    session_.rollback();
  } catch (const std::exception& error) {
    session_.abandon(std::string("the writer could not roll back: ") + error.what());
  }
}

}  // namespace libsql::local

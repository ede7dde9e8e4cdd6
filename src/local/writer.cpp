#include "local/writer.hpp"

#include <algorithm>
#include <libsql/transaction.hpp>

#include "core/errors.hpp"
#include "local/store.hpp"

namespace libsql::local {
namespace {

constexpr int kForeignKeyViolation = 787;  // https://www.sqlite.org/rescode.html#constraint_foreignkey

}  // namespace

SessionTarget::SessionTarget(Session& session, bool synced) : session_(session), synced_(synced) { set_up(); }

void SessionTarget::set_up() {
  constexpr std::int64_t kFull = 2;
  engine::Connection& connection = session_.connection();
  if (synced_ && connection.query_integer("PRAGMA main.synchronous") < kFull) {
    connection.execute_script("PRAGMA main.synchronous=FULL");
  }
  session_.mark_clean();
}

void SessionTarget::begin(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  session_.patience().set_busy_timeout(std::max(left, std::chrono::milliseconds(0)));
  try {
    session_.begin(TransactionBehavior::Immediate);
  } catch (const Busy& busy) {
    core::throw_error(ErrorCode::Timeout,
                      "the writer could not lock the database before the deadline: " + busy.message());
  }
  session_.connection().set_transaction_guard(true);
}

// What a job keeps of its connection must not reach into the next job.
void SessionTarget::end_job() {
  session_.connection().end_cursors();
  session_.forget_handles();
  session_.patience().renew_interrupts();
}

void SessionTarget::set_mark() { run("SAVEPOINT libsql_writer_job"); }

void SessionTarget::drop_mark() {
  end_job();
  run("RELEASE libsql_writer_job");
}

bool SessionTarget::return_to_mark() noexcept {
  try {
    end_job();
    run("ROLLBACK TO libsql_writer_job");
    run("RELEASE libsql_writer_job");
    return true;
  } catch (const std::exception&) {  // the caller sees to the whole transaction then
    return false;
  }
}

void SessionTarget::vet() {
  if (!session_.connection().has_open_foreign_keys()) return;
  detail::ErrorData data;
  data.code = ErrorCode::Constraint;
  data.sqlite_code = kForeignKeyViolation;
  data.origin = ErrorOrigin::Engine;
  data.message = "FOREIGN KEY constraint failed";
  core::describe_constraint(data);
  core::throw_error(std::move(data));
}

bool SessionTarget::is_soiled() noexcept {
  if (!session_.is_soiled()) return false;
  // The commit is everybody's: neither a listener nor a deadline of one job may spoil it.
  session_.connection().end_cursors();
  session_.connection().run_cleanups();
  session_.patience().set_deadline(session_.store().options().default_deadline);
  return true;
}

void SessionTarget::clean() noexcept {
  try {
    session_.reset();
    set_up();
  } catch (const std::exception& error) {
    session_.abandon(std::string("the writer could not be reset after a transaction: ") + error.what());
  }
}

bool SessionTarget::in_transaction() const noexcept { return !session_.connection().is_autocommit(); }

void SessionTarget::commit() {
  session_.connection().set_transaction_guard(false);
  end_job();
  session_.commit();
}

void SessionTarget::rollback() noexcept {
  session_.connection().set_transaction_guard(false);
  try {
    end_job();
    session_.rollback();
  } catch (const std::exception& error) {
    session_.abandon(std::string("the writer could not roll back: ") + error.what());
  }
}

}  // namespace libsql::local

#include "local/writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include <libsql/transaction.hpp>

#include "core/errors.hpp"
#include "local/session.hpp"
#include "local/store.hpp"

namespace libsql::local {
namespace {

constexpr int kForeignKeyViolation = 787;  // https://www.sqlite.org/rescode.html#constraint_foreignkey

}  // namespace

void GroupWriter::begin(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  runner_.connection().patience().set_busy_timeout(std::max(left, std::chrono::milliseconds(0)));
  try {
    begin_group();
  } catch (const Busy& busy) {
    core::throw_error(ErrorCode::Timeout,
                      "the writer could not lock the database before the deadline: " + busy.message());
  }
}

void GroupWriter::run_own(OwnText& kept, std::string_view sql) {
  engine::Connection& connection = runner_.connection();
  const engine::Patience::OneCall call(connection.patience());
  if (kept == nullptr) kept = engine::Statement::prepare(connection, sql, engine::Statement::Persistence::Once);
  kept->execute({});
}

void GroupWriter::set_mark() { run_own(mark_, "SAVEPOINT libsql_writer_job"); }

void GroupWriter::drop_mark() {
  end_job();
  run_own(release_, "RELEASE libsql_writer_job");
}

bool GroupWriter::return_to_mark() noexcept {
  try {
    end_job();
    runner_.connection().end_cursors();
    run_own(return_, "ROLLBACK TO libsql_writer_job");
    run_own(release_, "RELEASE libsql_writer_job");
    return true;
  } catch (const std::exception&) {  // the caller rolls the whole transaction back
    return false;
  }
}

void GroupWriter::vet() {
  if (!runner_.connection().has_open_foreign_keys()) return;
  detail::ErrorData data;
  data.code = ErrorCode::Constraint;
  data.sqlite_code = kForeignKeyViolation;
  data.origin = ErrorOrigin::Engine;
  data.message = "FOREIGN KEY constraint failed";
  core::describe_constraint(data);
  core::throw_error(std::move(data));
}

void GroupWriter::commit() {
  end_job();
  commit_group();
}

void GroupWriter::rollback() noexcept { roll_group_back(); }

SessionWriter::SessionWriter(Session& session, bool synced, std::size_t max_group)
    : GroupWriter(session.runner(), max_group), session_(session), synced_(synced) {
  set_up();
}

void SessionWriter::set_up() {
  constexpr std::int64_t kFull = 2;
  engine::Connection& connection = session_.connection();
  if (synced_ && connection.query_integer("PRAGMA main.synchronous") < kFull) {
    connection.execute_script("PRAGMA main.synchronous=FULL");
  }
  session_.mark_clean();
}

void SessionWriter::begin_group() {
  session_.begin(TransactionBehavior::Immediate);
  session_.connection().set_transaction_guard(true);
}

void SessionWriter::end_job() {
  session_.connection().end_cursors();
  session_.forget_handles();
  session_.patience().renew_interrupts();
}

bool SessionWriter::is_soiled() noexcept {
  if (!session_.is_soiled()) return false;
  // All jobs of the group need the commit, so neither a listener nor a deadline left by one may spoil it.
  session_.connection().end_cursors();
  session_.connection().run_cleanups();
  session_.patience().set_deadline(session_.store().options().default_deadline);
  return true;
}

void SessionWriter::clean() noexcept {
  try {
    session_.reset();
    set_up();
  } catch (const std::exception& error) {
    session_.abandon(std::string("the writer could not be reset after a transaction: ") + error.what());
  }
}

void SessionWriter::commit_group() {
  session_.connection().set_transaction_guard(false);
  session_.commit();
}

void SessionWriter::roll_group_back() noexcept {
  session_.connection().set_transaction_guard(false);
  try {
    end_job();
    session_.rollback();
  } catch (const std::exception& error) {
    session_.abandon(std::string("the writer could not roll back: ") + error.what());
  }
}

}  // namespace libsql::local

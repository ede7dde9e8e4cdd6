#include "server/run/grouped_write.hpp"

#include <algorithm>
#include <exception>

#include "server/base/failure.hpp"
#include "server/databases/group_writer.hpp"
#include "server/databases/statement_class.hpp"
#include "server/databases/writers_room.hpp"

namespace libsql::server {
namespace {

// The engine has rolled back the transaction of the group, as it would that of the statement alone: its answer stands.
struct RolledBack {};

}  // namespace

// What is refused waits for nobody: it never comes into the line.
bool GroupedWrite::is_allowed(const StatementTraits& traits) const {
  try {
    context_.require(traits);
    return true;
  } catch (const std::exception&) {  // is thrown again, and counted, where it is run alone
    return false;
  }
}

// For its turn, as long as a statement alone would wait for the write lock.
std::chrono::milliseconds GroupedWrite::wait() const noexcept {
  const Timeouts& timeouts = context_.options().timeouts;
  return std::min(context_.lock_wait(), timeouts.statement.value_or(timeouts.write_wait));
}

bool GroupedWrite::run_program(std::string_view sql, engine::Connection::ChangeCounters& counters,
                               hrana::ResponseWriter& writer, Runnable runnable) {
  if (!context_.name_space().shares_commits(context_.config())) return false;
  const StatementTraits traits = traits_of(sql);
  if (!traits.is_dml || !is_allowed(traits)) return false;
  const std::shared_ptr<GroupWriter> group = context_.name_space().group_writer();
  if (group == nullptr) return false;

  std::exception_ptr failure;
  const auto job = [&](DatabaseSession& session) {
    const Cancellation::Scope watched(cancellation_, session.interrupt_state());
    engine::Connection& connection = session.connection();
    connection.set_change_counters(counters);
    Executor executor(session, context_, cancellation_, share_);
    try {
      runnable.run(runnable.program, executor);
    } catch (const StatementFailure&) {
      // The engine has undone of the statement what it undoes of one alone, and the rest is to stay.
      failure = std::current_exception();
    }
    counters = connection.change_counters();
    if (session.is_autocommit()) throw RolledBack{};
  };
  const engine::Connection::ChangeCounters before = counters;
  const auto leave = [&] {
    counters = before;
    writer.restart();
    return false;
  };
  try {
    const WritersRoom::Seat seat(context_.name_space().writers_room());
    group->run(job, wait());
  } catch (const RolledBack&) {
  } catch (const Error& error) {  // of the transaction
    if (error.code() == ErrorCode::Busy || error.code() == ErrorCode::Timeout) {
      throw StatementFailure("SQLITE_BUSY", "SQLite error: database is locked");
    }
    if (error.code() == ErrorCode::Interrupted) throw failure_of(error);
    // Another one has broken the group, the commit has failed, or would have failed because of this one: alone it gets
    // an answer of its own.
    return leave();
  }
  if (failure) std::rethrow_exception(failure);
  return true;
}

}  // namespace libsql::server

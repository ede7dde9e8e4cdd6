#include "server/run/grouped_write.hpp"

#include <algorithm>
#include <exception>

#include "server/base/failure.hpp"
#include "server/databases/group_writer.hpp"
#include "server/databases/statement_class.hpp"
#include "server/databases/writers_room.hpp"

namespace libsql::server {
namespace {

// The statement made the engine roll back the group's transaction, as it would have rolled back the statement's own.
// The answer that the client gets is the same.
struct RolledBack {};

}  // namespace

// A write that would be refused must not queue first.
bool GroupedWrite::is_allowed(const StatementTraits& traits) const {
  try {
    context_.require(traits);
    return true;
  } catch (const std::exception&) {  // thrown again, and counted, when it is run alone
    return false;
  }
}

// How long to queue: no longer than a statement of its own would wait for the write lock.
std::chrono::milliseconds GroupedWrite::wait() const noexcept {
  const Timeouts& timeouts = context_.options().timeouts;
  return std::min(context_.lock_wait(), timeouts.statement.value_or(timeouts.write_wait));
}

bool GroupedWrite::run_program(std::string_view sql, engine::Connection::ChangeCounters& counters,
                               hrana::ResponseWriter& writer, std::optional<std::uint64_t>& index, Runnable runnable) {
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
      // The engine has undone the statement alone, as always. The rest of the group stays.
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
    std::optional<engine::LogEnd> commit;
    group->run(job, wait(), context_.name_space().log() != nullptr ? &commit : nullptr);
    index = context_.name_space().replication_index(commit);
  } catch (const RolledBack&) {
    index = context_.name_space().replication_index(std::nullopt);
  } catch (const Error& error) {  // concerns the transaction, not this statement
    if (error.code() == ErrorCode::Busy || error.code() == ErrorCode::Timeout) {
      throw StatementFailure("SQLITE_BUSY", "SQLite error: database is locked");
    }
    if (error.code() == ErrorCode::Interrupted) throw failure_of(error);
    // Another statement broke the group, or the commit failed, perhaps because of this one. Run alone, it gets an
    // answer of its own.
    return leave();
  }
  if (failure) std::rethrow_exception(failure);
  return true;
}

}  // namespace libsql::server

// Runs what clients ask for on a session, and writes the results straight into the answer.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "hrana/requests.hpp"
#include "hrana/response_writer.hpp"
#include "server/base/failure.hpp"
#include "server/databases/database_session.hpp"
#include "server/run/context.hpp"

namespace libsql::server {

/// The SQL text of each step of a batch, viewed in the request or in the store of texts.
using SqlTexts = std::span<const std::string_view>;

/// Throws ProtocolViolation unless every condition refers to earlier steps only.
void check_conditions(const hrana::Batch& batch);

/// Which steps of a batch have succeeded so far.
class StepStates {
 public:
  explicit StepStates(std::size_t steps) : succeeded_(steps) {}
  void set_succeeded(std::size_t step) { succeeded_[step] = true; }
  /// As observed in sqld 0.24.33: `error` also holds for skipped steps.
  bool holds(const hrana::BatchCond& condition, const DatabaseSession& session) const;

 private:
  std::vector<bool> succeeded_;
};

/// Runs one request after the other on one session. All members throw StatementFailure for errors that belong in the
/// answer, and RequestRefused. The writer then holds an unfinished answer, which its fail() takes back.
/// Threads: one at a time, within a DatabaseSession::Use.
class Executor {
 public:
  Executor(DatabaseSession& session, const Context& context, const Cancellation& cancellation,
           ResponseShare& share) noexcept
      : session_(session), context_(context), cancellation_(cancellation), share_(share) {}

  /// Writes the answer without its end, for which the caller passes the returned totals and the replication index to
  /// end_execute(): the index of a shared commit is known only after the commit.
  hrana::StmtTotals execute(std::string_view sql, const detail::ParamsView& args, hrana::ResponseWriter& writer);
  /// The same without end_batch(). `texts` has the SQL of each step. Call check_conditions() first.
  void batch(const hrana::Batch& batch, SqlTexts texts, hrana::ResponseWriter& writer);
  void sequence(std::string_view sql);
  void describe(std::string_view sql, hrana::ResponseWriter& writer);

  /// Refuses statements that could not be run whatever the tables contain, before any step of the batch runs.
  void validate(const hrana::Batch& batch, SqlTexts texts);
  /// The same for a single text. Throws unless it holds exactly one statement.
  void validate(std::string_view sql);
  /// Throws if the client has gone.
  void require_going_on() const;
  /// Whether something ran that may have written or committed.
  bool may_have_written() const noexcept { return may_have_written_; }

 private:
  StatementTraits describable(std::string_view statement) const;
  hrana::StmtTotals run(std::string_view sql, const detail::ParamsView& args, hrana::ResponseWriter& writer);
  void require_room(const hrana::ResponseWriter& writer);
  void step(std::string_view sql, const hrana::BatchStep& step, hrana::ResponseWriter& writer, StepStates& states,
            std::size_t index);

  DatabaseSession& session_;
  const Context& context_;
  const Cancellation& cancellation_;
  ResponseShare& share_;
  bool may_have_written_ = false;
};

StatementFailure invalid_text();

}  // namespace libsql::server

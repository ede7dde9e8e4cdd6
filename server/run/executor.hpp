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

/// The SQL texts of a batch's steps, where they stand or where they are stored.
using SqlTexts = std::span<const std::string_view>;

/// Throws ProtocolViolation unless every condition refers to earlier steps only.
void check_conditions(const hrana::Batch& batch);

/// What became of the steps of a batch so far.
class StepStates {
 public:
  explicit StepStates(std::size_t steps) : succeeded_(steps) {}
  void set_succeeded(std::size_t step) { succeeded_[step] = true; }
  /// As sqld 0.24.33 was observed to see it: `error` is true of skipped steps too.
  bool holds(const hrana::BatchCond& condition, const DatabaseSession& session) const;

 private:
  std::vector<bool> succeeded_;
};

/// For one program after the other on one session. Everything throws StatementFailure for what belongs into the answer,
/// and RequestRefused; the writer then holds an unfinished answer, which its fail() takes back.
/// Threads: one at a time, with a DatabaseSession::Use.
class Executor {
 public:
  Executor(DatabaseSession& session, const Context& context, const Cancellation& cancellation,
           ResponseShare& share) noexcept
      : session_(session), context_(context), cancellation_(cancellation), share_(share) {}

  void execute(std::string_view sql, const detail::ParamsView& args, hrana::ResponseWriter& writer);
  /// `texts` has the SQL of each step; check_conditions() comes first.
  void batch(const hrana::Batch& batch, SqlTexts texts, hrana::ResponseWriter& writer);
  void sequence(std::string_view sql);
  void describe(std::string_view sql, hrana::ResponseWriter& writer);

  /// Refuses what cannot be run whatever the tables may be: no step of the batch runs then.
  void validate(const hrana::Batch& batch, SqlTexts texts);
  /// The same for one text; returns the only statement in it.
  void validate(std::string_view sql);
  /// Throws if its client is gone.
  void require_going_on() const;

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
};

StatementFailure invalid_text();

}  // namespace libsql::server

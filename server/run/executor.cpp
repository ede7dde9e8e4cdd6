#include "server/run/executor.hpp"

#include <algorithm>
#include <vector>

#include "engine/statement.hpp"
#include "server/databases/syntax.hpp"
#include "server/run/client_statement.hpp"
#include "sql/split.hpp"

namespace libsql::server {
namespace {

void check_condition(const hrana::BatchCond& condition, std::size_t step) {
  using Kind = hrana::BatchCond::Kind;
  if ((condition.kind == Kind::Ok || condition.kind == Kind::Error) && condition.step >= step) {
    throw ProtocolViolation("Condition of step " + std::to_string(step) + " refers to step " +
                            std::to_string(condition.step) + ", which does not come before it");
  }
  for (const hrana::BatchCond& inner : condition.conds) check_condition(inner, step);
}

hrana::WireError wire(const StatementFailure& failure) { return {failure.what(), failure.code(), {}}; }

}  // namespace

StatementFailure invalid_text() { return {"INVALID_UTF8", "A text of the result is not valid UTF-8"}; }

void check_conditions(const hrana::Batch& batch) {
  for (std::size_t i = 0; i < batch.steps.size(); ++i) {
    if (batch.steps[i].condition != nullptr) check_condition(*batch.steps[i].condition, i);
  }
}

bool StepStates::holds(const hrana::BatchCond& condition, const DatabaseSession& session) const {
  const auto inner = [&](const hrana::BatchCond& one) { return holds(one, session); };
  switch (condition.kind) {
    case hrana::BatchCond::Kind::Ok:
      return succeeded_[condition.step];
    case hrana::BatchCond::Kind::Error:
      return !succeeded_[condition.step];
    case hrana::BatchCond::Kind::Not:
      return !inner(condition.conds.front());
    case hrana::BatchCond::Kind::And:
      return std::all_of(condition.conds.begin(), condition.conds.end(), inner);
    case hrana::BatchCond::Kind::Or:
      return std::any_of(condition.conds.begin(), condition.conds.end(), inner);
    case hrana::BatchCond::Kind::IsAutocommit:
      return session.is_autocommit();
  }
  return false;
}

void Executor::require_going_on() const {
  if (cancellation_.is_cancelled()) throw StatementFailure("SQLITE_INTERRUPT", "SQLite error: interrupted");
}

hrana::StmtTotals Executor::run(std::string_view sql, const detail::ParamsView& args, hrana::ResponseWriter& writer) {
  require_going_on();
  ClientStatement run(session_, context_);
  run.prepare(sql);
  may_have_written_ |= run.traits().kind != StatementClass::Read;
  run.start(args);
  run.write_columns(writer);
  const Limits& limits = context_.options().limits;
  const std::uint64_t most_rows = limits.rows == 0 ? UINT64_MAX : limits.rows;
  for (std::uint64_t rows = 0; run.next(); ++rows) {
    if (!writer.row(run.row())) {
      run.fail("INVALID_UTF8");
      throw invalid_text();
    }
    if (rows >= most_rows || writer.request_bytes() > limits.response_bytes) {
      run.fail("RESPONSE_TOO_LARGE");
      context_.throw_too_large();
    }
    if (const Whose whose = share_.grow_to(writer.total_bytes()); whose != Whose::Nobody) {
      run.fail("TOO_MANY_RESPONSES");
      context_.throw_too_large(whose);
    }
  }
  return run.finish();
}

hrana::StmtTotals Executor::execute(std::string_view sql, const detail::ParamsView& args,
                                    hrana::ResponseWriter& writer) {
  writer.begin_execute();
  return run(sql, args, writer);
}

void Executor::validate(std::string_view sql) {
  if (const StatementTraits* const known = session_.known(sql)) return context_.authorise(*known);
  const std::string_view text = only_statement(sql);
  const StatementTraits traits = traits_of(text);
  require_supported(text, traits);
  context_.authorise(traits);
}

void Executor::validate(const hrana::Batch& batch, SqlTexts texts) {
  for (std::size_t i = 0; i < batch.steps.size(); ++i) {
    const detail::ParamsView& args = batch.steps[i].stmt.args;
    if (!args.positional.empty() && !args.named.empty()) {
      throw StatementFailure("ARGS_BOTH_POSITIONAL_AND_NAMED",
                             "Specifying both positional and named arguments is not supported");
    }
    validate(texts[i]);
  }
}

void Executor::step(std::string_view sql, const hrana::BatchStep& step, hrana::ResponseWriter& writer,
                    StepStates& states, std::size_t index) {
  writer.begin_step();
  try {
    writer.end_step(run(sql, step.stmt.args, writer));
    states.set_succeeded(index);
  } catch (const ResponseTooLarge&) {
    throw;
  } catch (const StatementFailure& failure) {
    writer.fail_step(wire(failure));
    context_.note_code(index, failure.engine_code());
  }
}

// Results without rows count too: a batch may have very many steps.
void Executor::require_room(const hrana::ResponseWriter& writer) {
  if (writer.request_bytes() > context_.options().limits.response_bytes) context_.throw_too_large();
  if (const Whose whose = share_.grow_to(writer.total_bytes()); whose != Whose::Nobody) context_.throw_too_large(whose);
}

void Executor::batch(const hrana::Batch& batch, SqlTexts texts, hrana::ResponseWriter& writer) {
  validate(batch, texts);
  StepStates states(batch.steps.size());
  writer.begin_batch();
  for (std::size_t i = 0; i < batch.steps.size(); ++i) {
    const hrana::BatchStep& step = batch.steps[i];
    if (step.condition != nullptr && !states.holds(*step.condition, session_)) {
      writer.skip_step();
    } else {
      this->step(texts[i], step, writer, states, i);
    }
    require_room(writer);
  }
}

void Executor::sequence(std::string_view sql) {
  for (const sql::Statement& statement : sql::split(sql)) validate(statement.text);
  for (const sql::Statement& statement : sql::split(sql)) {
    require_going_on();
    ClientStatement run(session_, context_);
    run.prepare(statement.text);
    run.start({});
    while (run.next()) {
    }
    run.finish();
  }
}

// Describing needs the right to read only, even for a statement that writes, as nothing is run. PRAGMAs are the
// exception, because they may act when compiled: one that clients may not run is refused here, and describe() does not
// even compile one that sets something.
StatementTraits Executor::describable(std::string_view statement) const {
  const StatementTraits traits = traits_of(statement);
  if (!traits.is_pragma && sql::classify(statement).kind == sql::StatementKind::Pragma) {
    require_supported(statement, traits);
  }
  StatementTraits needed;
  needed.kind = StatementClass::Read;
  context_.authorise(needed);
  return traits;
}

void Executor::describe(std::string_view sql, hrana::ResponseWriter& writer) {
  std::vector<hrana::DescribeParam> params;
  hrana::DescribeResult result;
  require_no_nul(sql);
  sql::Splitter splitter(sql);
  const auto first = splitter.next();
  const StatementTraits traits = first ? describable(first->text) : StatementTraits{};
  if (!first || (traits.is_pragma && traits.needs_write())) {
    result.is_readonly = !first;
    return writer.describe(result);
  }
  try {
    const auto statement = session_.compile(for_engine(first->text, traits));
    std::vector<hrana::Col>& columns = session_.scratch.columns;
    columns.clear();
    for (const Column& column : statement->columns()) {
      hrana::Col& to = columns.emplace_back();
      to.name = column.name;
      if (!column.declared_type.empty()) to.decltype_name = column.declared_type;
    }
    for (int i = 1; i <= statement->parameter_count(); ++i) {
      const std::string_view name = statement->parameter_name(i);
      hrana::DescribeParam& param = params.emplace_back();
      if (!name.empty()) param.name = name;
    }
    result.params = params;
    result.cols = columns;
    result.is_explain = traits.is_explain;
    result.is_readonly = statement->is_readonly();
    writer.describe(result);
  } catch (const Error& error) {
    throw failure_of(error);
  }
}

}  // namespace libsql::server

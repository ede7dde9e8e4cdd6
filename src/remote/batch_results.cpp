#include "remote/batch_results.hpp"

#include "core/errors.hpp"
#include "remote/failures.hpp"

namespace libsql::remote {
namespace {

StatementResult result_of(Session& session, const Text& text, const hrana::StmtResult& result) {
  StatementResult taken;
  const std::size_t count = result.cols.size();
  for (const hrana::Col& col : result.cols) taken.columns.emplace_back(col.name.value_or(std::string_view()));
  if (result.row_count > 0) {
    const auto names = std::make_shared<const std::vector<std::string>>(taken.columns);
    taken.rows.reserve(result.row_count);
    for (std::size_t i = 0; i < result.row_count; ++i) {
      std::vector<Value> values;
      values.reserve(count);
      for (const ValueRef& cell : result.row(i)) values.emplace_back(cell);
      taken.rows.emplace_back(std::move(values), names);
    }
  }
  if (text.changes_rows()) taken.changes = result.totals.affected_row_count;
  taken.last_insert_rowid = session.counters().last_insert_rowid;
  return taken;
}

}  // namespace

void throw_wire_error(Session& session, const hrana::WireError& error, const Text& text,
                      std::optional<std::size_t> index) {
  detail::ErrorData data = error_of(error, text);
  data.statement_index = index;
  Conversation& conversation = session.conversation();
  if (data.code == ErrorCode::TransactionLost && conversation.is_open()) {
    conversation.lose("the transaction is lost: " + data.message);
  }
  data.transaction_open = conversation.is_open();
  session.note_failure();
  core::throw_error(std::move(data));
}

void throw_skipped(Session& session, std::string_view sql, std::optional<std::size_t> index) {
  Conversation& conversation = session.conversation();
  if (conversation.is_open()) conversation.lose("the transaction is lost: the server has ended it");
  detail::ErrorData data;
  data.code = ErrorCode::TransactionLost;
  data.origin = ErrorOrigin::Server;
  data.message = "the transaction is lost: the server has ended it, and did not run the statement outside it";
  data.sql = sql;
  data.statement_index = index;
  data.transaction_open = false;
  session.note_failure();
  core::throw_error(std::move(data));
}

void note_step(Session& session, const Text& text, const hrana::Stmt& stmt, const hrana::StmtResult& result) {
  const hrana::StmtTotals& totals = result.totals;
  session.note_statement();
  session.note(text, totals.affected_row_count, totals.last_insert_rowid, result.row_count);
  core::ObserverList& observers = session.observers();
  if (observers.empty()) return;
  observers.started(&stmt, stmt.args);
  core::StatementRun run;
  run.sql = text.source;
  run.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::milli>(totals.query_duration_ms));
  run.rows = result.row_count;
  run.changes = text.changes_rows() ? totals.affected_row_count : 0;
  run.rows_scanned = totals.rows_read;
  observers.finished(&stmt, run);
}

void take_results(Session& session, const hrana::BatchResult& batch, std::uint32_t first_step,
                  std::span<const std::shared_ptr<Text>> texts, std::span<const hrana::Stmt> stmts, std::size_t index,
                  std::vector<StatementResult>& results) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const hrana::StepOutcome* const outcome = batch.find(first_step + static_cast<std::uint32_t>(i));
    if (outcome == nullptr) throw_skipped(session, texts[i]->source, index + i);
    if (outcome->error() != nullptr) throw_wire_error(session, *outcome->error(), *texts[i], index + i);
    note_step(session, *texts[i], stmts[i], *outcome->result());
    results.push_back(result_of(session, *texts[i], *outcome->result()));
  }
}

}  // namespace libsql::remote

#include "remote/session.hpp"

#include <algorithm>

#include <libsql/batch.hpp>
#include <libsql/transaction.hpp>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "core/query_log.hpp"
#include "remote/arguments.hpp"
#include "remote/failures.hpp"
#include "remote/statement.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::remote {

using std::chrono::milliseconds;

namespace {

const core::Features& remote_features() {
  static const core::Features kFeatures(Mode::Remote);
  return kFeatures;
}

}  // namespace

Session::Session(std::shared_ptr<Store> store)
    : core::Session(remote_features()),
      store_(std::move(store)),
      interrupt_(std::make_shared<CallInterrupt>()),
      conversation_(store_->wire()) {
  settings_.busy_timeout = store_->options().busy_timeout;
  settings_.deadline = store_->options().default_deadline;
  set_initial_settings(settings_);
  clean_ = settings_;
  for (const QueryLog& log : store_->options().query_logs) {
    observers_.add(core::make_query_log_observer(log), core::ObserverLife::Connection);
  }
}

Session::~Session() = default;

// -- running ---------------------------------------------------------------------------------------------------------

void Session::require_sendable(const Text& text) {
  require_open();
  if (to_report_ != nullptr && undoing_ == 0) [[unlikely]]
    std::rethrow_exception(std::exchange(to_report_, nullptr));
  conversation_.check(text.source);
  if (guarded_ && text.what.explain == sql::ExplainMode::None &&
      (text.what.kind == sql::StatementKind::Begin || text.what.kind == sql::StatementKind::Commit ||
       text.what.kind == sql::StatementKind::Rollback)) {
    core::throw_foreign_transaction("SQL text cannot begin or end a transaction here", text.source);
  }
  if (text.what.access == sql::Access::Write && (settings_.refuses_writes || conversation_.is_read_only())) {
    detail::ErrorData data;
    data.code = ErrorCode::ReadOnly;
    data.message = conversation_.is_read_only() ? "the transaction is read-only" : "the connection is read-only";
    data.sql = text.source;
    data.transaction_open = conversation_.is_open();
    core::throw_error(std::move(data));
  }
  if (!conversation_.is_open() && text.sets_up_stream() && !keeps_setting(text)) {
    core::throw_unsupported("setting up the connection with a separate statement", "remote",
                            "outside a transaction every statement has its own connection on the server; put it "
                            "into the transaction or the batch that needs it");
  }
}

void Session::enter(core::Span span) noexcept {
  if (span == core::Span::Undo) {
    interrupt_->suspend();
    ++undoing_;
    return;
  }
  interrupt_->begin();
  if (calls_++ == 0) call_deadline_ = new_deadline();
}

void Session::leave(core::Span span) noexcept {
  if (span == core::Span::Undo) {
    --undoing_;
    interrupt_->resume();
    return;
  }
  --calls_;
  interrupt_->end();
}

net::Deadline Session::new_deadline() const {
  return settings_.deadline ? net::Deadline::after(*settings_.deadline) : net::Deadline();
}

void Session::check_call(std::string_view sql) const {
  if (calls_ == 0 || undoing_ > 0) return;
  const bool interrupted = interrupt_->waits().triggered();
  if (!interrupted && !call_deadline_.passed()) return;
  detail::ErrorData data;
  data.code = interrupted ? ErrorCode::Interrupted : ErrorCode::Timeout;
  data.message = interrupted ? "interrupted between two statements of a call"
                             : "the deadline passed between two statements of a call";
  data.sql = sql;
  data.retryable = !interrupted;
  data.transaction_open = conversation_.is_open();
  core::throw_error(std::move(data));
}

// Settings can be repeated on each stream; attached databases and temporary objects cannot.
bool Session::keeps_setting(const Text& text) const noexcept {
  return store_->options().keep_settings && text.sets_up_stream() && text.what.kind == sql::StatementKind::Pragma;
}

void Session::note_setting(const Text& text) {
  if (!keeps_setting(text)) return;
  // In a transaction the one does nothing, and the other ends with it.
  const sql::PragmaInfo* const info = sql::find_pragma(text.what.name);
  const bool of_transaction = info != nullptr && info->bound_to_transaction;
  if (!of_transaction || !conversation_.is_open()) conversation_.keep_setting(text.what.name, text.statement);
}

Call Session::call(std::string_view sql, bool reads) const {
  // What came between two requests of a call shows before the next one is sent: a transaction survives it then.
  check_call(sql);
  Call call;
  call.wait.interrupt = &interrupt_->waits();
  call.wait.deadline = calls_ > 0 && undoing_ == 0 ? call_deadline_ : new_deadline();
  call.sql = sql;
  call.repeatable = reads && !conversation_.is_open();
  constexpr std::chrono::hours kLongest{24 * 365};
  call.busy_until = core::SteadyClock::now() + std::min<std::chrono::milliseconds>(settings_.busy_timeout, kLongest);
  return call;
}

void Session::wait_for_lock(const Call& call, std::chrono::steady_clock::time_point until, unsigned attempt) {
  using std::chrono::nanoseconds;
  ++statistics_.busy_waits;
  const nanoseconds left = until - core::SteadyClock::now();
  const nanoseconds nap = std::min<nanoseconds>(milliseconds(5) * (1U << std::min(attempt, 5U)), left);
  sleep(std::max(nap, nanoseconds(0)), call);
}

void Session::sleep(std::chrono::nanoseconds time, const Call& call) {
  try {
    net::sleep_for(time, call.wait);
  } catch (const net::NetError& error) {
    throw_network(error, call, Standing::Alone);
  }
}

void Session::pause(std::chrono::nanoseconds time) {
  const CallInterrupt::Running running(*interrupt_);
  sleep(time, call({}, true));
}

bool Session::is_rollback_of_lost(const Text& text) const noexcept {
  return text.what.kind == sql::StatementKind::Rollback && text.what.explain == sql::ExplainMode::None &&
         conversation_.is_lost() && !conversation_.is_watched();
}

void Session::note_columns(Text& text, std::span<const hrana::Col> cols) {
  if (!text.description || has_columns(*text.description, cols)) return;
  const bool is_readonly = text.description->is_readonly;
  texts_.forget_descriptions();  // nor is what is known of the others certain any more
  text.description = Description{columns_of(cols), is_readonly};
}

void Session::note_refusal(Text& text, const Error& error) noexcept {
  if (error.code() == ErrorCode::SqlError && error.origin() == ErrorOrigin::Server) text.description.reset();
}

Ran Session::run(Text& text, const core::ParamsView& params, bool want_rows) {
  const CallInterrupt::Running running(*interrupt_);
  require_sendable(text);
  const Arguments arguments(text, params);
  make_way(text.source);
  const Call call = this->call(text.source, text.is_read());
  hrana::Stmt stmt;
  stmt.sql.text = text.sent();
  stmt.args = arguments.view();
  stmt.want_rows = want_rows;
  ++statistics_.statements;
  RunScope scope(*this, &text, text.source, params);
  try {
    Ran ran = patiently(call, [&] { return conversation_.execute(text, stmt, call); });
    note_setting(text);
    const hrana::StmtTotals& totals = ran.result->totals;
    const std::uint64_t changed = text.changes_rows() ? totals.affected_row_count : 0;
    note(text, totals.affected_row_count, totals.last_insert_rowid, ran.result->row_count);
    // Servers may leave out the columns of rows that were not asked for.
    if (want_rows || !ran.result->cols.empty()) note_columns(text, ran.result->cols);
    scope.finished(ran.result->row_count, changed, totals.rows_read);
    return ran;
  } catch (const Error& error) {
    note_refusal(text, error);
    scope.failed(&error);
    throw;
  } catch (const hrana::EncodeError& error) {
    scope.failed(nullptr);
    throw_if_not_sendable(text, stmt.args, conversation_.wire().encoding() == hrana::Encoding::Json);
    core::throw_error(ErrorCode::SqlError, std::string("the statement cannot be sent: ") + error.what(), text.source);
  }
}

void Session::note(const Text& text, std::uint64_t affected, std::optional<std::int64_t> rowid, std::uint64_t rows) {
  statistics_.rows += rows;
  if (text.changes_rows()) {
    counters_.changes = affected;
    counters_.total_changes += affected;
    statistics_.changes += affected;
    // Of a statement that inserted nothing it is whatever the server's connection had before.
    if (rowid && affected > 0) counters_.last_insert_rowid = *rowid;
  }
  if (text.changes_schema()) texts_.forget_descriptions();
}

std::uint64_t Session::execute(std::string_view sql, const core::ParamsView& params) {
  require_open();
  const CallInterrupt::Running running(*interrupt_);  // understanding the text is a part of the call
  const std::shared_ptr<Text> text = texts_.get(sql);
  if (is_rollback_of_lost(*text)) {
    conversation_.forget();
    return 0;
  }
  const Ran ran = run(*text, params, false);
  return text->changes_rows() ? ran.result->totals.affected_row_count : 0;
}

Description Session::describe(const Text& text) {
  require_open();
  conversation_.check(text.source);
  make_way(text.source);
  const CallInterrupt::Running running(*interrupt_);
  try {
    return conversation_.describe(text, call(text.source, true));
  } catch (const Error& error) {
    note_failure();
    observers_.refused(text.source, error);
    throw;
  } catch (const hrana::EncodeError& error) {
    core::throw_error(ErrorCode::SqlError, std::string("the statement cannot be sent: ") + error.what(), text.source);
  }
}

std::shared_ptr<core::Stmt> Session::prepare(std::string_view sql, core::Use use) {
  require_open();
  if (use == core::Use::Once) return std::make_shared<Statement>(*this, texts_.get(sql));
  const CallInterrupt::Running running(*interrupt_);
  std::shared_ptr<Text> text = texts_.get(sql);
  if (!text->description) text->description = describe(*text);
  text->proved = true;
  return std::make_shared<Statement>(*this, std::move(text));
}

// -- transactions ----------------------------------------------------------------------------------------------------

std::uint64_t Session::run_text(std::string_view sql) { return execute(sql, {}); }

void Session::begin(TransactionBehavior behavior) {
  switch (behavior) {
    case TransactionBehavior::Deferred:
      run_text("BEGIN");
      break;
    case TransactionBehavior::Immediate:
      run_text("BEGIN IMMEDIATE");
      break;
    case TransactionBehavior::Exclusive:
      run_text("BEGIN EXCLUSIVE");
      break;
    case TransactionBehavior::ReadOnly:
      try {
        run_text("BEGIN TRANSACTION READONLY");
      } catch (const SqlError&) {  // an extension of libSQL's, which not every server has; writes are refused here, too
        run_text("BEGIN");
      }
      break;
  }
  if (behavior == TransactionBehavior::ReadOnly) {
    conversation_.watch_read_only();
  } else {
    conversation_.watch(true);
  }
  ++statistics_.transactions;
}

void Session::commit() {
  run_text("COMMIT");
  conversation_.watch(false);
  forget_handles();
  ++statistics_.commits;
}

void Session::rollback() {
  require_open();
  end_transactions();
  ++statistics_.rollbacks;
}

void Session::end_transactions() noexcept {
  // What is still coming on the transaction's stream ends with it.
  if (CursorRun* const run = conversation_.streaming()) run->cut("the rows ended with their transaction");
  {
    const core::UndoScope undo(*this);
    const CallInterrupt::Running running(*interrupt_);
    conversation_.roll_back(call("ROLLBACK", false));
  }
  conversation_.watch(false);
  forget_handles();
}

void Session::savepoint(core::SavepointStep step, std::string_view name) {
  const std::string quoted = sql::quote_identifier(name);
  switch (step) {
    case core::SavepointStep::Set:
      run_text("SAVEPOINT " + quoted);
      break;
    case core::SavepointStep::Release:
      run_text("RELEASE " + quoted);
      break;
    case core::SavepointStep::RollBackTo:
      run_text("ROLLBACK TO " + quoted);
      break;
    case core::SavepointStep::Undo:
      undo_savepoint(quoted);
      break;
  }
}

void Session::undo_savepoint(const std::string& quoted) {
  require_open();
  const std::string script = "ROLLBACK TO " + quoted + "; RELEASE " + quoted;
  conversation_.check(script);
  if (!conversation_.is_open()) return;
  // Undoing must not fail for the sake of rows.
  const core::UndoScope undo(*this);
  const CallInterrupt::Running running(*interrupt_);
  if (!keep_rows()) {
    conversation_.streaming()->cut(
        "the rows ended because a savepoint was rolled back while they were too many to buffer");
  }
  conversation_.check(script);  // reading them may have shown that it is gone
  if (!conversation_.is_open()) return;
  conversation_.undo_savepoint(script, call(script, false));
}

void Session::abandon(std::string reason) noexcept {
  end_cursors();
  conversation_.forget();
  forget_handles();
  standing_.end(std::move(reason));
}

// -- life ------------------------------------------------------------------------------------------------------------

void Session::ping() { prepare("SELECT 1 FROM sqlite_master LIMIT 1", core::Use::Once)->execute({}); }

void Session::require_unguarded(const char* what) const {
  if (guarded_) core::throw_foreign_transaction(what);
}

void Session::close() {
  if (is_closed()) return;
  require_unguarded("the connection cannot be closed");
  core::StatementsInUse in_use;
  for (const Statement* const statement : live_) {
    if (statement->is_in_use()) in_use.add(statement->sql());
  }
  in_use.require_none();
  end_transactions();
  conversation_.forget();
  standing_.end("the connection is closed");
}

void Session::end_cursors() noexcept {
  for (Statement* const statement : live_) statement->close_cursor();
}

core::Reset Session::undo_use(core::Reset least) {
  require_open();
  require_unguarded("the connection cannot be reset");
  if (least == core::Reset::Traces && interrupt_.use_count() > 1) interrupt_ = std::make_shared<CallInterrupt>();
  end_cursors();
  end_transactions();
  conversation_.forget();
  observers_.end_until_reset();
  to_report_ = nullptr;
  counters_.last_insert_rowid = 0;
  if (least == core::Reset::Everything) {
    texts_.clear();
    clean_ = initial_settings();
  }
  settings_ = clean_;
  return least;
}

void Session::release_memory() {
  require_open();
  texts_.clear();
}

void Session::remove(Statement& statement) noexcept { std::erase(live_, &statement); }

// Whether the transaction's stream is free now.
bool Session::keep_rows() {
  CursorRun* const run = conversation_.streaming();
  if (run == nullptr) return true;
  const CallInterrupt::Running running(*interrupt_);
  return run->keep_rest(store_->options().row_buffer, call(run->text().source, run->text().is_read()));
}

void Session::make_way(std::string_view sql) {
  const bool was_open = conversation_.is_open();
  if (keep_rows()) {
    // Reading them may have shown that the transaction is gone: what is sent now would run outside it.
    if (!was_open || conversation_.is_open()) return;
    conversation_.check(sql);
    core::throw_error(ErrorCode::TransactionLost, "the transaction has ended: its open rows have the error", sql);
  }
  detail::ErrorData data;
  data.code = ErrorCode::TooBig;
  data.message =
      "rows of the transaction are still arriving, and they exceed the " +
      std::to_string(store_->options().row_buffer) +
      " bytes that are buffered while it runs something else: read them first, close them, or raise row_buffer()";
  data.sql = conversation_.streaming()->text().source;
  data.transaction_open = conversation_.is_open();
  core::throw_error(std::move(data));
}

// -- facts -----------------------------------------------------------------------------------------------------------

core::ChangeCounters Session::counters() const {
  require_open();
  return counters_;
}

core::DatabaseFacts Session::facts() const {
  require_open();
  return {{}, settings_.refuses_writes};
}

ConnectionStatistics Session::figures() const {
  ConnectionStatistics statistics = statistics_;
  statistics.cache_hits = texts_.hits;
  statistics.cache_misses = texts_.misses;
  statistics.cache_evictions = texts_.evictions;
  statistics.cached_statements = texts_.size();
  statistics.cached_bytes = texts_.bytes();
  return statistics;
}

}  // namespace libsql::remote

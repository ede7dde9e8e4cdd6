#include "engine/statement.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <sqlite3.h>

#include <libsql/statement.hpp>

#include "core/errors.hpp"
#include "engine/argument_values.hpp"
#include "engine/connection_state.hpp"
#include "engine/hooks.hpp"
#include "engine/parameters.hpp"
#include "engine/row_values.hpp"
#include "engine/values.hpp"
#include "sql/arguments.hpp"
#include "sql/classify.hpp"
#include "sql/split.hpp"

namespace libsql::engine {
namespace {

// The system's engine has to be asked with SQL. So the schemas count as unknown there until columns() is called.
std::int64_t schemas_compiled_with([[maybe_unused]] Connection& connection) {
#ifdef LIBSQL_SYSTEM_SQLITE
  return -1;
#else
  return connection.schemas();
#endif
}

}  // namespace

std::shared_ptr<Statement> Statement::prepare(Connection& connection, std::string_view sql, Persistence persistence) {
  connection.require_open();
  connection.require_sql_allowed();
  connection.patience().start_deadline();
  if (connection.patience().is_in_call()) connection.patience().check_call();
  if (sql.data() == nullptr) sql = "";  // without an address, which the engine would report as misuse
  if (const std::size_t nul = sql.find('\0'); nul != std::string_view::npos) [[unlikely]]
    throw_nul(connection, sql, nul);
  const TextTraits traits = text_traits(sql);
  if (traits.trusts_schema) connection.renew_schemas();
  const char* tail = nullptr;
  sqlite3_stmt* stmt = compile(connection, sql, persistence, &tail);
  std::string_view rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  if (stmt == nullptr) {  // the text begins with at least one empty statement
    const auto first = sql::Splitter(rest).next();
    if (!first) core::throw_error(ErrorCode::Misuse, "the SQL text holds no statement", sql);
    sql = rest.substr(first->offset);
    stmt = compile(connection, sql, persistence, &tail);
    rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  }
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(stmt, &sqlite3_finalize);
  if (stmt == nullptr) core::throw_error(ErrorCode::Misuse, "the SQL text holds no statement", sql);
  if (!rest.empty()) {
    if (const auto next = sql::Splitter(rest).next()) {
      detail::ErrorData data;
      data.code = ErrorCode::Misuse;
      data.message = "a second statement follows the first: execute_batch() runs several";
      data.sql = sql;
      data.offset = sql.size() - rest.size() + next->offset;
      core::throw_error(std::move(data));
    }
  }
  std::shared_ptr<Statement> statement(new Statement(connection, stmt, std::string(sql), persistence, traits));
  static_cast<void>(owner.release());
  statement->looks_through_schema_ = connection.only_schema_has_strings() && alters_table(sql);
  return statement;
}

Statement::Statement(Connection& connection, sqlite3_stmt* stmt, std::string sql, Persistence persistence,
                     TextTraits traits)
    : connection_(&connection),
      stmt_(stmt),
      sql_(std::move(sql)),
      persistence_(persistence),
      traits_(traits),
      schemas_(schemas_compiled_with(connection)),
      next_(connection.first_statement_) {
  look_at_handle();
  if (next_ != nullptr) next_->previous_ = this;
  connection.first_statement_ = this;
}

// Reads what the compiled statement says about itself.
void Statement::look_at_handle() noexcept {
  parameter_count_ = sqlite3_bind_parameter_count(stmt_);
  column_count_ = sqlite3_column_count(stmt_);
  readonly_ = sqlite3_stmt_readonly(stmt_) != 0;
  may_write_ = !readonly_ && sqlite3_stmt_isexplain(stmt_) == 0 && !traits_.asks_journal_mode;
#ifndef LIBSQL_SYSTEM_SQLITE
  libsql_engine_keep_interrupts(stmt_);
#endif
}

Statement::~Statement() {
  if (connection_ == nullptr) return;
  if (open_) close_cursor();
  detach();
}

inline void Statement::end_run(std::uint64_t changes, Outcome outcome, const Error* error) noexcept {
  connection_->statistics.rows += rows_;
  connection_->statistics.changes += changes;
  const unsigned attention = connection_->attention();
  if ((attention & Connection::kWriteGate) != 0 ||
      ((attention & Connection::kEndAwaited) != 0 && is_autocommit(connection_->db_))) [[unlikely]]
    connection_->write_gate()->after_statement(*connection_);
  if (observed_) [[unlikely]]
    end_observed_run(changes, outcome, error);
}

void Statement::detach() noexcept {
  if (open_ && connection_ != nullptr) end_run(0, Outcome::Done, nullptr);
  sqlite3_finalize(stmt_);
  stmt_ = nullptr;
  if (open_) ++cursor_id_;
  open_ = first_row_ = false;
  if (connection_ == nullptr) return;
  if (previous_ != nullptr) previous_->next_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  if (connection_->first_statement_ == this) connection_->first_statement_ = next_;
  previous_ = next_ = nullptr;
  connection_ = nullptr;
}

void Statement::require_stmt() const {
  if (stmt_ == nullptr) [[unlikely]]
    core::throw_error(ErrorCode::Misuse, "the statement is finalised", sql_);
}

void Statement::finalize() {
  if (running_) core::throw_error(ErrorCode::Misuse, "a running statement cannot be finalised", sql_);
  if (open_) close_cursor();
  detach();
}

// -- arguments -------------------------------------------------------------------------------------------------------

namespace {
constexpr int kNotANumber = -1;  // not one of the engine's codes
constexpr std::size_t kIntMax = std::numeric_limits<int>::max();
}  // namespace

// Tests the commonest types first, and prefers the bind functions with an int as size, which take a shorter way through
// the engine. Binding is a third of what a small statement costs beyond the engine.
inline int Statement::bind_value(int number, const ValueRef& value, bool copy) noexcept {
  const ValueType type = value.type();
  if (type == ValueType::Integer) return sqlite3_bind_int64(stmt_, number, value.integer());
  if (type == ValueType::Text) {
    const bool own = copy && !value.is_borrowed();
    copied_ |= own;
    // An empty view may lack an address. The engine would take that for NULL.
    const char* data = value.text().data() == nullptr ? "" : value.text().data();
    const auto lifetime = own ? SQLITE_TRANSIENT : SQLITE_STATIC;
    if (value.size() <= kIntMax) [[likely]]
      return sqlite3_bind_text(stmt_, number, data, static_cast<int>(value.size()), lifetime);
    return sqlite3_bind_text64(stmt_, number, data, value.size(), lifetime, SQLITE_UTF8);
  }
  if (type == ValueType::Real) {
    // The engine would store NULL, which must not happen silently.
    return std::isnan(value.real()) ? kNotANumber : sqlite3_bind_double(stmt_, number, value.real());
  }
  if (type == ValueType::Null) return sqlite3_bind_null(stmt_, number);
  if (value.is_zero_blob()) return sqlite3_bind_zeroblob64(stmt_, number, value.size());
  const bool own = copy && !value.is_borrowed();
  copied_ |= own;
  const void* data = value.blob().data() == nullptr ? static_cast<const void*>("") : value.blob().data();
  return sqlite3_bind_blob64(stmt_, number, data, value.size(), own ? SQLITE_TRANSIENT : SQLITE_STATIC);
}

void Statement::fail_bind(int number, int rc) {
  if (rc == kNotANumber) {
    sql::throw_not_a_number(number, sql_);
  }
  connection_->fail(rc, sql_);
}

void Statement::bind_one(int number, const ValueRef& value, bool copy) {
  if (const int rc = bind_value(number, value, copy); rc != SQLITE_OK) [[unlikely]]
    fail_bind(number, rc);
}

// Releases copies of arguments. Otherwise large ones would stay in memory with a cached statement.
void Statement::forget_copies() noexcept {
  if (!copied_) return;
  sqlite3_clear_bindings(stmt_);
  copied_ = false;
}

void Statement::bind(const core::ParamsView& params, bool copy) {
  const std::size_t count = params.positional.size();
  if (!params.named.empty() || count != static_cast<std::size_t>(parameter_count_)) [[unlikely]]
    return bind_named(params, copy);
  ArgumentValues places(stmt_, static_cast<int>(count));
  int number = 0;
  for (const ValueRef& value : params.positional) {
    ++number;
    if (!places.write(value, copy)) [[unlikely]]
      bind_one(number, value, copy);
  }
}

void Statement::bind_named(const core::ParamsView& params, bool copy) {
  sql::give_arguments(Parameters(stmt_, sql_), params,
                      [&](int number, const ValueRef& value) { bind_one(number, value, copy); });
}

// -- running ---------------------------------------------------------------------------------------------------------

inline void Statement::begin(const core::ParamsView& params, bool copy) {
  if (stmt_ == nullptr || is_busy()) [[unlikely]]
    fail_begin();
  const std::uint64_t interrupts = connection_->patience().note_call();
  if (connection_->attention() != 0) connection_->before_call(*this);
  if (traits_.trusts_schema) [[unlikely]]
    connection_->renew_schemas();
  if (parameter_count_ != 0 || params.positional.size() + params.named.size() != 0) {
    try {
      bind(params, copy);
    } catch (...) {
      forget_copies();
      throw;
    }
  }
  constexpr unsigned kAtStart =
      Connection::kWriteGate | Connection::kObserved | Connection::kGuarded | Connection::kReadOnly;
  if ((connection_->attention() & kAtStart) != 0) [[unlikely]]
    start_run(params);
  ++connection_->statistics.statements;
  rows_ = 0;
  connection_->patience().keep_interrupt(interrupts);
}

void Statement::fail_begin() const {
  require_stmt();
  core::throw_error(ErrorCode::Misuse, "the statement is still running: end its Rows first, or reset() it", sql_);
}

// Whether the text begins or ends a transaction. Savepoints do neither.
bool Statement::is_transaction_control() noexcept {
  if (!transaction_control_) {
    const sql::StatementKind kind = sql::classify(sql_).kind;
    transaction_control_ =
        kind == sql::StatementKind::Begin || kind == sql::StatementKind::Commit || kind == sql::StatementKind::Rollback;
  }
  return *transaction_control_;
}

void Statement::start_run(const core::ParamsView& params) {
  if (connection_->has_transaction_guard() && is_transaction_control()) {
    core::throw_foreign_transaction("SQL text cannot begin or end a transaction here", sql_);
  }
  connection_->keep_read_only();
  if (WriteGate* const gate = connection_->write_gate(); gate != nullptr && may_write_) {
    gate->before_write(*connection_);
  }
  if (connection_->is_observed()) {
    observed_ = true;
    started_at_ = Clock::now();
    fullscan_before_ = sqlite3_stmt_status(stmt_, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
#ifdef SQLITE_DBCONFIG_STMT_SCANSTATUS
    if (connection_->counts_rows_scanned_) sqlite3_stmt_scanstatus_reset(stmt_);
#endif
    connection_->notify_started(*this, params);
  }
}

void Statement::end_observed_run(std::uint64_t changes, Outcome outcome, const Error* error) noexcept {
  observed_ = false;
  core::StatementRun run;
  run.duration = Clock::now() - started_at_;
  run.rows = rows_;
  run.changes = changes;
  run.failed = outcome == Outcome::Failed;
  run.error = error;
  connection_->notify_finished(*this, run);
}

void Statement::fail_run(int rc) {
  running_ = end_wanted_ = false;
  connection_->last_run_was_done_ = rc == SQLITE_DONE;
  const auto end = [&](const Error* error) {
    sqlite3_reset(stmt_);
    forget_copies();
    if (open_) ++cursor_id_;
    open_ = first_row_ = false;
    if (!readonly_) {
      connection_->roll_back_if_bound();
    } else {
      connection_->unbind();  // it has written nothing
    }
    Connection& connection = *connection_;
    end_run(0, Outcome::Failed, error);
    connection.settle_if_needed();  // listeners may use the connection, even to end this statement
  };
  try {
    connection_->fail(rc, sql_);
  } catch (const Error& error) {
    end(&error);
    throw;
  } catch (...) {
    end(nullptr);
    throw;
  }
}

inline int Statement::first_step() {
  const auto step = [this] {
    const int rc = sqlite3_step(stmt_);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? rc : step_again(rc);
  };
  if (looks_through_schema_) [[unlikely]] {
    const StringsInDoubleQuotes allowed(connection_->db_);
    return step();
  }
  return step();
}

// When a step finds a schema out of date, the engine compiles the statement again. That fails if another database's
// schema is out of date as well, or a schema changes once more; then all are read again, and the step is repeated.
int Statement::step_again(int rc) {
  if (may_be_out_of_date(rc) && sqlite3_expired(stmt_) != 0 &&
      (connection_->attention() & Connection::kKeptException) == 0 && connection_->renew_schemas()) {
    sqlite3_reset(stmt_);
    rc = sqlite3_step(stmt_);
  }
  return rc == SQLITE_ERROR ? step_with_strings() : rc;
}

// Compiling again failed on a missing column, which may be a string in double quotes in a view or trigger.
int Statement::step_with_strings() {
  sqlite3* const db = connection_->db_;
  if (!connection_->only_schema_has_strings() || !misses_a_column(db)) return SQLITE_ERROR;
  sqlite3_stmt* again = nullptr;
  const int rc = sqlite3_prepare_v3(db, sql_.data(), static_cast<int>(sql_.size()), 0, &again, nullptr);
  sqlite3_finalize(again);
  // If it compiles, the error came from the run, which must not be repeated.
  const char* tail = nullptr;
  again = rc == SQLITE_OK ? nullptr : compile_with_strings_in_schema(db, sql_, 0, &tail);
  sqlite3_reset(stmt_);  // makes the connection report the statement's own error again
  if (again == nullptr) return SQLITE_ERROR;
  sqlite3_finalize(again);
  const StringsInDoubleQuotes allowed(db);
  return sqlite3_step(stmt_);
}

std::uint64_t Statement::execute(const core::ParamsView& params) {
  begin(params, false);
  sqlite3* db = connection_->db_;
  const std::uint64_t before = readonly_ ? 0 : total_changes(db);
  running_ = true;
  int rc = first_step();
  while (rc == SQLITE_ROW) {
    ++rows_;
    rc = sqlite3_step(stmt_);
  }
  bool settle = false;
  if (rc != SQLITE_DONE || (connection_->attention() & (Connection::kKeptException | Connection::kSettle)) != 0)
      [[unlikely]] {
    if (rc != SQLITE_DONE || (connection_->attention() & Connection::kKeptException) != 0) fail_run(rc);
    settle = true;
  }
  running_ = false;
  // sqlite3_changes() does not change when a statement of another kind runs.
  const std::uint64_t changes =
      readonly_ || total_changes(db) == before ? 0 : static_cast<std::uint64_t>(sqlite3_changes64(db));
  sqlite3_reset(stmt_);
  end_run(changes, Outcome::Done, nullptr);
  if (settle) [[unlikely]]
    connection_->settle_if_needed();
  return changes;
}

void Statement::open(const core::ParamsView& params, core::ArgumentLifetime lifetime) {
  begin(params, lifetime == core::ArgumentLifetime::Copy);
  if (!readonly_) changes_before_ = total_changes(connection_->db_);
  open_ = true;
  borrows_ = lifetime == core::ArgumentLifetime::Borrow;
  ++cursor_id_;
  running_ = true;
  const int rc = first_step();
  running_ = false;
  if (rc == SQLITE_ROW && (connection_->attention() & Connection::kKeptException) == 0) [[likely]] {
    first_row_ = true;
    rows_ = 1;
    column_count_ = sqlite3_data_count(stmt_);
    if (std::exchange(end_wanted_, false)) [[unlikely]]
      close_cursor();
    return;
  }
  if (rc != SQLITE_DONE || (connection_->attention() & Connection::kKeptException) != 0) fail_run(rc);
  column_count_ = sqlite3_column_count(stmt_);
  end_wanted_ = false;
  // Without a row, the engine's statement has ended already. Ours stays open until next() has reported the end.
}

bool Statement::open_undoable(const core::ParamsView& params, detail::Wanted wanted) {
  if ((column_count_ == 0 || !readonly_) && stmt_ != nullptr && !is_busy()) [[unlikely]] {
    if (column_count_ == 0 && wanted != detail::Wanted::OneAtMost) return false;
#ifndef LIBSQL_SYSTEM_SQLITE
    if (!readonly_) libsql_engine_make_undoable(stmt_);
#endif
  }
  open(params, core::ArgumentLifetime::Borrow);
  return true;
}

void Statement::undo_cursor() noexcept {
#ifndef LIBSQL_SYSTEM_SQLITE
  if (open_ && !readonly_ && !running_) [[unlikely]]
    libsql_engine_undo(stmt_);
#endif
  close_cursor();
}

bool Statement::next() {
  if (first_row_) {
    first_row_ = false;
    return true;
  }
  if (!open_) return false;
  if (cut_) [[unlikely]] {
    close_cursor();
    core::throw_error(ErrorCode::Interrupted, "interrupted between two rows", sql_);
  }
  if (running_) [[unlikely]]
    core::throw_error(ErrorCode::Misuse, "a function called by the statement cannot ask for its next row", sql_);
  if (rows_ == 0) {  // open() has found the end already
    close_cursor();
    return false;
  }
  if (connection_->attention() != 0) [[unlikely]]
    connection_->before_next(*this);
  running_ = true;
  const int rc = sqlite3_step(stmt_);
  running_ = false;
  if (rc == SQLITE_ROW) [[likely]] {
    ++rows_;
    if (!end_wanted_) [[likely]]
      return true;
    end_wanted_ = false;
    close_cursor();
    return false;
  }
  if (rc != SQLITE_DONE || (connection_->attention() & Connection::kKeptException) != 0) fail_run(rc);
  close_cursor();
  return false;
}

ValueRef convert_value(sqlite3_value* value) noexcept { return value_ref(value); }

ValueRef Statement::cell(int column) noexcept {
  const std::size_t size = value_size();
  const char* first = first_value(stmt_);
  if (size != 0 && first != nullptr) [[likely]]
    return read_value(first + static_cast<std::size_t>(column) * size);
  // The value is unprotected, which is safe because only one thread at a time uses the connection.
  return convert_value(sqlite3_column_value(stmt_, column));
}

void Statement::read_cells(std::span<ValueRef> cells) noexcept {
  const std::size_t size = value_size();
  const char* value = first_value(stmt_);
  if (size == 0 || value == nullptr) [[unlikely]] {
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cell(static_cast<int>(i));
    return;
  }
  for (ValueRef& cell : cells) {
    cell = read_value(value);
    value += size;
  }
}

void Statement::close_cursor() noexcept {
  if (!open_) return;
  if (running_) [[unlikely]] {  // the caller is a function called by this statement, whose step has to end first
    end_wanted_ = true;
    return;
  }
  open_ = first_row_ = end_wanted_ = cut_ = false;
  ++cursor_id_;
  sqlite3_reset(stmt_);
  forget_copies();
  std::uint64_t changes = 0;
  if (!readonly_ && total_changes(connection_->db_) != changes_before_) {
    changes = static_cast<std::uint64_t>(sqlite3_changes64(connection_->db_));
  }
  end_run(changes, Outcome::Done, nullptr);
  connection_->settle_if_needed();
}

// Runs to the end, because foreign keys are checked and the statement is committed in the last step.
void Statement::finish_cursor() {
  if (open_ && !readonly_ && !running_ && !cut_) [[unlikely]] {
    while (next()) {
    }
  }
  close_cursor();
}

void Statement::cut() noexcept {
  if (!open_ || running_ || rows_ == 0) return;
  sqlite3_reset(stmt_);
  first_row_ = false;
  cut_ = true;
}

}  // namespace libsql::engine

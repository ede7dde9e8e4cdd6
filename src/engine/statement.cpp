#include "engine/statement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <sqlite3.h>

#include <libsql/statement.hpp>

#include "core/errors.hpp"
#include "engine/argument_values.hpp"
#include "engine/connection_state.hpp"
#include "engine/hooks.hpp"
#include "engine/row_values.hpp"
#include "engine/values.hpp"
#include "sql/alter_column.hpp"
#include "sql/arguments.hpp"
#include "sql/classify.hpp"
#include "sql/parameters.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::engine {
namespace {

bool is_pragma(std::string_view sql) noexcept {
  const char first = sql.empty() ? '\0' : static_cast<char>(sql.front() | 0x20);
  if (first >= 'a' && first <= 'z' && first != 'p') return false;  // as nearly all texts
  sql::Tokenizer tokens(sql);
  sql::Token token = tokens.next_significant();
  while (token.kind == sql::TokenKind::Semicolon) token = tokens.next_significant();
  return sql::is_keyword(token, "PRAGMA");
}

bool mentions_pragma_function(std::string_view sql) noexcept {
  constexpr std::string_view kPrefix = "pragma";
  for (std::size_t at = sql.find('_', kPrefix.size()); at != std::string_view::npos; at = sql.find('_', at + 1)) {
    if ((sql[at - 1] | 0x20) == 'a' &&
        sql::equals_ignoring_case(sql.substr(at - kPrefix.size(), kPrefix.size()), kPrefix)) {
      return true;
    }
  }
  return false;
}

// Those that answer from what the connection has read of the schema, and have the engine make sure of it only if they
// find something there: of a table that is new to the connection, index_list says that it has no index.
bool trusts_schema(std::string_view pragma) noexcept {
  const sql::PragmaInfo* const info = sql::find_pragma(pragma);
  return info != nullptr && info->trusts_schema;
}

// Whether a failed compilation can have to do with what the schema was when the connection read it.
bool may_be_out_of_date(int rc) noexcept {
  const int primary = rc & 0xff;
  return primary == SQLITE_ERROR || primary == SQLITE_SCHEMA || primary == SQLITE_AUTH;
}

// What the engine is to compile in the place of ALTER TABLE .. ALTER COLUMN .. TO; nothing for all else.
std::optional<sql::AlterColumn> alter_column(Connection& connection, std::string_view sql) {
  if (!alters_columns()) return std::nullopt;
  try {
    return sql::alter_column(sql);
  } catch (const Error& error) {
    connection.notify_refused(sql, error);
    throw;
  }
}

// Throws Auth, and the statement is gone, if a table may not be read that it joins without the engine's asking.
void require_joins_allowed(Connection& connection, Hooks& hooks, std::string_view sql, sqlite3_stmt** stmt) {
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(std::exchange(*stmt, nullptr), &sqlite3_finalize);
  if (const std::optional<std::string> table = hooks.table_refused_to_join(sql)) {
    detail::ErrorData data;
    data.code = ErrorCode::Auth;
    data.origin = ErrorOrigin::Engine;
    data.sqlite_code = SQLITE_AUTH;
    data.message = "access to " + *table + " is prohibited";
    data.sql = sql;
    data.transaction_open = !connection.is_autocommit();
    ++connection.statistics.errors;
    core::throw_error(std::move(data));
  }
  *stmt = owner.release();
}

bool misses_a_column(sqlite3* db) noexcept {
  return std::string_view(sqlite3_errmsg(db)).find("no such column") != std::string_view::npos;
}

// Whether an error "no such column: "x" ..." is about a name in the text itself.
bool names_a_string_of(std::string_view sql, std::string_view message) noexcept {
  const std::size_t start = message.find('"');
  const std::size_t end = start == std::string_view::npos ? start : message.find('"', start + 1);
  return end != std::string_view::npos && sql.find(message.substr(start, end + 1 - start)) != std::string_view::npos;
}

// The same text with its names in grave accents, where they are never strings.
std::string with_certain_names(std::string_view sql) {
  std::string text;
  sql::Tokenizer tokenizer(sql);
  for (sql::Token token = tokenizer.next(); token.kind != sql::TokenKind::End; token = tokenizer.next()) {
    if (token.kind != sql::TokenKind::QuotedIdentifier || token.text.front() != '"') {
      text += token.text;
      continue;
    }
    text += '`';
    for (const char byte : sql::unquote(token.text)) text.append(byte == '`' ? 2 : 1, byte);
    text += '`';
  }
  return text;
}

bool alters_table(std::string_view sql) noexcept {
  const std::size_t first = sql.find_first_not_of(" \t\r\n;");
  if (first == std::string_view::npos) return false;
  const char start = sql[first];  // `A`, or what a comment begins with
  if (start != 'A' && start != 'a' && start != '-' && start != '/') return false;
  return sql::classify(sql.substr(first)).kind == sql::StatementKind::AlterTable;
}

// Compiles a text that names no column for "x", for what the views and triggers that it uses hold: the engine resolves
// them as a part of the statement, and cannot be told to take strings from them alone. Null if it is the statement's
// own text that does not compile.
sqlite3_stmt* compile_with_strings_in_schema(sqlite3* db, std::string_view sql, unsigned flags, const char** tail) {
  const StringsInDoubleQuotes allowed(db);
  sqlite3_stmt* stmt = nullptr;
  if (sql.find('"') != std::string_view::npos) {
    const std::string certain = with_certain_names(sql);
    const int rc = sqlite3_prepare_v3(db, certain.data(), static_cast<int>(certain.size()), 0, &stmt, nullptr);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_OK) return nullptr;
  }
  if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), flags, &stmt, tail) != SQLITE_OK) return nullptr;
  return stmt;
}

sqlite3_stmt* compile(Connection& connection, std::string_view sql, Statement::Persistence persistence,
                      const char** tail) {
  sqlite3_stmt* stmt = nullptr;
  const unsigned flags = persistence == Statement::Persistence::Cached ? SQLITE_PREPARE_PERSISTENT : 0;
  if (sql.size() > static_cast<std::size_t>(connection.limit(Limit::SqlLength))) {
    core::throw_error(ErrorCode::TooBig, "the SQL text is longer than the limit");
  }
  const std::optional<sql::AlterColumn> alter = alter_column(connection, sql);
  const std::string_view text = alter ? std::string_view(alter->text) : sql;
  const Hooks::Compiling compiling(connection.existing_hooks(), text);
  sqlite3* const db = connection.handle();
  const auto try_to_compile = [&] {
    const int result = sqlite3_prepare_v3(db, text.data(), static_cast<int>(text.size()), flags, &stmt, tail);
    if (alter) *tail = sql.data() + alter->end;
    return result;
  };
  int rc = try_to_compile();
  if (rc != SQLITE_OK && may_be_out_of_date(rc) && (connection.attention() & Connection::kKeptException) == 0 &&
      connection.renew_schemas()) {
    rc = try_to_compile();
  }
  if (rc != SQLITE_OK) [[unlikely]] {
    if (!alter && connection.only_schema_has_strings() && misses_a_column(db)) {
      const bool own = names_a_string_of(sql, sqlite3_errmsg(db));
      stmt = compile_with_strings_in_schema(db, sql, flags, tail);
      // The first error names what is missing, and a hint; unless that was a string of the schema.
      if (stmt == nullptr && own) {
        sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), flags, &stmt, tail);
      }
    }
    if (stmt == nullptr) {
      try {
        connection.fail(rc, sql);
      } catch (const Error& error) {
        connection.notify_refused(sql, error);
        throw;
      }
    }
  }
  if (Hooks* const hooks = connection.existing_hooks()) require_joins_allowed(connection, *hooks, text, &stmt);
  return stmt;
}

// The engine takes it for the end of the text, and would run what comes before it as if that were all.
[[noreturn]] void throw_nul(Connection& connection, std::string_view sql, std::size_t offset) {
  detail::ErrorData data;
  data.code = ErrorCode::SqlError;
  data.sqlite_code = SQLITE_ERROR;
  data.message = sql::kNulInText;
  data.sql = sql;
  data.offset = offset;
  data.transaction_open = !connection.is_autocommit();
  try {
    core::throw_error(std::move(data));
  } catch (const Error& error) {
    connection.notify_refused(sql, error);
    throw;
  }
}

// Of the system's engine it would have to be asked for in SQL; so columns() finds out when it is called first.
std::int64_t schemas_compiled_with([[maybe_unused]] Connection& connection) {
#ifdef LIBSQL_SYSTEM_SQLITE
  return -1;
#else
  return connection.schemas();
#endif
}

const char* or_empty(const char* text) noexcept { return text == nullptr ? "" : text; }

// A statement's parameters as the engine has them, for the rules of sql/arguments.hpp.
class Parameters {
 public:
  Parameters(sqlite3_stmt* stmt, std::string_view sql) noexcept : stmt_(stmt), sql_(sql) {}
  int count() const noexcept { return sqlite3_bind_parameter_count(stmt_); }
  std::string_view name(int number) const noexcept { return or_empty(sqlite3_bind_parameter_name(stmt_, number)); }
  int number(std::string_view name) const noexcept { return sqlite3_bind_parameter_index(stmt_, name.data()); }
  bool uses(int number) const {
    const sql::ParameterList list = sql::parameters(sql_);
    return std::any_of(list.parameters.begin(), list.parameters.end(),
                       [&](const sql::Parameter& parameter) { return parameter.number == number; });
  }
  std::string_view sql() const noexcept { return sql_; }

 private:
  sqlite3_stmt* stmt_;
  std::string_view sql_;
};

}  // namespace

std::shared_ptr<Statement> Statement::prepare(Connection& connection, std::string_view sql, Persistence persistence) {
  connection.require_open();
  connection.require_sql_allowed();
  connection.patience().start_deadline();
  if (connection.patience().is_in_call()) connection.patience().check_call();
  if (sql.data() == nullptr) sql = "";  // no address, which the engine would call a misuse
  if (const std::size_t nul = sql.find('\0'); nul != std::string_view::npos) [[unlikely]]
    throw_nul(connection, sql, nul);
  TextTraits traits;
  if (is_pragma(sql)) [[unlikely]] {
    const sql::Classification what = sql::classify(sql);
    const std::string name = sql::unquote(what.name);
    traits.trusts_schema = trusts_schema(name);
    traits.asks_journal_mode = !what.has_value && sql::equals_ignoring_case(name, "journal_mode");
  } else {
    traits.trusts_schema = mentions_pragma_function(sql);
  }
  if (traits.trusts_schema) connection.renew_schemas();
  const char* tail = nullptr;
  sqlite3_stmt* stmt = compile(connection, sql, persistence, &tail);
  std::string_view rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  if (stmt == nullptr) {  // an empty statement came first, and perhaps many more
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

// What is known from the compilation alone.
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
constexpr int kNotANumber = -1;  // beside the engine's codes
constexpr std::size_t kIntMax = std::numeric_limits<int>::max();
}  // namespace

// Comparisons, the commonest types first, and the calls with an int for a size, which the engine reaches its work
// faster from: this is a third of what a small statement costs beyond the engine.
inline int Statement::bind_value(int number, const ValueRef& value, bool copy) noexcept {
  const ValueType type = value.type();
  if (type == ValueType::Integer) return sqlite3_bind_int64(stmt_, number, value.integer());
  if (type == ValueType::Text) {
    const bool own = copy && !value.is_borrowed();
    copied_ |= own;
    // An empty view may have no address, which the engine would take for NULL.
    const char* data = value.text().data() == nullptr ? "" : value.text().data();
    const auto lifetime = own ? SQLITE_TRANSIENT : SQLITE_STATIC;
    if (value.size() <= kIntMax) [[likely]]
      return sqlite3_bind_text(stmt_, number, data, static_cast<int>(value.size()), lifetime);
    return sqlite3_bind_text64(stmt_, number, data, value.size(), lifetime, SQLITE_UTF8);
  }
  if (type == ValueType::Real) {
    // The engine would store NULL; nothing becomes NULL unasked.
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

// Large arguments of a run that is over would else stay with a statement that the cache keeps.
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

// Whether it begins or ends a transaction; savepoints do neither.
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
    core::throw_error(ErrorCode::Misuse, "the open transaction belongs to the caller of this code, which has to end it",
                      sql_);
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
      connection_->unbind();  // it wrote nothing
    }
    Connection& connection = *connection_;
    end_run(0, Outcome::Failed, error);
    connection.settle_if_needed();  // its listeners may use the connection, and so end this statement
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

// A step that finds the schema of one database out of date has the statement compiled again, and that may fail because
// of another database's, or of the next change.
int Statement::step_again(int rc) {
  if (may_be_out_of_date(rc) && sqlite3_expired(stmt_) != 0 &&
      (connection_->attention() & Connection::kKeptException) == 0 && connection_->renew_schemas()) {
    sqlite3_reset(stmt_);
    rc = sqlite3_step(stmt_);
  }
  return rc == SQLITE_ERROR ? step_with_strings() : rc;
}

// It did not compile again: the views and triggers that it uses may hold strings.
int Statement::step_with_strings() {
  sqlite3* const db = connection_->db_;
  if (!connection_->only_schema_has_strings() || !misses_a_column(db)) return SQLITE_ERROR;
  sqlite3_stmt* again = nullptr;
  const int rc = sqlite3_prepare_v3(db, sql_.data(), static_cast<int>(sql_.size()), 0, &again, nullptr);
  sqlite3_finalize(again);
  // If it compiles, it was the run that failed, and must not be repeated.
  const char* tail = nullptr;
  again = rc == SQLITE_OK ? nullptr : compile_with_strings_in_schema(db, sql_, 0, &tail);
  sqlite3_reset(stmt_);  // makes its error the connection's again
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
  // sqlite3_changes() keeps its number when a statement of another kind runs.
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
  // No row: the cursor stays open, at its end, until next() says so; the engine holds nothing any more.
}

bool Statement::open_undoable(const core::ParamsView& params, detail::Wanted wanted) {
  if ((column_count_ == 0 || !readonly_) && stmt_ != nullptr && !is_busy()) [[unlikely]] {
    if (column_count_ == 0 && wanted == detail::Wanted::One) return false;
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
  if (rows_ == 0) {  // open() found the end already
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
  // Unprotected, which is safe as long as one thread at a time uses the connection.
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
  if (running_) [[unlikely]] {  // asked by a function that the statement calls: the step ends first
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

// The last step is what looks at foreign keys and commits.
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

// -- what is known of it ---------------------------------------------------------------------------------------------

std::string_view Statement::column_name(int column) const {
  require_stmt();
  return or_empty(sqlite3_column_name(stmt_, column));
}

void Statement::refresh_if_schema_changed() {
  // What other connections have changed the engine itself notices at a step only.
  connection_->require_current_schemas(sql_);
  if (connection_->schemas() == schemas_ && sqlite3_expired(stmt_) == 0) return;
  const char* tail = nullptr;
  sqlite3_stmt* fresh = compile(*connection_, sql_, persistence_, &tail);
  compilations_before_ = columns_version() + 1;
  sqlite3_finalize(stmt_);
  stmt_ = fresh;
  look_at_handle();
  columns_reprepares_ = -1;
  schemas_ = connection_->schemas();
}

std::span<const Column> Statement::columns() {
  require_stmt();
  if (!is_busy()) refresh_if_schema_changed();
  const int reprepares = columns_version();
  if (columns_reprepares_ == reprepares) return columns_;
  columns_.clear();
  const int count = sqlite3_column_count(stmt_);
  for (int i = 0; i < count; ++i) {
    Column& column = columns_.emplace_back();
    column.name = or_empty(sqlite3_column_name(stmt_, i));
    column.declared_type = or_empty(sqlite3_column_decltype(stmt_, i));
#ifdef SQLITE_ENABLE_COLUMN_METADATA
    column.origin_name = or_empty(sqlite3_column_origin_name(stmt_, i));
    column.table = or_empty(sqlite3_column_table_name(stmt_, i));
    column.database = or_empty(sqlite3_column_database_name(stmt_, i));
#endif
  }
  columns_reprepares_ = reprepares;
  return columns_;
}

int Statement::columns_version() const noexcept {
  if (stmt_ == nullptr) return -1;
  return compilations_before_ + sqlite3_stmt_status(stmt_, SQLITE_STMTSTATUS_REPREPARE, 0);
}

int Statement::parameter_count() const {
  require_stmt();
  return parameter_count_;
}

std::string_view Statement::parameter_name(int number) const {
  require_stmt();
  if (number < 1 || number > parameter_count_) sql::throw_no_parameter(number, parameter_count_, sql_);
  // The engine's names go whenever it compiles the statement again, at any step; the text, and so the names, stay.
  if (parameter_names_.empty()) {
    std::vector<std::string> names(static_cast<std::size_t>(parameter_count_));
    for (int i = 0; i < parameter_count_; ++i) {
      names[static_cast<std::size_t>(i)] = or_empty(sqlite3_bind_parameter_name(stmt_, i + 1));
    }
    parameter_names_ = std::move(names);
  }
  return parameter_names_[static_cast<std::size_t>(number - 1)];
}

std::optional<int> Statement::parameter_number(std::string_view name) const {
  require_stmt();
  const int number = sql::parameter_number(Parameters(stmt_, sql_), name);
  return number == 0 ? std::nullopt : std::optional(number);
}

bool Statement::is_readonly() const {
  require_stmt();
  return readonly_;
}

ExplainKind Statement::explain_kind() const {
  require_stmt();
  return static_cast<ExplainKind>(sqlite3_stmt_isexplain(stmt_));
}

std::string Statement::expanded_sql(const core::ParamsView& params) {
  require_stmt();
  const bool has_arguments = !params.positional.empty() || !params.named.empty();
  if (is_busy() && has_arguments) {
    core::throw_error(ErrorCode::Misuse, "the statement is running: its arguments cannot change now", sql_);
  }
  if (!is_busy()) bind(params, false);
  if (alter_column(*connection_, sql_)) return sql_;  // the engine knows it by other words
  const std::unique_ptr<char, void (*)(void*)> text(sqlite3_expanded_sql(stmt_), &sqlite3_free);
  if (!is_busy()) sqlite3_clear_bindings(stmt_);
  if (text == nullptr) core::throw_error(ErrorCode::TooBig, "the expanded SQL text is longer than the limit", sql_);
  return text.get();
}

StatementStatus Statement::status(bool reset) {
  require_stmt();
  const auto counter = [&](int which) { return std::int64_t{sqlite3_stmt_status(stmt_, which, reset ? 1 : 0)}; };
  StatementStatus status;
  const int version = columns_version();
  status.fullscan_steps = counter(SQLITE_STMTSTATUS_FULLSCAN_STEP);
  status.sorts = counter(SQLITE_STMTSTATUS_SORT);
  status.auto_index_rows = counter(SQLITE_STMTSTATUS_AUTOINDEX);
  status.vm_steps = counter(SQLITE_STMTSTATUS_VM_STEP);
  status.reprepares = counter(SQLITE_STMTSTATUS_REPREPARE);
  if (reset) compilations_before_ = version;  // it must not be a number that it was before
  status.runs = counter(SQLITE_STMTSTATUS_RUN);
#ifdef SQLITE_STMTSTATUS_FILTER_HIT
  status.filter_misses = counter(SQLITE_STMTSTATUS_FILTER_MISS);
  status.filter_hits = counter(SQLITE_STMTSTATUS_FILTER_HIT);
#endif
  status.memory_used_bytes = static_cast<std::int64_t>(memory_used());
  return status;
}

std::optional<std::uint64_t> Statement::rows_scanned() const noexcept {
#ifdef SQLITE_DBCONFIG_STMT_SCANSTATUS
  if (stmt_ == nullptr || !connection_->counts_rows_scanned_) return std::nullopt;
  std::uint64_t total = 0;
  sqlite3_int64 visits = 0;
  for (int loop = 0; sqlite3_stmt_scanstatus(stmt_, loop, SQLITE_SCANSTAT_NVISIT, &visits) == 0; ++loop) {
    if (visits > 0) total += static_cast<std::uint64_t>(visits);
  }
  return total;
#else
  return std::nullopt;
#endif
}

std::uint64_t Statement::fullscan_steps() const noexcept {
  if (stmt_ == nullptr) return 0;
  const int steps = sqlite3_stmt_status(stmt_, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
  // Somebody may have reset the counters since.
  return static_cast<std::uint64_t>(steps < fullscan_before_ ? steps : steps - fullscan_before_);
}

std::uint64_t Statement::fullscan_counter() const noexcept {
  if (stmt_ == nullptr) return 0;
  return static_cast<std::uint64_t>(sqlite3_stmt_status(stmt_, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0));
}

std::size_t Statement::memory_used() const noexcept {
  return stmt_ == nullptr ? 0 : static_cast<std::size_t>(sqlite3_stmt_status(stmt_, SQLITE_STMTSTATUS_MEMUSED, 0));
}

}  // namespace libsql::engine

// The parts of Statement that answer questions about it.
#include <memory>
#include <utility>

#include <sqlite3.h>

#include <libsql/statement.hpp>

#include "core/errors.hpp"
#include "engine/compile.hpp"
#include "engine/parameters.hpp"
#include "engine/statement.hpp"
#include "sql/arguments.hpp"

namespace libsql::engine {

std::string_view Statement::column_name(int column) const {
  require_stmt();
  return or_empty(sqlite3_column_name(stmt_, column));
}

void Statement::refresh_if_schema_changed() {
  // The engine itself does not notice changes by other connections until a step.
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
  // The engine's own strings become invalid whenever it compiles the statement again, which any step may do. The names
  // stay the same, as the text does.
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
  if (alter_column(*connection_, sql_)) return sql_;  // the engine was given other SQL
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
  if (reset) compilations_before_ = version;  // so that no earlier number occurs again
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
  // The counters may have been reset since.
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

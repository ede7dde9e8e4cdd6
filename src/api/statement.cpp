#include <libsql/statement.hpp>

#include "api/access.hpp"

namespace libsql {

namespace detail {

RowScope::RowScope(core::Stmt& stmt) noexcept {
  row_.stmt_ = &stmt;
  row_.column_count_ = stmt.cursor_column_count();
}
RowScope::RowScope(std::shared_ptr<core::Stmt> stmt) noexcept : RowScope(*stmt) { owner_ = std::move(stmt); }
RowScope::~RowScope() { row_.stmt_->undo_cursor(); }
void RowScope::fail(const Error& error) {
  if (!row_.stmt_->has_committed()) throw;
  ErrorData data = core::error_data(error);
  data.message += "; what the statement wrote is committed";
  data.write_committed = true;
  core::throw_error(std::move(data));
}
bool RowScope::next() { return row_.stmt_->next(); }

}  // namespace detail

Statement::Statement(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt)
    : session_(std::move(session)), stmt_(std::move(stmt)) {
  ++stmt_->handles;
}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&& other) noexcept {
  if (this == &other) return *this;
  if (stmt_ != nullptr) --stmt_->handles;
  stmt_ = std::move(other.stmt_);  // before the session: a statement never outlives its connection
  session_ = std::move(other.session_);
  return *this;
}
Statement::~Statement() {
  if (stmt_ != nullptr) --stmt_->handles;
}

core::Stmt& Statement::stmt() const {
  if (stmt_ == nullptr) [[unlikely]]
    core::throw_error(ErrorCode::Misuse, "the object was moved from");
  return *stmt_;
}

std::uint64_t Statement::execute_view(const detail::ParamsView& params) { return stmt().execute(params); }

RunResult Statement::run_view(const detail::ParamsView& params) {
  RunResult result;
  result.changes = stmt().execute(params);
  result.last_insert_rowid = session_->counters().last_insert_rowid;
  return result;
}

Rows Statement::query_view(const detail::ParamsView& params) {
  stmt().open(params);
  return detail::Access::rows(session_, stmt_);
}

detail::RowScope Statement::open_scope(const detail::ParamsView& params, detail::Wanted wanted) {
  core::Stmt& held = stmt();
  if (!held.open_undoable(params, wanted)) [[unlikely]]
    detail::throw_yields_no_rows(wanted);
  return detail::RowScope(held);
}

std::string Statement::expanded_view(const detail::ParamsView& params) const { return stmt().expanded_sql(params); }

void Statement::reset() { stmt().finish_cursor(); }
void Statement::finalize() { stmt().finalize(); }
void Statement::interrupt() {
  stmt();
  session_->interrupt_state()->interrupt();
}
std::span<const Column> Statement::columns() { return stmt().columns(); }
int Statement::column_count() { return static_cast<int>(stmt().columns().size()); }
int Statement::parameter_count() const { return stmt().parameter_count(); }
std::string_view Statement::parameter_name(int number) const { return stmt().parameter_name(number); }
std::optional<int> Statement::parameter_number(std::string_view name) const { return stmt().parameter_number(name); }
bool Statement::is_readonly() const { return stmt().is_readonly(); }
ExplainKind Statement::explain_kind() const { return stmt().explain_kind(); }
std::string_view Statement::sql() const { return stmt().sql(); }
StatementStatus Statement::status() const {
  core::Stmt& held = stmt();
  session_->features().require(core::Feature::StatementCounters);
  return held.status(false);
}
void Statement::reset_status() {
  core::Stmt& held = stmt();
  session_->features().require(core::Feature::StatementCounters);
  held.status(true);
}

}  // namespace libsql

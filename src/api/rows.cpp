#include <libsql/rows.hpp>

#include "api/access.hpp"
#include "sql/tokenizer.hpp"

namespace libsql {
namespace {

[[noreturn]] void throw_no_column(int column, int count) {
  core::throw_error(ErrorCode::OutOfRange,
                    "there is no column " + std::to_string(column) + ": the row has " + std::to_string(count));
}

[[noreturn]] void throw_no_column(std::string_view name) {
  core::throw_error(ErrorCode::OutOfRange, "there is no column named '" + std::string(name) + "'");
}

}  // namespace

namespace detail {
CallScope::CallScope(core::Session* session) noexcept : session_(session) {
  if (session_ != nullptr) session_->enter(core::Span::Call);
}
CallScope::~CallScope() {
  if (session_ != nullptr) session_->leave(core::Span::Call);
}

void throw_column_count(int have, std::size_t want) {
  core::throw_error(ErrorCode::Misuse, "the row has " + std::to_string(have) + (have == 1 ? " column" : " columns") +
                                           ", but the number of types is " + std::to_string(want));
}
void throw_no_row() { core::throw_error(ErrorCode::UnexpectedRows, "the query returned no row; one was expected"); }
void throw_yields_no_rows(Wanted wanted) {
  if (wanted == Wanted::All) core::throw_error(ErrorCode::Misuse, "the statement returns no rows: it was not run");
  throw_no_row();
}
void throw_more_rows() {
  core::throw_error(ErrorCode::UnexpectedRows, "the query returned more than one row; one was expected");
}
}  // namespace detail

ValueRef Row::value(int column) const {
  if (column < 0 || column >= column_count_) [[unlikely]]
    throw_no_column(column, column_count_);
  return stmt_->cell(column);
}

void Row::values(std::span<ValueRef> cells) const {
  if (cells.size() > static_cast<std::size_t>(column_count_)) {
    throw_no_column(static_cast<int>(cells.size()) - 1, column_count_);
  }
  stmt_->read_cells(cells);
}

std::string_view Row::column_name(int column) const {
  if (column < 0 || column >= column_count_) throw_no_column(column, column_count_);
  return stmt_->column_name(column);
}

int Row::index_of(std::string_view name) const {
  for (int i = 0; i < column_count_; ++i) {
    if (sql::equals_ignoring_case(stmt_->column_name(i), name)) return i;
  }
  throw_no_column(name);
}

OwnedRow::OwnedRow(const Row& row) {
  std::vector<std::string> names;
  values_.reserve(static_cast<std::size_t>(row.column_count()));
  for (int i = 0; i < row.column_count(); ++i) {
    values_.emplace_back(row.value(i));
    names.emplace_back(row.column_name(i));
  }
  names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
}

OwnedRow::OwnedRow(std::vector<Value> values, std::shared_ptr<const std::vector<std::string>> names)
    : values_(std::move(values)), names_(std::move(names)) {}

const Value& OwnedRow::value(int column) const {
  if (column < 0 || column >= column_count()) throw_no_column(column, column_count());
  return values_[static_cast<std::size_t>(column)];
}

int OwnedRow::index_of(std::string_view name) const {
  for (int i = 0; i < column_count(); ++i) {
    if (sql::equals_ignoring_case((*names_)[static_cast<std::size_t>(i)], name)) return i;
  }
  throw_no_column(name);
}

const std::vector<std::string>& OwnedRow::column_names() const {
  static const std::vector<std::string> kNone;
  return names_ == nullptr ? kNone : *names_;
}

Rows::Rows(std::shared_ptr<core::Session> session, std::shared_ptr<core::Stmt> stmt)
    : session_(std::move(session)), stmt_(std::move(stmt)), cursor_id_(stmt_->cursor_id()) {
  row_.stmt_ = stmt_.get();
  row_.column_count_ = stmt_->cursor_column_count();
}

Rows::Rows(Rows&& other) noexcept
    : session_(std::move(other.session_)),
      stmt_(std::move(other.stmt_)),
      row_(other.row_),
      names_(std::move(other.names_)),
      cursor_id_(other.cursor_id_),
      done_(other.done_) {
  other.done_ = true;
  other.row_ = Row();
}

Rows& Rows::operator=(Rows&& other) noexcept {
  if (this == &other) return *this;
  give_up();
  stmt_ = std::move(other.stmt_);  // before the session: a statement never outlives its connection
  session_ = std::move(other.session_);
  row_ = std::exchange(other.row_, Row());
  names_ = std::move(other.names_);
  cursor_id_ = other.cursor_id_;
  done_ = std::exchange(other.done_, true);
  return *this;
}

Rows::~Rows() { give_up(); }

bool Rows::next() {
  if (done_) return false;
  if (stmt_->cursor_id() != cursor_id_) [[unlikely]] {  // reset() or the like ended it
    done_ = true;
    session_->require_open();  // an abandoned connection does not count as the end of the rows
    return false;
  }
  try {
    if (stmt_->next()) [[likely]]
      return true;
  } catch (...) {
    done_ = true;  // also if it was stopped before the engine was asked, as by TransactionLost
    if (stmt_->cursor_id() == cursor_id_) stmt_->close_cursor();
    throw;
  }
  done_ = true;
  return false;
}

void Rows::close() {
  if (done_) return;
  done_ = true;
  if (stmt_ != nullptr && stmt_->cursor_id() == cursor_id_) stmt_->finish_cursor();
}

void Rows::give_up() noexcept {
  try {
    try {
      close();
    } catch (const Error& error) {
      detail::ErrorData data = core::error_data(error);
      data.message = "an earlier statement failed after its rows were dropped: " + data.message;
      core::throw_error(std::move(data));
    }
  } catch (...) {
    session_->report_later(std::current_exception());
  }
}

std::vector<OwnedRow> Rows::fetch(std::size_t count) {
  const detail::CallScope call = one_call();
  std::vector<OwnedRow> rows;
  while (rows.size() < count && next()) {
    if (names_ == nullptr) {
      std::vector<std::string> names;
      for (int i = 0; i < row_.column_count_; ++i) names.emplace_back(stmt_->column_name(i));
      names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
    }
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(row_.column_count_));
    for (int i = 0; i < row_.column_count_; ++i) values.emplace_back(stmt_->cell(i));
    rows.emplace_back(std::move(values), names_);
  }
  return rows;
}

std::vector<OwnedRow> Rows::fetch_all() { return fetch(static_cast<std::size_t>(-1)); }

std::span<const Column> Rows::columns() const {
  if (stmt_ == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  return stmt_->columns();
}

}  // namespace libsql

#include "remote/statement.hpp"

#include <libsql/statement.hpp>

#include "core/errors.hpp"
#include "remote/arguments.hpp"
#include "remote/failures.hpp"
#include "sql/arguments.hpp"

namespace libsql::remote {

Statement::Statement(Session& session, std::shared_ptr<Text> text) : session_(session), text_(std::move(text)) {
  session_.add(*this);
}

Statement::~Statement() {
  close_cursor();
  session_.remove(*this);
}

void Statement::require_usable() const {
  session_.require_open();
  if (finalized_) core::throw_error(ErrorCode::Misuse, "the statement is finalised", text_->source);
}

// -- running ---------------------------------------------------------------------------------------------------------

std::uint64_t Statement::execute(const core::ParamsView& params) {
  require_usable();
  if (source_ != Source::None) {
    core::throw_error(ErrorCode::Misuse, "the statement is still running: end its Rows first, or reset() it",
                      text_->source);
  }
  const Ran ran = session_.run(*text_, params, false);
  return text_->changes_rows() ? ran.result->totals.affected_row_count : 0;
}

void Statement::open(const core::ParamsView& params, core::ArgumentLifetime lifetime) {
  require_usable();
  if (source_ != Source::None) {
    core::throw_error(ErrorCode::Misuse, "the statement is still running: end its Rows first, or reset() it",
                      text_->source);
  }
  const CallInterrupt::Running running(session_.interrupts());
  session_.require_sendable(*text_);
  ++cursor_id_;
  first_row_ = false;
  at_ = 0;
  interrupts_ = session_.interrupts().count();
  whole_.reset();
  // Few rows come best with the answer. Reading the rows of a write one at a time would leave its outcome open until
  // the last one, so outside a transaction it runs to its end at once.
  const bool writes_rows =
      text_->what.access == sql::Access::Write && text_->proved && session_.conversation().is_open();
  const bool streams = lifetime == core::ArgumentLifetime::Copy && (text_->may_have_many_rows() || writes_rows);
  if (!streams) {
    try {
      open_result(params);
      return;
    } catch (const ResourceError& error) {  // more than a server puts into one answer
      if (error.origin() != ErrorOrigin::Server || !text_->is_read()) throw;
    }
  }
  const bool alone = !session_.conversation().is_open();
  if (lifetime == core::ArgumentLifetime::Borrow) whole_ = session_.call(text_->source, true).wait.deadline;
  try {
    open_cursor(params);
  } catch (const Network& error) {
    // Servers answer wrong SQL in a cursor with the status 500 (observed: sqld 0.24.33), and say what is wrong with it
    // when it is executed.
    if (error.origin() != ErrorOrigin::Server || !alone) throw;
    open_result(params);
  }
}

bool Statement::open_undoable(const core::ParamsView& params, detail::Wanted) {
  const bool alone = !session_.conversation().is_open();
  committed_ = false;
  open(params, core::ArgumentLifetime::Borrow);
  committed_ = alone && !text_->is_read() && !session_.conversation().is_open();
  return true;
}

void Statement::open_result(const core::ParamsView& params) {
  ran_.emplace(session_.run(*text_, params, true));
  source_ = Source::Result;
  columns_ = columns_of(ran_->result->cols);
  text_->proved = true;
}

void Statement::open_cursor(const core::ParamsView& params) {
  const Arguments arguments(*text_, params);
  session_.make_way(text_->source);
  const CallInterrupt::Running running(session_.interrupts());
  Call call = session_.call(text_->source, text_->is_read());
  if (!session_.conversation().has_cursors(call)) {
    open_result(params);
    return;
  }
  call.proved = text_->proved;
  hrana::Stmt stmt;
  stmt.sql.text = text_->sent();
  stmt.args = arguments.view();
  stmt.want_rows = true;
  session_.note_statement();
  run_.emplace(session_, this, text_->source, params);
  try {
    first_row_ = session_.patiently(call, [&] {
      cursor_.reset();
      cursor_ = session_.conversation().open_cursor(*text_, stmt, *this, call);
      source_ = Source::Cursor;
      cells_ = &cursor_->cells();
      return cursor_->next(call);
    });
    text_->proved = true;
  } catch (const Error& error) {
    session_.note_refusal(*text_, error);
    end_run(&error, true);
    free_source();
    throw;
  } catch (const hrana::EncodeError& error) {
    end_run(nullptr, true);
    free_source();
    throw_if_not_sendable(*text_, stmt.args, session_.conversation().wire().encoding() == hrana::Encoding::Json);
    core::throw_error(ErrorCode::SqlError, std::string("the statement cannot be sent: ") + error.what(), text_->source);
  }
}

bool Statement::next() {
  if (source_ == Source::None) return false;
  if (session_.interrupts().count() != interrupts_) {
    close_cursor();
    core::throw_error(ErrorCode::Interrupted, "interrupted between two rows", text_->source);
  }
  if (first_row_) {
    first_row_ = false;
    return true;
  }
  const bool more = source_ == Source::Result ? advance_result() : advance_cursor();
  if (!more) close_cursor();
  return more;
}

bool Statement::advance_result() {
  if (at_ >= ran_->result->row_count) return false;
  row_ = ran_->result->row(at_++);
  return true;
}

bool Statement::advance_cursor() {
  const CallInterrupt::Running running(session_.interrupts());
  try {
    Call call;
    if (!cursor_->is_settled()) {
      call = session_.call(text_->source, text_->is_read());
      if (whole_) call.wait.deadline = *whole_;
    }
    return cursor_->next(call);
  } catch (const Error& error) {
    end_run(&error, true);
    close_cursor();
    throw;
  }
}

void Statement::cursor_began(std::span<const hrana::Col> cols) {
  columns_ = columns_of(cols);
  session_.note_columns(*text_, cols);
}

void Statement::cursor_ended(const CursorRun::Totals& totals) {
  session_.note(*text_, totals.affected, totals.last_insert_rowid, totals.rows);
}

void Statement::end_run(const Error* error, bool failed) noexcept {
  if (!run_) return;
  const CursorRun::Totals totals = cursor_ == nullptr ? CursorRun::Totals() : cursor_->totals();
  if (failed) {
    run_->failed(error, totals.rows);
  } else {
    run_->finished(totals.rows, text_->changes_rows() ? totals.affected : 0, std::nullopt);
  }
  run_.reset();
}

void Statement::free_source() noexcept {
  source_ = Source::None;
  ran_.reset();
  cursor_.reset();
  row_ = {};
  cells_ = &row_;
  first_row_ = false;
}

void Statement::close_cursor() noexcept {
  if (source_ == Source::None) return;
  if (source_ == Source::Cursor && !cursor_->is_complete()) session_.note_rows(cursor_->row_count());
  end_run(nullptr, false);
  free_source();
  ++cursor_id_;
}

void Statement::finish_cursor() {
  const bool was_cut = cursor_ != nullptr && cursor_->is_cut();
  if (source_ != Source::None && !was_cut && !text_->is_read()) {
    while (next()) {
    }
  }
  close_cursor();
}

void Statement::read_cells(std::span<ValueRef> cells) noexcept {
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = (*cells_)[i];
}

// -- what is known of it ---------------------------------------------------------------------------------------------

std::span<const Column> Statement::columns() {
  require_usable();
  if (source_ != Source::None) return columns_;
  if (!text_->description) text_->description = session_.describe(*text_);
  return text_->description->columns;
}

int Statement::parameter_count() const {
  require_usable();
  return text_->parameters.count;
}

std::string_view Statement::parameter_name(int number) const {
  require_usable();
  if (number < 1 || number > text_->parameters.count) {
    sql::throw_no_parameter(number, text_->parameters.count, text_->source);
  }
  return text_->parameters.name(number);
}

std::optional<int> Statement::parameter_number(std::string_view name) const {
  require_usable();
  const int number = resolve_name(*text_, name);
  return number == 0 ? std::nullopt : std::optional(number);
}

bool Statement::is_readonly() const {
  require_usable();
  if (!text_->description) text_->description = session_.describe(*text_);
  return text_->description->is_readonly;
}

ExplainKind Statement::explain_kind() const {
  require_usable();
  switch (text_->what.explain) {
    case sql::ExplainMode::Program:
      return ExplainKind::Explain;
    case sql::ExplainMode::QueryPlan:
      return ExplainKind::QueryPlan;
    case sql::ExplainMode::None:
      break;
  }
  return ExplainKind::None;
}

std::string Statement::expanded_sql(const core::ParamsView& params) {
  require_usable();
  return expand(*text_, params);
}

StatementStatus Statement::status(bool) { session_.features().refuse(core::Feature::StatementCounters); }

void Statement::finalize() {
  close_cursor();
  finalized_ = true;
}

}  // namespace libsql::remote

#include "remote/statement.hpp"

#include <libsql/statement.hpp>

#include "core/errors.hpp"
#include "remote/arguments.hpp"
#include "remote/failures.hpp"

namespace libsql::remote {

namespace {

// What a row takes in memory.
std::size_t bytes_of(const std::vector<Value>& row) noexcept {
  std::size_t bytes = sizeof row + row.size() * sizeof(Value);
  for (const Value& value : row) bytes += value.ref().size();
  return bytes;
}

}  // namespace

Statement::Statement(Session& session, std::shared_ptr<Text> text) : session_(session), text_(std::move(text)) {
  session_.enter(*this);
}

Statement::~Statement() {
  close_cursor();
  session_.leave(*this);
}

void Statement::require_usable() const {
  session_.require_open();
  if (finalized_) core::throw_error(ErrorCode::Misuse, "the statement is finalised", text_->source);
}

// -- running
// -----------------------------------------------------------------------------------------------------------

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
  rows_ = changed_ = 0;
  at_ = 0;
  cut_ = nullptr;
  began_ = ended_ = transaction_gone_ = false;
  interrupts_ = session_.interrupts().count();
  whole_.reset();
  // Few rows come best with the answer. A write whose rows are read by and by would leave its outcome open as long, so
  // outside a transaction it runs to its end at once.
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
  session_.make_way();
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
    if (session_.conversation().is_open() && !text_->proved) {
      session_.conversation().prove(*text_, call);
      call.proved = true;
    }
    first_row_ = session_.patiently(call, [&] {
      began_ = ended_ = false;
      opened_.reset();
      opened_.emplace(session_.conversation().open_cursor(stmt, call));
      source_ = Source::Cursor;
      if (opened_->in_transaction) session_.stream_rows(this);
      return read_row(call);
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
  if (cut_ != nullptr) {
    const char* const why = cut_;
    close_cursor();
    core::throw_error(ErrorCode::Interrupted, why, text_->source);
  }
  if (first_row_) {
    first_row_ = false;
    return true;
  }
  bool more = false;
  if (source_ != Source::Cursor) {
    more = advance({});
  } else if (!ended_) {
    const CallInterrupt::Running running(session_.interrupts());
    try {
      Call call = session_.call(text_->source, text_->is_read());
      if (whole_) call.wait.deadline = *whole_;
      more = advance(call);
    } catch (const Error& error) {
      end_run(&error, true);
      close_cursor();
      throw;
    }
  }
  if (!more) close_cursor();
  return more;
}

bool Statement::advance(const Call& call) {
  switch (source_) {
    case Source::Result:
      if (at_ >= ran_->result->row_count) return false;
      cells_ = ran_->result->row(at_++);
      return true;
    case Source::Cursor:
      return advance_kept() || read_row(call);
    case Source::Kept:
      if (advance_kept()) return true;
      if (kept_error_ != nullptr) std::rethrow_exception(std::exchange(kept_error_, nullptr));
      return false;
    case Source::None:
      break;
  }
  return false;
}

bool Statement::read_row(const Call& call) {
  using namespace hrana;
  Conversation& conversation = session_.conversation();
  std::uint32_t step = 0;
  for (;;) {
    std::optional<CursorEntry> entry;
    try {
      entry = opened_->cursor->next(call);
    } catch (const Error& error) {
      ended_ = true;
      if (opened_->in_transaction && conversation.is_open() && !opened_->stream->is_open()) {
        conversation.lose(std::string("the transaction is lost: ") + error.what());
      }
      throw;
    }
    if (!entry) break;
    if (const auto* const row = std::get_if<CursorRow>(&*entry)) {
      if (step != 0 || ended_) continue;  // of the probe
      if (row->cells.size() != columns_.size()) {
        core::throw_error(ErrorCode::Protocol, "the server sent a row with another number of values than columns");
      }
      cells_ = row->cells;
      ++rows_;
      return true;
    }
    if (const auto* const begin = std::get_if<StepBegin>(&*entry)) {
      step = begin->step;
      if (step == 0) {
        began_ = true;
        columns_ = columns_of(begin->cols);
        session_.note_columns(*text_, begin->cols);
      } else if (opened_->in_transaction && step == Conversation::kProbe) {
        transaction_gone_ = true;
      }
    } else if (const auto* const end = std::get_if<StepEnd>(&*entry)) {
      if (step == 0 && !ended_) take_step_end(*end);
      if (!opened_->in_transaction) break;  // what follows says nothing new
    } else if (const auto* const failed = std::get_if<StepError>(&*entry)) {
      if (failed->step != 0) continue;
      fail_step(failed->error);
    } else if (const auto* const broken = std::get_if<CursorError>(&*entry)) {
      fail_step(broken->error);
    }
  }
  const bool complete = ended_;
  ended_ = true;
  if (transaction_gone_) conversation.release();
  if (opened_->in_transaction) session_.stream_rows(nullptr);
  if (!began_ && opened_->in_transaction) {
    conversation.lose("the transaction is lost: the server has ended it");
    conversation.check(text_->source);
  }
  if (!complete) {
    core::throw_error(ErrorCode::Protocol, "the server's answer to a query ended before its rows did", text_->source);
  }
  return false;
}

void Statement::take_step_end(const hrana::StepEnd& end) {
  ended_ = true;
  if (text_->changes_rows()) changed_ = end.affected_row_count;
  session_.note(*text_, end.affected_row_count, end.last_insert_rowid, rows_);
}

void Statement::fail_step(const hrana::WireError& error) {
  ended_ = true;
  detail::ErrorData data = error_of(error, *text_);
  Conversation& conversation = session_.conversation();
  // The rest tells whether the transaction has survived.
  if (opened_->in_transaction) {
    try {
      const Call call = session_.call(text_->source, false);
      while (const auto entry = opened_->cursor->next(call)) {
        const auto* const begin = std::get_if<hrana::StepBegin>(&*entry);
        if (begin != nullptr && begin->step == Conversation::kProbe) transaction_gone_ = true;
      }
    } catch (const Error&) {
      conversation.lose("the transaction is lost: " + data.message);
    }
    session_.stream_rows(nullptr);
    if (data.code == ErrorCode::TransactionLost) {
      conversation.lose("the transaction is lost: " + data.message);
    } else if (transaction_gone_) {
      conversation.release();
    }
    data.transaction_open = conversation.is_open();
  }
  core::throw_error(std::move(data));
}

void Statement::keep_row() {
  std::vector<Value>& row = kept_.emplace_back();
  row.reserve(cells_.size());
  for (const ValueRef& cell : cells_) row.emplace_back(cell);
  kept_bytes_ += bytes_of(row);
}

void Statement::show_kept() {
  kept_cells_.clear();
  for (const Value& value : kept_.front()) kept_cells_.push_back(value.ref());
  cells_ = kept_cells_;
}

bool Statement::advance_kept() {
  if (kept_.empty()) return false;
  kept_bytes_ -= bytes_of(kept_.front());  // the row that was current
  kept_.pop_front();
  if (kept_.empty()) return false;
  show_kept();
  return true;
}

bool Statement::keep_rest(std::size_t limit) {
  if (source_ != Source::Cursor) return true;
  if (kept_.empty()) keep_row();  // the current row stays as it is until the next one is asked for
  bool more = true;
  try {
    const CallInterrupt::Running running(session_.interrupts());
    const Call call = session_.call(text_->source, text_->is_read());
    while (kept_bytes_ <= limit && (more = !ended_ && read_row(call))) keep_row();
  } catch (const Error& error) {
    more = false;
    kept_error_ = std::current_exception();
    end_run(&error, true);
  }
  show_kept();
  if (more) return false;
  session_.stream_rows(nullptr);
  opened_.reset();
  source_ = Source::Kept;
  return true;
}

void Statement::cut(const char* why) noexcept {
  if (source_ != Source::Cursor) return;
  cut_ = why;
  ended_ = true;
  opened_.reset();
  session_.stream_rows(nullptr);
}

void Statement::end_run(const Error* error, bool failed) noexcept {
  if (!run_) return;
  if (failed) {
    run_->failed(error, rows_);
  } else {
    run_->finished(rows_, changed_, std::nullopt);
  }
  run_.reset();
}

void Statement::free_source() noexcept {
  if (session_.streaming() == this) session_.stream_rows(nullptr);
  source_ = Source::None;
  ran_.reset();
  opened_.reset();
  kept_.clear();
  kept_bytes_ = 0;
  kept_cells_.clear();
  kept_error_ = nullptr;
  cells_ = {};
  first_row_ = false;
  cut_ = nullptr;
}

void Statement::close_cursor() noexcept {
  if (source_ == Source::None) return;
  if (source_ == Source::Cursor && !ended_) session_.note_rows(rows_);
  end_run(nullptr, false);
  free_source();
  ++cursor_id_;
}

void Statement::finish_cursor() {
  if (source_ != Source::None && cut_ == nullptr && !text_->is_read()) {
    while (next()) {
    }
  }
  close_cursor();
}

void Statement::read_cells(std::span<ValueRef> cells) noexcept {
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cells_[i];
}

// -- what is known of it
// -----------------------------------------------------------------------------------------------

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
    core::throw_error(ErrorCode::OutOfRange,
                      "the statement has no parameter " + std::to_string(number) + ": it has " +
                          std::to_string(text_->parameters.count),
                      text_->source);
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

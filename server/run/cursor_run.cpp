#include "server/run/cursor_run.hpp"

#include "server/base/failure.hpp"

namespace libsql::server {

CursorRun::CursorRun(DatabaseSession& session, const Context& context, const Cancellation& cancellation,
                     const hrana::Batch& batch, SqlTexts texts)
    : session_(session),
      context_(context),
      cancellation_(cancellation),
      batch_(batch),
      texts_(texts),
      states_(batch.steps.size()) {}

void CursorRun::require_going_on() const {
  if (cancellation_.is_cancelled()) throw StatementFailure("SQLITE_INTERRUPT", "SQLite error: interrupted");
}

void CursorRun::fail_step(hrana::CursorEntryWriter& writer, const StatementFailure& failure) {
  running_.reset();
  writer.step_error(static_cast<std::uint32_t>(step_), {failure.what(), failure.code(), {}});
  ++step_;
}

// Starts the next step whose condition holds. False at the end of the batch.
bool CursorRun::start_step(hrana::CursorEntryWriter& writer) {
  for (; step_ < batch_.steps.size(); ++step_) {
    const hrana::BatchCond* const condition = batch_.steps[step_].condition;
    if (condition == nullptr || states_.holds(*condition, session_)) break;
  }
  if (step_ == batch_.steps.size()) return false;
  rows_ = 0;
  try {
    require_going_on();
    running_.emplace(session_, context_);
    running_->prepare(texts_[step_]);
    may_have_written_ |= running_->traits().kind != StatementClass::Read;
  } catch (const StatementFailure& failure) {
    fail_step(writer, failure);
    return true;
  }
  // A step that compiles has begun, even if its arguments are then refused. Clients rely on its step_begin.
  bool told = false;
  const auto tell = [&] {
    if (std::exchange(told, true)) return;
    writer.step_begin(static_cast<std::uint32_t>(step_), running_->columns());
  };
  try {
    try {
      running_->start(batch_.steps[step_].stmt.args);
    } catch (const StatementFailure&) {
      tell();
      throw;
    }
    tell();
  } catch (const StatementFailure& failure) {
    fail_step(writer, failure);
  }
  return true;
}

bool CursorRun::run(hrana::CursorEntryWriter& writer, CursorPace& pace) {
  if (running_ && session_.has_lost_transaction()) {  // since the last call of run()
    session_.note_loss_told();
    fail_step(writer, transaction_timed_out());
    if (!pace.go_on()) return false;
  }
  const std::uint64_t most_rows = context_.options().limits.rows;
  for (;;) {
    if (!running_) {
      if (!start_step(writer)) return true;
    } else {
      try {
        require_going_on();
        if (running_->next()) {
          if (most_rows != 0 && ++rows_ > most_rows) context_.throw_too_large();
          if (!writer.row(running_->row())) throw invalid_text();
        } else {
          const hrana::StmtTotals totals = running_->finish();
          writer.step_end(totals.affected_row_count, totals.last_insert_rowid);
          states_.set_succeeded(step_);
          running_.reset();
          ++step_;
        }
      } catch (const StatementFailure& failure) {
        fail_step(writer, failure);
      }
    }
    if (!pace.go_on()) return false;
  }
}

}  // namespace libsql::server

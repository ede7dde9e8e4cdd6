#include "remote/cursor_run.hpp"

#include <string>
#include <utility>
#include <variant>

#include "core/errors.hpp"
#include "remote/conversation.hpp"
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

CursorRun::CursorRun(Conversation& conversation, const Text& text, Listener& listener, std::shared_ptr<Stream> stream,
                     std::unique_ptr<Cursor> cursor, bool in_transaction)
    : conversation_(conversation),
      text_(text),
      listener_(listener),
      stream_(std::move(stream)),
      cursor_(std::move(cursor)),
      in_transaction_(in_transaction) {}

CursorRun::~CursorRun() { close(); }

void CursorRun::close() noexcept {
  is_open_ = false;
  if (in_transaction_) conversation_.free_stream(*this);
  cursor_.reset();
  stream_.reset();
}

bool CursorRun::next(const Call& call) {
  if (cut_ != nullptr) core::throw_error(ErrorCode::Interrupted, cut_, text_.source);
  if (advance_kept()) return true;
  if (kept_error_ != nullptr) std::rethrow_exception(std::exchange(kept_error_, nullptr));
  return is_open_ && read_row(call);
}

// -- the entries -----------------------------------------------------------------------------------------------------

std::optional<hrana::CursorEntry> CursorRun::next_entry(const Call& call) {
  try {
    return cursor_->next(call);
  } catch (const Error& error) {
    if (in_transaction_ && conversation_.is_open() && !stream_->is_open()) {
      conversation_.lose(std::string("the transaction is lost: ") + error.what());
    }
    throw;
  }
}

void CursorRun::note_entry_of_probe(const hrana::CursorEntry& entry) noexcept {
  const auto* const begin = std::get_if<hrana::StepBegin>(&entry);
  if (in_transaction_ && begin != nullptr && begin->step == kProbe) transaction_gone_ = true;
}

// Reads entries up to the next row, or the end: false.
bool CursorRun::read_row(const Call& call) {
  using namespace hrana;
  std::uint32_t step = 0;
  try {
    while (const std::optional<CursorEntry> entry = next_entry(call)) {
      if (const auto* const row = std::get_if<CursorRow>(&*entry)) {
        if (step != 0 || complete_) continue;  // of the probe
        if (!began_ || row->cells.size() != columns_) {
          core::throw_error(ErrorCode::Protocol,
                            "the server sent a row whose number of values differs from the columns", text_.source);
        }
        cells_ = row->cells;
        ++totals_.rows;
        return true;
      }
      if (const auto* const begin = std::get_if<StepBegin>(&*entry)) {
        step = begin->step;
        note_entry_of_probe(*entry);
        if (step != 0) continue;
        began_ = true;
        columns_ = begin->cols.size();
        listener_.cursor_began(begin->cols);
      } else if (const auto* const end = std::get_if<StepEnd>(&*entry)) {
        if (step == 0 && !complete_) {
          complete_ = true;
          totals_.affected = end->affected_row_count;
          totals_.last_insert_rowid = end->last_insert_rowid;
          listener_.cursor_ended(totals_);
        }
        if (!in_transaction_) break;  // what follows says nothing new
      } else if (const auto* const failed = std::get_if<StepError>(&*entry)) {
        if (failed->step == 0) fail(failed->error, call);
      } else if (const auto* const broken = std::get_if<CursorError>(&*entry)) {
        fail(broken->error, call);
      }
    }
    finish();
  } catch (...) {
    close();
    throw;
  }
  close();
  return false;
}

void CursorRun::finish() {
  if (transaction_gone_) conversation_.release();
  if (!began_ && in_transaction_) {
    conversation_.lose("the transaction is lost: the server has ended it");
    conversation_.check(text_.source);
  }
  if (!complete_) {
    core::throw_error(ErrorCode::Protocol, "the server's answer to a query ended before its rows did", text_.source);
  }
}

void CursorRun::fail(const hrana::WireError& error, const Call& call) {
  detail::ErrorData data = error_of(error, text_);
  if (in_transaction_) {
    // The rest tells whether the transaction has survived.
    try {
      while (const auto entry = cursor_->next(call)) note_entry_of_probe(*entry);
    } catch (const Error&) {
      conversation_.lose("the transaction is lost: " + data.message);
    }
    if (data.code == ErrorCode::TransactionLost) {
      conversation_.lose("the transaction is lost: " + data.message);
    } else if (transaction_gone_) {
      conversation_.release();
    }
    data.transaction_open = conversation_.is_open();
  }
  core::throw_error(std::move(data));
}

// -- rows in memory --------------------------------------------------------------------------------------------------

void CursorRun::keep_row() {
  std::vector<Value> row;
  row.reserve(cells_.size());
  for (const ValueRef& cell : cells_) row.emplace_back(cell);
  kept_bytes_ += bytes_of(row);
  kept_.push_back(std::move(row));
}

void CursorRun::show_kept() {
  kept_cells_.clear();
  for (const Value& value : kept_.front()) kept_cells_.push_back(value.ref());
  cells_ = kept_cells_;
}

bool CursorRun::advance_kept() {
  if (kept_.empty()) return false;
  kept_bytes_ -= bytes_of(kept_.front());  // the row that was current
  kept_.pop_front();
  if (kept_.empty()) return false;
  show_kept();
  return true;
}

bool CursorRun::keep_rest(std::size_t limit, const Call& call) {
  if (!is_open_) return true;
  if (kept_.empty()) keep_row();  // the current row stays as it is until the next one is asked for
  bool more = true;
  try {
    while (kept_bytes_ <= limit && (more = read_row(call))) keep_row();
  } catch (...) {
    more = false;
    kept_error_ = std::current_exception();
    close();
  }
  show_kept();
  return !more;
}

void CursorRun::cut(const char* why) noexcept {
  if (!is_open_) return;
  cut_ = why;
  try {
    if (kept_.empty()) keep_row();  // the user may still look at the current row
    show_kept();
    close();
  } catch (...) {  // without memory the cursor stays as long as the row
    is_open_ = false;
    conversation_.free_stream(*this);
  }
}

}  // namespace libsql::remote

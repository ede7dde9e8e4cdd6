#include "remote/bulk.hpp"

#include <libsql/transaction.hpp>

#include "core/errors.hpp"
#include "core/marks.hpp"
#include "remote/arguments.hpp"
#include "remote/batch_results.hpp"
#include "remote/failures.hpp"

namespace libsql::remote {
namespace {

// A stored text of an HTTP stream may be so long (observed: sqld 0.24.33); and a short one is not worth the request.
constexpr std::size_t kLongestStored = 4'900;
constexpr std::size_t kShortestStored = 24;
constexpr std::string_view kSavepoint = "libsql_bulk";

}  // namespace

Bulk::Bulk(Session& session, std::shared_ptr<Text> text) : session_(session), text_(std::move(text)) {
  session_.require_sendable(*text_);
  if (text_->what.access == sql::Access::Transaction) {
    core::throw_error(ErrorCode::Misuse, "a statement that begins or ends a transaction cannot run many times in one",
                      text_->source);
  }
}

Bulk::~Bulk() {
  if (session_.is_closed() || !has_bracket()) return;
  const core::UndoScope undo(session_);
  try {
    if (bracket_ == Bracket::Transaction) session_.rollback();
    if (bracket_ == Bracket::Savepoint) core::remove_mark(session_, id_);
  } catch (const std::exception& error) {
    session_.abandon(std::string("the connection was closed because a bulk load could not be rolled back: ") +
                     error.what());
  }
}

std::string_view Bulk::stored() const noexcept {
  const std::string_view text = text_->sent();
  const bool worth = stmts_.size() > 1 && text.size() >= kShortestStored && text.size() <= kLongestStored;
  return worth ? text : std::string_view();
}

void Bulk::add(const core::ParamsView& params) {
  const Arguments arguments(*text_, params);
  const Options& options = session_.store().options();
  const std::size_t bytes = bytes_of(arguments.view()) + text_->sent().size();
  if (!stmts_.empty() && (stmts_.size() >= options.batch_statements || bytes_ + bytes > options.batch_bytes)) flush();
  hrana::Stmt& stmt = stmts_.emplace_back();
  stmt.args = copy(arguments.view(), arena_);
  stmt.want_rows = false;
  bytes_ += bytes;
}

std::uint64_t Bulk::finish() {
  if (bracket_ == Bracket::None && !stmts_.empty()) {
    finish_in_one();
    if (bracket_ == Bracket::None) return changes_;
  }
  if (!stmts_.empty()) flush();
  finish_bracket();
  return changes_;
}

void Bulk::finish_in_one() {
  session_.require_sendable(*text_);
  session_.make_way(text_->source);
  const std::string_view name = stored();
  for (hrana::Stmt& stmt : stmts_) {
    if (name.empty()) {
      stmt.sql.text = text_->sent();
    } else {
      stmt.sql.id = 0;
    }
  }
  {
    const CallInterrupt::Running running(session_.interrupts());
    const Call call = session_.call(text_->source, false);
    try {
      const std::optional<RanBatch> ran = run_all_or_nothing(session_, stmts_, name, call);
      if (ran) {
        take(*ran->result, Conversation::kFirstStep);
        require_lasting(session_, *ran->result, stmts_.size(), text_->source);
        stmts_.clear();
        return;
      }
    } catch (const hrana::EncodeError& error) {
      throw_unsendable(error);
    }
  }
  open_bracket();  // which statement is wrong, it shows step by step
}

void Bulk::take(const hrana::BatchResult& batch, std::uint32_t first_step) {
  for (std::size_t i = 0; i < stmts_.size(); ++i) {
    const hrana::StepOutcome* const outcome = batch.find(first_step + static_cast<std::uint32_t>(i));
    if (outcome == nullptr) throw_skipped(session_, text_->source, sent_ + i);
    if (outcome->error() != nullptr) throw_wire_error(session_, *outcome->error(), *text_, sent_ + i);
    note_step(session_, *text_, stmts_[i], *outcome->result());
    if (text_->changes_rows()) changes_ += outcome->result()->totals.affected_row_count;
  }
}

void Bulk::throw_unsendable(const hrana::EncodeError& error) const {
  const bool json = session_.conversation().wire().encoding() == hrana::Encoding::Json;
  for (std::size_t i = 0; i < stmts_.size(); ++i) {
    try {
      throw_if_not_sendable(*text_, stmts_[i].args, json);
    } catch (const Error& found) {
      core::rethrow_with_statement_index(found, sent_ + i);
    }
  }
  core::throw_error(ErrorCode::SqlError, std::string("the statement cannot be sent: ") + error.what(), text_->source);
}

// Whether what this began is still there: the source of the arguments may have reset the session, and begun another
// one.
bool Bulk::has_bracket() const noexcept {
  if (bracket_ == Bracket::Transaction) return session_.has_transaction(id_);
  return bracket_ == Bracket::Savepoint && session_.find_mark(id_) != nullptr;
}

void Bulk::require_bracket() const {
  if (bracket_ == Bracket::None || has_bracket()) return;
  core::throw_error(ErrorCode::TransactionLost, "the transaction of the bulk load was ended before it", text_->source);
}

void Bulk::open_bracket() {
  if (bracket_ != Bracket::None) return;
  if (session_.is_autocommit()) {
    session_.begin(TransactionBehavior::Immediate);
    id_ = session_.new_transaction_handle();
    bracket_ = Bracket::Transaction;
  } else {
    id_ = core::set_mark(session_, kSavepoint);
    bracket_ = Bracket::Savepoint;
  }
}

void Bulk::flush() {
  open_bracket();
  require_bracket();
  for (hrana::Stmt& stmt : stmts_) {
    stmt.sql.id.reset();
    stmt.sql.text = text_->sent();
  }
  session_.make_way(text_->source);
  const CallInterrupt::Running running(session_.interrupts());
  const Call call = session_.call(text_->source, false);
  try {
    const RanBatch ran = session_.conversation().execute_script(stmts_, false, false, call);
    if (ran.refused != nullptr) throw_wire_error(session_, *ran.refused, *text_, sent_);
    take(*ran.result, 0);
  } catch (const hrana::EncodeError& error) {
    throw_unsendable(error);
  }
  sent_ += stmts_.size();
  stmts_.clear();
  arena_.reset();
  bytes_ = 0;
}

void Bulk::finish_bracket() {
  require_bracket();
  if (bracket_ == Bracket::Transaction) session_.commit();
  if (bracket_ == Bracket::Savepoint) core::release_mark(session_, id_);
  bracket_ = Bracket::None;
}

}  // namespace libsql::remote

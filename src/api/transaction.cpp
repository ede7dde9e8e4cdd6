#include <libsql/transaction.hpp>

#include <algorithm>

#include "api/access.hpp"
#include "api/marks.hpp"

namespace libsql {
namespace {

void require_open(bool open, const char* what) {
  if (!open) core::throw_error(ErrorCode::Misuse, std::string("the ") + what + " has already ended");
}

std::string abandon_reason(const char* what, const char* error) {
  return std::string("the connection was closed because a ") + what +
         " could not be rolled back when it ended: " + error;
}

// A destructor could not roll back: then the session must not be used again. If it was rolled back after all, and a
// listener threw, that is no reason; nobody could catch the exception.
void give_up(core::Session& session, bool stands, const char* what, const char* error) noexcept {
  if (!stands) return;
  try {
    session.abandon(abandon_reason(what, error));
  } catch (...) {  // no memory for the reason
    session.abandon("given up");
  }
}

using Marks = std::vector<core::Session::Mark>;

Marks::iterator find_mark(core::Session& session, std::uint64_t id) noexcept {
  return std::find_if(session.marks.begin(), session.marks.end(), [&](const auto& mark) { return mark.id == id; });
}

bool has_mark(core::Session& session, std::uint64_t id) noexcept {
  return find_mark(session, id) != session.marks.end();
}

void require_mark(core::Session& session, std::uint64_t id, const char* what) {
  if (has_mark(session, id)) return;
  core::throw_error(ErrorCode::Misuse, std::string("the ") + what + " has ended, because an outer one has");
}

void pop_mark(core::Session& session) {
  const bool watches = session.marks.back().watches;
  session.marks.pop_back();
  if (watches) session.watch(false);
}

void pop_marks(core::Session& session, std::uint64_t id) {
  while (has_mark(session, id)) pop_mark(session);
}

// The engine goes by name and takes the innermost of that name, so the marks go one by one, from the inside.
void release_innermost(core::Session& session) {
  try {
    session.release_savepoint(session.marks.back().name);
  } catch (...) {
    if (session.was_done()) pop_mark(session);
    throw;
  }
  pop_mark(session);
}

void release_down_to(core::Session& session, std::uint64_t id) {
  while (session.marks.back().id != id) release_innermost(session);
}

void release_mark(core::Session& session, std::uint64_t id) {
  release_down_to(session, id);
  release_innermost(session);
}

void roll_back_to_mark(core::Session& session, std::uint64_t id) {
  const core::UndoScope undo(session);
  release_down_to(session, id);
  session.rollback_to_savepoint(session.marks.back().name);
}

// Undoes and forgets it. What the engine has lost, with its whole transaction, needs no undoing; nor does what is lost
// on the way, for which the transaction around it has an error.
void remove_mark(core::Session& session, std::uint64_t id) {
  const core::UndoScope undo(session);
  if (session.is_autocommit()) return pop_marks(session, id);
  bool undoes = false;
  try {
    release_down_to(session, id);
    const std::string name = session.marks.back().name;
    undoes = true;
    session.undo_savepoint(name);
  } catch (...) {
    const bool lost = !session.is_closed() && session.is_autocommit();
    if (lost || (undoes && session.was_done())) pop_marks(session, id);
    throw;
  }
  pop_marks(session, id);
}

// What the engine is told: SQL text that uses the same name means another savepoint. The number is that of savepoints
// around it, not a new one each time, so that the texts are found in the cache of statements.
std::string engine_name(const core::Session& session, std::string_view name) {
  return std::string(name) + ":libsql:" + std::to_string(session.marks.size());
}

}  // namespace

namespace detail {
std::uint64_t set_mark(core::Session& session, std::string_view name) {
  if (name.empty()) core::throw_error(ErrorCode::Misuse, "a savepoint needs a name");
  const bool watches = !session.in_transaction();
  const std::uint64_t id = ++session.last_handle;
  session.marks.push_back({id, engine_name(session, name), watches});
  try {
    session.savepoint(session.marks.back().name);
  } catch (...) {
    session.marks.pop_back();
    throw;
  }
  // SQL text may have begun the transaction. If it also ends it, what follows is not part of what the handle undoes.
  if (watches) session.watch(true);
  return id;
}
}  // namespace detail

Transaction::Transaction(std::shared_ptr<core::Session> session, std::uint64_t mark)
    : session_(std::move(session)), connection_(detail::Access::connection(session_)), mark_(mark) {
  if (!is_nested()) id_ = session_->transaction = ++session_->last_handle;
}

Transaction::Transaction(Transaction&& other) noexcept
    : session_(std::move(other.session_)),
      connection_(std::move(other.connection_)),
      mark_(other.mark_),
      id_(other.id_),
      open_(std::exchange(other.open_, false)) {}

Transaction& Transaction::operator=(Transaction&& other) noexcept {
  if (this == &other) return *this;
  finish();
  connection_ = std::move(other.connection_);
  session_ = std::move(other.session_);
  mark_ = other.mark_;
  id_ = other.id_;
  open_ = std::exchange(other.open_, false);
  return *this;
}

Transaction::~Transaction() { finish(); }

// Whether the session still has what this began: after a reset() it may be in somebody else's transaction.
bool Transaction::is_current() const noexcept {
  return is_nested() ? has_mark(*session_, mark_) : session_->transaction == id_;
}

bool Transaction::is_open() const noexcept { return open_ && !session_->is_closed() && is_current(); }

void Transaction::finish() noexcept {
  if (!is_open()) return;
  try {
    rollback();
  } catch (const std::exception& error) {
    give_up(*session_, is_current(), "transaction", error.what());
  } catch (...) {
    give_up(*session_, is_current(), "transaction", "an exception that is not a std::exception");
  }
}

void Transaction::commit() {
  require_open(open_, "transaction");
  if (is_nested()) {
    require_mark(*session_, mark_, "transaction");
    release_mark(*session_, mark_);
  } else {
    if (!session_->is_closed() && !is_current()) {
      core::throw_error(ErrorCode::TransactionLost,
                        "the transaction was already rolled back: its connection was reset, or has a new user");
    }
    session_->commit();
  }
  open_ = false;
}

void Transaction::rollback() {
  require_open(open_, "transaction");
  if (is_nested()) {
    require_mark(*session_, mark_, "transaction");
    remove_mark(*session_, mark_);
  } else if (session_->is_closed() || is_current()) {
    session_->rollback();
  }
  open_ = false;
}

Savepoint::Savepoint(std::shared_ptr<core::Session> session, std::string name)
    : session_(std::move(session)),
      name_(std::move(name)),
      opened_transaction_(!session_->in_transaction() && session_->is_autocommit()) {
  open_ = false;  // nothing to undo if this throws
  mark_ = detail::set_mark(*session_, name_);
  open_ = true;
}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : session_(std::move(other.session_)),
      name_(std::move(other.name_)),
      mark_(other.mark_),
      opened_transaction_(other.opened_transaction_),
      open_(std::exchange(other.open_, false)) {}

Savepoint& Savepoint::operator=(Savepoint&& other) noexcept {
  if (this == &other) return *this;
  finish();
  session_ = std::move(other.session_);
  name_ = std::move(other.name_);
  mark_ = other.mark_;
  opened_transaction_ = other.opened_transaction_;
  open_ = std::exchange(other.open_, false);
  return *this;
}

Savepoint::~Savepoint() { finish(); }

bool Savepoint::is_open() const noexcept { return open_ && !session_->is_closed() && has_mark(*session_, mark_); }

void Savepoint::finish() noexcept {
  if (!is_open()) return;
  try {
    if (opened_transaction_) {
      session_->rollback();
    } else {
      remove_mark(*session_, mark_);
    }
  } catch (const std::exception& error) {
    give_up(*session_, has_mark(*session_, mark_), "savepoint", error.what());
  } catch (...) {
    give_up(*session_, has_mark(*session_, mark_), "savepoint", "an exception that is not a std::exception");
  }
  open_ = false;
}

void Savepoint::release() {
  require_open(open_, "savepoint");
  require_mark(*session_, mark_, "savepoint");
  release_mark(*session_, mark_);
  open_ = false;
}

void Savepoint::rollback() {
  require_open(open_, "savepoint");
  require_mark(*session_, mark_, "savepoint");
  roll_back_to_mark(*session_, mark_);
}

}  // namespace libsql

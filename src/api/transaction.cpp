#include <libsql/transaction.hpp>

#include <algorithm>

#include "api/access.hpp"
#include "api/marks.hpp"

namespace libsql {
namespace {

void require_open(bool open, const char* what) {
  if (!open) core::throw_error(ErrorCode::Misuse, std::string("the ") + what + " is finished already");
}

std::string abandon_reason(const char* what, const char* error) {
  return std::string("the connection was closed because a ") + what +
         " could not be rolled back when it ended: " + error;
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
  core::throw_error(ErrorCode::Misuse, std::string("the ") + what + " has ended, because one around it has");
}

// The engine goes by name and takes the innermost of that name, so the marks go one by one, from the inside.
void release_down_to(core::Session& session, std::uint64_t id) {
  while (session.marks.back().id != id) {
    session.release_savepoint(session.marks.back().name);
    session.marks.pop_back();
  }
}

void release_mark(core::Session& session, std::uint64_t id) {
  release_down_to(session, id);
  session.release_savepoint(session.marks.back().name);
  session.marks.pop_back();
}

void roll_back_to_mark(core::Session& session, std::uint64_t id) {
  release_down_to(session, id);
  session.rollback_to_savepoint(session.marks.back().name);
}

// Undoes and forgets it. What the engine has lost, with its whole transaction, needs no undoing.
void remove_mark(core::Session& session, std::uint64_t id) {
  if (!session.is_autocommit()) {
    release_down_to(session, id);
    session.undo_savepoint(session.marks.back().name);
  }
  session.marks.erase(find_mark(session, id), session.marks.end());
}

}  // namespace

namespace detail {
std::uint64_t set_mark(core::Session& session, std::string_view name) {
  session.marks.push_back({session.last_mark + 1, std::string(name)});
  try {
    session.savepoint(name);
  } catch (...) {
    session.marks.pop_back();
    throw;
  }
  return ++session.last_mark;
}
}  // namespace detail

Transaction::Transaction(std::shared_ptr<core::Session> session, std::uint64_t mark)
    : session_(std::move(session)), connection_(detail::Access::connection(session_)), mark_(mark) {}

Transaction::Transaction(Transaction&& other) noexcept
    : session_(std::move(other.session_)),
      connection_(std::move(other.connection_)),
      mark_(other.mark_),
      open_(std::exchange(other.open_, false)) {}

Transaction& Transaction::operator=(Transaction&& other) noexcept {
  if (this == &other) return *this;
  finish();
  connection_ = std::move(other.connection_);
  session_ = std::move(other.session_);
  mark_ = other.mark_;
  open_ = std::exchange(other.open_, false);
  return *this;
}

Transaction::~Transaction() { finish(); }

void Transaction::finish() noexcept {
  if (!open_ || session_->is_closed()) return;
  if (is_nested() && !has_mark(*session_, mark_)) return;
  try {
    rollback();
  } catch (const std::exception& error) {
    session_->abandon(abandon_reason("transaction", error.what()));
  }
}

void Transaction::commit() {
  require_open(open_, "transaction");
  if (is_nested()) {
    require_mark(*session_, mark_, "transaction");
    release_mark(*session_, mark_);
  } else {
    session_->commit();
    session_->marks.clear();
  }
  open_ = false;
}

void Transaction::rollback() {
  require_open(open_, "transaction");
  if (is_nested()) {
    require_mark(*session_, mark_, "transaction");
    remove_mark(*session_, mark_);
  } else {
    session_->rollback();
    session_->marks.clear();
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

void Savepoint::finish() noexcept {
  if (!open_ || session_->is_closed() || !has_mark(*session_, mark_)) return;
  open_ = false;
  try {
    if (opened_transaction_) {
      session_->rollback();
      session_->marks.clear();
    } else {
      remove_mark(*session_, mark_);
    }
  } catch (const std::exception& error) {
    session_->abandon(abandon_reason("savepoint", error.what()));
  }
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

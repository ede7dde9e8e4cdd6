#include <libsql/transaction.hpp>

#include "api/access.hpp"
#include "core/marks.hpp"

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

}  // namespace

Transaction::Transaction(std::shared_ptr<core::Session> session, std::uint64_t mark)
    : session_(std::move(session)), connection_(detail::Access::connection(session_)), mark_(mark) {
  if (!is_nested()) id_ = session_->new_transaction_handle();
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
  return is_nested() ? session_->find_mark(mark_) != nullptr : session_->has_transaction(id_);
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
    core::require_mark(*session_, mark_, "transaction");
    core::release_mark(*session_, mark_);
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
    core::require_mark(*session_, mark_, "transaction");
    core::remove_mark(*session_, mark_);
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
  mark_ = core::set_mark(*session_, name_);
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

bool Savepoint::is_open() const noexcept {
  return open_ && !session_->is_closed() && session_->find_mark(mark_) != nullptr;
}

void Savepoint::finish() noexcept {
  if (!is_open()) return;
  try {
    if (opened_transaction_) {
      session_->rollback();
    } else {
      core::remove_mark(*session_, mark_);
    }
  } catch (const std::exception& error) {
    give_up(*session_, session_->find_mark(mark_) != nullptr, "savepoint", error.what());
  } catch (...) {
    give_up(*session_, session_->find_mark(mark_) != nullptr, "savepoint", "an exception that is not a std::exception");
  }
  open_ = false;
}

void Savepoint::release() {
  require_open(open_, "savepoint");
  core::require_mark(*session_, mark_, "savepoint");
  core::release_mark(*session_, mark_);
  open_ = false;
}

void Savepoint::rollback() {
  require_open(open_, "savepoint");
  core::require_mark(*session_, mark_, "savepoint");
  core::roll_back_to_mark(*session_, mark_);
}

}  // namespace libsql

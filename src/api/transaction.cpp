#include <libsql/transaction.hpp>

#include "api/access.hpp"

namespace libsql {
namespace {

void require_open(bool open, const char* what) {
  if (!open) core::throw_error(ErrorCode::Misuse, std::string("the ") + what + " is finished already");
}

std::string abandon_reason(const char* what, const char* error) {
  return std::string("the connection was closed because a ") + what +
         " could not be rolled back when it ended: " + error;
}

// A savepoint that its engine has lost, with its whole transaction, needs no rollback.
void roll_back_savepoint(core::Session& session, const std::string& name) {
  if (session.is_autocommit()) return;
  session.rollback_to_savepoint(name);
  session.release_savepoint(name);
}

}  // namespace

Transaction::Transaction(std::shared_ptr<core::Session> session, std::string savepoint)
    : connection_(std::make_unique<Connection>(detail::Access::connection(std::move(session)))),
      savepoint_(std::move(savepoint)) {}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::move(other.connection_)),
      savepoint_(std::move(other.savepoint_)),
      open_(std::exchange(other.open_, false)) {}

Transaction& Transaction::operator=(Transaction&& other) noexcept {
  if (this == &other) return *this;
  finish();
  connection_ = std::move(other.connection_);
  savepoint_ = std::move(other.savepoint_);
  open_ = std::exchange(other.open_, false);
  return *this;
}

Transaction::~Transaction() { finish(); }

void Transaction::finish() noexcept {
  if (!open_) return;
  core::Session& session = *detail::Access::session(*connection_);
  if (session.is_closed()) return;
  try {
    rollback();
  } catch (const std::exception& error) {
    session.abandon(abandon_reason("transaction", error.what()));
  }
}

void Transaction::commit() {
  require_open(open_, "transaction");
  core::Session& session = *detail::Access::session(*connection_);
  if (savepoint_.empty()) {
    session.commit();
  } else {
    session.release_savepoint(savepoint_);
  }
  open_ = false;
}

void Transaction::rollback() {
  require_open(open_, "transaction");
  open_ = false;
  core::Session& session = *detail::Access::session(*connection_);
  if (savepoint_.empty()) {
    session.rollback();
  } else {
    roll_back_savepoint(session, savepoint_);
  }
}

Connection& Transaction::connection() noexcept { return *connection_; }
Connection* Transaction::operator->() noexcept { return connection_.get(); }

Savepoint::Savepoint(std::shared_ptr<core::Session> session, std::string name)
    : session_(std::move(session)), name_(std::move(name)) {}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : session_(std::move(other.session_)), name_(std::move(other.name_)), open_(std::exchange(other.open_, false)) {}

Savepoint& Savepoint::operator=(Savepoint&& other) noexcept {
  if (this == &other) return *this;
  finish();
  session_ = std::move(other.session_);
  name_ = std::move(other.name_);
  open_ = std::exchange(other.open_, false);
  return *this;
}

Savepoint::~Savepoint() { finish(); }

void Savepoint::finish() noexcept {
  if (!open_ || session_->is_closed()) return;
  open_ = false;
  try {
    roll_back_savepoint(*session_, name_);
  } catch (const std::exception& error) {
    session_->abandon(abandon_reason("savepoint", error.what()));
  }
}

void Savepoint::release() {
  require_open(open_, "savepoint");
  session_->release_savepoint(name_);
  open_ = false;
}

void Savepoint::rollback() {
  require_open(open_, "savepoint");
  session_->rollback_to_savepoint(name_);
}

}  // namespace libsql

#include <libsql/transact.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <libsql/detail/call_scope.hpp>
#include <libsql/transaction.hpp>

#include "api/access.hpp"
#include "core/backoff.hpp"

namespace libsql::detail {

class TransactRun::Impl {
 public:
  Impl(Connection& connection, const TransactOptions& options)
      : session_(Access::session(connection)), options_(options), call_(&Access::require_session(session_)) {
    if (options.attempts < 1) core::throw_error(ErrorCode::OutOfRange, "transact() needs at least one attempt");
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { unguard(); }

  void begin() {
    ++attempt_;
    nested_ = session_->in_transaction() || !session_->is_autocommit();
    transaction_.emplace(Access::connection(session_).transaction(options_.behavior));
    // A COMMIT in SQL text would make lasting what another attempt does again.
    if (!nested_) session_->guard_transaction(guards_ = true);
  }

  void commit() {
    unguard();
    committing_ = true;
    transaction_->commit();
    committed_ = true;
  }

  void try_again_or_rethrow() {
    try {
      throw;
    } catch (const Error& error) {
      if (!may_try_again(error)) throw;
      unguard();
      transaction_.reset();
      committing_ = false;
      if (session_->is_closed()) throw;  // it could not be rolled back
    }
    session_->pause(backoff().next());
  }

 private:
  void unguard() noexcept {
    if (std::exchange(guards_, false)) session_->guard_transaction(false);
  }

  bool may_try_again(const Error& error) const {
    if (committed_ || attempt_ >= options_.attempts) return false;
    if (!error.outcome_known() || error.write_committed() || !error.session_usable()) return false;
    // The lock is the outer transaction's, and so is what it has read.
    if (nested_) return false;
    // Its handle has ended: it is committed, and a listener failed, who was told of that.
    if (committing_ && !transaction_->is_open()) return false;
    if (error.code() == ErrorCode::TransactionLost || is_stale_snapshot(error)) return true;
    // A deadline is for all attempts together.
    if (error.code() == ErrorCode::Timeout && session_->settings().deadline) return false;
    return error.retryable();
  }

  /// Whether the transaction read first and cannot write any more: a new one can.
  static bool is_stale_snapshot(const Error& error) noexcept {
    constexpr int kBusySnapshot = 517;  // https://www.sqlite.org/rescode.html#busy_snapshot
    return error.code() == ErrorCode::Busy && error.sqlite_code() == kBusySnapshot;
  }

  core::Backoff& backoff() {
    using namespace std::chrono_literals;
    if (!backoff_) backoff_.emplace(5ms, 500ms);
    return *backoff_;
  }

  const std::shared_ptr<core::Session> session_;
  const TransactOptions options_;
  const CallScope call_;
  std::optional<Transaction> transaction_;
  std::optional<core::Backoff> backoff_;
  int attempt_ = 0;
  bool nested_ = false;
  bool guards_ = false;
  bool committing_ = false;
  bool committed_ = false;
};

TransactRun::TransactRun(Connection& connection, const TransactOptions& options)
    : impl_(std::make_unique<Impl>(connection, options)) {}
TransactRun::~TransactRun() = default;
void TransactRun::begin() { impl_->begin(); }
void TransactRun::commit() { impl_->commit(); }
void TransactRun::try_again_or_rethrow() { impl_->try_again_or_rethrow(); }

}  // namespace libsql::detail

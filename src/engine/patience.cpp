#include "engine/patience.hpp"

#include <climits>
#include <string>
#include <thread>

#include <sqlite3.h>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "engine/connection.hpp"
#include "engine/connection_state.hpp"

namespace libsql::engine {
namespace {

// Virtual machine operations between two checks of the clock: about ten microseconds.
constexpr int kProgressSteps = 1000;

std::string passed_deadline(std::optional<std::chrono::milliseconds> limit) {
  return "the deadline of " + std::to_string(limit.value_or(std::chrono::milliseconds(0)).count()) + " ms passed";
}

}  // namespace

Patience::Patience(Connection& connection)
    : connection_(connection), interrupt_state_(std::make_shared<Interrupt>(connection.handle())) {
  sqlite3_busy_handler(connection_.handle(), &Patience::busy_callback, this);
}

// -- locks -----------------------------------------------------------------------------------------------------------

void Patience::lend_busy_timeout() noexcept {
  sqlite3_busy_timeout(connection_.handle(), static_cast<int>(std::min<std::int64_t>(busy_timeout_.count(), INT_MAX)));
}

void Patience::take_busy_timeout_back() {
  busy_timeout_ = std::chrono::milliseconds(connection_.query_integer("PRAGMA busy_timeout"));
  sqlite3_busy_handler(connection_.handle(), &Patience::busy_callback, this);
}

Clock::time_point Patience::wait_limit() const noexcept {
  const Clock::time_point limit = Clock::now() + busy_timeout_;
  return deadline_limit_ ? std::min(limit, deadline_at_) : limit;
}

void Patience::fail_wait(bool interrupted, std::string_view message) const {
  detail::ErrorData data;
  data.message = message;
  data.code = interrupted ? ErrorCode::Interrupted : deadline_passed() ? ErrorCode::Timeout : ErrorCode::Busy;
  data.sqlite_code = interrupted ? SQLITE_INTERRUPT : SQLITE_BUSY;
  data.retryable = !interrupted;
  data.transaction_open = !connection_.is_autocommit();
  core::throw_error(std::move(data));
}

int Patience::busy_callback(void* self, int count) noexcept {
  return static_cast<Patience*>(self)->wait_for_lock(count) ? 1 : 0;
}

bool Patience::wait_for_lock(int count) noexcept {
  using std::chrono::microseconds;
  const auto now = Clock::now();
  if (count == 0) busy_since_ = now - waited_;
  if (is_interrupted() || is_call_interrupted() || notice_end()) return false;
  const auto left = busy_since_ + busy_timeout_ - now;
  if (left <= Clock::duration::zero()) return false;
  // Short naps at first, as most locks are held for less than a millisecond; and never so long that an interrupt is
  // noticed late.
  const Clock::duration nap = microseconds(std::min(100 << std::min(count, 6), 5000));
  ++busy_waits_;
  std::this_thread::sleep_for(std::min(nap, left));
  return true;
}

// -- deadlines -------------------------------------------------------------------------------------------------------

void Patience::set_deadline(std::optional<std::chrono::milliseconds> limit) {
  deadline_limit_ = limit ? std::optional(std::min(*limit, kLongestWait)) : std::nullopt;
  timed_out_ = false;
  connection_.set_attention(Connection::kDeadline, limit.has_value());
  install_progress_handler();
}

void Patience::start_deadline() noexcept {
  note_call();
  if (callbacks_ > 0 || calls_ > 0) return;
  if (deadline_limit_) deadline_at_ = Clock::now() + *deadline_limit_;
  timed_out_ = false;
}

// Whether the deadline has passed. If so, the error that follows is reported as a Timeout.
bool Patience::notice_end() noexcept {
  if (!deadline_passed()) return false;
  timed_out_ = true;
  return true;
}

// -- calls -----------------------------------------------------------------------------------------------------------

void Patience::begin_call() noexcept {
  start_deadline();  // has no effect inside a callback, which is part of the call in progress
  ++calls_;
  if (several_++ == 0) connection_.set_attention(Connection::kCall, true);
}

void Patience::end_call() noexcept {
  --calls_;
  if (--several_ == 0) connection_.set_attention(Connection::kCall, false);
}

void Patience::begin_watched() noexcept {
  ++calls_;
  if (watched_++ == 0) install_progress_handler();
}

void Patience::end_watched() noexcept {
  --calls_;
  if (--watched_ == 0) install_progress_handler();
}

// Interrupting sets the engine's flag first and then counts. So an interrupt that arrives between these two lines is
// counted afterwards, and keep_interrupt() sees it.
std::uint64_t Patience::note_new_call() noexcept {
#ifndef LIBSQL_SYSTEM_SQLITE
  if (sqlite3* const db = connection_.handle()) libsql_engine_forget_interrupt(db);
#endif
  const std::uint64_t now = interrupts().load(std::memory_order_acquire);
  if ((calls_ | callbacks_) == 0) call_interrupts_ = now;  // otherwise this is an undo within a call
  return now;
}

void Patience::interrupt_again() noexcept {
  if (sqlite3* const db = connection_.handle()) sqlite3_interrupt(db);
}

void Patience::check_call() {
  if (callbacks_ > 0) return;  // the statement that called back ends the call
  const bool interrupted = is_call_interrupted();
  if (interrupted || deadline_passed()) {
    ++connection_.statistics.errors;
    throw_end_of_call(interrupted, " between two statements of a call");
  }
}

void Patience::throw_end_of_call(bool interrupted, std::string_view when) const {
  detail::ErrorData data;
  data.code = interrupted ? ErrorCode::Interrupted : ErrorCode::Timeout;
  data.sqlite_code = SQLITE_INTERRUPT;
  data.message = interrupted ? "interrupted" : passed_deadline(deadline_limit_);
  data.message += when;
  data.retryable = !interrupted;
  data.transaction_open = !connection_.is_autocommit();
  core::throw_error(std::move(data));
}

bool Patience::must_end_call() noexcept {
  if (undoing_ > 0) return false;
  return notice_end() || is_call_interrupted() || is_interrupted();
}

void Patience::end_call_if_due() {
  if (!must_end_call()) return;
  throw_end_of_call(!std::exchange(timed_out_, false), " while a statement ran");
}

void Patience::explain(detail::ErrorData& data) {
  if (std::exchange(timed_out_, false) && (data.code == ErrorCode::Busy || data.code == ErrorCode::Interrupted)) {
    data.code = ErrorCode::Timeout;
    data.message = passed_deadline(deadline_limit_) + ": " + data.message;
    data.retryable = true;
  } else if (data.code == ErrorCode::Busy && (is_interrupted() || is_call_interrupted())) {
    data.code = ErrorCode::Interrupted;  // while it waited for the lock
    data.message = "interrupted while waiting for a lock";
    data.retryable = false;
  }
}

// -- interrupts ------------------------------------------------------------------------------------------------------

bool Patience::is_interrupted() const noexcept {
  if (interrupt_state_->is_stopped()) return true;
#if SQLITE_VERSION_NUMBER >= 3041000
  sqlite3* const db = connection_.handle();
  return db != nullptr && sqlite3_is_interrupted(db) != 0;
#else
  return false;
#endif
}

void Patience::renew_interrupts() {
  if (interrupt_state_.use_count() == 1) return;
  auto fresh = std::make_shared<Interrupt>(connection_.handle());
  interrupt_state_->detach();
  interrupt_state_ = std::move(fresh);
  call_interrupts_ = 0;
}

void Patience::set_stoppable(bool on) noexcept {
  stoppable_ = on;
  install_progress_handler();
}

// -- progress --------------------------------------------------------------------------------------------------------

int Patience::add_progress_listener(std::function<void()> listener) {
  progress_listeners_.emplace_back(next_progress_listener_, std::move(listener));
  install_progress_handler();
  return next_progress_listener_++;
}

void Patience::remove_progress_listener(int number) noexcept {
  for (auto& entry : progress_listeners_) {
    if (entry.first == number) entry.first = 0;
  }
  if (in_progress_) return;
  std::erase_if(progress_listeners_, [](const auto& entry) { return entry.first == 0; });
  install_progress_handler();
}

void Patience::install_progress_handler() noexcept {
  if (connection_.is_closed()) return;
  const bool wanted = stoppable_ || watched_ > 0 || deadline_limit_.has_value() || !progress_listeners_.empty();
  sqlite3_progress_handler(connection_.handle(), kProgressSteps, wanted ? &Patience::progress_callback : nullptr, this);
}

int Patience::progress_callback(void* argument) noexcept {
  auto& self = *static_cast<Patience*>(argument);
  if (self.notice_end()) return 1;
  if (self.interrupt_state_->is_stopped() || self.is_call_interrupted()) return 1;
  if (self.in_progress_) return 0;
  self.in_progress_ = true;
  const int result = guard(self.connection_, 1, [&] {
    // By index and on a copy, because a listener may add another one.
    for (std::size_t i = 0; i < self.progress_listeners_.size(); ++i) {
      if (self.progress_listeners_[i].first == 0) continue;
      const std::function<void()> listener = self.progress_listeners_[i].second;
      listener();
    }
    return 0;
  });
  self.in_progress_ = false;
  self.remove_progress_listener(0);
  return result;
}

}  // namespace libsql::engine

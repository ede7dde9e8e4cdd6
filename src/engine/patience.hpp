// How long a connection waits and runs: for locks, up to a deadline, until it is interrupted. A deadline and an
// interrupt apply to one call by the library's user, which includes all its statements, their callbacks and the
// statements of those.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/interrupt.hpp"

namespace libsql::detail {
struct ErrorData;
}

namespace libsql::engine {

class Connection;

using Clock = std::chrono::steady_clock;

/// Threads: the connection's own, except for interrupt_state().
class Patience final {
 public:
  /// For an open connection, whose busy handler it becomes.
  explicit Patience(Connection& connection);
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  // -- locks

  void set_busy_timeout(std::chrono::milliseconds timeout) noexcept { busy_timeout_ = std::min(timeout, kLongestWait); }
  std::chrono::milliseconds busy_timeout() const noexcept { return busy_timeout_; }
  /// `PRAGMA busy_timeout` reads and sets a number in the engine, and setting it replaces our busy handler with the
  /// engine's, which cannot be interrupted. So while such a PRAGMA is compiled the engine gets our time-out, and
  /// afterwards we take over its number and restore our handler.
  template <class Compile>
  auto with_busy_timeout_lent(Compile&& compile) {
    lend_busy_timeout();
    try {
      auto result = compile();
      take_busy_timeout_back();
      return result;
    } catch (...) {
      take_busy_timeout_back();
      throw;
    }
  }
  /// Until when a wait for a lock that begins now may last: limited by the busy timeout and the deadline.
  Clock::time_point wait_limit() const noexcept;
  /// Sets how long a statement has already waited outside the engine, which shortens its wait for the engine's locks.
  void set_waited(Clock::duration waited) noexcept { waited_ = waited; }
  /// Throws for such a wait without success: Interrupted, Timeout if the deadline has passed, or Busy.
  [[noreturn]] void fail_wait(bool interrupted, std::string_view message) const;
  /// How often the busy handler has slept.
  std::uint64_t busy_waits() const noexcept { return busy_waits_; }

  // -- deadlines

  void set_deadline(std::optional<std::chrono::milliseconds> limit);
  std::optional<std::chrono::milliseconds> deadline() const noexcept { return deadline_limit_; }
  /// Starts the clock of a call, if there is a deadline and the call is not part of another one. Also for work other
  /// than statements that may take long.
  void start_deadline() noexcept;
  bool deadline_passed() const noexcept { return deadline_limit_ && undoing_ == 0 && Clock::now() >= deadline_at_; }

  // -- calls

  /// For a call that runs several statements: it has one deadline, and an interrupt at any time ends it. Calls nest.
  void begin_call() noexcept;
  void end_call() noexcept;
  bool is_in_call() const noexcept { return several_ > 0; }
  /// Marks the start of a call, which earlier interrupts do not concern. Has no effect inside another call. Returns the
  /// number of interrupts before the call.
  std::uint64_t note_call() noexcept {
    if ((calls_ | callbacks_) == 0 || undoing_ != 0) [[likely]]
      return note_new_call();
    return call_interrupts_;
  }
  /// Call before the first step of a statement, with the result of note_call(). If an interrupt has arrived since, the
  /// engine is interrupted again, as something run meanwhile may have made it forget.
  void keep_interrupt(std::uint64_t interrupts_before) noexcept {
    if (interrupts().load(std::memory_order_acquire) != interrupts_before) [[unlikely]]
      interrupt_again();
  }
  /// For a call that compiles a statement and then runs it.
  class OneCall {
   public:
    explicit OneCall(Patience& patience) noexcept : patience_(patience) {
      patience_.note_call();
      ++patience_.calls_;
    }
    ~OneCall() { --patience_.calls_; }
    OneCall(const OneCall&) = delete;
    OneCall& operator=(const OneCall&) = delete;

   private:
    Patience& patience_;
  };
  /// For SQL that bypasses Statement. When such SQL starts, the engine forgets an earlier interrupt, so the progress
  /// handler looks for one.
  class Watched {
   public:
    explicit Watched(Patience& patience) noexcept : patience_(patience) { patience_.begin_watched(); }
    ~Watched() { patience_.end_watched(); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   private:
    Patience& patience_;
  };
  /// While it exists, something is being undone, which neither an interrupt of the call nor its deadline ends.
  class UndoScope {
   public:
    explicit UndoScope(Patience& patience) noexcept : patience_(patience) { patience_.begin_undo(); }
    ~UndoScope() { patience_.end_undo(); }
    UndoScope(const UndoScope&) = delete;
    UndoScope& operator=(const UndoScope&) = delete;

   private:
    Patience& patience_;
  };
  void begin_undo() noexcept { ++undoing_; }
  void end_undo() noexcept { --undoing_; }
  bool is_undoing() const noexcept { return undoing_ > 0; }
  /// For C++ code that runs below the engine. Statements that it runs belong to the call in progress.
  void enter_callback() noexcept { ++callbacks_; }
  void leave_callback() noexcept { --callbacks_; }
  bool is_in_callback() const noexcept { return callbacks_ > 0; }

  /// Throws Interrupted or Timeout if the call must end.
  void check_call();
  /// The same for callbacks from the engine. If true, the callback must fail, and explain() gives the error its final
  /// code.
  bool must_end_call() noexcept;
  /// Whether must_end_call() needs to be asked: there is a deadline, or the call may have been interrupted.
  bool may_end_call() const noexcept { return deadline_limit_ || is_in_call() || is_interrupted(); }
  /// Throws Timeout or Interrupted if the call must end. For callbacks whose exceptions are kept.
  void end_call_if_due();
  /// Gives an engine error that was caused by a deadline or an interrupted wait the code and message for the user.
  void explain(detail::ErrorData& data);

  // -- interrupts

  bool is_interrupted() const noexcept;
  bool is_call_interrupted() const noexcept {
    return calls_ > 0 && undoing_ == 0 && interrupts().load(std::memory_order_relaxed) != call_interrupts_;
  }
  /// Counts interrupts. A wait outside the engine must end once this differs from heeded_interrupts().
  const std::atomic<std::uint64_t>& interrupts() const noexcept { return interrupt_state_->count(); }
  /// The count when the current call began. Later interrupts concern this call.
  std::uint64_t heeded_interrupts() const noexcept {
    return undoing_ == 0 ? call_interrupts_ : interrupts().load(std::memory_order_relaxed);
  }
  const std::shared_ptr<Interrupt>& interrupt_state() const noexcept { return interrupt_state_; }
  /// Detaches the interrupt handles given out so far, which then have no effect.
  void renew_interrupts();
  /// Whether long statements notice Interrupt::stop(). Off by default, as it costs a function call every thousand
  /// operations.
  void set_stoppable(bool on) noexcept;

  // -- progress

  /// Adds a listener that is called about every 1000 operations of the virtual machine, and may throw to end the
  /// statement. Returns a number for remove_progress_listener().
  int add_progress_listener(std::function<void()> listener);
  void remove_progress_listener(int number) noexcept;

 private:
  /// Longer times, such as milliseconds::max(), would overflow when added to the clock.
  static constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(24 * 365 * 50);

  std::uint64_t note_new_call() noexcept;
  [[gnu::cold]] void interrupt_again() noexcept;
  [[noreturn]] void throw_end_of_call(bool interrupted, std::string_view when) const;
  void begin_watched() noexcept;
  void end_watched() noexcept;
  void lend_busy_timeout() noexcept;
  void take_busy_timeout_back();
  void install_progress_handler() noexcept;
  static int busy_callback(void* self, int count) noexcept;
  static int progress_callback(void* self) noexcept;
  bool wait_for_lock(int count) noexcept;
  bool notice_end() noexcept;

  Connection& connection_;
  int calls_ = 0;                      // nesting depth
  int callbacks_ = 0;                  // nesting depth of C++ code below the engine
  int undoing_ = 0;                    // nesting depth
  int several_ = 0;                    // how many of the calls run several statements
  int watched_ = 0;                    // nesting depth of Watched
  std::uint64_t call_interrupts_ = 0;  // interrupts before the call
  std::shared_ptr<Interrupt> interrupt_state_;
  std::optional<std::chrono::milliseconds> deadline_limit_;
  Clock::time_point deadline_at_{};
  bool timed_out_ = false;  // the engine was told to stop because the deadline had passed
  bool stoppable_ = false;
  bool in_progress_ = false;  // listeners are being called, so none may move
  std::chrono::milliseconds busy_timeout_{0};
  Clock::time_point busy_since_{};
  Clock::duration waited_{0};
  std::uint64_t busy_waits_ = 0;
  std::vector<std::pair<int, std::function<void()>>> progress_listeners_;
  int next_progress_listener_ = 1;
};

}  // namespace libsql::engine

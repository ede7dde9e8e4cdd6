// How long a connection waits and runs: for locks, up to a deadline, until somebody interrupts it. An interrupt and a
// deadline are for one call of the library's user, of which the statements, the callbacks and their statements are
// parts.
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

/// Threads: that of the connection, but for what interrupt_state() gives.
class Patience final {
 public:
  /// Of a connection that is open. It puts its busy handler there.
  explicit Patience(Connection& connection);
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  // -- locks

  void set_busy_timeout(std::chrono::milliseconds timeout) noexcept { busy_timeout_ = std::min(timeout, kLongestWait); }
  std::chrono::milliseconds busy_timeout() const noexcept { return busy_timeout_; }
  /// `PRAGMA busy_timeout` reads and sets a number of the engine's own, and setting it puts the engine's busy handler,
  /// which cannot be interrupted, in the place of ours. While such a PRAGMA is compiled, the number is lent to it.
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
  /// Until when a wait for a lock may last that begins now: as the busy timeout or the deadline says.
  Clock::time_point wait_limit() const noexcept;
  /// How long a statement has waited already, outside the engine; its wait for the engine's locks is shorter by that.
  void set_waited(Clock::duration waited) noexcept { waited_ = waited; }
  /// Throws for such a wait that came to nothing: Interrupted, Timeout if the deadline has passed, else Busy.
  [[noreturn]] void fail_wait(bool interrupted, std::string_view message) const;
  /// How often the busy handler slept.
  std::uint64_t busy_waits() const noexcept { return busy_waits_; }

  // -- deadlines

  void set_deadline(std::optional<std::chrono::milliseconds> limit);
  std::optional<std::chrono::milliseconds> deadline() const noexcept { return deadline_limit_; }
  /// Starts the clock of one call, if there is a deadline and the call is not part of another one. What may take long
  /// and is no statement calls it too.
  void start_deadline() noexcept;
  bool deadline_passed() const noexcept { return deadline_limit_ && undoing_ == 0 && Clock::now() >= deadline_at_; }

  // -- calls

  /// A call that runs several statements: it has one deadline, and an interrupt ends it whenever it comes. Calls nest.
  void begin_call() noexcept;
  void end_call() noexcept;
  bool is_in_call() const noexcept { return several_ > 0; }
  /// Where a call begins: what came before is not meant for it. Inside a call it does nothing. Returns the number of
  /// interrupts before the call.
  std::uint64_t note_call() noexcept {
    if ((calls_ | callbacks_) == 0 || undoing_ != 0) [[likely]]
      return note_new_call();
    return call_interrupts_;
  }
  /// After note_call(), before the first step of a statement: if an interrupt came meanwhile, the engine is told of it
  /// once more, as something else that ran may have made it forget.
  void keep_interrupt(std::uint64_t interrupts_before) noexcept {
    if (interrupts().load(std::memory_order_acquire) != interrupts_before) [[unlikely]]
      interrupt_again();
  }
  /// A call that compiles a statement before it runs it.
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
  /// SQL that runs past Statement: its start makes the engine forget an interrupt that came before.
  class Watched {
   public:
    explicit Watched(Patience& patience) noexcept : patience_(patience) { patience_.begin_watched(); }
    ~Watched() { patience_.end_watched(); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   private:
    Patience& patience_;
  };
  /// The time in which something is undone, which neither an interrupt of the call nor its deadline ends.
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
  /// C++ code runs below the engine. What it runs is part of the call that it interrupts.
  void enter_callback() noexcept { ++callbacks_; }
  void leave_callback() noexcept { --callbacks_; }
  bool is_in_callback() const noexcept { return callbacks_ > 0; }

  /// Throws Interrupted or Timeout if the call is to end.
  void check_call();
  /// The same for callbacks from the engine, which fail then: true, and what the running statement throws is settled.
  bool must_end_call() noexcept;
  /// Whether must_end_call() is worth the question: somebody set a deadline, or asked for an interrupt.
  bool may_end_call() const noexcept { return deadline_limit_ || is_in_call() || is_interrupted(); }
  /// Throws Timeout or Interrupted if so: for callbacks whose exceptions are kept.
  void end_call_if_due();
  /// Makes an error of the engine what it is for the user, if it came of a deadline or of an interrupted wait.
  void explain(detail::ErrorData& data);

  // -- interrupts

  bool is_interrupted() const noexcept;
  bool is_call_interrupted() const noexcept {
    return calls_ > 0 && undoing_ == 0 && interrupts().load(std::memory_order_relaxed) != call_interrupts_;
  }
  /// How often somebody asked for an interrupt. A wait outside the engine ends when it is no longer
  /// heeded_interrupts().
  const std::atomic<std::uint64_t>& interrupts() const noexcept { return interrupt_state_->count(); }
  /// How often it was when the call began that runs now: one more is meant for it.
  std::uint64_t heeded_interrupts() const noexcept {
    return undoing_ == 0 ? call_interrupts_ : interrupts().load(std::memory_order_relaxed);
  }
  const std::shared_ptr<Interrupt>& interrupt_state() const noexcept { return interrupt_state_; }
  /// The handles given out until now do nothing any more.
  void renew_interrupts();
  /// Whether long statements notice Interrupt::stop(); off at first, because it costs a call in a thousand operations.
  void set_stoppable(bool on) noexcept;

  // -- progress

  /// Listeners of the engine's progress; each is called about every 1000 virtual machine operations and may throw to
  /// end the statement. Returns a number to remove it by.
  int add_progress_listener(std::function<void()> listener);
  void remove_progress_listener(int number) noexcept;

 private:
  /// Longer times, such as milliseconds::max(), would overflow when added to the clock's.
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
  int calls_ = 0;                      // one in the other
  int callbacks_ = 0;                  // depth of C++ code below the engine
  int undoing_ = 0;                    // depth
  int several_ = 0;                    // of the calls those that run several statements
  int watched_ = 0;                    // statements of the engine's own run
  std::uint64_t call_interrupts_ = 0;  // the interrupts before the call
  std::shared_ptr<Interrupt> interrupt_state_;
  std::optional<std::chrono::milliseconds> deadline_limit_;
  Clock::time_point deadline_at_{};
  bool timed_out_ = false;  // the engine was told to end because of the deadline
  bool stoppable_ = false;
  bool in_progress_ = false;  // the listeners are being called: none moves
  std::chrono::milliseconds busy_timeout_{0};
  Clock::time_point busy_since_{};
  Clock::duration waited_{0};
  std::uint64_t busy_waits_ = 0;
  std::vector<std::pair<int, std::function<void()>>> progress_listeners_;
  int next_progress_listener_ = 1;
};

}  // namespace libsql::engine

// The line of those who want to write to one database file in this process: first come, first served.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace libsql::local {

/// A lock that is handed over in the order of asking. SQLite's own lock goes to whoever happens to look when it is
/// free, so that under load some wait for seconds; with this in front, only one thread of the process ever looks.
/// Threads: all members may be called by several at once.
class WriteQueue {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Outcome : std::uint8_t { Entered, TimedOut, Interrupted };

  /// The one queue of that database in this process; lives as long as somebody holds it.
  static std::shared_ptr<WriteQueue> of(const std::string& database_identity);

  WriteQueue() = default;
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  /// What somebody does every few milliseconds while he waits.
  class Watch {
   public:
    virtual ~Watch() = default;
    virtual void look() noexcept = 0;
  };

  /// Waits for the turn, at most until `until`, and not after `interrupts` has changed (it is looked at every few
  /// milliseconds, and `watch` is called then, without a lock). After Entered the caller owns the turn and owes a
  /// leave().
  Outcome enter(Clock::time_point until, const std::atomic<std::uint64_t>& interrupts, Watch* watch = nullptr);
  /// The turn, if nobody has it and nobody waits.
  bool try_enter() noexcept {
    State expected = State::Free;
    return state_.compare_exchange_strong(expected, State::Taken, std::memory_order_acquire, std::memory_order_relaxed);
  }
  /// Hands the turn to the next in line.
  void leave() noexcept {
    State expected = State::Taken;
    if (!state_.compare_exchange_strong(expected, State::Free, std::memory_order_release, std::memory_order_relaxed))
      hand_over();
  }

  /// How many wait now.
  std::size_t waiting() const noexcept;

 private:
  struct Waiter {
    std::condition_variable wake;
    Waiter* next = nullptr;
    Waiter* previous = nullptr;
    bool granted = false;
  };
  void hand_over() noexcept;
  void append(Waiter& waiter) noexcept;
  void remove(Waiter& waiter) noexcept;

  // Where nobody waits, the turn is taken and given back by one atomic operation each. Who waits says so first, so that
  // the turn cannot come back without the lock, which then decides to whom it goes.
  enum class State : std::uint8_t { Free, Taken, Awaited };
  std::atomic<State> state_ = State::Free;
  mutable std::mutex mutex_;  // of what follows
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t waiting_ = 0;
};

}  // namespace libsql::local

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
  bool try_enter() noexcept;
  /// Hands the turn to the next in line.
  void leave() noexcept;

  /// How many wait now.
  std::size_t waiting() const noexcept;

 private:
  struct Waiter {
    std::condition_variable wake;
    Waiter* next = nullptr;
    Waiter* previous = nullptr;
    bool granted = false;
  };
  void append(Waiter& waiter) noexcept;
  void remove(Waiter& waiter) noexcept;

  mutable std::mutex mutex_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t waiting_ = 0;
  bool taken_ = false;
};

}  // namespace libsql::local

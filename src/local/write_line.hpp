// The queue of writers to one database file in this process: first come, first served.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/connection.hpp"

namespace libsql::local {

/// A lock that is handed over in the order in which it was requested. SQLite's own write lock goes to whoever happens
/// to try while it is free, so under load some wait for seconds. With this queue in front, only one thread of the
/// process tries at a time.
/// Threads: all members may be called by several at once.
class WriteLine {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Outcome : std::uint8_t { Entered, TimedOut, Interrupted };

  /// The queue of that database: one per process, which lives as long as somebody holds the pointer.
  static std::shared_ptr<WriteLine> of(const std::string& database_identity);

  WriteLine() = default;
  WriteLine(const WriteLine&) = delete;
  WriteLine& operator=(const WriteLine&) = delete;

  /// Waits for the turn until `until`, or until `interrupts` differs from `heeded` (checked every few milliseconds).
  /// After Entered the caller owns the turn and must call leave().
  Outcome enter(Clock::time_point until, const std::atomic<std::uint64_t>& interrupts, std::uint64_t heeded);
  /// Takes the turn if nobody has it. Never waits.
  bool try_enter() noexcept {
    State expected = State::Free;
    return state_.compare_exchange_strong(expected, State::Taken, std::memory_order_acquire, std::memory_order_relaxed);
  }
  /// Passes the turn to the next waiter, if there is one.
  void leave() noexcept {
    State expected = State::Taken;
    if (!state_.compare_exchange_strong(expected, State::Free, std::memory_order_release, std::memory_order_relaxed))
      hand_over();
  }

  /// How many are waiting now.
  std::size_t waiting() const noexcept;

  /// The owner of the turn, if it can be made to give it up.
  class Holder {
   public:
    /// Gives up the turn unless something is running on the owner's connection, and returns whether it did. The turn
    /// then belongs to the caller, and the owner must know that before its connection is used again. Called on threads
    /// of waiters; must not wait.
    virtual bool give_way() noexcept = 0;

   protected:
    ~Holder() = default;
  };
  /// From now on waiters may ask the owner of the turn to give way once the time limit has passed.
  void set_holder(Holder& holder) noexcept {
    since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    holder_.store(address_of(holder), std::memory_order_release);
  }
  /// Must be called by the owner before it leaves. Returns when no waiter is using `holder` any more.
  void clear_holder(Holder& holder) noexcept {
    std::uintptr_t expected = address_of(holder);
    if (!holder_.compare_exchange_strong(expected, 0, std::memory_order_acq_rel)) clear_holder_slowly(holder);
  }
  /// How long an owner may keep others waiting. None, the initial value: for ever.
  void set_limit(std::optional<std::chrono::milliseconds> limit) noexcept {
    limit_.store(limit ? limit->count() : kNoLimit, std::memory_order_relaxed);
  }

  /// A commit by this process. Its writer still has the turn, so no other writer of this process can have overwritten
  /// it.
  struct Write {
    engine::Connection& connection;
    engine::LogEnd end;
    /// Frames since the end of the write reported before; all frames of the log, if it has restarted since or this is
    /// the first report. Frames written by other processes are included.
    std::uint32_t frames;
  };
  using Listener = std::function<void(const Write&)>;
  /// Calls the listener after each write, on the writer's thread, as long as the returned handle exists. If the
  /// writer's turn is taken away, it is the thread of the waiter that took it. A write that ends when its connection is
  /// closed is reported with the next one.
  /// Register listeners before connections are opened: a connection whose turns cover transactions only
  /// (WriteTurn::Scope) queues its other writes, and so reports them, only after its next turn.
  /// Listeners must not throw, and must not use the queue.
  [[nodiscard]] std::shared_ptr<const void> after_write(Listener listener);
  bool is_listened_to() const noexcept { return listened_to_.load(std::memory_order_acquire); }
  /// Called by the owner of the turn after its transaction has ended. Tells the listeners if the log's end has changed.
  void note_write(engine::Connection& connection) noexcept;

 private:
  struct Waiter {
    std::condition_variable wake;
    Waiter* next = nullptr;
    Waiter* previous = nullptr;
    bool granted = false;
  };
  static constexpr std::chrono::milliseconds::rep kNoLimit = -1;
  static constexpr std::uintptr_t kLookedAt = 1;  // a bit set in the holder's address

  static std::uintptr_t address_of(Holder& holder) noexcept { return reinterpret_cast<std::uintptr_t>(&holder); }
  void hand_over() noexcept;
  void append(Waiter& waiter) noexcept;
  void remove(Waiter& waiter) noexcept;
  void clear_holder_slowly(Holder& holder) noexcept;
  void look_at_holder() noexcept;

  // Without waiters, the turn is taken and given back with one atomic operation each. A waiter sets Awaited first, so
  // that the turn can only be given back under the mutex, which then decides who gets it.
  enum class State : std::uint8_t { Free, Taken, Awaited };
  std::atomic<State> state_ = State::Free;
  mutable std::mutex mutex_;  // guards what follows
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t waiting_ = 0;

  std::atomic<std::uintptr_t> holder_ = 0;  // with kLookedAt set, the holder must wait for look_mutex_ before it leaves
  std::atomic<Clock::rep> since_ = 0;
  std::atomic<std::chrono::milliseconds::rep> limit_ = kNoLimit;
  std::mutex look_mutex_;

  std::atomic<bool> listened_to_ = false;
  std::mutex listeners_mutex_;
  std::vector<std::weak_ptr<const Listener>> listeners_;
  std::optional<engine::LogEnd> end_;  // after the last write reported; used by the owner of the turn only
};

}  // namespace libsql::local

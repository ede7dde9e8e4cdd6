// The line of those who want to write to one database file in this process: first come, first served.
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

/// A lock that is handed over in the order of asking. SQLite's own lock goes to whoever happens to look when it is
/// free, so that under load some wait for seconds; with this in front, only one thread of the process ever looks.
/// Threads: all members may be called by several at once.
class WriteLine {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Outcome : std::uint8_t { Entered, TimedOut, Interrupted };

  /// The one line of that database in this process; lives as long as somebody holds it.
  static std::shared_ptr<WriteLine> of(const std::string& database_identity);

  WriteLine() = default;
  WriteLine(const WriteLine&) = delete;
  WriteLine& operator=(const WriteLine&) = delete;

  /// Waits for the turn, at most until `until`, and not while `interrupts` is another number than `heeded` (it is
  /// looked at every few milliseconds). After Entered the caller owns the turn and owes a leave().
  Outcome enter(Clock::time_point until, const std::atomic<std::uint64_t>& interrupts, std::uint64_t heeded);
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

  /// Who has the turn and can be made to let it go.
  class Holder {
   public:
    /// Lets go, if nothing runs there at this moment, and says whether it did; then the turn is no longer the holder's,
    /// which must know it before anybody else can use it again. Called by those who wait, and must not.
    virtual bool give_way() noexcept = 0;

   protected:
    ~Holder() = default;
  };
  /// From now on the owner of the turn gives way to whoever waits, after the time limit.
  void set_holder(Holder& holder) noexcept {
    since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    holder_.store(address_of(holder), std::memory_order_release);
  }
  /// The owner of the turn is about to leave. Returns when nobody looks at it any more.
  void clear_holder(Holder& holder) noexcept {
    std::uintptr_t expected = address_of(holder);
    if (!holder_.compare_exchange_strong(expected, 0, std::memory_order_acq_rel)) clear_holder_slowly(holder);
  }
  /// How long a holder may keep others waiting. None, as at first: as long as it likes.
  void set_limit(std::optional<std::chrono::milliseconds> limit) noexcept {
    limit_.store(limit ? limit->count() : kNoLimit, std::memory_order_relaxed);
  }

  /// A commit of this process, while its writer still has the turn, so that no writer here can have overwritten it.
  struct Write {
    engine::Connection& connection;
    engine::LogEnd end;
    /// Frames behind the end of the write before; all that the log has, if it has begun anew since or this is the first
    /// write that is told of. Those of other processes are among them.
    std::uint32_t frames;
  };
  using Listener = std::function<void(const Write&)>;
  /// Told on the writer's thread, as long as the handle is kept. Turns that are made or given up later take all writes
  /// into the line, so it comes before the connections. Where a turn is taken away it is the thread of the one who
  /// waits; a write that ends with the close of its connection is told of with the next one. Listeners must not throw,
  /// nor use the line.
  [[nodiscard]] std::shared_ptr<const void> after_write(Listener listener);
  bool is_listened_to() const noexcept { return listened_to_.load(std::memory_order_acquire); }
  /// By the owner of the turn, after its transaction has ended: tells the listeners, if the log has another end now.
  void note_write(engine::Connection& connection) noexcept;

 private:
  struct Waiter {
    std::condition_variable wake;
    Waiter* next = nullptr;
    Waiter* previous = nullptr;
    bool granted = false;
  };
  static constexpr std::chrono::milliseconds::rep kNoLimit = -1;
  static constexpr std::uintptr_t kLookedAt = 1;  // beside the holder's address

  static std::uintptr_t address_of(Holder& holder) noexcept { return reinterpret_cast<std::uintptr_t>(&holder); }
  void hand_over() noexcept;
  void append(Waiter& waiter) noexcept;
  void remove(Waiter& waiter) noexcept;
  void clear_holder_slowly(Holder& holder) noexcept;
  void look_at_holder() noexcept;

  // Where nobody waits, the turn is taken and given back by one atomic operation each. Who waits says so first, so that
  // the turn cannot come back without the lock, which then decides to whom it goes.
  enum class State : std::uint8_t { Free, Taken, Awaited };
  std::atomic<State> state_ = State::Free;
  mutable std::mutex mutex_;  // of what follows
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t waiting_ = 0;

  std::atomic<std::uintptr_t> holder_ = 0;  // with kLookedAt it stays, and whoever wants to go waits for look_mutex_
  std::atomic<Clock::rep> since_ = 0;
  std::atomic<std::chrono::milliseconds::rep> limit_ = kNoLimit;
  std::mutex look_mutex_;

  std::atomic<bool> listened_to_ = false;
  std::mutex listeners_mutex_;
  std::vector<std::weak_ptr<const Listener>> listeners_;
  std::optional<engine::LogEnd> end_;  // of the last write; who has the turn uses it
};

}  // namespace libsql::local

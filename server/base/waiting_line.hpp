// A queue of waiters that hold no thread and are called in the order in which they came.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace libsql::server {

/// `Wish` is what a waiter waits for. Threads: all members may be called by several at once.
template <class Wish>
class WaitingLine {
 public:
  WaitingLine() = default;
  WaitingLine(const WaitingLine&) = delete;
  WaitingLine& operator=(const WaitingLine&) = delete;

  /// Calls `go_on` once, on any thread, when the wish is chosen, unless `ticket` has expired. Look again after calling
  /// wait(): what is waited for may have come meanwhile.
  void wait(const std::shared_ptr<void>& ticket, Wish wish, std::function<void()> go_on) {
    const std::lock_guard lock(mutex_);
    waiters_.push_back({ticket, std::move(wish), std::move(go_on)});
    waiting_.fetch_add(1);
  }

  enum class Choice : std::uint8_t { Call, Keep, Stop };
  /// Asks `choose(wish)` for each waiter from the front, until it returns Stop, and calls those for which it returns
  /// Call. Waiters whose ticket has expired are dropped on the way. `choose` runs under the queue's lock and must not
  /// throw.
  template <class Choose>
  void call(Choose&& choose) noexcept {
    std::list<Waiter> called;
    std::list<Waiter> gone;
    {
      const std::lock_guard lock(mutex_);
      for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        const auto here = waiter++;
        if (here->ticket.expired()) {
          gone.splice(gone.end(), waiters_, here);
          continue;
        }
        const Choice choice = choose(here->wish);
        if (choice == Choice::Stop) break;
        if (choice == Choice::Call) called.splice(called.end(), waiters_, here);
      }
      waiting_.fetch_sub(called.size() + gone.size());
    }
    for (Waiter& waiter : called) {
      const std::shared_ptr<void> ticket = waiter.ticket.lock();
      try {
        if (ticket != nullptr) waiter.go_on();
      } catch (const std::exception&) {  // out of memory: the waiter runs into its time-out
      }
    }
  }

  /// A waiter raises the count before it looks again; a giver makes something free before it calls this. So at least
  /// one of them sees the other.
  bool is_empty() const noexcept { return waiting_.load() == 0; }
  /// For statistics: not synchronised with the queue.
  std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct Waiter {
    std::weak_ptr<void> ticket;
    Wish wish;
    std::function<void()> go_on;
  };
  std::atomic<std::size_t> waiting_ = 0;
  std::mutex mutex_;  // guards what follows
  std::list<Waiter> waiters_;
};

}  // namespace libsql::server

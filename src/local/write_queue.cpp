#include "local/write_queue.hpp"

#include <algorithm>
#include <unordered_map>

namespace libsql::local {
namespace {

// How long an interrupt may go unnoticed.
constexpr std::chrono::milliseconds kLook{10};

struct Registry {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<WriteQueue>> queues;
};

Registry& registry() {
  static Registry* const all = new Registry;  // never destroyed: databases may outlive static objects
  return *all;
}

}  // namespace

std::shared_ptr<WriteQueue> WriteQueue::of(const std::string& database_identity) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.queues, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<WriteQueue>& entry = all.queues[database_identity];
  std::shared_ptr<WriteQueue> queue = entry.lock();
  if (!queue) {
    queue = std::make_shared<WriteQueue>();
    entry = queue;
  }
  return queue;
}

void WriteQueue::append(Waiter& waiter) noexcept {
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  ++waiting_;
}

void WriteQueue::remove(Waiter& waiter) noexcept {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  --waiting_;
}

WriteQueue::Outcome WriteQueue::enter(Clock::time_point until, const std::atomic<std::uint64_t>& interrupts,
                                      Watch* watch) {
  if (try_enter()) return Outcome::Entered;
  std::unique_lock lock(mutex_);
  if (state_.exchange(State::Awaited, std::memory_order_acquire) == State::Free) {  // it came back meanwhile
    state_.store(State::Taken, std::memory_order_relaxed);
    return Outcome::Entered;
  }
  const std::uint64_t interrupts_before = interrupts.load(std::memory_order_relaxed);
  Waiter self;
  append(self);
  while (!self.granted) {
    const Clock::time_point now = Clock::now();
    const bool interrupted = interrupts.load(std::memory_order_relaxed) != interrupts_before;
    if (interrupted || now >= until) {
      remove(self);
      return interrupted ? Outcome::Interrupted : Outcome::TimedOut;
    }
    self.wake.wait_until(lock, std::min(until, now + kLook));
    if (watch == nullptr || self.granted) continue;
    lock.unlock();  // it may make the holder leave
    watch->look();
    lock.lock();
  }
  return Outcome::Entered;
}

void WriteQueue::hand_over() noexcept {
  const std::lock_guard lock(mutex_);
  if (first_ == nullptr) {  // who waited has gone
    state_.store(State::Free, std::memory_order_release);
    return;
  }
  Waiter& next = *first_;
  remove(next);
  if (first_ == nullptr) state_.store(State::Taken, std::memory_order_relaxed);
  next.granted = true;
  next.wake.notify_one();  // under the lock: the waiter lives on its thread's stack
}

std::size_t WriteQueue::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

}  // namespace libsql::local

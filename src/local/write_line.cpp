#include "local/write_line.hpp"

#include <algorithm>
#include <unordered_map>

namespace libsql::local {
namespace {

// How long an interrupt may go unnoticed by a waiter.
constexpr std::chrono::milliseconds kLook{10};

struct Registry {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<WriteLine>> lines;
};

Registry& registry() {
  static Registry* const all = new Registry;  // never destroyed: databases may outlive static objects
  return *all;
}

}  // namespace

std::shared_ptr<WriteLine> WriteLine::of(const std::string& database_identity) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.lines, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<WriteLine>& entry = all.lines[database_identity];
  std::shared_ptr<WriteLine> line = entry.lock();
  if (!line) {
    line = std::make_shared<WriteLine>();
    entry = line;
  }
  return line;
}

void WriteLine::append(Waiter& waiter) noexcept {
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  ++waiting_;
}

void WriteLine::remove(Waiter& waiter) noexcept {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  --waiting_;
}

WriteLine::Outcome WriteLine::enter(Clock::time_point until, const std::atomic<std::uint64_t>& interrupts,
                                    std::uint64_t heeded) {
  if (try_enter()) return Outcome::Entered;
  std::unique_lock lock(mutex_);
  if (state_.exchange(State::Awaited, std::memory_order_acquire) == State::Free) {  // it was given back meanwhile
    state_.store(State::Taken, std::memory_order_relaxed);
    return Outcome::Entered;
  }
  Waiter self;
  append(self);
  while (!self.granted) {
    const Clock::time_point now = Clock::now();
    const bool interrupted = interrupts.load(std::memory_order_relaxed) != heeded;
    if (interrupted || now >= until) {
      remove(self);
      return interrupted ? Outcome::Interrupted : Outcome::TimedOut;
    }
    self.wake.wait_until(lock, std::min(until, now + kLook));
    if (self.granted) break;
    lock.unlock();  // so that the holder can leave
    look_at_holder();
    lock.lock();
  }
  return Outcome::Entered;
}

void WriteLine::hand_over() noexcept {
  const std::lock_guard lock(mutex_);
  if (first_ == nullptr) {  // the waiter has given up
    state_.store(State::Free, std::memory_order_release);
    return;
  }
  Waiter& next = *first_;
  remove(next);
  if (first_ == nullptr) state_.store(State::Taken, std::memory_order_relaxed);
  next.granted = true;
  next.wake.notify_one();  // while the mutex is held: the waiter lives on its thread's stack, and may be gone as soon
                           // as it is released
}

std::size_t WriteLine::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void WriteLine::look_at_holder() noexcept {
  const std::chrono::milliseconds::rep limit = limit_.load(std::memory_order_relaxed);
  if (limit == kNoLimit) return;
  const std::lock_guard look(look_mutex_);
  std::uintptr_t address = holder_.load(std::memory_order_acquire);
  if (address == 0) return;
  const Clock::time_point since(Clock::duration(since_.load(std::memory_order_relaxed)));
  if (Clock::now() - since < std::chrono::milliseconds(limit)) return;
  if (!holder_.compare_exchange_strong(address, address | kLookedAt, std::memory_order_acq_rel)) return;
  if (!reinterpret_cast<Holder*>(address)->give_way()) {  // a statement is running; the next look tries again
    holder_.store(address, std::memory_order_release);
    return;
  }
  holder_.store(0, std::memory_order_release);
  leave();
}

void WriteLine::clear_holder_slowly(Holder& holder) noexcept {
  const std::lock_guard look(look_mutex_);
  std::uintptr_t expected = address_of(holder);
  holder_.compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
}

std::shared_ptr<const void> WriteLine::after_write(Listener listener) {
  auto shared = std::make_shared<const Listener>(std::move(listener));
  const std::lock_guard lock(listeners_mutex_);
  listeners_.emplace_back(shared);
  listened_to_.store(true, std::memory_order_release);
  return shared;
}

void WriteLine::note_write(engine::Connection& connection) noexcept {
  const std::optional<engine::LogEnd> end = connection.log_end();
  if (!end || end == end_) return;
  const bool goes_on = end_ && end_->salt == end->salt && end_->frame <= end->frame;
  const Write write{connection, *end, goes_on ? end->frame - end_->frame : end->frame};
  end_ = end;
  const std::lock_guard lock(listeners_mutex_);
  std::erase_if(listeners_, [&](const std::weak_ptr<const Listener>& entry) {
    const std::shared_ptr<const Listener> listener = entry.lock();
    if (listener != nullptr) (*listener)(write);
    return listener == nullptr;
  });
  if (!listeners_.empty()) return;
  listened_to_.store(false, std::memory_order_release);
  end_.reset();  // nobody listens, so the end of the log is no longer followed
}

}  // namespace libsql::local

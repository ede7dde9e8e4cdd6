#include "server/writers_room.hpp"

#include <exception>

namespace libsql::server {

void WritersRoom::wait(const std::shared_ptr<void>& ticket, Clock::time_point until, std::function<void()> go_on) {
  const std::lock_guard lock(mutex_);
  waiters_.push_back({ticket, until, std::move(go_on)});
  waiting_.fetch_add(1);
}

// The first `most` in the line, and all whose time has come; those who have left it are forgotten on the way.
void WritersRoom::call(std::size_t most, Clock::time_point now) noexcept {
  std::list<Waiter> called;
  std::list<Waiter> gone;
  {
    const std::lock_guard lock(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const auto here = waiter++;
      if (here->ticket.expired()) {
        gone.splice(gone.end(), waiters_, here);
      } else if (here->until <= now) {
        called.splice(called.end(), waiters_, here);
      } else if (most > 0) {
        --most;
        called.splice(called.end(), waiters_, here);
      } else if (now == Clock::time_point::min()) {
        break;
      }
    }
    waiting_.fetch_sub(called.size() + gone.size());
  }
  for (Waiter& waiter : called) {
    const std::shared_ptr<void> ticket = waiter.ticket.lock();
    try {
      if (ticket != nullptr) waiter.go_on();
    } catch (const std::exception&) {  // no memory to post it: then its time-out ends it
    }
  }
}

void WritersRoom::tidy(Clock::time_point now) noexcept {
  if (waiting_.load() == 0) return;
  const std::size_t taken = taken_.load();
  call(taken < seats_ ? seats_ - taken : 0, now);
}

}  // namespace libsql::server

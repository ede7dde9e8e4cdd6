#include "server/places.hpp"

#include <exception>

namespace libsql::server {

Places::Place Places::try_take(Takers& owner, Whose* whose) noexcept {
  const Whose limit = budget_.take(1, owner.bearer.get(), owner.name_space.get());
  if (whose != nullptr) *whose = limit;
  if (limit != Whose::Nobody) return Place();
  return Place(*this, std::move(owner));
}

void Places::give(const Takers& owner) noexcept {
  budget_.give(1, owner.bearer.get(), owner.name_space.get());
  if (waiting_.load() != 0) call_next();
}

void Places::wait(Takers owner, const std::shared_ptr<void>& ticket, std::function<void()> go_on) {
  const std::lock_guard lock(mutex_);
  waiters_.push_back({std::move(owner), ticket, std::move(go_on)});
  waiting_.fetch_add(1);
}

// The first one in the line who may run now; those who have left it are forgotten on the way.
void Places::call_next() noexcept {
  std::list<Waiter> gone;
  std::list<Waiter> next;
  {
    const std::lock_guard lock(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end() && next.empty();) {
      const auto here = waiter++;
      if (here->ticket.expired()) {
        gone.splice(gone.end(), waiters_, here);
      } else if (budget_.has_room(here->owner.bearer.get(), here->owner.name_space.get())) {
        next.splice(next.end(), waiters_, here);
      }
    }
    waiting_.fetch_sub(gone.size() + next.size());
  }
  for (Waiter& waiter : next) {
    const std::shared_ptr<void> ticket = waiter.ticket.lock();
    try {
      if (ticket != nullptr) waiter.go_on();
    } catch (const std::exception&) {  // no memory to post it: then its time-out ends it
    }
  }
}

std::string Places::message(Whose whose) const {
  const std::string most = std::to_string(budget_.most_of(whose));
  switch (whose) {
    case Whose::Bearer:
      return "Too many concurrent requests of this bearer, who may run " + most + " at once";
    case Whose::Namespace:
      return "Too many concurrent requests to this namespace, in which " + most + " may run at once";
    default:
      return "Too many concurrent requests to this server, on which " + most + " may run at once";
  }
}

}  // namespace libsql::server

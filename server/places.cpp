#include "server/places.hpp"

#include <iterator>

namespace libsql::server {
namespace {

bool take_one(std::atomic<std::size_t>& count, std::size_t most) noexcept {
  if (count.fetch_add(1) < most) return true;
  count.fetch_sub(1);
  return false;
}

}  // namespace

Places::Place Places::try_take(PlaceOwner& owner, Whose* whose) noexcept {
  const auto refuse = [&](Whose limit) {
    if (whose != nullptr) *whose = limit;
    return Place();
  };
  if (owner.bearer != nullptr && !take_one(owner.bearer->running, for_one_)) return refuse(Whose::Bearer);
  if (owner.name_space != nullptr && !take_one(owner.name_space->running, for_one_)) {
    if (owner.bearer != nullptr) owner.bearer->running.fetch_sub(1);
    return refuse(Whose::Namespace);
  }
  if (!take_one(running_, total_)) {
    if (owner.bearer != nullptr) owner.bearer->running.fetch_sub(1);
    if (owner.name_space != nullptr) owner.name_space->running.fetch_sub(1);
    return refuse(Whose::Server);
  }
  return Place(*this, std::move(owner));
}

void Places::give(const PlaceOwner& owner) noexcept {
  if (owner.bearer != nullptr) owner.bearer->running.fetch_sub(1);
  if (owner.name_space != nullptr) owner.name_space->running.fetch_sub(1);
  running_.fetch_sub(1);
  if (waiting_.load() != 0) call_next();
}

bool Places::has_room(const PlaceOwner& owner) const noexcept {
  return running_.load() < total_ && (owner.bearer == nullptr || owner.bearer->running.load() < for_one_) &&
         (owner.name_space == nullptr || owner.name_space->running.load() < for_one_);
}

void Places::wait(PlaceOwner owner, const std::shared_ptr<void>& ticket, std::function<void()> go_on) {
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
      } else if (has_room(here->owner)) {
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
  const std::string one = std::to_string(for_one_);
  switch (whose) {
    case Whose::Bearer:
      return "Too many concurrent requests of this bearer, who may run " + one + " at once";
    case Whose::Namespace:
      return "Too many concurrent requests to this namespace, in which " + one + " may run at once";
    default:
      return "Too many concurrent requests to this server, on which " + std::to_string(total_) + " may run at once";
  }
}

}  // namespace libsql::server

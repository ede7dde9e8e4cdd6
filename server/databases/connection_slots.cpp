#include "server/databases/connection_slots.hpp"

#include <string>

#include "server/base/failure.hpp"

namespace libsql::server {

void ConnectionSlots::refuse(Whose whose) const {
  const std::string most = std::to_string(budget_.most_of(whose));
  const std::string who =
      whose == Whose::Bearer ? "of this bearer, who may have " : "to this namespace, which may have ";
  throw RequestRefused(429, "TOO_MANY_REQUESTS",
                       "Too many concurrent requests " + who + most + " connections to databases at once");
}

void ConnectionSlots::take(const Takers& takers) {
  if (try_take(takers) == Whose::Nobody) [[likely]]
    return;
  try {
    wait_for_one(takers);
  } catch (const RequestRefused&) {
    if (told_) told_();
    throw;
  }
}

void ConnectionSlots::wait_for_one(const Takers& takers) {
  Whose whose = try_take(takers);
  if (whose != Whose::Nobody && relieve_) {  // some connection in use may be idle and can be given up
    relieve_();
    whose = try_take(takers);
  }
  if (whose == Whose::Nobody) return;
  if (whose != Whose::Server) refuse(whose);
  std::unique_lock lock(mutex_);
  if (waiting_.load() >= most_waiting_) throw RequestRefused(429, "TOO_MANY_REQUESTS", "Too many concurrent requests");
  ++waiting_;
  const bool taken = freed_.wait_for(lock, wait_, [&] {
    whose = try_take(takers);
    return whose != Whose::Server;
  });
  --waiting_;
  if (!taken) {
    throw RequestRefused(429, "TOO_MANY_REQUESTS", "Too many concurrent requests: no database connection became free");
  }
  if (whose == Whose::Nobody) return;
  freed_.notify_one();  // it was woken for a connection that it may not have: wake another one
  refuse(whose);
}

void ConnectionSlots::give(const Takers& takers) noexcept {
  budget_.give(1, takers.bearer.get(), takers.name_space.get());
  if (waiting_.load() == 0) return;
  const std::lock_guard lock(
      mutex_);  // a waiter holds this between its check of the budget and its wait, so no signal is lost
  freed_.notify_one();
}

}  // namespace libsql::server

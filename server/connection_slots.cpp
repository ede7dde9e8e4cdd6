#include "server/connection_slots.hpp"

#include "server/failure.hpp"
#include "server/places.hpp"

namespace libsql::server {

bool ConnectionSlots::try_take() noexcept {
  std::size_t free = free_.load();
  while (free > 0) {
    if (free_.compare_exchange_weak(free, free - 1)) return true;
  }
  return false;
}

void ConnectionSlots::take(Bearer* bearer) {
  const auto is_within = [&] {
    if (bearer->sessions.fetch_add(1) < share_for_one(total_)) return true;
    bearer->sessions.fetch_sub(1);
    return false;
  };
  if (bearer != nullptr && !is_within()) {
    // What it has may be idle, and go.
    if (relieve_) relieve_();
    if (!is_within()) {
      throw RequestRefused(429, "TOO_MANY_REQUESTS",
                           "Too many concurrent requests of this bearer, who may have " +
                               std::to_string(share_for_one(total_)) + " connections to databases at once");
    }
  }
  try {
    take_any();
  } catch (...) {
    if (bearer != nullptr) bearer->sessions.fetch_sub(1);
    throw;
  }
}

void ConnectionSlots::take_any() {
  if (try_take()) return;
  if (relieve_) {
    relieve_();
    if (try_take()) return;
  }
  std::unique_lock lock(mutex_);
  if (waiting_.load() >= most_waiting_) throw RequestRefused(429, "TOO_MANY_REQUESTS", "Too many concurrent requests");
  ++waiting_;
  const bool taken = freed_.wait_for(lock, wait_, [&] { return try_take(); });
  --waiting_;
  if (!taken) {
    throw RequestRefused(429, "TOO_MANY_REQUESTS", "Too many concurrent requests: no database connection came free");
  }
}

void ConnectionSlots::give(Bearer* bearer) noexcept {
  if (bearer != nullptr) bearer->sessions.fetch_sub(1);
  ++free_;
  if (waiting_.load() == 0) return;
  const std::lock_guard lock(mutex_);  // so that the signal does not fall between a look at free_ and the wait
  freed_.notify_one();
}

}  // namespace libsql::server

#include "server/connection_slots.hpp"

#include "server/failure.hpp"

namespace libsql::server {

bool ConnectionSlots::try_take() noexcept {
  std::size_t free = free_.load();
  while (free > 0) {
    if (free_.compare_exchange_weak(free, free - 1)) return true;
  }
  return false;
}

void ConnectionSlots::take() {
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

void ConnectionSlots::give() noexcept {
  ++free_;
  if (waiting_.load() == 0) return;
  const std::lock_guard lock(mutex_);  // so that the signal does not fall between a look at free_ and the wait
  freed_.notify_one();
}

}  // namespace libsql::server

#include "server/connection_slots.hpp"

#include "server/failure.hpp"

namespace libsql::server {

void ConnectionSlots::take() {
  std::unique_lock lock(mutex_);
  if (free_ == 0 && relieve_) {
    lock.unlock();
    relieve_();
    lock.lock();
  }
  if (free_ == 0) {
    if (waiting_ >= most_waiting_) throw RequestRefused(429, "TOO_MANY_REQUESTS", "Too many concurrent requests");
    ++waiting_;
    const bool free = freed_.wait_for(lock, wait_, [&] { return free_ > 0; });
    --waiting_;
    if (!free) {
      throw RequestRefused(429, "TOO_MANY_REQUESTS", "Too many concurrent requests: no database connection came free");
    }
  }
  --free_;
}

void ConnectionSlots::give() noexcept {
  const std::lock_guard lock(mutex_);
  ++free_;
  if (waiting_ > 0) freed_.notify_one();
}

std::size_t ConnectionSlots::in_use() const noexcept {
  const std::lock_guard lock(mutex_);
  return total_ - free_;
}

std::size_t ConnectionSlots::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

}  // namespace libsql::server

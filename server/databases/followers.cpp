#include "server/databases/followers.hpp"

#include <algorithm>
#include <functional>

namespace libsql::server {

void Followers::forget_old(Clock::time_point now) {
  std::erase_if(
      all_, [&](const auto& entry) { return entry.second.streams == 0 && now - entry.second.seen >= kForgottenAfter; });
}

// With the mutex.
Followers::Follower& Followers::entry(std::string_view who, std::uint64_t next) {
  const Clock::time_point now = Clock::now();
  auto found = all_.find(who);
  if (found == all_.end()) {
    if (all_.size() >= kMost) forget_old(now);
    if (all_.size() >= kMost) {
      all_.erase(std::ranges::min_element(all_, {}, [](const auto& entry) { return entry.second.seen; }));
    }
    found = all_.emplace(std::string(who), Follower{}).first;
  }
  found->second.next = next;
  found->second.seen = now;
  return found->second;
}

void Followers::note(std::string_view who, std::uint64_t next) {
  const std::lock_guard lock(mutex_);
  static_cast<void>(entry(who, next));
}

std::shared_ptr<const void> Followers::stay(std::string_view who, std::uint64_t next) {
  std::string name(who);
  const std::lock_guard lock(mutex_);
  ++entry(who, next).streams;
  return {static_cast<const void*>(this),
          [self = shared_from_this(), name = std::move(name)](const void*) { self->leave(name); }};
}

void Followers::leave(const std::string& who) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(who);
  if (found == all_.end() || found->second.streams == 0) return;  // it had to make room
  --found->second.streams;
  found->second.seen = Clock::now();
}

Followers::Figures Followers::figures() {
  const std::lock_guard lock(mutex_);
  forget_old(Clock::now());
  Figures figures;
  figures.count = all_.size();
  for (const auto& [who, follower] : all_) {
    figures.lowest_next = std::min(figures.lowest_next.value_or(follower.next), follower.next);
  }
  return figures;
}

}  // namespace libsql::server

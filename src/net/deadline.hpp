// A point in time after which a call gives up.
#pragma once

#include <algorithm>
#include <chrono>

namespace libsql::net {

/// When a call gives up. Passed by value through everything that the call does, so that its parts cannot wait longer
/// than the whole was allowed to.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// Never passes.
  constexpr Deadline() noexcept = default;
  static constexpr Deadline never() noexcept { return {}; }
  static constexpr Deadline at(Clock::time_point time) noexcept { return Deadline(time); }
  /// So much from now; a time too long for the clock is never.
  static Deadline after(std::chrono::nanoseconds time) {
    const Clock::time_point now = Clock::now();
    return time >= Clock::time_point::max() - now ? Deadline() : Deadline(now + time);
  }

  constexpr bool is_never() const noexcept { return time_ == Clock::time_point::max(); }
  constexpr Clock::time_point time() const noexcept { return time_; }
  bool passed() const noexcept { return !is_never() && Clock::now() >= time_; }
  /// What is left, not below zero; the longest duration for never.
  std::chrono::nanoseconds left() const noexcept {
    if (is_never()) return std::chrono::nanoseconds::max();
    return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(time_ - Clock::now()));
  }
  /// The time-out to give to poll(): milliseconds, rounded up so that the deadline has passed when poll() times out; -1
  /// for never.
  int poll_timeout() const noexcept {
    if (is_never()) return -1;
    const auto milliseconds = (left() + std::chrono::nanoseconds(999'999)) / std::chrono::milliseconds(1);
    return static_cast<int>(std::min<std::chrono::nanoseconds::rep>(milliseconds, 3'600'000));
  }

  friend constexpr Deadline earlier(Deadline a, Deadline b) noexcept { return a.time_ < b.time_ ? a : b; }

 private:
  explicit constexpr Deadline(Clock::time_point time) noexcept : time_(time) {}
  Clock::time_point time_ = Clock::time_point::max();
};

}  // namespace libsql::net

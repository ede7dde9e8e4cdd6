// How long to wait before the next attempt.
#pragma once

#include <chrono>
#include <cstdint>

namespace libsql::core {

/// Waits that double up to a limit, each chosen at random between half of it and all of it, so that clients that were
/// cut off together do not come back together.
class Backoff {
 public:
  using Duration = std::chrono::nanoseconds;

  /// `seed` 0: taken from the system's random source.
  explicit Backoff(Duration first = std::chrono::milliseconds(50), Duration longest = std::chrono::seconds(5),
                   std::uint64_t seed = 0);

  /// How long to wait now.
  Duration next() noexcept;
  /// After a success: the next wait is a first one again.
  void reset() noexcept;
  /// How often next() was called since the last reset().
  int attempts() const noexcept { return attempts_; }

 private:
  Duration first_;
  Duration longest_;
  std::uint64_t random_;
  int attempts_ = 0;
};

}  // namespace libsql::core

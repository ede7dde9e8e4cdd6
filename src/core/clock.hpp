// What time it is, for what expires, waits and is measured in the server and in remote sessions. A test puts a clock of
// its own in the place of the system's (tests/support/fake_clock.hpp), and hours pass at once. Not for the engine's and
// net's own waits, which end when the kernel says so, nor for what is asked for each row.
#pragma once

#include <atomic>
#include <chrono>

namespace libsql::core {

/// Where the time comes from if not from the system. Used by several threads at once.
class ClockSource {
 public:
  virtual ~ClockSource() = default;
  virtual std::chrono::steady_clock::time_point steady() const noexcept = 0;
  virtual std::chrono::system_clock::time_point wall() const noexcept = 0;
};

inline std::atomic<const ClockSource*> clock_source = nullptr;

/// From now on all ask this one, until it is null again; it must outlive its use. For tests.
inline void set_clock_source(const ClockSource* source) noexcept {
  clock_source.store(source, std::memory_order_release);
}

/// For durations and deadlines. Its points in time are those of std::chrono::steady_clock, so they may be waited for.
struct SteadyClock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    const ClockSource* const source = clock_source.load(std::memory_order_acquire);
    return source == nullptr ? std::chrono::steady_clock::now() : source->steady();
  }
};

/// The time of day: for what is written down, and for what others have dated (tokens).
struct WallClock {
  using duration = std::chrono::system_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::system_clock::time_point;
  static constexpr bool is_steady = false;

  static time_point now() noexcept {
    const ClockSource* const source = clock_source.load(std::memory_order_acquire);
    return source == nullptr ? std::chrono::system_clock::now() : source->wall();
  }
};

}  // namespace libsql::core

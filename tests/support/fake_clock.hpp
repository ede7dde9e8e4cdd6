// A clock that goes when the test says so, for the time that the object lives. One at a time, in the main thread.
#pragma once

#include <atomic>
#include <chrono>

#include "core/clock.hpp"

namespace libsql::test {

class FakeClock final : public core::ClockSource {
 public:
  /// Standing: the time is what it was when it was made, and what advance() has added. Running: the system's, and that.
  enum class Pace { Standing, Running };

  explicit FakeClock(Pace pace = Pace::Standing) : pace_(pace) { core::set_clock_source(this); }
  ~FakeClock() override { core::set_clock_source(nullptr); }
  FakeClock(const FakeClock&) = delete;
  FakeClock& operator=(const FakeClock&) = delete;

  void advance(std::chrono::nanoseconds time) noexcept { added_.fetch_add(time.count()); }

  std::chrono::steady_clock::time_point steady() const noexcept override {
    return (pace_ == Pace::Running ? std::chrono::steady_clock::now() : steady_) + added();
  }
  std::chrono::system_clock::time_point wall() const noexcept override {
    return (pace_ == Pace::Running ? std::chrono::system_clock::now() : wall_) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(added());
  }

 private:
  std::chrono::nanoseconds added() const noexcept { return std::chrono::nanoseconds(added_.load()); }

  const Pace pace_;
  const std::chrono::steady_clock::time_point steady_ = std::chrono::steady_clock::now();
  const std::chrono::system_clock::time_point wall_ = std::chrono::system_clock::now();
  std::atomic<std::chrono::nanoseconds::rep> added_ = 0;
};

}  // namespace libsql::test

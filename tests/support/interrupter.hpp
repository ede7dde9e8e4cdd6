// Interrupts what another thread does, for tests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace libsql::test {

/// Calls `interrupt` after a while and then again and again until the end: one that comes before the call it is meant
/// for has begun is forgotten, and a loaded machine may begin late.
class Interrupter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Interrupter(std::function<void()> interrupt, std::chrono::milliseconds after = std::chrono::milliseconds(50))
      : thread_([this, interrupt = std::move(interrupt), after] {
          std::unique_lock lock(mutex_);
          if (over_.wait_for(lock, after, [this] { return ended_; })) return;
          begun_ = Clock::now();
          do {
            interrupt();
          } while (!over_.wait_for(lock, std::chrono::milliseconds(20), [this] { return ended_; }));
        }) {}
  ~Interrupter() { end(); }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  /// No interrupt comes after this. How long ago the first one was; 0 if there was none.
  Clock::duration end() {
    const auto now = Clock::now();
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    over_.notify_all();
    if (thread_.joinable()) thread_.join();
    return begun_ == Clock::time_point() ? Clock::duration::zero() : now - begun_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool ended_ = false;
  Clock::time_point begun_{};
  std::thread thread_;
};

}  // namespace libsql::test

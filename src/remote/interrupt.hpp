// Ending a session's calls from other threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "core/backend.hpp"
#include "net/interrupt.hpp"

namespace libsql::remote {

class CallInterrupt final : public core::InterruptState {
 public:
  void interrupt() noexcept override {
    const std::lock_guard lock(mutex_);
    count_.fetch_add(1, std::memory_order_relaxed);
    if (running_) interrupt_.trigger();
  }
  /// How often somebody asked. Rows that were opened before are ended by it.
  std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
  const net::Interrupt& waits() const noexcept { return interrupt_; }

  /// The time of one call, for the thread that has the session. Calls nest: an interrupt is for the outermost.
  void begin() noexcept {
    const std::lock_guard lock(mutex_);
    if (depth_++ > 0) return;
    if (interrupt_.triggered()) interrupt_.reset();
    running_ = true;
  }
  void end() noexcept {
    const std::lock_guard lock(mutex_);
    if (--depth_ == 0) running_ = false;
  }
  class Running {
   public:
    explicit Running(CallInterrupt& owner) noexcept : owner_(owner) { owner_.begin(); }
    ~Running() { owner_.end(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    CallInterrupt& owner_;
  };

  /// While something is undone, an interrupt that came before waits until it is.
  void suspend() noexcept {
    const std::lock_guard lock(mutex_);
    if (suspensions_++ > 0) return;
    suspended_ = running_ && interrupt_.triggered();
    if (suspended_) interrupt_.reset();
  }
  void resume() noexcept {
    const std::lock_guard lock(mutex_);
    if (--suspensions_ > 0) return;
    if (std::exchange(suspended_, false) && running_) interrupt_.trigger();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::uint64_t> count_ = 0;
  bool running_ = false;
  int depth_ = 0;
  int suspensions_ = 0;
  bool suspended_ = false;
  net::Interrupt interrupt_;
};

}  // namespace libsql::remote

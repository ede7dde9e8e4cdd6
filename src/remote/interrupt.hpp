// Ending a session's calls from other threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

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

  /// The time of one call, for the thread that has the session.
  class Running {
   public:
    explicit Running(CallInterrupt& owner) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      if (owner_.interrupt_.triggered()) owner_.interrupt_.reset();
      owner_.running_ = true;
    }
    ~Running() {
      const std::lock_guard lock(owner_.mutex_);
      owner_.running_ = false;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    CallInterrupt& owner_;
  };

 private:
  std::mutex mutex_;
  std::atomic<std::uint64_t> count_ = 0;
  bool running_ = false;
  net::Interrupt interrupt_;
};

}  // namespace libsql::remote

// Ends what a connection runs, from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "core/backend.hpp"

struct sqlite3;

namespace libsql::engine {

/// Threads: any, at any time. Outlives the connection.
class Interrupt final : public core::InterruptState {
 public:
  explicit Interrupt(sqlite3* db) : db_(db) {}

  /// Interrupts the call that is in progress, also one that is only just about to start its statement.
  void interrupt() noexcept override;
  /// Interrupts what runs now, and what starts before resume() was called as often. On a connection with
  /// set_stoppable(); statements of less than a thousand operations may still succeed.
  void stop() noexcept;
  void resume() noexcept { stops_.fetch_sub(1, std::memory_order_relaxed); }
  bool is_stopped() const noexcept { return stops_.load(std::memory_order_relaxed) > 0; }

  /// How often somebody asked for an interrupt.
  const std::atomic<std::uint64_t>& count() const noexcept { return count_; }

  /// The handle must not go while another thread interrupts it.
  void attach(sqlite3* db) noexcept;
  void detach() noexcept { attach(nullptr); }

 private:
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<int> stops_ = 0;
  std::mutex mutex_;
  sqlite3* db_;
};

}  // namespace libsql::engine

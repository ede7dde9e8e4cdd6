// The waiting room of a database's writers. A limited number of them keep their thread while they wait; the others wait
// without one, so that a writer that takes long does not use up the threads that readers need.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "local/write_turn.hpp"
#include "server/base/waiting_line.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class WritersRoom final : public local::WaitWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// `seats`: how many wait with a thread before others are asked to wait without one.
  explicit WritersRoom(std::size_t seats) noexcept : seats_(seats) {}
  WritersRoom(const WritersRoom&) = delete;
  WritersRoom& operator=(const WritersRoom&) = delete;

  /// Held by a writer that waits with a thread, or may have to. There may be more of them than seats, as nobody is
  /// forced to ask is_full() first.
  class Seat {
   public:
    Seat() noexcept = default;
    explicit Seat(WritersRoom& room) noexcept : room_(&room) { room.wait_begins(); }
    Seat(Seat&& other) noexcept : room_(std::exchange(other.room_, nullptr)) {}
    Seat& operator=(Seat&& other) noexcept {
      release();
      room_ = std::exchange(other.room_, nullptr);
      return *this;
    }
    ~Seat() { release(); }
    void release() noexcept {
      if (WritersRoom* const room = std::exchange(room_, nullptr)) room->wait_ended();
    }

   private:
    WritersRoom* room_ = nullptr;
  };

  void wait_begins() noexcept override { taken_.fetch_add(1); }
  void wait_ended() noexcept override {
    taken_.fetch_sub(1);
    if (!line_.is_empty()) call(1, Clock::time_point::min());
  }

  bool is_full() const noexcept { return taken_.load() >= seats_; }
  /// Calls `go_on`, on any thread, when a seat may be free or `until` has come, unless `ticket` has expired. Check
  /// is_full() again after calling wait().
  void wait(const std::shared_ptr<void>& ticket, Clock::time_point until, std::function<void()> go_on) {
    line_.wait(ticket, until, std::move(go_on));
  }
  /// Calls those whose time has come, and as many others as there are seats, in case one that was called did not take
  /// its seat.
  void tidy(Clock::time_point now) noexcept;

  std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  std::size_t waiting() const noexcept { return line_.waiting(); }

 private:
  void call(std::size_t most, Clock::time_point now) noexcept;

  const std::size_t seats_;
  std::atomic<std::size_t> taken_ = 0;
  WaitingLine<Clock::time_point> line_;  // the time until which each waits
};

}  // namespace libsql::server

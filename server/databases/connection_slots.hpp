// Limits how many connections to databases are in use at once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>

#include "server/base/budget.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class ConnectionSlots {
 public:
  /// `most_for_one` limits what one bearer may take, and what one namespace may take.
  ConnectionSlots(std::size_t total, std::size_t most_for_one, std::size_t most_waiting, std::chrono::milliseconds wait)
      : budget_(Resource::Connections, total, most_for_one), most_waiting_(most_waiting), wait_(wait) {}
  ConnectionSlots(const ConnectionSlots&) = delete;
  ConnectionSlots& operator=(const ConnectionSlots&) = delete;

  /// `relieve` is called by take() if none is free, before it waits, and should give up a connection whose owner can do
  /// without it. Set it before the first take().
  void on_shortage(std::function<void()> relieve) { relieve_ = std::move(relieve); }

  /// `told` is called before take() throws. Set it before the first take().
  void on_refusal(std::function<void()> told) { told_ = std::move(told); }

  /// Takes a connection for the caller, waiting for one if need be. Throws RequestRefused 429 if too many wait already,
  /// none came free in time, or the bearer or namespace has used up its share.
  void take(const Takers& takers = {});
  void give(const Takers& takers = {}) noexcept;

  std::size_t in_use() const noexcept { return budget_.held(); }
  std::size_t waiting() const noexcept { return waiting_.load(); }

 private:
  Whose try_take(const Takers& takers) noexcept {
    return budget_.take(1, takers.bearer.get(), takers.name_space.get());
  }
  void wait_for_one(const Takers& takers);
  [[noreturn]] void refuse(Whose whose) const;

  Budget budget_;
  // A waiter raises this before it tries again; give() frees a connection before it reads this. So at least one of them
  // sees the other.
  std::atomic<std::size_t> waiting_ = 0;
  const std::size_t most_waiting_;
  std::mutex mutex_;  // guards the wait for a connection
  std::condition_variable freed_;
  const std::chrono::milliseconds wait_;
  std::function<void()> relieve_, told_;
};

}  // namespace libsql::server

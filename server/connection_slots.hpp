// How many connections to databases may be in use at once.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>

#include "server/bearer.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class ConnectionSlots {
 public:
  ConnectionSlots(std::size_t total, std::size_t most_waiting, std::chrono::milliseconds wait)
      : free_(total), total_(total), most_waiting_(most_waiting), wait_(wait) {}
  ConnectionSlots(const ConnectionSlots&) = delete;
  ConnectionSlots& operator=(const ConnectionSlots&) = delete;

  /// Called by take() when none is free, before it waits, to give one up that its owner can do without. Set before
  /// the first take().
  void on_shortage(std::function<void()> relieve) { relieve_ = std::move(relieve); }

  /// Throws RequestRefused 429 if too many wait already, none came free in time, or the bearer has its share. Null: the
  /// bearer is not told apart.
  void take(Bearer* bearer = nullptr);
  void give(Bearer* bearer = nullptr) noexcept;

  std::size_t in_use() const noexcept { return total_ - free_.load(); }
  std::size_t waiting() const noexcept { return waiting_.load(); }

 private:
  bool try_take() noexcept;
  void take_any();

  std::atomic<std::size_t> free_;
  // Who waits raises this before looking at free_ again, and who gives looks here after raising free_: one of the two
  // sees the other.
  std::atomic<std::size_t> waiting_ = 0;
  const std::size_t total_;
  const std::size_t most_waiting_;
  std::mutex mutex_;  // of those who wait
  std::condition_variable freed_;
  const std::chrono::milliseconds wait_;
  std::function<void()> relieve_;
};

}  // namespace libsql::server

// How many connections to databases may be in use at once.
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
  /// `most_for_one`: for one bearer, and for one namespace.
  ConnectionSlots(std::size_t total, std::size_t most_for_one, std::size_t most_waiting, std::chrono::milliseconds wait)
      : budget_(Resource::Connections, total, most_for_one), most_waiting_(most_waiting), wait_(wait) {}
  ConnectionSlots(const ConnectionSlots&) = delete;
  ConnectionSlots& operator=(const ConnectionSlots&) = delete;

  /// Called by take() when none is free, before it waits, to give one up that its owner can do without. Set before
  /// the first take().
  void on_shortage(std::function<void()> relieve) { relieve_ = std::move(relieve); }

  /// Called by take() before it throws. Set as that.
  void on_refusal(std::function<void()> told) { told_ = std::move(told); }

  /// Throws RequestRefused 429 if too many wait already, none came free in time, or the bearer or namespace has its
  /// share.
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
  // Who waits raises this before trying again, and who gives looks here after giving: one of the two sees the other.
  std::atomic<std::size_t> waiting_ = 0;
  const std::size_t most_waiting_;
  std::mutex mutex_;  // of those who wait
  std::condition_variable freed_;
  const std::chrono::milliseconds wait_;
  std::function<void()> relieve_, told_;
};

}  // namespace libsql::server

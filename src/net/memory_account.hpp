// Whose memory it is that requests and answers wait in.
#pragma once

#include <atomic>
#include <cstddef>

namespace libsql::net {

/// The bytes that a server keeps for one client, or for all of them: of requests that are not complete, and of answers
/// that were not taken yet. Threads: any number at once.
class MemoryAccount {
 public:
  /// Zero: no limit.
  explicit MemoryAccount(std::size_t limit = 0) noexcept : limit_(limit) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  void add(std::size_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void take(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  bool is_over() const noexcept {
    const std::size_t limit = limit_.load(std::memory_order_relaxed);
    return limit != 0 && held() > limit;
  }
  void set_limit(std::size_t bytes) noexcept { limit_.store(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> held_ = 0;
  std::atomic<std::size_t> limit_;
};

}  // namespace libsql::net

// Who follows a replication log, and how far each has come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class Followers : public std::enable_shared_from_this<Followers> {
 public:
  using Clock = core::SteadyClock;
  /// One who has not asked for so long, and has no stream open, is not counted any more.
  static constexpr std::chrono::minutes kForgottenAfter{5};
  /// Of more than this many, those who asked last are counted.
  static constexpr std::size_t kMost = 1000;

  /// `who` has asked for the frames from `next` on, or been sent all below it.
  void note(std::string_view who, std::uint64_t next);

  /// Counts `who` as a follower while the handle is kept.
  [[nodiscard]] std::shared_ptr<const void> stay(std::string_view who, std::uint64_t next);

  struct Figures {
    std::size_t count = 0;
    std::optional<std::uint64_t> lowest_next;  // of all
  };
  Figures figures();

 private:
  struct Follower {
    std::uint64_t next = 0;
    Clock::time_point seen;
    std::size_t streams = 0;
  };
  Follower& entry(std::string_view who, std::uint64_t next);
  void leave(const std::string& who) noexcept;
  void forget_old(Clock::time_point now);

  std::mutex mutex_;
  std::map<std::string, Follower, std::less<>> all_;
};

}  // namespace libsql::server

// What a namespace's statements have cost in the current hour, in total and text by text.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <libsql/uuid.hpp>

#include "core/clock.hpp"
#include "core/histogram.hpp"
#include "server/base/string_hash.hpp"

namespace libsql::server {

/// All runs of one text together.
struct QueryTotals {
  std::string sql;
  std::uint64_t count = 0;
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  std::chrono::nanoseconds elapsed{0};
};

struct HourOfQueries {
  static constexpr std::array<double, 6> kParts = {0.5, 0.75, 0.9, 0.95, 0.99, 0.999};

  uuid::Uuid id;
  std::chrono::system_clock::time_point begun;  // the time of its first statement
  std::uint64_t count = 0;
  std::chrono::nanoseconds elapsed{0};
  std::array<std::chrono::nanoseconds, kParts.size()> percentiles{};
  std::vector<QueryTotals> queries;  // those that took the most time in total, the longest first
};

/// Starts afresh with each hour of the clock. Threads: any number at once.
class HourlyQueries final {
 public:
  using Clock = core::WallClock;
  static constexpr std::size_t kEntries = 30;
  static constexpr std::size_t kLongestSql = 4096;

  void add(std::string_view sql, std::uint64_t rows_read, std::uint64_t rows_written, std::chrono::nanoseconds elapsed,
           Clock::time_point now);
  /// None if no statement has run in the hour of `now`.
  std::optional<HourOfQueries> report(Clock::time_point now) const;

 private:
  // More than are reported, so that a text which appears late but often has a chance.
  static constexpr std::size_t kRemembered = 100;

  struct Hour {
    std::chrono::sys_time<std::chrono::hours> hour;
    uuid::Uuid id = uuid::Uuid::v4();
    Clock::time_point begun;
    core::TimeHistogram times;
    std::unordered_map<std::string, QueryTotals, StringHash, std::equal_to<>>
        queries;                            // `sql` is empty, as it is the key
    std::chrono::nanoseconds threshold{0};  // once the map is full, only texts with more time in total get in
  };
  static void add_text(Hour& hour, std::string_view sql, const QueryTotals& run);

  mutable std::mutex mutex_;
  std::unique_ptr<Hour> hour_;
};

}  // namespace libsql::server

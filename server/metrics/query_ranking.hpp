// The most expensive statements of a namespace: those that read and wrote the most rows, and those that took longest.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::server {

struct RankedQuery {
  std::string sql;
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  std::chrono::milliseconds elapsed{0};
};

/// Threads: any number at once. A single comparison tells that a statement does not rank, as nearly all do not.
class QueryRanking final {
 public:
  static constexpr std::size_t kEntries = 10;
  static constexpr std::size_t kLongestSql = 4096;

  void add(std::string_view sql, std::uint64_t rows_read, std::uint64_t rows_written, std::chrono::nanoseconds elapsed);

  /// Highest first.
  std::vector<RankedQuery> by_rows() const;
  std::vector<RankedQuery> by_time() const;
  void reset_by_rows();
  void reset_by_time();

 private:
  // `threshold` is the lowest weight in a full list. Lighter statements are ignored.
  struct List {
    std::atomic<std::uint64_t> threshold = 0;
    std::vector<std::pair<std::uint64_t, RankedQuery>> entries;  // heaviest first; each text once
  };
  void insert(List& list, std::uint64_t weight, const RankedQuery& query);
  std::vector<RankedQuery> copy(const List& list) const;
  void reset(List& list);

  mutable std::mutex mutex_;
  List by_rows_, by_time_;
};

}  // namespace libsql::server

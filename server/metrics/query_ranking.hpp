// The statements of a namespace that cost most: those that read and wrote most rows, and those that took longest.
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

/// Threads: any number at once. Nearly all statements are told apart from those that rank by one comparison.
class QueryRanking final {
 public:
  static constexpr std::size_t kEntries = 10;
  static constexpr std::size_t kLongestSql = 4096;

  void add(std::string_view sql, std::uint64_t rows_read, std::uint64_t rows_written, std::chrono::nanoseconds elapsed);

  /// The first ones first.
  std::vector<RankedQuery> by_rows() const;
  std::vector<RankedQuery> by_time() const;
  void reset_by_rows();
  void reset_by_time();

 private:
  // The weights of a list that is full begin here; nothing less has to be looked at.
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

#include "server/metrics/query_ranking.hpp"

#include <algorithm>

namespace libsql::server {

void QueryRanking::add(std::string_view sql, std::uint64_t rows_read, std::uint64_t rows_written,
                       std::chrono::nanoseconds elapsed) {
  const std::uint64_t rows = rows_read + rows_written;
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed);
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
  const bool many_rows = rows > by_rows_.threshold.load(std::memory_order_relaxed);
  const bool long_time = milliseconds > by_time_.threshold.load(std::memory_order_relaxed);
  if (!many_rows && !long_time) return;
  const RankedQuery query{std::string(sql.substr(0, kLongestSql)), rows_read, rows_written, time};
  const std::lock_guard lock(mutex_);
  if (many_rows) insert(by_rows_, rows, query);
  if (long_time) insert(by_time_, milliseconds, query);
}

void QueryRanking::insert(List& list, std::uint64_t weight, const RankedQuery& query) {
  auto& entries = list.entries;
  const auto same =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.second.sql == query.sql; });
  if (same != entries.end()) {
    if (same->first >= weight) return;
    entries.erase(same);
  }
  const auto place =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first < weight; });
  entries.emplace(place, weight, query);
  if (entries.size() > kEntries) entries.pop_back();
  if (entries.size() == kEntries) list.threshold.store(entries.back().first, std::memory_order_relaxed);
}

std::vector<RankedQuery> QueryRanking::by_rows() const { return copy(by_rows_); }
std::vector<RankedQuery> QueryRanking::by_time() const { return copy(by_time_); }
void QueryRanking::reset_by_rows() { reset(by_rows_); }
void QueryRanking::reset_by_time() { reset(by_time_); }

std::vector<RankedQuery> QueryRanking::copy(const List& list) const {
  const std::lock_guard lock(mutex_);
  std::vector<RankedQuery> queries;
  for (const auto& entry : list.entries) queries.push_back(entry.second);
  return queries;
}

void QueryRanking::reset(List& list) {
  const std::lock_guard lock(mutex_);
  list.entries.clear();
  list.threshold.store(0, std::memory_order_relaxed);
}

}  // namespace libsql::server

#include "server/metrics/hourly_queries.hpp"

#include <algorithm>

namespace libsql::server {
namespace {

auto hour_of(HourlyQueries::Clock::time_point time) noexcept {
  return std::chrono::floor<std::chrono::hours>(std::chrono::time_point_cast<std::chrono::seconds>(time));
}

}  // namespace

void HourlyQueries::add(std::string_view sql, std::uint64_t rows_read, std::uint64_t rows_written,
                        std::chrono::nanoseconds elapsed, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (hour_ == nullptr || hour_->hour != hour_of(now)) {
    auto fresh = std::make_unique<Hour>();
    fresh->hour = hour_of(now);
    fresh->begun = now;
    hour_ = std::move(fresh);
  }
  hour_->times.add(elapsed);
  add_text(*hour_, sql.substr(0, kLongestSql), {{}, 1, rows_read, rows_written, elapsed});
}

void HourlyQueries::add_text(Hour& hour, std::string_view sql, const QueryTotals& run) {
  auto found = hour.queries.find(sql);
  if (found == hour.queries.end()) {
    if (hour.queries.size() >= kRemembered) {
      if (run.elapsed <= hour.threshold) return;
      const auto by_time = [](const auto& a, const auto& b) { return a.second.elapsed < b.second.elapsed; };
      const auto cheapest = std::min_element(hour.queries.begin(), hour.queries.end(), by_time);
      hour.threshold = cheapest->second.elapsed;
      if (run.elapsed <= hour.threshold) return;
      hour.queries.erase(cheapest);
    }
    hour.queries.emplace(sql, run);
    return;
  }
  QueryTotals& totals = found->second;
  totals.count += run.count;
  totals.rows_read += run.rows_read;
  totals.rows_written += run.rows_written;
  totals.elapsed += run.elapsed;
}

std::optional<HourOfQueries> HourlyQueries::report(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  if (hour_ == nullptr || hour_->hour != hour_of(now)) return std::nullopt;
  HourOfQueries report;
  report.id = hour_->id;
  report.begun = hour_->begun;
  report.count = hour_->times.summary().count;
  report.elapsed = hour_->times.sum();
  hour_->times.percentiles(HourOfQueries::kParts, report.percentiles);
  for (const auto& [sql, totals] : hour_->queries) {
    report.queries.push_back(totals);
    report.queries.back().sql = sql;
  }
  std::sort(report.queries.begin(), report.queries.end(),
            [](const QueryTotals& a, const QueryTotals& b) { return a.elapsed > b.elapsed; });
  if (report.queries.size() > kEntries) report.queries.resize(kEntries);
  return report;
}

}  // namespace libsql::server

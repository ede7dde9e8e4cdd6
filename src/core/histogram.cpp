#include "core/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace libsql::core {

TimeSummary TimeHistogram::summary() const noexcept {
  TimeSummary summary;
  for (const auto& bucket : buckets_) summary.count += bucket.load(std::memory_order_relaxed);
  if (summary.count == 0) return summary;
  summary.max = std::chrono::nanoseconds(max_.load(std::memory_order_relaxed));
  summary.average = sum() / static_cast<std::int64_t>(summary.count);
  constexpr std::array<double, 3> kParts = {0.5, 0.95, 0.99};
  std::array<std::chrono::nanoseconds, kParts.size()> times;
  percentiles(kParts, times);
  summary.p50 = times[0];
  summary.p95 = times[1];
  summary.p99 = times[2];
  return summary;
}

void TimeHistogram::percentiles(std::span<const double> parts,
                                std::span<std::chrono::nanoseconds> times) const noexcept {
  std::array<std::uint64_t, kBuckets> counts;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts[i] = buckets_[i].load(std::memory_order_relaxed);
    count += counts[i];
  }
  const std::uint64_t max = max_.load(std::memory_order_relaxed);
  std::size_t bucket = 0;
  std::uint64_t seen = counts[0];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto rank = static_cast<std::uint64_t>(std::ceil(static_cast<double>(count) * parts[i]));  // from 1
    while (seen < rank && bucket + 1 < kBuckets) seen += counts[++bucket];
    times[i] = std::chrono::nanoseconds(std::min(middle_of(bucket), max));
  }
}

}  // namespace libsql::core

#include "core/histogram.hpp"

#include <algorithm>

namespace libsql::core {

TimeSummary TimeHistogram::summary() const noexcept {
  std::array<std::uint64_t, kBuckets> counts;
  TimeSummary summary;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts[i] = buckets_[i].load(std::memory_order_relaxed);
    summary.count += counts[i];
  }
  if (summary.count == 0) return summary;
  const std::uint64_t max = max_.load(std::memory_order_relaxed);
  summary.max = std::chrono::nanoseconds(max);
  summary.average = std::chrono::nanoseconds(sum_.load(std::memory_order_relaxed) / summary.count);
  const auto percentile = [&](std::uint64_t percent) {
    const std::uint64_t rank = (summary.count * percent + 99) / 100;  // from 1
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts[i];
      if (seen >= rank) return std::chrono::nanoseconds(std::min(middle_of(i), max));
    }
    return std::chrono::nanoseconds(max);
  };
  summary.p50 = percentile(50);
  summary.p95 = percentile(95);
  summary.p99 = percentile(99);
  return summary;
}

}  // namespace libsql::core

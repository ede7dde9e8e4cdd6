// Times counted by size without a lock.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <span>

#include <libsql/pool_statistics.hpp>

namespace libsql::core {

/// A histogram of times whose buckets grow with the time: 16 to every power of two. Threads: any number add at once; a
/// summary taken meanwhile may lack the newest.
class TimeHistogram {
 public:
  void add(std::chrono::nanoseconds time) noexcept {
    const std::uint64_t value = time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
    buckets_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
    std::uint64_t max = max_.load(std::memory_order_relaxed);
    while (value > max && !max_.compare_exchange_weak(max, value, std::memory_order_relaxed)) {
    }
  }

  TimeSummary summary() const noexcept;
  /// For each part, from 0 to 1 and in ascending order, the time that this part of all times did not exceed.
  void percentiles(std::span<const double> parts, std::span<std::chrono::nanoseconds> times) const noexcept;
  std::chrono::nanoseconds sum() const noexcept {
    return std::chrono::nanoseconds(sum_.load(std::memory_order_relaxed));
  }

 private:
  static constexpr int kBits = 4;
  static constexpr std::uint64_t kPerOctave = 1 << kBits;
  static constexpr int kOctaves = 40;  // up to some hours; what is longer counts as that
  static constexpr std::size_t kBuckets = kPerOctave * (kOctaves + 1);

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < kPerOctave) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - kBits - 1;
    const std::uint64_t bucket = kPerOctave * static_cast<std::uint64_t>(shift) + (value >> shift);
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  static constexpr std::uint64_t middle_of(std::size_t bucket) noexcept {
    if (bucket < 2 * kPerOctave) return bucket;
    const std::size_t shift = bucket / kPerOctave - 1;
    return ((bucket % kPerOctave + kPerOctave) << shift) + (std::uint64_t{1} << shift) / 2;
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> sum_ = 0;
  std::atomic<std::uint64_t> max_ = 0;
};

}  // namespace libsql::core

/// \file
/// What a pool did and how long it took.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <libsql/connection_info.hpp>

namespace libsql {

/// Times of many events. The percentiles come from a histogram whose buckets are 6 % wide.
struct TimeSummary {
  std::uint64_t count = 0;
  std::chrono::nanoseconds average{0};
  std::chrono::nanoseconds p50{0};
  std::chrono::nanoseconds p95{0};
  std::chrono::nanoseconds p99{0};
  std::chrono::nanoseconds max{0};
};

/// What a pooled connection is for.
enum class PoolRole : std::uint8_t {
  Any,     ///< PoolRouting::Shared
  Reader,  ///< refuses writes
  Writer
};

struct PoolStatistics {
  std::size_t size = 0;       ///< connections, including those being opened
  std::size_t available = 0;  ///< idle
  std::size_t in_use = 0;     ///< leased, or being prepared for it
  std::size_t waiting = 0;    ///< callers in line
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
  std::uint64_t replaced = 0;   ///< closed because they were broken or still held by their user's objects
  std::uint64_t checkouts = 0;  ///< leases given
  std::uint64_t timeouts = 0;   ///< checkouts that timed out
  TimeSummary checkout_wait;    ///< from the call to the lease
  TimeSummary lease_time;       ///< from the lease to its end
  TimeSummary query_time;       ///< of statements run through leases; empty if PoolOptions::query_times is off
  /// Sums over all connections, closed ones too; a lease counts when it ends. (The cache's sizes are left out.)
  ConnectionStatistics totals;
  std::uint64_t queries() const noexcept { return totals.statements; }
};

struct PooledConnectionStatistics {
  std::uint64_t number = 0;  ///< in the order they were opened, from 1
  PoolRole role = PoolRole::Any;
  bool in_use = false;
  std::uint64_t checkouts = 0;
  std::chrono::steady_clock::duration age{0};
  std::chrono::steady_clock::duration idle{0};  ///< since its last lease ended; 0 while in use
  ConnectionStatistics totals;                  ///< as of the end of its last lease
};

}  // namespace libsql

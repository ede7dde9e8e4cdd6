#include "core/statistics.hpp"

#include <array>
#include <cstdint>

namespace libsql::core {
namespace {

constexpr std::array kCounters = {
    &ConnectionStatistics::statements,      &ConnectionStatistics::rows,       &ConnectionStatistics::changes,
    &ConnectionStatistics::transactions,    &ConnectionStatistics::commits,    &ConnectionStatistics::rollbacks,
    &ConnectionStatistics::errors,          &ConnectionStatistics::cache_hits, &ConnectionStatistics::cache_misses,
    &ConnectionStatistics::cache_evictions, &ConnectionStatistics::busy_waits};

}  // namespace

ConnectionStatistics since(const ConnectionStatistics& now, const ConnectionStatistics& before) noexcept {
  ConnectionStatistics difference = now;
  for (const auto counter : kCounters) {
    difference.*counter = now.*counter > before.*counter ? now.*counter - before.*counter : 0;
  }
  return difference;
}

void add(ConnectionStatistics& sum, const ConnectionStatistics& more) noexcept {
  for (const auto counter : kCounters) sum.*counter += more.*counter;
}

}  // namespace libsql::core

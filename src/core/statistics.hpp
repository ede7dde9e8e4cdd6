// Sums and differences of a connection's counters.
#pragma once

#include <libsql/connection_info.hpp>

namespace libsql::core {

/// `now`, its counters less those of `before`; what it says of this moment stays.
ConnectionStatistics since(const ConnectionStatistics& now, const ConnectionStatistics& before) noexcept;
/// Adds the counters.
void add(ConnectionStatistics& sum, const ConnectionStatistics& more) noexcept;

}  // namespace libsql::core

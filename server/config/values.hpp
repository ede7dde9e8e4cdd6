// How the values of settings are written.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "server/base/options.hpp"

namespace libsql::server {

// All functions throw ConfigError, which says what is expected.

/// "true" or "false" (also "1", "0", "yes", "no", "on", "off").
bool parse_switch(std::string_view text);
std::uint64_t parse_count(std::string_view text);
/// "1500", "10MB" (10^6), "64MiB" (2^20); also KB, GB, TB, KiB, GiB, TiB and a final "B".
std::uint64_t parse_size(std::string_view text);
/// "500ms", "10s", "5m", "2h", "1d". The unit is mandatory, because seconds and milliseconds are easily confused.
std::chrono::milliseconds parse_duration(std::string_view text);
/// "HOST:PORT", "[::1]:PORT" or "PORT".
Listen parse_listen(std::string_view text);

/// Whether only this machine can reach a listener on that host. Names are not resolved: only "localhost" counts.
bool is_loopback(std::string_view host) noexcept;

}  // namespace libsql::server

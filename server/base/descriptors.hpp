// How many files and sockets the process may have open, and how many of them are left for clients.
#pragma once

#include <cstddef>

#include "server/base/options.hpp"

namespace libsql::server {

/// Raises the process's limit as far as the system allows.
void raise_descriptor_limit() noexcept;

/// How many clients may be connected: Limits::http_connections, or fewer if databases, logs and the admin port leave
/// fewer descriptors.
std::size_t most_clients(const Options& options) noexcept;

}  // namespace libsql::server

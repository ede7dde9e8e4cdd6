// How many files and sockets the process may have open, and what that leaves for clients.
#pragma once

#include <cstddef>

#include "server/base/options.hpp"

namespace libsql::server {

/// Lets the process have as many as the system allows it.
void raise_descriptor_limit() noexcept;

/// How many clients may be connected: Limits::http_connections, or what is left when databases, logs and the admin
/// port have theirs.
std::size_t most_clients(const Options& options) noexcept;

}  // namespace libsql::server

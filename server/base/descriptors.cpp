#include "server/base/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace libsql::server {

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  constexpr rlim_t kPlenty = rlim_t{1} << 20;
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, kPlenty));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t most_clients(const Options& options) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return options.limits.http_connections;
  const auto all = static_cast<std::size_t>(limit.rlim_cur);
  // A connection to a database has its file and its log open and, while it writes, a journal or temporary file. A
  // loaded namespace has one more connection, and the index of the log.
  const std::size_t namespaces = options.namespaces ? options.max_loaded_namespaces : 1;
  const std::size_t databases = 4 * options.limits.connections + 6 * namespaces;
  constexpr std::size_t kOwn = 192;  // logs, keys, events, the admin port and spare connections
  const std::size_t reserve = std::min(databases + kOwn, all - all / 3);
  return std::clamp<std::size_t>(all - reserve, 1, options.limits.http_connections);
}

}  // namespace libsql::server

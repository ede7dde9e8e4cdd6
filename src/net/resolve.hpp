// From a host name to addresses.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "net/interrupt.hpp"

namespace libsql::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const noexcept { return storage.ss_family; }
  /// Such as "127.0.0.1:80" or "[::1]:80".
  std::string text() const;
};

/// The addresses of `host` in the order to try them, IPv6 and IPv4 in turn (RFC 8305 4). Throws NetError: Connect if
/// there are none, Timeout, Interrupted. The system's look-up cannot be ended, so a name is looked up on another thread
/// that is left to itself when the wait is over.
std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, const Wait& wait);

}  // namespace libsql::net

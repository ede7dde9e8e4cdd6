// Making a client's connection: look-up, TCP, proxy, TLS.
#pragma once

#include "net/http_client.hpp"
#include "net/stream.hpp"

namespace libsql::net {

struct Connected {
  Stream stream;
  /// Requests go to a proxy that wants the whole URL in the request line (RFC 9112 3.2.2).
  bool absolute_form = false;
  /// The value for Proxy-Authorization in that case; empty for none.
  std::string proxy_authorization;
};

/// Connects to the origin, directly or through the proxy that the options or the environment name. `tunnel`: an
/// unencrypted origin is reached by CONNECT too, as a WebSocket needs it. Throws NetError, never with sent().
Connected connect_to(const Origin& origin, const ClientOptions& options, const Wait& wait, bool tunnel);

}  // namespace libsql::net

// Where a database is, from the URL that the user gave.
#pragma once

#include <string>
#include <string_view>

#include "net/url.hpp"
#include "remote/options.hpp"

namespace libsql::remote {

/// An origin and what all paths at it begin with.
struct Endpoint {
  net::Origin origin;
  std::string path;  // without a final slash; empty for the root

  bool operator==(const Endpoint&) const = default;
};

struct Location {
  Endpoint endpoint;
  bool websocket = false;
  std::string auth_token;  // of the URL or the builder
};

/// Understands libsql:, https:, http:, wss: and ws: URLs with `tls` and `authToken`. Throws Configuration for what
/// contradicts itself or is not known; the message never holds a token.
Location locate(const Options& options);

/// The `base_url` of a server's answer. Throws Protocol if it is none, or would take a conversation out of TLS.
Endpoint follow(const Endpoint& from, std::string_view base_url);

/// Whether a text is a URL of a scheme that locate() knows.
bool is_remote_url(std::string_view text) noexcept;

}  // namespace libsql::remote

// The HTTP part of opening a WebSocket (RFC 6455 4).
#pragma once

#include <string>
#include <string_view>

namespace libsql::net {

/// What a server answers to a client's Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

}  // namespace libsql::net

// The HTTP part of opening a WebSocket (RFC 6455 4).
#pragma once

#include <string>
#include <string_view>

namespace libsql::net {

/// A key for a client's handshake: 16 random bytes in base64. Throws NetError Connect if there is no randomness.
std::string new_websocket_key();
/// What the server must answer to it.
std::string websocket_accept(std::string_view key);
/// Fills `bytes` with randomness, for masks.
void random_bytes(char* bytes, std::size_t size);

}  // namespace libsql::net

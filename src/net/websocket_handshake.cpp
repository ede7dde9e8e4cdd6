#include "net/websocket_handshake.hpp"

#include <openssl/evp.h>

#include "core/base64.hpp"
#include "net/error.hpp"

namespace libsql::net {

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) {
    throw NetError(ErrorKind::Protocol, "SHA-1, which WebSocket needs, is not available");
  }
  return core::padded_base64({reinterpret_cast<const char*>(digest), size});
}

}  // namespace libsql::net

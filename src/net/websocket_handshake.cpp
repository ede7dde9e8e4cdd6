#include "net/websocket_handshake.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "net/base64.hpp"
#include "net/error.hpp"

namespace libsql::net {

void random_bytes(char* bytes, std::size_t size) {
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes), static_cast<int>(size)) != 1) {
    throw NetError(ErrorKind::Connect, "the system gives no random bytes");
  }
}

std::string new_websocket_key() {
  char bytes[16];
  random_bytes(bytes, sizeof bytes);
  return base64_encode({bytes, sizeof bytes});
}

std::string websocket_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) {
    throw NetError(ErrorKind::Protocol, "SHA-1, which WebSocket needs, is not available");
  }
  return base64_encode({reinterpret_cast<const char*>(digest), size});
}

}  // namespace libsql::net

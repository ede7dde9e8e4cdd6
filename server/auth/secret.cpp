#include "server/auth/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <new>

namespace libsql::server {
namespace {

// Digests all have the same length.
std::string digest_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(), digest.data(), &size) != 1) {
    throw std::bad_alloc();
  }
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace

Secret::Secret(std::string_view text) : digest_(digest_of(text)) {}

bool Secret::equals(std::string_view text) const {
  const std::string digest = digest_of(text);
  return is_set() && CRYPTO_memcmp(digest.data(), digest_.data(), digest_.size()) == 0;
}

}  // namespace libsql::server

// Keys and tokens for tests.
#pragma once

#include <string>
#include <string_view>

#include "server/auth/base64url.hpp"
#include "server/auth/signing_key.hpp"

namespace libsql::server::test {

inline std::string sign(const SigningKey& key, std::string_view claims) { return key.sign_token(claims); }

inline PublicKeys public_keys(const SigningKey& key) { return PublicKeys::parse(key.public_pem()); }

/// The raw form of a public key: the last 32 bytes of its DER form (RFC 8410).
inline std::string raw_public_key(const SigningKey& key) {
  std::string pem = key.public_pem();
  std::string base64;
  for (const char c : pem.substr(pem.find('\n') + 1, pem.find("-----END") - pem.find('\n') - 1)) {
    if (c == '\n' || c == '=') continue;
    base64 += c == '+' ? '-' : c == '/' ? '_' : c;
  }
  const std::string der = decode_base64url(base64).value();
  return encode_base64url(std::string_view(der).substr(der.size() - 32));
}

}  // namespace libsql::server::test

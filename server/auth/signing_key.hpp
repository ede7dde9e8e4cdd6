// The private key that signs tokens. Used by `libsql token`, not by the server.
#pragma once

#include <string>
#include <string_view>

#include "server/auth/public_keys.hpp"

namespace libsql::server {

/// An Ed25519 private key.
class SigningKey final {
 public:
  static SigningKey generate();
  /// Reads a PEM block `PRIVATE KEY`. Throws KeyError.
  static SigningKey parse(std::string_view pem);

  std::string private_pem() const;
  std::string public_pem() const;
  /// A signed token with these claims, given as a JSON object.
  std::string sign_token(std::string_view claims_json) const;

 private:
  explicit SigningKey(KeyHandle key) : key_(std::move(key)) {}
  KeyHandle key_;
};

}  // namespace libsql::server

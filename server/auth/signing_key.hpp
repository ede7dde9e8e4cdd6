// The other side of tokens: the private key and what it signs. The server has no use for it; `libsql token` does.
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
  /// A token with these claims, which are a JSON object.
  std::string sign_token(std::string_view claims_json) const;

 private:
  explicit SigningKey(KeyHandle key) : key_(std::move(key)) {}
  KeyHandle key_;
};

}  // namespace libsql::server

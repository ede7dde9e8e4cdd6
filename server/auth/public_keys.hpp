// The Ed25519 keys with which tokens are verified.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace libsql::server {

/// A text contains no usable keys. The message says why, and never repeats the text.
class KeyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using KeyHandle = std::shared_ptr<evp_pkey_st>;

/// One or more public keys. Threads: verify() may be called by any number at once.
class PublicKeys final {
 public:
  /// Reads `PUBLIC KEY` blocks in PEM, or else one raw key in base64url. Throws KeyError, also for a private key: a
  /// server does not need one, and whoever put it there should know.
  static PublicKeys parse(std::string_view text);

  /// Whether this signature of `message` was made with one of the keys.
  bool verify(std::string_view message, std::string_view signature) const;

  std::size_t size() const noexcept { return keys_.size(); }

 private:
  std::vector<KeyHandle> keys_;
};

}  // namespace libsql::server

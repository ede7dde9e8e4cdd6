// Decides who is let in: bearers of tokens, of one password, or everybody.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/auth/secret.hpp"
#include "server/auth/token_cache.hpp"
#include "server/auth/watched_file.hpp"
#include "server/base/auth.hpp"

namespace libsql::server {

class Log;

struct AuthSettings {
  std::filesystem::path jwt_key_file;    // empty: none
  std::string jwt_key;                   // the text itself, if there is no file
  std::filesystem::path http_auth_file;  // holds what http_auth would
  std::string http_auth;                 // "basic:BASE64"; takes precedence over tokens
  std::string group;                     // compared with the tags in tokens
};

/// What clients must present, unless their namespace has its own key.
enum class AuthScheme : std::uint8_t { None, Basic, Token };

/// Threads: any number at once.
class StandardAuthenticator final : public Authenticator {
 public:
  /// Throws KeyError and std::system_error for keys and files that cannot be used.
  StandardAuthenticator(AuthSettings settings, Log& log);

  std::shared_ptr<const Identity> authenticate(const Credentials& credentials, std::string_view name_space,
                                               std::string_view namespace_key) override;

  std::optional<std::uint64_t> version() const noexcept override { return version_.load(std::memory_order_acquire); }

  AuthScheme scheme() const;
  /// Reloads files that have changed. If one cannot be used, that is logged, and the former content stays in force.
  void reload_changed() noexcept;

 private:
  struct Rules {
    AuthScheme scheme = AuthScheme::None;
    Secret password;                          // set for Basic
    std::shared_ptr<TokenVerifier> verifier;  // set for Token
  };

  Rules read_rules() const;
  std::shared_ptr<const Rules> rules() const;
  std::shared_ptr<TokenVerifier> verifier_of(std::string_view namespace_key);

  const AuthSettings settings_;
  Log& log_;
  std::optional<WatchedFile> key_file_, password_file_;
  std::atomic<std::uint64_t> version_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<const Rules> rules_;
  std::unordered_map<std::string, std::shared_ptr<TokenVerifier>> namespace_verifiers_;
};

}  // namespace libsql::server

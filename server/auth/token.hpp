// JSON Web Tokens (RFC 7519) signed with Ed25519, and what their claims allow. Claims and answers as observed: sqld
// 0.24.33.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/public_keys.hpp"

namespace libsql::server {

/// Whom a permission is for: namespaces by name, or by a tag that stands for a group of servers.
struct TokenScope {
  std::vector<std::string> namespaces;
  std::vector<std::string> tags;

  bool matches(std::string_view name, std::string_view group) const noexcept;
};

/// What a token lets its bearer do in one namespace.
struct TokenRights {
  bool read = false;
  bool write = false;
  bool attach = false;
  bool ddl = false;  // on databases that are bound to a shared schema
};

/// What a token says.
struct TokenClaims {
  std::optional<std::int64_t> expires;     // seconds since 1970
  std::optional<std::int64_t> not_before;  // the same
  bool has_audience = false;
  // The claim `p`; when it is there, the two older claims below are not looked at.
  struct Permissions {
    TokenScope read, read_write, read_attach, read_write_attach, ddl;
  };
  std::optional<Permissions> permissions;
  // The claims `id` and `a`.
  std::optional<std::string> single_namespace;
  bool may_write = true;
  bool may_attach = false;
  // What tells bearers apart: who it is for (`sub`) and what they may, as text.
  std::string binding;

  TokenRights rights(std::string_view name, std::string_view group) const noexcept;
};

enum class TokenProblem : std::uint8_t { Invalid, Expired, Immature, Rejected };

/// The clock of `exp` and `nbf`; replaced in tests.
using TokenTime = std::chrono::sys_seconds;

/// How much the clocks of the server and of the token's issuer may differ.
inline constexpr std::chrono::seconds kTokenLeeway{60};

/// Whether a token that ends then has ended, with the leeway for clocks that differ.
bool has_expired(const TokenClaims& claims, TokenTime now) noexcept;
/// Whether it is not good yet, with the same leeway.
bool is_immature(const TokenClaims& claims, TokenTime now) noexcept;

/// Reads a token and checks its signature; `exp`, `nbf` and `aud` are the caller's to judge. Nothing if it is no token
/// signed with one of the keys.
std::optional<TokenClaims> read_token(std::string_view token, const PublicKeys& keys);

/// The claims that this JSON text states; nothing if one of them has the wrong type.
std::optional<TokenClaims> read_claims(std::string_view json);

}  // namespace libsql::server

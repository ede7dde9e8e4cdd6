// JSON Web Tokens (RFC 7519) signed with Ed25519, and what their claims permit. Claims and answers as observed in sqld
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

/// What a permission applies to: namespaces by name, or servers by a tag that stands for a group of them.
struct TokenScope {
  std::vector<std::string> namespaces;
  std::vector<std::string> tags;

  bool matches(std::string_view name, std::string_view group) const noexcept;
};

/// What a token permits in one namespace.
struct TokenRights {
  bool read = false;
  bool write = false;
  bool attach = false;
  bool ddl = false;  // on databases bound to a shared schema
};

/// The claims of a token.
struct TokenClaims {
  std::optional<std::int64_t> expires;     // seconds since 1970
  std::optional<std::int64_t> not_before;  // the same
  bool has_audience = false;
  // The claim `p`. If present, the two older claims below are ignored.
  struct Permissions {
    TokenScope read, read_write, read_attach, read_write_attach, ddl;
  };
  std::optional<Permissions> permissions;
  // The claims `id` and `a`.
  std::optional<std::string> single_namespace;
  bool may_write = true;
  bool may_attach = false;
  // Distinguishes bearers: whom the token is for (`sub`) and what it permits, as text.
  std::string binding;

  TokenRights rights(std::string_view name, std::string_view group) const noexcept;
};

enum class TokenProblem : std::uint8_t { Invalid, Expired, Immature, Rejected };

/// The clock for `exp` and `nbf`. Tests use their own.
using TokenTime = std::chrono::sys_seconds;

/// By how much the clocks of the server and the token's issuer may differ.
inline constexpr std::chrono::seconds kTokenLeeway{60};

/// Whether the token has expired, allowing for that leeway.
bool has_expired(const TokenClaims& claims, TokenTime now) noexcept;
/// Whether the token is not valid yet, allowing for that leeway.
bool is_immature(const TokenClaims& claims, TokenTime now) noexcept;

/// Reads a token and verifies its signature. The caller checks `exp`, `nbf` and `aud`. None if it is not a token signed
/// with one of the keys.
std::optional<TokenClaims> read_token(std::string_view token, const PublicKeys& keys);

/// Reads claims from JSON. None if one of them has the wrong type.
std::optional<TokenClaims> read_claims(std::string_view json);

}  // namespace libsql::server

#include "server/auth/token.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "server/auth/base64url.hpp"

namespace libsql::server {
namespace {

using Json = nlohmann::json;

bool contains(const std::vector<std::string>& list, std::string_view text) noexcept {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// The member of that name, or null if it is missing or null.
const Json* member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool read_texts(const Json& object, const char* name, std::vector<std::string>& texts) {
  const Json* const list = member(object, name);
  if (list == nullptr) return true;
  if (!list->is_array()) return false;
  for (const Json& entry : *list) {
    if (!entry.is_string()) return false;
    texts.push_back(entry.get<std::string>());
  }
  return true;
}

bool read_scope(const Json& permissions, const char* name, TokenScope& scope) {
  const Json* const object = member(permissions, name);
  if (object == nullptr) return true;
  return object->is_object() && read_texts(*object, "ns", scope.namespaces) && read_texts(*object, "tags", scope.tags);
}

bool read_permissions(const Json& object, TokenClaims::Permissions& permissions) {
  return object.is_object() && read_scope(object, "ro", permissions.read) &&
         read_scope(object, "rw", permissions.read_write) && read_scope(object, "roa", permissions.read_attach) &&
         read_scope(object, "rwa", permissions.read_write_attach) && read_scope(object, "ddl", permissions.ddl);
}

bool read_legacy(const Json& claims, TokenClaims& read) {
  if (const Json* const id = member(claims, "id")) {
    if (!id->is_string()) return false;
    read.single_namespace = id->get<std::string>();
  }
  const Json* const access = member(claims, "a");
  if (access == nullptr) return true;
  if (*access == "ro" || *access == "roa") {
    read.may_write = false;
    read.may_attach = *access == "roa";
    return true;
  }
  return *access == "rw";
}

// RFC 7515: the token's algorithm must be that of our keys, and extensions that must be understood (`crit`) are not.
bool is_acceptable_header(std::string_view json) {
  const Json header = Json::parse(json, nullptr, false);
  if (!header.is_object() || header.contains("crit")) return false;
  const Json* const algorithm = member(header, "alg");
  return algorithm != nullptr && *algorithm == "EdDSA";
}

}  // namespace

bool TokenScope::matches(std::string_view name, std::string_view group) const noexcept {
  return contains(namespaces, name) || (!group.empty() && contains(tags, group));
}

TokenRights TokenClaims::rights(std::string_view name, std::string_view group) const noexcept {
  TokenRights rights;
  if (!permissions) {
    const bool covered = !single_namespace || *single_namespace == name;
    rights.read = covered;
    rights.write = covered && may_write;
    rights.attach = covered && may_attach;
    return rights;
  }
  const auto in = [&](const TokenScope& scope) { return scope.matches(name, group); };
  rights.ddl = in(permissions->ddl);
  rights.write = in(permissions->read_write) || in(permissions->read_write_attach) || rights.ddl;
  rights.attach = in(permissions->read_attach) || in(permissions->read_write_attach);
  rights.read = rights.write || rights.attach || in(permissions->read);
  return rights;
}

bool has_expired(const TokenClaims& claims, TokenTime now) noexcept {
  return claims.expires && *claims.expires < (now.time_since_epoch() - kTokenLeeway).count();
}

bool is_immature(const TokenClaims& claims, TokenTime now) noexcept {
  return claims.not_before && *claims.not_before > (now.time_since_epoch() + kTokenLeeway).count();
}

std::optional<TokenClaims> read_claims(std::string_view json) {
  const Json claims = Json::parse(json, nullptr, false);
  if (!claims.is_object()) return std::nullopt;
  TokenClaims read;
  if (const Json* const expires = member(claims, "exp")) {
    if (!expires->is_number_unsigned()) return std::nullopt;
    constexpr std::uint64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();
    read.expires = static_cast<std::int64_t>(std::min(expires->get<std::uint64_t>(), kEndOfTime));
  }
  if (const Json* const start = member(claims, "nbf")) {
    if (!start->is_number()) return std::nullopt;
    // A NumericDate may have a fraction (RFC 7519, section 2). Times out of range are clamped.
    constexpr double kEndOfTime = 9e18;
    const double seconds = std::ceil(start->get<double>());
    read.not_before = seconds > kEndOfTime    ? std::numeric_limits<std::int64_t>::max()
                      : seconds < -kEndOfTime ? std::numeric_limits<std::int64_t>::min()
                                              : static_cast<std::int64_t>(seconds);
  }
  if (const Json* const audience = member(claims, "aud")) {
    read.has_audience = audience->is_string() ? *audience != "" : !audience->empty();
  }
  if (const Json* const permissions = member(claims, "p")) {
    if (!read_permissions(*permissions, read.permissions.emplace())) return std::nullopt;
  } else if (!read_legacy(claims, read)) {
    return std::nullopt;
  }
  Json binding = Json::array();
  for (const char* const name : {"sub", "id", "a", "p"}) {
    const Json* const claim = member(claims, name);
    binding.push_back(claim == nullptr ? Json() : *claim);
  }
  // Invalid UTF-8 is replaced instead of throwing: this text is only ever compared.
  read.binding = binding.dump(-1, ' ', false, Json::error_handler_t::replace);
  return read;
}

std::optional<TokenClaims> read_token(std::string_view token, const PublicKeys& keys) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto header = decode_base64url(token.substr(0, first));
  const auto signature = decode_base64url(token.substr(second + 1));
  if (!header || !signature || !is_acceptable_header(*header)) return std::nullopt;
  // No claim is read before the signature has been verified.
  if (!keys.verify(token.substr(0, second), *signature)) return std::nullopt;
  const auto claims = decode_base64url(token.substr(first + 1, second - first - 1));
  if (!claims) return std::nullopt;
  return read_claims(*claims);
}

}  // namespace libsql::server

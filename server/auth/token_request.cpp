#include "server/auth/token_request.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

namespace libsql::server {
namespace {

template <std::size_t Size>
bool is_one_of(std::string_view word, const std::array<std::string_view, Size>& words) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string claims_of(const TokenRequest& request) {
  constexpr std::array<std::string_view, 5> kScopes = {"ro", "rw", "roa", "rwa", "ddl"};
  constexpr std::array<std::string_view, 3> kForAll = {"ro", "rw", "roa"};  // possible values of the older claim `a`
  if (!is_one_of(request.access, kScopes)) {
    throw std::invalid_argument("\"" + request.access + "\" is not ro, rw, roa, rwa or ddl");
  }
  nlohmann::json claims = nlohmann::json::object();
  if (!request.namespaces.empty() || !request.tags.empty()) {
    nlohmann::json& scope = claims["p"][request.access];
    if (!request.namespaces.empty()) scope["ns"] = request.namespaces;
    if (!request.tags.empty()) scope["tags"] = request.tags;
  } else if (is_one_of(request.access, kForAll)) {
    claims["a"] = request.access;
  } else {
    throw std::invalid_argument("the access \"" + request.access + "\" wants namespaces or tags");
  }
  if (!request.subject.empty()) claims["sub"] = request.subject;
  if (request.expires) claims["exp"] = request.expires->time_since_epoch().count();
  return claims.dump();
}

}  // namespace libsql::server

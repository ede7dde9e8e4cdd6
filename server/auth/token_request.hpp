// What a new token should contain.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace libsql::server {

struct TokenRequest {
  std::string access = "rw";            // ro, rw, roa, rwa or ddl, as in the claims
  std::vector<std::string> namespaces;  // if `tags` is empty as well: all
  std::vector<std::string> tags;
  std::string subject;  // whom it is for; empty: not stated
  std::optional<std::chrono::sys_seconds> expires;
};

/// The claims as JSON. Throws std::invalid_argument if `access` is unknown, or cannot be given for all namespaces.
std::string claims_of(const TokenRequest& request);

}  // namespace libsql::server

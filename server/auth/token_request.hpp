// The content of a new token.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace libsql::server {

struct TokenRequest {
  std::string access = "rw";            // ro, rw, roa, rwa or ddl, the claims' names
  std::vector<std::string> namespaces;  // with `tags` empty too: all
  std::vector<std::string> tags;
  std::string subject;  // whom it is for; empty: not said
  std::optional<std::chrono::sys_seconds> expires;
};

/// The claims as JSON. Throws std::invalid_argument for an access that does not exist, or that cannot be given for all
/// namespaces.
std::string claims_of(const TokenRequest& request);

}  // namespace libsql::server

// A namespace's configuration in the admin API's JSON. Members and their meaning as observed in sqld 0.24.33.
#pragma once

#include <string>
#include <string_view>

#include "server/base/namespace_config.hpp"

namespace libsql::server {

std::string config_to_json(const NamespaceConfig& config);

/// The configuration that POST .../config asks for. Missing members keep their value in `current` or lose it, depending
/// on the member, as in sqld. Throws AdminError.
NamespaceConfig config_from_json(std::string_view body, const NamespaceConfig& current);

/// What POST .../create asks for.
struct CreateRequest {
  NamespaceConfig config;
  std::string dump_url;  // empty: none
};
CreateRequest create_request_from_json(std::string_view body);

}  // namespace libsql::server

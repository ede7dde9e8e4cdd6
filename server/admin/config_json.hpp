// A namespace's configuration as the admin API writes it. Members and their meaning as observed: sqld 0.24.33.
#pragma once

#include <string>
#include <string_view>

#include "server/base/namespace_config.hpp"

namespace libsql::server {

std::string config_to_json(const NamespaceConfig& config);

/// What POST .../config asks for: members that are missing keep what they are in `current` or lose it, each as the
/// reference does. Throws AdminError.
NamespaceConfig config_from_json(std::string_view body, const NamespaceConfig& current);

/// What POST .../create asks for.
struct CreateRequest {
  NamespaceConfig config;
  std::string dump_url;  // empty: none
};
CreateRequest create_request_from_json(std::string_view body);

}  // namespace libsql::server

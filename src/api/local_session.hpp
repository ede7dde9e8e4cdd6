// The local session behind a connection, for what only a local database offers.
#pragma once

#include <string_view>

#include "api/access.hpp"
#include "local/session.hpp"

namespace libsql::detail {

/// Throws Unsupported, naming feature and mode, if the connection is not local; Misuse if it was moved from.
inline local::Session& local_session(const Connection& connection, std::string_view feature) {
  core::Session& session = Access::require_session(Access::session(connection));
  auto* const local = dynamic_cast<local::Session*>(&session);
  if (local == nullptr) core::throw_unsupported(feature, to_string(session.capabilities().mode));
  return *local;
}

}  // namespace libsql::detail

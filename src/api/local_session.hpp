// The local session behind a connection, for what only a local database offers.
#pragma once

#include "api/access.hpp"
#include "local/session.hpp"

namespace libsql::detail {

/// Throws Unsupported where the session does not offer the feature; Misuse if the connection was moved from.
inline local::Session& local_session(core::Session& session, core::Feature feature) {
  session.features().require(feature);
  auto* const local = dynamic_cast<local::Session*>(&session);
  if (local == nullptr) session.features().refuse(feature);
  return *local;
}
inline local::Session& local_session(const Connection& connection, core::Feature feature) {
  return local_session(Access::require_session(Access::session(connection)), feature);
}

}  // namespace libsql::detail

// The API from before Hrana: POST / with a list of statements.
#pragma once

#include "net/server.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Answers as sqld 0.24.33 was observed to: statements run one by one until one fails; no transaction is put around
/// them.
void legacy_query(net::Exchange& exchange, ServerState& state, Context& context);

}  // namespace libsql::server

// The API that came before Hrana: POST / with a list of statements.
#pragma once

#include "net/server.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Answers as observed in sqld 0.24.33: statements run one by one until one fails, without a transaction around them.
void legacy_query(net::Exchange& exchange, ServerState& state, Context& context);

}  // namespace libsql::server

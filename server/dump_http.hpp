// GET /dump: a database as SQL text.
#pragma once

#include "net/server.hpp"
#include "server/context.hpp"

namespace libsql::server {

/// Streams the namespace's database as it is at one moment; `preserve_row_ids=true` in the query keeps the rowids of
/// tables without an INTEGER PRIMARY KEY. An error after the beginning cuts the connection, so that nobody takes half
/// a dump for a whole one.
void answer_dump(net::Exchange& exchange, const Context& context);

}  // namespace libsql::server

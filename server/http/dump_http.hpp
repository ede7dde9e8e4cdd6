// GET /dump: a database as SQL text.
#pragma once

#include <memory>

#include "net/server.hpp"
#include "server/base/body_record.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Streams the namespace's database as it is at one moment; `preserve_row_ids=true` in the query keeps the rowids of
/// tables without an INTEGER PRIMARY KEY. An error after the beginning cuts the connection, so that nobody takes half
/// a dump for a whole one.
void answer_dump(net::Exchange& exchange, ServerState& state, const Context& context,
                 std::unique_ptr<BodyRecord> record);

}  // namespace libsql::server

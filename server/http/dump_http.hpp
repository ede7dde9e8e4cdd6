// GET /dump: a database as SQL text.
#pragma once

#include <memory>

#include "net/server.hpp"
#include "server/base/body_record.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// Streams one state of the namespace's database. `preserve_row_ids=true` in the query keeps the rowids of tables
/// without an INTEGER PRIMARY KEY. If the dump fails once it has begun, the connection is cut, so that half a dump is
/// not taken for a whole one.
void answer_dump(net::Exchange& exchange, ServerState& state, const Context& context,
                 std::unique_ptr<BodyRecord> record);

}  // namespace libsql::server

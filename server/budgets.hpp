// What is shared out among all clients of a server.
#pragma once

#include "server/budget.hpp"
#include "server/options.hpp"

namespace libsql::server {

struct Budgets {
  explicit Budgets(const Limits& limits) noexcept
      : responses(Resource::ResponseBytes, limits.total_response_bytes, limits.share_of(limits.total_response_bytes)),
        stored_sql(Resource::StoredSqlBytes, limits.total_stored_sql_bytes,
                   limits.share_of(limits.total_stored_sql_bytes)),
        http_streams(Resource::HttpStreams, limits.http_streams, limits.share_of(limits.http_streams)),
        websocket_streams(Resource::WebSocketStreams, limits.total_websocket_streams,
                          limits.share_of(limits.total_websocket_streams)) {}

  Budget responses;
  Budget stored_sql;
  Budget http_streams;
  Budget websocket_streams;
};

}  // namespace libsql::server

// The resources that all clients of a server share.
#pragma once

#include <cstddef>

#include "server/base/budget.hpp"
#include "server/base/options.hpp"

namespace libsql::server {

struct Budgets {
  /// `clients`: how many may be connected.
  Budgets(const Limits& limits, std::size_t clients) noexcept
      : responses(Resource::ResponseBytes, limits.total_response_bytes, limits.share_of(limits.total_response_bytes)),
        stored_sql(Resource::StoredSqlBytes, limits.total_stored_sql_bytes,
                   limits.share_of(limits.total_stored_sql_bytes)),
        http_streams(Resource::HttpStreams, limits.http_streams, limits.share_of(limits.http_streams)),
        websocket_streams(Resource::WebSocketStreams, limits.total_websocket_streams,
                          limits.share_of(limits.total_websocket_streams)),
        websockets(Resource::WebSockets, clients, limits.share_of(clients)),
        dumps(Resource::Dumps, limits.dumps, limits.share_of(limits.dumps)),
        decoded(Resource::DecodedBytes, limits.request_memory(), limits.share_of(limits.request_memory())) {}

  Budget responses;
  Budget stored_sql;
  Budget http_streams;
  Budget websocket_streams;
  Budget websockets;
  Budget dumps;
  Budget decoded;
};

}  // namespace libsql::server

// What our client and server tell each other beside the protocol's messages, in headers that other peers pass over.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsql::hrana {

/// Of the answer to a pipeline: the server holds nothing for the baton in it, so a client may forget that.
inline constexpr std::string_view kStreamHeader = "libsql-stream";
inline constexpr std::string_view kStatelessStream = "stateless";

/// Of a request that runs SQL: how many milliseconds its statements may wait for a lock that others hold. Over a
/// WebSocket it stands in each message, beside the request.
inline constexpr std::string_view kBusyTimeoutHeader = "libsql-busy-timeout";
inline constexpr std::string_view kBusyTimeoutMember = "libsql_busy_timeout";
inline constexpr std::uint32_t kBusyTimeoutField = 1000;
/// The same header in the answer to a GET of a version's path, and in that to the handshake of a WebSocket: the server
/// keeps to what it is told.
inline constexpr std::string_view kKeepsBusyTimeout = "kept";

/// Of the result of a batch in Protobuf: the replication index, which in JSON has its place there (observed: sqld
/// 0.24.33).
inline constexpr std::uint32_t kReplicationIndexField = 1000;

}  // namespace libsql::hrana

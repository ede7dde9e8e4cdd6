// What a client asks (https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md). All structs are views:
// an encoder reads what the caller holds, a decoder returns them with their memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include <libsql/params.hpp>
#include <libsql/value.hpp>

namespace libsql::hrana {

/// SQL as text, or as the number it was stored under. Which of the two must be there is for the server to check.
struct Sql {
  std::optional<std::string_view> text;
  std::optional<std::int32_t> id;
};

struct Stmt {
  Sql sql;
  detail::ParamsView args;  // `args` and `named_args`
  std::optional<bool> want_rows;
  std::optional<std::uint64_t> replication_index;
};

/// When a step of a batch runs.
struct BatchCond {
  enum class Kind : std::uint8_t { Ok, Error, Not, And, Or, IsAutocommit };
  Kind kind = Kind::Ok;
  std::uint32_t step = 0;            // of Ok and Error
  std::span<const BatchCond> conds;  // of And and Or; the one of Not
};

struct BatchStep {
  const BatchCond* condition = nullptr;  // null: always
  Stmt stmt;
};

struct Batch {
  std::span<const BatchStep> steps;
  std::optional<std::uint64_t> replication_index;
};

/// What a request is, in the order of the alternatives of Request (and of Response).
enum class RequestType : std::uint8_t {
  Close,  // `close` over HTTP, `close_stream` over WebSocket
  Execute,
  Batch,
  Sequence,
  Describe,
  StoreSql,
  CloseSql,
  GetAutocommit,
  OpenStream,  // from here on over WebSocket only
  OpenCursor,
  CloseCursor,
  FetchCursor
};

struct CloseRequest {};
struct ExecuteRequest {
  Stmt stmt;
};
struct BatchRequest {
  Batch batch;
};
struct SequenceRequest {
  Sql sql;
  std::optional<std::uint64_t> replication_index;
};
struct DescribeRequest {
  Sql sql;
  std::optional<std::uint64_t> replication_index;
};
struct StoreSqlRequest {
  std::int32_t sql_id = 0;
  std::string_view sql;
};
struct CloseSqlRequest {
  std::int32_t sql_id = 0;
};
struct GetAutocommitRequest {};
struct OpenStreamRequest {};
struct OpenCursorRequest {
  std::int32_t cursor_id = 0;
  Batch batch;
};
struct CloseCursorRequest {
  std::int32_t cursor_id = 0;
};
struct FetchCursorRequest {
  std::int32_t cursor_id = 0;
  std::uint32_t max_count = 0;
};

using Request = std::variant<CloseRequest, ExecuteRequest, BatchRequest, SequenceRequest, DescribeRequest,
                             StoreSqlRequest, CloseSqlRequest, GetAutocommitRequest, OpenStreamRequest,
                             OpenCursorRequest, CloseCursorRequest, FetchCursorRequest>;

inline RequestType type_of(const Request& request) noexcept { return static_cast<RequestType>(request.index()); }

/// Whether a request over a WebSocket names a stream.
constexpr bool has_stream(RequestType type) noexcept {
  return type != RequestType::StoreSql && type != RequestType::CloseSql && type != RequestType::CloseCursor &&
         type != RequestType::FetchCursor;
}

/// The name on the wire, which differs for Close. Valid for the program's lifetime.
std::string_view http_name(RequestType type) noexcept;
std::string_view websocket_name(RequestType type) noexcept;

/// The body of POST /v2/pipeline and /v3/pipeline.
struct PipelineRequest {
  std::optional<std::string_view> baton;
  std::span<const Request> requests;
};

/// The body of POST /v3/cursor.
struct CursorRequest {
  std::optional<std::string_view> baton;
  Batch batch;
};

// What a client sends over a WebSocket.

struct Hello {
  std::optional<std::string_view> jwt;
};

struct WebSocketRequest {
  std::int32_t request_id = 0;
  std::int32_t stream_id = 0;  // 0 for the types that have none: store_sql, close_sql, close_cursor, fetch_cursor
  Request request;
  std::optional<std::uint32_t> busy_timeout = {};  // in milliseconds; see extensions.hpp
};

using ClientMessage = std::variant<Hello, WebSocketRequest>;

}  // namespace libsql::hrana

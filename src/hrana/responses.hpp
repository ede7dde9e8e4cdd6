// What a server answers, as views. Results are flat: one array of cells for all rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include <libsql/value.hpp>

#include "hrana/requests.hpp"

namespace libsql::hrana {

/// An error as it travels. (The class that users catch is libsql::Error.)
struct WireError {
  std::string_view message;
  std::optional<std::string_view> code;           // sqld always sends one
  std::optional<std::string_view> extended_code;  // an extension of Turso Cloud, in JSON only
};

struct Col {
  std::optional<std::string_view> name;
  std::optional<std::string_view> decltype_name;
};

/// What a finished statement reports besides its rows.
struct StmtTotals {
  std::uint64_t affected_row_count = 0;
  std::optional<std::int64_t> last_insert_rowid;
  std::optional<std::uint64_t> replication_index;
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  double query_duration_ms = 0;
};

struct StmtResult {
  std::span<const Col> cols;
  std::span<const ValueRef> cells;  // row after row
  std::size_t row_count = 0;
  StmtTotals totals;

  std::span<const ValueRef> row(std::size_t i) const noexcept { return cells.subspan(i * cols.size(), cols.size()); }
};

/// The outcome of one step. A step that was skipped has none.
struct StepOutcome {
  std::uint32_t step = 0;
  std::variant<StmtResult, WireError> outcome;

  const StmtResult* result() const noexcept { return std::get_if<StmtResult>(&outcome); }
  const WireError* error() const noexcept { return std::get_if<WireError>(&outcome); }
};

struct BatchResult {
  std::span<const StepOutcome> steps;  // those that ran, in increasing order of `step`
  std::optional<std::uint64_t> replication_index;

  /// The outcome of a step; null if it was skipped.
  const StepOutcome* find(std::uint32_t step) const noexcept;
};

struct DescribeParam {
  std::optional<std::string_view> name;  // with its prefix
};

struct DescribeResult {
  std::span<const DescribeParam> params;  // the first is parameter 1
  std::span<const Col> cols;
  bool is_explain = false;
  bool is_readonly = false;
};

// Entries of a cursor.

struct StepBegin {
  std::uint32_t step = 0;
  std::span<const Col> cols;
};
struct StepEnd {
  std::uint64_t affected_row_count = 0;
  std::optional<std::int64_t> last_insert_rowid;
};
struct StepError {
  std::uint32_t step = 0;
  WireError error;
};
struct CursorRow {
  std::span<const ValueRef> cells;
};
struct CursorError {
  WireError error;
};
struct ReplicationIndex {
  std::optional<std::uint64_t> value;
};
using CursorEntry = std::variant<StepBegin, CursorRow, StepEnd, StepError, CursorError, ReplicationIndex>;

struct CloseResponse {};
struct ExecuteResponse {
  StmtResult result;
};
struct BatchResponse {
  BatchResult result;
};
struct SequenceResponse {};
struct DescribeResponse {
  DescribeResult result;
};
struct StoreSqlResponse {};
struct CloseSqlResponse {};
struct GetAutocommitResponse {
  bool is_autocommit = false;
};
struct OpenStreamResponse {};
struct OpenCursorResponse {};
struct CloseCursorResponse {};
struct FetchCursorResponse {
  std::span<const CursorEntry> entries;
  bool done = false;
};

/// In the order of RequestType.
using Response = std::variant<CloseResponse, ExecuteResponse, BatchResponse, SequenceResponse, DescribeResponse,
                              StoreSqlResponse, CloseSqlResponse, GetAutocommitResponse, OpenStreamResponse,
                              OpenCursorResponse, CloseCursorResponse, FetchCursorResponse>;
static_assert(std::variant_size_v<Response> == std::variant_size_v<Request>);

inline RequestType type_of(const Response& response) noexcept { return static_cast<RequestType>(response.index()); }

/// One answer of a pipeline: the response, or the error that the request met.
using StreamResult = std::variant<Response, WireError>;

struct PipelineResponse {
  std::optional<std::string_view> baton;
  std::optional<std::string_view> base_url;
  std::span<const StreamResult> results;
};

/// The first item of the answer to POST /v3/cursor.
struct CursorHead {
  std::optional<std::string_view> baton;
  std::optional<std::string_view> base_url;
};

// What a server sends over a WebSocket.

struct HelloOk {};
struct HelloError {
  WireError error;
};
struct ResponseOk {
  std::int32_t request_id = 0;
  Response response;
};
struct ResponseError {
  std::int32_t request_id = 0;
  WireError error;
};
using ServerMessage = std::variant<HelloOk, HelloError, ResponseOk, ResponseError>;

}  // namespace libsql::hrana

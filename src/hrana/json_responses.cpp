#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "hrana/json_messages.hpp"
#include "hrana/json_values.hpp"

namespace libsql::hrana::json {

namespace {

using Names = std::string_view[];

// The rows of a result, all of one width.
struct Rows {
  std::span<const ValueRef> cells;
  std::size_t count = 0;
  std::size_t width = 0;
};

Rows read_rows(JsonReader& reader) {
  Rows rows;
  core::ArrayBuilder<ValueRef> cells(reader.arena());
  for (JsonArray array(reader); array.next();) {
    const std::size_t width = read_values(reader, Side::Client, cells);
    if (rows.count++ == 0) rows.width = width;
    if (width != rows.width) reader.fail("rows of different lengths");
  }
  rows.cells = cells.finish();
  return rows;
}

StmtResult read_stmt_result(JsonReader& reader) {
  static constexpr Names kNames = {"cols",      "rows",         "affected_row_count", "last_insert_rowid",
                                   "rows_read", "rows_written", "query_duration_ms",  "replication_index"};
  StmtResult result;
  Rows rows;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    switch (member) {
      case 0:
        result.cols = read_cols(reader);
        break;
      case 1:
        rows = read_rows(reader);
        break;
      case 2:
        result.totals.affected_row_count = reader.uint64();
        break;
      case 3:
        result.totals.last_insert_rowid = read_optional_int64(reader);
        break;
      case 4:
        if (!reader.null()) result.totals.rows_read = reader.uint64();
        break;
      case 5:
        if (!reader.null()) result.totals.rows_written = reader.uint64();
        break;
      case 6:
        if (!reader.null()) result.totals.query_duration_ms = reader.real();
        break;
      default:
        result.totals.replication_index = read_optional_uint64(reader);
    }
  }
  for (int required = 0; required < 3; ++required) object.require(kNames, required);
  if (rows.count > 0 && rows.width != result.cols.size()) reader.fail("rows whose length differs from the columns");
  result.cells = rows.cells;
  result.row_count = rows.count;
  return result;
}

// Puts the two arrays of a batch result together: a slot has a result, or an error, or neither.
std::span<const StepOutcome> merge(core::Arena& arena, std::span<StepOutcome> results, std::span<StepOutcome> errors) {
  core::ArrayBuilder<StepOutcome> steps(arena);
  std::size_t error = 0;
  for (const StepOutcome& result : results) {
    while (error < errors.size() && errors[error].step < result.step) steps.push_back(errors[error++]);
    if (error < errors.size() && errors[error].step == result.step) continue;  // The error tells more.
    steps.push_back(result);
  }
  steps.append(errors.subspan(error));
  return steps.finish();
}

BatchResult read_batch_result(JsonReader& reader) {
  static constexpr Names kNames = {"step_results", "step_errors", "replication_index"};
  BatchResult batch;
  core::ArrayBuilder<StepOutcome> results(reader.arena());
  core::ArrayBuilder<StepOutcome> errors(reader.arena());
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 2) {
      batch.replication_index = read_optional_uint64(reader);
      continue;
    }
    std::uint32_t step = 0;
    for (JsonArray array(reader); array.next(); ++step) {
      if (reader.null()) continue;
      if (member == 0) {
        results.push_back({step, read_stmt_result(reader)});
      } else {
        errors.push_back({step, read_error(reader)});
      }
    }
  }
  object.require(kNames, 0);
  object.require(kNames, 1);
  batch.steps = merge(reader.arena(), results.view(), errors.view());
  return batch;
}

DescribeResult read_describe_result(JsonReader& reader) {
  static constexpr Names kNames = {"params", "cols", "is_explain", "is_readonly"};
  static constexpr Names kParamNames = {"name"};
  DescribeResult result;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    switch (member) {
      case 0: {
        core::ArrayBuilder<DescribeParam> params(reader.arena());
        for (JsonArray array(reader); array.next();) {
          DescribeParam& param = params.push_back({});
          JsonObject param_object(reader);
          while (param_object.next(kParamNames) >= 0) param.name = read_optional_string(reader);
        }
        result.params = params.finish();
        break;
      }
      case 1:
        result.cols = read_cols(reader);
        break;
      case 2:
        result.is_explain = reader.boolean();
        break;
      default:
        result.is_readonly = reader.boolean();
    }
  }
  for (int required = 0; required < 4; ++required) object.require(kNames, required);
  return result;
}

template <class T>
Response read_result(JsonReader& reader, JsonObject& object, T (*read)(JsonReader&), Response (*wrap)(const T&)) {
  static constexpr Names kNames = {"result"};
  std::optional<T> result;
  while (object.next(kNames) >= 0) result = read(reader);
  object.require(kNames, 0);
  return wrap(*result);
}

Response read_autocommit(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"is_autocommit"};
  GetAutocommitResponse response;
  while (object.next(kNames) >= 0) response.is_autocommit = reader.boolean();
  object.require(kNames, 0);
  return response;
}

Response read_fetched(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"entries", "done"};
  FetchCursorResponse response;
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 1) {
      response.done = reader.boolean();
      continue;
    }
    core::ArrayBuilder<CursorEntry> entries(reader.arena());
    for (JsonArray array(reader); array.next();) {
      if (const auto entry = read_cursor_entry(reader)) entries.push_back(*entry);
    }
    response.entries = entries.finish();
  }
  object.require(kNames, 0);
  object.require(kNames, 1);
  return response;
}

Response read_response(JsonReader& reader) {
  JsonObject object(reader);
  const std::string_view type = object.type();
  if (type == "execute") {
    return read_result<StmtResult>(reader, object, read_stmt_result,
                                   [](const StmtResult& result) -> Response { return ExecuteResponse{result}; });
  }
  if (type == "batch") {
    return read_result<BatchResult>(reader, object, read_batch_result,
                                    [](const BatchResult& result) -> Response { return BatchResponse{result}; });
  }
  if (type == "describe") {
    return read_result<DescribeResult>(
        reader, object, read_describe_result,
        [](const DescribeResult& result) -> Response { return DescribeResponse{result}; });
  }
  if (type == "get_autocommit") return read_autocommit(reader, object);
  if (type == "fetch_cursor") return read_fetched(reader, object);
  object.next({});
  if (type == "close" || type == "close_stream") return CloseResponse{};
  if (type == "sequence") return SequenceResponse{};
  if (type == "store_sql") return StoreSqlResponse{};
  if (type == "close_sql") return CloseSqlResponse{};
  if (type == "open_stream") return OpenStreamResponse{};
  if (type == "open_cursor") return OpenCursorResponse{};
  if (type == "close_cursor") return CloseCursorResponse{};
  reader.fail(DecodeError::Kind::UnknownType, "a response of an unknown type");
}

StreamResult read_stream_result(JsonReader& reader) {
  static constexpr Names kOkNames = {"response"};
  static constexpr Names kErrorNames = {"error"};
  JsonObject object(reader);
  const std::string_view type = object.type();
  if (type == "ok") {
    Response response;
    while (object.next(kOkNames) >= 0) response = read_response(reader);
    object.require(kOkNames, 0);
    return response;
  }
  if (type != "error") reader.fail(DecodeError::Kind::UnknownType, "a result of an unknown type");
  WireError error;
  while (object.next(kErrorNames) >= 0) error = read_error(reader);
  object.require(kErrorNames, 0);
  return error;
}

}  // namespace

PipelineResponse read_pipeline_response(JsonReader& reader) {
  static constexpr Names kNames = {"baton", "base_url", "results"};
  PipelineResponse message;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member < 2) {
      (member == 0 ? message.baton : message.base_url) = read_optional_string(reader);
      continue;
    }
    core::ArrayBuilder<StreamResult> results(reader.arena());
    for (JsonArray array(reader); array.next();) results.push_back(read_stream_result(reader));
    message.results = results.finish();
  }
  object.require(kNames, 2);
  return message;
}

ServerMessage read_server_message(JsonReader& reader) {
  static constexpr Names kNames = {"request_id", "error", "response"};
  JsonObject object(reader);
  const std::string_view type = object.type();
  if (type == "hello_ok") {
    object.next({});
    return HelloOk{};
  }
  const bool is_hello = type == "hello_error";
  const bool is_ok = type == "response_ok";
  if (!is_hello && !is_ok && type != "response_error") {
    reader.fail(DecodeError::Kind::UnknownType, "a message of an unknown type");
  }
  std::int32_t request_id = 0;
  WireError error;
  Response response;
  // Members of the other types are none of this message's.
  const Names names = {is_hello ? "" : kNames[0], is_ok ? kNames[2] : kNames[1]};
  for (int member; (member = object.next(names)) >= 0;) {
    if (member == 0) {
      request_id = reader.int32();
    } else if (is_ok) {
      response = read_response(reader);
    } else {
      error = read_error(reader);
    }
  }
  if (!is_hello) object.require(names, 0);
  object.require(names, 1);
  if (is_hello) return HelloError{error};
  if (is_ok) return ResponseOk{request_id, response};
  return ResponseError{request_id, error};
}

WireError read_error_body(JsonReader& reader) {
  static constexpr Names kNames = {"message", "code", "extended_code", "error"};
  WireError error;
  std::optional<std::string_view> text;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (reader.peek() != '"') {
      reader.skip();
      continue;
    }
    const std::string_view value = reader.string();
    if (member == 0) {
      error.message = value;
    } else if (member == 1) {
      error.code = value;
    } else if (member == 2) {
      error.extended_code = value;
    } else {
      text = value;
    }
  }
  if (!object.has(0) && text) error.message = *text;
  if (!object.has(0) && !text) reader.fail("an object that is not an error");
  return error;
}

}  // namespace libsql::hrana::json

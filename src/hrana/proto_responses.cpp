#include <algorithm>
#include <optional>
#include <string_view>

#include "hrana/extensions.hpp"
#include "hrana/proto_envelope.hpp"
#include "hrana/proto_messages.hpp"
#include "hrana/proto_values.hpp"

namespace libsql::hrana::proto {

namespace {

StmtResult read_stmt_result(Context& context, std::string_view message) {
  StmtResult result;
  core::ArrayBuilder<Col> cols(context.arena);
  core::ArrayBuilder<ValueRef> cells(context.arena);
  std::size_t width = 0;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        cols.push_back(read_col(context, reader.bytes()));
        break;
      case 2: {
        const std::size_t count = read_row(context, reader.bytes(), cells);
        if (result.row_count++ == 0) width = count;
        if (count != width) reader.fail("rows of different lengths");
        break;
      }
      case 3:
        result.totals.affected_row_count = reader.varint();
        break;
      case 4:
        result.totals.last_insert_rowid = reader.sint64();
        break;
      case 5:
        result.totals.replication_index = reader.varint();
        break;
      case 6:
        result.totals.rows_read = reader.varint();
        break;
      case 7:
        result.totals.rows_written = reader.varint();
        break;
      case 8:
        result.totals.query_duration_ms = reader.real();
        break;
      default:
        reader.skip();
    }
  }
  if (result.row_count > 0 && width != cols.size()) reader.fail("rows whose length differs from the columns");
  result.cols = cols.finish();
  result.cells = cells.finish();
  return result;
}

// An entry of one of the two maps of a batch result: the key is the step.
StepOutcome read_outcome(Context& context, std::string_view message, bool is_error) {
  StepOutcome outcome;
  Part value(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      outcome.step = reader.uint32();
    } else if (field == 2) {
      value.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (is_error) {
    outcome.outcome = read_error(context, value.bytes());
  } else {
    outcome.outcome = read_stmt_result(context, value.bytes());
  }
  return outcome;
}

BatchResult read_batch_result(Context& context, std::string_view message) {
  core::ArrayBuilder<StepOutcome> steps(context.arena);
  std::optional<std::uint64_t> replication_index;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1 || field == 2) {
      steps.push_back(read_outcome(context, reader.bytes(), field == 2));
    } else if (field == kReplicationIndexField) {
      replication_index = reader.varint();
    } else {
      reader.skip();
    }
  }
  // Maps have no order. Of entries with one key the last counts, and an error tells more than a result.
  const auto view = steps.view();
  const auto earlier = [](const StepOutcome& a, const StepOutcome& b) { return a.step < b.step; };
  if (!std::is_sorted(view.begin(), view.end(), earlier)) std::stable_sort(view.begin(), view.end(), earlier);
  std::size_t kept = 0;
  for (const StepOutcome& outcome : view) {
    if (kept > 0 && view[kept - 1].step == outcome.step) {
      if (outcome.error() != nullptr || view[kept - 1].error() == nullptr) view[kept - 1] = outcome;
    } else {
      view[kept++] = outcome;
    }
  }
  return {steps.finish().first(kept), replication_index};
}

DescribeResult read_describe_result(Context& context, std::string_view message) {
  DescribeResult result;
  core::ArrayBuilder<DescribeParam> params(context.arena);
  core::ArrayBuilder<Col> cols(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1: {
        DescribeParam& param = params.push_back({});
        Reader inner(context, reader.bytes());
        while (const std::uint32_t inner_field = inner.next()) {
          if (inner_field == 1) {
            param.name = inner.text();
          } else {
            inner.skip();
          }
        }
        break;
      }
      case 2:
        cols.push_back(read_col(context, reader.bytes()));
        break;
      case 3:
        result.is_explain = reader.boolean();
        break;
      case 4:
        result.is_readonly = reader.boolean();
        break;
      default:
        reader.skip();
    }
  }
  result.params = params.finish();
  result.cols = cols.finish();
  return result;
}

Response read_fetched(Context& context, std::string_view message) {
  FetchCursorResponse response;
  core::ArrayBuilder<CursorEntry> entries(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      if (const auto entry = read_cursor_entry(context, reader.bytes())) entries.push_back(*entry);
    } else if (field == 2) {
      response.done = reader.boolean();
    } else {
      reader.skip();
    }
  }
  response.entries = entries.finish();
  return response;
}

Response read_response(Context& context, RequestType type, std::string_view message) {
  if (type == RequestType::FetchCursor) return read_fetched(context, message);
  // All others have at most one member.
  Part result(context.arena);
  bool is_autocommit = false;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1 && type == RequestType::GetAutocommit) {
      is_autocommit = reader.boolean();
    } else if (field == 1 &&
               (type == RequestType::Execute || type == RequestType::Batch || type == RequestType::Describe)) {
      result.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  switch (type) {
    case RequestType::Execute:
      return ExecuteResponse{read_stmt_result(context, result.bytes())};
    case RequestType::Batch:
      return BatchResponse{read_batch_result(context, result.bytes())};
    case RequestType::Describe:
      return DescribeResponse{read_describe_result(context, result.bytes())};
    case RequestType::GetAutocommit:
      return GetAutocommitResponse{is_autocommit};
    case RequestType::Sequence:
      return SequenceResponse{};
    case RequestType::StoreSql:
      return StoreSqlResponse{};
    case RequestType::CloseSql:
      return CloseSqlResponse{};
    case RequestType::OpenStream:
      return OpenStreamResponse{};
    case RequestType::OpenCursor:
      return OpenCursorResponse{};
    case RequestType::CloseCursor:
      return CloseCursorResponse{};
    default:
      return CloseResponse{};
  }
}

constexpr const char* kUnknownResponse = "a response of an unknown type";

Response read_stream_response(Context& context, std::string_view message) {
  const TypedMessage response = read_envelope(context, message, kHttpFields, kUnknownResponse);
  return read_response(context, response.type, response.bytes);
}

StreamResult read_stream_result(Context& context, std::string_view message) {
  OneOf body(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field <= 2) {
      body.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (body.field() == 1) return read_stream_response(context, body.bytes());
  if (body.field() == 2) return read_error(context, body.bytes());
  context.fail(DecodeError::Kind::UnknownType, "a result of an unknown type");
}

ResponseOk read_response_ok(Context& context, std::string_view message) {
  ResponseOk response;
  const TypedMessage body = read_envelope(context, message, kWebSocketFields, kUnknownResponse, &response.request_id);
  response.response = read_response(context, body.type, body.bytes);
  return response;
}

// An error and, except in a hello_error, the request before it.
ResponseError read_response_error(Context& context, std::string_view message, bool is_hello) {
  ResponseError response;
  Part error(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == (is_hello ? 1U : 2U)) {
      error.add(reader.bytes());
    } else if (field == 1) {
      response.request_id = reader.int32();
    } else {
      reader.skip();
    }
  }
  response.error = read_error(context, error.bytes());
  return response;
}

}  // namespace

PipelineResponse read_pipeline_response(Context& context, std::string_view message) {
  PipelineResponse pipeline;
  core::ArrayBuilder<StreamResult> results(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        pipeline.baton = reader.text();
        break;
      case 2:
        pipeline.base_url = reader.text();
        break;
      case 3:
        results.push_back(read_stream_result(context, reader.bytes()));
        break;
      default:
        reader.skip();
    }
  }
  pipeline.results = results.finish();
  return pipeline;
}

ServerMessage read_server_message(Context& context, std::string_view message) {
  OneOf body(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field <= 4) {
      body.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  switch (body.field()) {
    case 1: {
      Reader empty(context, body.bytes());
      while (empty.next() != 0) empty.skip();
      return HelloOk{};
    }
    case 2:
      return HelloError{read_response_error(context, body.bytes(), true).error};
    case 3:
      return read_response_ok(context, body.bytes());
    case 4:
      return read_response_error(context, body.bytes(), false);
    default:
      context.fail(DecodeError::Kind::UnknownType, "a message of an unknown type");
  }
}

}  // namespace libsql::hrana::proto

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/utf8.hpp"
#include "hrana/encode_requests.hpp"
#include "hrana/extensions.hpp"
#include "hrana/proto_fields.hpp"
#include "hrana/proto_writer.hpp"

namespace libsql::hrana::proto {

namespace {

std::string_view checked(std::string_view what, std::string_view text) {
  if (!core::is_utf8(text)) throw EncodeError(std::string(what) + " is not UTF-8, which the protocol cannot carry");
  return text;
}

ValueRef checked_argument(ValueRef value) {
  if (value.type() == ValueType::Text) checked("an argument", value.text());
  if (value.type() == ValueType::Real && value.real() != value.real()) return {};  // NaN
  return value;
}

void write_index(std::uint32_t field, std::optional<std::uint64_t> index, std::string& out) {
  if (index) append_uint(field, *index, out);
}

// The SQL in field `first` and the one behind it.
void write_sql(std::uint32_t first, const Sql& sql, std::string& out) {
  if (sql.text) append_bytes(first, checked("the SQL text", *sql.text), out);
  if (sql.id) append_int32(first + 1, *sql.id, out);
}

void write_stmt(std::uint32_t field, const Stmt& stmt, std::string& out) {
  const Gap gap = open(field, out, stmt.sql.text ? stmt.sql.text->size() : 0);
  write_sql(1, stmt.sql, out);
  for (const ValueRef& arg : stmt.args.positional) append_value(3, checked_argument(arg), out);
  for (const auto& arg : stmt.args.named) {
    const Gap arg_gap = open(4, out);
    append_bytes(1, checked("the name of an argument", arg.name), out);
    append_value(2, checked_argument(arg.value), out);
    close(arg_gap, out);
  }
  append_bool(5, stmt.want_rows.value_or(true), out);
  write_index(6, stmt.replication_index, out);
  close(gap, out);
}

void write_cond(std::uint32_t field, const BatchCond& cond, std::string& out) {
  using Kind = BatchCond::Kind;
  const Gap gap = open(field, out);
  const std::uint32_t kind = static_cast<std::uint32_t>(cond.kind) + 1;
  switch (cond.kind) {
    case Kind::Ok:
    case Kind::Error:
      append_uint(kind, cond.step, out);
      break;
    case Kind::Not:
      write_cond(kind, cond.conds.front(), out);
      break;
    case Kind::And:
    case Kind::Or:
    case Kind::IsAutocommit: {
      const Gap list = open(kind, out);
      for (const BatchCond& part : cond.conds) write_cond(1, part, out);
      close(list, out);
    }
  }
  close(gap, out);
}

void write_batch(std::uint32_t field, const Batch& batch, std::string& out) {
  const Gap gap = open(field, out, batch.steps.size() * 64);
  for (const BatchStep& step : batch.steps) {
    const Gap step_gap = open(1, out);
    if (step.condition != nullptr) write_cond(1, *step.condition, out);
    write_stmt(2, step.stmt, out);
    close(step_gap, out);
  }
  write_index(2, batch.replication_index, out);
  close(gap, out);
}

// Writes the fields of a request. Over a WebSocket the stream comes first and moves the others by one.
struct Fields {
  std::string& out;
  std::uint32_t first;  // the first field behind the stream

  void id(std::uint32_t field, std::int32_t value) const {
    if (value != 0) append_int32(field, value, out);
  }

  void operator()(const CloseRequest&) const {}
  void operator()(const OpenStreamRequest&) const {}
  void operator()(const GetAutocommitRequest&) const {}
  void operator()(const ExecuteRequest& request) const { write_stmt(first, request.stmt, out); }
  void operator()(const BatchRequest& request) const { write_batch(first, request.batch, out); }
  void operator()(const SequenceRequest& request) const {
    write_sql(first, request.sql, out);
    write_index(first + 2, request.replication_index, out);
  }
  void operator()(const DescribeRequest& request) const {
    write_sql(first, request.sql, out);
    write_index(first + 2, request.replication_index, out);
  }
  void operator()(const StoreSqlRequest& request) const {
    id(1, request.sql_id);
    append_bytes(2, checked("the SQL text", request.sql), out);
  }
  void operator()(const CloseSqlRequest& request) const { id(1, request.sql_id); }
  void operator()(const OpenCursorRequest& request) const {
    id(2, request.cursor_id);
    write_batch(3, request.batch, out);
  }
  void operator()(const CloseCursorRequest& request) const { id(1, request.cursor_id); }
  void operator()(const FetchCursorRequest& request) const {
    id(1, request.cursor_id);
    if (request.max_count != 0) append_uint(2, request.max_count, out);
  }
};

}  // namespace

void write(const PipelineRequest& request, std::string& out) {
  if (request.baton) append_bytes(1, checked("the baton", *request.baton), out);
  for (const Request& part : request.requests) {
    const Gap gap = open(2, out);
    const Gap body = open(kHttpFields[part.index()], out);
    std::visit(Fields{out, 1}, part);
    close(body, out);
    close(gap, out);
  }
}

void write(const CursorRequest& request, std::string& out) {
  if (request.baton) append_bytes(1, checked("the baton", *request.baton), out);
  write_batch(2, request.batch, out);
}

void write(const Hello& hello, std::string& out) {
  const Gap gap = open(1, out);
  if (hello.jwt) append_bytes(1, checked("the token", *hello.jwt), out);
  close(gap, out);
}

void write(const WebSocketRequest& request, std::string& out) {
  const Gap gap = open(2, out);
  if (request.request_id != 0) append_int32(1, request.request_id, out);
  const Gap body = open(kWebSocketFields[request.request.index()], out);
  if (has_stream(type_of(request.request)) && request.stream_id != 0) append_int32(1, request.stream_id, out);
  std::visit(Fields{out, 2}, request.request);
  close(body, out);
  if (request.busy_timeout) append_uint(kBusyTimeoutField, *request.busy_timeout, out);
  close(gap, out);
}

}  // namespace libsql::hrana::proto

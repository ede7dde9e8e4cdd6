#include <optional>
#include <string_view>

#include "hrana/proto_envelope.hpp"
#include "hrana/proto_messages.hpp"
#include "hrana/proto_values.hpp"

namespace libsql::hrana::proto {

namespace {

detail::NamedRef read_named_arg(Context& context, std::string_view message) {
  detail::NamedRef arg;
  Part value(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      arg.name = reader.text();
    } else if (field == 2) {
      value.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  arg.value = read_value(context, value.bytes());
  return arg;
}

Stmt read_stmt(Context& context, std::string_view message) {
  Stmt stmt;
  core::ArrayBuilder<ValueRef> args(context.arena);
  core::ArrayBuilder<detail::NamedRef> named_args(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        stmt.sql.text = reader.text();
        break;
      case 2:
        stmt.sql.id = reader.int32();
        break;
      case 3:
        args.push_back(read_value(context, reader.bytes()));
        break;
      case 4:
        named_args.push_back(read_named_arg(context, reader.bytes()));
        break;
      case 5:
        stmt.want_rows = reader.boolean();
        break;
      case 6:
        stmt.replication_index = reader.varint();
        break;
      default:
        reader.skip();
    }
  }
  stmt.args.positional = args.finish();
  stmt.args.named = named_args.finish();
  return stmt;
}

BatchCond read_cond(Context& context, std::string_view message) {
  using Kind = BatchCond::Kind;
  BatchCond cond;
  OneOf kind(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1 || field == 2) {
      cond.step = reader.uint32();
      kind.set(field);
    } else if (field <= 6) {
      kind.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (kind.field() == 0) context.fail(DecodeError::Kind::UnknownType, "a condition of an unknown kind");
  cond.kind = static_cast<Kind>(kind.field() - 1);
  core::ArrayBuilder<BatchCond> conds(context.arena);
  if (cond.kind == Kind::Not) {
    conds.push_back(read_cond(context, kind.bytes()));
  } else if (cond.kind == Kind::And || cond.kind == Kind::Or) {
    Reader list(context, kind.bytes());
    while (const std::uint32_t field = list.next()) {
      if (field == 1) {
        conds.push_back(read_cond(context, list.bytes()));
      } else {
        list.skip();
      }
    }
  } else if (cond.kind == Kind::IsAutocommit) {
    Reader empty(context, kind.bytes());
    while (empty.next() != 0) empty.skip();
  }
  if (cond.kind != Kind::Ok && cond.kind != Kind::Error) cond.step = 0;
  cond.conds = conds.finish();
  return cond;
}

BatchStep read_step(Context& context, std::string_view message) {
  BatchStep step;
  Part condition(context.arena);
  Part stmt(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      condition.add(reader.bytes());
    } else if (field == 2) {
      stmt.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (condition.is_there()) step.condition = context.arena.make(read_cond(context, condition.bytes()));
  step.stmt = read_stmt(context, stmt.bytes());
  return step;
}

Batch read_batch(Context& context, std::string_view message) {
  Batch batch;
  core::ArrayBuilder<BatchStep> steps(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      steps.push_back(read_step(context, reader.bytes()));
    } else if (field == 2) {
      batch.replication_index = reader.varint();
    } else {
      reader.skip();
    }
  }
  batch.steps = steps.finish();
  return batch;
}

// Which member a field of a request is. Over a WebSocket the stream comes first and moves the others by one.
enum class Member : std::uint8_t {
  None,
  Stream,
  Stmt,
  Batch,
  Sql,
  SqlId,
  StoredId,
  StoredSql,
  Cursor,
  MaxCount,
  Index
};

Member member_of(RequestType type, std::uint32_t field, bool web_socket) {
  using M = Member;
  const std::uint32_t first = web_socket ? 2 : 1;  // the first field behind the stream
  switch (type) {
    case RequestType::StoreSql:
      return field == 1 ? M::StoredId : field == 2 ? M::StoredSql : M::None;
    case RequestType::CloseSql:
      return field == 1 ? M::StoredId : M::None;
    case RequestType::CloseCursor:
      return field == 1 ? M::Cursor : M::None;
    case RequestType::FetchCursor:
      return field == 1 ? M::Cursor : field == 2 ? M::MaxCount : M::None;
    default:
      break;
  }
  if (web_socket && field == 1) return M::Stream;
  if (field < first) return M::None;
  switch (type) {
    case RequestType::Execute:
      return field == first ? M::Stmt : web_socket && field == 3 ? M::Index : M::None;
    case RequestType::Batch:
      return field == first ? M::Batch : M::None;
    case RequestType::Sequence:
    case RequestType::Describe:
      return field == first ? M::Sql : field == first + 1 ? M::SqlId : field == first + 2 ? M::Index : M::None;
    case RequestType::OpenCursor:
      return field == 2 ? M::Cursor : field == 3 ? M::Batch : M::None;
    default:
      return M::None;
  }
}

Request read_request(Context& context, RequestType type, std::string_view message, std::int32_t* stream_id) {
  std::int32_t cursor_id = 0;
  std::uint32_t max_count = 0;
  std::int32_t stored_id = 0;
  std::string_view stored_sql;
  Sql sql;
  std::optional<std::uint64_t> index;
  Part part(context.arena);  // the statement or the batch: no request has both
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (member_of(type, field, stream_id != nullptr)) {
      case Member::None:
        reader.skip();
        break;
      case Member::Stream:
        *stream_id = reader.int32();
        break;
      case Member::Stmt:
      case Member::Batch:
        part.add(reader.bytes());
        break;
      case Member::Sql:
        sql.text = reader.text();
        break;
      case Member::SqlId:
        sql.id = reader.int32();
        break;
      case Member::StoredId:
        stored_id = reader.int32();
        break;
      case Member::StoredSql:
        stored_sql = reader.text();
        break;
      case Member::Cursor:
        cursor_id = reader.int32();
        break;
      case Member::MaxCount:
        max_count = reader.uint32();
        break;
      case Member::Index:
        index = reader.varint();
    }
  }
  switch (type) {
    case RequestType::Close:
      return CloseRequest{};
    case RequestType::Execute: {
      ExecuteRequest request{read_stmt(context, part.bytes())};
      if (!request.stmt.replication_index) request.stmt.replication_index = index;
      return request;
    }
    case RequestType::Batch:
      return BatchRequest{read_batch(context, part.bytes())};
    case RequestType::Sequence:
      return SequenceRequest{sql, index};
    case RequestType::Describe:
      return DescribeRequest{sql, index};
    case RequestType::StoreSql:
      return StoreSqlRequest{stored_id, stored_sql};
    case RequestType::CloseSql:
      return CloseSqlRequest{stored_id};
    case RequestType::GetAutocommit:
      return GetAutocommitRequest{};
    case RequestType::OpenStream:
      return OpenStreamRequest{};
    case RequestType::OpenCursor:
      return OpenCursorRequest{cursor_id, read_batch(context, part.bytes())};
    case RequestType::CloseCursor:
      return CloseCursorRequest{cursor_id};
    case RequestType::FetchCursor:
      return FetchCursorRequest{cursor_id, max_count};
  }
  return CloseRequest{};
}

constexpr const char* kUnknownRequest = "a request of an unknown type";

Request read_stream_request(Context& context, std::string_view message) {
  const TypedMessage request = read_envelope(context, message, kHttpFields, kUnknownRequest);
  return read_request(context, request.type, request.bytes, nullptr);
}

WebSocketRequest read_websocket_request(Context& context, std::string_view message) {
  WebSocketRequest request;
  const TypedMessage body =
      read_envelope(context, message, kWebSocketFields, kUnknownRequest, &request.request_id, &request.busy_timeout);
  request.request = read_request(context, body.type, body.bytes, &request.stream_id);
  return request;
}

}  // namespace

PipelineRequest read_pipeline_request(Context& context, std::string_view message) {
  PipelineRequest pipeline;
  core::ArrayBuilder<Request> requests(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      pipeline.baton = reader.text();
    } else if (field == 2) {
      requests.push_back(read_stream_request(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
  pipeline.requests = requests.finish();
  return pipeline;
}

CursorRequest read_cursor_request(Context& context, std::string_view message) {
  CursorRequest request;
  Part batch(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      request.baton = reader.text();
    } else if (field == 2) {
      batch.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  request.batch = read_batch(context, batch.bytes());
  return request;
}

ClientMessage read_client_message(Context& context, std::string_view message) {
  OneOf body(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field <= 2) {
      body.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (body.field() == 0) context.fail(DecodeError::Kind::UnknownType, "a message of an unknown type");
  if (body.field() == 2) return read_websocket_request(context, body.bytes());
  Hello hello;
  Reader inner(context, body.bytes());
  while (const std::uint32_t field = inner.next()) {
    if (field == 1) {
      hello.jwt = inner.text();
    } else {
      inner.skip();
    }
  }
  return hello;
}

}  // namespace libsql::hrana::proto

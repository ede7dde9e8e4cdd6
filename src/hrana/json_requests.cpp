#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "hrana/extensions.hpp"
#include "hrana/json_messages.hpp"
#include "hrana/json_values.hpp"

namespace libsql::hrana::json {

namespace {

using Names = std::string_view[];

std::span<const detail::NamedRef> read_named_args(JsonReader& reader) {
  static constexpr Names kNames = {"name", "value"};
  core::ArrayBuilder<detail::NamedRef> args(reader.arena());
  for (JsonArray array(reader); array.next();) {
    detail::NamedRef& arg = args.push_back({});
    JsonObject object(reader);
    for (int member; (member = object.next(kNames)) >= 0;) {
      if (member == 0) {
        arg.name = reader.string();
      } else {
        arg.value = read_value(reader, Side::Server);
      }
    }
    object.require(kNames, 0);
    object.require(kNames, 1);
  }
  return args.finish();
}

std::optional<std::int32_t> read_optional_int32(JsonReader& reader) {
  if (reader.null()) return std::nullopt;
  return reader.int32();
}

Stmt read_stmt(JsonReader& reader) {
  static constexpr Names kNames = {"sql", "sql_id", "args", "named_args", "want_rows", "replication_index"};
  Stmt stmt;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    switch (member) {
      case 0:
        stmt.sql.text = read_optional_string(reader);
        break;
      case 1:
        stmt.sql.id = read_optional_int32(reader);
        break;
      case 2: {
        core::ArrayBuilder<ValueRef> args(reader.arena());
        read_values(reader, Side::Server, args);
        stmt.args.positional = args.finish();
        break;
      }
      case 3:
        stmt.args.named = read_named_args(reader);
        break;
      case 4:
        if (!reader.null()) stmt.want_rows = reader.boolean();
        break;
      default:
        stmt.replication_index = read_optional_uint64(reader);
    }
  }
  return stmt;
}

BatchCond read_cond(JsonReader& reader) {
  using Kind = BatchCond::Kind;
  static constexpr std::string_view kTypes[] = {"ok", "error", "not", "and", "or", "is_autocommit"};
  static constexpr Names kMembers = {"step", "step", "cond", "conds", "conds", ""};
  JsonObject object(reader);
  const std::string_view type = object.type();
  const auto* const found = std::find(std::begin(kTypes), std::end(kTypes), type);
  if (found == std::end(kTypes)) {
    reader.fail(DecodeError::Kind::UnknownType, "a condition of an unknown type");
  }
  const auto index = found - std::begin(kTypes);
  BatchCond cond;
  cond.kind = static_cast<Kind>(index);
  if (cond.kind == Kind::IsAutocommit) {
    object.next({});
    return cond;
  }
  const std::span<const std::string_view> names(&kMembers[index], 1);
  while (object.next(names) >= 0) {
    if (cond.kind == Kind::Ok || cond.kind == Kind::Error) {
      cond.step = reader.uint32();
      continue;
    }
    core::ArrayBuilder<BatchCond> conds(reader.arena());
    if (cond.kind == Kind::Not) {
      conds.push_back(read_cond(reader));
    } else {
      for (JsonArray array(reader); array.next();) conds.push_back(read_cond(reader));
    }
    cond.conds = conds.finish();
  }
  object.require(names, 0);
  return cond;
}

Batch read_batch(JsonReader& reader) {
  static constexpr Names kNames = {"steps", "replication_index"};
  static constexpr Names kStepNames = {"condition", "stmt"};
  Batch batch;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 1) {
      batch.replication_index = read_optional_uint64(reader);
      continue;
    }
    core::ArrayBuilder<BatchStep> steps(reader.arena());
    for (JsonArray array(reader); array.next();) {
      BatchStep step;
      JsonObject step_object(reader);
      for (int part; (part = step_object.next(kStepNames)) >= 0;) {
        if (part == 1) {
          step.stmt = read_stmt(reader);
        } else if (!reader.null()) {
          step.condition = reader.arena().make(read_cond(reader));
        }
      }
      step_object.require(kStepNames, 1);
      steps.push_back(step);
    }
    batch.steps = steps.finish();
  }
  object.require(kNames, 0);
  return batch;
}

// The members of all requests, in one list: members that a type does not have are ignored and may be anything.
constexpr Names kRequestNames = {"stream_id", "stmt",      "batch",     "sql",
                                 "sql_id",    "cursor_id", "max_count", "replication_index"};
enum Member : unsigned {
  kStreamId = 1U << 0U,
  kStmt = 1U << 1U,
  kBatch = 1U << 2U,
  kSql = 1U << 3U,
  kSqlId = 1U << 4U,
  kCursorId = 1U << 5U,
  kMaxCount = 1U << 6U,
  kReplicationIndex = 1U << 7U
};

// Which members a type has, besides the stream, and which of them must be there.
struct Shape {
  unsigned members;
  unsigned required;
};
constexpr Shape kShapes[] = {{0, 0},                                           // close
                             {kStmt | kReplicationIndex, kStmt},               // execute
                             {kBatch, kBatch},                                 // batch
                             {kSql | kSqlId | kReplicationIndex, 0},           // sequence
                             {kSql | kSqlId | kReplicationIndex, 0},           // describe
                             {kSql | kSqlId, kSql | kSqlId},                   // store_sql
                             {kSqlId, kSqlId},                                 // close_sql
                             {0, 0},                                           // get_autocommit
                             {0, 0},                                           // open_stream
                             {kCursorId | kBatch, kCursorId | kBatch},         // open_cursor
                             {kCursorId, kCursorId},                           // close_cursor
                             {kCursorId | kMaxCount, kCursorId | kMaxCount}};  // fetch_cursor
static_assert(std::size(kShapes) == std::variant_size_v<Request>);

struct Members {
  std::int32_t stream_id = 0;
  Stmt stmt;
  Batch batch;
  Sql sql;
  std::int32_t cursor_id = 0;
  std::uint32_t max_count = 0;
  std::optional<std::uint64_t> replication_index;
};

void read_member(JsonReader& reader, unsigned member, bool required, Members& members) {
  switch (member) {
    case kStreamId:
      members.stream_id = reader.int32();
      break;
    case kStmt:
      members.stmt = read_stmt(reader);
      break;
    case kBatch:
      members.batch = read_batch(reader);
      break;
    case kSql:
      members.sql.text = required ? reader.string() : read_optional_string(reader);
      break;
    case kSqlId:
      members.sql.id = required ? reader.int32() : read_optional_int32(reader);
      break;
    case kCursorId:
      members.cursor_id = reader.int32();
      break;
    case kMaxCount:
      members.max_count = reader.uint32();
      break;
    default:
      members.replication_index = read_optional_uint64(reader);
  }
}

Request make_request(RequestType type, const Members& members) {
  switch (type) {
    case RequestType::Close:
      return CloseRequest{};
    case RequestType::Execute: {
      ExecuteRequest request{members.stmt};
      if (!request.stmt.replication_index) request.stmt.replication_index = members.replication_index;
      return request;
    }
    case RequestType::Batch:
      return BatchRequest{members.batch};
    case RequestType::Sequence:
      return SequenceRequest{members.sql, members.replication_index};
    case RequestType::Describe:
      return DescribeRequest{members.sql, members.replication_index};
    case RequestType::StoreSql:
      return StoreSqlRequest{*members.sql.id, *members.sql.text};
    case RequestType::CloseSql:
      return CloseSqlRequest{*members.sql.id};
    case RequestType::GetAutocommit:
      return GetAutocommitRequest{};
    case RequestType::OpenStream:
      return OpenStreamRequest{};
    case RequestType::OpenCursor:
      return OpenCursorRequest{members.cursor_id, members.batch};
    case RequestType::CloseCursor:
      return CloseCursorRequest{members.cursor_id};
    case RequestType::FetchCursor:
      return FetchCursorRequest{members.cursor_id, members.max_count};
  }
  return CloseRequest{};
}

enum class Transport : std::uint8_t { Http, WebSocket };

// What most requests are, without the places of the others.
Request read_execute(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"stmt", "replication_index"};
  ExecuteRequest request;
  std::optional<std::uint64_t> replication_index;
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      request.stmt = read_stmt(reader);
    } else {
      replication_index = read_optional_uint64(reader);
    }
  }
  object.require(kNames, 0);
  if (!request.stmt.replication_index) request.stmt.replication_index = replication_index;
  return request;
}

Request read_request(JsonReader& reader, Transport transport, std::int32_t* stream_id) {
  const bool web_socket = transport == Transport::WebSocket;
  JsonObject object(reader);
  const std::string_view name = object.type();
  if (!web_socket && name == http_name(RequestType::Execute)) return read_execute(reader, object);
  if (!web_socket && name == http_name(RequestType::Close)) {
    object.next({});
    return CloseRequest{};
  }
  const auto count = web_socket ? std::size(kShapes) : static_cast<std::size_t>(RequestType::OpenStream);
  std::size_t index = 0;
  while (index < count && name != (web_socket ? websocket_name : http_name)(static_cast<RequestType>(index))) ++index;
  if (index == count) reader.fail(DecodeError::Kind::UnknownType, "a request of an unknown type");
  const auto type = static_cast<RequestType>(index);

  Shape shape = kShapes[index];
  if (web_socket && has_stream(type)) {
    shape.members |= kStreamId;
    shape.required |= kStreamId;
  }
  std::array<std::string_view, std::size(kRequestNames)>
      names{};  // Those it has not stay empty, so they match nothing.
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((shape.members >> i & 1U) != 0) names[i] = kRequestNames[i];
  }
  Members members;
  for (int member; (member = object.next(names)) >= 0;) {
    const unsigned bit = 1U << static_cast<unsigned>(member);
    read_member(reader, bit, (shape.required & bit) != 0, members);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((shape.required >> i & 1U) != 0) object.require(names, static_cast<int>(i));
  }
  if (stream_id != nullptr) *stream_id = members.stream_id;
  return make_request(type, members);
}

}  // namespace

PipelineRequest read_pipeline_request(JsonReader& reader) {
  static constexpr Names kNames = {"baton", "requests"};
  PipelineRequest message;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      message.baton = read_optional_string(reader);
      continue;
    }
    core::ArrayBuilder<Request> requests(reader.arena());
    for (JsonArray array(reader); array.next();) {
      requests.push_back(read_request(reader, Transport::Http, nullptr));
    }
    message.requests = requests.finish();
  }
  object.require(kNames, 1);
  return message;
}

CursorRequest read_cursor_request(JsonReader& reader) {
  static constexpr Names kNames = {"baton", "batch"};
  CursorRequest message;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      message.baton = read_optional_string(reader);
    } else {
      message.batch = read_batch(reader);
    }
  }
  object.require(kNames, 1);
  return message;
}

ClientMessage read_client_message(JsonReader& reader) {
  JsonObject object(reader);
  const std::string_view type = object.type();
  if (type == "hello") {
    static constexpr Names kNames = {"jwt"};
    Hello hello;
    while (object.next(kNames) >= 0) hello.jwt = read_optional_string(reader);
    return hello;
  }
  if (type != "request") reader.fail(DecodeError::Kind::UnknownType, "a message of an unknown type");
  static constexpr Names kNames = {"request_id", "request", kBusyTimeoutMember};
  WebSocketRequest message;
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      message.request_id = reader.int32();
    } else if (member == 2) {
      message.busy_timeout = reader.uint32();
    } else {
      message.request = read_request(reader, Transport::WebSocket, &message.stream_id);
    }
  }
  object.require(kNames, 0);
  object.require(kNames, 1);
  return message;
}

Stmt read_v1_execute_request(JsonReader& reader) {
  static constexpr Names kNames = {"stmt"};
  Stmt stmt;
  JsonObject object(reader);
  while (object.next(kNames) >= 0) stmt = read_stmt(reader);
  object.require(kNames, 0);
  return stmt;
}

Batch read_v1_batch_request(JsonReader& reader) {
  static constexpr Names kNames = {"batch"};
  Batch batch;
  JsonObject object(reader);
  while (object.next(kNames) >= 0) batch = read_batch(reader);
  object.require(kNames, 0);
  return batch;
}

}  // namespace libsql::hrana::json

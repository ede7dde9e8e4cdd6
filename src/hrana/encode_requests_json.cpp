#include <string>
#include <string_view>

#include "hrana/encode_requests.hpp"
#include "hrana/extensions.hpp"
#include "hrana/json_writer.hpp"

namespace libsql::hrana::json {

namespace {

[[noreturn]] void refuse_text(std::string_view what) {
  throw EncodeError(std::string(what) + " is not UTF-8, which the protocol cannot carry");
}

void write_text(std::string_view what, std::string_view text, std::string& out) {
  if (!append_string(text, out)) refuse_text(what);
}

void write_argument(ValueRef value, std::string& out) {
  if (value.type() == ValueType::Real && !(value.real() - value.real() == 0)) {  // not finite
    if (value.real() == value.real()) {
      throw EncodeError("an infinite argument, which JSON cannot express");
    }
    value = ValueRef();
  }
  if (!append_value(value, out)) refuse_text("an argument");
}

// The members with the SQL, without a comma before the first.
void write_sql(const Sql& sql, std::string& out) {
  if (sql.text) {
    out += "\"sql\":";
    write_text("the SQL text", *sql.text, out);
  }
  if (sql.id) {
    out += sql.text ? ",\"sql_id\":" : "\"sql_id\":";
    append_number(*sql.id, out);
  }
}

void write_index(std::optional<std::uint64_t> index, std::string& out) {
  if (!index) return;
  out += ",\"replication_index\":\"";
  append_number(*index, out);
  out += '"';
}

void write_stmt(const Stmt& stmt, std::string& out) {
  out += '{';
  write_sql(stmt.sql, out);
  out += stmt.sql.text || stmt.sql.id ? ",\"args\":[" : "\"args\":[";
  bool first = true;
  for (const ValueRef& arg : stmt.args.positional) {
    if (!first) out += ',';
    first = false;
    write_argument(arg, out);
  }
  out += "],\"named_args\":[";
  first = true;
  for (const auto& arg : stmt.args.named) {
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    write_text("the name of an argument", arg.name, out);
    out += ",\"value\":";
    write_argument(arg.value, out);
    out += '}';
  }
  out += "],\"want_rows\":";
  append_bool(stmt.want_rows.value_or(true), out);
  write_index(stmt.replication_index, out);
  out += '}';
}

void write_cond(const BatchCond& cond, std::string& out) {
  using Kind = BatchCond::Kind;
  const auto write_step = [&](std::string_view start) {
    out += start;
    append_number(cond.step, out);
    out += '}';
  };
  const auto write_list = [&](std::string_view start) {
    out += start;
    bool first = true;
    for (const BatchCond& part : cond.conds) {
      if (!first) out += ',';
      first = false;
      write_cond(part, out);
    }
    out += "]}";
  };
  switch (cond.kind) {
    case Kind::Ok:
      return write_step(R"({"type":"ok","step":)");
    case Kind::Error:
      return write_step(R"({"type":"error","step":)");
    case Kind::Not:
      out += R"({"type":"not","cond":)";
      write_cond(cond.conds.front(), out);
      out += '}';
      return;
    case Kind::And:
      return write_list(R"({"type":"and","conds":[)");
    case Kind::Or:
      return write_list(R"({"type":"or","conds":[)");
    case Kind::IsAutocommit:
      out += R"({"type":"is_autocommit"})";
  }
}

void write_batch(const Batch& batch, std::string& out) {
  out += "{\"steps\":[";
  bool first = true;
  for (const BatchStep& step : batch.steps) {
    if (!first) out += ',';
    first = false;
    out += '{';
    if (step.condition != nullptr) {
      out += "\"condition\":";
      write_cond(*step.condition, out);
      out += ',';
    }
    out += "\"stmt\":";
    write_stmt(step.stmt, out);
    out += '}';
  }
  out += ']';
  write_index(batch.replication_index, out);
  out += '}';
}

// Writes the members of a request behind its type.
struct Members {
  std::string& out;

  void sql_members(const Sql& sql, std::optional<std::uint64_t> index) const {
    if (sql.text || sql.id) out += ',';
    write_sql(sql, out);
    write_index(index, out);
  }
  void number(std::string_view name, auto value) const {
    out += name;
    append_number(value, out);
  }

  void operator()(const CloseRequest&) const {}
  void operator()(const OpenStreamRequest&) const {}
  void operator()(const GetAutocommitRequest&) const {}
  void operator()(const ExecuteRequest& request) const {
    out += ",\"stmt\":";
    write_stmt(request.stmt, out);
  }
  void operator()(const BatchRequest& request) const {
    out += ",\"batch\":";
    write_batch(request.batch, out);
  }
  void operator()(const SequenceRequest& request) const { sql_members(request.sql, request.replication_index); }
  void operator()(const DescribeRequest& request) const { sql_members(request.sql, request.replication_index); }
  void operator()(const StoreSqlRequest& request) const {
    number(",\"sql_id\":", request.sql_id);
    out += ",\"sql\":";
    write_text("the SQL text", request.sql, out);
  }
  void operator()(const CloseSqlRequest& request) const { number(",\"sql_id\":", request.sql_id); }
  void operator()(const OpenCursorRequest& request) const {
    number(",\"cursor_id\":", request.cursor_id);
    out += ",\"batch\":";
    write_batch(request.batch, out);
  }
  void operator()(const CloseCursorRequest& request) const { number(",\"cursor_id\":", request.cursor_id); }
  void operator()(const FetchCursorRequest& request) const {
    number(",\"cursor_id\":", request.cursor_id);
    number(",\"max_count\":", request.max_count);
  }
};

void write_baton(std::optional<std::string_view> baton, std::string& out) {
  out += "{\"baton\":";
  if (baton) {
    write_text("the baton", *baton, out);
  } else {
    out += "null";
  }
}

}  // namespace

void write(const PipelineRequest& request, std::string& out) {
  write_baton(request.baton, out);
  out += ",\"requests\":[";
  bool first = true;
  for (const Request& part : request.requests) {
    out += first ? "{\"type\":\"" : ",{\"type\":\"";
    first = false;
    out += http_name(type_of(part));
    out += '"';
    std::visit(Members{out}, part);
    out += '}';
  }
  out += "]}";
}

void write(const CursorRequest& request, std::string& out) {
  write_baton(request.baton, out);
  out += ",\"batch\":";
  write_batch(request.batch, out);
  out += '}';
}

void write(const Hello& hello, std::string& out) {
  out += R"({"type":"hello")";
  if (hello.jwt) {
    out += ",\"jwt\":";
    write_text("the token", *hello.jwt, out);
  }
  out += '}';
}

void write(const WebSocketRequest& request, std::string& out) {
  const RequestType type = type_of(request.request);
  out += R"({"type":"request","request_id":)";
  append_number(request.request_id, out);
  out += R"(,"request":{"type":")";
  out += websocket_name(type);
  out += '"';
  if (has_stream(type)) {
    out += ",\"stream_id\":";
    append_number(request.stream_id, out);
  }
  std::visit(Members{out}, request.request);
  out += '}';
  if (request.busy_timeout) {
    out.append(",\"").append(kBusyTimeoutMember).append("\":");
    append_number(*request.busy_timeout, out);
  }
  out += '}';
}

}  // namespace libsql::hrana::json

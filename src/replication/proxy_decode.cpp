#include <utility>

#include "replication/protobuf.hpp"
#include "replication/proxy_messages.hpp"

namespace libsql::replication::proxy {

using core::ArrayBuilder;
using core::DecodeError;
using core::proto::Context;
using core::proto::OneOf;
using core::proto::Part;
using core::proto::Reader;

namespace {

constexpr auto kUnknown = DecodeError::Kind::UnknownType;

void read_empty(Context& context, std::string_view message) {
  Reader reader(context, message);
  while (reader.next() != 0) reader.skip();
}

// A message of one field with a text.
std::string_view read_text(Context& context, std::string_view message) {
  std::string_view text;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      text = reader.text();
    } else {
      reader.skip();
    }
  }
  return text;
}

// ---- Programs

ValueRef read_value(Context& context, std::string_view message) {
  std::string_view data;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      data = reader.bytes();
    } else {
      reader.skip();
    }
  }
  const auto value = decode_bincode(data);
  if (!value) reader.fail("a value that is cut off, of an unknown kind, or not UTF-8");
  return *value;
}

void read_values(Context& context, std::string_view message, ArrayBuilder<ValueRef>& to) {
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      to.push_back(read_value(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
}

std::span<const libsql::detail::NamedRef> read_named(Context& context, std::string_view message) {
  ArrayBuilder<std::string_view> names(context.arena);
  ArrayBuilder<ValueRef> values(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      names.push_back(reader.text());
    } else if (field == 2) {
      values.push_back(read_value(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
  if (names.size() != values.size()) reader.fail("the numbers of names and values differ");
  ArrayBuilder<libsql::detail::NamedRef> named(context.arena);
  for (std::size_t i = 0; i < names.size(); ++i) named.push_back({names[i], values[i]});
  return named.finish();
}

std::int64_t read_step_number(Context& context, std::string_view message) {
  std::int64_t step = 0;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      step = static_cast<std::int64_t>(reader.varint());
    } else {
      reader.skip();
    }
  }
  return step;
}

Cond read_cond(Context& context, std::string_view message) {
  OneOf kind(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field <= 6) {
      kind.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (kind.field() == 0) context.fail(kUnknown, "a condition of an unknown kind");
  Cond cond;
  cond.kind = static_cast<Cond::Kind>(kind.field() - 1);
  ArrayBuilder<Cond> conds(context.arena);
  switch (cond.kind) {
    case Cond::Kind::Ok:
    case Cond::Kind::Err:
      cond.step = read_step_number(context, kind.bytes());
      break;
    case Cond::Kind::Not: {
      Part inner(context.arena);
      Reader list(context, kind.bytes());
      while (const std::uint32_t field = list.next()) {
        if (field == 1) {
          inner.add(list.bytes());
        } else {
          list.skip();
        }
      }
      conds.push_back(read_cond(context, inner.bytes()));
      break;
    }
    case Cond::Kind::And:
    case Cond::Kind::Or: {
      Reader list(context, kind.bytes());
      while (const std::uint32_t field = list.next()) {
        if (field == 1) {
          conds.push_back(read_cond(context, list.bytes()));
        } else {
          list.skip();
        }
      }
      break;
    }
    case Cond::Kind::IsAutocommit:
      read_empty(context, kind.bytes());
  }
  cond.conds = conds.finish();
  return cond;
}

Query read_query(Context& context, std::string_view message) {
  Query query;
  OneOf params(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        query.stmt = reader.text();
        break;
      case 2:
      case 3:
        params.add(field, reader.bytes());
        break;
      case 4:
        query.skip_rows = reader.boolean();
        break;
      default:
        reader.skip();
    }
  }
  if (params.field() == 2) {
    ArrayBuilder<ValueRef> values(context.arena);
    read_values(context, params.bytes(), values);
    query.params = Query::Params::Positional;
    query.args.positional = values.finish();
  } else if (params.field() == 3) {
    query.params = Query::Params::Named;
    query.args.named = read_named(context, params.bytes());
  }
  return query;
}

Step read_step(Context& context, std::string_view message) {
  Step step;
  Part cond(context.arena);
  Part query(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      cond.add(reader.bytes());
    } else if (field == 2) {
      query.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (cond.is_there()) step.cond = context.arena.make(read_cond(context, cond.bytes()));
  if (query.is_there()) step.query = read_query(context, query.bytes());
  return step;
}

Program read_program(Context& context, std::string_view message) {
  ArrayBuilder<Step> steps(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      steps.push_back(read_step(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
  return {steps.finish()};
}

ProgramReq read_program_req(Context& context, std::string_view message) {
  ProgramReq request;
  Part program(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      request.client_id = reader.text();
    } else if (field == 2) {
      program.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (program.is_there()) request.pgm = read_program(context, program.bytes());
  return request;
}

// ---- Results

Error read_error(Context& context, std::string_view message) {
  Error error;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        error.code = static_cast<ErrorCode>(reader.int32());
        break;
      case 2:
        error.message = reader.text();
        break;
      case 3:
        error.extended_code = reader.int32();
        break;
      default:
        reader.skip();
    }
  }
  return error;
}

// A column, whose type has another field number in a DescribeCol.
Column read_column(Context& context, std::string_view message, std::uint32_t decltype_field) {
  Column column;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      column.name = reader.text();
    } else if (field == decltype_field) {
      column.decltype_name = reader.text();
    } else {
      reader.skip();
    }
  }
  return column;
}

constexpr std::uint32_t kDecltype = 3;
constexpr std::uint32_t kDescribedDecltype = 2;

ResultRows read_rows(Context& context, std::string_view message) {
  ResultRows rows;
  ArrayBuilder<Column> columns(context.arena);
  ArrayBuilder<ValueRef> cells(context.arena);
  std::size_t width = 0;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        columns.push_back(read_column(context, reader.bytes(), kDecltype));
        break;
      case 2: {
        const std::size_t before = cells.size();
        read_values(context, reader.bytes(), cells);
        const std::size_t count = cells.size() - before;
        if (rows.row_count++ == 0) width = count;
        if (count != width) reader.fail("rows of different lengths");
        break;
      }
      case 3:
        rows.affected_row_count = reader.varint();
        break;
      case 4:
        rows.last_insert_rowid = static_cast<std::int64_t>(reader.varint());
        break;
      default:
        reader.skip();
    }
  }
  if (rows.row_count > 0 && width != columns.size())
    reader.fail("rows whose length differs from the number of columns");
  rows.columns = columns.finish();
  rows.cells = cells.finish();
  return rows;
}

QueryResult read_query_result(Context& context, std::string_view message) {
  OneOf result(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1 || field == 2) {
      result.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (result.field() == 1) return read_error(context, result.bytes());
  if (result.field() == 2) return read_rows(context, result.bytes());
  context.fail(kUnknown, "a result of an unknown kind");
}

ExecuteResults read_execute_results(Context& context, std::string_view message) {
  ExecuteResults results;
  ArrayBuilder<QueryResult> list(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        list.push_back(read_query_result(context, reader.bytes()));
        break;
      case 2:
        results.state = static_cast<State>(reader.int32());
        break;
      case 3:
        results.current_frame_no = reader.varint();
        break;
      default:
        reader.skip();
    }
  }
  results.results = list.finish();
  return results;
}

// ---- Descriptions

DescribeRequest read_describe_request(Context& context, std::string_view message) {
  DescribeRequest request;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      request.client_id = reader.text();
    } else if (field == 2) {
      request.stmt = reader.text();
    } else {
      reader.skip();
    }
  }
  return request;
}

Description read_description(Context& context, std::string_view message) {
  Description description;
  ArrayBuilder<Column> columns(context.arena);
  ArrayBuilder<std::string_view> names(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        columns.push_back(read_column(context, reader.bytes(), kDecltype));
        break;
      case 2:
        names.push_back(reader.text());
        break;
      case 3:
        description.param_count = reader.varint();
        break;
      default:
        reader.skip();
    }
  }
  description.columns = columns.finish();
  description.param_names = names.finish();
  return description;
}

DescribeResult read_describe_result(Context& context, std::string_view message) {
  OneOf result(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1 || field == 2) {
      result.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (result.field() == 1) return read_error(context, result.bytes());
  if (result.field() == 2) return read_description(context, result.bytes());
  context.fail(kUnknown, "a description of an unknown kind");
}

DisconnectMessage read_disconnect(Context& context, std::string_view message) { return {read_text(context, message)}; }

Ack read_ack(Context& context, std::string_view message) {
  read_empty(context, message);
  return {};
}

// ---- StreamExec

ExecReq read_exec_req(Context& context, std::string_view message) {
  ExecReq request;
  OneOf kind(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      request.request_id = reader.uint32();
    } else if (field == 2 || field == 3) {
      kind.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (kind.field() == 3) {
    request.request = StreamDescribe{read_text(context, kind.bytes())};
    return request;
  }
  if (kind.field() != 2) context.fail(kUnknown, "a request of an unknown kind");
  Part program(context.arena);
  Reader execute(context, kind.bytes());
  while (const std::uint32_t field = execute.next()) {
    if (field == 1) {
      program.add(execute.bytes());
    } else {
      execute.skip();
    }
  }
  if (!program.is_there()) execute.fail("a request to execute without a program");
  request.request = read_program(context, program.bytes());
  return request;
}

ValueRef read_row_value(Context& context, std::string_view message) {
  ValueRef value;
  bool is_there = false;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        value = ValueRef(reader.text());
        break;
      case 2:
        value = ValueRef(static_cast<std::int64_t>(reader.varint()));
        break;
      case 3:
        value = ValueRef(reader.real());
        break;
      case 4:
        value = ValueRef(std::as_bytes(std::span(reader.bytes())));
        break;
      case 5:
        static_cast<void>(reader.boolean());
        value = ValueRef();
        break;
      default:
        reader.skip();
        continue;
    }
    is_there = true;
  }
  if (!is_there) context.fail(kUnknown, "a value of an unknown kind");
  return value;
}

// A message of one field with a message, read by `read`.
template <class T>
T read_part(Context& context, std::string_view message, T (*read)(Context&, std::string_view)) {
  Part part(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      part.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  return read(context, part.bytes());
}

std::span<const Column> read_columns(Context& context, std::string_view message) {
  ArrayBuilder<Column> columns(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      columns.push_back(read_column(context, reader.bytes(), kDecltype));
    } else {
      reader.skip();
    }
  }
  return columns.finish();
}

void read_finish_step(Context& context, std::string_view message, RespStep& step) {
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      step.affected_row_count = reader.varint();
    } else if (field == 2) {
      step.last_insert_rowid = static_cast<std::int64_t>(reader.varint());
    } else {
      reader.skip();
    }
  }
}

void read_finish(Context& context, std::string_view message, RespStep& step) {
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      step.last_frame_no = reader.varint();
    } else if (field == 2) {
      step.is_autocommit = reader.boolean();
    } else {
      reader.skip();
    }
  }
}

RespStep read_resp_step(Context& context, std::string_view message) {
  OneOf kind(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field <= 11) {
      kind.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (kind.field() == 0) context.fail(kUnknown, "a step of an unknown kind");
  RespStep step;
  step.kind = static_cast<RespStep::Kind>(kind.field() - 1);
  const std::string_view content = kind.bytes();
  switch (step.kind) {
    case RespStep::Kind::FinishStep:
      read_finish_step(context, content, step);
      break;
    case RespStep::Kind::StepError:
      step.error = read_part(context, content, read_error);
      break;
    case RespStep::Kind::Columns:
      step.columns = read_columns(context, content);
      break;
    case RespStep::Kind::AddValue:
      step.value = read_part(context, content, read_row_value);
      break;
    case RespStep::Kind::Finish:
      read_finish(context, content, step);
      break;
    case RespStep::Kind::Init:
    case RespStep::Kind::BeginStep:
    case RespStep::Kind::BeginRows:
    case RespStep::Kind::BeginRow:
    case RespStep::Kind::FinishRow:
    case RespStep::Kind::FinishRows:
      read_empty(context, content);
  }
  return step;
}

ProgramResp read_program_resp(Context& context, std::string_view message) {
  ArrayBuilder<RespStep> steps(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      steps.push_back(read_resp_step(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
  return {steps.finish()};
}

DescribeParam read_describe_param(Context& context, std::string_view message) {
  DescribeParam param;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      param.name = reader.text();
    } else {
      reader.skip();
    }
  }
  return param;
}

DescribeResp read_describe_resp(Context& context, std::string_view message) {
  DescribeResp description;
  ArrayBuilder<DescribeParam> params(context.arena);
  ArrayBuilder<Column> columns(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case 1:
        params.push_back(read_describe_param(context, reader.bytes()));
        break;
      case 2:
        columns.push_back(read_column(context, reader.bytes(), kDescribedDecltype));
        break;
      case 3:
        description.is_explain = reader.boolean();
        break;
      case 4:
        description.is_readonly = reader.boolean();
        break;
      default:
        reader.skip();
    }
  }
  description.params = params.finish();
  description.columns = columns.finish();
  return description;
}

ExecResp read_exec_resp(Context& context, std::string_view message) {
  ExecResp answer;
  OneOf kind(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      answer.request_id = reader.uint32();
    } else if (field <= 4) {
      kind.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  switch (kind.field()) {
    case 2:
      answer.response = read_program_resp(context, kind.bytes());
      break;
    case 3:
      answer.response = read_describe_resp(context, kind.bytes());
      break;
    case 4:
      answer.response = read_error(context, kind.bytes());
      break;
    default:
      context.fail(kUnknown, "an answer of an unknown kind");
  }
  return answer;
}

}  // namespace

core::Decoded<ProgramReq> decode_program_req(core::Source bytes) {
  return decode_with(std::move(bytes), read_program_req);
}
core::Decoded<ExecuteResults> decode_execute_results(core::Source bytes) {
  return decode_with(std::move(bytes), read_execute_results);
}
core::Decoded<DescribeRequest> decode_describe_request(core::Source bytes) {
  return decode_with(std::move(bytes), read_describe_request);
}
core::Decoded<DescribeResult> decode_describe_result(core::Source bytes) {
  return decode_with(std::move(bytes), read_describe_result);
}
core::Decoded<DisconnectMessage> decode_disconnect_message(core::Source bytes) {
  return decode_with(std::move(bytes), read_disconnect);
}
core::Decoded<Ack> decode_ack(core::Source bytes) { return decode_with(std::move(bytes), read_ack); }
core::Decoded<ExecReq> decode_exec_req(core::Source bytes) { return decode_with(std::move(bytes), read_exec_req); }
core::Decoded<ExecResp> decode_exec_resp(core::Source bytes) { return decode_with(std::move(bytes), read_exec_resp); }

}  // namespace libsql::replication::proxy

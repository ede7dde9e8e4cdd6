#include "replication/protobuf.hpp"
#include "replication/proxy_messages.hpp"

namespace libsql::replication::proxy {

namespace proto = core::proto;
using proto::close;
using proto::Gap;
using proto::open;

namespace {

template <class E>
std::int64_t number_of(E value) noexcept {
  return static_cast<std::int64_t>(value);
}

// ---- Programs

void put_value(std::uint32_t field, ValueRef value, std::string& out) {
  const std::size_t guess =
      16 + (value.type() == ValueType::Text || value.type() == ValueType::Blob ? value.size() : 0);
  const Gap message = open(field, out, guess);
  const Gap data = open(1, out, guess);
  append_bincode(value, out);
  close(data, out);
  close(message, out);
}

void put_cond(std::uint32_t field, const Cond& cond, std::string& out) {
  const Gap message = open(field, out);
  const Gap kind = open(static_cast<std::uint32_t>(cond.kind) + 1, out);
  if (cond.kind == Cond::Kind::Ok || cond.kind == Cond::Kind::Err) put_int(1, cond.step, out);
  for (const Cond& inner : cond.conds) put_cond(1, inner, out);
  close(kind, out);
  close(message, out);
}

void put_query(std::uint32_t field, const Query& query, std::string& out) {
  const Gap message = open(field, out, query.stmt.size() + 16 * query.args.positional.size());
  put_text(1, query.stmt, out);
  if (query.params == Query::Params::Positional) {
    const Gap values = open(2, out, 16 * query.args.positional.size());
    for (const ValueRef value : query.args.positional) put_value(1, value, out);
    close(values, out);
  } else if (query.params == Query::Params::Named) {
    const Gap named = open(3, out);
    for (const auto& argument : query.args.named) proto::append_text(1, argument.name, out);
    for (const auto& argument : query.args.named) put_value(2, argument.value, out);
    close(named, out);
  }
  put_bool(4, query.skip_rows, out);
  close(message, out);
}

void put_program(std::uint32_t field, const Program& program, std::string& out) {
  const Gap message = open(field, out, 256);
  for (const Step& step : program.steps) {
    const Gap gap = open(1, out, 256);
    if (step.cond != nullptr) put_cond(1, *step.cond, out);
    if (step.query) put_query(2, *step.query, out);
    close(gap, out);
  }
  close(message, out);
}

// ---- Results

void put_error(std::uint32_t field, const Error& error, std::string& out) {
  const Gap gap = open(field, out, error.message.size());
  put_int(1, number_of(error.code), out);
  put_text(2, error.message, out);
  put_int(3, std::int64_t{error.extended_code}, out);
  close(gap, out);
}

// Columns, whose type has another field number in a DescribeCol.
void put_columns(std::uint32_t field, std::span<const Column> columns, std::uint32_t decltype_field, std::string& out) {
  for (const Column& column : columns) {
    const Gap gap = open(field, out);
    put_text(1, column.name, out);
    put_text(decltype_field, column.decltype_name, out);
    close(gap, out);
  }
}

constexpr std::uint32_t kDecltype = 3;
constexpr std::uint32_t kDescribedDecltype = 2;

void put_rows(std::uint32_t field, const ResultRows& rows, std::string& out) {
  const std::size_t width = rows.columns.size();
  const Gap message = open(field, out, 16 * rows.cells.size());
  put_columns(1, rows.columns, kDecltype, out);
  for (std::size_t row = 0; row < rows.row_count; ++row) {
    const Gap gap = open(2, out, 16 * width);
    for (const ValueRef cell : rows.cells.subspan(row * width, width)) put_value(1, cell, out);
    close(gap, out);
  }
  put_uint(3, rows.affected_row_count, out);
  put_int(4, rows.last_insert_rowid, out);
  close(message, out);
}

// ---- StreamExec

void put_row_value(std::uint32_t field, ValueRef value, std::string& out) {
  const Gap gap = open(field, out);
  switch (value.type()) {
    case ValueType::Null:
      proto::append_bool(5, true, out);
      break;
    case ValueType::Integer:
      proto::append_int(2, value.integer(), out);
      break;
    case ValueType::Real:
      proto::append_real(3, value.real(), out);
      break;
    case ValueType::Text:
      proto::append_text(1, value.text(), out);
      break;
    case ValueType::Blob:
      if (value.is_zero_blob()) {
        proto::append_bytes(4, std::string(value.size(), '\0'), out);
      } else {
        proto::append_bytes(4, {reinterpret_cast<const char*>(value.blob().data()), value.size()}, out);
      }
  }
  close(gap, out);
}

void put_resp_step(std::uint32_t field, const RespStep& step, std::string& out) {
  const Gap message = open(field, out);
  const Gap kind = open(static_cast<std::uint32_t>(step.kind) + 1, out);
  switch (step.kind) {
    case RespStep::Kind::FinishStep:
      put_uint(1, step.affected_row_count, out);
      put_int(2, step.last_insert_rowid, out);
      break;
    case RespStep::Kind::StepError:
      put_error(1, step.error, out);
      break;
    case RespStep::Kind::Columns:
      put_columns(1, step.columns, kDecltype, out);
      break;
    case RespStep::Kind::AddValue:
      put_row_value(1, step.value, out);
      break;
    case RespStep::Kind::Finish:
      put_uint(1, step.last_frame_no, out);
      put_bool(2, step.is_autocommit, out);
      break;
    case RespStep::Kind::Init:
    case RespStep::Kind::BeginStep:
    case RespStep::Kind::BeginRows:
    case RespStep::Kind::BeginRow:
    case RespStep::Kind::FinishRow:
    case RespStep::Kind::FinishRows:
      break;
  }
  close(kind, out);
  close(message, out);
}

void put_response(const ProgramResp& response, std::string& out) {
  const Gap gap = open(2, out, 256);
  for (const RespStep& step : response.steps) put_resp_step(1, step, out);
  close(gap, out);
}

void put_response(const DescribeResp& response, std::string& out) {
  const Gap gap = open(3, out);
  for (const DescribeParam& param : response.params) {
    const Gap inner = open(1, out);
    put_text(1, param.name, out);
    close(inner, out);
  }
  put_columns(2, response.columns, kDescribedDecltype, out);
  put_bool(3, response.is_explain, out);
  put_bool(4, response.is_readonly, out);
  close(gap, out);
}

void put_response(const Error& response, std::string& out) { put_error(4, response, out); }

void put_request(const Program& program, std::string& out) {
  const Gap gap = open(2, out, 256);
  put_program(1, program, out);
  close(gap, out);
}

void put_request(const StreamDescribe& request, std::string& out) {
  const Gap gap = open(3, out, request.stmt.size());
  put_text(1, request.stmt, out);
  close(gap, out);
}

}  // namespace

void encode(const ProgramReq& message, std::string& out) {
  put_text(1, message.client_id, out);
  if (message.pgm) put_program(2, *message.pgm, out);
}

void encode(const ExecuteResults& message, std::string& out) {
  for (const QueryResult& result : message.results) {
    const auto* rows = std::get_if<ResultRows>(&result);
    const Gap gap = open(1, out, rows != nullptr ? 16 * rows->cells.size() : 0);
    if (rows != nullptr) {
      put_rows(2, *rows, out);
    } else {
      put_error(1, std::get<Error>(result), out);
    }
    close(gap, out);
  }
  put_int(2, number_of(message.state), out);
  put_uint(3, message.current_frame_no, out);
}

void encode(const DescribeRequest& message, std::string& out) {
  put_text(1, message.client_id, out);
  put_text(2, message.stmt, out);
}

void encode(const DescribeResult& message, std::string& out) {
  if (const auto* error = std::get_if<Error>(&message)) {
    put_error(1, *error, out);
    return;
  }
  const auto& description = std::get<Description>(message);
  const Gap gap = open(2, out);
  put_columns(1, description.columns, kDecltype, out);
  for (const std::string_view name : description.param_names) proto::append_text(2, name, out);
  put_uint(3, description.param_count, out);
  close(gap, out);
}

void encode(const DisconnectMessage& message, std::string& out) { put_text(1, message.client_id, out); }

void encode(const Ack&, std::string&) {}

void encode(const ExecReq& message, std::string& out) {
  put_uint(1, std::uint64_t{message.request_id}, out);
  std::visit([&](const auto& request) { put_request(request, out); }, message.request);
}

void encode(const ExecResp& message, std::string& out) {
  put_uint(1, std::uint64_t{message.request_id}, out);
  std::visit([&](const auto& response) { put_response(response, out); }, message.response);
}

}  // namespace libsql::replication::proxy

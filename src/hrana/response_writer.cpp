#include "hrana/response_writer.hpp"

#include <utility>

#include "core/utf8.hpp"
#include "hrana/extensions.hpp"
#include "hrana/json_writer.hpp"
#include "hrana/proto_fields.hpp"

namespace libsql::hrana {

namespace {

// Answers of this size, up to 2 MB, need not be moved when their lengths are known; smaller ones are cheap to move.
constexpr std::size_t kExpected = 16384;

bool texts_are_utf8(std::span<const ValueRef> cells) {
  for (const ValueRef& cell : cells) {
    if (cell.type() == ValueType::Text && !core::is_utf8(cell.text())) return false;
  }
  return true;
}

[[noreturn]] void refuse_text() { throw EncodeError("a text that is not UTF-8, which the protocol cannot carry"); }

}  // namespace

ResponseWriter::ResponseWriter(Encoding encoding, Envelope envelope, std::string& out)
    : out_(&out), start_(out.size()), request_start_(out.size()), encoding_(encoding), envelope_(envelope) {}

ResponseWriter ResponseWriter::pipeline(Encoding encoding, std::string& out) {
  ResponseWriter writer(encoding, Envelope::Pipeline, out);
  if (writer.is_json()) out += "{\"results\":[";
  return writer;
}

ResponseWriter ResponseWriter::web_socket(Encoding encoding, std::string& out) {
  return {encoding, Envelope::WebSocket, out};
}

ResponseWriter ResponseWriter::v1(std::string& out) { return {Encoding::Json, Envelope::V1, out}; }

void ResponseWriter::open(std::uint32_t field, std::size_t expected) {
  gaps_[depth_++] = proto::open(field, *out_, expected);
}

void ResponseWriter::close_to(std::size_t depth) {
  while (depth_ > depth) proto::close(gaps_[--depth_], *out_);
}

void ResponseWriter::begin(std::int32_t request_id) {
  failure_bytes_ = 0;
  // Over a WebSocket the string holds one message at a time: what was there may have been taken out.
  if (envelope_ == Envelope::WebSocket) start_ = out_->size();
  request_start_ = out_->size();
  request_id_ = request_id;
  depth_ = 0;
  first_request_ = !std::exchange(answers_before_, true);
}

void ResponseWriter::restart() {
  out_->resize(request_start_);
  depth_ = 0;
}

void ResponseWriter::begin_response(RequestType type) {
  const bool is_large = type == RequestType::Execute || type == RequestType::Batch || type == RequestType::FetchCursor;
  const std::size_t expected = is_large ? kExpected : 0;
  if (!is_json()) {
    open(3, expected);  // `results` of a pipeline, `response_ok` of a WebSocket message
    if (envelope_ == Envelope::Pipeline) {
      open(1, expected);
      open(proto::kHttpFields[static_cast<std::size_t>(type)], expected);
    } else {
      if (request_id_ != 0) proto::append_int32(1, request_id_, *out_);
      open(proto::kWebSocketFields[static_cast<std::size_t>(type)], expected);
    }
    return;
  }
  switch (envelope_) {
    case Envelope::Pipeline:
      *out_ += first_request_ ? R"({"type":"ok","response":{"type":")" : R"(,{"type":"ok","response":{"type":")";
      *out_ += http_name(type);
      *out_ += '"';
      return;
    case Envelope::WebSocket:
      *out_ += R"({"type":"response_ok","request_id":)";
      json::append_number(request_id_, *out_);
      *out_ += R"(,"response":{"type":")";
      *out_ += websocket_name(type);
      *out_ += '"';
      return;
    case Envelope::V1:
      return;  // {"result":...} has nothing around it.
  }
}

void ResponseWriter::end_response() {
  if (!is_json()) {
    close_to(0);
  } else {
    *out_ += envelope_ == Envelope::V1 ? "}" : "}}";
  }
}

void ResponseWriter::fail(const WireError& error) {
  restart();
  if (!is_json()) {
    if (envelope_ == Envelope::Pipeline) {
      open(3);
    } else {
      open(4);
      if (request_id_ != 0) proto::append_int32(1, request_id_, *out_);
    }
    proto::append_error(2, error, *out_);
    close_to(0);
  } else if (envelope_ == Envelope::V1) {
    json::append_error(error, *out_);
  } else {
    if (envelope_ == Envelope::WebSocket) {
      *out_ += R"({"type":"response_error","request_id":)";
      json::append_number(request_id_, *out_);
    } else {
      *out_ += first_request_ ? R"({"type":"error")" : R"(,{"type":"error")";
    }
    *out_ += ",\"error\":";
    json::append_error(error, *out_);
    *out_ += '}';
  }
}

void ResponseWriter::done(RequestType type) {
  begin_response(type);
  end_response();
}

void ResponseWriter::autocommit(bool is_autocommit) {
  begin_response(RequestType::GetAutocommit);
  if (is_json()) {
    *out_ += ",\"is_autocommit\":";
    json::append_bool(is_autocommit, *out_);
  } else {
    if (is_autocommit) proto::append_bool(1, true, *out_);
  }
  end_response();
}

void ResponseWriter::describe(const DescribeResult& result) {
  begin_response(RequestType::Describe);
  if (!is_json()) {
    open(1);
    for (const DescribeParam& param : result.params) {
      const proto::Gap gap = proto::open(1, *out_);
      if (param.name) proto::append_text(1, *param.name, *out_);
      proto::close(gap, *out_);
    }
    proto::append_cols(2, result.cols, *out_);
    if (result.is_explain) proto::append_bool(3, true, *out_);
    if (result.is_readonly) proto::append_bool(4, true, *out_);
    end_response();
    return;
  }
  *out_ += ",\"result\":{\"params\":[";
  bool first = true;
  for (const DescribeParam& param : result.params) {
    *out_ += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    json::append_text_or_null(param.name, *out_);
    *out_ += '}';
  }
  *out_ += "],\"cols\":";
  json::append_cols(result.cols, *out_);
  *out_ += ",\"is_explain\":";
  json::append_bool(result.is_explain, *out_);
  *out_ += ",\"is_readonly\":";
  json::append_bool(result.is_readonly, *out_);
  *out_ += '}';
  end_response();
}

void ResponseWriter::fetched(std::string_view entries, bool done) {
  begin_response(RequestType::FetchCursor);
  if (is_json()) {
    if (!entries.empty()) entries.remove_suffix(1);  // the comma behind the last
    *out_ += ",\"entries\":[";
    *out_ += entries;
    *out_ += "],\"done\":";
    json::append_bool(done, *out_);
  } else {
    *out_ += entries;
    if (done) proto::append_bool(2, true, *out_);
  }
  end_response();
}

void ResponseWriter::begin_result() {
  has_columns_ = false;
  first_row_ = true;
}

void ResponseWriter::columns(std::span<const Col> cols) {
  has_columns_ = true;
  columns_start_ = out_->size();
  if (is_json()) {
    *out_ += "{\"cols\":";
    json::append_cols(cols, *out_);
    *out_ += ",\"rows\":[";
  } else {
    proto::append_cols(1, cols, *out_);
  }
}

void ResponseWriter::repeat_columns(std::string_view written) {
  has_columns_ = true;
  *out_ += written;
}

bool ResponseWriter::row(std::span<const ValueRef> cells) {
  if (!is_json()) {
    if (!texts_are_utf8(cells)) return false;
    proto::append_row(2, cells, *out_);
    return true;
  }
  const std::size_t start = out_->size();
  if (!first_row_) *out_ += ',';
  if (!json::append_values(cells, *out_)) {
    out_->resize(start);
    return false;
  }
  first_row_ = false;
  return true;
}

void ResponseWriter::end_result(const StmtTotals& totals) {
  if (!has_columns_) columns({});
  if (is_json()) {
    *out_ += ']';
    json::append_totals(totals, *out_);
    *out_ += '}';
  } else {
    proto::append_totals(totals, *out_);
  }
}

void ResponseWriter::begin_execute() {
  begin_response(RequestType::Execute);
  if (is_json()) {
    *out_ += envelope_ == Envelope::V1 ? "{\"result\":" : ",\"result\":";
  } else {
    open(1, kExpected);
  }
  begin_result();
}

void ResponseWriter::end_execute(const StmtTotals& totals) {
  end_result(totals);
  end_response();
}

void ResponseWriter::begin_batch() {
  begin_response(RequestType::Batch);
  if (is_json()) {
    *out_ += envelope_ == Envelope::V1 ? R"({"result":{"step_results":[)" : R"(,"result":{"step_results":[)";
  } else {
    open(1, kExpected);
  }
  failures_.clear();
  failure_bytes_ = 0;
  step_ = 0;
}

void ResponseWriter::begin_step() {
  step_start_ = out_->size();
  step_depth_ = depth_;
  if (is_json()) {
    if (step_ > 0) *out_ += ',';
  } else {
    open(1);
    proto::append_uint(1, step_, *out_);
    open(2);
  }
  begin_result();
}

void ResponseWriter::end_step(const StmtTotals& totals) {
  end_result(totals);
  close_to(step_depth_);
  ++step_;
}

void ResponseWriter::fail_step(const WireError& error) {
  out_->resize(step_start_);
  depth_ = step_depth_;
  if (is_json()) {
    StepFailure& failure = failures_.emplace_back();
    failure.step = step_;
    json::append_error(error, failure.json);
    failure_bytes_ += failure.json.size() + sizeof failure;
    skip_step();
    return;
  }
  open(2);
  proto::append_uint(1, step_, *out_);
  proto::append_error(2, error, *out_);
  close_to(step_depth_);
  ++step_;
}

void ResponseWriter::skip_step() {
  if (is_json()) *out_ += step_ > 0 ? ",null" : "null";
  ++step_;
}

void ResponseWriter::end_batch(std::optional<std::uint64_t> replication_index) {
  if (is_json()) {
    *out_ += "],\"step_errors\":[";
    std::uint32_t next = 0;
    const auto fill = [&](std::uint32_t end) {
      for (; next < end; ++next) *out_ += next > 0 ? ",null" : "null";
    };
    for (const StepFailure& failure : failures_) {
      fill(failure.step);
      if (next > 0) *out_ += ',';
      *out_ += failure.json;
      ++next;
    }
    fill(step_);
    failure_bytes_ = 0;  // they are written now
    *out_ += "],\"replication_index\":";
    if (replication_index) {
      *out_ += '"';
      json::append_number(*replication_index, *out_);
      *out_ += '"';
    } else {
      *out_ += "null";
    }
    *out_ += '}';
  } else if (replication_index) {
    proto::append_uint(kReplicationIndexField, *replication_index, *out_);
  }
  end_response();
}

void ResponseWriter::end_pipeline(std::optional<std::string_view> baton, std::optional<std::string_view> base_url) {
  if (is_json()) {
    *out_ += "],\"baton\":";
    json::append_text_or_null(baton, *out_);
    *out_ += ",\"base_url\":";
    json::append_text_or_null(base_url, *out_);
    *out_ += '}';
  } else {
    if (baton) proto::append_text(1, *baton, *out_);
    if (base_url) proto::append_text(2, *base_url, *out_);
  }
}

void ResponseWriter::write(const StmtResult& result) {
  columns(result.cols);
  for (std::size_t i = 0; i < result.row_count; ++i) {
    if (!row(result.row(i))) refuse_text();
  }
}

void ResponseWriter::write(const BatchResult& result) {
  begin_batch();
  for (const StepOutcome& step : result.steps) {
    if (is_json()) {
      while (step_ < step.step) skip_step();
    }
    step_ = step.step;
    begin_step();
    if (const WireError* error = step.error()) {
      fail_step(*error);
    } else {
      write(*step.result());
      end_step(step.result()->totals);
    }
  }
  end_batch(result.replication_index);
}

}  // namespace libsql::hrana

#include "hrana/encode.hpp"

#include "hrana/cursor_writer.hpp"
#include "hrana/encode_requests.hpp"
#include "hrana/json_writer.hpp"
#include "hrana/proto_writer.hpp"
#include "hrana/response_writer.hpp"

namespace libsql::hrana {

namespace {

// Runs `write`; what it appended before it threw is taken back.
template <class Write>
void append_all(std::string& out, Write&& write) {
  const std::size_t start = out.size();
  try {
    write();
  } catch (...) {
    out.resize(start);
    throw;
  }
}

template <class Message>
void write_message(Encoding encoding, const Message& message, std::string& out) {
  append_all(out, [&] {
    if (encoding == Encoding::Json) {
      json::write(message, out);
    } else {
      proto::write(message, out);
    }
  });
}

[[noreturn]] void refuse_text() { throw EncodeError("a text that is not UTF-8, which the protocol cannot carry"); }

struct EntryWriter {
  CursorEntryWriter& writer;

  void operator()(const StepBegin& entry) const { writer.step_begin(entry.step, entry.cols); }
  void operator()(const CursorRow& entry) const {
    if (!writer.row(entry.cells)) refuse_text();
  }
  void operator()(const StepEnd& entry) const { writer.step_end(entry.affected_row_count, entry.last_insert_rowid); }
  void operator()(const StepError& entry) const { writer.step_error(entry.step, entry.error); }
  void operator()(const CursorError& entry) const { writer.error(entry.error); }
  void operator()(const ReplicationIndex& entry) const { writer.replication_index(entry.value); }
};

void write_hello_ok(Encoding encoding, std::string& out) {
  if (encoding == Encoding::Json) {
    out += R"({"type":"hello_ok"})";
  } else {
    proto::append_bytes(1, {}, out);
  }
}

void write_hello_error(Encoding encoding, const WireError& error, std::string& out) {
  if (encoding == Encoding::Json) {
    out += R"({"type":"hello_error","error":)";
    json::append_error(error, out);
    out += '}';
  } else {
    const proto::Gap gap = proto::open(2, out);
    proto::append_error(1, error, out);
    proto::close(gap, out);
  }
}

}  // namespace

void encode(Encoding encoding, const PipelineRequest& request, std::string& out) {
  write_message(encoding, request, out);
}

void encode(Encoding encoding, const CursorRequest& request, std::string& out) {
  write_message(encoding, request, out);
}

void encode(Encoding encoding, const ClientMessage& message, std::string& out) {
  std::visit([&](const auto& alternative) { write_message(encoding, alternative, out); }, message);
}

void ResponseWriter::response(const Response& response) {
  switch (type_of(response)) {
    case RequestType::Execute: {
      const StmtResult& result = std::get<ExecuteResponse>(response).result;
      begin_execute();
      write(result);
      end_execute(result.totals);
      return;
    }
    case RequestType::Batch:
      write(std::get<BatchResponse>(response).result);
      return;
    case RequestType::Describe:
      describe(std::get<DescribeResponse>(response).result);
      return;
    case RequestType::GetAutocommit:
      autocommit(std::get<GetAutocommitResponse>(response).is_autocommit);
      return;
    case RequestType::FetchCursor: {
      const auto& fetch = std::get<FetchCursorResponse>(response);
      std::string entries;
      CursorEntryWriter writer(encoding_, CursorEntryWriter::Framing::Fetch, entries);
      for (const CursorEntry& entry : fetch.entries) std::visit(EntryWriter{writer}, entry);
      fetched(entries, fetch.done);
      return;
    }
    default:
      done(type_of(response));
  }
}

void encode(Encoding encoding, const PipelineResponse& response, std::string& out) {
  append_all(out, [&] {
    ResponseWriter writer = ResponseWriter::pipeline(encoding, out);
    for (const StreamResult& result : response.results) {
      writer.begin();
      if (const auto* error = std::get_if<WireError>(&result)) {
        writer.fail(*error);
      } else {
        writer.response(std::get<Response>(result));
      }
    }
    writer.end_pipeline(response.baton, response.base_url);
  });
}

void encode(Encoding encoding, const ServerMessage& message, std::string& out) {
  append_all(out, [&] {
    if (const auto* hello_error = std::get_if<HelloError>(&message)) {
      write_hello_error(encoding, hello_error->error, out);
    } else if (const auto* ok = std::get_if<ResponseOk>(&message)) {
      ResponseWriter writer = ResponseWriter::web_socket(encoding, out);
      writer.begin(ok->request_id);
      writer.response(ok->response);
    } else if (const auto* error = std::get_if<ResponseError>(&message)) {
      ResponseWriter writer = ResponseWriter::web_socket(encoding, out);
      writer.begin(error->request_id);
      writer.fail(error->error);
    } else {
      write_hello_ok(encoding, out);
    }
  });
}

void encode(Encoding encoding, const WireError& error, std::string& out) {
  if (encoding == Encoding::Json) {
    json::append_error(error, out);
  } else {
    proto::append_error_fields(error, out);
  }
}

void encode_http_error(std::string_view message, std::string_view code, std::string& out) {
  out += "{\"error\":";
  json::append_text(message, out);
  out += ",\"message\":";
  json::append_text(message, out);
  out += ",\"code\":";
  json::append_text(code, out);
  out += '}';
}

}  // namespace libsql::hrana

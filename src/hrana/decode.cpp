#include "hrana/decode.hpp"

#include <memory>
#include <utility>

#include "hrana/json_messages.hpp"
#include "hrana/json_reader.hpp"
#include "hrana/proto_messages.hpp"
#include "hrana/proto_reader.hpp"
#include "hrana/proto_values.hpp"

namespace libsql::hrana {

namespace {

using core::Decoded;
using core::DecodedStorage;
using core::Source;

template <class T>
Decoded<T> decode_json(Source bytes, T (*read)(JsonReader&), int depth = kMaxJsonDepth) {
  auto storage = std::make_unique<DecodedStorage>(std::move(bytes));
  JsonReader reader(storage->bytes(), storage->arena(), depth);
  const T message = read(reader);
  reader.end();
  return {std::move(storage), message};
}

enum class Reads : bool { AsServer, AsClient };

template <class T>
Decoded<T> decode_protobuf(Source bytes, Reads reads, T (*read)(proto::Context&, std::string_view)) {
  auto storage = std::make_unique<DecodedStorage>(std::move(bytes));
  proto::Context context(storage->bytes(), storage->arena(), reads == Reads::AsClient);
  const T message = read(context, storage->bytes());
  return {std::move(storage), message};
}

}  // namespace

Decoded<PipelineRequest> decode_pipeline_request(Encoding encoding, Source bytes, int json_depth) {
  return encoding == Encoding::Json ? decode_json(std::move(bytes), json::read_pipeline_request, json_depth)
                                    : decode_protobuf(std::move(bytes), Reads::AsServer, proto::read_pipeline_request);
}

Decoded<CursorRequest> decode_cursor_request(Encoding encoding, Source bytes, int json_depth) {
  return encoding == Encoding::Json ? decode_json(std::move(bytes), json::read_cursor_request, json_depth)
                                    : decode_protobuf(std::move(bytes), Reads::AsServer, proto::read_cursor_request);
}

Decoded<ClientMessage> decode_client_message(Encoding encoding, Source bytes, int json_depth) {
  return encoding == Encoding::Json ? decode_json(std::move(bytes), json::read_client_message, json_depth)
                                    : decode_protobuf(std::move(bytes), Reads::AsServer, proto::read_client_message);
}

Decoded<Stmt> decode_v1_execute_request(Source bytes, int json_depth) {
  return decode_json(std::move(bytes), json::read_v1_execute_request, json_depth);
}

Decoded<Batch> decode_v1_batch_request(Source bytes, int json_depth) {
  return decode_json(std::move(bytes), json::read_v1_batch_request, json_depth);
}

Decoded<PipelineResponse> decode_pipeline_response(Encoding encoding, Source bytes) {
  return encoding == Encoding::Json ? decode_json(std::move(bytes), json::read_pipeline_response)
                                    : decode_protobuf(std::move(bytes), Reads::AsClient, proto::read_pipeline_response);
}

Decoded<ServerMessage> decode_server_message(Encoding encoding, Source bytes) {
  return encoding == Encoding::Json ? decode_json(std::move(bytes), json::read_server_message)
                                    : decode_protobuf(std::move(bytes), Reads::AsClient, proto::read_server_message);
}

std::optional<Decoded<WireError>> decode_error_body(Encoding encoding, Source bytes) {
  auto storage = std::make_unique<DecodedStorage>(std::move(bytes));
  // A server that speaks Protobuf still answers some errors in JSON (observed: sqld 0.24.33).
  try {
    JsonReader reader(storage->bytes(), storage->arena());
    const WireError error = json::read_error_body(reader);
    reader.end();
    return Decoded<WireError>(std::move(storage), error);
  } catch (const DecodeError&) {
    if (encoding == Encoding::Json) return std::nullopt;
  }
  try {
    proto::Context context(storage->bytes(), storage->arena(), true);
    const WireError error = proto::read_error(context, storage->bytes());
    if (error.message.empty()) return std::nullopt;
    return Decoded<WireError>(std::move(storage), error);
  } catch (const DecodeError&) {
    return std::nullopt;
  }
}

}  // namespace libsql::hrana

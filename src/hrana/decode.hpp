// Bytes to messages. Every function throws DecodeError if the bytes are no such message.
#pragma once

#include <optional>

#include "core/decoded.hpp"
#include "hrana/encoding.hpp"
#include "hrana/requests.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana {

// What a server reads. Non-finite numbers are refused in JSON; NaN in Protobuf is NULL, as the engine makes of it.
// JSON that is nested more deeply than `json_depth` is refused.

core::Decoded<PipelineRequest> decode_pipeline_request(Encoding encoding, core::Source bytes,
                                                       int json_depth = kMaxJsonDepth);
core::Decoded<CursorRequest> decode_cursor_request(Encoding encoding, core::Source bytes,
                                                   int json_depth = kMaxJsonDepth);
core::Decoded<ClientMessage> decode_client_message(Encoding encoding, core::Source bytes,
                                                   int json_depth = kMaxJsonDepth);
/// The body of POST /v1/execute and /v1/batch, JSON.
core::Decoded<Stmt> decode_v1_execute_request(core::Source bytes, int json_depth = kMaxJsonDepth);
core::Decoded<Batch> decode_v1_batch_request(core::Source bytes, int json_depth = kMaxJsonDepth);

// What a client reads. A number that is null in JSON is NaN.

core::Decoded<PipelineResponse> decode_pipeline_response(Encoding encoding, core::Source bytes);
core::Decoded<ServerMessage> decode_server_message(Encoding encoding, core::Source bytes);
/// The body of an answer whose status is not 200, in any of the shapes servers use: an error of the protocol in this
/// encoding, {"error":...}, both in one. Empty if it is none of them: then it is text to be shown as it is.
std::optional<core::Decoded<WireError>> decode_error_body(Encoding encoding, core::Source bytes);

}  // namespace libsql::hrana

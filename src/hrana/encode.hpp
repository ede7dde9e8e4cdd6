// Messages to bytes, appended to a string of the caller's.
//
// Requests throw EncodeError for what the encoding cannot express. Responses are always expressible but for text cells
// that are not UTF-8, for which they throw EncodeError too; a server that streams its rows uses ResponseWriter, which
// says so without an exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hrana/encoding.hpp"
#include "hrana/requests.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana {

// What a client writes. NaN is written as NULL, which is what the engine makes of it.

void encode(Encoding encoding, const PipelineRequest& request, std::string& out);
void encode(Encoding encoding, const CursorRequest& request, std::string& out);
void encode(Encoding encoding, const ClientMessage& message, std::string& out);

// What a server writes, whole.

void encode(Encoding encoding, const PipelineResponse& response, std::string& out);
void encode(Encoding encoding, const ServerMessage& message, std::string& out);
/// The error alone, as the body of an answer: {"message":...,"code":...}.
void encode(Encoding encoding, const WireError& error, std::string& out);
/// The body of an HTTP error that all clients can show: {"error":...,"message":...,"code":...}. Always JSON.
void encode_http_error(std::string_view message, std::string_view code, std::string& out);

}  // namespace libsql::hrana

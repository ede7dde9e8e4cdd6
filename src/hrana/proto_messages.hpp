// Whole messages read from Protobuf.
#pragma once

#include <string_view>

#include "hrana/proto_reader.hpp"
#include "hrana/requests.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana::proto {

PipelineRequest read_pipeline_request(Context& context, std::string_view message);
CursorRequest read_cursor_request(Context& context, std::string_view message);
ClientMessage read_client_message(Context& context, std::string_view message);

PipelineResponse read_pipeline_response(Context& context, std::string_view message);
ServerMessage read_server_message(Context& context, std::string_view message);

}  // namespace libsql::hrana::proto

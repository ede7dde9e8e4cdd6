// Whole messages read from JSON.
#pragma once

#include "hrana/json_reader.hpp"
#include "hrana/requests.hpp"
#include "hrana/responses.hpp"

namespace libsql::hrana::json {

PipelineRequest read_pipeline_request(JsonReader& reader);
CursorRequest read_cursor_request(JsonReader& reader);
ClientMessage read_client_message(JsonReader& reader);
Stmt read_v1_execute_request(JsonReader& reader);
Batch read_v1_batch_request(JsonReader& reader);

PipelineResponse read_pipeline_response(JsonReader& reader);
ServerMessage read_server_message(JsonReader& reader);
/// An error as {"message":...,"code":...} or {"error":"..."}; of both, `message` counts.
WireError read_error_body(JsonReader& reader);

}  // namespace libsql::hrana::json

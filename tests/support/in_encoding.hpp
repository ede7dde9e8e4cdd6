// Exchanges are written down as JSON; here they become what the other encoding sends, and come back.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "hrana/cursor_reader.hpp"
#include "hrana/cursor_writer.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"

namespace libsql::test {

/// The answer to a pipeline. What is none, or is one only half, stays as it is: nonsense in both encodings.
inline std::string pipeline_in(hrana::Encoding encoding, std::string_view json) {
  if (encoding == hrana::Encoding::Json) return std::string(json);
  const auto message = hrana::decode_pipeline_response(hrana::Encoding::Json, core::Source::borrowed(json));
  std::string out;
  hrana::encode(encoding, *message, out);
  return out;
}

/// The error in the body of an answer. One without a code is in JSON whatever was asked in.
inline std::string error_in(hrana::Encoding encoding, std::string_view json) {
  if (encoding == hrana::Encoding::Json || json.find("\"code\"") == std::string_view::npos) return std::string(json);
  const auto error = hrana::decode_error_body(hrana::Encoding::Json, core::Source::borrowed(json));
  std::string out;
  hrana::encode(encoding, **error, out);
  return out;
}

/// One line of a cursor's body: its head, or an entry. An unknown entry becomes one with an unknown field.
inline std::string cursor_item_in(hrana::Encoding encoding, std::string_view line) {
  if (encoding == hrana::Encoding::Json) return std::string(line);
  std::string out;
  hrana::CursorEntryWriter writer(encoding, hrana::CursorEntryWriter::Framing::Body, out);
  hrana::CursorReader reader(hrana::Encoding::Json);
  if (line.find("\"type\"") == std::string_view::npos) {
    reader.feed(line);
    reader.finish();
    writer.head(reader.head()->baton, reader.head()->base_url);
    return out;
  }
  reader.feed("{\"baton\":null,\"base_url\":null}\n");
  reader.feed(line);
  reader.finish();
  const auto entry = reader.next();
  if (!entry) return std::string("\x03\x7a\x01x", 4);  // field 15, one byte
  if (const auto* const begin = std::get_if<hrana::StepBegin>(&*entry)) writer.step_begin(begin->step, begin->cols);
  if (const auto* const row = std::get_if<hrana::CursorRow>(&*entry)) static_cast<void>(writer.row(row->cells));
  if (const auto* const end = std::get_if<hrana::StepEnd>(&*entry)) {
    writer.step_end(end->affected_row_count, end->last_insert_rowid);
  }
  if (const auto* const failed = std::get_if<hrana::StepError>(&*entry)) writer.step_error(failed->step, failed->error);
  if (const auto* const broken = std::get_if<hrana::CursorError>(&*entry)) writer.error(broken->error);
  return out;
}

/// A message of a server over a WebSocket.
inline std::string message_in(hrana::Encoding encoding, std::string_view json) {
  if (encoding == hrana::Encoding::Json) return std::string(json);
  const auto message = hrana::decode_server_message(hrana::Encoding::Json, core::Source::borrowed(json));
  std::string out;
  hrana::encode(encoding, *message, out);
  return out;
}

/// A request to /pipeline or /cursor, in JSON.
inline std::string request_as_json(hrana::Encoding encoding, std::string_view target, std::string_view body) {
  if (encoding == hrana::Encoding::Json || body.empty()) return std::string(body);
  std::string out;
  if (target.ends_with("/cursor")) {
    hrana::encode(hrana::Encoding::Json, *hrana::decode_cursor_request(encoding, core::Source::borrowed(body)), out);
  } else {
    hrana::encode(hrana::Encoding::Json, *hrana::decode_pipeline_request(encoding, core::Source::borrowed(body)), out);
  }
  return out;
}

/// A message of a client over a WebSocket, in JSON.
inline std::string client_message_as_json(hrana::Encoding encoding, std::string_view message) {
  if (encoding == hrana::Encoding::Json) return std::string(message);
  std::string out;
  hrana::encode(hrana::Encoding::Json, *hrana::decode_client_message(encoding, core::Source::borrowed(message)), out);
  return out;
}

}  // namespace libsql::test

// Texts as JSON strings (https://www.rfc-editor.org/rfc/rfc8259): the one place that knows what has to be escaped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libsql::core {

/// What to do at bytes that are not UTF-8.
enum class OnInvalid : std::uint8_t {
  Stop,    // false; what was appended by then has to be taken back
  Replace  // by U+FFFD, each byte
};

/// Appends the text as a JSON string, with its quotes. Always true with Replace.
bool append_json_text(std::string_view text, std::string& out, OnInvalid on_invalid);

}  // namespace libsql::core

#include "core/json_text.hpp"

#include "core/plain_text.hpp"
#include "core/utf8.hpp"

namespace libsql::core {
namespace {

void append_escape(char c, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default: {
      const auto byte = static_cast<unsigned char>(c);
      const char escape[] = {'\\', 'u', '0', '0', kDigits[byte >> 4U], kDigits[byte & 15U]};
      out.append(escape, sizeof escape);
    }
  }
}

}  // namespace

bool append_json_text(std::string_view text, std::string& out, OnInvalid on_invalid) {
  const char* start = text.data();
  const char* at = start;
  const char* const end = at + text.size();
  out += '"';
  while ((at = skip_plain(at, end)) != end) {
    if (static_cast<unsigned char>(*at) >= 0x80) {
      const std::size_t length = utf8_sequence(at, end);
      at += length;
      if (length > 0) continue;
      if (on_invalid == OnInvalid::Stop) return false;
      out.append(start, at);
      out += "\xEF\xBF\xBD";
    } else {
      out.append(start, at);
      append_escape(*at, out);
    }
    start = ++at;
  }
  out.append(start, end);
  out += '"';
  return true;
}

}  // namespace libsql::core

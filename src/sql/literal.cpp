#include "sql/literal.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "core/utf8.hpp"

namespace libsql::sql {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// 1e20 -> 1.0e20, 100 -> 100.0
void append_with_point(std::string& out, std::string_view digits) {
  const std::size_t exponent = digits.find('e');
  const std::string_view mantissa = digits.substr(0, exponent);
  out += mantissa;
  if (mantissa.find('.') == std::string_view::npos) out += ".0";
  if (exponent != std::string_view::npos) out += digits.substr(exponent);
}

template <class... Format>
void append_real_as(std::string& out, double value, Format... format) {
  std::array<char, 400> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format...).ptr;
  append_with_point(out, {buffer.data(), static_cast<std::size_t>(end - buffer.data())});
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_hex_literal(std::string& out, BlobView blob) {
  out += "X'";
  for (const std::byte byte : blob) {
    out += kHexDigits[std::to_integer<unsigned>(byte) >> 4U];
    out += kHexDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  out += '\'';
}

void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char byte : text) {
    out += byte;
    if (byte == '\'') out += '\'';
  }
  out += '\'';
}

// A short text, beginning with `start`, that `text` does not contain.
std::string unused_marker(std::string_view text, std::string_view start) {
  std::string marker(start);
  for (int i = 1; text.find(marker) != std::string_view::npos; ++i) {
    marker.assign(1, '(').append(start).append(std::to_string(i)).append(1, ')');
  }
  return marker;
}

std::string replaced(std::string_view text, char byte, std::string_view marker) {
  std::string out;
  for (const char c : text) {
    if (c == byte) {
      out += marker;
    } else {
      out += c;
    }
  }
  return out;
}

// A character that is not in the literal itself but is inserted by replace().
struct Replaced {
  char character;
  std::string_view marker;
  std::string_view code;
};
// The engine ends SQL text at a NUL.
constexpr std::array<Replaced, 1> kNul = {{{'\0', "\\0", "char(0)"}}};
constexpr std::array<Replaced, 3> kNulAndLineBreaks = {
    {{'\0', "\\0", "char(0)"}, {'\r', "\\r", "char(13)"}, {'\n', "\\n", "char(10)"}}};

void append_utf8_literal(std::string& out, std::string_view text, std::span<const Replaced> characters) {
  std::string inner;
  std::string calls;
  for (const auto& [character, start, code] : characters) {
    if (text.find(character) == std::string_view::npos) continue;
    if (calls.empty()) inner = text;
    const std::string marker = unused_marker(inner, start);
    inner = replaced(inner, character, marker);
    out += "replace(";
    calls.append(",'").append(marker).append("',").append(code).append(")");
  }
  append_quoted(out, calls.empty() ? text : std::string_view(inner));
  out += calls;
}

// What the engine makes of it where it needs UTF-16.
std::string with_replacement_characters(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t valid = core::utf8_prefix(text);
    out += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty()) return out;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const bool surrogate =
        text.size() >= 3 && byte(0) == 0xED && byte(1) >= 0xA0 && byte(1) < 0xC0 && (byte(2) & 0xC0U) == 0x80;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(surrogate ? 3 : 1);
  }
}

// SQL text that is not UTF-8 does not get through to a server, nor into programs that read a dump as text, so bytes are
// written that are cast. In a database of UTF-16, which cannot hold them, that would give other characters.
void append_text_literal(std::string& out, std::string_view text, std::span<const Replaced> characters) {
  if (core::is_utf8(text)) return append_utf8_literal(out, text, characters);
  out += "CASE CAST(X'61' AS TEXT) WHEN 'a' THEN CAST(";
  append_hex_literal(out, std::as_bytes(std::span(text)));
  out += " AS TEXT) ELSE ";
  append_utf8_literal(out, with_replacement_characters(text), characters);
  out += " END";
}

}  // namespace

void append_real(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "Inf";
  } else {
    append_real_as(out, value, std::chars_format::general, 15);
  }
}

void append_exact_real(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value < 0 ? "-1e999" : "1e999";
    return;
  }
  const double size = std::fabs(value);
  const bool fixed = value == 0 || (size >= 1e-5 && size < 1e20);
  append_real_as(out, value, fixed ? std::chars_format::fixed : std::chars_format::scientific);
}

void append_literal(std::string& out, ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      out += "NULL";
      break;
    case ValueType::Integer:
      append_integer(out, value.integer());
      break;
    case ValueType::Real:
      append_exact_real(out, value.real());
      break;
    case ValueType::Text:
      append_text_literal(out, value.text(), kNul);
      break;
    case ValueType::Blob:
      append_hex_literal(out, value.blob());
      break;
  }
}

void append_literal_on_one_line(std::string& out, ValueRef value) {
  if (value.type() != ValueType::Text) return append_literal(out, value);
  append_text_literal(out, value.text(), kNulAndLineBreaks);
}

}  // namespace libsql::sql

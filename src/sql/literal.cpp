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

// The engine ends SQL text at a NUL character; and SQL text that is not UTF-8 does not get through to a server, nor
// into programs that read a dump as text.
bool can_stand_in_quotes(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && core::is_utf8(text);
}

void append_text_literal(std::string& out, std::string_view text) {
  if (can_stand_in_quotes(text)) return append_quoted(out, text);
  out += "CAST(";
  append_hex_literal(out, std::as_bytes(std::span(text)));
  out += " AS TEXT)";
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
      append_text_literal(out, value.text());
      break;
    case ValueType::Blob:
      append_hex_literal(out, value.blob());
      break;
  }
}

void append_literal_on_one_line(std::string& out, ValueRef value) {
  if (value.type() != ValueType::Text) return append_literal(out, value);
  const std::string_view text = value.text();
  const bool newline = text.find('\n') != std::string_view::npos;
  const bool carriage_return = text.find('\r') != std::string_view::npos;
  if ((!newline && !carriage_return) || !can_stand_in_quotes(text)) return append_literal(out, value);
  std::string inner(text);
  std::string newline_marker;
  std::string return_marker;
  if (newline) {
    newline_marker = unused_marker(text, "\\n");
    inner = replaced(inner, '\n', newline_marker);
    out += "replace(";
  }
  if (carriage_return) {
    return_marker = unused_marker(text, "\\r");
    inner = replaced(inner, '\r', return_marker);
    out += "replace(";
  }
  append_quoted(out, inner);
  if (carriage_return) out.append(",'").append(return_marker).append("',char(13))");
  if (newline) out.append(",'").append(newline_marker).append("',char(10))");
}

}  // namespace libsql::sql

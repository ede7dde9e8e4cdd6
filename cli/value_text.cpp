#include "cli/value_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "cli/text_width.hpp"

namespace libsql::cli {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string_view as_text(BlobView blob) noexcept { return {reinterpret_cast<const char*>(blob.data()), blob.size()}; }

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

void append_text_literal(std::string& out, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return append_quoted(out, text);
  // The engine ends SQL text at a NUL character.
  out += "CAST(";
  append_hex_literal(out, std::as_bytes(std::span(text)));
  out += " AS TEXT)";
}

// A short text, beginning with `start`, that `text` does not contain.
std::string unused_marker(std::string_view text, std::string_view start) {
  std::string marker(start);
  for (int i = 1; text.find(marker) != std::string_view::npos; ++i) {
    marker = "(" + std::string(start) + std::to_string(i) + ")";
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

void append_plain(std::string& out, ValueRef value, std::string_view null_text) {
  switch (value.type()) {
    case ValueType::Null:
      out += null_text;
      break;
    case ValueType::Integer:
      append_integer(out, value.integer());
      break;
    case ValueType::Real:
      append_real(out, value.real());
      break;
    case ValueType::Text:
      out += value.text();
      break;
    case ValueType::Blob:
      out += as_text(value.blob());
      break;
  }
}

void append_readable(std::string& out, ValueRef value, std::string_view null_text) {
  if (value.type() == ValueType::Blob) {
    const std::string_view text = as_text(value.blob());
    for (const char byte : text) {
      if (static_cast<unsigned char>(byte) < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') {
        return append_hex_literal(out, value.blob());
      }
    }
    if (!is_valid_utf8(text)) return append_hex_literal(out, value.blob());
  }
  append_plain(out, value, null_text);
}

void append_sql_literal(std::string& out, ValueRef value) {
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

void append_sql_literal_on_one_line(std::string& out, ValueRef value) {
  if (value.type() != ValueType::Text) return append_sql_literal(out, value);
  const std::string_view text = value.text();
  const bool newline = text.find('\n') != std::string_view::npos;
  const bool carriage_return = text.find('\r') != std::string_view::npos;
  if ((!newline && !carriage_return) || text.find('\0') != std::string_view::npos)
    return append_sql_literal(out, value);
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
  if (carriage_return) out += ",'" + return_marker + "',char(13))";
  if (newline) out += ",'" + newline_marker + "',char(10))";
}

void append_json(std::string& out, ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      out += "null";
      break;
    case ValueType::Integer:
      append_integer(out, value.integer());
      break;
    case ValueType::Real:
      append_exact_real(out, value.real());
      break;
    case ValueType::Text:
      append_json_string(out, value.text());
      break;
    case ValueType::Blob:
      append_json_string(out, as_text(value.blob()));
      break;
  }
}

void append_json_string(std::string& out, std::string_view text) {
  const auto escape = [&](unsigned byte) {
    out += "\\u00";
    out += kHexDigits[byte >> 4U];
    out += kHexDigits[byte & 15U];
  };
  out += '"';
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.bytes.size());
    if (!character.valid) {
      escape(character.code);
      continue;
    }
    switch (character.code) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (character.code < 0x20) {
          escape(character.code);
        } else {
          out += character.bytes;
        }
    }
  }
  out += '"';
}

}  // namespace libsql::cli

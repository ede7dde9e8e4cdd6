#include "cli/value_text.hpp"

#include "cli/text_width.hpp"

namespace libsql::cli {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string_view as_text(BlobView blob) noexcept { return {reinterpret_cast<const char*>(blob.data()), blob.size()}; }

}  // namespace

void append_plain(std::string& out, ValueRef value, std::string_view null_text) {
  switch (value.type()) {
    case ValueType::Null:
      out += null_text;
      break;
    case ValueType::Integer:
      sql::append_literal(out, value);
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
        return sql::append_literal(out, value);
      }
    }
    if (!is_valid_utf8(text)) return sql::append_literal(out, value);
  }
  append_plain(out, value, null_text);
}

void append_c_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      default:
        if (byte >= 0x20 && byte < 0x7F) {
          out += c;
        } else {
          out += '\\';
          out += static_cast<char>('0' + (byte >> 6U));
          out += static_cast<char>('0' + (byte >> 3U & 7U));
          out += static_cast<char>('0' + (byte & 7U));
        }
    }
  }
  out += '"';
}

void append_json(std::string& out, ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      out += "null";
      break;
    case ValueType::Integer:
    case ValueType::Real:
      sql::append_literal(out, value);
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

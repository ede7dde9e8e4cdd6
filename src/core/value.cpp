#include <libsql/value.hpp>

#include <charconv>
#include <cmath>
#include <ostream>

#include <libsql/convert.hpp>

#include "core/errors.hpp"

namespace libsql {

std::string_view to_string(ValueType type) noexcept {
  switch (type) {
    case ValueType::Null:
      return "NULL";
    case ValueType::Integer:
      return "INTEGER";
    case ValueType::Real:
      return "REAL";
    case ValueType::Text:
      return "TEXT";
    case ValueType::Blob:
      return "BLOB";
  }
  return "NULL";
}

Value::Value(ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      break;
    case ValueType::Integer:
      variant_ = value.integer();
      break;
    case ValueType::Real:
      variant_ = value.real();
      break;
    case ValueType::Text:
      variant_ = std::string(value.text());
      break;
    case ValueType::Blob:
      if (value.is_zero_blob()) {
        variant_ = Blob(value.size());
      } else {
        variant_ = Blob(value.blob().begin(), value.blob().end());
      }
      break;
  }
}

std::int64_t Value::integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&variant_)) return *value;
  detail::throw_type_mismatch(type(), "an integer");
}
double Value::real() const {
  if (const auto* value = std::get_if<double>(&variant_)) return *value;
  detail::throw_type_mismatch(type(), "a floating-point number");
}
const std::string& Value::text() const {
  if (const auto* value = std::get_if<std::string>(&variant_)) return *value;
  detail::throw_type_mismatch(type(), "text");
}
const Blob& Value::blob() const {
  if (const auto* value = std::get_if<Blob>(&variant_)) return *value;
  detail::throw_type_mismatch(type(), "a blob");
}

ValueRef Value::ref() const noexcept {
  switch (type()) {
    case ValueType::Integer:
      return ValueRef(*std::get_if<std::int64_t>(&variant_));
    case ValueType::Real:
      return ValueRef(*std::get_if<double>(&variant_));
    case ValueType::Text:
      return ValueRef(std::string_view(*std::get_if<std::string>(&variant_)));
    case ValueType::Blob:
      return ValueRef(BlobView(*std::get_if<Blob>(&variant_)));
    case ValueType::Null:
      break;
  }
  return ValueRef();
}

namespace {
// A short text of plain characters that `text` does not hold, and whose place in it cannot be mistaken.
std::string unused_in(std::string_view text) {
  std::string marker = "\\0";
  for (int i = 1; text.find(marker) != std::string_view::npos; ++i) marker = "\\0(" + std::to_string(i) + ')';
  return marker;
}
}  // namespace

std::string to_sql_literal(ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      return "NULL";
    case ValueType::Integer:
      return std::to_string(value.integer());
    case ValueType::Real: {
      const double real = value.real();
      if (std::isnan(real)) return "NULL";
      if (std::isinf(real)) return real > 0 ? "9e999" : "-9e999";
      char buffer[40];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, real).ptr;
      std::string text(buffer, end);
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
      return text;
    }
    case ValueType::Text: {
      // SQL text ends at a NUL. CAST(x'..' AS TEXT) would mean something else in a database of UTF-16.
      const std::string stand_in = value.text().find('\0') == std::string_view::npos ? "" : unused_in(value.text());
      std::string literal = stand_in.empty() ? "'" : "replace('";
      for (const char c : value.text()) {
        if (c == '\'') literal += '\'';
        if (c == '\0') {
          literal += stand_in;
        } else {
          literal += c;
        }
      }
      literal += '\'';
      if (!stand_in.empty()) literal += ",'" + stand_in + "',char(0))";
      return literal;
    }
    case ValueType::Blob: {
      if (value.is_zero_blob()) return "zeroblob(" + std::to_string(value.size()) + ")";
      constexpr char kHex[] = "0123456789abcdef";
      std::string literal = "x'";
      literal.reserve(3 + value.size() * 2);
      for (const std::byte b : value.blob()) {
        literal += kHex[std::to_integer<unsigned>(b) >> 4];
        literal += kHex[std::to_integer<unsigned>(b) & 15];
      }
      return literal += '\'';
    }
  }
  return "NULL";
}

std::ostream& operator<<(std::ostream& out, const Value& value) { return out << to_sql_literal(value.ref()); }

}  // namespace libsql

#include "hrana/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base64.hpp"
#include "core/json_text.hpp"

namespace libsql::hrana::json {

namespace {

// A zero blob has no bytes to read.
void append_zeros(std::size_t size, std::string& out) { out.append(core::base64_length(size), 'A'); }

// Numbers with at most three decimals, as prices and durations are, without the search for the shortest text that
// std::to_chars makes: they have at most 15 digits, and no two texts of so few digits are the same number. Writes what
// std::to_chars would, and returns its end; null for a number that is not of that kind.
char* write_short_decimal(double value, char* to) noexcept {
  const double scaled = std::fabs(value) * 1000;
  if (!(scaled < 1e15)) return nullptr;
  const auto thousandths = static_cast<std::int64_t>(scaled + 0.5);
  if (static_cast<double>(thousandths) / 1000 != std::fabs(value)) return nullptr;
  const std::int64_t whole = thousandths / 1000;
  const auto fraction = static_cast<int>(thousandths % 1000);
  if (fraction == 0 && whole >= 100'000 && whole % 10 == 0) return nullptr;  // perhaps shorter with an exponent
  if (std::signbit(value)) *to++ = '-';
  to = std::to_chars(to, to + 20, whole).ptr;
  *to++ = '.';
  *to++ = static_cast<char>('0' + fraction / 100);
  if (fraction % 100 != 0) *to++ = static_cast<char>('0' + fraction / 10 % 10);
  if (fraction % 10 != 0) *to++ = static_cast<char>('0' + fraction % 10);
  return to;
}

template <class T>
void append_integer(T value, std::string& out) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  static_cast<void>(error);  // There is room for every number.
  out.append(digits, end);
}

}  // namespace

bool append_string(std::string_view text, std::string& out) {
  return core::append_json_text(text, out, core::OnInvalid::Stop);
}

void append_text(std::string_view text, std::string& out) {
  core::append_json_text(text, out, core::OnInvalid::Replace);
}

void append_text_or_null(std::optional<std::string_view> text, std::string& out) {
  if (text) {
    append_text(*text, out);
  } else {
    out += "null";
  }
}

void append_number(std::int64_t value, std::string& out) { append_integer(value, out); }
void append_number(std::uint64_t value, std::string& out) { append_integer(value, out); }

void append_number(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  if (char* const end = write_short_decimal(value, digits)) {
    out.append(digits, end);
    return;
  }
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  static_cast<void>(error);  // There is room for every number.
  out.append(digits, end);
  if (std::all_of(digits, end, [](char c) { return c == '-' || (c >= '0' && c <= '9'); })) out += ".0";
}

void append_bool(bool value, std::string& out) { out += value ? "true" : "false"; }

bool append_value(ValueRef value, std::string& out) {
  switch (value.type()) {
    case ValueType::Null:
      out += R"({"type":"null"})";
      return true;
    case ValueType::Integer: {
      constexpr std::string_view kStart = R"({"type":"integer","value":")";
      char text[kStart.size() + 24];
      std::memcpy(text, kStart.data(), kStart.size());
      char* end = std::to_chars(text + kStart.size(), text + sizeof text - 2, value.integer()).ptr;
      *end++ = '"';
      *end++ = '}';
      out.append(text, end);
      return true;
    }
    case ValueType::Real:
      out += R"({"type":"float","value":)";
      append_number(value.real(), out);
      out += '}';
      return true;
    case ValueType::Text:
      out += R"({"type":"text","value":)";
      if (!append_string(value.text(), out)) return false;
      out += '}';
      return true;
    case ValueType::Blob:
      out += R"({"type":"blob","base64":")";
      if (value.is_zero_blob()) {
        append_zeros(value.size(), out);
      } else {
        core::append_base64(value.blob(), out);
      }
      out += "\"}";
      return true;
  }
  return true;
}

bool append_values(std::span<const ValueRef> values, std::string& out) {
  out += '[';
  bool first = true;
  for (const ValueRef& value : values) {
    if (!first) out += ',';
    first = false;
    if (!append_value(value, out)) return false;
  }
  out += ']';
  return true;
}

void append_error(const WireError& error, std::string& out) {
  out += "{\"message\":";
  append_text(error.message, out);
  out += ",\"code\":";
  append_text_or_null(error.code, out);
  if (error.extended_code) {
    out += ",\"extended_code\":";
    append_text(*error.extended_code, out);
  }
  out += '}';
}

void append_cols(std::span<const Col> cols, std::string& out) {
  out += '[';
  bool first = true;
  for (const Col& col : cols) {
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    append_text_or_null(col.name, out);
    out += ",\"decltype\":";
    append_text_or_null(col.decltype_name, out);
    out += '}';
  }
  out += ']';
}

void append_totals(const StmtTotals& totals, std::string& out) {
  out += ",\"affected_row_count\":";
  append_number(totals.affected_row_count, out);
  if (!totals.last_insert_rowid && !totals.replication_index) {
    out += R"(,"last_insert_rowid":null,"replication_index":null,"rows_read":)";
  } else {
    const auto quoted = [&](const auto& number) {
      if (!number) {
        out += "null";
        return;
      }
      out += '"';
      append_number(*number, out);
      out += '"';
    };
    out += ",\"last_insert_rowid\":";
    quoted(totals.last_insert_rowid);
    out += ",\"replication_index\":";
    quoted(totals.replication_index);
    out += ",\"rows_read\":";
  }
  append_number(totals.rows_read, out);
  out += ",\"rows_written\":";
  append_number(totals.rows_written, out);
  out += ",\"query_duration_ms\":";
  append_number(totals.query_duration_ms, out);
}

}  // namespace libsql::hrana::json

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

// What is always there is put together in a small array: to append to a string costs more than the few characters do.

template <std::size_t kSize>
char* put(const char (&literal)[kSize], char* to) noexcept {
  std::memcpy(to, literal, kSize - 1);
  return to + kSize - 1;
}

constexpr std::size_t kIntegerSize = 20;  // the longest

template <class T>
char* put_integer(T value, char* to) noexcept {
  if (static_cast<std::uint64_t>(value) < 10) {
    *to = static_cast<char>('0' + value);
    return to + 1;
  }
  return std::to_chars(to, to + kIntegerSize, value).ptr;
}

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
  to = put_integer(whole, to);
  *to++ = '.';
  *to++ = static_cast<char>('0' + fraction / 100);
  if (fraction % 100 != 0) *to++ = static_cast<char>('0' + fraction / 10 % 10);
  if (fraction % 10 != 0) *to++ = static_cast<char>('0' + fraction % 10);
  return to;
}

constexpr std::size_t kRealSize = 32;

char* put_real(double value, char* to) noexcept {
  if (!std::isfinite(value)) return put("null", to);
  if (char* const end = write_short_decimal(value, to)) return end;
  char* const end = std::to_chars(to, to + kRealSize - 2, value).ptr;  // There is room for every number.
  return std::all_of(to, end, [](char c) { return c == '-' || (c >= '0' && c <= '9'); }) ? put(".0", end) : end;
}

template <class T>
void append_integer(T value, std::string& out) {
  char digits[kIntegerSize];
  out.append(digits, put_integer(value, digits));
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
  char digits[kRealSize];
  out.append(digits, put_real(value, digits));
}

void append_bool(bool value, std::string& out) { out += value ? "true" : "false"; }

bool append_value(ValueRef value, std::string& out) {
  switch (value.type()) {
    case ValueType::Null:
      out += R"({"type":"null"})";
      return true;
    case ValueType::Integer: {
      char text[32 + kIntegerSize];
      char* end = put_integer(value.integer(), put(R"({"type":"integer","value":")", text));
      end = put("\"}", end);
      out.append(text, end);
      return true;
    }
    case ValueType::Real: {
      char text[32 + kRealSize];
      char* end = put_real(value.real(), put(R"({"type":"float","value":)", text));
      *end++ = '}';
      out.append(text, end);
      return true;
    }
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
  const auto put_quoted = [](const auto& number, char* to) {
    if (!number) return put("null", to);
    *to++ = '"';
    to = put_integer(*number, to);
    *to++ = '"';
    return to;
  };
  char text[160 + 5 * kIntegerSize + kRealSize];  // the names, and what they have
  char* to = put_integer(totals.affected_row_count, put(",\"affected_row_count\":", text));
  to = put_quoted(totals.last_insert_rowid, put(",\"last_insert_rowid\":", to));
  to = put_quoted(totals.replication_index, put(",\"replication_index\":", to));
  to = put_integer(totals.rows_read, put(",\"rows_read\":", to));
  to = put_integer(totals.rows_written, put(",\"rows_written\":", to));
  to = put_real(totals.query_duration_ms, put(",\"query_duration_ms\":", to));
  out.append(text, to);
}

}  // namespace libsql::hrana::json

#include "server/log/json_line.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "core/utf8.hpp"

namespace libsql::server {
namespace {

std::size_t sequence_length(std::string_view text) noexcept {
  if (static_cast<unsigned char>(text.front()) < 0x80) return 1;
  return core::utf8_sequence(text.data(), text.data() + text.size());
}

template <class Number, class... Format>
void append_number(std::string& out, Number number, Format... format) {
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format...).ptr;
  out.append(buffer.data(), end);
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text.front();
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void append_time(std::string& out, std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(floor<milliseconds>(time - day));
  std::array<char, 40> buffer;
  const int size =
      std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  out.append(buffer.data(), static_cast<std::size_t>(size));
}

void JsonLine::begin_member(std::string_view name) {
  text_ += text_.empty() ? '{' : ',';
  append_json_text(text_, name);
  text_ += ':';
}

JsonLine& JsonLine::add(std::string_view name, std::string_view text) {
  begin_member(name);
  append_json_text(text_, text);
  return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::uint64_t number) {
  begin_member(name);
  append_number(text_, number);
  return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::chrono::nanoseconds duration) {
  begin_member(name);
  append_number(text_, static_cast<double>(duration.count()) / 1e6, std::chars_format::fixed, 3);
  return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::chrono::system_clock::time_point time) {
  begin_member(name);
  text_ += '"';
  append_time(text_, time);
  text_ += '"';
  return *this;
}

std::string_view JsonLine::finish() {
  text_ += text_.empty() ? "{}\n" : "}\n";
  return text_;
}

}  // namespace libsql::server

#include "server/log/json_line.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "core/json_text.hpp"

namespace libsql::server {
namespace {

template <class Number, class... Format>
void append_number(std::string& out, Number number, Format... format) {
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format...).ptr;
  out.append(buffer.data(), end);
}

}  // namespace

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
  core::append_json_text(name, text_, core::OnInvalid::Replace);
  text_ += ':';
}

JsonLine& JsonLine::add(std::string_view name, std::string_view text) {
  begin_member(name);
  core::append_json_text(text, text_, core::OnInvalid::Replace);
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

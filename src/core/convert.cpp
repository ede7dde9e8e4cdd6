#include <libsql/convert.hpp>

#include <algorithm>
#include <cstdio>

#include "core/errors.hpp"

namespace libsql::detail {

namespace chrono = std::chrono;

void throw_type_mismatch(ValueType stored, std::string_view wanted) {
  core::throw_error(ErrorCode::TypeMismatch,
                    "the value is " + std::string(to_string(stored)) + " and cannot be read as " + std::string(wanted));
}

void throw_value_out_of_range(std::string_view wanted) {
  core::throw_error(ErrorCode::OutOfRange, "the value does not fit " + std::string(wanted));
}

void throw_null_pointer_argument() {
  core::throw_error(ErrorCode::Misuse, "a null char pointer is not a text: bind libsql::null for NULL");
}

namespace {

void append_date(std::string& out, chrono::year_month_day date) {
  const int year = static_cast<int>(date.year());
  // The range that the engine's date functions read (https://www.sqlite.org/lang_datefunc.html).
  if (!date.ok() || year < 0 || year > 9999) throw_value_out_of_range("a date between the years 0000 and 9999");
  char buffer[16];
  const int length = std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02u", year, static_cast<unsigned>(date.month()),
                                   static_cast<unsigned>(date.day()));
  out.append(buffer, static_cast<std::size_t>(length));
}

// Reads exactly `digits` digits at the front of `text` and removes them.
int take_digits(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return -1;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

[[noreturn]] void throw_no_time(std::string_view text, std::string_view wanted) {
  core::throw_error(ErrorCode::TypeMismatch,
                    "the text '" + std::string(text) + "' cannot be read as " + std::string(wanted));
}

chrono::year_month_day take_date(std::string_view& text, std::string_view whole) {
  const int year = take_digits(text, 4);
  const bool dash1 = take(text, '-');
  const int month = take_digits(text, 2);
  const bool dash2 = take(text, '-');
  const int day = take_digits(text, 2);
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (year < 0 || month < 0 || day < 0 || !dash1 || !dash2 || !date.ok()) throw_no_time(whole, "a date");
  return date;
}

}  // namespace

std::string format_date(chrono::year_month_day date) {
  std::string text;
  append_date(text, date);
  return text;
}

std::string format_time(DayTime time, int fraction_digits) {
  // Checked before the conversion, whose year has 16 bits.
  constexpr chrono::sys_days kFirst = chrono::year(0) / chrono::January / 1;
  constexpr chrono::sys_days kLast = chrono::year(9999) / chrono::December / 31;
  if (time.day < kFirst || time.day > kLast) throw_value_out_of_range("a date between the years 0000 and 9999");
  std::string text;
  append_date(text, chrono::year_month_day(time.day));
  const auto seconds = chrono::duration_cast<chrono::seconds>(time.since_midnight);
  char buffer[32];
  int length = std::snprintf(buffer, sizeof buffer, " %02d:%02d:%02d", static_cast<int>(seconds.count() / 3600),
                             static_cast<int>(seconds.count() / 60 % 60), static_cast<int>(seconds.count() % 60));
  text.append(buffer, static_cast<std::size_t>(length));
  if (fraction_digits > 0) {
    length = std::snprintf(buffer, sizeof buffer, ".%09d", static_cast<int>((time.since_midnight - seconds).count()));
    text.append(buffer, static_cast<std::size_t>(1 + fraction_digits));
  }
  return text;
}

chrono::year_month_day parse_date(ValueRef value) {
  if (value.type() != ValueType::Text) throw_type_mismatch(value.type(), "a date");
  std::string_view text = value.text();
  const auto date = take_date(text, value.text());
  if (!text.empty()) throw_no_time(value.text(), "a date");
  return date;
}

DayTime parse_time(ValueRef value) {
  if (value.type() == ValueType::Integer) {  // seconds since 1970, as the date functions take with 'unixepoch'
    const chrono::sys_seconds time{chrono::seconds(value.integer())};
    const auto day = chrono::floor<chrono::days>(time);
    return {day, time - day};
  }
  if (value.type() != ValueType::Text) throw_type_mismatch(value.type(), "a time point");
  std::string_view text = value.text();
  const chrono::sys_days day = take_date(text, value.text());
  if (text.empty()) return {day, chrono::nanoseconds(0)};
  if (!take(text, ' ') && !take(text, 'T')) throw_no_time(value.text(), "a time point");
  const int hour = take_digits(text, 2);
  const bool colon = take(text, ':');
  const int minute = take_digits(text, 2);
  int second = 0;
  if (take(text, ':')) second = take_digits(text, 2);
  if (!colon || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    throw_no_time(value.text(), "a time point");
  }
  chrono::nanoseconds since = chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second);
  if (take(text, '.')) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) throw_no_time(value.text(), "a time point");
    std::int64_t unit = 100'000'000;
    for (const char digit : text.substr(0, digits)) {
      if (unit == 0 && digit != '0') throw_value_out_of_range("a time point in nanoseconds");
      since += chrono::nanoseconds((digit - '0') * unit);
      unit /= 10;
    }
    text.remove_prefix(digits);
  }
  if (text.empty() || text == "Z") return {day, since};
  const int sign = text.front() == '+' ? 1 : text.front() == '-' ? -1 : 0;
  text.remove_prefix(1);
  const int hours = take_digits(text, 2);
  take(text, ':');
  const int minutes = take_digits(text, 2);
  if (sign == 0 || hours < 0 || hours > 14 || minutes < 0 || minutes > 59 || !text.empty()) {
    throw_no_time(value.text(), "a time point");
  }
  since -= sign * (chrono::hours(hours) + chrono::minutes(minutes));
  const auto days = chrono::floor<chrono::days>(since);
  return {day + days, since - days};
}

}  // namespace libsql::detail

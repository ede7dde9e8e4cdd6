// A flat JSON object on one line, for logs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace libsql::server {

/// Collects members in the order in which they are added. clear() keeps the buffer for the next line.
class JsonLine final {
 public:
  /// In text that is not UTF-8, bad bytes are replaced by U+FFFD.
  JsonLine& add(std::string_view name, std::string_view text);
  JsonLine& add(std::string_view name, std::uint64_t number);
  /// In milliseconds, with a fraction.
  JsonLine& add(std::string_view name, std::chrono::nanoseconds duration);
  /// RFC 3339 in UTC, to the millisecond.
  JsonLine& add(std::string_view name, std::chrono::system_clock::time_point time);

  /// The line, including its line break. Valid until the next call.
  std::string_view finish();
  void clear() noexcept { text_.clear(); }

 private:
  void begin_member(std::string_view name);
  std::string text_;
};

/// RFC 3339 in UTC, to the millisecond: "2024-05-01T10:20:30.123Z".
void append_time(std::string& out, std::chrono::system_clock::time_point time);

}  // namespace libsql::server

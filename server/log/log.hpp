// What the server reports to its operator.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/log/line_file.hpp"

namespace libsql::server {

enum class LogLevel : std::uint8_t { Off, Error, Warn, Info, Debug };

std::string_view to_string(LogLevel level) noexcept;

/// Which messages are logged: a level, and other levels for parts of the server, such as "info" or "warn,admin=debug".
class LogFilter final {
 public:
  /// Throws std::invalid_argument, which says what is wrong.
  static LogFilter parse(std::string_view text);
  LogFilter() = default;

  LogLevel level_of(std::string_view part) const noexcept;
  /// The most detailed level of any part.
  LogLevel highest() const noexcept;

 private:
  LogLevel level_ = LogLevel::Info;
  std::vector<std::pair<std::string, LogLevel>> parts_;
};

enum class LogFormat : std::uint8_t { Text, Json };

/// The log. Threads: any number may write at once.
class Log final {
 public:
  /// Throws std::system_error if the file cannot be opened; "-" is standard error.
  Log(const std::string& path, LogFormat format, LogFilter filter);

  /// `part` names the part of the server that reports: "http", "admin", "auth", "storage", ...
  void write(LogLevel level, std::string_view part, std::string_view message) noexcept;
  void error(std::string_view part, std::string_view message) noexcept { write(LogLevel::Error, part, message); }
  void warn(std::string_view part, std::string_view message) noexcept { write(LogLevel::Warn, part, message); }
  void info(std::string_view part, std::string_view message) noexcept { write(LogLevel::Info, part, message); }
  void debug(std::string_view part, std::string_view message) noexcept { write(LogLevel::Debug, part, message); }

  void set_filter(LogFilter filter);
  void reopen() { file_.reopen(); }

 private:
  LineFile file_;
  LogFormat format_;
  std::atomic<LogLevel> highest_;
  std::mutex mutex_;
  LogFilter filter_;
};

}  // namespace libsql::server

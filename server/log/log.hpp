// What the server tells its operator.
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

/// Which messages are written: a level, and others for parts of the server: "info" or "warn,admin=debug".
class LogFilter final {
 public:
  /// Throws std::invalid_argument that names what is wrong.
  static LogFilter parse(std::string_view text);
  LogFilter() = default;

  LogLevel level_of(std::string_view part) const noexcept;
  /// The highest level that any part has.
  LogLevel highest() const noexcept;

 private:
  LogLevel level_ = LogLevel::Info;
  std::vector<std::pair<std::string, LogLevel>> parts_;
};

enum class LogFormat : std::uint8_t { Text, Json };

/// The log. Threads: any number write at once.
class Log final {
 public:
  /// Throws std::system_error if the file cannot be opened; "-" is standard error.
  Log(const std::string& path, LogFormat format, LogFilter filter);

  /// `part` is a word for the piece of the server that speaks: "http", "admin", "auth", "storage", ...
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

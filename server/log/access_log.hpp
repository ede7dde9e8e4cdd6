// One JSON line per request, and one per slow statement. Arguments of statements are never logged.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/log/line_file.hpp"

namespace libsql::server {

class Log;

/// What is logged about a request that has been answered.
struct AccessRecord {
  std::chrono::system_clock::time_point time;  // when it had arrived
  std::string_view peer;
  std::string_view method;
  std::string_view target;  // logged without its query
  std::string_view name_space;
  unsigned status = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::chrono::nanoseconds duration{0};
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
};

/// Threads: any number may write at once.
class AccessLog final {
 public:
  /// Throws std::system_error if the file cannot be opened; "-" is standard error.
  explicit AccessLog(const std::string& path) : file_(path, LineFile::Buffering::Short) {}
  void write(const AccessRecord& record) noexcept;
  void flush() noexcept { file_.flush(); }
  void reopen() { file_.reopen(); }

 private:
  LineFile file_;
};

/// What is logged about a slow statement.
struct SlowRecord {
  std::string_view name_space;
  std::string_view sql;
  std::chrono::nanoseconds duration{0};
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  bool failed = false;
};

/// Threads: any number may write at once.
class SlowLog final {
 public:
  /// Logs statements that take `threshold` or longer: to a file of their own, as lines of JSON, or to the log if `path`
  /// is empty. Throws std::system_error if the file cannot be opened.
  SlowLog(const std::string& path, Log& log, std::chrono::nanoseconds threshold);
  std::chrono::nanoseconds threshold() const noexcept { return threshold_; }
  void write(const SlowRecord& record) noexcept;
  void reopen();

 private:
  Log& log_;
  std::unique_ptr<LineFile> file_;
  std::chrono::nanoseconds threshold_;
};

}  // namespace libsql::server

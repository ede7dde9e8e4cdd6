// A file of lines that several threads append to and that may be moved away under it, as logrotate does.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace libsql::server {

/// Threads: any number append at once. A line is never torn: what is written is whole lines, in append mode.
class LineFile final {
 public:
  enum class Buffering : std::uint8_t {
    None,   // every line is written at once: for messages that are read while things go wrong
    Short,  // lines are collected until flush() or 32 KiB: for one line a request
  };

  /// "-" is standard error. Throws std::system_error if the file cannot be opened.
  LineFile(std::string path, Buffering buffering);
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile();

  /// Appends `line`, which ends with its line break. What cannot be written is dropped and counted: a full disk must
  /// not stop the server.
  void append(std::string_view line) noexcept;
  void flush() noexcept;
  /// Reopens the path. Throws std::system_error; then the old file stays in use.
  void reopen();

  /// Lines that could not be written.
  std::uint64_t lost() const noexcept;

 private:
  void write_all(std::string_view text) noexcept;

  const std::string path_;
  const Buffering buffering_;
  mutable std::mutex mutex_;
  int fd_ = -1;
  std::string buffer_;
  std::uint64_t lost_ = 0;
};

}  // namespace libsql::server

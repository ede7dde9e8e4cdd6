// A file of lines to which several threads append, and which may be renamed under it, as logrotate does.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace libsql::server {

/// Threads: any number may append at once. Lines are never torn: only whole lines are written, in append mode.
class LineFile final {
 public:
  enum class Buffering : std::uint8_t {
    None,   // each line is written at once: for messages that are read when something goes wrong
    Short,  // lines are collected until flush() or 32 KiB: for one line per request
  };

  /// "-" is standard error. Throws std::system_error if the file cannot be opened.
  LineFile(std::string path, Buffering buffering);
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile();

  /// Appends `line`, which ends with its line break. A line that cannot be written is dropped and counted, as a full
  /// disk must not stop the server.
  void append(std::string_view line) noexcept;
  void flush() noexcept;
  /// Opens the path again. Throws std::system_error, and then continues with the old file.
  void reopen();

  /// How many lines could not be written.
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

#include "server/log/line_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace libsql::server {
namespace {

constexpr std::size_t kBufferBytes = 32768;

// Readable only by owner and group, because a log shows who asked what.
constexpr int kMode = 0640;

int open_for_append(const std::string& path) {
  if (path == "-") return STDERR_FILENO;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "cannot open the log file \"" + path + "\"");
  return fd;
}

void close_unless_standard(int fd) noexcept {
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace

LineFile::LineFile(std::string path, Buffering buffering)
    : path_(std::move(path)), buffering_(buffering), fd_(open_for_append(path_)) {
  if (buffering_ == Buffering::Short) buffer_.reserve(kBufferBytes * 2);
}

LineFile::~LineFile() {
  flush();
  close_unless_standard(fd_);
}

void LineFile::append(std::string_view line) noexcept {
  const std::lock_guard lock(mutex_);
  if (buffering_ == Buffering::None || line.size() > kBufferBytes) {
    write_all(buffer_);
    buffer_.clear();
    write_all(line);
    return;
  }
  buffer_ += line;
  if (buffer_.size() < kBufferBytes) return;
  write_all(buffer_);
  buffer_.clear();
}

void LineFile::flush() noexcept {
  const std::lock_guard lock(mutex_);
  write_all(buffer_);
  buffer_.clear();
}

void LineFile::reopen() {
  const int fd = open_for_append(path_);
  const std::lock_guard lock(mutex_);
  write_all(buffer_);
  buffer_.clear();
  close_unless_standard(std::exchange(fd_, fd));
}

std::uint64_t LineFile::lost() const noexcept {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void LineFile::write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::write(fd_, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      lost_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
      return;
    }
  }
}

}  // namespace libsql::server

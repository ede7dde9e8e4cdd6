#include "server/auth/watched_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

namespace libsql::server {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

[[noreturn]] void fail(int error, const std::filesystem::path& path) {
  throw std::system_error(error, std::generic_category(), "cannot read \"" + path.string() + "\"");
}

}  // namespace

std::string read_small_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(errno, path);
  std::string content;
  char buffer[4096];
  while (content.size() <= kMostBytes) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      ::close(fd);
      fail(error, path);
    }
    if (count == 0) break;
    content.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(fd);
  if (content.size() > kMostBytes) fail(EFBIG, path);
  return content;
}

WatchedFile::WatchedFile(std::filesystem::path path) : path_(std::move(path)), stamp_(stamp_of(path_)) {}

bool WatchedFile::has_changed() {
  std::optional<Stamp> stamp = stamp_of(path_);
  const std::lock_guard lock(mutex_);
  if (stamp == stamp_) return false;
  stamp_ = stamp;
  return true;
}

std::optional<WatchedFile::Stamp> WatchedFile::stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Stamp{static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
               static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

}  // namespace libsql::server

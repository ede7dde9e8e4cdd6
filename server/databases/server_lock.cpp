#include "server/databases/server_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "core/errors.hpp"

namespace libsql::server {
namespace {

constexpr std::string_view kDirectoryLock = "server.lock";
constexpr std::string_view kDatabaseLock = "-server.lock";

[[noreturn]] void fail(const std::filesystem::path& lock, int error) {
  core::throw_error(ErrorCode::CannotOpen, "'" + lock.string() + "' cannot be locked: " + std::strerror(error));
}

[[noreturn]] void refuse(const std::filesystem::path& what, int descriptor) {
  std::array<char, 32> text{};
  const ssize_t length = ::pread(descriptor, text.data(), text.size() - 1, 0);
  std::string_view number(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  number = number.substr(0, number.find_first_not_of("0123456789"));
  ::close(descriptor);
  core::throw_error(ErrorCode::CannotOpen,
                    "'" + what.string() + "' is already served by " +
                        (number.empty() ? "another server" : "the process " + std::string(number)) +
                        ": two servers on the same data would lose acknowledged writes");
}

// Whether the folder cannot be written, or does not exist. Then another server could not delete or rename anything in
// it either, or there is nothing to serve, so no lock is needed.
bool is_out_of_reach(const std::filesystem::path& lock, int error) {
  if (error == EROFS || error == ENOENT || error == ENOTDIR) return true;
  return error == EACCES && ::access(lock.parent_path().c_str(), W_OK) != 0;
}

// Whether the path still leads to the file that was opened: its previous owner may have deleted it in between.
bool is_still_there(const std::filesystem::path& lock, int descriptor) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(lock.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

}  // namespace

ServerLock::~ServerLock() {
  for (const Held& held : held_) {
    ::unlink(held.file.c_str());  // while it is still locked, so this cannot be another owner's file
    ::close(held.descriptor);
  }
}

void ServerLock::take(const std::filesystem::path& lock, const std::filesystem::path& what) {
  held_.reserve(held_.size() + 1);
  for (;;) {
    const int descriptor = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
      const int error = errno;
      if (is_out_of_reach(lock, error)) return;
      fail(lock, error);
    }
    int locked = 0;
    do {
      locked = ::flock(descriptor, LOCK_EX | LOCK_NB);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0 && errno == EWOULDBLOCK) refuse(what, descriptor);
    if (locked != 0) {
      const int error = errno;
      ::close(descriptor);
      fail(lock, error);
    }
    if (!is_still_there(lock, descriptor)) {
      ::close(descriptor);
      continue;
    }
    const std::string number = std::to_string(::getpid()) + "\n";
    // The process number only helps people; the lock does not depend on it.
    if (::ftruncate(descriptor, 0) == 0) static_cast<void>(!::pwrite(descriptor, number.data(), number.size(), 0));
    held_.push_back({lock, descriptor});
    return;
  }
}

void ServerLock::take_directory(const std::filesystem::path& directory) {
  take(std::filesystem::canonical(directory) / kDirectoryLock, directory);
}

void ServerLock::take_database(const std::filesystem::path& file) {
  // Links can give a file several names. Its locks go by its real path.
  const std::filesystem::path real = std::filesystem::weakly_canonical(std::filesystem::absolute(file));
  const std::filesystem::path databases = real.parent_path().parent_path();
  if (real.filename() == "data" && databases.filename() == "dbs") {
    take(databases.parent_path() / kDirectoryLock, databases.parent_path());
  }
  std::filesystem::path lock = real;
  lock += kDatabaseLock;
  take(lock, file);
}

}  // namespace libsql::server

#include "cli/file_functions.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <libsql/functions.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::size_t kLongest = 1'000'000'000;  // as the engine's own limit of a value

class File {
 public:
  explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const noexcept { return descriptor_; }
  bool close() noexcept {
    const int closing = descriptor_;
    descriptor_ = -1;
    return ::close(closing) == 0;
  }

 private:
  int descriptor_;
};

std::string text_of(ValueRef value) {
  std::string text;
  append_plain(text, value, {});
  if (text.find('\0') != std::string::npos) throw std::runtime_error("a file name contains a NUL byte");
  return text;
}

// NULL for what is not there or cannot be opened, as sqlite3 has it.
std::optional<Blob> read_file(ValueRef name) {
  if (name.is_null()) return std::nullopt;
  const std::string path = text_of(name);
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0 || S_ISDIR(status.st_mode)) return std::nullopt;
  Blob bytes;
  while (true) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kPiece);
    const ssize_t got = ::read(file.descriptor(), bytes.data() + size, kPiece);
    if (got < 0 && errno != EINTR) throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
    bytes.resize(size + (got < 0 ? 0 : static_cast<std::size_t>(got)));
    if (got == 0) return bytes;
    if (bytes.size() > kLongest) throw std::runtime_error(path + " is too large for a value");
  }
}

void require(bool done, const std::string& path) {
  if (!done) throw std::runtime_error("failed to write file: " + path + ": " + std::strerror(errno));
}

std::optional<std::int64_t> write_file(std::span<const ValueRef> arguments) {
  if (arguments.size() < 2 || arguments.size() > 4) {
    throw std::runtime_error("wrong number of arguments to function writefile()");
  }
  if (arguments[0].is_null()) return std::nullopt;
  const std::string path = text_of(arguments[0]);
  std::string data;
  append_plain(data, arguments[1], {});
  const auto number = [&](std::size_t i) -> std::optional<std::int64_t> {
    if (arguments.size() <= i || arguments[i].is_null()) return std::nullopt;
    if (arguments[i].type() != ValueType::Integer)
      throw std::runtime_error("writefile() needs MODE and MTIME as integers");
    return arguments[i].integer();
  };
  const std::optional<std::int64_t> mode = number(2);
  const std::optional<std::int64_t> modified = number(3);
  if (mode && ((*mode & S_IFMT) != 0 && !S_ISREG(static_cast<mode_t>(*mode)))) {
    throw std::runtime_error("writefile() writes regular files only");
  }
  File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  require(file.descriptor() >= 0, path);
  for (std::size_t at = 0; at < data.size();) {
    const ssize_t put = ::write(file.descriptor(), data.data() + at, data.size() - at);
    require(put >= 0 || errno == EINTR, path);
    if (put > 0) at += static_cast<std::size_t>(put);
  }
  if (mode) require(fchmod(file.descriptor(), static_cast<mode_t>(*mode & 07777)) == 0, path);
  if (modified) {
    const timespec time = {static_cast<time_t>(*modified), 0};
    const timespec times[2] = {time, time};
    require(futimens(file.descriptor(), times) == 0, path);
  }
  require(file.close(), path);
  return static_cast<std::int64_t>(data.size());
}

}  // namespace

void add_file_functions(Connection& connection) {
  Functions functions(connection);
  functions.scalar("readfile", read_file, FunctionFlags::DirectOnly);
  functions.scalar("writefile", write_file, FunctionFlags::DirectOnly);
}

}  // namespace libsql::cli

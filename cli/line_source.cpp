#include "cli/line_source.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/errors.hpp"

namespace libsql::cli {
namespace {

void strip_line_break(std::string& line) {
  if (line.ends_with('\n')) line.pop_back();
  if (line.ends_with('\r')) line.pop_back();
}

}  // namespace

bool TextSource::next(std::string& line) {
  if (text_.empty()) return false;
  const std::size_t newline = text_.find('\n');
  const std::size_t length = newline == std::string_view::npos ? text_.size() : newline + 1;
  line.assign(text_.substr(0, length));
  text_.remove_prefix(length);
  strip_line_break(line);
  return true;
}

StreamSource::~StreamSource() { std::free(buffer_); }

bool StreamSource::next(std::string& line) {
  const ssize_t length = getline(&buffer_, &capacity_, stream_);
  if (length < 0) return false;
  line.assign(buffer_, static_cast<std::size_t>(length));
  strip_line_break(line);
  return true;
}

InputFile::InputFile(const std::string& name) : name_(name) {
  is_pipe_ = name.starts_with('|');
  if (is_pipe_) std::fflush(nullptr);
  stream_ = is_pipe_ ? popen(name.c_str() + 1, "r") : std::fopen(name.c_str(), "rb");
  if (stream_ == nullptr) throw CommandError("cannot open \"" + name + "\": " + std::strerror(errno));
  struct stat status = {};
  if (fstat(fileno(stream_), &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    std::fclose(stream_);
    throw CommandError("cannot read \"" + name + "\": it is a directory");
  }
  if (S_ISREG(status.st_mode)) size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  if (stream_ == nullptr) return;
  if (is_pipe_) {
    pclose(stream_);
  } else {
    std::fclose(stream_);
  }
}

void InputFile::close() {
  std::FILE* const closing = stream_;
  stream_ = nullptr;
  if (!is_pipe_) {
    std::fclose(closing);
  } else if (pclose(closing) != 0) {
    throw CommandError("the command \"" + name_.substr(1) + "\" failed");
  }
}

}  // namespace libsql::cli

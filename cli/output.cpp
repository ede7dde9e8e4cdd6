#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace libsql::cli {

Output::~Output() {
  if (!is_redirected()) return;
  if (is_pipe_) {
    pclose(file_);
  } else {
    std::fclose(file_);
  }
}

void Output::write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), file_); }

void Output::flush() {
  errno = 0;
  const bool failed = std::fflush(file_) != 0 || std::ferror(file_) != 0;
  if (!failed) return;
  const int code = errno;
  std::clearerr(file_);
  if (is_pipe_) return;  // The reader has seen enough.
  throw std::runtime_error("cannot write to " + name() + ": " + std::strerror(code != 0 ? code : EIO));
}

void Output::redirect(const std::string& destination, bool only_next_statement) {
  restore();
  if (destination.empty() || destination == "stdout") return;
  const bool pipe = destination.front() == '|';
  std::fflush(nullptr);
  std::FILE* opened =
      pipe ? popen(destination.c_str() + 1, "w")
           : (destination == "off" ? std::fopen("/dev/null", "wb") : std::fopen(destination.c_str(), "wb"));
  if (opened == nullptr) throw std::runtime_error("cannot open \"" + destination + "\": " + std::strerror(errno));
  file_ = opened;
  name_ = destination;
  is_pipe_ = pipe;
  // The command that asks for it counts as the first.
  statements_left_ = only_next_statement ? 2 : -1;
}

void Output::restore() {
  if (!is_redirected()) return;
  const bool failed = std::fflush(file_) != 0 || std::ferror(file_) != 0;
  const std::string name = name_;
  const bool pipe = is_pipe_;
  std::FILE* const closing = file_;
  file_ = stdout;
  name_.clear();
  is_pipe_ = false;
  statements_left_ = -1;
  const int status = pipe ? pclose(closing) : std::fclose(closing);
  if (!pipe && (failed || status != 0)) throw std::runtime_error("cannot write to " + name);
}

void Output::statement_done() {
  if (statements_left_ > 0 && --statements_left_ == 0) restore();
}

bool Output::is_terminal() const noexcept { return isatty(fileno(file_)) != 0; }

}  // namespace libsql::cli

// A child process that is spoken to by lines.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stress/child.hpp"

namespace libsql::test {

class LineProcess {
 public:
  /// `error_file`: as Child takes it.
  LineProcess(std::vector<std::string> command, const std::string& error_file)
      : child_(std::move(command), error_file) {}

  /// A child that is gone does not read it.
  void send(std::string line) const {
    line += '\n';
    if (::write(child_.input(), line.data(), line.size()) < 0) return;
  }
  /// A line that is there already.
  std::optional<std::string> take() {
    const std::size_t end = seen_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line = seen_.substr(0, end);
    seen_.erase(0, end + 1);
    return line;
  }
  /// Reads what there is; false at the end of its output.
  bool fill() {
    char buffer[4096];
    const ssize_t got = ::read(child_.output(), buffer, sizeof buffer);
    if (got > 0) seen_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  /// The next line; none if it ends, or says nothing for so long.
  std::optional<std::string> read_line(std::chrono::milliseconds patience) {
    for (;;) {
      if (auto line = take()) return line;
      pollfd one{child_.output(), POLLIN, 0};
      if (::poll(&one, 1, static_cast<int>(patience.count())) <= 0 || !fill()) return std::nullopt;
    }
  }
  int output() const { return child_.output(); }
  pid_t pid() const { return child_.pid(); }

  /// Sends the signal and waits; the status as waitpid() gives it.
  int end(int signal) {
    child_.kill(signal);
    return child_.wait();
  }

 private:
  Child child_;
  std::string seen_;
};

}  // namespace libsql::test

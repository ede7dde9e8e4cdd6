// A child process that is spoken to by lines.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace libsql::test {

class LineProcess {
 public:
  /// `error_file`: where its standard error goes, appended. A file that may not grow is an error for the child, not its
  /// end.
  LineProcess(std::vector<std::string> command, const std::string& error_file) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      const int error = ::open(error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      if (error >= 0) ::dup2(error, STDERR_FILENO);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    if (pid_ < 0) throw std::runtime_error("no process");
  }
  ~LineProcess() {
    if (pid_ > 0) end(SIGKILL);
    ::close(input_);
    ::close(output_);
  }
  LineProcess(const LineProcess&) = delete;
  LineProcess& operator=(const LineProcess&) = delete;

  /// A child that is gone does not read it.
  void send(std::string line) const {
    line += '\n';
    if (::write(input_, line.data(), line.size()) < 0) return;
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
    const ssize_t got = ::read(output_, buffer, sizeof buffer);
    if (got > 0) seen_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  /// The next line; none if it ends, or says nothing for so long.
  std::optional<std::string> read_line(std::chrono::milliseconds patience) {
    for (;;) {
      if (auto line = take()) return line;
      pollfd one{output_, POLLIN, 0};
      if (::poll(&one, 1, static_cast<int>(patience.count())) <= 0 || !fill()) return std::nullopt;
    }
  }
  int output() const { return output_; }
  pid_t pid() const { return pid_; }

  /// Sends the signal and waits; the status as waitpid() gives it.
  int end(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string seen_;
};

}  // namespace libsql::test

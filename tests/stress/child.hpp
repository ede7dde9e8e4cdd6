// A child process with a pipe to its input and one from its output.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace libsql::test {

class Child {
 public:
  // `error_file`: where its standard error goes, appended. A file that may not grow is an error for the child then, not
  // its end.
  explicit Child(std::vector<std::string> command, const std::string& error_file = {}) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<char*> arguments;
    for (std::string& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      if (!error_file.empty()) {
        ::signal(SIGXFSZ, SIG_IGN);
        const int error = ::open(error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (error >= 0) ::dup2(error, STDERR_FILENO);
      }
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    if (pid_ < 0) throw std::runtime_error("no process");
  }
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        input_(std::exchange(other.input_, -1)),
        output_(std::exchange(other.output_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill();
      wait();
    }
    end_input();
    if (output_ >= 0) ::close(output_);
  }

  // Reads exactly `size` bytes; false at the end of the output.
  bool read(void* data, std::size_t size) const {
    auto* at = static_cast<char*>(data);
    while (size > 0) {
      const ssize_t got = ::read(output_, at, size);
      if (got <= 0) return false;
      at += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  void end_input() {
    if (input_ >= 0) ::close(std::exchange(input_, -1));
  }
  void kill(int signal = SIGKILL) const {
    if (pid_ > 0) ::kill(pid_, signal);
  }
  pid_t pid() const { return pid_; }
  int input() const { return input_; }
  int output() const { return output_; }
  // The status as waitpid() gives it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace libsql::test

#include "integration/shell/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "support/eventually.hpp"

namespace libsql::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

int status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// What execve() wants, made before the fork.
class Invocation {
 public:
  Invocation(const std::string& program, const std::vector<std::string>& arguments, Environment environment) {
    texts_.push_back(program);
    texts_.insert(texts_.end(), arguments.begin(), arguments.end());
    const std::size_t count = texts_.size();
    if (const char* path = std::getenv("PATH")) environment.emplace("PATH", path);
    environment.emplace("HOME", "/nonexistent");
    environment.emplace("LANG", "C.UTF-8");
    for (const auto& [name, value] : environment) texts_.push_back(name + "=" + value);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      (i < count ? arguments_ : environment_).push_back(texts_[i].data());
    }
    arguments_.push_back(nullptr);
    environment_.push_back(nullptr);
  }

  [[noreturn]] void run() {
    execve(arguments_[0], arguments_.data(), environment_.data());
    _exit(127);
  }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
};

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    for (const int fd : ends) {
      if (fd >= 0) close(fd);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int end) {
    close(ends[end]);
    ends[end] = -1;
  }
};

}  // namespace

ProcessResult run_process(const std::string& program, const std::vector<std::string>& arguments,
                          const std::string& input, const Environment& environment) {
  Invocation invocation(program, arguments, environment);
  Pipe in;
  Pipe out;
  Pipe err;
  signal(SIGPIPE, SIG_IGN);
  const int pid = fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    dup2(in.ends[0], STDIN_FILENO);
    dup2(out.ends[1], STDOUT_FILENO);
    dup2(err.ends[1], STDERR_FILENO);
    invocation.run();
  }
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  fcntl(in.ends[1], F_SETFL, O_NONBLOCK);
  ProcessResult result;
  std::size_t written = 0;
  bool reading[2] = {true, true};
  while (reading[0] || reading[1]) {
    if (in.ends[1] >= 0 && written == input.size()) in.close_end(1);
    pollfd waiting[3] = {{in.ends[1], POLLOUT, 0},
                         {reading[0] ? out.ends[0] : -1, POLLIN, 0},
                         {reading[1] ? err.ends[0] : -1, POLLIN, 0}};
    poll(waiting, 3, -1);
    if (waiting[0].revents != 0) {
      const ssize_t count = write(in.ends[1], input.data() + written, input.size() - written);
      written = count < 0 ? input.size() : written + static_cast<std::size_t>(count);
    }
    for (int i = 0; i < 2; ++i) {
      if (waiting[i + 1].revents == 0) continue;
      char buffer[65536];
      const ssize_t count = read(waiting[i + 1].fd, buffer, sizeof(buffer));
      if (count <= 0) {
        reading[i] = false;
      } else {
        (i == 0 ? result.out : result.err).append(buffer, static_cast<std::size_t>(count));
      }
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  result.status = status_of(status);
  return result;
}

ProcessResult run_shell(const std::vector<std::string>& arguments, const std::string& input,
                        const Environment& environment) {
  return run_process(LIBSQL_PROGRAM, arguments, input, environment);
}

Terminal::Terminal(const std::string& program, const std::vector<std::string>& arguments, Environment environment) {
  environment.emplace("TERM", "xterm");
  environment.emplace("LIBSQL_HISTORY", "");
  environment.emplace("INPUTRC", "/dev/null");
  Invocation invocation(program, arguments, std::move(environment));
  winsize size = {};
  size.ws_row = 50;
  size.ws_col = 200;
  pid_ = forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::runtime_error("no terminal");
  if (pid_ == 0) invocation.run();
}

Terminal::~Terminal() {
  close(fd_);
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void Terminal::type(const std::string& text) {
  if (write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) throw std::runtime_error("no write");
}

bool Terminal::read_more(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  if (left <= 0) return false;
  pollfd waiting = {fd_, POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
  char buffer[4096];
  const ssize_t count = read(fd_, buffer, sizeof(buffer));
  if (count <= 0) return false;
  shown_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

bool Terminal::expect(const std::string& text) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const std::size_t found = shown_.find(text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text.size();
      return true;
    }
    if (!read_more(until)) return false;
  }
}

int Terminal::wait() {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (read_more(until)) {
  }
  int status = 0;
  if (!eventually([&] { return waitpid(pid_, &status, WNOHANG) != 0; }, kPatience)) return -1;
  pid_ = -1;
  return status_of(status);
}

}  // namespace libsql::test

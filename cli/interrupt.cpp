#include "cli/interrupt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace libsql::cli {
namespace {

constexpr char kInterrupt = 'i';
constexpr char kStop = 's';

// Written by the signal handler, which may call hardly anything but write().
volatile int signal_pipe = -1;

void on_signal(int) {
  const int saved = errno;
  [[maybe_unused]] const auto written = write(signal_pipe, &kInterrupt, 1);
  errno = saved;
}

void open_pipe(int (&ends)[2]) {
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("cannot make a pipe");
}

}  // namespace

InterruptWatcher::InterruptWatcher(bool interactive) : interactive_(interactive) {
  open_pipe(signals_);
  open_pipe(wake_);
  signal_pipe = signals_[1];
  thread_ = std::thread([this] { watch(); });
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

InterruptWatcher::~InterruptWatcher() {
  signal(SIGINT, SIG_DFL);
  [[maybe_unused]] const auto written = write(signals_[1], &kStop, 1);
  thread_.join();
  for (const int fd : {signals_[0], signals_[1], wake_[0], wake_[1]}) close(fd);
}

void InterruptWatcher::watch() noexcept {
  // An interrupt that comes just before the engine starts a statement has no effect, so it is repeated as long as the
  // statement runs.
  constexpr int kRepeatMilliseconds = 20;
  while (true) {
    pollfd waiting = {signals_[0], POLLIN, 0};
    poll(&waiting, 1, interrupted_ ? kRepeatMilliseconds : -1);
    char message = 0;
    const bool received = read(signals_[0], &message, 1) == 1;
    if (received && message == kStop) return;
    const std::lock_guard lock(mutex_);
    if (received) {
      if (running_) {
        interrupted_ = true;
      } else if (interactive_) {
        [[maybe_unused]] const auto written = write(wake_[1], &kInterrupt, 1);
      } else {
        _exit(kInterruptedExitCode);
      }
    }
    if (interrupted_ && running_) running_->interrupt();
  }
}

InterruptWatcher::Scope::Scope(InterruptWatcher& watcher, InterruptHandle handle) : watcher_(watcher) {
  const std::lock_guard lock(watcher.mutex_);
  outer_ = std::exchange(watcher.running_, std::move(handle));
}

InterruptWatcher::Scope::~Scope() {
  const std::lock_guard lock(watcher_.mutex_);
  watcher_.running_ = std::move(outer_);
}

void InterruptWatcher::drain_wake() const noexcept {
  char bytes[16];
  while (read(wake_[0], bytes, sizeof(bytes)) > 0) {
  }
}

}  // namespace libsql::cli

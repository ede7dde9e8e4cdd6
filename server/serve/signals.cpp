#include "server/serve/signals.hpp"

#include <pthread.h>
#include <time.h>

namespace libsql::server {

Signals::Signals() {
  sigemptyset(&held_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&held_, number);
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
  signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Signals::Event Signals::wait(std::chrono::milliseconds longest) noexcept {
  timespec time{};
  time.tv_sec = static_cast<time_t>(longest.count() / 1000);
  time.tv_nsec = static_cast<long>(longest.count() % 1000 * 1'000'000);
  switch (sigtimedwait(&held_, nullptr, &time)) {
    case SIGTERM:
    case SIGINT:
      return Event::Stop;
    case SIGHUP:
      return Event::Reload;
    default:
      return Event::None;
  }
}

void Signals::let_second_stop_kill() noexcept {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int number : {SIGTERM, SIGINT}) {
    signal(number, SIG_DFL);
    sigaddset(&stop, number);
  }
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

}  // namespace libsql::server

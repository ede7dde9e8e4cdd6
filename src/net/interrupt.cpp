#include "net/interrupt.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

#include "net/waiting.hpp"

namespace libsql::net {

Interrupt::Interrupt() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Interrupt::~Interrupt() { ::close(descriptor_); }

void Interrupt::trigger() noexcept {
  triggered_.store(true, std::memory_order_release);
  const int saved = errno;  // A signal handler must leave it as it found it.
  const std::uint64_t one = 1;
  // It fails only if the counter is near its maximum, and then it is readable anyway.
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
  errno = saved;
}

void Interrupt::reset() noexcept {
  if (!triggered_.load(std::memory_order_acquire)) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(descriptor_, &count, sizeof count);
  triggered_.store(false, std::memory_order_release);
}

bool wait_for(int descriptor, short events, const Wait& wait, bool sent) {
  for (;;) {
    if (wait.interrupt != nullptr && wait.interrupt->triggered()) {
      throw NetError(ErrorKind::Interrupted, "interrupted", sent);
    }
    pollfd waited[2] = {{descriptor, events, 0},
                        {wait.interrupt != nullptr ? wait.interrupt->descriptor() : -1, POLLIN, 0}};
    const int ready = ::poll(waited, wait.interrupt != nullptr ? 2 : 1, wait.deadline.poll_timeout());
    if (ready < 0 && errno != EINTR) {
      throw NetError(ErrorKind::Closed, std::string("poll: ") + std::generic_category().message(errno), sent);
    }
    if (ready > 0 && waited[0].revents != 0) return true;
    if (ready == 0 && wait.deadline.passed()) return false;
  }
}

void wait_or_throw(int descriptor, short events, const Wait& wait, bool sent, const char* what) {
  if (wait_for(descriptor, events, wait, sent)) return;
  throw NetError(ErrorKind::Timeout, std::string("the deadline passed while ") + what, sent);
}

void sleep_for(std::chrono::nanoseconds time, const Wait& wait) {
  if (time > wait.deadline.left()) throw NetError(ErrorKind::Timeout, "the deadline comes before the next attempt");
  wait_for(-1, 0, Wait{Deadline::after(time), wait.interrupt}, false);
}

}  // namespace libsql::net

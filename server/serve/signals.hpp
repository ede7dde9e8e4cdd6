// Delivers signals to the main thread as events.
#pragma once

#include <signal.h>

#include <chrono>
#include <cstdint>

namespace libsql::server {

/// While it exists, blocks SIGTERM, SIGINT and SIGHUP in all threads created from then on, so that wait() receives
/// them; and ignores SIGPIPE, which writing to a closed connection would raise. Create it before any thread.
class Signals final {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  enum class Event : std::uint8_t { None, Reload, Stop };
  /// The next signal, or None if none arrives within that time.
  Event wait(std::chrono::milliseconds longest) noexcept;

  /// From now on SIGTERM and SIGINT end the process at once.
  void let_second_stop_kill() noexcept;

 private:
  sigset_t held_;
  sigset_t before_;
};

}  // namespace libsql::server

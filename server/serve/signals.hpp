// Signals as events of the main thread.
#pragma once

#include <signal.h>

#include <chrono>
#include <cstdint>

namespace libsql::server {

/// Holds SIGTERM, SIGINT and SIGHUP back from all threads that are made while it lives, so that wait() gets them; and
/// ignores SIGPIPE, which a peer that is gone would send. To be made before any thread.
class Signals final {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  enum class Event : std::uint8_t { None, Reload, Stop };
  /// The next signal; None if there is none for so long.
  Event wait(std::chrono::milliseconds longest) noexcept;

  /// From now on SIGTERM and SIGINT end the process at once.
  void let_second_stop_kill() noexcept;

 private:
  sigset_t held_;
  sigset_t before_;
};

}  // namespace libsql::server

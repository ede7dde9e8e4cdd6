// Waking a call that waits for the network.
#pragma once

#include <atomic>

#include "net/deadline.hpp"

namespace libsql::net {

/// Ends the calls that wait with it, from any thread. It stays triggered until reset(): a call that begins later ends
/// at once too, so there is no moment in which a trigger gets lost. Owner: whoever makes the calls; it must outlive
/// them. Threads: trigger() from any thread, also from a signal handler; reset() only while no call waits.
class Interrupt {
 public:
  Interrupt();  ///< Throws std::system_error if the process is out of file descriptors.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void trigger() noexcept;
  void reset() noexcept;
  bool triggered() const noexcept { return triggered_.load(std::memory_order_acquire); }
  /// Readable from trigger() until reset().
  int descriptor() const noexcept { return descriptor_; }

 private:
  std::atomic<bool> triggered_ = false;
  int descriptor_ = -1;
};

/// How long a call may wait, and who may end the wait earlier.
struct Wait {
  Deadline deadline;
  const Interrupt* interrupt = nullptr;
};

/// Sleeps for `time`. Throws NetError Timeout if the deadline comes first (at once if it is certain to), Interrupted
/// when triggered.
void sleep_for(std::chrono::nanoseconds time, const Wait& wait);

}  // namespace libsql::net

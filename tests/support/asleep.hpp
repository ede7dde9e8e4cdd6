// Threads that wait in the kernel, seen from another thread.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>

namespace libsql::test {

/// Tells when a thread sleeps: for a test that wants to do something to a call while it waits.
class Sleeper {
 public:
  /// By the thread itself, right before the call that is to wait.
  void begin() noexcept { thread_.store(::gettid(), std::memory_order_release); }
  /// By others: whether it has begun and waits in the kernel, for a lock, a socket or a time.
  bool is_asleep() const {
    const pid_t thread = thread_.load(std::memory_order_acquire);
    if (thread == 0) return false;
    std::ifstream file(std::string("/proc/self/task/").append(std::to_string(thread)).append("/stat"));
    std::string line;
    std::getline(file, line);
    const std::size_t at = line.rfind(") ");  // the name before it may hold anything
    return at != std::string::npos && line.compare(at + 2, 1, "S") == 0;
  }

 private:
  std::atomic<pid_t> thread_ = 0;
};

}  // namespace libsql::test

// Waiting for what other threads bring about.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace libsql::test {

/// Whether the condition comes true; looks again and again, for longer than the slowest machine needs. For what nobody
/// tells of: where an event can be waited for, wait for it.
template <class Condition>
bool eventually(Condition&& condition, std::chrono::seconds longest = std::chrono::seconds(60)) {
  const auto until = std::chrono::steady_clock::now() + longest;
  for (auto pause = std::chrono::microseconds(100);;
       pause = std::min<std::chrono::microseconds>(pause * 2, std::chrono::milliseconds(10))) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace libsql::test

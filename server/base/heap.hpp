// Gives memory back to the system after a peak.
#pragma once

#include <chrono>

namespace libsql::server {

/// Threads: used by one.
class Heap {
 public:
  /// To be called several times a second. What the allocator keeps for later use goes back to the system if it is much.
  void tidy() noexcept;

 private:
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace libsql::server

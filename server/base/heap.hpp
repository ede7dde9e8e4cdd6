// Gives memory back to the system after a peak.
#pragma once

#include <chrono>

namespace libsql::server {

/// Threads: one.
class Heap {
 public:
  /// Returns the allocator's unused memory to the system if there is much of it. Call it several times a second.
  void tidy() noexcept;

 private:
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace libsql::server

/// \file
/// Interrupting a call from another thread.
#pragma once

#include <memory>

#include <libsql/export.hpp>

namespace libsql {

namespace core {
class InterruptState;
}

/// Interrupts what a connection is doing. Threads: may be copied to and used from any thread, even after the
/// connection's end (then it does nothing).
class LIBSQL_EXPORT InterruptHandle final {
 public:
  InterruptHandle() noexcept;
  explicit InterruptHandle(std::shared_ptr<core::InterruptState> state) noexcept;
  InterruptHandle(const InterruptHandle&) noexcept;
  InterruptHandle(InterruptHandle&&) noexcept;
  InterruptHandle& operator=(const InterruptHandle&) noexcept;
  InterruptHandle& operator=(InterruptHandle&&) noexcept;
  ~InterruptHandle();

  /// The running call, even if it waits for a lock, soon throws Interrupted. Does nothing if no call is running.
  void interrupt() const noexcept;

 private:
  std::shared_ptr<core::InterruptState> state_;
};

}  // namespace libsql

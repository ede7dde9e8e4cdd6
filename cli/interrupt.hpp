// Ctrl-C: ends the statement that runs, or clears the line that is being typed; never the interactive program.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include <libsql/interrupt.hpp>

namespace libsql::cli {

/// Exit code of a program that Ctrl-C ended, by the shells' convention: 128 + SIGINT.
inline constexpr int kInterruptedExitCode = 130;

/// Receives SIGINT from its making until the end of the program. One per program.
class InterruptWatcher {
 public:
  /// `interactive`: with nothing running, Ctrl-C makes wake_fd() readable; else it ends the program.
  explicit InterruptWatcher(bool interactive);
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;
  ~InterruptWatcher();

  /// While it lives, Ctrl-C interrupts the connection of `handle`.
  class Scope {
   public:
    Scope(InterruptWatcher& watcher, InterruptHandle handle);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    InterruptWatcher& watcher_;
    std::optional<InterruptHandle> outer_;
  };

  /// Whether Ctrl-C came since the last clear().
  bool interrupted() const noexcept { return interrupted_; }
  void clear() noexcept { interrupted_ = false; }

  /// Becomes readable when Ctrl-C comes at the prompt; drain_wake() makes it wait again.
  int wake_fd() const noexcept { return wake_[0]; }
  void drain_wake() const noexcept;

 private:
  void watch() noexcept;

  const bool interactive_;
  std::atomic<bool> interrupted_ = false;
  std::mutex mutex_;
  std::optional<InterruptHandle> running_;
  int signals_[2] = {-1, -1};
  int wake_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace libsql::cli

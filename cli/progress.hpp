// A line on standard error that tells how far a long piece of work is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace libsql::cli {

/// Shows nothing unless standard error is a terminal, and nothing for work that is soon done. Removes its line at its
/// end.
class Progress {
 public:
  /// `total` 0: not known, then only the amount is shown. `unit` follows the amounts.
  Progress(std::string label, std::string unit, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void update(std::uint64_t done, std::uint64_t total);
  void update(std::uint64_t done) { update(done, total_); }

 private:
  using Clock = std::chrono::steady_clock;

  void show(std::uint64_t done);

  std::string label_;
  std::string unit_;
  std::uint64_t total_;
  bool enabled_;
  bool shown_ = false;
  Clock::time_point next_;
};

}  // namespace libsql::cli

#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace libsql::cli {
namespace {

constexpr auto kFirstShown = std::chrono::milliseconds(400);
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr int kBarWidth = 30;

}  // namespace

Progress::Progress(std::string label, std::string unit, std::uint64_t total)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(isatty(STDERR_FILENO) != 0),
      next_(Clock::now() + kFirstShown) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1B[K", stderr);
}

void Progress::update(std::uint64_t done, std::uint64_t total) {
  if (!enabled_) return;
  total_ = total;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + kInterval;
  shown_ = true;
  show(done);
}

void Progress::show(std::uint64_t done) {
  std::string line = "\r" + label_ + " ";
  if (total_ > 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const int full = static_cast<int>(part * kBarWidth);
    line += '[';
    line.append(static_cast<std::size_t>(full), '#').append(static_cast<std::size_t>(kBarWidth - full), '.');
    line += "] " + std::to_string(static_cast<int>(part * 100)) + "% ";
  }
  line += std::to_string(done);
  if (total_ > 0) line += "/" + std::to_string(total_);
  line += " " + unit_ + "\x1B[K";
  std::fputs(line.c_str(), stderr);
}

}  // namespace libsql::cli

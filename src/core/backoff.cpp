#include "core/backoff.hpp"

#include <algorithm>
#include <random>

namespace libsql::core {

Backoff::Backoff(Duration first, Duration longest, std::uint64_t seed)
    : first_(std::max(first, Duration(1))), longest_(std::max(longest, first_)), random_(seed) {
  if (random_ == 0) {
    std::random_device source;
    random_ = (std::uint64_t{source()} << 32 | source()) | 1;
  }
}

Backoff::Duration Backoff::next() noexcept {
  Duration wait = first_;
  for (int i = 0; i < attempts_ && wait < longest_; ++i) wait = wait > longest_ / 2 ? longest_ : wait * 2;
  ++attempts_;
  // xorshift64* (https://doi.org/10.18637/jss.v061.i01): even enough to keep clients apart.
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  const std::uint64_t half = static_cast<std::uint64_t>(wait.count()) / 2;
  const std::uint64_t jitter = half == 0 ? 0 : (random_ * 0x2545F4914F6CDD1Dull >> 11) % (half + 1);
  return wait - Duration(static_cast<Duration::rep>(jitter));
}

void Backoff::reset() noexcept { attempts_ = 0; }

}  // namespace libsql::core

#include "cli/sha3.hpp"

#include <bit>

namespace libsql::cli {
namespace {

// The constants of the step iota: bit 2^j - 1 of round i is bit j + 7i of a shift register (FIPS 202, 3.2.5).
constexpr std::array<std::uint64_t, 24> make_round_constants() {
  std::array<std::uint64_t, 24> constants{};
  unsigned lfsr = 1;
  for (std::uint64_t& constant : constants) {
    for (unsigned j = 0; j < 7; ++j) {
      if ((lfsr & 1U) != 0) constant |= std::uint64_t{1} << ((1U << j) - 1);
      lfsr = lfsr << 1U;
      if ((lfsr & 0x100U) != 0) lfsr ^= 0x171U;
    }
  }
  return constants;
}

constexpr auto kRoundConstants = make_round_constants();

}  // namespace

void Sha3::permute() noexcept {
  const auto at = [](std::size_t x, std::size_t y) { return x % 5 + 5 * (y % 5); };
  for (const std::uint64_t constant : kRoundConstants) {
    std::array<std::uint64_t, 5> parity{};
    for (std::size_t x = 0; x < 5; ++x) {
      for (std::size_t y = 0; y < 5; ++y) parity[x] ^= state_[at(x, y)];
    }
    for (std::size_t x = 0; x < 5; ++x) {
      const std::uint64_t mixed = parity[(x + 4) % 5] ^ std::rotl(parity[(x + 1) % 5], 1);
      for (std::size_t y = 0; y < 5; ++y) state_[at(x, y)] ^= mixed;
    }
    std::array<std::uint64_t, 25> moved{};
    moved[0] = state_[0];
    std::size_t x = 1;
    std::size_t y = 0;
    for (int t = 0; t < 24; ++t) {
      const std::size_t next = (2 * x + 3 * y) % 5;
      moved[at(y, next)] = std::rotl(state_[at(x, y)], (t + 1) * (t + 2) / 2 % 64);
      x = y;
      y = next;
    }
    for (y = 0; y < 5; ++y) {
      for (x = 0; x < 5; ++x) state_[at(x, y)] = moved[at(x, y)] ^ (~moved[at(x + 1, y)] & moved[at(x + 2, y)]);
    }
    state_[0] ^= constant;
  }
}

void Sha3::absorb(std::uint8_t byte) noexcept {
  state_[filled_ / 8] ^= static_cast<std::uint64_t>(byte) << (filled_ % 8 * 8);
  if (++filled_ < rate_) return;
  permute();
  filled_ = 0;
}

void Sha3::update(std::string_view bytes) noexcept {
  for (const char byte : bytes) absorb(static_cast<std::uint8_t>(byte));
}

std::string Sha3::finish() {
  state_[filled_ / 8] ^= std::uint64_t{0x06} << (filled_ % 8 * 8);
  state_[(rate_ - 1) / 8] ^= std::uint64_t{0x80} << ((rate_ - 1) % 8 * 8);
  permute();
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digest;
  for (std::size_t i = 0; i < digest_bytes_; ++i) {
    const auto byte = static_cast<unsigned>(state_[i / 8] >> (i % 8 * 8) & 0xFFU);
    digest += kDigits[byte >> 4U];
    digest += kDigits[byte & 15U];
  }
  return digest;
}

}  // namespace libsql::cli

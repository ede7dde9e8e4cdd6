#include "replication/crc64.hpp"

#include <array>

#include "replication/bytes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace libsql::replication {

namespace {

// x^64 + x^4 + x^3 + x + 1, its bits in reverse order: the highest bit is that of x^0.
constexpr std::uint64_t kPolynomial = 0xd800000000000000;

// What a byte becomes after 1 to 8 further bytes, so that eight bytes are taken at a time.
constexpr std::size_t kSlices = 8;
using Table = std::array<std::array<std::uint64_t, 256>, kSlices>;

// Multiplies by x.
constexpr std::uint64_t shifted(std::uint64_t rest) noexcept {
  return (rest >> 1U) ^ ((rest & 1U) != 0 ? kPolynomial : 0U);
}

constexpr Table kTable = [] {
  Table table{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint64_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = shifted(rest);
    table[0][byte] = rest;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = table[slice - 1][byte];
      table[slice][byte] = (before >> 8U) ^ table[0][before & 255U];
    }
  }
  return table;
}();

#if defined(__x86_64__)

// x to the power of `exponent`, modulo the polynomial.
constexpr std::uint64_t power_of_x(int exponent) noexcept {
  std::uint64_t rest = std::uint64_t{1} << 63U;
  for (int i = 0; i < exponent; ++i) rest = shifted(rest);
  return rest;
}

// 16 bytes stand for a polynomial, those that come first for its higher half. Further on by n bits, the halves are to
// be multiplied by x^(n + 64) and x^n. The product of two numbers with their bits in reverse order comes out multiplied
// by x.
struct Fold {
  std::uint64_t high;
  std::uint64_t low;
};
constexpr Fold fold_by(int bits) noexcept { return {power_of_x(bits + 63), power_of_x(bits - 1)}; }
constexpr Fold kBy16Bytes = fold_by(128);
constexpr Fold kBy64Bytes = fold_by(512);

#define LIBSQL_CLMUL __attribute__((target("pclmul,sse2")))

LIBSQL_CLMUL inline __m128i load(const std::byte* bytes) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

LIBSQL_CLMUL inline __m128i constants(Fold fold) noexcept {
  return _mm_set_epi64x(static_cast<long long>(fold.low), static_cast<long long>(fold.high));
}

LIBSQL_CLMUL inline __m128i folded(__m128i sum, __m128i by, __m128i next) noexcept {
  return _mm_xor_si128(next, _mm_xor_si128(_mm_clmulepi64_si128(sum, by, 0x00), _mm_clmulepi64_si128(sum, by, 0x11)));
}

// Requires: at least 64 bytes.
LIBSQL_CLMUL std::uint64_t crc64_by_multiplication(std::uint64_t rest, std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  // Four sums at a time: a product takes several steps of the processor, which can begin one in each.
  __m128i sums[4];
  for (int i = 0; i < 4; ++i) sums[i] = load(at + 16 * i);
  sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi64_si128(static_cast<long long>(rest)));
  const __m128i by_64 = constants(kBy64Bytes);
  for (at += 64, left -= 64; left >= 64; at += 64, left -= 64) {
    for (int i = 0; i < 4; ++i) sums[i] = folded(sums[i], by_64, load(at + 16 * i));
  }
  const __m128i by_16 = constants(kBy16Bytes);
  __m128i sum = sums[0];
  for (int i = 1; i < 4; ++i) sum = folded(sum, by_16, sums[i]);
  for (; left >= 16; at += 16, left -= 16) sum = folded(sum, by_16, load(at));
  std::array<std::byte, 16> end{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(end.data()), sum);
  return crc64_by_tables(crc64_by_tables(0, end), {at, left});
}

#undef LIBSQL_CLMUL

bool has_multiplication() noexcept {
  static const bool has = __builtin_cpu_supports("pclmul") != 0;
  return has;
}

#endif

}  // namespace

std::uint64_t crc64_by_tables(std::uint64_t rest, std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    rest ^= load_le<std::uint64_t>(at);
    rest = kTable[7][rest & 255U] ^ kTable[6][rest >> 8U & 255U] ^ kTable[5][rest >> 16U & 255U] ^
           kTable[4][rest >> 24U & 255U] ^ kTable[3][rest >> 32U & 255U] ^ kTable[2][rest >> 40U & 255U] ^
           kTable[1][rest >> 48U & 255U] ^ kTable[0][rest >> 56U];
  }
  for (; left > 0; --left, ++at) rest = (rest >> 8U) ^ kTable[0][(rest ^ std::to_integer<std::uint64_t>(*at)) & 255U];
  return rest;
}

std::uint64_t crc64(std::uint64_t rest, std::span<const std::byte> bytes) noexcept {
#if defined(__x86_64__)
  if (bytes.size() >= 64 && has_multiplication()) return crc64_by_multiplication(rest, bytes);
#endif
  return crc64_by_tables(rest, bytes);
}

}  // namespace libsql::replication

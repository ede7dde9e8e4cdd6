#include "functions/vector_kernels.hpp"

#include <array>
#include <bit>

#include "functions/float16.hpp"
#include "functions/unaligned.hpp"

namespace libsql::functions {

namespace {

/// Partial sums of type T, fed with blocks of `Lanes` terms; the last block may be shorter.
template <class T, std::size_t Lanes>
struct LaneSum {
  std::array<T, Lanes> lanes{};

  T total() noexcept {
    for (std::size_t width = Lanes / 2; width > 0; width /= 2) {
      for (std::size_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
    }
    return lanes[0];
  }
};

/// Calls step(j, index) for every index, j being its lane; whole blocks first, so that the compiler can vectorise them.
template <std::size_t Lanes, class Step>
void for_lanes(std::size_t n, Step&& step) noexcept {
  std::size_t i = 0;
  for (; i + Lanes <= n; i += Lanes) {
    for (std::size_t j = 0; j < Lanes; ++j) step(j, i + j);
  }
  for (std::size_t j = 0; i + j < n; ++j) step(j, i + j);
}

template <class T>
constexpr std::size_t kLanesOf = sizeof(T) == sizeof(float) ? kFloatLanes : kDoubleLanes;

template <class T>
CosineSums<T> cosine(const void* a, const void* b, std::size_t n) {
  LaneSum<T, kLanesOf<T>> dot;
  LaneSum<T, kLanesOf<T>> first;
  LaneSum<T, kLanesOf<T>> second;
  for_lanes<kLanesOf<T>>(n, [&](std::size_t j, std::size_t i) {
    const T x = load<T>(a, i);
    const T y = load<T>(b, i);
    dot.lanes[j] += x * y;
    first.lanes[j] += x * x;
    second.lanes[j] += y * y;
  });
  return {dot.total(), first.total(), second.total()};
}

template <class T>
T squared_l2(const void* a, const void* b, std::size_t n) {
  LaneSum<T, kLanesOf<T>> sum;
  for_lanes<kLanesOf<T>>(n, [&](std::size_t j, std::size_t i) {
    const T difference = load<T>(a, i) - load<T>(b, i);
    sum.lanes[j] += difference * difference;
  });
  return sum.total();
}

template <class T>
double dot(const void* a, const void* b, std::size_t n) {
  LaneSum<double, kDoubleLanes> sum;
  for_lanes<kDoubleLanes>(n, [&](std::size_t j, std::size_t i) {
    sum.lanes[j] += static_cast<double>(load<T>(a, i)) * static_cast<double>(load<T>(b, i));
  });
  return sum.total();
}

/// The choice of the second operand on a NaN or a tie is that of the x86 instructions.
double lesser(double x, double y) noexcept { return x < y ? x : y; }
double greater(double x, double y) noexcept { return x > y ? x : y; }

template <class T>
OverlapSums overlap(const void* a, const void* b, std::size_t n) {
  LaneSum<double, kDoubleLanes> minimum;
  LaneSum<double, kDoubleLanes> maximum;
  for_lanes<kDoubleLanes>(n, [&](std::size_t j, std::size_t i) {
    const double x = load<T>(a, i);
    const double y = load<T>(b, i);
    minimum.lanes[j] += lesser(x, y);
    maximum.lanes[j] += greater(x, y);
  });
  return {minimum.total(), maximum.total()};
}

ByteSums byte_sums(const std::uint8_t* a, const std::uint8_t* b, std::size_t n) {
  ByteSums sums;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t x = a[i];
    const std::uint32_t y = b[i];
    sums.first += x;
    sums.second += y;
    sums.first_squares += x * x;
    sums.second_squares += y * y;
    sums.products += x * y;
  }
  return sums;
}

/// Calls use(x, y) with the bits of both, eight bytes at a time, the end padded with zeros.
template <class Use>
void for_words(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes, Use&& use) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) use(load<std::uint64_t>(a + i), load<std::uint64_t>(b + i));
  if (i == bytes) return;
  std::uint64_t x = 0;
  std::uint64_t y = 0;
  std::memcpy(&x, a + i, bytes - i);
  std::memcpy(&y, b + i, bytes - i);
  use(x, y);
}

std::uint32_t differing_bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  int count = 0;
  for_words(a, b, bytes, [&](std::uint64_t x, std::uint64_t y) { count += std::popcount(x ^ y); });
  return static_cast<std::uint32_t>(count);
}

BitOverlap bit_overlap(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  int both = 0;
  int either = 0;
  for_words(a, b, bytes, [&](std::uint64_t x, std::uint64_t y) {
    both += std::popcount(x & y);
    either += std::popcount(x | y);
  });
  return {static_cast<std::uint32_t>(both), static_cast<std::uint32_t>(either)};
}

void float8_to_float32(const std::uint8_t* bytes, float alpha, float shift, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = alpha * static_cast<float>(bytes[i]) + shift;
}

void float16_to_float32(const void* halves, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = half_to_float(load<std::uint16_t>(halves, i));
}

void floatb16_to_float32(const void* halves, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = bfloat_to_float(load<std::uint16_t>(halves, i));
}

struct Available {
  std::array<const Kernels*, 3> sets{};
  std::size_t count = 0;

  Available() noexcept {
    sets[count++] = &portable_kernels();
    if (const Kernels* avx2 = avx2_kernels()) sets[count++] = avx2;
    if (const Kernels* avx512 = avx512_kernels()) sets[count++] = avx512;
  }
};

const Available& available() noexcept {
  static const Available instance;
  return instance;
}

}  // namespace

const Kernels& portable_kernels() noexcept {
  static constexpr Kernels kSet{"portable",         cosine<float>,      cosine<double>,     squared_l2<float>,
                                squared_l2<double>, dot<float>,         dot<double>,        overlap<float>,
                                overlap<double>,    byte_sums,          differing_bits,     bit_overlap,
                                float8_to_float32,  float16_to_float32, floatb16_to_float32};
  return kSet;
}

#if !defined(__x86_64__)
const Kernels* avx2_kernels() noexcept { return nullptr; }
const Kernels* avx512_kernels() noexcept { return nullptr; }
#endif

const Kernels& best_kernels() noexcept {
  static const Kernels& best = *available().sets[available().count - 1];
  return best;
}

std::span<const Kernels* const> available_kernels() noexcept { return {available().sets.data(), available().count}; }

}  // namespace libsql::functions

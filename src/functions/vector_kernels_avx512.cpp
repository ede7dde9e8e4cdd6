#if defined(__x86_64__)

#include <immintrin.h>

#include "functions/vector_kernels.hpp"

#define LIBSQL_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq")))

namespace libsql::functions {

namespace {

/// A mask of the first n of 64 elements.
inline std::uint64_t first_bits(std::size_t n) { return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }

/// 32 lanes of float, 16 of double.
struct FloatSum {
  __m512 low;
  __m512 high;
};
struct DoubleSum {
  __m512d low;
  __m512d high;
};

LIBSQL_AVX512 inline float total(const FloatSum& sum) {
  const __m512 sixteen = _mm512_add_ps(sum.low, sum.high);
  const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(sixteen), 1));
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(sixteen), upper);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

LIBSQL_AVX512 inline double total(const DoubleSum& sum) {
  const __m512d eight = _mm512_add_pd(sum.low, sum.high);
  const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// AVX-512 brings FMA along: it is -ffp-contract=off (CMakeLists.txt) that keeps products and sums apart.
LIBSQL_AVX512 inline __m512 times(__m512 x, __m512 y) { return _mm512_mul_ps(x, y); }
LIBSQL_AVX512 inline __m512d times(__m512d x, __m512d y) { return _mm512_mul_pd(x, y); }
LIBSQL_AVX512 inline __m512 plus(__m512 x, __m512 y) { return _mm512_add_ps(x, y); }
LIBSQL_AVX512 inline __m512d plus(__m512d x, __m512d y) { return _mm512_add_pd(x, y); }

LIBSQL_AVX512 inline __m512 load_some(std::uint64_t mask, const float* at) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), at);
}
LIBSQL_AVX512 inline __m512d load_some(std::uint64_t mask, const double* at) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), at);
}
LIBSQL_AVX512 inline __m512 load_all(const float* at) { return _mm512_loadu_ps(at); }
LIBSQL_AVX512 inline __m512d load_all(const double* at) { return _mm512_loadu_pd(at); }

/// As doubles, whatever they are.
LIBSQL_AVX512 inline __m512d widen_all(const float* at) { return _mm512_cvtps_pd(_mm256_loadu_ps(at)); }
LIBSQL_AVX512 inline __m512d widen_all(const double* at) { return _mm512_loadu_pd(at); }
LIBSQL_AVX512 inline __m512d widen_some(std::uint64_t mask, const float* at) {
  return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), at));
}
LIBSQL_AVX512 inline __m512d widen_some(std::uint64_t mask, const double* at) { return load_some(mask, at); }

template <class T>
struct Lanes;
template <>
struct Lanes<float> {
  using Sum = FloatSum;
  static constexpr std::size_t kHalf = kFloatLanes / 2;
};
template <>
struct Lanes<double> {
  using Sum = DoubleSum;
  static constexpr std::size_t kHalf = kDoubleLanes / 2;
};

template <class T>
LIBSQL_AVX512 CosineSums<T> cosine(const void* a, const void* b, std::size_t n) {
  constexpr std::size_t kHalf = Lanes<T>::kHalf;
  using Sum = typename Lanes<T>::Sum;
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  Sum dot{};
  Sum first{};
  Sum second{};
  for (; n >= 2 * kHalf; n -= 2 * kHalf, x += 2 * kHalf, y += 2 * kHalf) {
    const auto x0 = load_all(x);
    const auto y0 = load_all(y);
    const auto x1 = load_all(x + kHalf);
    const auto y1 = load_all(y + kHalf);
    dot.low = plus(dot.low, times(x0, y0));
    dot.high = plus(dot.high, times(x1, y1));
    first.low = plus(first.low, times(x0, x0));
    first.high = plus(first.high, times(x1, x1));
    second.low = plus(second.low, times(y0, y0));
    second.high = plus(second.high, times(y1, y1));
  }
  if (n > 0) {
    const std::uint64_t mask = first_bits(n);
    const auto x0 = load_some(mask, x);
    const auto y0 = load_some(mask, y);
    const auto x1 = load_some(mask >> kHalf, x + kHalf);
    const auto y1 = load_some(mask >> kHalf, y + kHalf);
    dot.low = plus(dot.low, times(x0, y0));
    dot.high = plus(dot.high, times(x1, y1));
    first.low = plus(first.low, times(x0, x0));
    first.high = plus(first.high, times(x1, x1));
    second.low = plus(second.low, times(y0, y0));
    second.high = plus(second.high, times(y1, y1));
  }
  return {total(dot), total(first), total(second)};
}

LIBSQL_AVX512 inline __m512 minus(__m512 x, __m512 y) { return _mm512_sub_ps(x, y); }
LIBSQL_AVX512 inline __m512d minus(__m512d x, __m512d y) { return _mm512_sub_pd(x, y); }

template <class T>
LIBSQL_AVX512 T squared_l2(const void* a, const void* b, std::size_t n) {
  constexpr std::size_t kHalf = Lanes<T>::kHalf;
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  typename Lanes<T>::Sum sum{};
  for (; n >= 2 * kHalf; n -= 2 * kHalf, x += 2 * kHalf, y += 2 * kHalf) {
    const auto d0 = minus(load_all(x), load_all(y));
    const auto d1 = minus(load_all(x + kHalf), load_all(y + kHalf));
    sum.low = plus(sum.low, times(d0, d0));
    sum.high = plus(sum.high, times(d1, d1));
  }
  if (n > 0) {
    const std::uint64_t mask = first_bits(n);
    const auto d0 = minus(load_some(mask, x), load_some(mask, y));
    const auto d1 = minus(load_some(mask >> kHalf, x + kHalf), load_some(mask >> kHalf, y + kHalf));
    sum.low = plus(sum.low, times(d0, d0));
    sum.high = plus(sum.high, times(d1, d1));
  }
  return total(sum);
}

template <class T>
LIBSQL_AVX512 double dot(const void* a, const void* b, std::size_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  DoubleSum sum{};
  for (; n >= 16; n -= 16, x += 16, y += 16) {
    sum.low = plus(sum.low, times(widen_all(x), widen_all(y)));
    sum.high = plus(sum.high, times(widen_all(x + 8), widen_all(y + 8)));
  }
  if (n > 0) {
    const std::uint64_t mask = first_bits(n);
    sum.low = plus(sum.low, times(widen_some(mask, x), widen_some(mask, y)));
    sum.high = plus(sum.high, times(widen_some(mask >> 8, x + 8), widen_some(mask >> 8, y + 8)));
  }
  return total(sum);
}

template <class T>
LIBSQL_AVX512 OverlapSums overlap(const void* a, const void* b, std::size_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  DoubleSum minimum{};
  DoubleSum maximum{};
  while (n > 0) {
    const std::uint64_t mask = first_bits(n);
    const __m512d x0 = widen_some(mask, x);
    const __m512d y0 = widen_some(mask, y);
    const __m512d x1 = widen_some(mask >> 8, x + 8);
    const __m512d y1 = widen_some(mask >> 8, y + 8);
    minimum.low = plus(minimum.low, _mm512_min_pd(x0, y0));
    minimum.high = plus(minimum.high, _mm512_min_pd(x1, y1));
    maximum.low = plus(maximum.low, _mm512_max_pd(x0, y0));
    maximum.high = plus(maximum.high, _mm512_max_pd(x1, y1));
    const std::size_t done = n < 16 ? n : 16;
    n -= done;
    x += done;
    y += done;
  }
  return {total(minimum), total(maximum)};
}

LIBSQL_AVX512 std::uint32_t differing_bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  __m512i count = _mm512_setzero_si512();
  for (std::size_t i = 0; i < bytes; i += 64) {
    const __mmask64 mask = first_bits(bytes - i);
    const __m512i x = _mm512_maskz_loadu_epi8(mask, a + i);
    const __m512i y = _mm512_maskz_loadu_epi8(mask, b + i);
    count = _mm512_add_epi64(count, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
  }
  return static_cast<std::uint32_t>(_mm512_reduce_add_epi64(count));
}

LIBSQL_AVX512 BitOverlap bit_overlap(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  __m512i both = _mm512_setzero_si512();
  __m512i either = both;
  for (std::size_t i = 0; i < bytes; i += 64) {
    const __mmask64 mask = first_bits(bytes - i);
    const __m512i x = _mm512_maskz_loadu_epi8(mask, a + i);
    const __m512i y = _mm512_maskz_loadu_epi8(mask, b + i);
    both = _mm512_add_epi64(both, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
    either = _mm512_add_epi64(either, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
  }
  return {static_cast<std::uint32_t>(_mm512_reduce_add_epi64(both)),
          static_cast<std::uint32_t>(_mm512_reduce_add_epi64(either))};
}

bool supported() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vpopcntdq") != 0;
}

}  // namespace

const Kernels* avx512_kernels() noexcept {
  const Kernels* avx2 = avx2_kernels();
  static const bool runs = avx2 != nullptr && supported();
  if (!runs) return nullptr;
  // Conversions and byte sums are bound by memory and shuffles: the AVX2 ones serve.
  static const Kernels kSet{
      "avx512",       cosine<float>, cosine<double>,          squared_l2<float>,        squared_l2<double>,
      dot<float>,     dot<double>,   overlap<float>,          overlap<double>,          avx2->byte_sums,
      differing_bits, bit_overlap,   avx2->float8_to_float32, avx2->float16_to_float32, avx2->floatb16_to_float32};
  return &kSet;
}

}  // namespace libsql::functions

#endif

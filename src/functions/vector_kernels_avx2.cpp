#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include <cstring>

#include "functions/float16.hpp"
#include "functions/unaligned.hpp"
#include "functions/vector_kernels.hpp"

// Whole functions are compiled for AVX2 by attribute, so the rest of the library still runs on any x86-64. Without
// "fma" in the list the compiler cannot fuse a product and a sum behind our back.
#define LIBSQL_AVX2 __attribute__((target("avx2,f16c,popcnt")))

namespace libsql::functions {

namespace {

alignas(32) constexpr std::int32_t kMaskWords[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

/// Enables the first `count` of eight floats, or of four doubles.
LIBSQL_AVX2 inline __m256i float_mask(std::size_t count) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(kMaskWords + 8 - count));
}
LIBSQL_AVX2 inline __m256i double_mask(std::size_t count) { return float_mask(2 * count); }

/// How many of the `width` elements at `offset` lie before n.
inline std::size_t left(std::size_t n, std::size_t offset, std::size_t width) {
  return n <= offset ? 0 : (n - offset < width ? n - offset : width);
}

LIBSQL_AVX2 inline const float* floats(const void* base, std::size_t i) { return static_cast<const float*>(base) + i; }
LIBSQL_AVX2 inline const double* doubles(const void* base, std::size_t i) {
  return static_cast<const double*>(base) + i;
}

/// 32 lanes of float.
struct FloatSum {
  __m256 part[4];
};

LIBSQL_AVX2 inline void clear(FloatSum& sum) {
  for (__m256& part : sum.part) part = _mm256_setzero_ps();
}

LIBSQL_AVX2 inline float total(const FloatSum& sum) {
  const __m256 eight = _mm256_add_ps(_mm256_add_ps(sum.part[0], sum.part[2]), _mm256_add_ps(sum.part[1], sum.part[3]));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// 16 lanes of double.
struct DoubleSum {
  __m256d part[4];
};

LIBSQL_AVX2 inline void clear(DoubleSum& sum) {
  for (__m256d& part : sum.part) part = _mm256_setzero_pd();
}

LIBSQL_AVX2 inline double total(const DoubleSum& sum) {
  const __m256d four = _mm256_add_pd(_mm256_add_pd(sum.part[0], sum.part[2]), _mm256_add_pd(sum.part[1], sum.part[3]));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

LIBSQL_AVX2 CosineSums<float> cosine_float(const void* a, const void* b, std::size_t n) {
  FloatSum dot;
  FloatSum first;
  FloatSum second;
  clear(dot);
  clear(first);
  clear(second);
  std::size_t i = 0;
  for (; i + kFloatLanes <= n; i += kFloatLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const __m256 x = _mm256_loadu_ps(floats(a, i + 8 * k));
      const __m256 y = _mm256_loadu_ps(floats(b, i + 8 * k));
      dot.part[k] = _mm256_add_ps(dot.part[k], _mm256_mul_ps(x, y));
      first.part[k] = _mm256_add_ps(first.part[k], _mm256_mul_ps(x, x));
      second.part[k] = _mm256_add_ps(second.part[k], _mm256_mul_ps(y, y));
    }
  }
  for (std::size_t k = 0; k < 4 && i + 8 * k < n; ++k) {
    const __m256i mask = float_mask(left(n, i + 8 * k, 8));
    const __m256 x = _mm256_maskload_ps(floats(a, i + 8 * k), mask);
    const __m256 y = _mm256_maskload_ps(floats(b, i + 8 * k), mask);
    dot.part[k] = _mm256_add_ps(dot.part[k], _mm256_mul_ps(x, y));
    first.part[k] = _mm256_add_ps(first.part[k], _mm256_mul_ps(x, x));
    second.part[k] = _mm256_add_ps(second.part[k], _mm256_mul_ps(y, y));
  }
  return {total(dot), total(first), total(second)};
}

LIBSQL_AVX2 CosineSums<double> cosine_double(const void* a, const void* b, std::size_t n) {
  DoubleSum dot;
  DoubleSum first;
  DoubleSum second;
  clear(dot);
  clear(first);
  clear(second);
  std::size_t i = 0;
  for (; i + kDoubleLanes <= n; i += kDoubleLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const __m256d x = _mm256_loadu_pd(doubles(a, i + 4 * k));
      const __m256d y = _mm256_loadu_pd(doubles(b, i + 4 * k));
      dot.part[k] = _mm256_add_pd(dot.part[k], _mm256_mul_pd(x, y));
      first.part[k] = _mm256_add_pd(first.part[k], _mm256_mul_pd(x, x));
      second.part[k] = _mm256_add_pd(second.part[k], _mm256_mul_pd(y, y));
    }
  }
  for (std::size_t k = 0; k < 4 && i + 4 * k < n; ++k) {
    const __m256i mask = double_mask(left(n, i + 4 * k, 4));
    const __m256d x = _mm256_maskload_pd(doubles(a, i + 4 * k), mask);
    const __m256d y = _mm256_maskload_pd(doubles(b, i + 4 * k), mask);
    dot.part[k] = _mm256_add_pd(dot.part[k], _mm256_mul_pd(x, y));
    first.part[k] = _mm256_add_pd(first.part[k], _mm256_mul_pd(x, x));
    second.part[k] = _mm256_add_pd(second.part[k], _mm256_mul_pd(y, y));
  }
  return {total(dot), total(first), total(second)};
}

LIBSQL_AVX2 float squared_l2_float(const void* a, const void* b, std::size_t n) {
  FloatSum sum;
  clear(sum);
  std::size_t i = 0;
  for (; i + kFloatLanes <= n; i += kFloatLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const __m256 d = _mm256_sub_ps(_mm256_loadu_ps(floats(a, i + 8 * k)), _mm256_loadu_ps(floats(b, i + 8 * k)));
      sum.part[k] = _mm256_add_ps(sum.part[k], _mm256_mul_ps(d, d));
    }
  }
  for (std::size_t k = 0; k < 4 && i + 8 * k < n; ++k) {
    const __m256i mask = float_mask(left(n, i + 8 * k, 8));
    const __m256 d =
        _mm256_sub_ps(_mm256_maskload_ps(floats(a, i + 8 * k), mask), _mm256_maskload_ps(floats(b, i + 8 * k), mask));
    sum.part[k] = _mm256_add_ps(sum.part[k], _mm256_mul_ps(d, d));
  }
  return total(sum);
}

LIBSQL_AVX2 double squared_l2_double(const void* a, const void* b, std::size_t n) {
  DoubleSum sum;
  clear(sum);
  std::size_t i = 0;
  for (; i + kDoubleLanes <= n; i += kDoubleLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const __m256d d = _mm256_sub_pd(_mm256_loadu_pd(doubles(a, i + 4 * k)), _mm256_loadu_pd(doubles(b, i + 4 * k)));
      sum.part[k] = _mm256_add_pd(sum.part[k], _mm256_mul_pd(d, d));
    }
  }
  for (std::size_t k = 0; k < 4 && i + 4 * k < n; ++k) {
    const __m256i mask = double_mask(left(n, i + 4 * k, 4));
    const __m256d d =
        _mm256_sub_pd(_mm256_maskload_pd(doubles(a, i + 4 * k), mask), _mm256_maskload_pd(doubles(b, i + 4 * k), mask));
    sum.part[k] = _mm256_add_pd(sum.part[k], _mm256_mul_pd(d, d));
  }
  return total(sum);
}

/// Four elements as doubles, of which `count` exist.
LIBSQL_AVX2 inline __m256d four(const float* at) { return _mm256_cvtps_pd(_mm_loadu_ps(at)); }
LIBSQL_AVX2 inline __m256d four(const double* at) { return _mm256_loadu_pd(at); }
LIBSQL_AVX2 inline __m256d four(const float* at, std::size_t count) {
  return _mm256_cvtps_pd(_mm_maskload_ps(at, _mm256_castsi256_si128(float_mask(count < 4 ? count : 8))));
}
LIBSQL_AVX2 inline __m256d four(const double* at, std::size_t count) {
  return _mm256_maskload_pd(at, double_mask(count));
}

template <class T>
LIBSQL_AVX2 double dot(const void* a, const void* b, std::size_t n) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  DoubleSum sum;
  clear(sum);
  std::size_t i = 0;
  for (; i + kDoubleLanes <= n; i += kDoubleLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      sum.part[k] = _mm256_add_pd(sum.part[k], _mm256_mul_pd(four(x + i + 4 * k), four(y + i + 4 * k)));
    }
  }
  for (std::size_t k = 0; k < 4 && i + 4 * k < n; ++k) {
    const std::size_t count = left(n, i + 4 * k, 4);
    sum.part[k] = _mm256_add_pd(sum.part[k], _mm256_mul_pd(four(x + i + 4 * k, count), four(y + i + 4 * k, count)));
  }
  return total(sum);
}

template <class T>
LIBSQL_AVX2 OverlapSums overlap(const void* a, const void* b, std::size_t n) {
  const T* first = static_cast<const T*>(a);
  const T* second = static_cast<const T*>(b);
  DoubleSum minimum;
  DoubleSum maximum;
  clear(minimum);
  clear(maximum);
  std::size_t i = 0;
  for (; i + kDoubleLanes <= n; i += kDoubleLanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const __m256d x = four(first + i + 4 * k);
      const __m256d y = four(second + i + 4 * k);
      minimum.part[k] = _mm256_add_pd(minimum.part[k], _mm256_min_pd(x, y));
      maximum.part[k] = _mm256_add_pd(maximum.part[k], _mm256_max_pd(x, y));
    }
  }
  for (std::size_t k = 0; k < 4 && i + 4 * k < n; ++k) {
    const std::size_t count = left(n, i + 4 * k, 4);
    const __m256d x = four(first + i + 4 * k, count);
    const __m256d y = four(second + i + 4 * k, count);
    minimum.part[k] = _mm256_add_pd(minimum.part[k], _mm256_min_pd(x, y));
    maximum.part[k] = _mm256_add_pd(maximum.part[k], _mm256_max_pd(x, y));
  }
  return {total(minimum), total(maximum)};
}

LIBSQL_AVX2 inline std::uint32_t sum_words(__m256i words) {
  const __m128i four_words = _mm_add_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  const __m128i two_words = _mm_add_epi32(four_words, _mm_shuffle_epi32(four_words, 0x4E));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_add_epi32(two_words, _mm_shuffle_epi32(two_words, 0xB1))));
}

LIBSQL_AVX2 ByteSums byte_sums(const std::uint8_t* a, const std::uint8_t* b, std::size_t n) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i first = _mm256_setzero_si256();
  __m256i second = first;
  __m256i first_squares = first;
  __m256i second_squares = first;
  __m256i products = first;
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256i x = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(a + i)));
    const __m256i y = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(b + i)));
    first = _mm256_add_epi32(first, _mm256_madd_epi16(x, ones));
    second = _mm256_add_epi32(second, _mm256_madd_epi16(y, ones));
    first_squares = _mm256_add_epi32(first_squares, _mm256_madd_epi16(x, x));
    second_squares = _mm256_add_epi32(second_squares, _mm256_madd_epi16(y, y));
    products = _mm256_add_epi32(products, _mm256_madd_epi16(x, y));
  }
  ByteSums sums{sum_words(first), sum_words(second), sum_words(first_squares), sum_words(second_squares),
                sum_words(products)};
  for (; i < n; ++i) {
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

LIBSQL_AVX2 inline std::uint64_t word_at(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, count < 8 ? count : 8);
  return word;
}

LIBSQL_AVX2 std::uint32_t differing_bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  long long count = 0;
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) count += _mm_popcnt_u64(load<std::uint64_t>(a + i) ^ load<std::uint64_t>(b + i));
  if (i < bytes) count += _mm_popcnt_u64(word_at(a + i, bytes - i) ^ word_at(b + i, bytes - i));
  return static_cast<std::uint32_t>(count);
}

LIBSQL_AVX2 BitOverlap bit_overlap(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
  long long both = 0;
  long long either = 0;
  for (std::size_t i = 0; i < bytes; i += 8) {
    const std::uint64_t x = i + 8 <= bytes ? load<std::uint64_t>(a + i) : word_at(a + i, bytes - i);
    const std::uint64_t y = i + 8 <= bytes ? load<std::uint64_t>(b + i) : word_at(b + i, bytes - i);
    both += _mm_popcnt_u64(x & y);
    either += _mm_popcnt_u64(x | y);
  }
  return {static_cast<std::uint32_t>(both), static_cast<std::uint32_t>(either)};
}

LIBSQL_AVX2 void float8_to_float32(const std::uint8_t* bytes, float alpha, float shift, float* out, std::size_t n) {
  const __m256 factor = _mm256_set1_ps(alpha);
  const __m256 offset = _mm256_set1_ps(shift);
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(bytes + i));
    const __m256 q = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight));
    _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_mul_ps(factor, q), offset));
  }
  for (; i < n; ++i) out[i] = alpha * static_cast<float>(bytes[i]) + shift;
}

LIBSQL_AVX2 void float16_to_float32(const void* halves, float* out, std::size_t n) {
  const auto* from = static_cast<const std::uint8_t*>(halves);
  const __m256 sign = _mm256_set1_ps(-0.0F);
  const __m256 quiet = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC00000));
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 value = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from + 2 * i)));
    // The instruction keeps the payload of a NaN, half_to_float() does not.
    const __m256 canonical = _mm256_or_ps(_mm256_and_ps(value, sign), quiet);
    const __m256 is_nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
    _mm256_storeu_ps(out + i, _mm256_blendv_ps(value, canonical, is_nan));
  }
  for (; i < n; ++i) out[i] = half_to_float(load<std::uint16_t>(halves, i));
}

LIBSQL_AVX2 void floatb16_to_float32(const void* halves, float* out, std::size_t n) {
  const auto* from = static_cast<const std::uint8_t*>(halves);
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from + 2 * i)));
    _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(words, 16)));
  }
  for (; i < n; ++i) out[i] = bfloat_to_float(load<std::uint16_t>(halves, i));
}

bool supported() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  // Not every compiler's __builtin_cpu_supports() knows F16C; the operating system saves its registers if it saves
  // AVX2's.
  const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  __builtin_cpu_init();
  return f16c && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0;
}

}  // namespace

const Kernels* avx2_kernels() noexcept {
  static constexpr Kernels kSet{
      "avx2",         cosine_float, cosine_double,     squared_l2_float,   squared_l2_double,
      dot<float>,     dot<double>,  overlap<float>,    overlap<double>,    byte_sums,
      differing_bits, bit_overlap,  float8_to_float32, float16_to_float32, floatb16_to_float32};
  static const bool runs = supported();
  return runs ? &kSet : nullptr;
}

}  // namespace libsql::functions

#endif

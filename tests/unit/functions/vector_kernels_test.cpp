#include "functions/vector_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "functions/float16.hpp"

namespace libsql::functions {
namespace {

constexpr std::size_t kLengths[] = {0,  1,  2,  3,  4,  5,  7,  8,   9,   15,  16,  17,  24,
                                    31, 32, 33, 47, 63, 64, 65, 100, 128, 384, 771, 1536};

/// Bytes at an address that no vector unit likes.
class Unaligned {
 public:
  template <class T>
  explicit Unaligned(const std::vector<T>& elements) : bytes_(elements.size() * sizeof(T) + 1) {
    if (!elements.empty()) std::memcpy(bytes_.data() + 1, elements.data(), elements.size() * sizeof(T));
  }
  const std::uint8_t* data() const { return bytes_.data() + 1; }

 private:
  std::vector<std::uint8_t> bytes_;
};

template <class T>
bool same_bits(T x, T y) {
  return std::memcmp(&x, &y, sizeof(T)) == 0 || (std::isnan(x) && std::isnan(y));
}

template <class T>
std::vector<T> random_elements(std::mt19937& random, std::size_t n) {
  std::normal_distribution<T> distribution;
  std::vector<T> elements(n);
  for (T& element : elements) element = distribution(random);
  return elements;
}

class VectorKernels : public testing::TestWithParam<const Kernels*> {};

TEST_P(VectorKernels, FloatSumsHaveTheBitsOfThePortableSet) {
  const Kernels& mine = *GetParam();
  const Kernels& reference = portable_kernels();
  std::mt19937 random(7);
  for (const std::size_t n : kLengths) {
    const Unaligned a(random_elements<float>(random, n));
    const Unaligned b(random_elements<float>(random, n));
    const auto x = mine.cosine_float(a.data(), b.data(), n);
    const auto y = reference.cosine_float(a.data(), b.data(), n);
    EXPECT_TRUE(same_bits(x.dot, y.dot) && same_bits(x.first_norm, y.first_norm) &&
                same_bits(x.second_norm, y.second_norm))
        << n;
    EXPECT_TRUE(
        same_bits(mine.squared_l2_float(a.data(), b.data(), n), reference.squared_l2_float(a.data(), b.data(), n)))
        << n;
    EXPECT_TRUE(same_bits(mine.dot_float(a.data(), b.data(), n), reference.dot_float(a.data(), b.data(), n))) << n;
    const OverlapSums p = mine.overlap_float(a.data(), b.data(), n);
    const OverlapSums q = reference.overlap_float(a.data(), b.data(), n);
    EXPECT_TRUE(same_bits(p.minimum, q.minimum) && same_bits(p.maximum, q.maximum)) << n;
  }
}

TEST_P(VectorKernels, DoubleSumsHaveTheBitsOfThePortableSet) {
  const Kernels& mine = *GetParam();
  const Kernels& reference = portable_kernels();
  std::mt19937 random(8);
  for (const std::size_t n : kLengths) {
    const Unaligned a(random_elements<double>(random, n));
    const Unaligned b(random_elements<double>(random, n));
    const auto x = mine.cosine_double(a.data(), b.data(), n);
    const auto y = reference.cosine_double(a.data(), b.data(), n);
    EXPECT_TRUE(same_bits(x.dot, y.dot) && same_bits(x.first_norm, y.first_norm) &&
                same_bits(x.second_norm, y.second_norm))
        << n;
    EXPECT_TRUE(
        same_bits(mine.squared_l2_double(a.data(), b.data(), n), reference.squared_l2_double(a.data(), b.data(), n)))
        << n;
    EXPECT_TRUE(same_bits(mine.dot_double(a.data(), b.data(), n), reference.dot_double(a.data(), b.data(), n))) << n;
    const OverlapSums p = mine.overlap_double(a.data(), b.data(), n);
    const OverlapSums q = reference.overlap_double(a.data(), b.data(), n);
    EXPECT_TRUE(same_bits(p.minimum, q.minimum) && same_bits(p.maximum, q.maximum)) << n;
  }
}

TEST_P(VectorKernels, SumsAreRight) {
  const Kernels& mine = *GetParam();
  std::vector<float> a(771);
  std::vector<float> b(771);
  double dot = 0;
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {  // small integers: exact in any order
    a[i] = static_cast<float>(i % 7) - 3;
    b[i] = static_cast<float>(i % 5) - 2;
    dot += static_cast<double>(a[i]) * b[i];
    squares += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  }
  EXPECT_EQ(mine.dot_float(a.data(), b.data(), a.size()), dot);
  EXPECT_EQ(mine.cosine_float(a.data(), b.data(), a.size()).dot, dot);
  EXPECT_EQ(mine.squared_l2_float(a.data(), b.data(), a.size()), squares);
}

TEST_P(VectorKernels, InfinitiesAndNansPassThrough) {
  const Kernels& mine = *GetParam();
  std::vector<float> a(33, 1.0F);
  std::vector<float> b(33, 1.0F);
  a[32] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(mine.dot_float(a.data(), b.data(), a.size()), std::numeric_limits<double>::infinity());
  a[32] = std::nanf("");
  EXPECT_TRUE(std::isnan(mine.cosine_float(a.data(), b.data(), a.size()).dot));
}

TEST_P(VectorKernels, BytesAndBitsAreCountedExactly) {
  const Kernels& mine = *GetParam();
  const Kernels& reference = portable_kernels();
  std::mt19937 random(9);
  for (const std::size_t n : kLengths) {
    std::vector<std::uint8_t> x(n);
    std::vector<std::uint8_t> y(n);
    for (auto& byte : x) byte = static_cast<std::uint8_t>(random());
    for (auto& byte : y) byte = static_cast<std::uint8_t>(random());
    const Unaligned a(x);
    const Unaligned b(y);
    const ByteSums p = mine.byte_sums(a.data(), b.data(), n);
    const ByteSums q = reference.byte_sums(a.data(), b.data(), n);
    EXPECT_EQ(p.first, q.first);
    EXPECT_EQ(p.second, q.second);
    EXPECT_EQ(p.first_squares, q.first_squares);
    EXPECT_EQ(p.second_squares, q.second_squares);
    EXPECT_EQ(p.products, q.products);
    EXPECT_EQ(mine.differing_bits(a.data(), b.data(), n), reference.differing_bits(a.data(), b.data(), n));
    EXPECT_EQ(mine.bit_overlap(a.data(), b.data(), n).both, reference.bit_overlap(a.data(), b.data(), n).both);
    EXPECT_EQ(mine.bit_overlap(a.data(), b.data(), n).either, reference.bit_overlap(a.data(), b.data(), n).either);
  }
}

TEST_P(VectorKernels, ByteSumsOfTheLongestVectorDoNotOverflow) {
  const std::vector<std::uint8_t> bytes(65536, 255);
  const ByteSums sums = GetParam()->byte_sums(bytes.data(), bytes.data(), bytes.size());
  EXPECT_EQ(sums.first, 65536U * 255U);
  EXPECT_EQ(sums.products, 4261478400U);
}

TEST_P(VectorKernels, EveryHalfDecodesAlike) {
  std::vector<std::uint16_t> halves(65536 + 3);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  const Unaligned input(halves);
  std::vector<float> out(halves.size());
  GetParam()->float16_to_float32(input.data(), out.data(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float expected = half_to_float(halves[i]);
    ASSERT_EQ(std::memcmp(&out[i], &expected, sizeof expected), 0) << i;
  }
  GetParam()->floatb16_to_float32(input.data(), out.data(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float expected = bfloat_to_float(halves[i]);
    ASSERT_EQ(std::memcmp(&out[i], &expected, sizeof expected), 0) << i;
  }
}

TEST_P(VectorKernels, Float8DecodesAlike) {
  std::vector<std::uint8_t> bytes(259);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  std::vector<float> out(bytes.size());
  GetParam()->float8_to_float32(bytes.data(), 0.1F, -3.3F, out.data(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float product = 0.1F * static_cast<float>(bytes[i]);
    ASSERT_EQ(out[i], product + -3.3F) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, VectorKernels, testing::ValuesIn(available_kernels().begin(), available_kernels().end()),
                         [](const testing::TestParamInfo<const Kernels*>& set) {
                           return std::string(set.param->name);
                         });

}  // namespace
}  // namespace libsql::functions

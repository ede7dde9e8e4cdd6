#include "functions/vector_distance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace libsql::functions {
namespace {

std::vector<float> random_floats(std::mt19937& random, std::size_t n) {
  std::normal_distribution<float> distribution;
  std::vector<float> elements(n);
  for (float& element : elements) element = distribution(random);
  return elements;
}

std::vector<std::uint8_t> blob_of(VectorType type, const std::vector<float>& elements) {
  std::vector<std::uint8_t> blob(encoded_vector_size(type, elements.size()));
  encode_vector(type, elements, blob.data());
  return blob;
}

VectorView view_of_blob(const std::vector<std::uint8_t>& blob) {
  VectorView view;
  std::string error;
  EXPECT_TRUE(read_vector(blob, view, error)) << error;
  return view;
}

TEST(VectorDistance, SequentialRoundsAfterEveryTerm) {
  std::mt19937 random(3);
  for (const std::size_t n : {1, 3, 31, 128, 1536, 4000}) {
    const auto a = random_floats(random, n);
    const auto b = random_floats(random, n);
    float dot = 0;
    float first = 0;
    float second = 0;
    float squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      // Through volatile, so that no optimiser keeps more precision or another order.
      volatile float term = a[i] * b[i];
      dot += term;
      term = a[i] * a[i];
      first += term;
      term = b[i] * b[i];
      second += term;
      volatile float difference = a[i] - b[i];
      term = difference * difference;
      squares += term;
    }
    volatile float product = first * second;
    EXPECT_EQ(cosine_distance(view_of(a), view_of(b), Summation::Sequential),
              static_cast<float>(1.0 - dot / std::sqrt(static_cast<double>(product))));
    EXPECT_EQ(l2_distance(view_of(a), view_of(b), Summation::Sequential),
              static_cast<float>(std::sqrt(static_cast<double>(squares))));
  }
}

TEST(VectorDistance, TheTwoSummationsStayWithinTheBound) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = 1 + random() % 2000;
    auto a = random_floats(random, n);
    const auto b = random_floats(random, n);
    if (round % 3 == 0) {
      for (float& element : a) element = std::fabs(element);  // no cancellation: sums grow and lose most
    }
    const double bound = error_bound(n);
    const double exact = cosine_distance(view_of(a), view_of(b), Summation::Sequential);
    EXPECT_LE(std::fabs(exact - cosine_distance(view_of(a), view_of(b), Summation::Lanes)), bound);
    const double length = l2_distance(view_of(a), view_of(b), Summation::Sequential);
    EXPECT_LE(std::fabs(length - l2_distance(view_of(a), view_of(b), Summation::Lanes)), bound * length);
  }
}

TEST(VectorDistance, LanesAreNearerToTheTruthOnAverage) {
  std::mt19937 random(5);
  double lanes_error = 0;
  double sequential_error = 0;
  for (int round = 0; round < 50; ++round) {
    const auto a = random_floats(random, 1536);
    const auto b = random_floats(random, 1536);
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    lanes_error += std::fabs(l2_distance(view_of(a), view_of(b), Summation::Lanes) - std::sqrt(sum));
    sequential_error += std::fabs(l2_distance(view_of(a), view_of(b), Summation::Sequential) - std::sqrt(sum));
  }
  EXPECT_LT(lanes_error, sequential_error);
}

TEST(VectorDistance, LongHalvesUseTheHeapAndAgreeWithTheirFloats) {
  std::mt19937 random(6);
  const auto a = random_floats(random, 3000);
  const auto b = random_floats(random, 3000);
  for (const VectorType type : {VectorType::Float16, VectorType::FloatB16, VectorType::Float8}) {
    const auto x = blob_of(type, a);
    const auto y = blob_of(type, b);
    std::vector<float> first(3000);
    std::vector<float> second(3000);
    widen_vector(view_of_blob(x), first.data());
    widen_vector(view_of_blob(y), second.data());
    EXPECT_EQ(l2_distance(view_of_blob(x), view_of_blob(y), Summation::Sequential),
              l2_distance(view_of(first), view_of(second), Summation::Sequential));
    EXPECT_EQ(inner_product(view_of_blob(x), view_of_blob(y)), inner_product(view_of(first), view_of(second)));
  }
}

TEST(VectorDistance, SparseAgreesWithDense) {
  const std::vector<float> a{0, 1, 0, 2, 0, -3, 0};
  const std::vector<float> b{1, 1, 0, 0, 0, 4, 0};
  const auto x = encode_sparse(a);
  const auto y = encode_sparse(b);
  const VectorView sparse_a = view_of_blob(x);
  const VectorView sparse_b = view_of_blob(y);
  EXPECT_EQ(inner_product(sparse_a, sparse_b), inner_product(view_of(a), view_of(b)));
  EXPECT_EQ(jaccard_distance(sparse_a, sparse_b), jaccard_distance(view_of(a), view_of(b)));
  EXPECT_NEAR(cosine_distance(sparse_a, sparse_b, Summation::Sequential),
              cosine_distance(view_of(a), view_of(b), Summation::Sequential), 1e-6);
  EXPECT_NEAR(l2_distance(sparse_a, sparse_b, Summation::Sequential),
              l2_distance(view_of(a), view_of(b), Summation::Sequential), 1e-6);
  const auto zero = encode_sparse(std::vector<float>(7));
  EXPECT_TRUE(std::isnan(cosine_distance(sparse_a, view_of_blob(zero), Summation::Sequential)));
}

TEST(VectorDistance, HammingLeavesPaddingBitsOut) {
  const std::vector<std::uint8_t> dirty{0xFF, 0x0C, 3};  // four dimensions, four bits of padding set
  const std::vector<std::uint8_t> clean{0x00, 0x0C, 3};
  EXPECT_EQ(hamming_distance(view_of_blob(dirty), view_of_blob(clean)), 4U);
  EXPECT_EQ(cosine_distance(view_of_blob(dirty), view_of_blob(clean), Summation::Sequential),
            8.0);  // whole bytes, as libSQL
}

TEST(VectorDistance, HammingCountsEveryLength) {
  for (std::size_t n = 0; n < 300; ++n) {
    const auto x = blob_of(VectorType::Float1Bit, std::vector<float>(n, 1.0F));
    const auto y = blob_of(VectorType::Float1Bit, std::vector<float>(n, -1.0F));
    EXPECT_EQ(hamming_distance(view_of_blob(x), view_of_blob(y)), n);
    EXPECT_EQ(inner_product(view_of_blob(x), view_of_blob(x)), static_cast<double>(n));
  }
}

}  // namespace
}  // namespace libsql::functions

#include "functions/vector_distance.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "functions/unaligned.hpp"
#include "functions/vector_kernels.hpp"

namespace libsql::functions {

namespace {

/// Room for the elements of one vector as float, on the stack if it is short.
class FloatScratch {
 public:
  /// The elements of a dense view that is not float64, where they are or converted. Valid as long as this object and
  /// the view.
  const void* elements(const VectorView& view) {
    if (view.type == VectorType::Float32) return view.data;
    float* out = inline_.data();
    if (view.dimensions > inline_.size()) {
      heap_ = std::make_unique_for_overwrite<float[]>(view.dimensions);
      out = heap_.get();
    }
    widen_vector(view, out);
    return out;
  }

 private:
  std::array<float, 1024> inline_;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  std::unique_ptr<float[]> heap_;
};

template <class T>
CosineSums<T> sequential_cosine(const void* a, const void* b, std::size_t n) noexcept {
  CosineSums<T> sums;
  for (std::size_t i = 0; i < n; ++i) {
    const T x = load<T>(a, i);
    const T y = load<T>(b, i);
    sums.dot += x * y;
    sums.first_norm += x * x;
    sums.second_norm += y * y;
  }
  return sums;
}

template <class T>
T sequential_squared_l2(const void* a, const void* b, std::size_t n) noexcept {
  T sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const T difference = load<T>(a, i) - load<T>(b, i);
    sum += difference * difference;
  }
  return sum;
}

/// The product of the squares is taken in T, as libSQL does: [1e30] has no cosine distance as float32.
template <class T>
double cosine_of(const CosineSums<T>& sums) noexcept {
  const T squares = sums.first_norm * sums.second_norm;
  return static_cast<float>(1.0 - static_cast<double>(sums.dot) / std::sqrt(static_cast<double>(squares)));
}

double float8_cosine(const VectorView& a, const VectorView& b) noexcept {
  const ByteSums sums = best_kernels().byte_sums(a.data, b.data, a.dimensions);
  const auto count = static_cast<float>(a.dimensions);
  const auto products = static_cast<float>(sums.products);
  const auto first = static_cast<float>(sums.first);
  const auto second = static_cast<float>(sums.second);
  CosineSums<float> result;
  result.dot =
      a.alpha * b.alpha * products + a.alpha * b.shift * first + b.alpha * a.shift * second + a.shift * b.shift * count;
  result.first_norm = a.alpha * a.alpha * static_cast<float>(sums.first_squares) + 2 * a.alpha * a.shift * first +
                      a.shift * a.shift * count;
  result.second_norm = b.alpha * b.alpha * static_cast<float>(sums.second_squares) + 2 * b.alpha * b.shift * second +
                       b.shift * b.shift * count;
  return cosine_of(result);
}

/// Calls use(x, y) for each index that either sparse vector stores, 0 standing for a value it does not store.
template <class Use>
void for_sparse(const VectorView& a, const VectorView& b, Use&& use) noexcept {
  const std::uint8_t* first_indices = a.data + std::size_t{a.nonzero} * sizeof(float);
  const std::uint8_t* second_indices = b.data + std::size_t{b.nonzero} * sizeof(float);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.nonzero || j < b.nonzero) {
    const std::uint64_t first =
        i < a.nonzero ? load<std::uint32_t>(first_indices, i) : std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t second =
        j < b.nonzero ? load<std::uint32_t>(second_indices, j) : std::numeric_limits<std::uint64_t>::max();
    const double x = first <= second ? load<float>(a.data, i++) : 0.0;
    const double y = second <= first ? load<float>(b.data, j++) : 0.0;
    use(x, y);
  }
}

double sparse_cosine(const VectorView& a, const VectorView& b) noexcept {
  CosineSums<double> sums;
  for_sparse(a, b, [&](double x, double y) {
    sums.dot += x * y;
    sums.first_norm += x * x;
    sums.second_norm += y * y;
  });
  return 1.0 - sums.dot / std::sqrt(sums.first_norm * sums.second_norm);
}

/// The bits of a float1bit vector that stand for elements: the last byte may carry others.
std::uint8_t last_byte_mask(std::size_t dimensions) noexcept {
  return static_cast<std::uint8_t>(dimensions % 8 == 0 ? 0xFF : (1U << (dimensions % 8)) - 1);
}

struct BitCounts {
  std::uint32_t differing = 0;
  std::uint32_t both = 0;
  std::uint32_t either = 0;
};

BitCounts count_bits(const VectorView& a, const VectorView& b) noexcept {
  if (a.dimensions == 0) return {};
  const std::size_t whole = (std::size_t{a.dimensions} - 1) / 8;
  const std::uint8_t mask = last_byte_mask(a.dimensions);
  const std::uint8_t first = a.data[whole] & mask;
  const std::uint8_t second = b.data[whole] & mask;
  const Kernels& kernels = best_kernels();
  const BitOverlap last = kernels.bit_overlap(&first, &second, 1);
  const BitOverlap rest = kernels.bit_overlap(a.data, b.data, whole);
  const std::uint32_t both = last.both + rest.both;
  const std::uint32_t either = last.either + rest.either;
  return {either - both, both, either};
}

}  // namespace

double cosine_distance(const VectorView& a, const VectorView& b, Summation summation) {
  const std::size_t n = a.dimensions;
  const bool lanes = summation == Summation::Lanes;
  switch (a.type) {
    case VectorType::Float64:
      return cosine_of(lanes ? best_kernels().cosine_double(a.data, b.data, n)
                             : sequential_cosine<double>(a.data, b.data, n));
    case VectorType::Float8:
      return float8_cosine(a, b);
    case VectorType::Float1Bit:
      return best_kernels().differing_bits(a.data, b.data, (n + 7) / 8);  // whole bytes, as libSQL
    case VectorType::Float32Sparse:
      return sparse_cosine(a, b);
    default:
      break;
  }
  FloatScratch first;
  FloatScratch second;
  const void* x = first.elements(a);
  const void* y = second.elements(b);
  return cosine_of(lanes ? best_kernels().cosine_float(x, y, n) : sequential_cosine<float>(x, y, n));
}

double l2_distance(const VectorView& a, const VectorView& b, Summation summation) {
  const std::size_t n = a.dimensions;
  const bool lanes = summation == Summation::Lanes;
  if (a.type == VectorType::Float64) {
    const double sum =
        lanes ? best_kernels().squared_l2_double(a.data, b.data, n) : sequential_squared_l2<double>(a.data, b.data, n);
    return static_cast<float>(std::sqrt(sum));
  }
  if (a.type == VectorType::Float32Sparse) {
    double sum = 0;
    for_sparse(a, b, [&](double x, double y) { sum += (x - y) * (x - y); });
    return std::sqrt(sum);
  }
  FloatScratch first;
  FloatScratch second;
  const void* x = first.elements(a);
  const void* y = second.elements(b);
  const float sum = lanes ? best_kernels().squared_l2_float(x, y, n) : sequential_squared_l2<float>(x, y, n);
  return static_cast<float>(std::sqrt(static_cast<double>(sum)));
}

double inner_product(const VectorView& a, const VectorView& b) {
  const std::size_t n = a.dimensions;
  switch (a.type) {
    case VectorType::Float64:
      return best_kernels().dot_double(a.data, b.data, n);
    case VectorType::Float1Bit:
      return static_cast<double>(n) - 2.0 * count_bits(a, b).differing;
    case VectorType::Float32Sparse: {
      double sum = 0;
      for_sparse(a, b, [&](double x, double y) { sum += x * y; });
      return sum;
    }
    default:
      break;
  }
  FloatScratch first;
  FloatScratch second;
  const void* x = first.elements(a);
  return best_kernels().dot_float(x, second.elements(b), n);
}

double jaccard_distance(const VectorView& a, const VectorView& b) {
  const std::size_t n = a.dimensions;
  OverlapSums sums;
  switch (a.type) {
    case VectorType::Float64:
      sums = best_kernels().overlap_double(a.data, b.data, n);
      break;
    case VectorType::Float1Bit: {
      const BitCounts counts = count_bits(a, b);
      sums = {static_cast<double>(counts.both), static_cast<double>(counts.either)};
      break;
    }
    case VectorType::Float32Sparse:
      for_sparse(a, b, [&](double x, double y) {
        sums.minimum += x < y ? x : y;
        sums.maximum += x > y ? x : y;
      });
      break;
    default: {
      FloatScratch first;
      FloatScratch second;
      const void* x = first.elements(a);
      sums = best_kernels().overlap_float(x, second.elements(b), n);
    }
  }
  return sums.maximum == 0 ? std::numeric_limits<double>::quiet_NaN() : 1.0 - sums.minimum / sums.maximum;
}

std::uint32_t hamming_distance(const VectorView& a, const VectorView& b) noexcept { return count_bits(a, b).differing; }

double error_bound(std::size_t dimensions) noexcept {
  // A sum of n rounded products errs by at most (n + 1) u of the sum of their sizes, u = 2^-24, and the dot product's
  // terms add up to at most the root of the product of the squares (Cauchy-Schwarz). So each summation puts the cosine
  // off by at most twice that relative error; the lanes' sums are shorter, but we charge both in full, and a few
  // roundings of the result.
  constexpr double kUnit = 0x1p-24;
  return 4.0 * (static_cast<double>(dimensions) + 4.0) * kUnit;
}

double cosine_floor(const VectorView& a, const VectorView& b) {
  FloatScratch first;
  FloatScratch second;
  const void* x = first.elements(a);
  const CosineSums<float> sums = best_kernels().cosine_float(x, second.elements(b), a.dimensions);
  // Squares this small lose digits below the range of normal floats, and a product this large may overflow in the other
  // order.
  constexpr float kLeast = 1e-18F;
  const float squares = sums.first_norm * sums.second_norm;
  if (!(sums.first_norm > kLeast && sums.second_norm > kLeast && squares < 1e38F))
    return -std::numeric_limits<double>::infinity();
  return 1.0 - static_cast<double>(sums.dot) / std::sqrt(static_cast<double>(squares)) - error_bound(a.dimensions);
}

double l2_floor(const VectorView& a, const VectorView& b) {
  FloatScratch first;
  FloatScratch second;
  const void* x = first.elements(a);
  const float sum = best_kernels().squared_l2_float(x, second.elements(b), a.dimensions);
  if (!(sum > 1e-30F && sum < 1e38F)) return -std::numeric_limits<double>::infinity();
  return std::sqrt(static_cast<double>(sum)) * (1.0 - error_bound(a.dimensions));
}

}  // namespace libsql::functions

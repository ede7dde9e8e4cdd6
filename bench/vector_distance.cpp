// Vector distances against the plain scalar loop that anybody would write first (float sums, -O3, no fast-math). Both
// sides run in the same rounds, in turn; the number that counts is the ratio of the medians: above 1, we are faster by
// that factor.
//   bench_vector_distance [ROUNDS]

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "functions/vector_codec.hpp"
#include "functions/vector_distance.hpp"
#include "functions/vector_kernels.hpp"

namespace {

using libsql::functions::Kernels;
using libsql::functions::Summation;
using libsql::functions::VectorType;
using libsql::functions::VectorView;

constexpr std::size_t kVectors = 64;  // one query against these, so that the data come from the cache, not from memory

struct Data {
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<std::uint8_t>> blobs;
  std::vector<VectorView> views;
};

Data make_data(std::size_t dimensions, VectorType type) {
  std::mt19937 random(1);
  std::normal_distribution<float> distribution;
  Data data;
  for (std::size_t i = 0; i <= kVectors; ++i) {
    std::vector<float> elements(dimensions);
    for (float& element : elements) element = distribution(random);
    std::vector<std::uint8_t> blob(libsql::functions::encoded_vector_size(type, dimensions));
    libsql::functions::encode_vector(type, elements, blob.data());
    data.floats.push_back(std::move(elements));
    data.blobs.push_back(std::move(blob));
  }
  for (const auto& blob : data.blobs) {
    VectorView view;
    std::string error;
    if (!libsql::functions::read_vector(blob, view, error)) std::abort();
    data.views.push_back(view);
  }
  return data;
}

__attribute__((noinline)) float plain_cosine(const float* a, const float* b, std::size_t n) {
  float dot = 0;
  float first = 0;
  float second = 0;
  for (std::size_t i = 0; i < n; ++i) {
    dot += a[i] * b[i];
    first += a[i] * a[i];
    second += b[i] * b[i];
  }
  return 1.0F - dot / std::sqrt(first * second);
}

__attribute__((noinline)) float plain_l2(const float* a, const float* b, std::size_t n) {
  float sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float difference = a[i] - b[i];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

__attribute__((noinline)) float plain_dot(const float* a, const float* b, std::size_t n) {
  float sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

__attribute__((noinline)) int plain_hamming(const std::uint8_t* a, const std::uint8_t* b, std::size_t n) {
  int count = 0;
  for (std::size_t i = 0; i < n; ++i) count += (a[i / 8] >> (i % 8) & 1) != (b[i / 8] >> (i % 8) & 1) ? 1 : 0;
  return count;
}

double g_sink = 0;  // what is computed must be used

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Nanoseconds for one distance: `distance(i)` is that of vector i from the query.
double time_once(const std::function<double(std::size_t)>& sweep, std::size_t sweeps) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t s = 0; s < sweeps; ++s) g_sink += sweep(s);
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / static_cast<double>(sweeps * kVectors);
}

template <class Distance>
std::function<double(std::size_t)> sweep_of(Distance distance) {
  return [distance](std::size_t) {
    double sum = 0;
    for (std::size_t i = 1; i <= kVectors; ++i) sum += static_cast<double>(distance(i));
    return sum;
  };
}

void compare(const char* what, std::size_t dimensions, int rounds, const std::function<double(std::size_t)>& plain,
             const std::function<double(std::size_t)>& ours) {
  const std::size_t sweeps = std::max<std::size_t>(1, 200000 / (dimensions * kVectors / 8));
  std::vector<double> plain_times;
  std::vector<double> our_times;
  for (int round = 0; round < rounds; ++round) {
    plain_times.push_back(time_once(plain, sweeps));
    our_times.push_back(time_once(ours, sweeps));
  }
  const double before = median(plain_times);
  const double after = median(our_times);
  std::printf("%-34s %5zu  plain %8.1f ns  ours %8.1f ns  ratio %6.2fx\n", what, dimensions, before, after,
              before / after);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace libsql::functions;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  std::printf("kernels: %s\n", best_kernels().name);
  for (const std::size_t n : {128, 384, 768, 1536}) {
    const Data data = make_data(n, VectorType::Float32);
    const auto plain = [&](auto function) {
      return sweep_of(
          [&data, function, n](std::size_t i) { return function(data.floats[0].data(), data.floats[i].data(), n); });
    };
    const auto ours = [&](auto function) {
      return sweep_of([&data, function](std::size_t i) { return function(data.views[0], data.views[i]); });
    };
    compare("f32 cosine, sequential (SQL)", n, rounds, plain(plain_cosine),
            ours([](const auto& a, const auto& b) { return cosine_distance(a, b, Summation::Sequential); }));
    compare("f32 cosine, lanes (_fast, nearest)", n, rounds, plain(plain_cosine),
            ours([](const auto& a, const auto& b) { return cosine_distance(a, b, Summation::Lanes); }));
    compare("f32 l2, sequential (SQL)", n, rounds, plain(plain_l2),
            ours([](const auto& a, const auto& b) { return l2_distance(a, b, Summation::Sequential); }));
    compare("f32 l2, lanes (_fast, nearest)", n, rounds, plain(plain_l2),
            ours([](const auto& a, const auto& b) { return l2_distance(a, b, Summation::Lanes); }));
    compare("f32 dot (summed in double)", n, rounds, plain(plain_dot),
            ours([](const auto& a, const auto& b) { return inner_product(a, b); }));
    for (const Kernels* kernels : available_kernels()) {
      compare((std::string("f32 cosine kernel, ") + kernels->name).c_str(), n, rounds, plain(plain_cosine),
              sweep_of([&data, kernels, n](std::size_t i) {
                return kernels->cosine_float(data.floats[0].data(), data.floats[i].data(), n).dot;
              }));
    }
    const Data bytes = make_data(n, VectorType::Float8);
    compare("f8 cosine, against plain f32", n, rounds, plain(plain_cosine), sweep_of([&bytes](std::size_t i) {
              return cosine_distance(bytes.views[0], bytes.views[i], Summation::Sequential);
            }));
    const Data halves = make_data(n, VectorType::Float16);
    compare("f16 l2, sequential, against f32", n, rounds, plain(plain_l2), sweep_of([&halves](std::size_t i) {
              return l2_distance(halves.views[0], halves.views[i], Summation::Sequential);
            }));
    const Data bits = make_data(n, VectorType::Float1Bit);
    compare("1-bit hamming", n, rounds,
            sweep_of([&bits, n](std::size_t i) { return plain_hamming(bits.views[0].data, bits.views[i].data, n); }),
            sweep_of([&bits](std::size_t i) {
              return cosine_distance(bits.views[0], bits.views[i], Summation::Sequential);
            }));
  }
  return std::isnan(g_sink) ? 1 : 0;
}

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "functions/vector_codec.hpp"
#include "functions/vector_distance.hpp"
#include "functions/vector_format.hpp"

// Blobs from strangers: whatever the header claims, nothing outside the blob is read. The first byte cuts the rest into
// two blobs, so that distances between two of them are reached as well.
namespace {

using namespace libsql::functions;

void use(const VectorView& view, std::size_t size) {
  if (view.dimensions > kMaxVectorDimensions) std::abort();
  if (view.type != VectorType::Float32Sparse && view.dimensions > size * 8) std::abort();
  format_vector(view);
  for (const VectorType type : {VectorType::Float32, VectorType::Float64, VectorType::Float1Bit, VectorType::Float8,
                                VectorType::Float16, VectorType::FloatB16, VectorType::Float32Sparse}) {
    const std::vector<std::uint8_t> blob = convert_vector(view, type);
    VectorView back;
    std::string error;
    if (!read_vector(blob, back, error) || back.dimensions != view.dimensions) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t cut = size > 1 ? data[0] % size : 0;
  // Copies of the exact size: the sanitizer then sees a read past the end of either.
  const std::vector<std::uint8_t> first(data + 1, data + 1 + cut);
  const std::vector<std::uint8_t> second(data + 1 + cut, data + size);
  VectorView a;
  VectorView b;
  std::string error;
  const bool first_is_vector = read_vector(first, a, error);
  const bool second_is_vector = read_vector(second, b, error);
  if (first_is_vector) use(a, first.size());
  if (second_is_vector) use(b, second.size());
  if (!first_is_vector || !second_is_vector || a.type != b.type) return 0;
  const bool has_elements = a.type != VectorType::Float1Bit && a.type != VectorType::Float8;
  if (has_elements && std::size_t{a.dimensions} + b.dimensions <= kMaxVectorDimensions) {
    const std::vector<std::uint8_t> joined = concat_vectors(a, b);
    VectorView whole;
    if (!read_vector(joined, whole, error) || whole.dimensions != a.dimensions + b.dimensions) std::abort();
    slice_vector(whole, a.dimensions / 2, whole.dimensions);
  }
  if (a.dimensions != b.dimensions) return 0;
  for (const Summation summation : {Summation::Sequential, Summation::Lanes}) {
    cosine_distance(a, b, summation);
    if (a.type != VectorType::Float1Bit) l2_distance(a, b, summation);
  }
  inner_product(a, b);
  jaccard_distance(a, b);
  if (a.type == VectorType::Float1Bit && hamming_distance(a, b) > a.dimensions) std::abort();
  return 0;
}

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "functions/vector_codec.hpp"
#include "functions/vector_format.hpp"

// The text form of vectors: parsing must not crash, must agree with itself in both widths, and what it accepts must
// survive being written to a blob and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace libsql::functions;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<float> floats;
  std::vector<double> doubles;
  std::string float_error;
  std::string double_error;
  const bool accepted = parse_vector_text(text, floats, float_error);
  if (parse_vector_text(text, doubles, double_error) != accepted || float_error != double_error) std::abort();
  if (!accepted) {
    if (float_error.empty()) std::abort();
    return 0;
  }
  if (floats.size() != doubles.size() || floats.size() > kMaxVectorDimensions) std::abort();
  if (count_text_dimensions(text) != floats.size()) std::abort();
  for (std::size_t i = 0; i < floats.size(); ++i) {
    if (std::isnan(doubles[i]) || floats[i] != static_cast<float>(doubles[i])) std::abort();
  }
  for (const VectorType type : {VectorType::Float32, VectorType::Float64, VectorType::Float1Bit, VectorType::Float8,
                                VectorType::Float16, VectorType::FloatB16}) {
    std::vector<std::uint8_t> blob(encoded_vector_size(type, floats.size()));
    encode_vector(type, floats, blob.data());
    VectorView view;
    std::string error;
    if (!read_vector(blob, view, error) || view.type != type || view.dimensions != floats.size()) std::abort();
    if (type == VectorType::Float32 && !floats.empty() && std::memcmp(blob.data(), floats.data(), blob.size()) != 0)
      std::abort();
    if (format_vector(view).back() != ']') std::abort();
  }
  return 0;
}

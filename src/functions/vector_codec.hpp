#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Vectors as libSQL stores them: blobs in little-endian order, told apart by their length and last byte, and the text
// form
// '[1,2,3]'. Layouts and error texts are those of libSQL; docs/sql-functions.md lists them. Knows nothing of SQLite.
//
// Functions that can fail return false and leave the reason in `error`; the other outputs are then unspecified.
namespace libsql::functions {

/// The code that ends a blob; a float32 blob usually goes without it.
enum class VectorType : std::uint8_t {
  Float32 = 1,
  Float64 = 2,
  Float1Bit = 3,
  Float8 = 4,
  Float16 = 5,
  FloatB16 = 6,
  Float32Sparse = 9,
};

inline constexpr std::size_t kMaxVectorDimensions = 65536;
inline constexpr std::size_t kMaxNumberLength = 1024;

/// The name used in messages and by vector_type().
const char* vector_type_name(VectorType type) noexcept;

/// A vector inside a blob that somebody else owns. `data` has no alignment.
struct VectorView {
  VectorType type = VectorType::Float32;
  std::uint32_t dimensions = 0;
  std::uint32_t nonzero = 0;  // float32 sparse: the values stored, followed by as many indices
  float alpha = 0;            // float8: the element of the byte q is alpha * q + shift
  float shift = 0;
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;      // bytes found for the elements and their parameters
  std::size_t expected = 0;  // bytes that the dimensions ask for
};

/// Finds the type and the dimensions of a blob. What it accepts may still fail check_vector_data().
bool read_vector_header(std::span<const std::uint8_t> blob, VectorView& view, std::string& error);

/// Whether the elements are all there: the second half of reading a blob. Until then only type and dimensions may be
/// used.
bool check_vector_data(const VectorView& view, std::string& error);

/// Both halves.
bool read_vector(std::span<const std::uint8_t> blob, VectorView& view, std::string& error);

/// Reads the text form into float or double.
template <class T>
bool parse_vector_text(std::string_view text, std::vector<T>& elements, std::string& error);

/// The dimensions a text seems to have, by libSQL's count: the commas, and one more if any digit occurs.
std::size_t count_text_dimensions(std::string_view text) noexcept;

/// A view of elements in memory, as if they came from a float32 or float64 blob.
VectorView view_of(std::span<const float> elements) noexcept;
VectorView view_of(std::span<const double> elements) noexcept;

/// Writes the elements as numbers, by libSQL's rules of conversion. `out` has room for view.dimensions.
void widen_vector(const VectorView& view, float* out) noexcept;
void widen_vector(const VectorView& view, double* out) noexcept;

/// The bytes of a dense blob of that type. For float32 sparse, use encode_sparse().
std::size_t encoded_vector_size(VectorType type, std::size_t dimensions) noexcept;

/// Writes a dense blob, encoded_vector_size() bytes long, converting as needed. float32 gets no type byte.
void encode_vector(VectorType type, std::span<const float> elements, std::uint8_t* out) noexcept;
void encode_vector(VectorType type, std::span<const double> elements, std::uint8_t* out) noexcept;

/// Writes the float32 sparse form: values, indices, dimensions, type code.
std::vector<std::uint8_t> encode_sparse(std::span<const float> elements);

/// The same vector as a blob of `type`; the elements are copied as they are if it has that type already.
std::vector<std::uint8_t> convert_vector(const VectorView& view, VectorType type);

/// Two vectors of one type end to end, and the elements [begin, end) of one. Not for float1bit and float8, whose
/// elements have no meaning of their own; the caller has checked types, limits and bounds.
std::vector<std::uint8_t> concat_vectors(const VectorView& first, const VectorView& second);
std::vector<std::uint8_t> slice_vector(const VectorView& view, std::size_t begin, std::size_t end);

}  // namespace libsql::functions

#include "functions/vector_codec.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <type_traits>

#include "functions/float16.hpp"
#include "functions/unaligned.hpp"
#include "functions/vector_kernels.hpp"

namespace libsql::functions {

namespace {

constexpr std::size_t kFloat8Parameters =
    2 * sizeof(float);  // alpha and shift, between the elements and the trailing two bytes

constexpr std::size_t align4(std::size_t size) noexcept { return (size + 3) & ~std::size_t{3}; }
constexpr std::size_t bit_bytes(std::size_t dimensions) noexcept { return (dimensions + 7) / 8; }

bool fail(std::string& error, std::string reason) {
  error = std::move(reason);
  return false;
}

std::string length_message(const char* rule, std::size_t length) { return rule + std::to_string(length); }

bool set_dimensions(VectorView& view, std::size_t dimensions, std::string& error) {
  if (dimensions > kMaxVectorDimensions) {
    return fail(error, "vector: max size exceeded: " + std::to_string(dimensions) + " > " +
                           std::to_string(kMaxVectorDimensions));
  }
  view.dimensions = static_cast<std::uint32_t>(dimensions);
  return true;
}

bool read_float1bit_header(VectorView& view, std::string& error) {
  const std::size_t length = view.size;
  if (length == 0) {
    return fail(error,
                "vector: float1bit vector blob length must be divisible by 2 and not be empty (excluding 'type'-byte): "
                "length=0");
  }
  const std::size_t trailing = view.data[length - 1];
  if (trailing > 8 * length) {
    return fail(error, "vector: float1bit vector trailing bits " + std::to_string(trailing) +
                           " exceed blob capacity (excluding 'type'-byte): length=" + std::to_string(length));
  }
  if (!set_dimensions(view, 8 * length - trailing, error)) return false;
  view.size = view.expected = bit_bytes(view.dimensions);
  return true;
}

bool read_float8_header(VectorView& view, std::string& error) {
  const std::size_t length = view.size;
  if (length == 0) {
    return fail(
        error,
        "vector: float8 vector blob length must be divisible by 2 and has at least 2 bytes (excluding 'type'-byte): "
        "length=0");
  }
  const std::size_t trailing = view.data[length - 1];
  if (length < 2 + kFloat8Parameters + trailing) {
    return fail(error, "vector: float8 vector blob is too short for " + std::to_string(trailing) +
                           " trailing bytes (excluding 'type'-byte): length=" + std::to_string(length));
  }
  if (!set_dimensions(view, length - 2 - kFloat8Parameters - trailing, error)) return false;
  view.size = length - 2;
  view.expected = align4(view.dimensions) + kFloat8Parameters;
  view.alpha = load<float>(view.data + view.size - kFloat8Parameters);
  view.shift = load<float>(view.data + view.size - sizeof(float));
  return true;
}

bool read_sparse_header(VectorView& view, std::string& error) {
  const std::size_t length = view.size;
  if (length % 8 != 4) {
    return fail(error,
                length_message("vector: float32_sparse vector blob length must leave 4 when divided by 8 (excluding "
                               "'type'-byte): length=",
                               length));
  }
  view.size = view.expected = length - 4;
  if (!set_dimensions(view, load<std::uint32_t>(view.data + view.size), error)) return false;
  const std::size_t nonzero = view.size / 8;
  if (nonzero > view.dimensions) {
    return fail(error, "vector: float32_sparse vector has more values than dimensions: " + std::to_string(nonzero) +
                           " > " + std::to_string(view.dimensions));
  }
  view.nonzero = static_cast<std::uint32_t>(nonzero);
  return true;
}

bool check_sparse_indices(const VectorView& view, std::string& error) {
  const std::uint8_t* indices = view.data + std::size_t{view.nonzero} * sizeof(float);
  std::uint64_t lowest = 0;
  for (std::uint32_t i = 0; i < view.nonzero; ++i) {
    const auto index = load<std::uint32_t>(indices, i);
    if (index < lowest || index >= view.dimensions) {
      return fail(error, "vector: float32_sparse vector index out of order or range: " + std::to_string(index));
    }
    lowest = std::uint64_t{index} + 1;
  }
  return true;
}

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What a decimal literal without a representable value stands for: an infinity or zero. `first` is past the sign.
template <class T>
T out_of_range_value(const char* first, const char* last) noexcept {
  std::int64_t magnitude = 0;  // the exponent of the leading non-zero digit
  bool leading = false;
  bool point = false;
  for (; first != last && *first != 'e' && *first != 'E'; ++first) {
    if (*first == '.') {
      point = true;
    } else {
      leading = leading || *first != '0';
      if (leading && !point) ++magnitude;
      if (!leading && point) --magnitude;
    }
  }
  if (!leading) return 0;
  if (first != last) {
    ++first;
    const bool negative = *first == '-';
    if (*first == '-' || *first == '+') ++first;
    std::int64_t exponent = 0;
    for (; first != last && exponent < 1'000'000'000; ++first) exponent = exponent * 10 + (*first - '0');
    magnitude += negative ? -exponent : exponent;
  }
  return magnitude > 0 ? std::numeric_limits<T>::infinity() : T{0};
}

/// Reads a complete decimal literal: sign, digits around an optional point, optional exponent. No "inf", no hex, no
/// locale.
bool parse_number(const char* first, const char* last, double& value) noexcept {
  const bool negative = first != last && *first == '-';
  if (first != last && (*first == '-' || *first == '+')) ++first;
  if (first == last || !(is_digit(*first) || (*first == '.' && last - first > 1 && is_digit(first[1])))) return false;
  const auto [end, code] = std::from_chars(first, last, value);
  if (end != last) return false;
  if (code == std::errc::result_out_of_range) {
    value = out_of_range_value<double>(first, last);
  } else if (code != std::errc{}) {
    return false;
  }
  if (negative) value = -value;
  return true;
}

/// A token with the whitespace taken out.
struct Token {
  const char* first;
  const char* last;
};

Token strip_spaces(Token token, std::string& scratch) {
  while (token.first != token.last && is_space(*token.first)) ++token.first;
  while (token.first != token.last && is_space(token.last[-1])) --token.last;
  if (std::none_of(token.first, token.last, is_space)) return token;
  scratch.assign(token.first, token.last);
  std::erase_if(scratch, is_space);
  return {scratch.data(), scratch.data() + scratch.size()};
}

template <class T>
void store_all(std::span<const T> elements, std::uint8_t* out) noexcept {
  if (!elements.empty()) std::memcpy(out, elements.data(), elements.size_bytes());
}

template <class T>
void encode_float1bit(std::span<const T> elements, std::uint8_t* out) noexcept {
  const std::size_t bytes = bit_bytes(elements.size());
  std::fill(out, out + encoded_vector_size(VectorType::Float1Bit, elements.size()), std::uint8_t{0});
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i] > T{0}) out[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
  }
  const std::size_t length = bytes + (bytes % 2 == 0 ? 2 : 1);  // the blob without its type byte is even
  out[length - 1] = static_cast<std::uint8_t>(8 * length - elements.size());
  out[length] = static_cast<std::uint8_t>(VectorType::Float1Bit);
}

template <class T>
void encode_float8(std::span<const T> elements, std::uint8_t* out) noexcept {
  const std::size_t padded = align4(elements.size());
  float low = 0;
  float high = 0;
  if (!elements.empty()) low = high = static_cast<float>(elements[0]);
  for (const T element : elements) {
    const auto value = static_cast<float>(element);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const float alpha = (high - low) / 255.0F;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    std::uint8_t quantised = 0;
    if (alpha != 0) {
      const auto x = static_cast<float>((elements[i] - static_cast<T>(low)) / static_cast<T>(alpha));
      if (x > 255.0F) {
        quantised = 255;
      } else if (x >= 0.0F) {  // a NaN, from infinite elements, becomes 0
        quantised = static_cast<std::uint8_t>(static_cast<int>(static_cast<double>(x) + 0.5));
      }
    }
    out[i] = quantised;
  }
  std::fill(out + elements.size(), out + padded, std::uint8_t{0});
  out += padded;
  store(out, alpha);
  store(out + 4, low);
  out[8] = 0;
  out[9] = static_cast<std::uint8_t>(padded - elements.size());
  out[10] = static_cast<std::uint8_t>(VectorType::Float8);
}

template <class T>
void encode(VectorType type, std::span<const T> elements, std::uint8_t* out) noexcept {
  const std::size_t n = elements.size();
  switch (type) {
    case VectorType::Float32:
      if constexpr (std::is_same_v<T, float>) {
        store_all(elements, out);
      } else {
        for (std::size_t i = 0; i < n; ++i) store(out + i * 4, static_cast<float>(elements[i]));
      }
      return;
    case VectorType::Float64:
      if constexpr (std::is_same_v<T, double>) {
        store_all(elements, out);
      } else {
        for (std::size_t i = 0; i < n; ++i) store(out + i * 8, static_cast<double>(elements[i]));
      }
      break;
    case VectorType::Float1Bit:
      encode_float1bit(elements, out);
      return;
    case VectorType::Float8:
      encode_float8(elements, out);
      return;
    case VectorType::Float16:
      for (std::size_t i = 0; i < n; ++i) store(out + i * 2, float_to_half(static_cast<float>(elements[i])));
      break;
    case VectorType::FloatB16:
      for (std::size_t i = 0; i < n; ++i) store(out + i * 2, float_to_bfloat(static_cast<float>(elements[i])));
      break;
    case VectorType::Float32Sparse:
      return;  // not dense: encode_sparse()
  }
  out[encoded_vector_size(type, n) - 1] = static_cast<std::uint8_t>(type);
}

template <class T>
void widen(const VectorView& view, T* out) noexcept {
  const std::size_t n = view.dimensions;
  switch (view.type) {
    case VectorType::Float32:
      for (std::size_t i = 0; i < n; ++i) out[i] = load<float>(view.data, i);
      return;
    case VectorType::Float64:
      for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<T>(load<double>(view.data, i));
      return;
    case VectorType::Float1Bit:
      for (std::size_t i = 0; i < n; ++i) out[i] = (view.data[i / 8] >> (i % 8) & 1) != 0 ? T{1} : T{-1};
      return;
    case VectorType::Float8:
      for (std::size_t i = 0; i < n; ++i) out[i] = view.alpha * static_cast<float>(view.data[i]) + view.shift;
      return;
    case VectorType::Float16:
      for (std::size_t i = 0; i < n; ++i) out[i] = half_to_float(load<std::uint16_t>(view.data, i));
      return;
    case VectorType::FloatB16:
      for (std::size_t i = 0; i < n; ++i) out[i] = bfloat_to_float(load<std::uint16_t>(view.data, i));
      return;
    case VectorType::Float32Sparse:
      std::fill(out, out + n, T{0});
      for (std::size_t i = 0; i < view.nonzero; ++i) {
        out[load<std::uint32_t>(view.data + std::size_t{view.nonzero} * 4, i)] = load<float>(view.data, i);
      }
      return;
  }
}

std::vector<std::uint8_t> sparse_blob(std::span<const float> values, std::span<const std::uint32_t> indices,
                                      std::size_t dimensions) {
  std::vector<std::uint8_t> blob(values.size() * 8 + 5);
  store_all(values, blob.data());
  store_all(indices, blob.data() + values.size_bytes());
  store(blob.data() + values.size() * 8, static_cast<std::uint32_t>(dimensions));
  blob.back() = static_cast<std::uint8_t>(VectorType::Float32Sparse);
  return blob;
}

/// Appends the entries of a sparse vector whose index lies in [begin, end), moved by `offset`.
void append_sparse(const VectorView& view, std::size_t begin, std::size_t end, std::size_t offset,
                   std::vector<float>& values, std::vector<std::uint32_t>& indices) {
  for (std::size_t i = 0; i < view.nonzero; ++i) {
    const auto index = load<std::uint32_t>(view.data + std::size_t{view.nonzero} * 4, i);
    if (index < begin || index >= end) continue;
    values.push_back(load<float>(view.data, i));
    indices.push_back(static_cast<std::uint32_t>(index - begin + offset));
  }
}

std::size_t element_size(VectorType type) noexcept {
  switch (type) {
    case VectorType::Float64:
      return 8;
    case VectorType::Float16:
    case VectorType::FloatB16:
      return 2;
    default:
      return 4;
  }
}

/// A blob of type float32, float64, float16 or floatb16 with room for that many elements.
std::vector<std::uint8_t> plain_blob(VectorType type, std::size_t dimensions) {
  std::vector<std::uint8_t> blob(encoded_vector_size(type, dimensions));
  if (type != VectorType::Float32) blob.back() = static_cast<std::uint8_t>(type);
  return blob;
}

}  // namespace

const char* vector_type_name(VectorType type) noexcept {
  switch (type) {
    case VectorType::Float32:
      return "float32";
    case VectorType::Float64:
      return "float64";
    case VectorType::Float1Bit:
      return "float1bit";
    case VectorType::Float8:
      return "float8";
    case VectorType::Float16:
      return "float16";
    case VectorType::FloatB16:
      return "floatb16";
    case VectorType::Float32Sparse:
      return "float32_sparse";
  }
  return "unknown";
}

bool read_vector_header(std::span<const std::uint8_t> blob, VectorView& view, std::string& error) {
  view = VectorView{};
  view.data = blob.data();
  view.size = blob.size();
  if (blob.size() % 2 == 0) {
    if (!set_dimensions(view, blob.size() / 4, error)) return false;
    view.expected = std::size_t{view.dimensions} * 4;
    return true;
  }
  const std::size_t length = view.size = blob.size() - 1;
  const std::uint8_t code = blob.back();
  view.type = static_cast<VectorType>(code);
  switch (view.type) {
    case VectorType::Float32:
      if (length % 4 != 0) {
        return fail(error,
                    length_message("vector: float32 vector blob length must be divisible by 4 (excluding optional "
                                   "'type'-byte): length=",
                                   length));
      }
      view.expected = length;
      return set_dimensions(view, length / 4, error);
    case VectorType::Float64:
      if (length % 8 != 0) {
        return fail(
            error,
            length_message("vector: float64 vector blob length must be divisible by 8 (excluding 'type'-byte): length=",
                           length));
      }
      view.expected = length;
      return set_dimensions(view, length / 8, error);
    case VectorType::Float1Bit:
      return read_float1bit_header(view, error);
    case VectorType::Float8:
      return read_float8_header(view, error);
    case VectorType::Float16:
    case VectorType::FloatB16:
      view.expected = length;
      return set_dimensions(view, length / 2, error);
    case VectorType::Float32Sparse:
      return read_sparse_header(view, error);
  }
  return fail(error, "vector: unexpected binary type: " + std::to_string(code));
}

bool check_vector_data(const VectorView& view, std::string& error) {
  if (view.size != view.expected) {
    return fail(error, "vector: unexpected data part size: type=" + std::to_string(static_cast<int>(view.type)) +
                           ", dims=" + std::to_string(view.dimensions) + ", " + std::to_string(view.size) +
                           " != " + std::to_string(view.expected));
  }
  return view.type != VectorType::Float32Sparse || check_sparse_indices(view, error);
}

bool read_vector(std::span<const std::uint8_t> blob, VectorView& view, std::string& error) {
  return read_vector_header(blob, view, error) && check_vector_data(view, error);
}

std::size_t count_text_dimensions(std::string_view text) noexcept {
  const auto commas = static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
  return commas + (std::any_of(text.begin(), text.end(), is_digit) ? 1 : 0);
}

template <class T>
bool parse_vector_text(std::string_view text, std::vector<T>& elements, std::string& error) {
  elements.clear();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end && is_space(*at)) ++at;
  if (at == end || *at != '[') return fail(error, "vector: must start with '['");
  ++at;

  std::string scratch;
  for (bool closed = false; !closed;) {
    const char* const stop = std::find_if(at, end, [](char c) { return c == ',' || c == ']'; });
    // The raw text bounds the token from above, so only a long one needs counting without its spaces.
    if (static_cast<std::size_t>(stop - at) > kMaxNumberLength) {
      const Token token = strip_spaces({at, stop}, scratch);
      if (static_cast<std::size_t>(token.last - token.first) > kMaxNumberLength) {
        return fail(error, "vector: float string length exceeded " + std::to_string(kMaxNumberLength) +
                               " characters: '" + std::string(token.first, kMaxNumberLength) + "'");
      }
    }
    if (stop == end) return fail(error, "vector: must end with ']'");
    closed = *stop == ']';
    const Token token = strip_spaces({at, stop}, scratch);
    at = stop + 1;
    if (closed && token.first == token.last && elements.empty()) break;
    double value = 0;
    if (!parse_number(token.first, token.last, value)) {
      return fail(error, "vector: invalid float at position " + std::to_string(elements.size()) + ": '" +
                             std::string(token.first, token.last) + "'");
    }
    if (elements.size() == kMaxVectorDimensions) {
      return fail(error, "vector: max size exceeded " + std::to_string(kMaxVectorDimensions));
    }
    elements.push_back(static_cast<T>(value));
  }
  if (!std::all_of(at, end, is_space)) return fail(error, "vector: non-space symbols after closing ']' are forbidden");
  return true;
}

template bool parse_vector_text(std::string_view text, std::vector<float>& elements, std::string& error);
template bool parse_vector_text(std::string_view text, std::vector<double>& elements, std::string& error);

VectorView view_of(std::span<const float> elements) noexcept {
  VectorView view;
  view.dimensions = static_cast<std::uint32_t>(elements.size());
  view.data = reinterpret_cast<const std::uint8_t*>(elements.data());
  view.size = view.expected = elements.size_bytes();
  return view;
}

VectorView view_of(std::span<const double> elements) noexcept {
  VectorView view;
  view.type = VectorType::Float64;
  view.dimensions = static_cast<std::uint32_t>(elements.size());
  view.data = reinterpret_cast<const std::uint8_t*>(elements.data());
  view.size = view.expected = elements.size_bytes();
  return view;
}

void widen_vector(const VectorView& view, float* out) noexcept {
  const Kernels& kernels = best_kernels();
  switch (view.type) {
    case VectorType::Float8:
      kernels.float8_to_float32(view.data, view.alpha, view.shift, out, view.dimensions);
      return;
    case VectorType::Float16:
      kernels.float16_to_float32(view.data, out, view.dimensions);
      return;
    case VectorType::FloatB16:
      kernels.floatb16_to_float32(view.data, out, view.dimensions);
      return;
    default:
      widen(view, out);
  }
}

void widen_vector(const VectorView& view, double* out) noexcept { widen(view, out); }

std::size_t encoded_vector_size(VectorType type, std::size_t dimensions) noexcept {
  switch (type) {
    case VectorType::Float32:
      return dimensions * 4;
    case VectorType::Float64:
      return dimensions * 8 + 1;
    case VectorType::Float1Bit: {
      const std::size_t bytes = bit_bytes(dimensions);
      return bytes + (bytes % 2 == 0 ? 3 : 2);
    }
    case VectorType::Float8:
      return align4(dimensions) + kFloat8Parameters + 3;
    case VectorType::Float16:
    case VectorType::FloatB16:
      return dimensions * 2 + 1;
    case VectorType::Float32Sparse:
      break;
  }
  return 0;
}

void encode_vector(VectorType type, std::span<const float> elements, std::uint8_t* out) noexcept {
  encode(type, elements, out);
}
void encode_vector(VectorType type, std::span<const double> elements, std::uint8_t* out) noexcept {
  encode(type, elements, out);
}

std::vector<std::uint8_t> encode_sparse(std::span<const float> elements) {
  std::vector<float> values;
  std::vector<std::uint32_t> indices;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i] == 0) continue;
    values.push_back(elements[i]);
    indices.push_back(static_cast<std::uint32_t>(i));
  }
  return sparse_blob(values, indices, elements.size());
}

std::vector<std::uint8_t> convert_vector(const VectorView& view, VectorType type) {
  if (view.type == type && type != VectorType::Float1Bit && type != VectorType::Float8) {
    return slice_vector(view, 0, view.dimensions);
  }
  const std::size_t n = view.dimensions;
  if (view.type == type && type == VectorType::Float8) {
    std::vector<std::uint8_t> blob(encoded_vector_size(type, n));
    std::copy_n(view.data, n, blob.data());
    std::uint8_t* tail = blob.data() + align4(n);
    store(tail, view.alpha);
    store(tail + 4, view.shift);
    tail[9] = static_cast<std::uint8_t>(align4(n) - n);
    tail[10] = static_cast<std::uint8_t>(type);
    return blob;
  }
  std::vector<std::uint8_t> blob(encoded_vector_size(type, n));
  if (view.type == VectorType::Float64) {
    std::vector<double> elements(n);
    widen_vector(view, elements.data());
    if (type != VectorType::Float32Sparse) {
      encode_vector(type, elements, blob.data());
      return blob;
    }
    return encode_sparse(std::vector<float>(elements.begin(), elements.end()));
  }
  std::vector<float> elements(n);
  widen_vector(view, elements.data());
  if (type == VectorType::Float32Sparse) return encode_sparse(elements);
  encode_vector(type, elements, blob.data());
  return blob;
}

std::vector<std::uint8_t> concat_vectors(const VectorView& first, const VectorView& second) {
  const std::size_t n = std::size_t{first.dimensions} + second.dimensions;
  if (first.type == VectorType::Float32Sparse) {
    std::vector<float> values;
    std::vector<std::uint32_t> indices;
    append_sparse(first, 0, first.dimensions, 0, values, indices);
    append_sparse(second, 0, second.dimensions, first.dimensions, values, indices);
    return sparse_blob(values, indices, n);
  }
  std::vector<std::uint8_t> blob = plain_blob(first.type, n);
  const std::size_t width = element_size(first.type);
  std::copy_n(first.data, first.dimensions * width, blob.data());
  std::copy_n(second.data, second.dimensions * width, blob.data() + first.dimensions * width);
  return blob;
}

std::vector<std::uint8_t> slice_vector(const VectorView& view, std::size_t begin, std::size_t end) {
  if (view.type == VectorType::Float32Sparse) {
    std::vector<float> values;
    std::vector<std::uint32_t> indices;
    append_sparse(view, begin, end, 0, values, indices);
    return sparse_blob(values, indices, end - begin);
  }
  std::vector<std::uint8_t> blob = plain_blob(view.type, end - begin);
  const std::size_t width = element_size(view.type);
  std::copy_n(view.data + begin * width, (end - begin) * width, blob.data());
  return blob;
}

}  // namespace libsql::functions

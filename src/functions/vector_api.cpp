// The public vector helpers, except the query, which needs a connection.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include <libsql/vector.hpp>

#include "core/errors.hpp"
#include "functions/vector_codec.hpp"
#include "functions/vector_distance.hpp"

namespace libsql::vector {

namespace {

using functions::VectorType;
using functions::VectorView;

constexpr VectorType internal(Type type) noexcept { return static_cast<VectorType>(type); }
static_assert(internal(Type::Float32) == VectorType::Float32 && internal(Type::Float64) == VectorType::Float64 &&
              internal(Type::Float1Bit) == VectorType::Float1Bit && internal(Type::Float8) == VectorType::Float8 &&
              internal(Type::Float16) == VectorType::Float16 && internal(Type::FloatB16) == VectorType::FloatB16 &&
              internal(Type::Float32Sparse) == VectorType::Float32Sparse);

std::span<const std::uint8_t> octets(BlobView blob) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(blob.data()), blob.size()};
}

Blob to_blob(const std::vector<std::uint8_t>& octets) {
  const auto* first = reinterpret_cast<const std::byte*>(octets.data());
  return {first, first + octets.size()};
}

VectorView read(BlobView blob) {
  VectorView view;
  std::string error;
  if (!functions::read_vector(octets(blob), view, error)) core::throw_error(ErrorCode::TypeMismatch, std::move(error));
  return view;
}

void check_dimensions(std::size_t count) {
  if (count > functions::kMaxVectorDimensions) {
    core::throw_error(ErrorCode::OutOfRange, "vector: max size exceeded: " + std::to_string(count) + " > " +
                                                 std::to_string(functions::kMaxVectorDimensions));
  }
}

template <class T>
Blob encode_elements(std::span<const T> elements, Type type) {
  check_dimensions(elements.size());
  if (type == Type::Float32Sparse)
    return to_blob(functions::convert_vector(functions::view_of(elements), internal(type)));
  Blob blob(functions::encoded_vector_size(internal(type), elements.size()));
  functions::encode_vector(internal(type), elements, reinterpret_cast<std::uint8_t*>(blob.data()));
  return blob;
}

template <class T>
std::vector<T> decode_elements(BlobView blob) {
  const VectorView view = read(blob);
  std::vector<T> elements(view.dimensions);
  functions::widen_vector(view, elements.data());
  return elements;
}

template <class T>
std::vector<T> parse_elements(std::string_view text) {
  std::vector<T> elements;
  std::string error;
  if (!functions::parse_vector_text(text, elements, error))
    core::throw_error(ErrorCode::TypeMismatch, std::move(error));
  return elements;
}

template <class T>
std::string format_elements(std::span<const T> elements) {
  std::string text = "[";
  for (const T element : elements) {
    if (!std::isfinite(element)) {
      core::throw_error(ErrorCode::OutOfRange, "vector: an infinite element or NaN has no text form");
    }
    if (text.size() > 1) text += ',';
    char digits[32];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, element).ptr);
  }
  text += ']';
  return text;
}

std::string mismatch(const VectorView& a, const VectorView& b) {
  if (a.type != b.type) {
    return "vector_distance: vectors must have the same type: " + std::to_string(static_cast<int>(a.type)) +
           " != " + std::to_string(static_cast<int>(b.type));
  }
  if (a.dimensions != b.dimensions) {
    return "vector_distance: vectors must have the same length: " + std::to_string(a.dimensions) +
           " != " + std::to_string(b.dimensions);
  }
  return {};
}

void check_metric(Metric metric, VectorType type) {
  if (metric == Metric::L2 && type == VectorType::Float1Bit) {
    core::throw_error(ErrorCode::Misuse, "vector_distance: l2 distance is not supported for float1bit vectors");
  }
  if (metric == Metric::Hamming && type != VectorType::Float1Bit) {
    core::throw_error(ErrorCode::Misuse, "vector_distance: hamming distance is supported for float1bit vectors only");
  }
}

double compute(Metric metric, const VectorView& a, const VectorView& b, Summation summation) {
  const auto order =
      summation == Summation::Sequential ? functions::Summation::Sequential : functions::Summation::Lanes;
  switch (metric) {
    case Metric::Cosine:
      return functions::cosine_distance(a, b, order);
    case Metric::L2:
      return functions::l2_distance(a, b, order);
    case Metric::Dot:
      return -functions::inner_product(a, b);
    case Metric::Jaccard:
      return functions::jaccard_distance(a, b);
    case Metric::Hamming:
      return functions::hamming_distance(a, b);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double checked_distance(Metric metric, const VectorView& a, const VectorView& b, Summation summation) {
  if (std::string reason = mismatch(a, b); !reason.empty()) core::throw_error(ErrorCode::Misuse, std::move(reason));
  check_metric(metric, a.type);
  return compute(metric, a, b, summation);
}

/// The order of result(): by distance, then by row.
bool nearer(const Neighbor& a, const Neighbor& b) noexcept {
  return a.distance != b.distance ? a.distance < b.distance : a.rowid < b.rowid;
}

}  // namespace

Blob encode(std::span<const float> elements, Type type) { return encode_elements(elements, type); }
Blob encode(std::span<const double> elements, Type type) { return encode_elements(elements, type); }
Blob convert(BlobView vector, Type type) { return to_blob(functions::convert_vector(read(vector), internal(type))); }
Type type_of(BlobView vector) { return static_cast<Type>(read(vector).type); }
std::size_t dimensions(BlobView vector) { return read(vector).dimensions; }
std::vector<float> decode(BlobView vector) { return decode_elements<float>(vector); }
std::vector<double> decode_double(BlobView vector) { return decode_elements<double>(vector); }
std::vector<float> parse(std::string_view text) { return parse_elements<float>(text); }
std::vector<double> parse_double(std::string_view text) { return parse_elements<double>(text); }
std::string format(std::span<const float> elements) { return format_elements(elements); }
std::string format(std::span<const double> elements) { return format_elements(elements); }

double distance(Metric metric, BlobView a, BlobView b, Summation summation) {
  return checked_distance(metric, read(a), read(b), summation);
}

double distance(Metric metric, std::span<const float> a, std::span<const float> b, Summation summation) {
  check_dimensions(std::max(a.size(), b.size()));
  return checked_distance(metric, functions::view_of(a), functions::view_of(b), summation);
}

double distance(Metric metric, std::span<const double> a, std::span<const double> b, Summation summation) {
  check_dimensions(std::max(a.size(), b.size()));
  return checked_distance(metric, functions::view_of(a), functions::view_of(b), summation);
}

struct Nearest::State {
  Metric metric = Metric::Cosine;
  std::size_t k = 0;
  Blob blob;
  VectorView query;
  bool filters = false;        // whether the two summations can differ, so that the lanes serve as a filter
  std::vector<Neighbor> heap;  // the farthest of the nearest on top
};

Nearest::Nearest(Metric metric, BlobView query, std::size_t k) : state_(std::make_unique<State>()) {
  state_->metric = metric;
  state_->k = k;
  state_->blob.assign(query.begin(), query.end());
  state_->query = read(state_->blob);
  const VectorType type = state_->query.type;
  check_metric(metric, type);
  // float8's cosine is summed in integers, and float64's bound is another one: there the exact distance is taken at
  // once.
  const bool float_sums = type == VectorType::Float32 || type == VectorType::Float16 || type == VectorType::FloatB16 ||
                          (type == VectorType::Float8 && metric == Metric::L2);
  state_->filters = float_sums && (metric == Metric::Cosine || metric == Metric::L2);
}

Nearest::Nearest(Nearest&&) noexcept = default;
Nearest& Nearest::operator=(Nearest&&) noexcept = default;
Nearest::~Nearest() = default;

void Nearest::add(std::int64_t rowid, ValueRef vector) {
  State& state = *state_;
  if (vector.is_null()) return;
  VectorView view;
  std::vector<float> parsed;
  std::string error;
  if (vector.type() == ValueType::Text) {
    const std::string_view text = vector.text();
    if (functions::parse_vector_text(text.substr(0, text.find('\0')), parsed, error)) view = functions::view_of(parsed);
  } else if (vector.type() == ValueType::Blob && !vector.is_zero_blob()) {
    functions::read_vector(octets(vector.blob()), view, error);
  } else {
    error = "vector: unexpected value type: got " + std::string(to_string(vector.type())) + ", expected TEXT or BLOB";
  }
  const bool malformed = !error.empty();
  if (!malformed) error = mismatch(view, state.query);
  if (!error.empty()) {
    core::throw_error(malformed ? ErrorCode::TypeMismatch : ErrorCode::Misuse,
                      error + " (row " + std::to_string(rowid) + ")");
  }
  if (state.k == 0) return;

  const bool full = state.heap.size() == state.k;
  if (full && state.filters) {
    const double worst = state.heap.front().distance;
    const double least = state.metric == Metric::Cosine ? functions::cosine_floor(view, state.query)
                                                        : functions::l2_floor(view, state.query);
    if (least > worst) return;
  }
  const Neighbor found{rowid, compute(state.metric, view, state.query, Summation::Sequential)};
  if (std::isnan(found.distance)) return;
  if (full) {
    if (!nearer(found, state.heap.front())) return;
    std::pop_heap(state.heap.begin(), state.heap.end(), nearer);
    state.heap.back() = found;
  } else {
    state.heap.push_back(found);
  }
  std::push_heap(state.heap.begin(), state.heap.end(), nearer);
}

std::vector<Neighbor> Nearest::result() const {
  std::vector<Neighbor> sorted = state_->heap;
  std::sort(sorted.begin(), sorted.end(), nearer);
  return sorted;
}

}  // namespace libsql::vector

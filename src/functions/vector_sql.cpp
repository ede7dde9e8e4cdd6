#include <cmath>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "functions/register.hpp"
#include "functions/sqlite_api.hpp"
#include "functions/target.hpp"
#include "functions/vector_codec.hpp"
#include "functions/vector_distance.hpp"
#include "functions/vector_format.hpp"

namespace libsql::functions {

namespace {

[[noreturn]] void raise(const std::string& reason) { throw std::runtime_error(reason); }

const char* value_type_name(int type) noexcept {
  switch (type) {
    case SQLITE_INTEGER:
      return "INTEGER";
    case SQLITE_FLOAT:
      return "FLOAT";
    case SQLITE_TEXT:
      return "TEXT";
    case SQLITE_BLOB:
      return "BLOB";
    default:
      return "NULL";
  }
}

/// The text of a TEXT argument up to its first zero byte, where libSQL stops too.
std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) throw std::bad_alloc();
  const std::string_view whole(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
  return whole.substr(0, whole.find('\0'));
}

std::span<const std::uint8_t> blob_of(sqlite3_value* value) {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_value_blob(value));
  return {data, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

template <class T>
std::vector<T> parse(std::string_view text) {
  std::vector<T> elements;
  std::string error;
  if (!parse_vector_text(text, elements, error)) raise(error);
  return elements;
}

/// One vector argument. Reading has two steps, because libSQL compares types and lengths of two arguments before it
/// looks at the elements of either. A text that is the same for all rows of a statement is parsed for the first one
/// only.
class VectorArgument {
 public:
  VectorArgument(sqlite3_context* context, sqlite3_value** arguments, int index)
      : context_(context), value_(arguments[index]), index_(index) {
    const int type = sqlite3_value_type(value_);
    if (type == SQLITE_BLOB) {
      std::string error;
      if (!read_vector_header(blob_of(value_), view_, error)) raise(error);
    } else if (type == SQLITE_TEXT) {
      if (const auto* cached = static_cast<const Elements*>(sqlite3_get_auxdata(context_, index_))) {
        view_ = view_of(*cached);
      } else {
        unparsed_ = true;
        view_.dimensions = static_cast<std::uint32_t>(count_text_dimensions(text_of(value_)));
      }
    } else {
      raise(std::string("vector: unexpected value type: got ") + value_type_name(type) + ", expected TEXT or BLOB");
    }
  }

  VectorArgument(const VectorArgument&) = delete;
  VectorArgument& operator=(const VectorArgument&) = delete;
  ~VectorArgument() {
    if (parsed_)
      sqlite3_set_auxdata(context_, index_, parsed_.release(),
                          [](void* elements) { delete static_cast<Elements*>(elements); });
  }

  /// Type and dimensions only, until finish().
  const VectorView& view() const noexcept { return view_; }

  void finish() {
    std::string error;
    if (unparsed_) {
      parsed_ = std::make_unique<Elements>(parse<float>(text_of(value_)));
      view_ = view_of(*parsed_);
      unparsed_ = false;
    } else if (!check_vector_data(view_, error)) {
      raise(error);
    }
  }

 private:
  using Elements = std::vector<float>;

  sqlite3_context* context_;
  sqlite3_value* value_;
  int index_;
  bool unparsed_ = false;
  VectorView view_;
  std::unique_ptr<Elements> parsed_;
};

void result_blob(sqlite3_context* context, std::span<const std::uint8_t> blob) {
  // A null pointer would make the result NULL: an empty vector is an empty blob.
  sqlite3_result_blob64(context, blob.empty() ? reinterpret_cast<const std::uint8_t*>("") : blob.data(), blob.size(),
                        SQLITE_TRANSIENT);
}

template <class T>
void result_encoded(sqlite3_context* context, VectorType type, std::span<const T> elements) {
  const std::size_t size = encoded_vector_size(type, elements.size());
  auto* blob = static_cast<std::uint8_t*>(sqlite3_malloc64(size + 1));  // never 0 bytes, which would be a null pointer
  if (blob == nullptr) throw std::bad_alloc();
  encode_vector(type, elements, blob);
  sqlite3_result_blob64(context, blob, size, sqlite3_free);
}

template <VectorType type>
void construct(sqlite3_context* context, sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_TEXT) {
    if constexpr (type == VectorType::Float64) {
      result_encoded<double>(context, type, parse<double>(text_of(arguments[0])));
    } else if constexpr (type == VectorType::Float32Sparse) {
      result_blob(context, encode_sparse(parse<float>(text_of(arguments[0]))));
    } else {
      result_encoded<float>(context, type, parse<float>(text_of(arguments[0])));
    }
    return;
  }
  VectorArgument argument(context, arguments, 0);
  argument.finish();
  result_blob(context, convert_vector(argument.view(), type));
}

void extract(sqlite3_context* context, sqlite3_value** arguments) {
  VectorArgument argument(context, arguments, 0);
  argument.finish();
  const std::string text = format_vector(argument.view());
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void dimensions(sqlite3_context* context, sqlite3_value** arguments) {
  VectorArgument argument(context, arguments, 0);
  argument.finish();
  sqlite3_result_int64(context, argument.view().dimensions);
}

void type_name(sqlite3_context* context, sqlite3_value** arguments) {
  VectorArgument argument(context, arguments, 0);
  argument.finish();
  sqlite3_result_text(context, vector_type_name(argument.view().type), -1, SQLITE_STATIC);
}

void check_same_type_and_length(const VectorView& a, const VectorView& b) {
  if (a.type != b.type) {
    raise("vector_distance: vectors must have the same type: " + std::to_string(static_cast<int>(a.type)) +
          " != " + std::to_string(static_cast<int>(b.type)));
  }
  if (a.dimensions != b.dimensions) {
    raise("vector_distance: vectors must have the same length: " + std::to_string(a.dimensions) +
          " != " + std::to_string(b.dimensions));
  }
}

enum class Distance { Cosine, CosineFast, L2, L2Fast, Dot, InnerProduct, Jaccard, Hamming };

template <Distance kind>
void distance(sqlite3_context* context, sqlite3_value** arguments) {
  VectorArgument first(context, arguments, 0);
  VectorArgument second(context, arguments, 1);
  check_same_type_and_length(first.view(), second.view());
  if constexpr (kind == Distance::L2 || kind == Distance::L2Fast) {
    if (first.view().type == VectorType::Float1Bit) {
      raise("vector_distance: l2 distance is not supported for float1bit vectors");
    }
  } else if constexpr (kind == Distance::Hamming) {
    if (first.view().type != VectorType::Float1Bit) {
      raise("vector_distance: hamming distance is supported for float1bit vectors only");
    }
  }
  first.finish();
  second.finish();
  // The length of a text was counted by its commas so far: nothing unequal may reach the loops, whatever that count
  // missed.
  check_same_type_and_length(first.view(), second.view());

  const VectorView& a = first.view();
  const VectorView& b = second.view();
  double result = 0;
  if constexpr (kind == Distance::Cosine) result = cosine_distance(a, b, Summation::Sequential);
  if constexpr (kind == Distance::CosineFast) result = cosine_distance(a, b, Summation::Lanes);
  if constexpr (kind == Distance::L2) result = l2_distance(a, b, Summation::Sequential);
  if constexpr (kind == Distance::L2Fast) result = l2_distance(a, b, Summation::Lanes);
  if constexpr (kind == Distance::Dot) result = -inner_product(a, b);
  if constexpr (kind == Distance::InnerProduct) result = inner_product(a, b);
  if constexpr (kind == Distance::Jaccard) result = jaccard_distance(a, b);
  if constexpr (kind == Distance::Hamming) {
    sqlite3_result_int64(context, hamming_distance(a, b));
  } else {
    sqlite3_result_double(context, result);  // a NaN becomes NULL
  }
}

void require_elements(const char* function, VectorType type) {
  if (type == VectorType::Float1Bit || type == VectorType::Float8) {
    raise(std::string("Conversion error: ") + function + " is not supported for " + vector_type_name(type) +
          " vectors");
  }
}

void concat(sqlite3_context* context, sqlite3_value** arguments) {
  VectorArgument first(context, arguments, 0);
  VectorArgument second(context, arguments, 1);
  if (first.view().type != second.view().type) raise("Conversion error: Mismatched vector types");
  require_elements("vector_concat", first.view().type);
  first.finish();
  second.finish();
  const std::size_t count = std::size_t{first.view().dimensions} + second.view().dimensions;
  if (count > kMaxVectorDimensions) {
    raise("vector: max size exceeded: " + std::to_string(count) + " > " + std::to_string(kMaxVectorDimensions));
  }
  result_blob(context, concat_vectors(first.view(), second.view()));
}

void slice(sqlite3_context* context, sqlite3_value** arguments) {
  VectorArgument argument(context, arguments, 0);
  argument.finish();
  require_elements("vector_slice", argument.view().type);
  if (sqlite3_value_type(arguments[1]) != SQLITE_INTEGER)
    raise("Invalid argument supplied: start index must be an integer");
  if (sqlite3_value_type(arguments[2]) != SQLITE_INTEGER)
    raise("Invalid argument supplied: end_index must be an integer");
  const sqlite3_int64 begin = sqlite3_value_int64(arguments[1]);
  const sqlite3_int64 end = sqlite3_value_int64(arguments[2]);
  if (begin < 0 || end < 0) raise("Invalid argument supplied: start index and end_index must be non-negative");
  if (begin > end) raise("Invalid argument supplied: start index must not be greater than end index");
  if (end > argument.view().dimensions) raise("Conversion error: vector_slice range out of bounds");
  result_blob(context, slice_vector(argument.view(), static_cast<std::size_t>(begin), static_cast<std::size_t>(end)));
}

/// The C callback around a function above.
template <void (*body)(sqlite3_context*, sqlite3_value**)>
void callback(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded(context, [&] { body(context, arguments); });
}

constexpr Definition kDefinitions[] = {
    {"vector", 1, callback<construct<VectorType::Float32>>},
    {"vector32", 1, callback<construct<VectorType::Float32>>},
    {"vector64", 1, callback<construct<VectorType::Float64>>},
    {"vector16", 1, callback<construct<VectorType::Float16>>},
    {"vectorb16", 1, callback<construct<VectorType::FloatB16>>},
    {"vector8", 1, callback<construct<VectorType::Float8>>},
    {"vector1bit", 1, callback<construct<VectorType::Float1Bit>>},
    {"vector32_sparse", 1, callback<construct<VectorType::Float32Sparse>>},
    {"vector_extract", 1, callback<extract>},
    {"vector_dims", 1, callback<dimensions>},
    {"vector_type", 1, callback<type_name>},
    {"vector_distance_cos", 2, callback<distance<Distance::Cosine>>},
    {"vector_distance_cos_fast", 2, callback<distance<Distance::CosineFast>>},
    {"vector_distance_l2", 2, callback<distance<Distance::L2>>},
    {"vector_distance_l2_fast", 2, callback<distance<Distance::L2Fast>>},
    {"vector_distance_dot", 2, callback<distance<Distance::Dot>>},
    {"vector_inner_product", 2, callback<distance<Distance::InnerProduct>>},
    {"vector_distance_jaccard", 2, callback<distance<Distance::Jaccard>>},
    {"vector_distance_hamming", 2, callback<distance<Distance::Hamming>>},
    {"vector_concat", 2, callback<concat>},
    {"vector_slice", 3, callback<slice>},
};

}  // namespace

int register_vector_functions(const Target& target) noexcept { return target.add(kDefinitions); }

}  // namespace libsql::functions

#include "functions/vector_format.hpp"

#include <vector>

#include "functions/sqlite_api.hpp"

namespace libsql::functions {

namespace {

template <class T>
std::string format_elements(const VectorView& view) {
  std::vector<T> elements(view.dimensions);
  widen_vector(view, elements.data());
  std::string text;
  text.reserve(elements.size() * 8 + 2);
  text += '[';
  for (const T element : elements) {
    if (text.size() > 1) text += ',';
    // SQLite's printf, not C's: it rounds decimal ties away from zero and knows no locale. The sign of a zero is not
    // shown.
    char digits[32];
    text += sqlite3_snprintf(sizeof digits, digits, "%g", element == 0 ? 0.0 : static_cast<double>(element));
  }
  text += ']';
  return text;
}

}  // namespace

std::string format_vector(const VectorView& view) {
  return view.type == VectorType::Float64 ? format_elements<double>(view) : format_elements<float>(view);
}

}  // namespace libsql::functions

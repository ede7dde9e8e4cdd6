#pragma once

#include <string>

#include "functions/vector_codec.hpp"

namespace libsql::functions {

/// The text of vector_extract(): each element with the 6 significant digits of SQLite's own %g, so it loses precision.
std::string format_vector(const VectorView& view);

}  // namespace libsql::functions

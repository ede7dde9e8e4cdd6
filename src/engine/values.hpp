// Values of the engine as values of the library. For files that include sqlite3.h.
#pragma once

#include <cmath>
#include <string_view>

#include <sqlite3.h>

#include <libsql/value.hpp>

namespace libsql::engine {

/// A view of an engine's value, valid as long as that is and nobody converts it.
inline ValueRef value_ref(sqlite3_value* value) noexcept {
  if (value == nullptr) return ValueRef();
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return ValueRef(std::int64_t{sqlite3_value_int64(value)});
    case SQLITE_FLOAT:
      return ValueRef(sqlite3_value_double(value));
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      return ValueRef(std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value))));
    }
    case SQLITE_BLOB: {
      const auto* blob = static_cast<const std::byte*>(sqlite3_value_blob(value));
      return ValueRef(BlobView(blob, static_cast<std::size_t>(sqlite3_value_bytes(value))));
    }
    default:
      return ValueRef();
  }
}

}  // namespace libsql::engine

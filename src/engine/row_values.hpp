// The cells of a row, read where the engine keeps them. For files that include sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <libsql/value.hpp>

#include "engine/value_layout.h"
#include "engine/values.hpp"

namespace libsql::engine {

/// Bytes from a value of a row to the next; 0 if the functions below may not be used, so that each value has to be
/// asked for with sqlite3_column_value().
inline std::size_t value_size() noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return 0;
#else
  return libsql_engine_value_size;
#endif
}

/// The first value of the current row; null if there is none.
inline const char* first_value([[maybe_unused]] sqlite3_stmt* stmt) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return nullptr;
#else
  using Pointer [[gnu::may_alias]] = const char*;
  return stmt == nullptr
             ? nullptr
             : *reinterpret_cast<const Pointer*>(reinterpret_cast<const char*>(stmt) + libsql_engine_row_place);
#endif
}

/// value_ref(), kept out of the way of what is read without it.
[[gnu::cold, gnu::noinline]] ValueRef convert_value(sqlite3_value* value) noexcept;

/// The value at this place, as value_ref() would give it.
inline ValueRef read_value(const char* place) noexcept {
  const auto& value = *reinterpret_cast<const LibsqlEngineValue*>(place);
  // Comparisons instead of a switch: its jump table costs more than a few well-predicted branches.
  const unsigned kind = value.flags & kLibsqlValueKinds;
  if (kind == kLibsqlValueInteger) return ValueRef(value.number.integer);
  const auto size = static_cast<std::size_t>(value.size);
  if (kind == kLibsqlValueText && (value.flags & kLibsqlValueTerminated) != 0 && value.encoding == SQLITE_UTF8) {
    return ValueRef(std::string_view(value.bytes, size));
  }
  if (kind == kLibsqlValueReal) return ValueRef(value.number.real);
  if (kind == kLibsqlValueNull) return ValueRef();
  if (kind == kLibsqlValueBlob && (value.flags & kLibsqlValueZeroes) == 0) {
    return ValueRef(BlobView(reinterpret_cast<const std::byte*>(value.bytes), size));
  }
  // Text in UTF-16 or without its NUL, a blob whose zeros are not there yet, a value of two kinds: the engine converts
  // it.
  return convert_value(reinterpret_cast<sqlite3_value*>(const_cast<char*>(place)));
}

}  // namespace libsql::engine

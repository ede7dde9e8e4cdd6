// Arguments, written where the engine keeps them. For files that include sqlite3.h.
#pragma once

#include <cmath>

#include <sqlite3.h>

#include <libsql/value.hpp>

#include "engine/row_values.hpp"

namespace libsql::engine {

/// The places of a statement's arguments, filled one after the other.
class ArgumentValues {
 public:
#ifdef LIBSQL_SYSTEM_SQLITE
  ArgumentValues(sqlite3_stmt*, int) noexcept {}
#else
  /// Requires: the statement takes `count` arguments and is not finalised.
  ArgumentValues(sqlite3_stmt* stmt, int count) noexcept {
    std::int32_t longest = 0;  // not the member, so that this object can live in registers
    place_ = static_cast<char*>(libsql_engine_arguments(stmt, count, &longest));
    longest_ = static_cast<std::size_t>(longest);
  }
#endif

  /// Writes the next argument, as the engine's bind functions do with bytes that stay in their place. False if it is
  /// for them to do: bytes have to be copied or freed, the value is refused, or it is none of the usual ones.
  bool write(const ValueRef& value, bool copy) noexcept {
    if (place_ == nullptr) return false;
    auto& target = *reinterpret_cast<LibsqlEngineValue*>(place_);
    place_ += value_size();
    if (((target.flags & kLibsqlValueOwner) | target.allocated) != 0) [[unlikely]]
      return false;
    const ValueType type = value.type();
    if (type == ValueType::Integer) {
      target.number.integer = value.integer();
      target.flags = kLibsqlValueInteger;
      return true;
    }
    if (type == ValueType::Text) {
      const std::string_view text = value.text();
      if ((copy && !value.is_borrowed()) || text.data() == nullptr || text.size() > longest_) return false;
      target.bytes = text.data();
      target.size = static_cast<std::int32_t>(text.size());
      target.flags = kLibsqlValueText | kLibsqlValueStatic;
      target.encoding = SQLITE_UTF8;
      return true;
    }
    if (type == ValueType::Real) {
      if (std::isnan(value.real())) return false;
      target.number.real = value.real();
      target.flags = kLibsqlValueReal;
      return true;
    }
    if (type != ValueType::Null) return false;
    target.flags = kLibsqlValueNull;
    return true;
  }

 private:
  char* place_ = nullptr;
  std::size_t longest_ = 0;
};

}  // namespace libsql::engine

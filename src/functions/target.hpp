// Where the functions of this room are added.
#pragma once

#include <cstddef>

#include "functions/sqlite_api.hpp"

namespace libsql::functions {

constexpr int kRandomFunction = SQLITE_UTF8 | SQLITE_INNOCUOUS;
/// Depends on nothing but its arguments.
constexpr int kPureFunction = kRandomFunction | SQLITE_DETERMINISTIC;

/// A function, or with `step` and `finish` an aggregate. Its name is one that lives as long as the process.
struct Definition {
  const char* name;
  int arity;
  void (*callback)(sqlite3_context*, int, sqlite3_value**);
  int flags = kPureFunction;
  void (*step)(sqlite3_context*, int, sqlite3_value**) = nullptr;
  void (*finish)(sqlite3_context*) = nullptr;
};

/// A connection, or whatever else `add` knows. Functions of the same name and arity are replaced.
class Target {
 public:
  using Add = int (*)(void* to, const Definition& definition) noexcept;
  Target(sqlite3* connection) noexcept : Target(&add_to_connection, connection) {}
  Target(Add how, void* to) noexcept : add_(how), to_(to) {}

  /// Returns an SQLite result code.
  int add(const Definition& definition) const noexcept { return add_(to_, definition); }
  template <std::size_t n>
  int add(const Definition (&definitions)[n]) const noexcept {
    for (const Definition& definition : definitions) {
      if (const int code = add(definition); code != SQLITE_OK) return code;
    }
    return SQLITE_OK;
  }

 private:
  static int add_to_connection(void* to, const Definition& definition) noexcept {
    return sqlite3_create_function_v2(static_cast<sqlite3*>(to), definition.name, definition.arity, definition.flags,
                                      nullptr, definition.callback, definition.step, definition.finish, nullptr);
  }

  Add add_;
  void* to_;
};

}  // namespace libsql::functions

// A statement's parameters as the engine has them, for the rules of sql/arguments.hpp. For files that include
// sqlite3.h.
#pragma once

#include <algorithm>
#include <string_view>

#include <sqlite3.h>

#include "sql/parameters.hpp"

namespace libsql::engine {

inline const char* or_empty(const char* text) noexcept { return text == nullptr ? "" : text; }

class Parameters {
 public:
  Parameters(sqlite3_stmt* stmt, std::string_view sql) noexcept : stmt_(stmt), sql_(sql) {}
  int count() const noexcept { return sqlite3_bind_parameter_count(stmt_); }
  std::string_view name(int number) const noexcept { return or_empty(sqlite3_bind_parameter_name(stmt_, number)); }
  int number(std::string_view name) const noexcept { return sqlite3_bind_parameter_index(stmt_, name.data()); }
  bool uses(int number) const {
    const sql::ParameterList list = sql::parameters(sql_);
    return std::any_of(list.parameters.begin(), list.parameters.end(),
                       [&](const sql::Parameter& parameter) { return parameter.number == number; });
  }
  std::string_view sql() const noexcept { return sql_; }

 private:
  sqlite3_stmt* stmt_;
  std::string_view sql_;
};

}  // namespace libsql::engine

// Which parameters a statement has, numbered as the engine numbers them, without asking the engine.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace libsql::sql {

/// The highest parameter number the engine allows by default (https://www.sqlite.org/limits.html#max_variable_number).
inline constexpr int kMaxParameterNumber = 32766;

/// One parameter of a statement. `text` is as written, prefix included; a view into the statement. A plain `?` that is
/// also written as `?12` further on has that text.
struct Parameter {
  std::string_view text;   // "?", "?12", ":name", "$a::b(c)", ...
  int number = 0;          // from 1
  std::size_t offset = 0;  // of its first occurrence, in bytes
};

/// The parameters of one statement, in the order of their first occurrence.
struct ParameterList {
  std::vector<Parameter> parameters;
  int count = 0;                     // the largest number, as sqlite3_bind_parameter_count() says it
  std::optional<std::size_t> fault;  // offset of the first parameter whose number is not allowed

  /// The name of parameter `number` as the engine has it: empty for a plain `?` and for a gap between numbers.
  std::string_view name(int number) const noexcept;
  /// The number of the parameter of this name (prefix included), or 0 if there is none.
  int number(std::string_view name) const noexcept;
};

/// Finds the parameters of one statement. Numbers follow https://www.sqlite.org/lang_expr.html#varparam: a plain `?`
/// and the first use of a name take one more than the largest number so far. Stops at the first fault.
ParameterList parameters(std::string_view statement);

}  // namespace libsql::sql

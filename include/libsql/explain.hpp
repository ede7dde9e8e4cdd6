/// \file
/// How the engine would run a statement: its query plan, and the program of its virtual machine.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/connection.hpp>
#include <libsql/export.hpp>
#include <libsql/params.hpp>

namespace libsql {

/// A step of a query plan and those it consists of (https://www.sqlite.org/eqp.html).
struct QueryPlanNode {
  int id = 0;
  int parent = 0;      ///< the id of the step it is part of; 0: of the whole
  std::string detail;  ///< "SCAN users", "SEARCH users USING INDEX by_name (name=?)", ...
  std::vector<QueryPlanNode> children;
};

/// A query plan as a tree. Empty for a statement that needs none, such as a plain INSERT ... VALUES.
struct QueryPlan {
  std::vector<QueryPlanNode> steps;

  /// Whether some step reads a whole table or index ("SCAN"): often a sign that an index is missing.
  LIBSQL_EXPORT bool has_scan() const noexcept;
};

/// The tree as text, a line per step.
LIBSQL_EXPORT std::string to_string(const QueryPlan& plan);
LIBSQL_EXPORT std::ostream& operator<<(std::ostream& out, const QueryPlan& plan);

/// An instruction of the virtual machine (https://www.sqlite.org/opcode.html).
struct ProgramInstruction {
  int address = 0;
  std::string opcode;
  std::int64_t p1 = 0;
  std::int64_t p2 = 0;
  std::int64_t p3 = 0;
  std::optional<std::string> p4;
  std::int64_t p5 = 0;
  std::optional<std::string> comment;
};

/// The listing as text, a line per instruction.
LIBSQL_EXPORT std::string to_string(const std::vector<ProgramInstruction>& program);

/// The plan of one statement, which is compiled and not run. Arguments, which may change the plan where ANALYZE has
/// collected samples, may be left out altogether; all parameters are then NULL. Throws as Connection::query() does, and
/// Misuse if the text begins with EXPLAIN itself.
LIBSQL_EXPORT QueryPlan explain_query_plan(Connection& connection, std::string_view sql, const Params& params);
template <Argument... Args>
QueryPlan explain_query_plan(Connection& connection, std::string_view sql, const Args&... args);

/// The program of one statement. As explain_query_plan().
LIBSQL_EXPORT std::vector<ProgramInstruction> explain(Connection& connection, std::string_view sql,
                                                      const Params& params = {});

namespace detail {
template <class... Args>
Params collect_params(const Args&... args) {
  Params params;
  [[maybe_unused]] const auto add = [&](const auto& argument) {
    using T = std::remove_cvref_t<decltype(argument)>;
    if constexpr (IsNamed<T>::value) {
      params.add(argument.name, argument.value);
    } else if constexpr (IsTuple<T>::value) {
      std::apply([&](const auto&... value) { (params.add(value), ...); }, argument);
    } else {
      params.add(argument);
    }
  };
  (add(args), ...);
  return params;
}
}  // namespace detail

template <Argument... Args>
QueryPlan explain_query_plan(Connection& connection, std::string_view sql, const Args&... args) {
  return explain_query_plan(connection, sql, detail::collect_params(args...));
}

}  // namespace libsql

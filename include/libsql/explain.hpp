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

/// A step of a query plan with its substeps (https://www.sqlite.org/eqp.html).
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

/// The plan of one statement, which is compiled but not run. Arguments matter only where ANALYZE has collected samples;
/// if all are left out, all parameters are NULL. Throws as Connection::query() does, and Misuse if the text begins with
/// EXPLAIN itself.
LIBSQL_EXPORT QueryPlan explain_query_plan(Connection& connection, std::string_view sql, const Params& params);
template <Bindable... Args>
QueryPlan explain_query_plan(Connection& connection, std::string_view sql, const Args&... args) {
  Params params;
  (params.add(args), ...);
  return explain_query_plan(connection, sql, params);
}

/// The program of one statement. As explain_query_plan().
LIBSQL_EXPORT std::vector<ProgramInstruction> explain(Connection& connection, std::string_view sql,
                                                      const Params& params = {});

}  // namespace libsql

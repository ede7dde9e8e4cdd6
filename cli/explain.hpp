// Programs and plans of the engine, laid out for reading.
#pragma once

#include <string>

#include <libsql/rows.hpp>

namespace libsql::cli {

/// The rows of EXPLAIN QUERY PLAN as a tree; empty for no rows.
std::string format_query_plan(Rows rows);

/// The rows of EXPLAIN as a table whose loops are indented.
std::string format_program(Rows rows);

}  // namespace libsql::cli

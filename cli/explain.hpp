// Programs and plans of the engine, laid out for reading.
#pragma once

#include <span>
#include <string>

#include <libsql/plan_counters.hpp>
#include <libsql/rows.hpp>

namespace libsql::cli {

/// The rows of EXPLAIN QUERY PLAN as a tree; empty for no rows.
std::string format_query_plan(Rows rows);

/// The rows of EXPLAIN as a table whose loops are indented.
std::string format_program(Rows rows);
/// The same, each instruction with what it did.
std::string format_program(Rows rows, std::span<const InstructionCount> counts);

enum class Estimates : unsigned char { Hidden, Shown };
/// The steps of a run as a tree, each with what it did; empty for no steps.
std::string format_counts(const RunCounts& counts, Estimates estimates);

}  // namespace libsql::cli

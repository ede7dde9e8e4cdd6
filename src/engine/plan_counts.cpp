#include "engine/plan_counts.hpp"

#include <sqlite3.h>

#include "engine/connection_state.h"

namespace libsql::engine {

#if defined(SQLITE_DBCONFIG_STMT_SCANSTATUS) && !defined(LIBSQL_SYSTEM_SQLITE)

namespace {

template <class T>
T ask(sqlite3_stmt* stmt, int step, int what) {
  T answer{};
  sqlite3_stmt_scanstatus_v2(stmt, step, what, SQLITE_SCANSTAT_COMPLEX, &answer);
  return answer;
}

std::string text(const char* found) { return found == nullptr ? std::string() : std::string(found); }

std::optional<std::int64_t> count(sqlite3_stmt* stmt, int step, int what) {
  const auto counted = ask<sqlite3_int64>(stmt, step, what);
  return counted < 0 ? std::nullopt : std::optional<std::int64_t>(counted);
}

}  // namespace

bool counts_plans() noexcept { return true; }

RunCounts plan_counts(const Statement& statement) {
  sqlite3_stmt* const stmt = statement.handle();
  RunCounts counts;
  counts.cycles = ask<sqlite3_int64>(stmt, -1, SQLITE_SCANSTAT_NCYCLE);
  const char* detail = nullptr;
  for (int i = 0;
       sqlite3_stmt_scanstatus_v2(stmt, i, SQLITE_SCANSTAT_EXPLAIN, SQLITE_SCANSTAT_COMPLEX, &detail) == SQLITE_OK;
       ++i) {
    PlanStepCount& step = counts.steps.emplace_back();
    step.id = ask<int>(stmt, i, SQLITE_SCANSTAT_SELECTID);
    step.parent = ask<int>(stmt, i, SQLITE_SCANSTAT_PARENTID);
    step.detail = text(detail);
    step.name = text(ask<const char*>(stmt, i, SQLITE_SCANSTAT_NAME));
    step.loops = count(stmt, i, SQLITE_SCANSTAT_NLOOP);
    step.rows = count(stmt, i, SQLITE_SCANSTAT_NVISIT);
    step.cycles = count(stmt, i, SQLITE_SCANSTAT_NCYCLE);
    step.estimated_rows = ask<double>(stmt, i, SQLITE_SCANSTAT_EST);
  }
  const auto add = [](void* to, const char* opcode, std::int64_t runs, std::int64_t cycles) {
    static_cast<std::vector<InstructionCount>*>(to)->push_back({opcode, runs, cycles});
  };
  libsql_engine_visit_instructions(stmt, add, &counts.instructions);
  return counts;
}

#else

bool counts_plans() noexcept { return false; }
RunCounts plan_counts(const Statement&) { return {}; }

#endif

}  // namespace libsql::engine

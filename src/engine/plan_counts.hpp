// What the engine counted of a statement's last run.
#pragma once

#include <libsql/plan_counters.hpp>

#include "engine/statement.hpp"

namespace libsql::engine {

/// Whether the engine can count at all.
bool counts_plans() noexcept;
/// Zeros if nobody wanted it when the run began.
RunCounts plan_counts(const Statement& statement);

}  // namespace libsql::engine

/// \file
/// What the steps of a plan did when a statement ran: how often each loop started, how many rows it visited, how long
/// it took.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libsql/connection.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>
#include <libsql/statement.hpp>

namespace libsql {

/// A step of a plan, as in QueryPlanNode, and what it did (https://www.sqlite.org/c3ref/c_scanstat_est.html).
struct PlanStepCount {
  int id = 0;
  int parent = 0;                      ///< the id of the step it is part of; 0: of the whole
  std::string detail;                  ///< "SEARCH users USING INDEX by_name (name=?)", ...
  std::string name;                    ///< the table or index of a loop; empty if the step is none
  std::optional<std::int64_t> loops;   ///< times the loop was started
  std::optional<std::int64_t> rows;    ///< rows that it visited, or sorted, in all its runs
  std::optional<std::int64_t> cycles;  ///< of the processor
  double estimated_rows = 0;           ///< what the planner expected for each start of the loop
};

/// An instruction of the virtual machine, and what it did.
struct InstructionCount {
  std::string opcode;
  std::int64_t runs = 0;
  std::int64_t cycles = 0;
};

/// The counts of a statement's last run.
struct RunCounts {
  std::int64_t cycles = 0;  ///< of the processor, in all of the statement but its triggers
  std::vector<PlanStepCount> steps;
  /// In the order of explain(), the programs of triggers after that of the statement. Empty if the engine is the
  /// system's.
  std::vector<InstructionCount> instructions;
};

/// Counts what the statements of one connection do, while it lives and until Connection::reset() or close(). The engine
/// then reads the clock at every step of its virtual machine: scans take two to three times as long.
///
/// Ownership: moves; keeps the session alive. Threads: as the connection.
class LIBSQL_EXPORT PlanCounters final {
 public:
  /// Throws Unsupported if the database is on a server, or the engine is the system's and does not count.
  explicit PlanCounters(const Connection& connection);
  PlanCounters(PlanCounters&&) noexcept;
  PlanCounters& operator=(PlanCounters&&) noexcept;
  ~PlanCounters();

  /// The counts of the last run of a statement of this connection, so far if its rows have not ended. Steps that the
  /// engine cannot count have no figures; a statement that never ran has zeros. Throws Misuse for a statement of
  /// another connection, or a finalised one.
  RunCounts counts(const Statement& statement) const;

 private:
  class Observer;
  void stop() noexcept;
  std::shared_ptr<core::Session> session_;
  std::shared_ptr<Observer> observer_;
};

}  // namespace libsql

/// \file
/// Virtual tables: C++ classes that SQL reads, and may write, as tables. For simple cases see table_source.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/connection.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>
#include <libsql/functions.hpp>
#include <libsql/value.hpp>

namespace libsql {

/// How a WHERE clause restricts a column (https://www.sqlite.org/vtab.html#constraints).
enum class ConstraintOp : std::uint8_t {
  Equal = 2,
  Greater = 4,
  LessOrEqual = 8,
  Less = 16,
  GreaterOrEqual = 32,
  Match = 64,
  Like = 65,
  Glob = 66,
  Regexp = 67,
  NotEqual = 68,
  IsNot = 69,
  IsNotNull = 70,
  IsNull = 71,
  Is = 72,
  Limit = 73,
  Offset = 74,
};

/// `column op value` in a WHERE clause, or a LIMIT or OFFSET (column -1).
struct IndexConstraint {
  int column = 0;  ///< -1: the rowid
  ConstraintOp op = ConstraintOp::Equal;
  bool usable = false;  ///< Whether the value is known before the scan in this plan.
  /// The collation that compares texts: "BINARY", "NOCASE", ... Valid for the call.
  std::string_view collation = {};
};

struct IndexOrder {
  int column = 0;
  bool descending = false;
};

/// Whether the engine checks again a constraint that the table has used.
enum class CheckAgain : std::uint8_t { Yes, No };

/// What the planner asks of a table, and the table's answer. Valid for the call only.
class IndexPlan final {
 public:
  /// The question.
  std::vector<IndexConstraint> constraints;
  std::vector<IndexOrder> order_by;
  std::uint64_t columns_used = 0;  ///< One bit per column; the last stands for all from the 64th on.

  /// Has the value of `constraint` (an index) passed to VirtualCursor::filter(), after those used before. Throws
  /// OutOfRange; Misuse if the constraint is not usable.
  LIBSQL_EXPORT void use(std::size_t constraint, CheckAgain again = CheckAgain::Yes);
  /// The position in filter()'s arguments plus 1, or 0, of each constraint, and whether it is checked again.
  std::vector<std::pair<int, CheckAgain>> uses;

  /// The answer: what filter() is told about the choice, what it costs, and what it returns.
  int number = 0;
  std::string text;
  double cost = 1e6;
  std::int64_t rows = 1'000'000;
  bool ordered = false;      ///< The rows come in the order of order_by.
  bool at_most_one = false;  ///< At most one row comes.
  bool impossible = false;   ///< There is no such scan: the planner must find another order of tables.
};

/// The choice that best_index() made, and the values it asked for. Valid for the call only.
struct TableScan {
  int number = 0;
  std::string_view text;
  std::span<const ValueRef> arguments;
};

/// A cursor over the rows of a virtual table. Errors: what a function throws becomes the error of the statement.
class LIBSQL_EXPORT VirtualCursor {
 public:
  virtual ~VirtualCursor();
  /// Starts a scan; may be called again, for another one.
  virtual void filter(const TableScan& scan) = 0;
  virtual bool at_end() const = 0;
  virtual void next() = 0;
  /// Sets the value of a column of the current row, counted from 0 with the hidden ones.
  virtual void column(int column, ResultSink& result) = 0;
  virtual std::int64_t rowid() = 0;
};

/// A table. Threads: as the connection. Errors: an exception ends the statement; a libsql::Error is thrown unchanged,
/// any other as SqlError with its message.
class LIBSQL_EXPORT VirtualTable {
 public:
  virtual ~VirtualTable();
  /// `CREATE TABLE x(...)`, whatever the name; HIDDEN columns are the parameters of a table-valued function. Must not
  /// be WITHOUT ROWID.
  virtual std::string declaration() const = 0;
  /// Chooses how to scan. Default: the whole table, with no constraint used.
  virtual void best_index(IndexPlan& plan);
  virtual std::unique_ptr<VirtualCursor> open() = 0;
  /// DROP TABLE was run on a table that CREATE VIRTUAL TABLE made. Default: nothing.
  virtual void destroy();
};

/// What INSERT OR ... asks to do with a conflicting row.
enum class ConflictAction : std::uint8_t { Rollback = 1, Ignore = 2, Fail = 3, Abort = 4, Replace = 5 };

/// A table that SQL may write. If its own constraint forbids a change, it calls constraint_failed() before it has
/// changed anything; then ON CONFLICT works as for any table, except Replace, which the table does itself.
class LIBSQL_EXPORT WritableVirtualTable : public VirtualTable {
 public:
  /// Returns the new rowid: `rowid` if the statement names one. `values` are all columns.
  virtual std::int64_t insert(std::optional<std::int64_t> rowid, std::span<const ValueRef> values,
                              ConflictAction conflict) = 0;
  virtual void update(std::int64_t rowid, std::int64_t new_rowid, std::span<const ValueRef> values,
                      ConflictAction conflict) = 0;
  virtual void remove(std::int64_t rowid) = 0;

  /// The transaction, from the table's first write. sync() may still refuse it; commit() and rollback() must not throw.
  /// After savepoint(n), rollback_to(n) restores that state and release(n) forgets it, both with all higher numbers.
  /// Default: nothing.
  virtual void begin();
  virtual void sync();
  virtual void commit() noexcept;
  virtual void rollback() noexcept;
  virtual void savepoint(int number);
  virtual void release(int number);
  virtual void rollback_to(int number);
  /// ALTER TABLE ... RENAME TO. Default: allowed.
  virtual void rename(std::string_view name);

 protected:
  /// Throws Constraint (ConstraintKind::VirtualTable) with this message.
  [[noreturn]] static void constraint_failed(std::string_view message);
};

/// Where a module's tables come from.
enum class ModuleKind : std::uint8_t {
  Eponymous,  ///< The module's name is a table, and with hidden columns a table-valued function: no CREATE.
  Created,    ///< Only CREATE VIRTUAL TABLE ... USING makes tables.
  Both,
};

/// The table that is wanted. Views are valid for the call only.
struct TableRequest {
  std::string_view module, database, table;
  std::vector<std::string_view> arguments;  ///< The text in the parentheses after USING module.
  bool creating = false;  ///< CREATE VIRTUAL TABLE is run (ModuleKind::Created only), else an existing table is opened.
};

/// The virtual table modules of one connection. They stay until they are removed or the connection closes; reset()
/// keeps them.
/// Threads: as Connection. Errors: Misuse for an empty name or function.
class LIBSQL_EXPORT VirtualTables final {
 public:
  using Factory = std::function<std::unique_ptr<VirtualTable>(const TableRequest&)>;
  using WritableFactory = std::function<std::unique_ptr<WritableVirtualTable>(const TableRequest&)>;

  explicit VirtualTables(const Connection& connection);
  VirtualTables(const VirtualTables&) noexcept;
  VirtualTables(VirtualTables&&) noexcept;
  VirtualTables& operator=(const VirtualTables&) noexcept;
  VirtualTables& operator=(VirtualTables&&) noexcept;
  ~VirtualTables();

  /// Registers a module; it replaces one of the same name.
  void module(std::string_view name, Factory make, ModuleKind kind = ModuleKind::Eponymous);
  void writable_module(std::string_view name, WritableFactory make, ModuleKind kind = ModuleKind::Eponymous);
  /// Removes a module; open tables stay usable until they are closed.
  void remove(std::string_view name);

 private:
  std::shared_ptr<core::Session> session_;
};

}  // namespace libsql

// What a statement is and what it may do, from its first tokens.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsql::sql {

enum class StatementKind : std::uint8_t {
  Empty,  // nothing but white space, comments and semicolons
  Select,
  Values,
  Insert,
  Replace,
  Update,
  Delete,
  CreateTable,
  CreateVirtualTable,
  CreateIndex,
  CreateView,
  CreateTrigger,
  DropTable,
  DropIndex,
  DropView,
  DropTrigger,
  AlterTable,
  Begin,
  Commit,      // COMMIT or END
  Rollback,    // of the whole transaction
  RollbackTo,  // a savepoint
  Savepoint,
  Release,
  Pragma,
  Attach,
  Detach,
  Vacuum,
  Analyze,
  Reindex,
  Other,  // not recognised: broken, or newer than this code
};

/// How a router must treat the statement. Whatever is not known to be harmless is a Write.
enum class Access : std::uint8_t {
  Read,         // changes neither the database nor the connection
  Write,        // may change the database, a setting or the connection
  Transaction,  // begins or ends a transaction or a savepoint
};

enum class BeginBehavior : std::uint8_t { Deferred, Immediate, Exclusive, ReadOnly, Concurrent };

enum class ExplainMode : std::uint8_t { None, Program, QueryPlan };

/// Views are into the classified text and name things as written there, quotes included; see unquote().
struct Classification {
  StatementKind kind = StatementKind::Empty;
  Access access = Access::Read;
  ExplainMode explain = ExplainMode::None;        // then `kind` is that of the explained statement
  BeginBehavior begin = BeginBehavior::Deferred;  // of Begin
  bool with = false;                              // a WITH clause precedes it
  bool temporary = false;                         // CREATE TEMP ...
  bool has_value = false;                         // of Pragma: `= value` or `(value)` follows
  std::string_view schema;                        // before the dot, when there is one
  std::string_view name;                          // of the table, index, savepoint or pragma that it is about
  std::string_view value;                         // of Pragma: the value as written, without `=` or parentheses
};

/// Classifies one statement, as split() yields it. Reads no further than it must, so the rest may be broken.
Classification classify(std::string_view statement) noexcept;

/// Whether the text may join tables by the names of their columns, with NATURAL or USING.
bool joins_by_name(std::string_view text) noexcept;

/// Whether the text may hold a common table expression of this name: `name AS (` or `name (columns) AS (`.
bool defines_common_table(std::string_view text, std::string_view name);

}  // namespace libsql::sql

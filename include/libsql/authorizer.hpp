/// \file
/// What an authorizer is asked and what it may answer. Hooks::on_authorize() attaches one; docs/hooks.md has examples.
#pragma once

#include <cstdint>
#include <string_view>

#include <libsql/export.hpp>

namespace libsql {

/// What a statement wants to do (https://www.sqlite.org/c3ref/c_alter_table.html). The comment names the members of
/// Authorization that are filled.
enum class Action : std::uint8_t {
  CreateIndex = 1,          ///< name: the index; table
  CreateTable = 2,          ///< table
  CreateTempIndex = 3,      ///< name: the index; table
  CreateTempTable = 4,      ///< table
  CreateTempTrigger = 5,    ///< name: the trigger; table
  CreateTempView = 6,       ///< name: the view
  CreateTrigger = 7,        ///< name: the trigger; table
  CreateView = 8,           ///< name: the view
  Delete = 9,               ///< table
  DropIndex = 10,           ///< name: the index; table
  DropTable = 11,           ///< table
  DropTempIndex = 12,       ///< name: the index; table
  DropTempTable = 13,       ///< table
  DropTempTrigger = 14,     ///< name: the trigger; table
  DropTempView = 15,        ///< name: the view
  DropTrigger = 16,         ///< name: the trigger; table
  DropView = 17,            ///< name: the view
  Insert = 18,              ///< table
  Pragma = 19,              ///< name: the PRAGMA, in lower case; argument, whose data() is null if there is none
  Read = 20,                ///< table; column, empty if the table is named but none of its columns is read
  Select = 21,              ///< nothing
  Transaction = 22,         ///< name: BEGIN, COMMIT or ROLLBACK
  Update = 23,              ///< table; column
  Attach = 24,              ///< name: the file, empty if it is an expression
  Detach = 25,              ///< name: the database
  AlterTable = 26,          ///< table
  Reindex = 27,             ///< name: the index
  Analyze = 28,             ///< table
  CreateVirtualTable = 29,  ///< table; name: the module
  DropVirtualTable = 30,    ///< table; name: the module
  Function = 31,            ///< name: the function
  Savepoint = 32,           ///< name: BEGIN, RELEASE or ROLLBACK; argument: the savepoint
  Recursive = 33,           ///< nothing
};

/// "Read", "CreateTable", ... Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(Action action) noexcept;

/// The answer of an authorizer, from the mildest to the strictest. If there are several authorizers, the strictest
/// answer counts.
enum class Verdict : std::uint8_t {
  Allow,
  /// Read: the column reads as NULL. Delete: allowed, row by row. Any other action: skipped, without an error.
  Ignore,
  /// The statement does not compile: Auth is thrown.
  Deny,
};

/// One thing that a statement being compiled wants to do. Names that exist are spelt as in the schema, not as in the
/// statement, so they can be compared directly (with a system's SQLite, the table of a Read without a column, the
/// database of a Detach and a module may be spelt as in the statement). All views are valid for the call only.
struct Authorization {
  Action action = Action::Select;
  std::string_view table;
  std::string_view column;
  std::string_view name;
  /// If there is none, its data() is null. `PRAGMA x=''` has an empty one, and sets x.
  std::string_view argument;
  /// "main", "temp" or the name of an attached database; empty where the engine names none.
  std::string_view database;
  /// The innermost view or trigger that does it; empty for the statement itself.
  std::string_view inside;

  /// Whether the action changes rows or the schema, attaches or detaches a database, or is a PRAGMA that may change
  /// the database or a setting.
  LIBSQL_EXPORT bool is_write() const noexcept;
};

}  // namespace libsql

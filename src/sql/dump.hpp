// A database as SQL that recreates it. It reads through an interface, so that the shell and the server, which reach
// databases in different ways, dump alike.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/error.hpp>
#include <libsql/value.hpp>

namespace libsql::sql {

/// Where a dump comes from and goes to. What a member throws ends the dump and comes out of it.
class DumpPort {
 public:
  virtual ~DumpPort() = default;

  using OnRow = std::function<void(std::span<const ValueRef>)>;
  /// Runs a query of the main database and hands its rows out one by one; the values are valid for the call.
  virtual void query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) = 0;
  virtual void write(std::string_view text) = 0;
  /// Writes the INSERT of one row.
  virtual void write_row(std::string_view line) { write(line); }
  /// A part of the database cannot be read; `what` says which. The dump goes on with the others, and ends in a ROLLBACK
  /// so that it cannot be mistaken for a complete one. Called while the error is being handled; throws to end the dump
  /// here.
  virtual void damaged(std::string_view what, const Error& error) = 0;
};

struct DumpOptions {
  std::vector<std::string> patterns;  // LIKE patterns of table names; none: everything
  bool data_only = false;
  bool preserve_rowids = false;
  bool keeps_damaged = false;  // end in COMMIT although parts could not be read
};

/// Dumps the main database. The port sees to it that all its queries read one state.
void dump(DumpPort& port, const DumpOptions& options);

/// Takes the name of a table, gives the columns that an INSERT may give values for.
inline constexpr std::string_view kInsertableColumns =
    "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid";

}  // namespace libsql::sql

// Loading a file of delimited text into a table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/delimited_reader.hpp"

namespace libsql::cli {

class Shell;

struct ImportOptions {
  std::string file;                   // or "|COMMAND"
  std::optional<std::string> schema;  // the database that has it
  std::string table;
  DelimitedFormat format;
  std::uint64_t skip = 0;  // records at the start of the file that are passed over
  bool verbose = false;
};

/// Loads all records in one transaction. A table that does not exist is made, its columns named by the first record.
/// Records that the table refuses are reported and left out. Throws CommandError at the end if there were any.
void import(Shell& shell, const ImportOptions& options);

}  // namespace libsql::cli

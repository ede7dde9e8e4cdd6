// .sha3sum: a checksum of what a database holds, independent of the layout of its pages.
#pragma once

#include <string>

namespace libsql::cli {

class Shell;

struct ChecksumOptions {
  std::string pattern;  // one of LIKE; empty: one checksum of all tables
  bool schema = false;  // the schema and the engine's own tables, too
  unsigned bits = 224;
};

/// Prints the checksum that sqlite3 prints.
void print_checksum(Shell& shell, const ChecksumOptions& options);

}  // namespace libsql::cli

// A database as SQL that makes it again.
#pragma once

#include <string>
#include <vector>

namespace libsql::cli {

class Shell;

struct DumpOptions {
  std::vector<std::string> patterns;  // LIKE patterns of table names; none: everything
  bool data_only = false;
  bool preserve_rowids = false;
};

/// Writes the main database to the shell's output, all of it as it is at one moment.
void dump(Shell& shell, const DumpOptions& options);

}  // namespace libsql::cli

// .dump: a database as SQL that makes it again.
#pragma once

#include "sql/dump.hpp"

namespace libsql::cli {

class Shell;

/// Writes the main database to the shell's output, all of it as it is at one moment.
void dump(Shell& shell, const sql::DumpOptions& options);

}  // namespace libsql::cli

// readfile() and writefile() in SQL: in the shell only, whose user may do to files what the program may.
#pragma once

#include <libsql/connection.hpp>

namespace libsql::cli {

/// Adds them to a local connection. Views and triggers cannot call them, so that a database of somebody else's does
/// nothing to files when it is looked into.
void add_file_functions(Connection& connection);

}  // namespace libsql::cli

// A copy of a database in a file.
#pragma once

#include <string>

namespace libsql::cli {

class Shell;

/// Writes an attached database, as it is at one moment, to `file`; encrypted as it is itself. A new file
/// appears whole or not at all; a database that is there is replaced as one transaction, which other programs that use
/// it see as such. Throws CommandError and what libsql::backup() does.
void back_up(Shell& shell, const std::string& schema, const std::string& file);

/// Replaces the content of an attached database with that of the database in `file`, all or nothing. It is opened with
/// the cipher and key of the shell's own. Throws CommandError if `file` is the database itself.
void restore_from(Shell& shell, const std::string& schema, const std::string& file);

}  // namespace libsql::cli

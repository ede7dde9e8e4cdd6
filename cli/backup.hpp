// A copy of a database in a file.
#pragma once

#include <string>

namespace libsql::cli {

class Shell;

/// Writes an attached database, as it is at one moment, to `file`; encrypted as it is itself. The copy appears whole or
/// not at all, in place of what was there. Throws CommandError if a database that may be in use is there.
void back_up(Shell& shell, const std::string& schema, const std::string& file);

/// Replaces the content of an attached database with that of the database in `file`, all or nothing. It is opened with
/// the cipher and key of the shell's own. Throws CommandError if `file` is the database itself.
void restore_from(Shell& shell, const std::string& schema, const std::string& file);

}  // namespace libsql::cli

// .clone: the content of the database in a new file, as far as it can be read.
#pragma once

#include <string>

namespace libsql::cli {

class Shell;

/// Makes the file, which must not exist, and runs the dump of the main database in it. Throws CommandError if something
/// could not be read; the rest is there.
void clone(Shell& shell, const std::string& file);

}  // namespace libsql::cli

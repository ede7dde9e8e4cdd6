// .recover: what is left of a damaged database, as SQL.
#pragma once

#include <string>

namespace libsql::cli {

class Shell;

struct RecoverOptions {
  bool ignore_freelist = false;                   // leave out what free pages still hold
  bool rowids = true;                             // keep rowids that no column shows
  std::string lost_and_found = "lost_and_found";  // the table for rows of which no table is known
};

/// Reads the pages of the main database one by one and prints SQL that makes what they hold. Rows of pages that belong
/// to no table go to a table of their own. Throws CommandError, Interrupted.
void recover(Shell& shell, const RecoverOptions& options);

}  // namespace libsql::cli

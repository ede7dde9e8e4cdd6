// .lint: what of a schema makes statements slow.
#pragma once

namespace libsql::cli {

class Shell;

/// Prints a CREATE INDEX for each foreign key whose columns no index leads with, so that a change of the parent reads
/// the whole child table.
void lint_foreign_keys(Shell& shell, bool verbose);

}  // namespace libsql::cli

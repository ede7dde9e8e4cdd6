// What stands in the place of libSQL's SQL that the engine does not have.
#pragma once

#include <string_view>

namespace libsql::engine {

/// What to add to a message of the engine: what to use instead, if the statement asks for something of libSQL's, or of
/// other forks', that is not here. Empty for all other failures.
std::string_view advice(std::string_view message, std::string_view sql);

/// The same for an engine that does not know libSQL's RANDOM ROWID, and a statement with these words or a file with
/// such a table.
std::string_view advice_on_random_rowid(std::string_view message, std::string_view sql);

}  // namespace libsql::engine

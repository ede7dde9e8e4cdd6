// What the engine's failures are as errors: its codes and messages, and what they leave out.
#pragma once

#include <string_view>

#include <libsql/error.hpp>

struct sqlite3;

namespace libsql::engine {

/// `db` may be null.
detail::ErrorData engine_error(sqlite3* db, int rc, std::string_view sql);

/// What an engine that does not know libSQL's RANDOM ROWID is to add to its message, for a statement with these words
/// or a file with such a table; empty for all other failures.
std::string_view advice_on_random_rowid(std::string_view message, std::string_view sql);

}  // namespace libsql::engine

// What the engine's failures are as errors: its codes and messages, and what they leave out.
#pragma once

#include <string_view>

#include <libsql/error.hpp>

struct sqlite3;

namespace libsql::engine {

/// `db` may be null.
detail::ErrorData engine_error(sqlite3* db, int rc, std::string_view sql);

}  // namespace libsql::engine

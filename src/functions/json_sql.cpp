// JSON functions that SQLite has not. They share its parser, so the engine's room has them, and only the engine that
// the library brings along.
#include "functions/register.hpp"
#include "functions/sqlite_api.hpp"

#if defined(SQLITE_CORE) && !defined(LIBSQL_SYSTEM_SQLITE)
#include "engine/connection_state.h"
#endif

namespace libsql::functions {

int register_json_functions([[maybe_unused]] sqlite3* connection) noexcept {
#if defined(SQLITE_CORE) && !defined(LIBSQL_SYSTEM_SQLITE)
  return libsql_engine_add_json_functions(connection);
#else
  return SQLITE_OK;
#endif
}

}  // namespace libsql::functions

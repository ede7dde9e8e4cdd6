// The entry points of the loadable extension. SQLite derives a name from the file name: the letters between an initial
// "lib" and the first dot, so libsql_functions.so is asked for sqlite3_sqlfunctions_init
// (https://www.sqlite.org/loadext.html). The name that keeps the "lib" serves a file renamed to liblibsql_functions.so;
// sqlite3_extension_init serves every other name.
#include "functions/register.hpp"
#include "functions/sqlite_api.hpp"

#ifdef SQLITE_CORE
#error "extension.cpp belongs to the loadable extension only"
#endif

#if defined(_WIN32)
#define LIBSQL_ENTRY_POINT __declspec(dllexport)
#else
#define LIBSQL_ENTRY_POINT __attribute__((visibility("default")))
#endif

extern "C" {

const sqlite3_api_routines* sqlite3_api = nullptr;

LIBSQL_ENTRY_POINT int sqlite3_extension_init(sqlite3* connection, char** /*message*/,
                                              const sqlite3_api_routines* api) {
  sqlite3_api = api;
  return libsql::functions::register_all(connection);
}

LIBSQL_ENTRY_POINT int sqlite3_sqlfunctions_init(sqlite3* connection, char** message, const sqlite3_api_routines* api) {
  return sqlite3_extension_init(connection, message, api);
}

LIBSQL_ENTRY_POINT int sqlite3_libsqlfunctions_init(sqlite3* connection, char** message,
                                                    const sqlite3_api_routines* api) {
  return sqlite3_extension_init(connection, message, api);
}

}  // extern "C"

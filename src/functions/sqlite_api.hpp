#pragma once

// The SQLite C API as this room sees it. The same sources are compiled twice: into the library, where SQLITE_CORE is
// defined and calls go straight to the engine, and into the loadable extension, where they go through the table the
// host hands over.
#include <sqlite3ext.h>

#ifndef SQLITE_CORE
extern "C" {
extern const sqlite3_api_routines* sqlite3_api;
}
#endif

#include <exception>
#include <new>

namespace libsql::functions {

/// Runs `body` of an SQL function; what it throws becomes the error of the statement, as nothing may cross C frames.
template <class Body>
void guarded(sqlite3_context* context, Body&& body) noexcept {
  try {
    body();
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  } catch (const std::exception& failure) {
    sqlite3_result_error(context, failure.what(), -1);
  } catch (...) {
    sqlite3_result_error(context, "unknown failure in an SQL function", -1);
  }
}

}  // namespace libsql::functions

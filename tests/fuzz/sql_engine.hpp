// What the fuzz targets of SQL text share: an engine to compare with.
#pragma once

#include <sqlite3.h>

#include <cstdlib>

#include "unit/sql/corpus.hpp"

namespace libsql::test {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Compiling a PRAGMA may already act.
inline int refuse_pragmas(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_PRAGMA ? SQLITE_DENY : SQLITE_OK;
}

/// A database in memory with the schema that the seeds speak of.
inline sqlite3* fuzz_database() {
  static const DatabaseHandle handle = [] {
    auto opened = open_memory_database();
    sqlite3_exec(opened.get(), kSchema, nullptr, nullptr, nullptr);
    sqlite3_set_authorizer(opened.get(), refuse_pragmas, nullptr);
    return opened;
  }();
  return handle.get();
}

}  // namespace libsql::test

// What the fuzz targets of SQL text share: an engine to compare with, raw and as the library uses it.
#pragma once

#include <sqlite3.h>

#include <cstdlib>
#include <memory>
#include <string_view>

#include <libsql/error.hpp>

#include "engine/statement.hpp"
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

/// The same schema behind the engine room.
inline engine::Connection& fuzz_connection() {
  static const std::unique_ptr<engine::Connection> connection = [] {
    using namespace engine::open_flags;
    auto opened = engine::Connection::open({":memory:", kReadWrite | kCreate | kNoMutex | kMemory, {}});
    opened->execute_script(kSchema);
    sqlite3_set_authorizer(opened->handle(), refuse_pragmas, nullptr);
    return opened;
  }();
  return *connection;
}

/// What the library makes of a text that holds one statement; null where it is refused.
inline std::shared_ptr<engine::Statement> fuzz_prepare(std::string_view sql) {
  try {
    return engine::Statement::prepare(fuzz_connection(), sql, engine::Statement::Persistence::Once);
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace libsql::test

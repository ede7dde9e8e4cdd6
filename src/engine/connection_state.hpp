// Facts about a connection that are read before and after each statement. For files that include sqlite3.h.
#pragma once

#include <cstdint>

#include <sqlite3.h>

#include "engine/connection_state.h"

namespace libsql::engine {

/// Whether no transaction is open.
inline bool is_autocommit(sqlite3* db) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return sqlite3_get_autocommit(db) != 0;
#else
  return libsql_engine_autocommit(db) != 0;
#endif
}

/// Rows changed since the connection was opened.
inline std::uint64_t total_changes(sqlite3* db) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return static_cast<std::uint64_t>(sqlite3_total_changes64(db));
#else
  return static_cast<std::uint64_t>(libsql_engine_total_changes(db));
#endif
}

/// Whether the engine compiles the SQL that sql::alter_column() writes.
inline bool alters_columns() noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return false;
#else
  return libsql_engine_alters_columns != 0;
#endif
}

/// Whether the engine supports libSQL's tables with RANDOM ROWID.
inline bool has_random_rowids() noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return false;
#else
  return libsql_engine_has_random_rowids != 0;
#endif
}

#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
/// Sets the function that is called before each change of a row; null removes it.
inline void watch_rows(sqlite3* db,
                       void (*watcher)(void*, sqlite3*, int, const char*, const char*, sqlite3_int64, sqlite3_int64),
                       void* argument) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  sqlite3_preupdate_hook(db, watcher, argument);
#else
  libsql_engine_watch_rows(db, watcher, argument);
#endif
}
#endif

/// Whether the open transaction holds the write lock of the main database.
inline bool holds_write_lock(sqlite3* db) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return sqlite3_txn_state(db, "main") == SQLITE_TXN_WRITE;
#else
  return libsql_engine_holds_write_lock(db) != 0;
#endif
}

/// Differs from an earlier result if the temporary database may have changed since. 0 while there is none.
inline std::int64_t temporary_version(sqlite3* db) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  unsigned int version = 0;
  if (sqlite3_file_control(db, "temp", SQLITE_FCNTL_DATA_VERSION, &version) != SQLITE_OK) return 0;
  return std::int64_t{version} + 1 + (sqlite3_txn_state(db, "temp") == SQLITE_TXN_WRITE ? 1 : 0);
#else
  return libsql_engine_temporary_version(db);
#endif
}

/// While it exists, the connection does not allocate from its store for short-lived memory (lookaside).
class LongLivedMemory final {
 public:
#ifdef LIBSQL_SYSTEM_SQLITE
  explicit LongLivedMemory(sqlite3*) noexcept {}
#else
  explicit LongLivedMemory(sqlite3* db) noexcept : db_(db) { libsql_engine_spare_lookaside(db_, 1); }
  ~LongLivedMemory() { libsql_engine_spare_lookaside(db_, 0); }
  LongLivedMemory(const LongLivedMemory&) = delete;
  LongLivedMemory& operator=(const LongLivedMemory&) = delete;

 private:
  sqlite3* db_;
#endif
};

/// While it exists, "x" is a string where no column has that name.
class StringsInDoubleQuotes final {
 public:
  explicit StringsInDoubleQuotes(sqlite3* db) noexcept : db_(db), before_(set(db, 1)) {}
  StringsInDoubleQuotes(const StringsInDoubleQuotes&) = delete;
  StringsInDoubleQuotes& operator=(const StringsInDoubleQuotes&) = delete;
  ~StringsInDoubleQuotes() { set(db_, before_); }

 private:
  static int set(sqlite3* db, int on) noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
    int before = 0;
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, -1, &before);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, on, nullptr);
    return before;
#else
    return libsql_engine_double_quoted_strings(db, on);
#endif
  }

  sqlite3* db_;
  int before_;
};

}  // namespace libsql::engine

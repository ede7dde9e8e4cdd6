// The engine's C API with just enough comfort for tests that need it bare.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <utility>

namespace libsql::test {

// A connection; every failure is a result code, so that tests can ask for it.
class Raw {
 public:
  Raw() = default;
  explicit Raw(const std::string& path, const char* vfs = nullptr,
               int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI) {
    open_code = sqlite3_open_v2(path.c_str(), &db, flags, vfs);
    sqlite3_extended_result_codes(db, 1);
  }
  Raw(Raw&& other) noexcept : db(std::exchange(other.db, nullptr)), open_code(other.open_code) {}
  Raw& operator=(Raw&& other) noexcept {
    std::swap(db, other.db);
    open_code = other.open_code;
    return *this;
  }
  ~Raw() { close(); }

  int close() {
    const int code = sqlite3_close(db);
    if (code == SQLITE_OK) db = nullptr;
    return code;
  }
  int exec(const std::string& sql) { return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr); }

  // The first column of the first row as text, or "error CODE: message".
  std::string text(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
    std::string result;
    if (code == SQLITE_OK) {
      code = sqlite3_step(statement);
      if (code == SQLITE_ROW) {
        const unsigned char* value = sqlite3_column_text(statement, 0);
        result = value == nullptr ? "NULL" : reinterpret_cast<const char*>(value);
      }
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
      result = "error " + std::to_string(sqlite3_extended_errcode(db)) + ": " + sqlite3_errmsg(db);
    }
    sqlite3_finalize(statement);
    return result;
  }

  sqlite3* db = nullptr;
  int open_code = SQLITE_OK;
};

#define EXPECT_SQL_OK(raw, sql) EXPECT_EQ((raw).exec(sql), SQLITE_OK) << sqlite3_errmsg((raw).db)
#define ASSERT_SQL_OK(raw, sql) ASSERT_EQ((raw).exec(sql), SQLITE_OK) << sqlite3_errmsg((raw).db)

}  // namespace libsql::test

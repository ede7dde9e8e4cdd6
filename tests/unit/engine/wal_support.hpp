// What the tests of the WAL share: a directory that goes away, connections, bytes of files.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "sqlite3.h"
#include "support/temporary_directory.hpp"

namespace waltest {

using libsql::test::TemporaryDirectory;

class Db {
 public:
  explicit Db(const std::string& path, int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
              const char* vfs = nullptr) {
    if (sqlite3_open_v2(path.c_str(), &db_, flags, vfs) != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(db_));
    sqlite3_extended_result_codes(db_, 1);
  }
  ~Db() { sqlite3_close_v2(db_); }
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  operator sqlite3*() const noexcept { return db_; }

  void run(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
    }
  }
  int try_run(const std::string& sql) { return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }

  std::string text(const std::string& sql) {
    sqlite3_stmt* stmt = nullptr;
    std::string all;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &stmt, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
    }
    int rc = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
      if (!all.empty()) all += '\n';
      for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
        const auto* cell = reinterpret_cast<const char*>(sqlite3_column_text(stmt, i));
        if (i > 0) all += '|';
        all += cell == nullptr ? "NULL" : cell;
      }
    }
    const std::string message = sqlite3_errmsg(db_);
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE) throw std::runtime_error(sql + ": " + message);
    return all;
  }
  std::int64_t number(const std::string& sql) { return std::stoll(text(sql)); }

 private:
  sqlite3* db_ = nullptr;
};

/// A database in WAL mode that never checkpoints by itself.
inline void set_wal(Db& db, int page_size = 4096) {
  db.run("PRAGMA page_size=" + std::to_string(page_size));
  if (db.text("PRAGMA journal_mode=WAL") != "wal") throw std::runtime_error("no WAL");
  db.run("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=NORMAL");
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  int on = 1;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

/// Everything that is in the database: schema and rows, in an order that is a function of the content.
inline std::string content(Db& db) {
  std::string all = db.text("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name");
  const std::string tables = db.text("SELECT group_concat(name, char(10)) FROM sqlite_schema WHERE type='table'");
  std::size_t at = 0;
  while (at < tables.size() && tables != "NULL") {
    const std::size_t end = std::min(tables.find('\n', at), tables.size());
    const std::string name = tables.substr(at, end - at);
    all += "\n-- " + name + "\n" + db.text("SELECT * FROM \"" + name + "\"");
    at = end + 1;
  }
  return all;
}

inline std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  return {begin, begin + bytes.size()};
}

/// What the sqlite3 command, another process with another build of SQLite, says.
inline std::string sqlite3_command(const std::string& path, const std::string& sql) {
  std::FILE* pipe = ::popen(("sqlite3 -batch '" + path + "' \"" + sql + "\" 2>&1").c_str(), "r");
  if (pipe == nullptr) return "no sqlite3";
  std::string out;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
  ::pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace waltest

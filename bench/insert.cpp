// Loading a million rows through one statement in one transaction, and transactions of one row.
#include <SQLiteCpp/SQLiteCpp.h>

#include <libsql/libsql.hpp>

#include "raw.hpp"
#include "support.hpp"

namespace {

constexpr int kRows = 1'000'000;
constexpr int kTransactions = 1'000;  // a slice of a round
constexpr const char* kCreate =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, number INTEGER, ratio REAL, name TEXT, note TEXT)";
constexpr const char* kInsert = "INSERT INTO t VALUES (?, ?, ?, ?, ?)";
const std::string kName = "a name of some length";
const std::string kNote = "note";

}  // namespace

int main() {
  const bench::Directory directory;
  {
    bench::Raw raw("file::memory:");
    auto conn = libsql::Builder::local("file::memory:").build().connect();
    SQLite::Database cpp(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    bench::stop_counting_scans(cpp.getHandle());
    raw.exec(kCreate);
    conn.execute(kCreate);
    cpp.exec(kCreate);
    sqlite3_stmt* raw_stmt = raw.prepare(kInsert);
    auto stmt = conn.prepare(kInsert);
    SQLite::Statement cpp_stmt(cpp, kInsert);
    bench::compare("insert of 1M rows through one statement, in one transaction, in memory",
                   {{"raw C",
                     [&] {
                       raw.exec("DELETE FROM t");
                       return bench::rate(kRows, [&] {
                         raw.exec("BEGIN");
                         for (std::int64_t i = 0; i < kRows; ++i) {
                           sqlite3_bind_int64(raw_stmt, 1, i);
                           sqlite3_bind_int64(raw_stmt, 2, i * 7);
                           sqlite3_bind_double(raw_stmt, 3, static_cast<double>(i) * 0.5);
                           sqlite3_bind_text(raw_stmt, 4, kName.data(), static_cast<int>(kName.size()), SQLITE_STATIC);
                           sqlite3_bind_text(raw_stmt, 5, kNote.data(), static_cast<int>(kNote.size()), SQLITE_STATIC);
                           raw.check(sqlite3_step(raw_stmt));
                           sqlite3_reset(raw_stmt);
                         }
                         raw.exec("COMMIT");
                       });
                     }},
                    {"libsql-cpp",
                     [&] {
                       conn.execute("DELETE FROM t");
                       return bench::rate(kRows, [&] {
                         auto tx = conn.transaction();
                         for (std::int64_t i = 0; i < kRows; ++i)
                           stmt.execute(i, i * 7, static_cast<double>(i) * 0.5, kName, kNote);
                         tx.commit();
                       });
                     }},
                    {"SQLiteCpp",
                     [&] {
                       cpp.exec("DELETE FROM t");
                       return bench::rate(kRows, [&] {
                         SQLite::Transaction tx(cpp);
                         for (std::int64_t i = 0; i < kRows; ++i) {
                           cpp_stmt.bind(1, i);
                           cpp_stmt.bind(2, i * 7);
                           cpp_stmt.bind(3, static_cast<double>(i) * 0.5);
                           cpp_stmt.bindNoCopy(4, kName);
                           cpp_stmt.bindNoCopy(5, kNote);
                           cpp_stmt.exec();
                           cpp_stmt.reset();
                         }
                         tx.commit();
                       });
                     }}},
                   "raw C", 7);
    sqlite3_finalize(raw_stmt);
  }
  {
    bench::Raw raw(directory.file("raw.db"));
    auto conn = libsql::Builder::local(directory.file("ours.db")).build().connect();
    SQLite::Database cpp(directory.file("cpp.db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    bench::stop_counting_scans(cpp.getHandle());
    cpp.exec("PRAGMA journal_mode=WAL");
    cpp.exec("PRAGMA synchronous=NORMAL");
    raw.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
    conn.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
    cpp.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
    sqlite3_stmt* raw_stmt = raw.prepare("INSERT INTO t(name) VALUES (?)");
    sqlite3_stmt* raw_begin = raw.prepare("BEGIN IMMEDIATE");
    sqlite3_stmt* raw_commit = raw.prepare("COMMIT");
    auto stmt = conn.prepare("INSERT INTO t(name) VALUES (?)");
    SQLite::Statement cpp_stmt(cpp, "INSERT INTO t(name) VALUES (?)");
    bench::compare("transactions of one row, BEGIN IMMEDIATE to COMMIT, WAL, synchronous=NORMAL",
                   {{"raw C",
                     [&] {
                       return bench::rate(
                           kTransactions,
                           [&] {
                             for (int i = 0; i < kTransactions; ++i) {
                               raw.check(sqlite3_step(raw_begin));
                               sqlite3_reset(raw_begin);
                               sqlite3_bind_text(raw_stmt, 1, kName.data(), static_cast<int>(kName.size()),
                                                 SQLITE_STATIC);
                               raw.check(sqlite3_step(raw_stmt));
                               sqlite3_reset(raw_stmt);
                               raw.check(sqlite3_step(raw_commit));
                               sqlite3_reset(raw_commit);
                             }
                           },
                           bench::Time::Wall);
                     }},
                    {"libsql-cpp",
                     [&] {
                       return bench::rate(
                           kTransactions,
                           [&] {
                             for (int i = 0; i < kTransactions; ++i) {
                               auto tx = conn.transaction(libsql::TransactionBehavior::Immediate);
                               stmt.execute(kName);
                               tx.commit();
                             }
                           },
                           bench::Time::Wall);
                     }},
                    {"SQLiteCpp",
                     [&] {
                       return bench::rate(
                           kTransactions,
                           [&] {
                             for (int i = 0; i < kTransactions; ++i) {
                               SQLite::Transaction tx(cpp, SQLite::TransactionBehavior::IMMEDIATE);
                               cpp_stmt.bindNoCopy(1, kName);
                               cpp_stmt.exec();
                               cpp_stmt.reset();
                               tx.commit();
                             }
                           },
                           bench::Time::Wall);
                     }}},
                   "raw C", 101);
    sqlite3_finalize(raw_stmt);
    sqlite3_finalize(raw_begin);
    sqlite3_finalize(raw_commit);
  }
}

// Reading a million rows of five columns: into values that are owned, and only touching each cell.
#include <SQLiteCpp/SQLiteCpp.h>

#include <libsql/libsql.hpp>

#include "raw.hpp"
#include "support.hpp"

namespace {

constexpr int kRows = 1'000'000;
constexpr const char* kSelect = "SELECT id, number, ratio, name, note FROM t";

std::string_view raw_text(sqlite3_stmt* stmt, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, column));
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(stmt, column))};
}

struct Record {
  std::int64_t id;
  std::int64_t number;
  double ratio;
  std::string name;
  std::string note;
};

}  // namespace

int main() {
  const bench::Directory directory;
  const std::string path = directory.file("scan.db");
  auto conn = libsql::Builder::local(path).build().connect();
  conn.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, number INTEGER, ratio REAL, name TEXT, note TEXT)");
  {
    auto tx = conn.transaction();
    auto insert = conn.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)");
    for (std::int64_t i = 0; i < kRows; ++i) {
      insert.execute(i, i * 7, static_cast<double>(i) * 0.5, "a name longer than SSO " + std::to_string(i), "note");
    }
    tx.commit();
  }
  bench::Raw raw(path);
  SQLite::Database cpp(path, SQLite::OPEN_READWRITE);
  bench::stop_counting_scans(cpp.getHandle());
  sqlite3_stmt* raw_stmt = raw.prepare(kSelect);
  auto stmt = conn.prepare(kSelect);
  std::int64_t sum = 0;

  bench::compare("scan of 1M rows x 5 columns into owned values",
                 {{"raw C",
                   [&] {
                     return bench::rate(kRows, [&] {
                       int rc;
                       while ((rc = sqlite3_step(raw_stmt)) == SQLITE_ROW) {
                         const Record record{sqlite3_column_int64(raw_stmt, 0), sqlite3_column_int64(raw_stmt, 1),
                                             sqlite3_column_double(raw_stmt, 2), std::string(raw_text(raw_stmt, 3)),
                                             std::string(raw_text(raw_stmt, 4))};
                         sum += record.id + record.number + static_cast<std::int64_t>(record.name.size());
                       }
                       raw.check(rc);
                       sqlite3_reset(raw_stmt);
                     });
                   }},
                  {"libsql-cpp, tuple",
                   [&] {
                     return bench::rate(kRows, [&] {
                       for (const auto& [id, number, ratio, name, note] :
                            stmt.query<std::int64_t, std::int64_t, double, std::string, std::string>()) {
                         bench::keep(ratio);
                         bench::keep(note);
                         sum += id + number + static_cast<std::int64_t>(name.size());
                       }
                     });
                   }},
                  {"libsql-cpp, struct",
                   [&] {
                     return bench::rate(kRows, [&] {
                       for (const Record& record : stmt.query<Record>()) {
                         sum += record.id + record.number + static_cast<std::int64_t>(record.name.size());
                       }
                     });
                   }},
                  {"SQLiteCpp",
                   [&] {
                     return bench::rate(kRows, [&] {
                       SQLite::Statement query(cpp, kSelect);
                       while (query.executeStep()) {
                         const Record record{query.getColumn(0).getInt64(), query.getColumn(1).getInt64(),
                                             query.getColumn(2).getDouble(), query.getColumn(3).getString(),
                                             query.getColumn(4).getString()};
                         sum += record.id + record.number + static_cast<std::int64_t>(record.name.size());
                       }
                     });
                   }}},
                 "raw C", 15);

  bench::compare(
      "scan of 1M rows x 5 columns, each cell touched",
      {{"raw C",
        [&] {
          return bench::rate(kRows, [&] {
            int rc;
            while ((rc = sqlite3_step(raw_stmt)) == SQLITE_ROW) {
              sum += sqlite3_column_int64(raw_stmt, 0) + sqlite3_column_int64(raw_stmt, 1) +
                     static_cast<std::int64_t>(sqlite3_column_double(raw_stmt, 2)) +
                     static_cast<std::int64_t>(raw_text(raw_stmt, 3).size() + raw_text(raw_stmt, 4).size());
            }
            raw.check(rc);
            sqlite3_reset(raw_stmt);
          });
        }},
       {"libsql-cpp, views",
        [&] {
          return bench::rate(kRows, [&] {
            for (const auto& [id, number, ratio, name, note] :
                 stmt.query<std::int64_t, std::int64_t, double, std::string_view, std::string_view>()) {
              sum +=
                  id + number + static_cast<std::int64_t>(ratio) + static_cast<std::int64_t>(name.size() + note.size());
            }
          });
        }},
       {"libsql-cpp, row.get",
        [&] {
          return bench::rate(kRows, [&] {
            for (const auto& row : stmt.query()) {
              sum +=
                  row.get<std::int64_t>(0) + row.get<std::int64_t>(1) + static_cast<std::int64_t>(row.get<double>(2)) +
                  static_cast<std::int64_t>(row.get<std::string_view>(3).size() + row.get<std::string_view>(4).size());
            }
          });
        }}},
      "raw C", 15);
  sqlite3_finalize(raw_stmt);
  bench::keep(sum);
}

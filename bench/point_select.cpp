// One row by its key, as often as possible: through a prepared statement, and with the SQL text each time.
#include <random>

#include <SQLiteCpp/SQLiteCpp.h>

#include <libsql/libsql.hpp>

#include "raw.hpp"
#include "support.hpp"

namespace {

constexpr int kRows = 100'000;
constexpr int kSelects = 5'000;  // a slice of a round
constexpr int kRounds = 201;
constexpr const char* kSelect = "SELECT name, age FROM users WHERE id = ?";

void fill(const std::string& path) {
  auto conn = libsql::Builder::local(path).build().connect();
  conn.execute("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)");
  std::vector<std::tuple<std::int64_t, std::string, int>> users;
  for (int i = 1; i <= kRows; ++i) users.emplace_back(i, "name of user " + std::to_string(i), i % 100);
  conn.execute_many("INSERT INTO users VALUES (?, ?, ?)", users);
}

std::vector<std::int64_t> keys() {
  std::mt19937 random(42);
  std::vector<std::int64_t> result(kSelects);
  for (auto& key : result) key = 1 + static_cast<std::int64_t>(random() % kRows);
  return result;
}

std::int64_t raw_step(bench::Raw& raw, sqlite3_stmt* stmt, std::int64_t key) {
  sqlite3_bind_int64(stmt, 1, key);
  raw.check(sqlite3_step(stmt));
  const auto* name = reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0));
  const std::string text(name, static_cast<std::size_t>(sqlite3_column_bytes(stmt, 0)));
  const std::int64_t age = sqlite3_column_int64(stmt, 1);
  raw.check(sqlite3_step(stmt));  // no second row: what query_row() promises
  sqlite3_reset(stmt);
  return age + static_cast<std::int64_t>(text.size());
}

}  // namespace

int main() {
  const bench::Directory directory;
  const std::string path = directory.file("point.db");
  fill(path);
  const auto ids = keys();

  bench::Raw raw(path);
  auto conn = libsql::Builder::local(path).build().connect();
  SQLite::Database cpp(path, SQLite::OPEN_READWRITE);
  bench::stop_counting_scans(cpp.getHandle());
  sqlite3_stmt* raw_stmt = raw.prepare(kSelect);
  auto stmt = conn.prepare(kSelect);
  SQLite::Statement cpp_stmt(cpp, kSelect);
  std::int64_t sum = 0;

  const auto raw_prepared = [&] {
    return bench::rate(kSelects, [&] {
      for (const auto id : ids) sum += raw_step(raw, raw_stmt, id);
    });
  };
  const auto ours_prepared = [&] {
    return bench::rate(kSelects, [&] {
      for (const auto id : ids) {
        const auto [name, age] = stmt.query_row<std::string, std::int64_t>(id);
        sum += age + static_cast<std::int64_t>(name.size());
      }
    });
  };
  const auto cpp_prepared = [&] {
    return bench::rate(kSelects, [&] {
      for (const auto id : ids) {
        cpp_stmt.bind(1, id);
        cpp_stmt.executeStep();
        const std::string name = cpp_stmt.getColumn(0).getString();
        sum += cpp_stmt.getColumn(1).getInt64() + static_cast<std::int64_t>(name.size());
        cpp_stmt.executeStep();
        cpp_stmt.reset();
      }
    });
  };
  bench::compare("point select, prepared statement",
                 {{"raw C", raw_prepared}, {"libsql-cpp", ours_prepared}, {"SQLiteCpp", cpp_prepared}}, "raw C",
                 kRounds);

  const auto raw_cached = [&] {
    return bench::rate(kSelects, [&] {
      for (const auto id : ids) sum += raw_step(raw, raw.cached(kSelect), id);
    });
  };
  const auto raw_again = [&] {
    return bench::rate(kSelects, [&] {
      for (const auto id : ids) {
        sqlite3_stmt* fresh = raw.prepare(kSelect);
        sum += raw_step(raw, fresh, id);
        sqlite3_finalize(fresh);
      }
    });
  };
  const auto ours_text = [&] {
    return bench::rate(kSelects, [&] {
      for (const auto id : ids) {
        const auto [name, age] = conn.query_row<std::string, std::int64_t>(kSelect, id);
        sum += age + static_cast<std::int64_t>(name.size());
      }
    });
  };
  bench::compare(
      "point select, SQL text each time",
      {{"raw C with a statement map", raw_cached}, {"raw C, prepared anew", raw_again}, {"libsql-cpp", ours_text}},
      "raw C with a statement map", kRounds);

  {
    raw.exec("BEGIN");
    auto tx = conn.transaction();
    bench::compare("point select in one read transaction, prepared statement",
                   {{"raw C", raw_prepared}, {"libsql-cpp", ours_prepared}}, "raw C", kRounds);
    raw.exec("COMMIT");
  }
  sqlite3_finalize(raw_stmt);
  bench::keep(sum);
}

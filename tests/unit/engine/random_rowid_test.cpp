// libSQL's CREATE TABLE .. RANDOM ROWID: which texts mean it, which rowids rows get, and that the file keeps the text.
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "../../support/expect_error.hpp"
#include "../../support/temporary_directory.hpp"
#include "engine/advice.hpp"

namespace {

using namespace libsql;
using testing::HasSubstr;

class RandomRowid : public testing::Test {
 protected:
  RandomRowid() : db_(Builder::local(directory_.file("random.db")).build()), conn_(db_.connect()) {}

  std::int64_t number(std::string_view sql) { return conn_.query_value<std::int64_t>(sql); }
  std::string text(std::string_view sql) { return conn_.query_value<std::string>(sql); }
  std::string refusal(std::string_view sql) {
    return test::error_of<SqlError>([&] { conn_.execute(sql); }).message();
  }
  std::vector<std::int64_t> rowids(const std::string& table) {
    std::vector<std::int64_t> result;
    for (auto [rowid] : conn_.query<std::int64_t>("SELECT rowid FROM " + table + " ORDER BY rowid")) {
      result.push_back(rowid);
    }
    return result;
  }
  // Twenty rows that happen to lie next to each other, or all below 2^32, come once in more than 2^600 times.
  void expect_random(const std::string& table, std::size_t count = 20) {
    const std::vector<std::int64_t> all = rowids(table);
    ASSERT_EQ(all.size(), count) << table;
    EXPECT_GE(all.front(), 1) << table;
    EXPECT_LE(all.back(), std::int64_t{1} << 62) << table;
    EXPECT_GT(all.back(), std::int64_t{1} << 32) << table;
    std::size_t neighbours = 0;
    for (std::size_t i = 1; i < all.size(); ++i) neighbours += all[i] - all[i - 1] == 1 ? 1 : 0;
    EXPECT_EQ(neighbours, 0u) << table;
  }
  void expect_sound() { EXPECT_EQ(text("PRAGMA integrity_check"), "ok"); }

  static constexpr const char* kTwenty =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) ";

  test::TemporaryDirectory directory_;
  Database db_;
  Connection conn_;
};

TEST_F(RandomRowid, EveryWayToInsertGetsRandomRowids) {
  conn_.execute("CREATE TABLE t(a) RANDOM ROWID");
  conn_.execute(std::string(kTwenty) + "INSERT INTO t SELECT i FROM n");
  expect_random("t");
  // The same text, but into a table that could take over the pages of the first.
  conn_.execute("CREATE TABLE twin(a) RANDOM ROWID");
  conn_.execute("CREATE TABLE indexed(a UNIQUE) RANDOM ROWID");
  conn_.execute("CREATE TABLE plain(a)");
  conn_.execute(std::string(kTwenty) + "INSERT INTO plain SELECT i FROM n");
  conn_.execute("CREATE TABLE plain_indexed(a UNIQUE)");
  conn_.execute("INSERT INTO plain_indexed SELECT * FROM plain");
  conn_.execute("INSERT INTO twin SELECT * FROM plain");
  conn_.execute("INSERT INTO indexed SELECT * FROM plain_indexed");
  expect_random("twin");
  expect_random("indexed");
  conn_.execute("CREATE TABLE fed(a) RANDOM ROWID");
  conn_.execute("CREATE TRIGGER feed AFTER INSERT ON plain BEGIN INSERT INTO fed VALUES (new.a); END");
  conn_.execute(std::string(kTwenty) + "INSERT INTO plain SELECT i FROM n");
  expect_random("fed");
  conn_.execute("CREATE TABLE upserted(a UNIQUE, b) RANDOM ROWID");
  for (int i = 0; i < 20; ++i) {
    const std::int64_t rowid = conn_.query_value<std::int64_t>(
        "INSERT INTO upserted VALUES (?, 0) ON CONFLICT(a) DO UPDATE SET b = b + 1 RETURNING rowid", i);
    EXPECT_EQ(conn_.last_insert_rowid(), rowid);
  }
  expect_random("upserted");
  const std::vector<std::int64_t> before = rowids("upserted");
  conn_.execute("INSERT INTO upserted SELECT a, 0 FROM upserted WHERE true ON CONFLICT(a) DO UPDATE SET b = 7");
  EXPECT_EQ(rowids("upserted"), before);
  EXPECT_EQ(number("SELECT sum(b) FROM upserted"), 140);
  conn_.execute("REPLACE INTO upserted SELECT a, 1 FROM upserted");
  expect_random("upserted");
  EXPECT_NE(rowids("upserted"), before);
  expect_sound();
}

TEST_F(RandomRowid, RowidsThatAStatementGivesAreTaken) {
  conn_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a) RANDOM ROWID");
  conn_.execute("INSERT INTO t VALUES (5, 'five'), (-7, 'minus')");
  conn_.execute(std::string(kTwenty) + "INSERT INTO t SELECT NULL, i FROM n");
  conn_.execute("INSERT INTO t(a) VALUES ('default')");
  EXPECT_EQ(number("SELECT id FROM t WHERE a = 'five'"), 5);
  EXPECT_GT(number("SELECT min(id) FROM t WHERE a NOT IN ('five', 'minus')"), 0);
  conn_.execute("DELETE FROM t WHERE id < 6");
  expect_random("t", 21);
  conn_.execute("CREATE TABLE full(a) RANDOM ROWID");
  conn_.execute("INSERT INTO full(rowid) VALUES (9223372036854775807)");
  conn_.execute("INSERT INTO full(a) VALUES (1)");
  EXPECT_EQ(number("SELECT count(*) FROM full"), 2);
  EXPECT_EQ(
      test::error_of<Constraint>([&] { conn_.execute("INSERT INTO full(rowid) VALUES (9223372036854775807)"); }).kind(),
      ConstraintKind::RowId);
}

TEST_F(RandomRowid, TheWordsMeanWhatTheyMeanInLibsql) {
  for (const char* sql :
       {"CREATE TABLE a(x) random rowid", "CREATE TABLE b(x PRIMARY KEY) RANDOM ROWID, WITHOUT ROWID",
        "CREATE TABLE c(x INT) STRICT, RANDOM ROWID", "CREATE TABLE d(x INT) RANDOM /* */ ROWID, STRICT",
        "CREATE TEMP TABLE e(x) RANDOM ROWID", "CREATE TABLE f(x) RANDOM ROWID, RANDOM ROWID"}) {
    conn_.execute(sql);
  }
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"CREATE TABLE w(x) RANDOM ROWID WITHOUT ROWID", "near \"WITHOUT\": syntax error"},
      {"CREATE TABLE w(x INT) RANDOM ROWID STRICT", "near \"STRICT\": syntax error"},
      {"CREATE TABLE w(x) RANDOM ROWID, WITHOUT ROWID", "PRIMARY KEY missing on table w"},
      {"CREATE TABLE w(x INTEGER PRIMARY KEY AUTOINCREMENT) RANDOM ROWID",
       "AUTOINCREMENT not allowed on RANDOM ROWID tables"},
      {"CREATE TABLE w(x) RANDOM ROW_ID", "unknown table option: ROW_ID"},
      {"CREATE TABLE w(x) RANDOM \"rowid\"", "unknown table option: \"rowid\""},
      {"CREATE TABLE w(x) \"random\" ROWID", "near \"ROWID\": syntax error"},
      {"CREATE TABLE w(x) RANDO ROWID", "near \"ROWID\": syntax error"},
      {"CREATE TABLE w(x) RANDOM", "incomplete input"},
      {"CREATE TABLE w(x) RANDOM ROWID AS SELECT 1", "near \"AS\": syntax error"},
      {"SELECT 1 RANDOM ROWID", "near \"ROWID\": syntax error"}};
  for (const auto& [sql, message] : wrong) EXPECT_EQ(refusal(sql), message) << sql;
}

TEST_F(RandomRowid, ItsWordsStayNames) {
  conn_.execute("CREATE TABLE random(random random, rowid, x DEFAULT (random()))");
  conn_.execute("CREATE TABLE columns(a, random rowid)");
  conn_.execute("CREATE INDEX random_random ON random(random)");
  conn_.execute("CREATE VIEW random_view AS SELECT random.random random FROM random random ORDER BY random");
  conn_.execute("INSERT INTO random(random, rowid) VALUES (1, 2)");
  conn_.execute("SAVEPOINT random");
  conn_.execute("RELEASE random");
  EXPECT_EQ(number("SELECT typeof(random()) = 'integer' AND random AND random = 1 FROM random"), 1);
  EXPECT_EQ(number("WITH random AS (SELECT 7 AS random) SELECT random.random FROM random"), 7);
  EXPECT_EQ(number("SELECT random FROM random_view"), 1);
  EXPECT_EQ(number("SELECT sum(random) OVER random FROM random WINDOW random AS (ORDER BY random)"), 1);
  conn_.execute("ALTER TABLE columns RENAME COLUMN random TO other");
  conn_.execute("ALTER TABLE columns ADD COLUMN random");
  EXPECT_EQ(text("SELECT sql FROM sqlite_schema WHERE name = 'columns'"),
            "CREATE TABLE columns(a, other rowid, random)");
}

TEST_F(RandomRowid, TheTextStaysThroughEveryChangeOfTheTable) {
  conn_.execute("CREATE TABLE t(a TEXT, b) RANDOM ROWID");
  Connection other = db_.connect();
  Statement insert = other.prepare("INSERT INTO t(a) VALUES ('x')");
  const auto fill = [&] {
    for (int i = 0; i < 20; ++i) insert.execute();
  };
  fill();
  const std::vector<std::int64_t> first = rowids("t");
  conn_.execute("ALTER TABLE t RENAME TO u");
  conn_.execute("ALTER TABLE u RENAME TO t");
  conn_.execute("ALTER TABLE t ADD COLUMN c DEFAULT 5");
  conn_.execute("ALTER TABLE t RENAME COLUMN b TO d");
  conn_.execute("ALTER TABLE t DROP COLUMN d");
  conn_.execute("ALTER TABLE t ALTER COLUMN c TO c INTEGER DEFAULT 6");
  EXPECT_THAT(refusal("ALTER TABLE t ALTER COLUMN c TO c INTEGER PRIMARY KEY AUTOINCREMENT"),
              HasSubstr("AUTOINCREMENT not allowed on RANDOM ROWID tables"));
  EXPECT_EQ(text("SELECT sql FROM sqlite_schema WHERE name = 't'"),
            "CREATE TABLE \"t\"(a TEXT, c INTEGER DEFAULT 6) RANDOM ROWID");
  EXPECT_EQ(rowids("t"), first);
  fill();
  expect_random("t", 40);
  expect_sound();
}

TEST_F(RandomRowid, VacuumAndCopiesKeepTheRowids) {
  conn_.execute("CREATE TABLE t(a) RANDOM ROWID");
  conn_.execute("CREATE TABLE indexed(a UNIQUE) RANDOM ROWID");
  for (const char* table : {"t", "indexed"}) {
    conn_.execute(std::string(kTwenty) + "INSERT INTO " + table + " SELECT i FROM n");
  }
  const std::vector<std::int64_t> t = rowids("t"), indexed = rowids("indexed");
  const std::string values = text("SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY rowid)");
  conn_.execute("DELETE FROM t WHERE rowid = 1");
  conn_.execute("VACUUM");
  EXPECT_EQ(rowids("t"), t);
  EXPECT_EQ(rowids("indexed"), indexed);
  EXPECT_EQ(text("SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY rowid)"), values);
  expect_sound();

  const std::string copy = directory_.file("copy.db"), saved = directory_.file("saved.db");
  conn_.execute("VACUUM INTO ?", copy);
  static_cast<void>(backup(conn_, saved));
  for (const std::string& file : {copy, saved}) {
    conn_.execute("ATTACH ? AS other", file);
    EXPECT_EQ(rowids("other.t"), t);
    EXPECT_EQ(text("PRAGMA other.integrity_check"), "ok");
    conn_.execute("DELETE FROM other.t");
    conn_.execute("INSERT INTO other.t SELECT * FROM main.t");
    expect_random("other.t");
    EXPECT_NE(rowids("other.t"), t);
    conn_.execute("DETACH other");
  }
  Connection memory = Builder::local(":memory:").build().connect();
  deserialize(memory, serialize(conn_).bytes());
  EXPECT_EQ(memory.query_value<std::int64_t>("SELECT min(rowid) FROM t"), t.front());
}

TEST_F(RandomRowid, TablesInTemporaryAndAttachedDatabasesHaveThem) {
  conn_.execute("ATTACH ? AS other", directory_.file("other.db"));
  conn_.execute("CREATE TABLE other.t(a) RANDOM ROWID");
  conn_.execute("CREATE TEMP TABLE u(a) RANDOM ROWID");
  conn_.execute("CREATE TABLE t(a)");
  for (const char* table : {"other.t", "temp.u", "main.t"}) {
    conn_.execute(std::string(kTwenty) + "INSERT INTO " + table + " SELECT i FROM n");
  }
  expect_random("other.t");
  expect_random("temp.u");
  EXPECT_EQ(rowids("main.t").back(), 20);
}

TEST_F(RandomRowid, StatementsFollowATableThatIsMadeAnew) {
  conn_.execute("CREATE TABLE t(a)");
  Statement insert = conn_.prepare("INSERT INTO t VALUES (1)");
  EXPECT_EQ(insert.run().last_insert_rowid, 1);
  Connection other = db_.connect();
  other.execute("DROP TABLE t");
  other.execute("CREATE TABLE t(a) RANDOM ROWID");
  for (int i = 0; i < 20; ++i) insert.execute();
  expect_random("t");
  other.execute("DROP TABLE t");
  other.execute("CREATE TABLE t(a)");
  EXPECT_EQ(insert.run().last_insert_rowid, 1);
}

TEST_F(RandomRowid, RowidsThatAreNoneGetNoRandomNumber) {
  conn_.execute("CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID, RANDOM ROWID");
  conn_.execute("INSERT INTO w VALUES ('b', 1), ('a', 2)");
  EXPECT_EQ(text("SELECT group_concat(k) FROM w"), "a,b");
  EXPECT_THAT(refusal("SELECT rowid FROM w"), HasSubstr("no such column: rowid"));
  expect_sound();
}

// libSQL's VACUUM puts rows into such a table without regard to the order of the rowids that it chooses: two cells of a
// leaf that have changed places.
TEST_F(RandomRowid, VacuumPutsRowsWhereTheyBelong) {
  conn_.execute("CREATE TABLE t(a) RANDOM ROWID");
  conn_.execute("INSERT INTO t(rowid, a) VALUES (7, 'seven'), (9, 'nine')");
  const std::int64_t page = number("SELECT rootpage FROM sqlite_schema WHERE name = 't'");
  const std::string copy = directory_.file("copy.db");
  conn_.execute("VACUUM INTO ?", copy);
  {
    std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
    char cells[4];
    const std::streamoff place = (page - 1) * number("PRAGMA page_size") + 8;
    file.seekg(place).read(cells, 4);
    std::swap(cells[0], cells[2]);
    std::swap(cells[1], cells[3]);
    file.seekp(place).write(cells, 4);
    ASSERT_TRUE(file.good());
  }
  Connection damaged = Builder::local(copy).build().connect();
  EXPECT_THAT(damaged.query_value<std::string>("PRAGMA integrity_check"), HasSubstr("out of order"));
  EXPECT_EQ(damaged.query_value<std::string>("SELECT group_concat(a) FROM t"), "nine,seven");
  damaged.execute("VACUUM");
  EXPECT_EQ(damaged.query_value<std::string>("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(damaged.query_value<std::string>("SELECT group_concat(rowid || a) FROM t"), "7seven,9nine");
}

TEST(RandomRowidAdvice, NamesWhatAnotherEngineLacks) {
  using engine::advice_on_random_rowid;
  constexpr std::string_view kNear = "near \"ROWID\": syntax error";
  EXPECT_THAT(std::string(advice_on_random_rowid(kNear, "CREATE TABLE t(a) RANDOM /* */ ROWID")),
              HasSubstr("has no RANDOM ROWID; leave it out"));
  EXPECT_THAT(std::string(advice_on_random_rowid("malformed database schema (t) - near \"rowid\": syntax error",
                                                 "SELECT count(*) FROM u")),
              HasSubstr("the table may have libSQL's RANDOM ROWID"));
  EXPECT_EQ(advice_on_random_rowid(kNear, "SELECT 1 AS random_ rowid"), "");
  EXPECT_EQ(advice_on_random_rowid(kNear, "SELECT 'RANDOM ROWID' x rowid"), "");
  EXPECT_EQ(advice_on_random_rowid("no such table: t", "SELECT 1 FROM t -- RANDOM ROWID"), "");
}

}  // namespace

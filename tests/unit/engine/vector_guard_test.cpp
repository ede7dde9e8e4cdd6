// Tables with a vector index as libSQL leaves it in a file: its text in sqlite_schema, its B-tree empty, its vectors in
// a table of its own. Nobody here can make such an index, so the text is put there by hand.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "../../support/expect_error.hpp"
#include "../../support/temporary_directory.hpp"

namespace {

using namespace libsql;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRefusal = "has a vector index made by libSQL, which this version cannot keep";

template <class Run>
std::string refusal(Run&& run) {
  return test::error_of<SqlError>(run).message();
}

// An index with an empty B-tree that has this text, as libSQL would have written it.
void plant_index(Connection& conn, const std::string& schema, const std::string& table, const std::string& index,
                 const std::string& text) {
  conn.execute("CREATE INDEX " + schema + "." + index + " ON " + table + "(v) WHERE 0");
  conn.execute("PRAGMA writable_schema=ON");
  conn.execute("UPDATE " + schema + ".sqlite_schema SET sql = ? WHERE name = ?", text, index);
  conn.execute("PRAGMA writable_schema=RESET");
}

void make_table(Connection& conn, const std::string& schema = "main") {
  conn.execute("CREATE TABLE " + schema + ".t(id INTEGER PRIMARY KEY, title TEXT UNIQUE, body TEXT, v F32_BLOB(8))");
  conn.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO " + schema +
               ".t SELECT i, 'title ' || i, printf('%.300c', 'x'), randomblob(32) FROM n");
}

class VectorGuard : public testing::Test {
 protected:
  VectorGuard() : db_(Builder::local(directory_.file("guard.db")).build()), conn_(db_.connect()) {}

  void plant(const std::string& text = "CREATE INDEX i ON t(libsql_vector_idx(v, 'metric=l2'))") {
    make_table(conn_);
    plant_index(conn_, "main", "t", "i", text);
  }
  std::int64_t number(std::string_view sql) { return conn_.query_value<std::int64_t>(sql); }
  std::string text(std::string_view sql) { return conn_.query_value<std::string>(sql); }

  test::TemporaryDirectory directory_;
  Database db_;
  Connection conn_;
};

void expect_right(Connection& conn, const std::string& table = "t") {
  for (const char* sql : {"SELECT count(*) FROM ", "SELECT count(id) FROM ", "SELECT max(id) FROM ",
                          "SELECT count(v) FROM ", "SELECT count(title) FROM ", "SELECT sum(1) FROM "}) {
    EXPECT_EQ(conn.query_value<std::int64_t>(sql + table), 40) << sql;
  }
  EXPECT_EQ(conn.query("SELECT id FROM " + table).fetch_all().size(), 40u);
  EXPECT_EQ(conn.query("SELECT DISTINCT v FROM " + table + " ORDER BY v").fetch_all().size(), 40u);
}

TEST_F(VectorGuard, EveryColumnAloneGivesAllRowsBesideAVectorIndex) {
  plant();
  expect_right(conn_);
  EXPECT_EQ(number("SELECT EXISTS(SELECT 1 FROM t)"), 1);
  Connection other = db_.connect();
  expect_right(other);
}

TEST_F(VectorGuard, HoldsForEveryWayToWriteTheCall) {
  const std::vector<std::string> texts = {
      "CREATE INDEX i ON t(LibSQL_Vector_IDX(v))", "CREATE INDEX i ON t((libsql_vector_idx(v)) DESC)",
      "CREATE INDEX i ON t(\"libsql_vector_idx\"(v)) WHERE id > 3", "CREATE UNIQUE INDEX i ON t(libsql_vector_idx(v))"};
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    plant(text);
    expect_right(conn_);
    EXPECT_EQ(number("SELECT count(*) FROM t WHERE id > 3"), 37);
    EXPECT_THAT(refusal([&] { conn_.execute("DELETE FROM t"); }), HasSubstr(kRefusal));
    conn_.execute("DROP TABLE t");
  }
}

TEST_F(VectorGuard, RefusesEveryWriteThatTheIndexWouldHaveToFollow) {
  plant();
  conn_.execute("CREATE TABLE parent(id INTEGER PRIMARY KEY)");
  conn_.execute("CREATE TABLE log(x)");
  conn_.execute("CREATE TRIGGER follow AFTER INSERT ON log BEGIN DELETE FROM t WHERE id = new.x; END");
  const std::string before = text("SELECT group_concat(id || title || hex(v)) FROM t");
  for (const char* sql :
       {"INSERT INTO t(title) VALUES ('x')", "INSERT OR IGNORE INTO t(title) VALUES ('x')",
        "REPLACE INTO t SELECT * FROM t",
        "INSERT INTO t(id, title) VALUES (100, 'x') ON CONFLICT DO UPDATE SET body = ''", "DELETE FROM t",
        "DELETE FROM t WHERE id = 7", "DELETE FROM t WHERE title = 'title 7' RETURNING id", "UPDATE t SET v = NULL",
        "UPDATE t SET id = id + 100", "UPDATE t SET v = v, body = ''", "INSERT INTO log VALUES (7)",
        "UPDATE OR REPLACE t SET title = 'title 8' WHERE id = 7"}) {
    EXPECT_THAT(refusal([&] { conn_.execute(sql); }), HasSubstr(kRefusal)) << sql;
  }
  EXPECT_THAT(refusal([&] { conn_.execute("DELETE FROM t"); }), HasSubstr("DROP INDEX \"i\" to write"));
  EXPECT_EQ(text("SELECT group_concat(id || title || hex(v)) FROM t"), before);
  EXPECT_EQ(number("SELECT count(*) FROM log"), 0);
}

TEST_F(VectorGuard, LetsPassWhatTheIndexNeedNotFollow) {
  plant();
  EXPECT_EQ(conn_.execute("UPDATE t SET title = 'new', body = NULL WHERE id = 7"), 1u);
  EXPECT_EQ(conn_.execute("DELETE FROM t WHERE id = 1000"), 0u);
  conn_.execute("CREATE INDEX j ON t(title)");
  conn_.execute("ALTER TABLE t ADD COLUMN more DEFAULT 5");
  EXPECT_EQ(number("SELECT sum(more) FROM t"), 200);
  conn_.execute("DROP INDEX i");
  EXPECT_EQ(conn_.execute("DELETE FROM t WHERE id = 7"), 1u);
  EXPECT_EQ(conn_.execute("INSERT INTO t(title) VALUES ('x')"), 1u);
  EXPECT_EQ(text("PRAGMA integrity_check"), "ok");
}

TEST_F(VectorGuard, HoldsWhenAListenerForRowsHasGone) {
  plant();
  expect_right(conn_);
  {
    Hooks hooks(conn_);
    const auto subscription = hooks.on_row_change([](const RowChange&) {});
    EXPECT_THAT(refusal([&] { conn_.execute("DELETE FROM t"); }), HasSubstr(kRefusal));
  }
  EXPECT_THAT(refusal([&] { conn_.execute("DELETE FROM t"); }), HasSubstr(kRefusal));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 40);
}

TEST_F(VectorGuard, MaintenanceWorksAndLeavesTheIndexEmpty) {
  plant();
  conn_.execute("CREATE TABLE plain(x)");  // no INTEGER PRIMARY KEY: its rowids stay only if its pages are copied
  conn_.execute("INSERT INTO plain(rowid, x) VALUES (5, 'a'), (50, 'b')");
  conn_.execute("CREATE TABLE p(x, v F32_BLOB(8))");
  conn_.execute("INSERT INTO p(rowid, x, v) VALUES (5, 'a', randomblob(32)), (50, 'b', randomblob(32))");
  plant_index(conn_, "main", "p", "pi", "CREATE INDEX pi ON p(libsql_vector_idx(v))");
  for (const char* sql :
       {"REINDEX", "/* all of */ REINDEX t", "REINDEX i", "ANALYZE", "PRAGMA optimize", "VACUUM",
        "ALTER TABLE t RENAME TO u", "ALTER TABLE u RENAME COLUMN v TO w", "ALTER TABLE u DROP COLUMN body",
        "ALTER TABLE u RENAME COLUMN w TO v", "ALTER TABLE u RENAME TO t", "ALTER TABLE t ADD COLUMN body"}) {
    SCOPED_TRACE(sql);
    conn_.execute_batch(sql);
    EXPECT_EQ(text("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(text("PRAGMA quick_check"), "ok");
    EXPECT_THAT(refusal([&] { conn_.execute("DELETE FROM p"); }), HasSubstr(kRefusal));
  }
  expect_right(conn_);
  EXPECT_EQ(text("SELECT group_concat(rowid || x) FROM p"), "5a,50b");
  EXPECT_EQ(text("SELECT sql FROM sqlite_schema WHERE name = 'i'"),
            "CREATE INDEX i ON \"t\"(libsql_vector_idx(v, 'metric=l2'))");
  const std::string copy = directory_.file("copy.db");
  conn_.execute("VACUUM INTO ?", copy);
  Connection copied = Builder::local(copy).build().connect();
  expect_right(copied);
  EXPECT_EQ(copied.query_value<std::string>("PRAGMA integrity_check"), "ok");
  EXPECT_THAT(refusal([&] { copied.execute("DELETE FROM t"); }), HasSubstr(kRefusal));
}

// Another SQLite reads such an index in the place of the table unless its statistics call it unordered.
TEST_F(VectorGuard, AnalyzeWritesTheStatisticsThatKeepOthersFromTheIndex) {
  plant();
  conn_.execute("CREATE TABLE w(k TEXT PRIMARY KEY, v F32_BLOB(8)) WITHOUT ROWID");
  conn_.execute("INSERT INTO w VALUES ('a', randomblob(32)), ('b', NULL)");
  plant_index(conn_, "main", "w", "wi", "CREATE INDEX wi ON w(libsql_vector_idx(v)) WHERE k > 'a'");
  conn_.execute("CREATE TABLE empty(v F32_BLOB(8))");
  plant_index(conn_, "main", "empty", "ei", "CREATE INDEX ei ON empty(libsql_vector_idx(v))");
  const auto statistics = [&](const std::string& index) {
    return text("SELECT coalesce(group_concat(tbl || ' ' || stat), '-') FROM sqlite_stat1 WHERE idx = '" + index + "'");
  };
  for (const char* sql : {"ANALYZE", "ANALYZE main", "ANALYZE", "PRAGMA analysis_limit = 3; ANALYZE"}) {
    SCOPED_TRACE(sql);
    conn_.execute_batch(sql);
    EXPECT_EQ(statistics("i"), "t 40 1 unordered");
    EXPECT_EQ(statistics("wi"), "w 2 1 unordered");
    EXPECT_EQ(statistics("ei"), "empty 0 1 unordered");
    EXPECT_EQ(text("SELECT group_concat(tbl || ' ' || stat) FROM sqlite_stat1 WHERE idx LIKE 'sqlite_auto%t_1'"),
              "t 40 1");
    expect_right(conn_);
  }
  for (const char* sql : {"ANALYZE t", "ANALYZE i", "PRAGMA optimize(0x10002)"}) {
    SCOPED_TRACE(sql);
    conn_.execute("DELETE FROM sqlite_stat1");
    conn_.execute("ANALYZE sqlite_schema");
    conn_.execute_batch(sql);
    EXPECT_EQ(statistics("i"), "t 40 1 unordered");
  }
  Hooks hooks(conn_);
  const auto subscription = hooks.on_row_change([](const RowChange&) {});
  conn_.execute("ANALYZE");
  EXPECT_EQ(statistics("i"), "t 40 1 unordered");
  Connection other = db_.connect();
  expect_right(other);
  EXPECT_EQ(text("PRAGMA integrity_check"), "ok");
  conn_.execute("DROP INDEX i");
  EXPECT_EQ(statistics("i"), "-");
}

TEST_F(VectorGuard, NobodyCanMakeSuchAnIndexOrCallItsFunctions) {
  plant();
  conn_.execute("VACUUM");
  for (const char* sql : {"CREATE INDEX j ON t(libsql_vector_idx(v))", "SELECT libsql_vector_idx(1)",
                          "SELECT libsql_vector_guard('main', 't', 'i')",
                          "SELECT id FROM t WHERE libsql_vector_guard('main', 't', 'i')"}) {
    EXPECT_THAT(refusal([&] { conn_.execute(sql); }), HasSubstr("no such function: libsql_vector_")) << sql;
  }
}

TEST_F(VectorGuard, HoldsForIndexesThatComeWhileStatementsAreInUse) {
  make_table(conn_);
  Statement count = conn_.prepare("SELECT count(*) FROM t");
  Statement remove = conn_.prepare("DELETE FROM t");
  Statement check = conn_.prepare("PRAGMA integrity_check");
  EXPECT_EQ(std::get<0>(count.query_row<std::int64_t>()), 40);
  EXPECT_EQ(std::get<0>(check.query_row<std::string>()), "ok");
  Rows rows = conn_.query("SELECT id FROM t ORDER BY id");
  ASSERT_TRUE(rows.next());
  Connection other = db_.connect();
  plant_index(other, "main", "t", "i", "CREATE INDEX i ON t(libsql_vector_idx(v))");
  int more = 0;
  while (rows.next()) ++more;
  EXPECT_EQ(more, 39);
  EXPECT_EQ(std::get<0>(count.query_row<std::int64_t>()), 40);
  EXPECT_EQ(std::get<0>(check.query_row<std::string>()), "ok");
  EXPECT_THAT(refusal([&] { remove.execute(); }), HasSubstr(kRefusal));
  EXPECT_EQ(std::get<0>(count.query_row<std::int64_t>()), 40);
}

TEST_F(VectorGuard, HoldsInAttachedTemporaryAndRestoredDatabases) {
  plant();
  conn_.execute("ATTACH ? AS aux", directory_.file("aux.db"));
  make_table(conn_, "aux");
  plant_index(conn_, "aux", "t", "i", "CREATE INDEX i ON t(libsql_vector_idx(v))");
  conn_.execute("CREATE TEMP TABLE u AS SELECT * FROM t");
  plant_index(conn_, "temp", "u", "ui", "CREATE INDEX ui ON u(libsql_vector_idx(v))");
  expect_right(conn_, "aux.t");
  expect_right(conn_, "temp.u");
  for (const char* sql : {"DELETE FROM aux.t", "DELETE FROM temp.u", "UPDATE aux.t SET v = NULL"}) {
    EXPECT_THAT(refusal([&] { conn_.execute(sql); }), HasSubstr(kRefusal)) << sql;
  }
  conn_.execute("VACUUM aux");
  expect_right(conn_, "aux.t");
  conn_.execute("VACUUM");
  expect_right(conn_);
  Connection memory = Builder::local(":memory:").build().connect();
  deserialize(memory, serialize(conn_).bytes());
  expect_right(memory);
  EXPECT_THAT(refusal([&] { memory.execute("DELETE FROM t"); }), HasSubstr(kRefusal));
}

// Rows of a table that is the same in another database go over page by page, and no row is asked for.
TEST_F(VectorGuard, RowsDoNotComeFromATwinOfTheTable) {
  plant();
  conn_.execute("ATTACH ? AS aux", directory_.file("aux.db"));
  conn_.execute("CREATE TABLE aux.t(id INTEGER PRIMARY KEY, title TEXT UNIQUE, body TEXT, v F32_BLOB(8))");
  plant_index(conn_, "aux", "t", "i", "CREATE INDEX i ON t(libsql_vector_idx(v, 'metric=l2'))");
  EXPECT_THAT(refusal([&] { conn_.execute("INSERT INTO aux.t SELECT * FROM main.t"); }), HasSubstr(kRefusal));
  EXPECT_EQ(number("SELECT count(*) FROM aux.t"), 0);
}

TEST_F(VectorGuard, HoldsInPooledConnectionsAndForKeysThatAreNoIntegers) {
  conn_.execute("CREATE TABLE w(k TEXT PRIMARY KEY, body TEXT, v F32_BLOB(8)) WITHOUT ROWID");
  conn_.execute("INSERT INTO w VALUES ('a', '1', randomblob(32)), ('b', '2', randomblob(32))");
  plant_index(conn_, "main", "w", "wi", "CREATE INDEX wi ON w(libsql_vector_idx(v)) WHERE body > ''");
  const Pool pool(db_);
  for (int i = 0; i < 2; ++i) {
    PooledConnection lease = pool.write();
    EXPECT_EQ(lease->query_value<std::int64_t>("SELECT count(*) FROM w"), 2);
    EXPECT_EQ(lease->query_value<std::int64_t>("SELECT count(k) FROM w WHERE body > ''"), 2);
    EXPECT_THAT(refusal([&] { lease->execute("DELETE FROM w"); }), HasSubstr(kRefusal));
    EXPECT_THAT(refusal([&] { lease->execute("UPDATE w SET k = k || 'x'"); }), HasSubstr(kRefusal));
    EXPECT_EQ(lease->query_value<std::string>("PRAGMA integrity_check"), "ok");
  }
}

}  // namespace

// Strings in double quotes: where old schemas hold them they work, in statements they are errors unless they are
// wanted.
#include <sqlite3.h>

#include <libsql/libsql.hpp>
#include <libsql/pool.hpp>

#include "support/expect_error.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using test::error_of;

// A database as any program makes it that leaves SQLite's defaults alone.
constexpr const char* kOldSchema = R"sql(
CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT DEFAULT "new" CHECK (s IN ("new", "old")), u TEXT,
               g TEXT GENERATED ALWAYS AS (u || "!") VIRTUAL);
CREATE TABLE log(m);
CREATE INDEX partial ON t(u) WHERE s = "new";
CREATE INDEX expression ON t(u || "-");
CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES("inserted " || NEW.id); END;
CREATE TRIGGER cond AFTER UPDATE ON t WHEN NEW.s = "old" BEGIN INSERT INTO log VALUES("aged"); END;
CREATE VIEW v AS SELECT id, u AS u, CASE s WHEN "new" THEN "N" ELSE "O" END AS k FROM t;
CREATE TRIGGER through INSTEAD OF INSERT ON v BEGIN INSERT INTO t(u, s) VALUES(NEW.u, "old"); END;
INSERT INTO t(u) VALUES('a');
)sql";

class DoubleQuotedStringsTest : public ::testing::Test {
 protected:
  DoubleQuotedStringsTest() {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 1, nullptr);
    EXPECT_EQ(sqlite3_exec(db, kOldSchema, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  std::string file(const std::string& name = "old.db") const { return directory_.file(name); }

  static void expect_schema_works(Connection& conn) {
    EXPECT_EQ(conn.query_value<std::string>("SELECT k FROM v WHERE id = 1"), "N");
    // Names in double quotes, as many programs write all of theirs.
    EXPECT_EQ(conn.query_value<std::string>("SELECT \"k\" FROM \"v\" WHERE \"id\" = 1"), "N");
    conn.execute("INSERT INTO t(u) VALUES (?)", "b");
    conn.execute("INSERT INTO \"t\"(\"u\") VALUES (?)", "c");
    conn.execute("INSERT INTO v(u) VALUES ('d')");
    conn.execute("UPDATE t SET s = 'old' WHERE u = 'b'");
    EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM log WHERE m = 'aged'"), 1);
    EXPECT_EQ(conn.query_value<std::string>("SELECT g FROM t WHERE u = 'd' AND s = 'old'"), "d!");
    EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM t WHERE u = 'c' AND s = 'new'"), 1);
    EXPECT_EQ(error_of<Constraint>([&] { conn.execute("INSERT INTO t(u, s) VALUES ('e', 'odd')"); }).kind(),
              ConstraintKind::Check);
    conn.execute("ALTER TABLE t RENAME COLUMN u TO w");
    conn.execute("-- back\nalter table t RENAME COLUMN w TO u");
    conn.execute("ALTER TABLE log RENAME TO journal");
    conn.execute("ALTER TABLE journal RENAME TO log");
    conn.execute("VACUUM");
    conn.execute("REINDEX");
    EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
    conn.execute("DELETE FROM t WHERE u IN ('b', 'c', 'd')");
    conn.execute("DELETE FROM log WHERE m = 'aged'");
  }

  static void expect_statements_refused(Connection& conn, bool schema_works = true) {
    for (const char* sql : {"SELECT \"nothing\"", "SELECT id FROM t WHERE u = \"a\"", "INSERT INTO log VALUES (\"x\")",
                            "UPDATE t SET u = \"x\"", "DELETE FROM t WHERE u = \"x\"",
                            "SELECT k FROM v WHERE k = \"N\"", "INSERT INTO t(u) VALUES (\"x\")",
                            "CREATE TABLE made AS SELECT \"x\"", "WITH c AS (SELECT \"x\") SELECT * FROM c",
                            "INSERT INTO t(id, u) VALUES (1, 'y') ON CONFLICT(id) DO UPDATE SET u = \"x\"",
                            "INSERT INTO log SELECT \"x\" FROM v", "INSERT INTO t(u) VALUES ('z') RETURNING \"x\"",
                            "EXPLAIN SELECT \"x\" FROM v"}) {
      const SqlError error = error_of<SqlError>([&] { conn.execute(sql); });
      EXPECT_NE(error.message().find("no such column"), std::string::npos) << sql << ": " << error.message();
      // It is about the text of the statement, not about what a view holds.
      if (schema_works) {
        EXPECT_EQ(error.message().find("new"), std::string::npos) << sql << ": " << error.message();
      }
    }
    EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM log WHERE m = 'x'"), 0);
  }

  test::TemporaryDirectory directory_;
};

TEST_F(DoubleQuotedStringsTest, WorkInSchemasThatExistAndAreErrorsInStatements) {
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  expect_schema_works(conn);
  expect_statements_refused(conn);
}

TEST_F(DoubleQuotedStringsTest, AreTheSameAfterResetAndInPools) {
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  conn.reset();
  expect_schema_works(conn);
  Pool pool(db, {.max_size = 2});
  for (int i = 0; i < 2; ++i) {
    auto lease = pool.write();
    expect_schema_works(*lease);
    expect_statements_refused(*lease);
  }
}

TEST_F(DoubleQuotedStringsTest, CanBeMadeByTheStatementsOfADump) {
  Connection conn = Builder::local(":memory:").build().connect();
  conn.execute_batch(kOldSchema);
  expect_schema_works(conn);
}

TEST_F(DoubleQuotedStringsTest, OfAViewThatComesLaterAreKnownToStatementsThatWereCompiledBefore) {
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  conn.execute("CREATE VIEW w AS SELECT 'plain' AS x");
  Statement plain = conn.prepare("SELECT x FROM w");
  Statement quoted = conn.prepare("SELECT \"x\" FROM w");
  EXPECT_EQ(std::get<0>(plain.query_row<std::string>()), "plain");
  EXPECT_EQ(std::get<0>(quoted.query_row<std::string>()), "plain");
  Connection other = db.connect();
  other.execute_batch("DROP VIEW w; CREATE VIEW w AS SELECT \"quoted\" AS x");
  EXPECT_EQ(std::get<0>(plain.query_row<std::string>()), "quoted");
  EXPECT_EQ(std::get<0>(quoted.query_row<std::string>()), "quoted");
  other.execute_batch("DROP VIEW w; CREATE VIEW w AS SELECT \"quoted\" AS y");
  EXPECT_THROW(quoted.query_row<std::string>(), SqlError);
  EXPECT_THROW(plain.query_row<std::string>(), SqlError);
}

TEST_F(DoubleQuotedStringsTest, AreNoReasonToRunAFailedStatementAgain) {
  Connection conn = Builder::local(file()).build().connect();
  Functions functions(conn);
  int calls = 0;
  functions.scalar("fails", [&](std::int64_t) -> std::int64_t {
    ++calls;
    throw std::runtime_error("no such column: or so it says");
  });
  EXPECT_ANY_THROW(conn.execute("SELECT fails(1)"));
  EXPECT_EQ(calls, 1);
}

TEST_F(DoubleQuotedStringsTest, AreStringsEverywhereIfThatIsWanted) {
  Connection conn = Builder::local(file()).double_quoted_strings(DoubleQuotedStrings::On).build().connect();
  expect_schema_works(conn);
  EXPECT_EQ(conn.query_value<std::string>("SELECT \"nothing\""), "nothing");
  conn.execute("INSERT INTO log VALUES (\"x\")");
  EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM log WHERE m = \"x\""), 1);
  conn.reset();
  EXPECT_EQ(conn.query_value<std::string>("SELECT \"nothing\""), "nothing");
}

TEST_F(DoubleQuotedStringsTest, AreErrorsEverywhereIfThatIsWanted) {
  Connection conn = Builder::local(file()).double_quoted_strings(DoubleQuotedStrings::Off).build().connect();
  EXPECT_THROW(conn.query_value<std::string>("SELECT k FROM v"), SqlError);
  EXPECT_THROW(conn.execute("INSERT INTO t(u) VALUES ('b')"), SqlError);
  EXPECT_THROW(conn.execute("CREATE TABLE made(a CHECK (a <> \"x\"))"), SqlError);
  expect_statements_refused(conn, false);
}

TEST_F(DoubleQuotedStringsTest, AreASettingOfUrlsToo) {
  Connection conn = Builder::from_url(file(), {.double_quoted_strings = DoubleQuotedStrings::On}).connect();
  EXPECT_EQ(conn.query_value<std::string>("SELECT \"nothing\""), "nothing");
  EXPECT_THROW(Builder::from_url("http://127.0.0.1:1", {.double_quoted_strings = DoubleQuotedStrings::On}),
               Configuration);
}

}  // namespace
}  // namespace libsql

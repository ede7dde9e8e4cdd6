// libSQL's ALTER TABLE .. ALTER COLUMN .. TO: what stands in the schema afterwards, what is refused, and that rows
// stay.
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
using testing::HasSubstr;
using testing::StartsWith;

class AlterColumn : public testing::Test {
 protected:
  AlterColumn() : db_(Builder::local(directory_.file("alter.db")).build()), conn_(db_.connect()) {}

  std::string text(std::string_view sql) { return conn_.query_value<std::string>(sql); }
  std::string schema(const std::string& table = "t") {
    return conn_.query_value<std::string>("SELECT sql FROM sqlite_schema WHERE name = ?", table);
  }
  template <class E = SqlError>
  std::string refusal(std::string_view sql) {
    return test::error_of<E>([&] { conn_.execute(sql); }).message();
  }

  test::TemporaryDirectory directory_;
  Database db_;
  Connection conn_;
};

TEST_F(AlterColumn, ReplacesTheDefinitionAndNothingElse) {
  conn_.execute("CREATE TABLE t(a DECIMAL(10, 2), b TEXT DEFAULT 'x,)y' /* of b */, \"c d\" INT, CHECK (a <> 5))");
  conn_.execute("ALTER TABLE t ALTER COLUMN a TO a TEXT NOT NULL DEFAULT 'z'");
  EXPECT_EQ(
      schema(),
      "CREATE TABLE t(a TEXT NOT NULL DEFAULT 'z', b TEXT DEFAULT 'x,)y' /* of b */, \"c d\" INT, CHECK (a <> 5))");
  conn_.execute(
      "alter table main.t alter column B to b VARCHAR(9) /* kept */ CHECK (b <> ',') -- dropped\n ; -- and this");
  EXPECT_EQ(
      schema(),
      "CREATE TABLE t(a TEXT NOT NULL DEFAULT 'z', b VARCHAR(9) /* kept */ CHECK (b <> ',') /* of b */, \"c d\" INT, "
      "CHECK (a <> 5))");
  conn_.execute("ALTER TABLE t ALTER COLUMN [c d] TO \"c d\"");
  EXPECT_THAT(schema(), HasSubstr("/* of b */, \"c d\", CHECK"));
  EXPECT_THAT(refusal<Constraint>("INSERT INTO t(a) VALUES (NULL)"), HasSubstr("NOT NULL"));
  EXPECT_THAT(refusal<Constraint>("INSERT INTO t(b) VALUES (',')"), HasSubstr("CHECK"));
  conn_.execute("INSERT INTO t(b) VALUES ('b')");
  EXPECT_EQ(text("SELECT a || b FROM t"), "zb");
}

TEST_F(AlterColumn, TakesWhatDrizzleSends) {
  conn_.execute("CREATE TABLE p(id INTEGER PRIMARY KEY)");
  conn_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, p INTEGER, v TEXT)");
  conn_.execute("INSERT INTO t VALUES (1, NULL, 'x')");
  conn_.execute("ALTER TABLE `t` ALTER COLUMN \"p\" TO \"p\" integer REFERENCES p(id) ON DELETE CASCADE");
  conn_.execute("ALTER TABLE `t` ALTER COLUMN \"v\" TO \"v\" text NOT NULL DEFAULT 'z'");
  EXPECT_EQ(conn_.query("PRAGMA foreign_key_list(t)").fetch_all().size(), 1u);
  EXPECT_THAT(refusal<Constraint>("INSERT INTO t(id, p) VALUES (2, 77)"), HasSubstr("FOREIGN KEY"));
  EXPECT_EQ(text("SELECT v FROM t"), "x");
}

TEST_F(AlterColumn, RefusesWhatWouldDescribeAnotherFile) {
  conn_.execute(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, g AS (u || '!'), k TEXT COLLATE NOCASE, x INTEGER, y)");
  conn_.execute("CREATE TABLE c(a INTEGER, b, PRIMARY KEY (a))");
  conn_.execute("CREATE TABLE w(a TEXT, b, PRIMARY KEY (b, a)) WITHOUT ROWID");
  conn_.execute("CREATE INDEX i ON t(k)");
  conn_.execute("INSERT INTO t(id, u, k) VALUES (1, 'u', 'k')");
  const std::string before = text("SELECT group_concat(sql) FROM sqlite_schema");
  const struct {
    const char *sql, *message;
  } cases[] = {
      {"ALTER TABLE t ALTER COLUMN id TO id INTEGER", "PRIMARY KEY constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN id TO id TEXT PRIMARY KEY", "PRIMARY KEY constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN id TO id INTEGER PRIMARY KEY AUTOINCREMENT",
       "PRIMARY KEY constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN id TO id INTEGER PRIMARY KEY DESC", "PRIMARY KEY constraint cannot be altered"},
      {"ALTER TABLE c ALTER COLUMN a TO a TEXT", "PRIMARY KEY constraint cannot be altered"},
      {"ALTER TABLE c ALTER COLUMN b TO b TEXT PRIMARY KEY", "error in adding b TEXT PRIMARY KEY to c: "},
      {"ALTER TABLE t ALTER COLUMN u TO u TEXT", "error in adding u TEXT to t: UNIQUE constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN x TO x UNIQUE", "UNIQUE constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN g TO g TEXT", "GENERATED constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN x TO x AS (id)", "GENERATED constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN g TO g AS (u || '?')", "GENERATED constraint cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN k TO k TEXT", "the collation of a column in an index cannot be altered"},
      {"ALTER TABLE w ALTER COLUMN a TO a TEXT COLLATE RTRIM",
       "the collation of a column in an index cannot be altered"},
      {"ALTER TABLE t ALTER COLUMN x TO z INTEGER",
       "UPDATE cannot also rename column: \"x\" to \"z\". Use ALTER TABLE RENAME instead"},
      {"ALTER TABLE t ALTER COLUMN x TO x INTEGER, y TEXT", "near \",\": syntax error"},
      {"ALTER TABLE t ALTER COLUMN x TO x INTEGER) --", "near \")\": syntax error"},
      {"ALTER TABLE t ALTER COLUMN x TO x CHECK (x > 1", "incomplete input"},
      {"ALTER TABLE t ALTER COLUMN x TO x CHECK (x > ?)", "parameters prohibited"},
      {"ALTER TABLE t ALTER COLUMN x TO x CHECK (x > (SELECT 1))", "subqueries prohibited"},
      {"ALTER TABLE t ALTER COLUMN x TO x DEFAULT (y)", "is not constant"},
      {"ALTER TABLE t ALTER COLUMN x TO x CHECK", "error in adding x CHECK to t"},
      {"ALTER TABLE t ALTER COLUMN nope TO nope TEXT", "no such column: \"nope\""},
      {"ALTER TABLE nope ALTER COLUMN x TO x", "no such table: nope"},
      {"ALTER TABLE sqlite_schema ALTER COLUMN sql TO sql", "may not be altered"},
      {"ALTER TABLE t ALTER COLUMN x TO", "syntax error"},
  };
  for (const auto& one : cases) EXPECT_THAT(refusal(one.sql), HasSubstr(one.message)) << one.sql;
  EXPECT_EQ(text("SELECT group_concat(sql) FROM sqlite_schema"), before);
  EXPECT_EQ(text("PRAGMA integrity_check"), "ok");
}

TEST_F(AlterColumn, RefusesWhatRowsDoNotSatisfyAndLeavesThem) {
  conn_.execute("CREATE TABLE t(a, b)");
  conn_.execute("CREATE TABLE s(a INTEGER, b ANY) STRICT");
  conn_.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)");
  conn_.execute("INSERT INTO s VALUES (1, 'x')");
  const std::string before = schema() + schema("s");
  EXPECT_THAT(refusal<Constraint>("ALTER TABLE t ALTER COLUMN b TO b TEXT NOT NULL"),
              "NOT NULL constraint failed: t.b");
  EXPECT_THAT(refusal<Constraint>("ALTER TABLE t ALTER COLUMN a TO a CHECK (a < 9) CHECK ( a < 2 )"),
              HasSubstr("CHECK constraint failed"));
  EXPECT_THAT(refusal<Constraint>("ALTER TABLE s ALTER COLUMN b TO b INTEGER"), HasSubstr("cannot store"));
  EXPECT_EQ(schema() + schema("s"), before);
  EXPECT_EQ(text("SELECT group_concat(a || coalesce(b, '-')) FROM t"), "1x,2-");
  conn_.execute("ALTER TABLE s ALTER COLUMN b TO b TEXT");
  conn_.execute("ALTER TABLE t ALTER COLUMN a TO a CHECK (a < 9)");
  EXPECT_EQ(text("PRAGMA integrity_check"), "ok");
}

// Rows from before ADD COLUMN do not hold the column: they read its default.
TEST_F(AlterColumn, LeavesToOldRowsTheDefaultThatTheyHave) {
  conn_.execute("CREATE TABLE t(a)");
  conn_.execute("CREATE TABLE w(k TEXT PRIMARY KEY, a) WITHOUT ROWID");
  conn_.execute("CREATE TABLE log(x)");
  conn_.execute("CREATE TRIGGER tell AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (1); END");
  conn_.execute("INSERT INTO t VALUES (1), (2)");
  conn_.execute("INSERT INTO w VALUES ('k', 1)");
  for (const char* table : {"t", "w"}) {
    const std::string name(table);
    conn_.execute("ALTER TABLE " + name + " ADD COLUMN d DEFAULT 5");
    const std::uint64_t changes = conn_.total_changes();
    int told = 0;
    Hooks hooks(conn_);
    const auto subscription = hooks.on_update([&](const UpdateEvent& event) { told += event.table == name ? 1 : 0; });
    conn_.execute("ALTER TABLE " + name + " ALTER COLUMN d TO d INT NOT NULL DEFAULT 7");
    EXPECT_EQ(conn_.total_changes(), changes);
    EXPECT_EQ(told, 0);
    EXPECT_EQ(conn_.query_value<std::int64_t>("SELECT min(d) + max(d) FROM " + name), 10);
  }
  conn_.execute("INSERT INTO t(a) VALUES (3)");
  EXPECT_EQ(text("SELECT group_concat(d) FROM t"), "5,5,7");
  EXPECT_EQ(text("SELECT count(*) || '' FROM log"), "0");
}

TEST_F(AlterColumn, StoresValuesAsTheNewTypeHoldsThem) {
  const auto all = [&](std::string_view sql) {
    std::string found;
    for (const OwnedRow& row : conn_.query(sql).fetch_all()) found += to_sql_literal(row.value(0).ref()) + ' ';
    return found;
  };
  const std::string values = "(1), (2.5), ('3'), ('4e0'), ('x'), (NULL), (x'35'), (9007199254740993), (7.0)";
  for (const std::string_view from : {"", "TEXT", "INT", "REAL", "BLOB"}) {
    for (const std::string_view to : {"", "TEXT", "INT", "REAL", "NUMERIC", "BLOB"}) {
      for (const std::string_view without : {"", " WITHOUT ROWID"}) {
        conn_.execute("DROP TABLE IF EXISTS t");
        conn_.execute("DROP TABLE IF EXISTS want");
        const auto table = [&](const char* name, std::string_view type) {
          conn_.execute(std::string("CREATE TABLE ").append(name).append("(id INTEGER PRIMARY KEY, c ").append(type) +
                        ")" + std::string(without));
        };
        table("t", from);
        table("want", to);
        if (without.empty()) {
          conn_.execute("INSERT INTO t(c) VALUES " + values);
        } else {
          conn_.execute("INSERT INTO t SELECT row_number() OVER (), column1 FROM (VALUES " + values + ")");
        }
        conn_.execute("ALTER TABLE t ADD COLUMN late DEFAULT 6");
        conn_.execute("CREATE INDEX t_c ON t(c, late)");
        conn_.execute("CREATE INDEX t_late ON t(late)");
        conn_.execute("INSERT INTO want SELECT id, c FROM t");
        conn_.execute(std::string("ALTER TABLE t ALTER COLUMN c TO c ").append(to));
        conn_.execute(std::string("ALTER TABLE t ALTER COLUMN late TO late ").append(to).append(" DEFAULT 8"));
        const std::string what = std::string(from).append(" to ").append(to).append(without);
        EXPECT_EQ(all("PRAGMA integrity_check"), "'ok' ") << what;
        EXPECT_EQ(all("SELECT c FROM t ORDER BY id"), all("SELECT c FROM want ORDER BY id")) << what;
        EXPECT_EQ(all("SELECT count(*) FROM t INDEXED BY t_c WHERE c = 1"),
                  all("SELECT count(*) FROM t NOT INDEXED WHERE c = 1"))
            << what;
        EXPECT_EQ(all("SELECT count(*) FROM t INDEXED BY t_late WHERE late = 6"), "9 ") << what;
      }
    }
  }
}

TEST_F(AlterColumn, LeavesAllAsItWasWhereConvertedValuesBreakARule) {
  conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, c UNIQUE, d)");
  conn_.execute("INSERT INTO t VALUES (1, '1', 'x'), (2, '01', 'y'), (3, 'z', 5)");
  const std::string before = text("SELECT group_concat(quote(c) || typeof(d)) FROM t");
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (4, 'more', 'w')");
  EXPECT_THAT(refusal<Constraint>("ALTER TABLE t ALTER COLUMN c TO c INT UNIQUE"), HasSubstr("UNIQUE"));
  EXPECT_THAT(refusal<Constraint>("ALTER TABLE t ALTER COLUMN d TO d TEXT CHECK (d <> '5')"), HasSubstr("CHECK"));
  EXPECT_EQ(text("SELECT typeof(d) FROM t WHERE a = 3"), "integer");
  EXPECT_EQ(text("PRAGMA integrity_check"), "ok");
  tx.rollback();
  EXPECT_EQ(text("SELECT group_concat(quote(c) || typeof(d)) FROM t"), before);
  conn_.execute("ALTER TABLE t ALTER COLUMN d TO d TEXT CHECK (typeof(d) = 'text')");
  EXPECT_EQ(text("SELECT d FROM t WHERE d = '5'"), "5");
}

TEST_F(AlterColumn, IsPartOfItsTransactionAndOfBatches) {
  conn_.execute("CREATE TABLE t(a)");
  {
    Transaction tx = conn_.transaction();
    tx->execute("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1");
    tx->execute("INSERT INTO t DEFAULT VALUES");
    EXPECT_EQ(text("SELECT a || '' FROM t"), "1");
  }
  EXPECT_EQ(schema(), "CREATE TABLE t(a)");
  conn_.execute_batch(
      "ALTER TABLE t ALTER COLUMN a TO a DEFAULT 2; /* a comment */ ; INSERT INTO t DEFAULT VALUES;"
      "ALTER TABLE t ALTER COLUMN a TO a DEFAULT 3; INSERT INTO t DEFAULT VALUES");
  EXPECT_EQ(text("SELECT group_concat(a) FROM t"), "2,3");
  EXPECT_ANY_THROW(conn_.execute_transactional_batch("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 4; SELECT nope"));
  EXPECT_EQ(schema(), "CREATE TABLE t(a DEFAULT 3)");
}

TEST_F(AlterColumn, PreparingAndExplainingChangeNothing) {
  conn_.execute("CREATE TABLE t(a)");
  Statement prepared = conn_.prepare("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1");
  EXPECT_EQ(prepared.columns().size(), 0u);
  EXPECT_FALSE(prepared.is_readonly());
  EXPECT_FALSE(conn_.query("EXPLAIN ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1").fetch_all().empty());
  EXPECT_EQ(schema(), "CREATE TABLE t(a)");
  conn_.execute("CREATE TABLE other(x)");  // compiled again
  prepared.execute();
  EXPECT_EQ(schema(), "CREATE TABLE t(a DEFAULT 1)");
  EXPECT_EQ(prepared.sql(), "ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1");
  EXPECT_EQ(prepared.expanded_sql(), "ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1");
}

TEST_F(AlterColumn, IsSeenByStatementsInTheCacheAndByOtherConnections) {
  conn_.execute("CREATE TABLE t(a, b DEFAULT 1)");
  Connection other = db_.connect();
  Statement theirs = other.prepare("INSERT INTO t(a) VALUES (1) RETURNING b");
  Statement ours = conn_.prepare("INSERT INTO t(a) VALUES (1) RETURNING b");
  EXPECT_EQ(std::get<0>(theirs.query_row<std::int64_t>()), 1);
  EXPECT_EQ(std::get<0>(ours.query_row<std::int64_t>()), 1);
  conn_.execute("ALTER TABLE t ALTER COLUMN b TO b DEFAULT 2");
  EXPECT_EQ(std::get<0>(theirs.query_row<std::int64_t>()), 2);
  EXPECT_EQ(std::get<0>(ours.query_row<std::int64_t>()), 2);
}

TEST_F(AlterColumn, AsksTheAuthorizerForTheTable) {
  conn_.execute("CREATE TABLE t(a)");
  Hooks hooks(conn_);
  const auto subscription = hooks.on_authorize(
      [](const Authorization& a) { return a.action == Action::AlterTable ? Verdict::Deny : Verdict::Allow; });
  EXPECT_ANY_THROW(conn_.execute("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1"));
  EXPECT_EQ(schema(), "CREATE TABLE t(a)");
}

TEST_F(AlterColumn, FindsTheTableOfItsSchema) {
  conn_.execute("ATTACH ':memory:' AS aux");
  for (const char* name : {"main", "temp", "aux"}) conn_.execute("CREATE TABLE " + std::string(name) + ".t(a)");
  conn_.execute("ALTER TABLE aux.t ALTER COLUMN a TO a DEFAULT 'aux'");
  conn_.execute("ALTER TABLE temp.t ALTER COLUMN a TO a DEFAULT 'temp'");
  conn_.execute("ALTER TABLE \"main\".t ALTER COLUMN a TO a DEFAULT 'main'");
  for (const std::string name : {"main", "temp", "aux"}) {
    conn_.execute("INSERT INTO " + name + ".t DEFAULT VALUES");
    EXPECT_EQ(text("SELECT a FROM " + name + ".t"), name);
  }
}

}  // namespace

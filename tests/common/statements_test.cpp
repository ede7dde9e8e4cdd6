#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

class CommonStatements : public AllModes {
 protected:
  CommonStatements() { conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"); }
};
LIBSQL_IN_ALL_MODES(CommonStatements);

TEST_P(CommonStatements, ExecuteReturnsTheRowsItChanged) {
  EXPECT_EQ(conn_.execute("INSERT INTO t(b) VALUES ('x'), ('y'), ('z')"), 3u);
  EXPECT_EQ(conn_.execute("UPDATE t SET b = 'w' WHERE a >= ?", 2), 2u);
  EXPECT_EQ(conn_.execute("SELECT * FROM t"), 0u);
  EXPECT_EQ(conn_.execute("CREATE INDEX i ON t(b)"), 0u);
  EXPECT_EQ(conn_.execute("DELETE FROM t WHERE a = 1"), 1u);
  EXPECT_EQ(conn_.changes(), 1u);
  EXPECT_EQ(conn_.total_changes(), 6u);
}

TEST_P(CommonStatements, LastInsertRowidIsThatOfTheLastInsert) {
  conn_.execute("INSERT INTO t VALUES (41, 'x')");
  EXPECT_EQ(conn_.last_insert_rowid(), 41);
  conn_.execute("INSERT OR IGNORE INTO t VALUES (41, 'y')");
  conn_.execute("UPDATE t SET b = 'z'");
  EXPECT_EQ(conn_.last_insert_rowid(), 41);
  const RunResult run = conn_.prepare("INSERT INTO t(b) VALUES (?)").run("w");
  EXPECT_EQ(run.changes, 1u);
  EXPECT_EQ(run.last_insert_rowid, 42);
}

TEST_P(CommonStatements, TablesWithRandomRowidsAreThoseOfLibsql) {
  if (cipher_version().empty()) GTEST_SKIP() << "the system's SQLite has no RANDOM ROWID";
  conn_.execute("CREATE TABLE r(a UNIQUE, b) RANDOM ROWID");
  const RunResult run = conn_.prepare("INSERT INTO r VALUES (?, 0)").run(1);
  EXPECT_GT(run.last_insert_rowid, 1);  // once in 2^62 times it is 1
  const auto again =
      conn_.query_value<std::int64_t>("INSERT INTO r VALUES (1, 0) ON CONFLICT(a) DO UPDATE SET b = 1 RETURNING rowid");
  EXPECT_EQ(again, run.last_insert_rowid);
  EXPECT_EQ(conn_.query_value<std::string>("SELECT sql FROM sqlite_schema WHERE name = 'r'"),
            "CREATE TABLE r(a UNIQUE, b) RANDOM ROWID");
  EXPECT_EQ(error_of<SqlError>([&] {
              conn_.execute("CREATE TABLE s(a INTEGER PRIMARY KEY AUTOINCREMENT) RANDOM ROWID");
            }).message(),
            "AUTOINCREMENT not allowed on RANDOM ROWID tables");
}

TEST_P(CommonStatements, QueryYieldsTheRowsInOrder) {
  conn_.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, NULL)");
  std::vector<std::string> seen;
  Rows rows = conn_.query("SELECT a, b FROM t ORDER BY a DESC");
  EXPECT_EQ(rows.column_count(), 2);
  while (rows.next()) {
    seen.push_back(std::to_string(rows.row().get<int>("a")) +
                   rows.row().get<std::optional<std::string>>(1).value_or("-"));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"3-", "2two", "1one"}));
  EXPECT_FALSE(rows.next());
}

TEST_P(CommonStatements, TypedQueriesReadTuples) {
  conn_.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  int sum = 0;
  std::string text;
  for (auto [a, b] : conn_.query<int, std::string_view>("SELECT a, b FROM t WHERE a < ? ORDER BY a", 9)) {
    sum += a;
    text += b;
  }
  EXPECT_EQ(sum, 3);
  EXPECT_EQ(text, "onetwo");
}

TEST_P(CommonStatements, ThousandsOfRowsComeThrough) {
  auto rows = conn_.query<std::int64_t, std::string>(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, 'row ' || i FROM n");
  std::int64_t expected = 0;
  for (const auto& [i, text] : rows) {
    ASSERT_EQ(i, ++expected);
    ASSERT_EQ(text, "row " + std::to_string(i));
  }
  EXPECT_EQ(expected, 20000);
}

TEST_P(CommonStatements, RowsMayBeLeftEarlyAndTheConnectionGoesOn) {
  for (int i = 0; i < 3; ++i) {
    Rows rows =
        conn_.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT i FROM n");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.row().get<int>(0), 1);
    rows.close();
    EXPECT_EQ(conn_.query_value<int>("SELECT 5"), 5);
  }
}

TEST_P(CommonStatements, StatementsRunWhileRowsAreRead) {
  conn_.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')");
  int seen = 0;
  Rows rows = conn_.query("SELECT a FROM t ORDER BY a");
  while (rows.next()) {
    EXPECT_EQ(conn_.query_value<std::string>("SELECT b FROM t WHERE a = ?", rows.row().get<int>(0)).empty(), false);
    ++seen;
  }
  EXPECT_EQ(seen, 3);
}

TEST_P(CommonStatements, QueryRowWantsExactlyOneRow) {
  conn_.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  EXPECT_EQ((conn_.query_row<int, std::string>("SELECT a, b FROM t WHERE a = 2")), (std::tuple(2, std::string("two"))));
  EXPECT_THROW(conn_.query_row("SELECT a FROM t WHERE a = 9"), UnexpectedRows);
  EXPECT_THROW(conn_.query_row("SELECT a FROM t"), UnexpectedRows);
  EXPECT_FALSE(conn_.query_row_optional<int>("SELECT a FROM t WHERE a = 9").has_value());
}

TEST_P(CommonStatements, PreparedStatementsKnowTheirColumnsAndParameters) {
  Statement statement = conn_.prepare("SELECT a AS number, b, a + 1 FROM t WHERE a = :a AND b <> ?2 OR b = @c");
  EXPECT_EQ(statement.parameter_count(), 3);
  EXPECT_EQ(statement.parameter_name(1), ":a");
  EXPECT_EQ(statement.parameter_name(2), "?2");
  EXPECT_EQ(statement.parameter_name(3), "@c");
  EXPECT_EQ(statement.parameter_number("c"), 3);
  EXPECT_EQ(statement.parameter_number("none"), std::nullopt);
  ASSERT_EQ(statement.column_count(), 3);
  EXPECT_EQ(statement.columns()[0].name, "number");
  EXPECT_EQ(statement.columns()[1].declared_type, "TEXT");
  EXPECT_EQ(statement.columns()[2].declared_type, "");
  EXPECT_TRUE(statement.is_readonly());
  EXPECT_FALSE(statement.is_explain());
  EXPECT_FALSE(conn_.prepare("DELETE FROM t").is_readonly());
  EXPECT_EQ(conn_.prepare("DELETE FROM t").column_count(), 0);
  EXPECT_EQ(conn_.prepare("EXPLAIN QUERY PLAN SELECT 1").explain_kind(), ExplainKind::QueryPlan);
}

TEST_P(CommonStatements, PreparedStatementsRunAgainAndAgain) {
  Statement insert = conn_.prepare("INSERT INTO t VALUES (?, ?)");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(insert.execute(i, "row"), 1u);
  Statement select = conn_.prepare("SELECT a FROM t WHERE a > ?");
  for (int i = 0; i < 20; ++i) {
    int rows = 0;
    for (auto [a] : select.query<int>(i)) rows += a > i ? 1 : 100;
    EXPECT_EQ(rows, 19 - i);
  }
}

TEST_P(CommonStatements, ARunningStatementIsNotUsedAgain) {
  conn_.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  Statement select = conn_.prepare("SELECT a FROM t");
  Rows rows = select.query();
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(select.query(), Misuse);
  select.reset();
  EXPECT_FALSE(rows.next());
  EXPECT_TRUE(select.query().next());
  select.finalize();
  EXPECT_THROW(select.query(), Misuse);
}

TEST_P(CommonStatements, ColumnsFollowTheSchema) {
  Statement select = conn_.prepare("SELECT * FROM t");
  EXPECT_EQ(select.column_count(), 2);
  conn_.execute("ALTER TABLE t ADD COLUMN c REAL");
  EXPECT_EQ(select.column_count(), 3);
  EXPECT_EQ(select.columns()[2].declared_type, "REAL");
}

TEST_P(CommonStatements, ColumnsFollowASchemaThatAnotherConnectionChanged) {
  Statement by_query = conn_.prepare("SELECT * FROM t");
  Statement by_row = conn_.prepare("SELECT * FROM t LIMIT 1");
  Statement unused = conn_.prepare("SELECT * FROM t WHERE a = 1");
  EXPECT_EQ(by_query.column_count() + by_row.column_count() + unused.column_count(), 6);
  conn_.execute("INSERT INTO t VALUES (1, 'one')");
  Connection other = db_.connect();
  other.execute("ALTER TABLE t ADD COLUMN c REAL");
  {
    Rows rows = by_query.query();
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.column_count(), 3);
    EXPECT_EQ(rows.row().get<std::optional<double>>("c"), std::nullopt);
  }
  ASSERT_EQ(by_query.column_count(), 3);
  EXPECT_EQ(by_query.columns()[2].name, "c");
  EXPECT_EQ(by_query.columns()[2].declared_type, "REAL");
  EXPECT_EQ(unused.column_count(), 3);  // what one answer shows is known of all
  EXPECT_EQ(conn_.prepare("SELECT * FROM t").column_count(), 3);
  EXPECT_EQ(by_row.columns()[2].name, "c");
  other.execute("ALTER TABLE t RENAME COLUMN c TO d");
  by_row.query_row();
  EXPECT_EQ(by_row.columns()[2].name, "d");
  EXPECT_EQ(conn_.prepare("SELECT * FROM t").columns()[2].name, "d");
}

TEST_P(CommonStatements, AColumnThatAnotherConnectionDroppedIsGone) {
  Statement select = conn_.prepare("SELECT b FROM t");
  EXPECT_EQ(select.column_count(), 1);
  Connection other = db_.connect();
  other.execute("ALTER TABLE t DROP COLUMN b");
  EXPECT_THROW(select.query().next(), SqlError);
  EXPECT_THROW(conn_.prepare("SELECT b FROM t"), SqlError);
}

TEST_P(CommonStatements, ReturningYieldsRows) {
  std::vector<int> ids;
  for (auto [a] : conn_.query<int>("INSERT INTO t(b) VALUES ('x'), ('y') RETURNING a")) ids.push_back(a);
  EXPECT_EQ(ids, (std::vector<int>{1, 2}));
  EXPECT_EQ(conn_.changes(), 2u);
  EXPECT_EQ(conn_.last_insert_rowid(), 2);
}

TEST_P(CommonStatements, ExpandedSqlHasTheArgumentsInIt) {
  Statement statement = conn_.prepare("SELECT ?, :name, ?1 FROM t WHERE a = 'is ? that :it'");
  EXPECT_EQ(statement.expanded_sql(1, "it's"), "SELECT 1, 'it''s', 1 FROM t WHERE a = 'is ? that :it'");
}

TEST_P(CommonStatements, PlansCanBeExplained) {
  EXPECT_TRUE(explain_query_plan(conn_, "SELECT * FROM t WHERE b = ?").has_scan());
  EXPECT_FALSE(explain_query_plan(conn_, "SELECT * FROM t WHERE a = ?").has_scan());
  EXPECT_FALSE(explain(conn_, "SELECT 1").empty());
}

TEST_P(CommonStatements, StatisticsCountWhatWasDone) {
  conn_.reset_statistics();
  conn_.execute("INSERT INTO t(b) VALUES ('x'), ('y')");
  EXPECT_EQ(conn_.query("SELECT * FROM t").fetch_all().size(), 2u);
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1, 'x')"), Constraint);
  const ConnectionStatistics statistics = conn_.statistics();
  EXPECT_EQ(statistics.statements, 3u);
  EXPECT_EQ(statistics.rows, 2u);
  EXPECT_EQ(statistics.changes, 2u);
  EXPECT_EQ(statistics.errors, 1u);
}

TEST_P(CommonStatements, AQueryLogSeesStatementsAndFailures) {
  std::vector<std::string> seen;
  const QueryLog log(
      [&](const QueryEvent& event) {
        seen.push_back(std::string(event.sql) + (event.failed ? " failed" : " ok") + ' ' + std::to_string(event.rows) +
                       ' ' + std::to_string(event.changes) + ' ' + std::to_string(event.parameters.size()));
      },
      {.parameters = LoggedParameters::Values});
  QueryLogGuard guard = log_queries(conn_, log);
  conn_.execute("INSERT INTO t VALUES (?, ?)", 1, "x");
  conn_.query("SELECT * FROM t").fetch_all();
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (?, ?)", 1, "x"), Constraint);
  guard.stop();
  conn_.execute("DELETE FROM t");
  EXPECT_EQ(seen, (std::vector<std::string>{"INSERT INTO t VALUES (?, ?) ok 0 1 2", "SELECT * FROM t ok 1 0 0",
                                            "INSERT INTO t VALUES (?, ?) failed 0 0 2"}));
}

TEST_P(CommonStatements, AConnectionIsClosedOnlyWhenNothingOfItIsInUse) {
  {
    Statement statement = conn_.prepare("SELECT 1");
    EXPECT_THROW(conn_.close(), Misuse);
  }
  conn_.close();
  EXPECT_TRUE(conn_.is_closed());
  EXPECT_THROW(conn_.execute("SELECT 1"), Misuse);
}

TEST_P(CommonStatements, PingAndResetWork) {
  conn_.ping();
  conn_.busy_timeout(std::chrono::seconds(9));
  Rows rows = conn_.query("SELECT 1 UNION SELECT 2");
  conn_.reset();
  EXPECT_FALSE(rows.next());
  EXPECT_EQ(conn_.busy_timeout(), std::chrono::milliseconds(50));
  EXPECT_EQ(conn_.last_insert_rowid(), 0);
}

}  // namespace
}  // namespace libsql::test

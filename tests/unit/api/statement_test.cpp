#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using test::error_of;

class StatementTest : public ::testing::Test {
 protected:
  StatementTest() { conn_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(20))"); }
  Connection conn_ = Builder::local(":memory:").build().connect();
};

TEST_F(StatementTest, RunsAgainAndAgain) {
  Statement insert = conn_.prepare("INSERT INTO t(name) VALUES (?)");
  EXPECT_EQ(insert.execute("a"), 1u);
  const RunResult result = insert.run("b");
  EXPECT_EQ(result.changes, 1u);
  EXPECT_EQ(result.last_insert_rowid, 2);
  Statement select = conn_.prepare("SELECT name FROM t WHERE id = ?");
  EXPECT_EQ(std::get<0>(select.query_row<std::string>(1)), "a");
  EXPECT_EQ(std::get<0>(select.query_row<std::string>(2)), "b");
  EXPECT_EQ(select.query_row_optional<std::string>(3), std::nullopt);
  EXPECT_THROW(select.query_row<std::string>(3), UnexpectedRows);
  EXPECT_EQ(select.status().reprepares, 0);
  EXPECT_EQ(select.status().runs, 4);
}

TEST_F(StatementTest, OneRowsAtATime) {
  conn_.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  Statement select = conn_.prepare("SELECT id FROM t");
  Rows rows = select.query();
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(select.query(), Misuse);
  EXPECT_THROW(select.execute(), Misuse);
  EXPECT_THROW(select.query_row<int>(), Misuse);
  ASSERT_TRUE(rows.next()) << "the open rows are unharmed";
  select.reset();
  EXPECT_FALSE(rows.next());
  EXPECT_EQ(select.query().fetch_all().size(), 2u);
}

TEST_F(StatementTest, OldRowsDoNotReadOnInANewRun) {
  conn_.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  Statement select = conn_.prepare("SELECT id FROM t ORDER BY id");
  Rows old = select.query();
  ASSERT_TRUE(old.next());
  select.reset();
  Rows fresh = select.query();
  EXPECT_FALSE(old.next());
  old.close();
  ASSERT_TRUE(fresh.next());
  EXPECT_EQ(fresh.row().get<int>(0), 1);
}

TEST_F(StatementTest, FinalizedOneThrowsMisuse) {
  Statement select = conn_.prepare("SELECT id FROM t");
  Rows rows = select.query();
  select.finalize();
  EXPECT_FALSE(rows.next());
  EXPECT_THROW(select.execute(), Misuse);
  EXPECT_THROW(select.query(), Misuse);
  EXPECT_THROW(select.columns(), Misuse);
  EXPECT_THROW(select.parameter_count(), Misuse);
  EXPECT_THROW(select.is_readonly(), Misuse);
  EXPECT_THROW(select.status(), Misuse);
  EXPECT_THROW(select.expanded_sql(), Misuse);
  EXPECT_NO_THROW(select.finalize());
  EXPECT_NO_THROW(conn_.close());
}

TEST_F(StatementTest, FinalizeFreesTheCachedOneToo) {
  conn_.prepare("SELECT id FROM t").finalize();
  EXPECT_NO_THROW(conn_.prepare("SELECT id FROM t").execute());
  EXPECT_NO_THROW(conn_.execute("SELECT id FROM t"));
}

TEST_F(StatementTest, ColumnsDescribeTheResult) {
  Statement select = conn_.prepare("SELECT id, name AS who, 1 FROM t");
  const std::span<const Column> columns = select.columns();
  ASSERT_EQ(columns.size(), 3u);
  EXPECT_EQ(columns[1].name, "who");
  EXPECT_EQ(columns[1].origin_name, "name");
  EXPECT_EQ(columns[1].table, "t");
  EXPECT_EQ(columns[1].database, "main");
  EXPECT_EQ(columns[1].declared_type, "VARCHAR(20)");
  EXPECT_EQ(columns[2].origin_name, "");
  EXPECT_EQ(select.column_count(), 3);
  EXPECT_TRUE(conn_.prepare("DELETE FROM t").columns().empty());
}

TEST_F(StatementTest, ColumnsAreThoseOfTheSchemaThatAnotherConnectionMade) {
  const test::TemporaryDirectory dir;
  const Database db = Builder::local(dir.file("s.db")).build();
  Connection mine = db.connect();
  Connection other = db.connect();
  mine.execute("CREATE TABLE s(a INTEGER)");
  Statement select = mine.prepare("SELECT * FROM s");
  EXPECT_EQ(select.column_count(), 1);
  other.execute("ALTER TABLE s ADD COLUMN b TEXT");
  ASSERT_EQ(select.columns().size(), 2u);
  EXPECT_EQ(select.columns()[1].name, "b");
  EXPECT_EQ(select.columns()[1].declared_type, "TEXT");
  other.execute("ALTER TABLE s ADD COLUMN c TEXT");
  other.execute("INSERT INTO s VALUES (1, 'x', 'y')");
  Rows rows = select.query();
  EXPECT_EQ(rows.column_count(), 3);
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<std::string>("c"), "y");
  rows.close();
  other.execute("DROP TABLE s");
  EXPECT_THROW(select.columns(), SqlError);
  EXPECT_THROW(select.query(), SqlError);
}

TEST_F(StatementTest, ParametersAreDescribed) {
  const Statement select = conn_.prepare("SELECT ?, :a, @b, $c, ?9");
  EXPECT_EQ(select.parameter_count(), 9);
  EXPECT_EQ(select.parameter_name(1), "");
  EXPECT_EQ(select.parameter_name(2), ":a");
  EXPECT_EQ(select.parameter_name(3), "@b");
  EXPECT_EQ(select.parameter_name(4), "$c");
  EXPECT_EQ(select.parameter_name(9), "?9");
  EXPECT_EQ(select.parameter_number("a"), 2);
  EXPECT_EQ(select.parameter_number("@b"), 3);
  EXPECT_EQ(select.parameter_number(":b"), std::nullopt);
  EXPECT_EQ(select.parameter_number("9"), 9);
  EXPECT_THROW(select.parameter_name(0), OutOfRange);
  EXPECT_THROW(select.parameter_name(10), OutOfRange);
  EXPECT_THROW(conn_.prepare("SELECT :x, @x").parameter_number("x"), Misuse);
}

TEST_F(StatementTest, KindsAreTold) {
  EXPECT_TRUE(conn_.prepare("SELECT 1").is_readonly());
  EXPECT_FALSE(conn_.prepare("DELETE FROM t").is_readonly());
  EXPECT_EQ(conn_.prepare("SELECT 1").explain_kind(), ExplainKind::None);
  EXPECT_EQ(conn_.prepare("EXPLAIN SELECT 1").explain_kind(), ExplainKind::Explain);
  EXPECT_EQ(conn_.prepare("EXPLAIN QUERY PLAN SELECT 1").explain_kind(), ExplainKind::QueryPlan);
  EXPECT_TRUE(conn_.prepare("EXPLAIN DELETE FROM t").is_explain());
  EXPECT_FALSE(conn_.prepare("EXPLAIN DELETE FROM t").is_readonly()) << "as the statement that it explains";
}

TEST_F(StatementTest, ExpandedSqlShowsTheArguments) {
  const Statement select = conn_.prepare("SELECT ?, :b");
  EXPECT_EQ(select.sql(), "SELECT ?, :b");
  EXPECT_EQ(select.expanded_sql("it's", named("b", 5)), "SELECT 'it''s', 5");
  EXPECT_THROW(select.expanded_sql(1), Misuse);
}

TEST_F(StatementTest, StatusCountsWork) {
  conn_.execute_many("INSERT INTO t(name) VALUES (?)", std::vector<std::string>(50, "x"));
  Statement select = conn_.prepare("SELECT id FROM t ORDER BY name");
  select.execute();
  const StatementStatus status = select.status();
  EXPECT_EQ(status.fullscan_steps, 49);
  EXPECT_EQ(status.sorts, 1);
  EXPECT_GT(status.vm_steps, 50);
  EXPECT_EQ(status.runs, 1);
  EXPECT_GT(status.memory_used_bytes, 0);
  select.reset_status();
  EXPECT_EQ(select.status().fullscan_steps, 0);
}

TEST_F(StatementTest, MovedFromOneThrowsMisuse) {
  Statement a = conn_.prepare("SELECT 1");
  Statement b = std::move(a);
  EXPECT_THROW(a.execute(), Misuse);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(a.reset(), Misuse);
  EXPECT_THROW(a.columns(), Misuse);
  EXPECT_THROW(a.interrupt(), Misuse);
  EXPECT_EQ(std::get<0>(b.query_row<int>()), 1);
}

TEST_F(StatementTest, ReprepareKeepsTheArguments) {
  conn_.execute("INSERT INTO t VALUES (1, 'a')");
  Statement select = conn_.prepare("SELECT name, ? FROM t");
  EXPECT_EQ((select.query_row<std::string, int>(1)), std::tuple("a", 1));
  conn_.execute("CREATE INDEX i ON t(name)");
  EXPECT_EQ((select.query_row<std::string, int>(2)), std::tuple("a", 2));
  EXPECT_EQ(select.status().reprepares, 1);
}

}  // namespace
}  // namespace libsql

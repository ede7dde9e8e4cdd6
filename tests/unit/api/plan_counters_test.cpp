// What the steps of a statement's last run did.
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>
#include <optional>
#include <string>

#include "support/expect_error.hpp"

namespace libsql {
namespace {

class PlanCountersTest : public testing::Test {
 protected:
  PlanCountersTest() : conn_(Builder::local(":memory:").build().connect()) {
    conn_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER)");
    conn_.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i, i % 10 "
        "FROM n");
    conn_.execute("CREATE INDEX t_a ON t(a)");
    conn_.execute("CREATE TABLE log(n)");
  }
  void SetUp() override {
    try {
      counters_.emplace(conn_);
    } catch (const Unsupported&) {
      GTEST_SKIP() << "this engine does not count";
    }
  }
  Connection conn_;
  std::optional<PlanCounters> counters_;
};

TEST_F(PlanCountersTest, TellLoopsAndRowsOfTheLastRunOnly) {
  Statement statement = conn_.prepare("SELECT count(*) FROM t x CROSS JOIN t y ON y.a = x.id WHERE x.id < ?");
  for (const int limit : {5, 3}) statement.query_row(limit);
  const RunCounts counts = counters_->counts(statement);
  ASSERT_EQ(counts.steps.size(), 2U);
  EXPECT_EQ(counts.steps[0].detail, "SEARCH x USING INTEGER PRIMARY KEY (rowid<?)");
  EXPECT_EQ(counts.steps[0].name, "t");
  EXPECT_EQ(counts.steps[0].loops, 1);
  EXPECT_EQ(counts.steps[0].rows, 2);
  EXPECT_EQ(counts.steps[1].name, "t_a");
  EXPECT_EQ(counts.steps[1].loops, 2);
  EXPECT_EQ(counts.steps[1].rows, 20);
  EXPECT_GT(counts.steps[1].estimated_rows, 0);
}

TEST_F(PlanCountersTest, GiveAStepThatIsNoLoopTheFiguresThatThereAre) {
  Statement statement = conn_.prepare(
      "SELECT n, x FROM (SELECT a AS x, count(*) AS n FROM t WHERE a IN (SELECT a FROM t) GROUP BY a) "
      "ORDER BY n");
  statement.query().next();
  std::optional<PlanStepCount> sort;
  std::optional<PlanStepCount> routine;
  for (const PlanStepCount& step : counters_->counts(statement).steps) {
    if (step.detail == "USE TEMP B-TREE FOR ORDER BY") sort = step;
    if (step.detail.starts_with("CO-ROUTINE")) routine = step;
  }
  ASSERT_TRUE(sort && routine);
  EXPECT_EQ(sort->rows, 10);
  EXPECT_EQ(sort->name, "");
  EXPECT_EQ(routine->loops, std::nullopt);
  EXPECT_EQ(routine->rows, std::nullopt);
}

TEST_F(PlanCountersTest, ListTheInstructionsOfAStatementAndOfItsTriggersAsExplainDoes) {
  conn_.execute("CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log SELECT count(*) FROM t; END");
  const char* const sql = "INSERT INTO t(a) VALUES(1)";
  Statement statement = conn_.prepare(sql);
  statement.execute();
  const RunCounts counts = counters_->counts(statement);
  const std::vector<ProgramInstruction> program = explain(conn_, sql);
  if (counts.instructions.empty()) GTEST_SKIP() << "this engine does not count instructions";
  ASSERT_EQ(counts.instructions.size(), program.size());
  std::int64_t inserts = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    if (program[i].opcode != "Insert") continue;
    EXPECT_EQ(counts.instructions[i].opcode, "Insert");
    inserts += counts.instructions[i].runs;
  }
  EXPECT_EQ(inserts, 2);
}

TEST_F(PlanCountersTest, CountUpToTheRowThatIsReadNow) {
  Statement statement = conn_.prepare("SELECT id FROM t");
  Rows rows = statement.query();
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(rows.next());
  EXPECT_EQ(counters_->counts(statement).steps.at(0).rows, 7);
}

TEST_F(PlanCountersTest, EndWithTheObjectAndWithReset) {
  Statement statement = conn_.prepare("SELECT max(a + 0) FROM t");
  statement.query_row();
  EXPECT_EQ(counters_->counts(statement).steps.at(0).rows, 100);
  PlanCounters moved = std::move(*counters_);
  counters_.emplace(conn_);
  moved = std::move(*counters_);
  statement.query_row();
  EXPECT_EQ(moved.counts(statement).steps.at(0).rows, 100);
  conn_.reset();
  Statement after = conn_.prepare("SELECT max(a + 0) FROM t");
  after.query_row();
  EXPECT_TRUE(moved.counts(after).steps.empty());
}

TEST_F(PlanCountersTest, RefuseStatementsThatAreNotTheirs) {
  Connection other = Builder::local(":memory:").build().connect();
  Statement foreign = other.prepare("SELECT 1");
  EXPECT_THROW(counters_->counts(foreign), Misuse);
  Statement statement = conn_.prepare("SELECT 1");
  statement.finalize();
  EXPECT_THROW(counters_->counts(statement), Misuse);
}

}  // namespace
}  // namespace libsql

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <libsql/libsql.hpp>
#include <thread>

#include "api/access.hpp"
#include "engine/connection.hpp"

namespace libsql {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A copy of what an event said.
struct Heard {
  std::string sql;
  std::vector<LoggedParameter> parameters;
  std::chrono::nanoseconds duration;
  std::uint64_t rows;
  std::uint64_t changes;
  std::uint64_t fullscan_steps;
  std::optional<std::uint64_t> rows_scanned;
  bool failed;
  std::string error;
  std::uint64_t connection;
  std::string line;
};

class QueryLogTest : public testing::Test {
 protected:
  QueryLog log(QueryLogOptions options = {.rows_scanned = true}) {
    return QueryLog(
        [this](const QueryEvent& event) {
          heard_.push_back({std::string(event.sql),
                            {event.parameters.begin(), event.parameters.end()},
                            event.duration,
                            event.rows,
                            event.changes,
                            event.fullscan_steps,
                            event.rows_scanned,
                            event.failed,
                            event.error == nullptr ? "" : event.error->message(),
                            event.connection,
                            to_string(event)});
        },
        options);
  }
  Heard last() const { return heard_.empty() ? Heard{} : heard_.back(); }
  void fill() {
    conn_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)");
    conn_.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO t(id, a, b) SELECT i, i % 10, i FROM n");
    conn_.execute("CREATE INDEX t_a ON t(a)");
  }
  std::uint64_t scanned(std::string_view sql) {
    heard_.clear();
    conn_.query<>(sql).fetch_all();
    return last().rows_scanned.value_or(999'999);
  }

  Database db_ = Builder::local(":memory:").build();
  Connection conn_ = db_.connect();
  std::vector<Heard> heard_;
};

TEST_F(QueryLogTest, ReportsEachRunWithItsCounts) {
  const QueryLogGuard guard = log_queries(conn_, log());
  conn_.execute("CREATE TABLE t(a)");
  conn_.execute("INSERT INTO t VALUES (?), (?)", 1, 2);
  auto rows = conn_.query("SELECT a FROM t");
  EXPECT_EQ(heard_.size(), 2u);  // the rows are not read yet
  rows.fetch_all();
  ASSERT_EQ(heard_.size(), 3u);
  EXPECT_EQ(heard_[1].sql, "INSERT INTO t VALUES (?), (?)");
  EXPECT_EQ(heard_[1].changes, 2u);
  EXPECT_EQ(heard_[1].rows, 0u);
  EXPECT_FALSE(heard_[1].failed);
  EXPECT_THAT(heard_[1].parameters, IsEmpty());  // not without being asked
  EXPECT_EQ(heard_[2].rows, 2u);
  EXPECT_EQ(heard_[2].rows_scanned, 2u);
  EXPECT_GT(heard_[2].duration.count(), 0);
}

TEST_F(QueryLogTest, DurationLastsUntilTheRowsEnd) {
  const QueryLogGuard guard = log_queries(conn_, log());
  auto rows = conn_.query("SELECT 1 UNION ALL SELECT 2");
  rows.next();
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(5)) {
  }
  rows.close();
  ASSERT_EQ(heard_.size(), 1u);
  EXPECT_GE(heard_[0].duration, std::chrono::milliseconds(5));
  EXPECT_EQ(heard_[0].rows, 1u);
}

TEST_F(QueryLogTest, RowsScannedOfAFullScanAreAllRows) {
  fill();
  const QueryLogGuard guard = log_queries(conn_, log());
  EXPECT_EQ(scanned("SELECT * FROM t"), 1000u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE b = 500"), 1000u);
  EXPECT_EQ(last().rows, 1u);
  EXPECT_EQ(last().fullscan_steps, 999u);  // from the first row to the last
  EXPECT_EQ(scanned("SELECT max(b) FROM t"), 1000u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE b % 2 ORDER BY b DESC"), 1000u);
}

TEST_F(QueryLogTest, RowsScannedOfALookUpAreThoseFound) {
  fill();
  const QueryLogGuard guard = log_queries(conn_, log());
  EXPECT_EQ(scanned("SELECT * FROM t WHERE id = 7"), 1u);
  EXPECT_EQ(last().fullscan_steps, 0u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE id = 7000"), 0u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE a = 3"), 100u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE a = 3 AND b = 13"), 100u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE id BETWEEN 11 AND 20"), 10u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE id IN (1, 2, 3)"), 3u);
  EXPECT_EQ(scanned("SELECT 1"), 0u);
}

TEST_F(QueryLogTest, RowsScannedCountsEveryLoopAndStopsWithTheQuery) {
  fill();
  const QueryLogGuard guard = log_queries(conn_, log());
  EXPECT_EQ(scanned("SELECT * FROM t LIMIT 5"), 5u);
  EXPECT_EQ(scanned("SELECT * FROM t AS x CROSS JOIN t AS y WHERE x.id < 11 AND y.id = x.b"), 20u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE a = 3 OR id = 5"), 101u);
  EXPECT_EQ(scanned("SELECT * FROM t WHERE id = 1 UNION ALL SELECT * FROM t WHERE a = 2"), 101u);
  conn_.execute("UPDATE t SET b = 0 WHERE a = 4");
  EXPECT_EQ(last().rows_scanned, 100u);
  EXPECT_EQ(last().changes, 100u);
  conn_.execute("DELETE FROM t WHERE b = -1");
  EXPECT_EQ(last().rows_scanned, 1000u);
  EXPECT_EQ(last().changes, 0u);
}

TEST_F(QueryLogTest, RowsScannedIsOfOneRunThoughTheStatementIsUsedAgain) {
  fill();
  Statement statement = conn_.prepare("SELECT b FROM t WHERE a = ?");  // compiled before anybody counts
  const QueryLogGuard guard = log_queries(conn_, log());
  for (int i = 0; i < 3; ++i) {
    statement.query<>(i).fetch_all();
    EXPECT_EQ(last().rows_scanned, 100u);
  }
  statement.query<>(77).fetch_all();
  EXPECT_EQ(last().rows_scanned, 0u);
}

TEST_F(QueryLogTest, CountingIsOffUnlessALogWantsIt) {
  sqlite3* const handle = detail::Access::engine(conn_, core::Feature::Limits).handle();
  const auto counting = [&] {
    int on = -1;
    sqlite3_db_config(handle, SQLITE_DBCONFIG_STMT_SCANSTATUS, -1, &on);
    return on == 1;
  };
  EXPECT_FALSE(counting());
  {
    const QueryLogGuard timing = log_queries(conn_, log({}));
    EXPECT_FALSE(counting());
    conn_.execute("SELECT 1");
    EXPECT_EQ(last().rows_scanned, std::nullopt);
    const QueryLogGuard full = log_queries(conn_, log());
    EXPECT_TRUE(counting());
  }
  EXPECT_FALSE(counting());
  EXPECT_EQ(detail::Access::engine(conn_, core::Feature::Limits).attention(), 0u);
}

TEST_F(QueryLogTest, FailuresAreReportedWithTheirError) {
  conn_.execute("CREATE TABLE t(a UNIQUE)");
  conn_.execute("INSERT INTO t VALUES (1)");
  const QueryLogGuard guard = log_queries(conn_, log({.slower_than = std::chrono::hours(1)}));
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1)"), Constraint);
  EXPECT_THROW(conn_.execute("SELECT * FROM missing"), SqlError);
  ASSERT_EQ(heard_.size(), 2u);
  EXPECT_TRUE(heard_[0].failed);
  EXPECT_THAT(heard_[0].error, HasSubstr("UNIQUE"));
  EXPECT_EQ(heard_[1].sql, "SELECT * FROM missing");
  EXPECT_THAT(heard_[1].error, HasSubstr("no such table"));
  const QueryLogGuard quiet = log_queries(conn_, log({.slower_than = std::chrono::hours(1), .failures = false}));
  EXPECT_THROW(conn_.execute("SELECT * FROM missing"), SqlError);
  EXPECT_EQ(heard_.size(), 3u);  // only the first log spoke
}

TEST_F(QueryLogTest, OnlySlowRunsPassTheThreshold) {
  const QueryLogGuard guard = log_queries(conn_, log({.slower_than = std::chrono::milliseconds(20)}));
  conn_.execute("SELECT 1");
  EXPECT_THAT(heard_, IsEmpty());
  auto rows = conn_.query("SELECT 1");
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(20)) {
  }
  rows.close();
  EXPECT_EQ(heard_.size(), 1u);
}

TEST_F(QueryLogTest, ParametersAreLoggedAsFarAsAllowed) {
  const QueryLogGuard types = log_queries(conn_, log({.parameters = LoggedParameters::Types}));
  conn_.execute("SELECT ?, ?, ?", 1, "secret", null);
  Heard heard = last();
  ASSERT_EQ(heard.parameters.size(), 3u);
  EXPECT_EQ(heard.parameters[1].type, ValueType::Text);
  EXPECT_EQ(heard.parameters[1].size, 6u);
  EXPECT_TRUE(heard.parameters[1].value.is_null());
  EXPECT_THAT(heard.line, HasSubstr("[INTEGER, TEXT(6), NULL]"));
  EXPECT_THAT(heard.line, Not(HasSubstr("secret")));
}

TEST_F(QueryLogTest, ValuesAreCopiedUpToALimit) {
  const QueryLogGuard guard = log_queries(conn_, log({.parameters = LoggedParameters::Values, .max_value_bytes = 4}));
  conn_.execute("SELECT :a, :b, :c", named("a", 7), named("b", "abcdefgh"), named("c", Blob(3)));
  Heard heard = last();
  ASSERT_EQ(heard.parameters.size(), 3u);
  EXPECT_EQ(heard.parameters[0].name, "a");
  EXPECT_EQ(heard.parameters[0].value, Value(7));
  EXPECT_EQ(heard.parameters[1].value, Value("abcd"));
  EXPECT_TRUE(heard.parameters[1].is_shortened);
  EXPECT_EQ(heard.parameters[1].size, 8u);
  EXPECT_FALSE(heard.parameters[2].is_shortened);
  EXPECT_THAT(heard.line, HasSubstr("[a = 7, b = 'abcd'... of 8 bytes, c = x'000000']"));
  // Arguments of a run under way are not mixed up with those of another.
  auto outer = conn_.query("SELECT ? UNION ALL SELECT 2", 1);
  conn_.execute("SELECT ?", "in");
  EXPECT_EQ(last().parameters.at(0).value, Value("in"));
  outer.fetch_all();
  EXPECT_EQ(last().parameters.at(0).value, Value(1));
}

TEST_F(QueryLogTest, AnExceptionOfTheCallbackDoesNotBreakTheStatement) {
  const QueryLog broken([](const QueryEvent&) { throw std::runtime_error("no disk for logs"); });
  const QueryLogGuard guard = log_queries(conn_, broken);
  EXPECT_EQ(conn_.query_value<int>("SELECT 42"), 42);
  conn_.execute("CREATE TABLE t(a)");
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (1)"), 1u);
  EXPECT_EQ(broken.reported(), 3u);
  EXPECT_EQ(broken.callback_failures(), 3u);
}

TEST_F(QueryLogTest, SeveralLogsWatchOneConnectionUntilTheirGuardsEnd) {
  std::optional<QueryLogGuard> first = log_queries(conn_, log());
  QueryLogGuard second = log_queries(conn_, log());
  conn_.execute("SELECT 1");
  EXPECT_EQ(heard_.size(), 2u);
  first.reset();
  conn_.execute("SELECT 2");
  EXPECT_EQ(heard_.size(), 3u);
  second.stop();
  conn_.execute("SELECT 3");
  EXPECT_EQ(heard_.size(), 3u);
}

TEST_F(QueryLogTest, ALogMayEndItsOwnWatch) {
  std::optional<QueryLogGuard> guard;
  int calls = 0;
  guard = log_queries(conn_, QueryLog([&](const QueryEvent&) {
                        ++calls;
                        guard->stop();
                      }));
  conn_.execute("SELECT 1");
  conn_.execute("SELECT 2");
  EXPECT_EQ(calls, 1);
}

TEST_F(QueryLogTest, ResetEndsALogOfTheConnectionAndKeepsTheDatabases) {
  Connection conn = Builder::local(":memory:").query_log(log()).build().connect();
  int calls = 0;
  const QueryLogGuard guard = log_queries(conn, QueryLog([&](const QueryEvent&) { ++calls; }));
  conn.execute("SELECT 1");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(heard_.size(), 1u);
  conn.reset();
  EXPECT_EQ(heard_.size(), 1u);  // what reset() itself runs is nobody's query
  conn.execute("SELECT 2");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(heard_.size(), 2u);
}

TEST_F(QueryLogTest, AGuardMayOutliveItsConnection) {
  std::optional<QueryLogGuard> guard;
  {
    Connection conn = db_.connect();
    guard = log_queries(conn, log());
    conn.execute("SELECT 1");
    conn.close();
  }
  guard.reset();
  EXPECT_EQ(heard_.size(), 1u);
}

TEST(QueryLog, ADatabasesLogHearsAllItsConnectionsFromTheirThreads) {
  std::atomic<int> calls = 0;
  std::atomic<std::uint64_t> connections = 0;
  const QueryLog log([&](const QueryEvent& event) {
    calls.fetch_add(1);
    connections.fetch_or(std::uint64_t{1} << event.connection);
  });
  Database db = Builder::local(":memory:").query_log(log).build();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Connection conn = db.connect();
      for (int n = 0; n < 50; ++n) conn.execute("SELECT ?", n);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(calls, 200);
  EXPECT_EQ(log.reported(), 200u);
  EXPECT_EQ(connections, 0b11110u);
}

TEST(QueryLog, RefusesWhatItCannotUse) {
  EXPECT_THROW(QueryLog(nullptr), Misuse);
  EXPECT_THROW(QueryLog([](const QueryEvent&) {}, {.slower_than = std::chrono::nanoseconds(-1)}), OutOfRange);
  auto conn = Builder::local(":memory:").build().connect();
  conn.close();
  EXPECT_THROW(static_cast<void>(log_queries(conn, QueryLog([](const QueryEvent&) {}))), Misuse);
}

TEST(QueryLog, ALineTellsTheEssentials) {
  QueryEvent event;
  event.sql = "SELECT a\n  FROM t";
  event.duration = std::chrono::microseconds(2100);
  event.rows = 1;
  event.rows_scanned = 1000;
  EXPECT_EQ(to_string(event), "2.1 ms, 1 row of 1000 scanned, 0 changes: SELECT a   FROM t");
  event.rows_scanned = std::nullopt;
  event.duration = std::chrono::seconds(3);
  event.changes = 1;
  event.failed = true;
  EXPECT_EQ(to_string(event), "3.00 s, 1 row, 1 change, failed: an exception: SELECT a   FROM t");
}

class ExplainTest : public QueryLogTest {
 protected:
  ExplainTest() { fill(); }
};

TEST_F(ExplainTest, PlanTellsScanFromSearch) {
  const QueryPlan scan = explain_query_plan(conn_, "SELECT * FROM t WHERE b = ?", 1);
  ASSERT_EQ(scan.steps.size(), 1u);
  EXPECT_EQ(scan.steps[0].detail, "SCAN t");
  EXPECT_TRUE(scan.has_scan());
  const QueryPlan search = explain_query_plan(conn_, "SELECT * FROM t WHERE a = ?");  // no argument at all
  EXPECT_EQ(to_string(search), "`-- SEARCH t USING INDEX t_a (a=?)\n");
  EXPECT_FALSE(search.has_scan());
  EXPECT_THAT(explain_query_plan(conn_, "INSERT INTO t VALUES (1, 2, 3)").steps, IsEmpty());
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 1000);
}

TEST_F(ExplainTest, PlanIsATree) {
  const QueryPlan plan =
      explain_query_plan(conn_, "SELECT * FROM t WHERE id = :x UNION ALL SELECT * FROM t", named("x", 4));
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].detail, "COMPOUND QUERY");
  ASSERT_EQ(plan.steps[0].children.size(), 2u);
  EXPECT_EQ(plan.steps[0].children[0].detail, "LEFT-MOST SUBQUERY");
  EXPECT_EQ(plan.steps[0].children[0].parent, plan.steps[0].id);
  EXPECT_TRUE(plan.has_scan());
  std::ostringstream text;
  text << plan;
  EXPECT_EQ(text.str(),
            "`-- COMPOUND QUERY\n"
            "    |-- LEFT-MOST SUBQUERY\n"
            "    |   `-- SEARCH t USING INTEGER PRIMARY KEY (rowid=?)\n"
            "    `-- UNION ALL\n"
            "        `-- SCAN t\n");
}

TEST_F(ExplainTest, ProgramListsInstructions) {
  const auto program = explain(conn_, "SELECT * FROM t WHERE id = ?");
  ASSERT_GT(program.size(), 3u);
  EXPECT_EQ(program[0].opcode, "Init");
  EXPECT_EQ(program[0].address, 0);
  EXPECT_THAT(to_string(program), StartsWith("addr  opcode"));
  EXPECT_THAT(to_string(program), HasSubstr("SeekRowid"));
}

TEST_F(ExplainTest, RefusesAnExplainAndBrokenSql) {
  EXPECT_THROW(explain_query_plan(conn_, "EXPLAIN SELECT 1"), Misuse);
  EXPECT_THROW(explain(conn_, "-- x\nEXPLAIN QUERY PLAN SELECT 1"), Misuse);
  EXPECT_THROW(explain_query_plan(conn_, "SELECT * FROM missing"), SqlError);
  EXPECT_THROW(explain_query_plan(conn_, "SELECT ?, ?", 1), Misuse);
}

}  // namespace
}  // namespace libsql

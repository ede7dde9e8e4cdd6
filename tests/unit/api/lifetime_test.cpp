// Objects that end in odd orders, and functions that reach back into the statement that calls them.
#include <libsql/libsql.hpp>

#include <sqlite3.h>

#include "api/access.hpp"
#include "engine/connection.hpp"
#include "support/expect_error.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using test::error_of;

Database numbers() {
  Database db = Builder::local(":memory:").build();
  db.connect().execute_batch("CREATE TABLE n(a INTEGER); INSERT INTO n VALUES (1), (2), (3)");
  return db;
}

TEST(Lifetime, RowsOutliveEveryHandle) {
  std::optional<Rows> rows;
  {
    const Database db = numbers();
    Connection conn = db.connect();
    Statement statement = conn.prepare("SELECT a FROM n WHERE a > ? ORDER BY a");
    rows.emplace(statement.query(std::int64_t{0}));
  }
  int sum = 0;
  while (rows->next()) sum += rows->row().get<int>(0);
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(rows->columns().size(), 1u);
}

TEST(Lifetime, StatementOutlivesConnectionAndDatabase) {
  std::optional<Statement> statement;
  {
    const Database db = numbers();
    statement.emplace(db.connect().prepare("SELECT sum(a) FROM n"));
  }
  EXPECT_EQ(std::get<0>(statement->query_row<int>()), 6);
}

TEST(Lifetime, TransactionOutlivesConnectionAndDatabase) {
  std::optional<Transaction> tx;
  {
    const Database db = numbers();
    tx.emplace(db.connect().transaction());
  }
  EXPECT_EQ(tx.value()->query_value<int>("SELECT sum(a) FROM n"), 6);
  tx->commit();
}

TEST(Lifetime, InterruptHandleOutlivesEverything) {
  const InterruptHandle handle = numbers().connect().interrupt_handle();
  handle.interrupt();
  InterruptHandle().interrupt();
}

TEST(Lifetime, AssigningOverOpenRowsClosesThem) {
  Connection conn = numbers().connect();
  Statement statement = conn.prepare("SELECT a FROM n");
  Rows rows = statement.query();
  ASSERT_TRUE(rows.next());
  rows = conn.query("SELECT 5");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<int>(0), 5);
  EXPECT_NO_THROW(statement.execute()) << "it is free again";
}

TEST(Lifetime, ASessionGivenUpThrowsInsteadOfEndingItsRows) {
  Connection conn = numbers().connect();
  Rows rows = conn.query("SELECT a FROM n");
  ASSERT_TRUE(rows.next());
  detail::Access::session(conn)->abandon("given up for a test");
  EXPECT_THAT(error_of<Misuse>([&] { rows.next(); }).message(), ::testing::HasSubstr("given up for a test"));
  const Misuse error = error_of<Misuse>([&] { conn.execute("SELECT 1"); });
  EXPECT_FALSE(error.session_usable());
  EXPECT_THAT(error.message(), ::testing::HasSubstr("given up for a test"));
}

// -- functions that call back

class ReentryTest : public ::testing::Test {
 protected:
  // SQL function again(): calls action_.
  ReentryTest() {
    sqlite3_create_function_v2(engine().handle(), "again", -1, SQLITE_UTF8, this, &ReentryTest::call, nullptr, nullptr,
                               nullptr);
  }
  engine::Connection& engine() { return detail::Access::engine(conn_, core::Feature::Limits); }
  static void call(sqlite3_context* context, int, sqlite3_value**) {
    auto& test = *static_cast<ReentryTest*>(sqlite3_user_data(context));
    const bool ok = engine::guard(test.engine(), false, [&] {
      if (test.action_) test.action_();
      return true;
    });
    if (ok) {
      sqlite3_result_int(context, 1);
    } else {
      sqlite3_result_error(context, "callback failed", -1);
    }
  }

  Connection conn_ = numbers().connect();
  std::function<void()> action_;
};

TEST_F(ReentryTest, AnExceptionOfAFunctionIsTheStatementsError) {
  struct Own {};
  action_ = [] { throw Own(); };
  EXPECT_THROW(conn_.execute("SELECT again()"), Own);
  EXPECT_THROW(conn_.query("SELECT again() FROM n"), Own);
  EXPECT_THROW(conn_.execute_batch("SELECT again()"), Own);
  action_ = nullptr;
  EXPECT_NO_THROW(conn_.execute("SELECT again()"));
}

TEST_F(ReentryTest, FunctionMayRunOtherStatements) {
  int depth = 0;
  action_ = [&] {
    if (++depth < 5) {
      EXPECT_EQ(conn_.query_value<int>("SELECT again()"), 1);
    }
  };
  EXPECT_EQ(conn_.query_value<int>("SELECT again()"), 1);
  EXPECT_EQ(depth, 5);
}

TEST_F(ReentryTest, StatementThatRunsCannotBeRunAgain) {
  Statement statement = conn_.prepare("SELECT again() FROM n");
  int refused = 0;
  action_ = [&] {
    EXPECT_THROW(statement.execute(), Misuse);
    EXPECT_THROW(statement.query(), Misuse);
    EXPECT_THROW(statement.finalize(), Misuse);
    statement.reset();  // takes effect when the step has ended
    ++refused;
  };
  statement.execute();
  EXPECT_GE(refused, 1);
}

TEST_F(ReentryTest, RowsCannotBeStoleFromWithin) {
  Rows rows = conn_.query("SELECT a, again() FROM n ORDER BY a");
  ASSERT_TRUE(rows.next());
  action_ = [&] { EXPECT_THROW(rows.next(), Misuse); };
  EXPECT_NO_THROW(rows.next());
}

TEST_F(ReentryTest, CursorClosedFromWithinEndsAfterItsStep) {
  Statement statement = conn_.prepare("SELECT a, again() FROM n");
  Rows rows = statement.query();
  ASSERT_TRUE(rows.next());
  action_ = [&] { statement.reset(); };
  EXPECT_FALSE(rows.next());
  action_ = nullptr;
  EXPECT_EQ(statement.query().fetch_all().size(), 3u);
}

TEST_F(ReentryTest, ConnectionCannotBeResetOrClosedFromWithin) {
  action_ = [&] {
    EXPECT_THROW(conn_.reset(), Misuse);
    EXPECT_THROW(conn_.close(), Misuse);
    EXPECT_THROW(conn_.release_memory(), Misuse);
  };
  EXPECT_EQ(conn_.query_value<int>("SELECT sum(again()) FROM n"), 3);
  EXPECT_NO_THROW(conn_.reset());
}

TEST_F(ReentryTest, EvictionSparesTheStatementBelow) {
  Connection conn = Builder::local(":memory:").statement_cache_bytes(8'000).build().connect();
  conn_ = std::move(conn);
  sqlite3_create_function_v2(engine().handle(), "again", -1, SQLITE_UTF8, this, &ReentryTest::call, nullptr, nullptr,
                             nullptr);
  int calls = 0;
  action_ = [&] {
    for (int i = 0; i < 50; ++i) conn_.execute("SELECT " + std::to_string(calls * 100 + i));
    ++calls;
  };
  conn_.execute("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20) SELECT again() FROM c");
  EXPECT_EQ(calls, 20);
  EXPECT_EQ(conn_
                .execute_batch(
                    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20) SELECT again() FROM c")
                .at(0)
                .rows.size(),
            20u);
}

TEST_F(ReentryTest, DeadlineOfTheOuterCallHoldsForInnerOnes) {
  conn_.deadline(100ms);
  action_ = [&] { conn_.execute("SELECT 1"); };
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THROW(conn_.execute("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT again() FROM c"),
               Timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST_F(ReentryTest, RollbackFromWithinEndsTheStatement) {
  conn_.execute("BEGIN");
  action_ = [&] { conn_.execute("ROLLBACK"); };
  EXPECT_THROW(conn_.execute("INSERT INTO n SELECT again() FROM n"), Error);
  action_ = nullptr;
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM n"), 3);
}

TEST_F(ReentryTest, TransactionThatCannotEndWithinAStepGivesTheSessionUp) {
  // A COMMIT or ROLLBACK with a write in progress below: whatever happens, nothing may crash and nothing may be kept.
  action_ = [&] {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO n VALUES (99)");
  };
  try {
    conn_.execute("SELECT again() FROM n");
  } catch (const Error&) {
  }
  action_ = nullptr;
  if (!conn_.is_closed()) {
    EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM n WHERE a = 99"), 0);
  }
}

TEST_F(ReentryTest, InterruptBetweenRowsStillLetsTheTransactionRollBack) {
  Rows outer = conn_.query("SELECT a FROM n");
  ASSERT_TRUE(outer.next());
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO n VALUES (99)");
    conn_.interrupt();
    EXPECT_THROW(tx->execute("INSERT INTO n VALUES (100)"), Interrupted);
  }
  EXPECT_FALSE(conn_.is_closed());
  EXPECT_THROW(outer.next(), Interrupted);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM n"), 3);
}

}  // namespace
}  // namespace libsql

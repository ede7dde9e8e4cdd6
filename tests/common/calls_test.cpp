// What a deadline and an interrupt mean for calls that run several statements or read many rows.
#include <algorithm>
#include <chrono>
#include <functional>
#include <ranges>
#include <string>
#include <vector>

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEndless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

class CommonCalls : public AllModes {
 protected:
  CommonCalls() { conn_.execute("CREATE TABLE t(a)"); }
};
LIBSQL_IN_ALL_MODES(CommonCalls);

TEST_P(CommonCalls, AnInterruptBetweenTwoSetsOfArgumentsEndsExecuteMany) {
  const InterruptHandle handle = conn_.interrupt_handle();
  auto sets = std::views::iota(0, 100) | std::views::transform([&](int i) {
                if (i == 50) handle.interrupt();  // nothing runs at this moment
                return i;
              });
  EXPECT_THROW(conn_.execute_many("INSERT INTO t VALUES (?)", sets), Interrupted);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
  conn_.execute_many("INSERT INTO t VALUES (?)", std::views::iota(0, 10));  // it was for that call
  EXPECT_EQ(count(), 10);
}

TEST_P(CommonCalls, AnInterruptOfExecuteManyInsideATransactionUndoesItAlone) {
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES ('before')");
  auto sets = std::views::iota(0, 100) | std::views::transform([&](int i) {
                if (i == 50) conn_.interrupt();
                return i;
              });
  EXPECT_THROW(conn_.execute_many("INSERT INTO t VALUES (?)", sets), Interrupted);
  EXPECT_EQ(count(), 1);
  tx.commit();
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonCalls, AnInterruptFromBeforeACallIsNotForIt) {
  conn_.interrupt();
  conn_.execute_batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");
  conn_.interrupt();
  EXPECT_EQ(conn_.query("SELECT a FROM t").fetch_all().size(), 2u);
}

TEST_P(CommonCalls, ADeadlineIsForAllOfExecuteMany) {
  conn_.deadline(100ms);
  EXPECT_THROW(conn_.execute_many("INSERT INTO t VALUES (?)", std::views::iota(0)), Timeout);
  conn_.deadline(std::nullopt);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonCalls, ADeadlineIsForAllRowsOfFetchAll) {
  conn_.deadline(50ms);
  EXPECT_THROW(conn_.query(kEndless).fetch_all(), Timeout);
  EXPECT_THROW(conn_.query<std::int64_t>(kEndless).fetch_all(), Timeout);
  Statement statement = conn_.prepare(kEndless);
  EXPECT_THROW(statement.query().fetch(std::size_t{1} << 40), Timeout);
}

TEST_P(CommonCalls, EachRowThatIsAskedForIsACallOfItsOwn) {
  conn_.deadline(2s);
  const auto until = std::chrono::steady_clock::now() + 2s + 1ms;
  Rows rows = conn_.query(kEndless);
  ASSERT_TRUE(rows.next());
  // Reading on after the time of the first call: no single call took long.
  while (std::chrono::steady_clock::now() < until) ASSERT_TRUE(rows.next());
}

TEST_P(CommonCalls, ADeadlineIsForAllOfABatch) {
  const std::string slow =
      "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
      "LIMIT 30000) SELECT i FROM n);";
  std::string script;
  for (int i = 0; i < 2000; ++i) script += slow;  // each takes milliseconds, all of them many times the deadline
  conn_.deadline(200ms);
  EXPECT_THROW(conn_.execute_batch(script), Timeout);
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t VALUES (1);" + script), Timeout);
  conn_.deadline(std::nullopt);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonCalls, HandlesOfALeaseThatHasEndedInterruptNobody) {
  const Pool pool(db_, {.max_size = 1, .routing = PoolRouting::Shared});
  InterruptHandle old;
  const Connection* first = nullptr;
  {
    PooledConnection lease = pool.write();
    first = &*lease;
    old = lease->interrupt_handle();
  }
  PooledConnection lease = pool.write();
  ASSERT_EQ(&*lease, first) << "the same connection, for another user";
  const auto sets = [](const InterruptHandle& handle) {
    return std::views::iota(0, 20) | std::views::transform([&handle](int i) {
             handle.interrupt();
             return i;
           });
  };
  EXPECT_EQ(lease->execute_many("INSERT INTO t VALUES (?)", sets(old)), 20u);
  const InterruptHandle own = lease->interrupt_handle();
  EXPECT_THROW(lease->execute_many("INSERT INTO t VALUES (?)", sets(own)), Interrupted);
}

// -- closing ----------------------------------------------------------------------------------------------------------

TEST_P(CommonCalls, RowsThatHaveEndedDoNotKeepTheConnectionFromClosing) {
  Connection first = db_.connect();
  Rows to_the_end = first.query("SELECT 1");
  while (to_the_end.next()) {
  }
  Rows closed = first.query("SELECT 2");
  ASSERT_TRUE(closed.next());
  EXPECT_THROW(first.close(), Misuse);
  closed.close();
  first.close();
  EXPECT_TRUE(first.is_closed());
  EXPECT_FALSE(to_the_end.next());
  EXPECT_FALSE(closed.next());
}

TEST_P(CommonCalls, AStatementKeepsTheConnectionFromClosingUntilItIsFinalised) {
  Connection first = db_.connect();
  Statement statement = first.prepare("SELECT 1");
  Statement moved = std::move(statement);
  EXPECT_EQ(moved.query().fetch_all().size(), 1u);
  EXPECT_THROW(first.close(), Misuse);
  moved.finalize();
  first.close();
}

// -- rows that are not what was wanted --------------------------------------------------------------------------------

class CommonReturning : public AllModes {
 protected:
  CommonReturning() {
    conn_.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  }
  // Outside a transaction a server has committed before the client sees the rows.
  template <class E, class Run>
  void expect_refused(Run&& run) {
    const E error = error_of<E>(run);
    EXPECT_EQ(error.write_committed(), is_remote()) << error.what();
    if (!is_remote()) {
      EXPECT_EQ(conn_.query_value<std::string>("SELECT group_concat(a || b) FROM t"), "1one,2two");
    }
    conn_.execute_batch("DELETE FROM t; INSERT INTO t VALUES (1, 'one'), (2, 'two')");
  }
};
LIBSQL_IN_ALL_MODES(CommonReturning);

TEST_P(CommonReturning, AWriteWithOtherRowsThanWantedIsUndoneOrSaysThatItIsCommitted) {
  Statement remove = conn_.prepare("DELETE FROM t RETURNING a");
  expect_refused<UnexpectedRows>([&] { conn_.query_row<int>("DELETE FROM t RETURNING a"); });
  expect_refused<UnexpectedRows>([&] { conn_.query_row("DELETE FROM t RETURNING a"); });
  expect_refused<UnexpectedRows>([&] { conn_.query_value<int>("UPDATE t SET b = 'x' RETURNING a"); });
  expect_refused<UnexpectedRows>([&] { conn_.query_row_optional<int>("DELETE FROM t RETURNING a"); });
  expect_refused<UnexpectedRows>([&] { remove.query_row<int>(); });
  expect_refused<UnexpectedRows>([&] { remove.query_row_optional<int>(); });
  expect_refused<TypeMismatch>([&] { conn_.query_value<int>("DELETE FROM t WHERE a = 1 RETURNING b"); });
  expect_refused<Misuse>([&] { conn_.query_row<int, int>("INSERT INTO t VALUES (3, 'three') RETURNING a"); });
  EXPECT_EQ(conn_.query_value<int>("INSERT INTO t VALUES (3, 'three') RETURNING a"), 3);
  EXPECT_EQ(count(), 3);
}

TEST_P(CommonReturning, InATransactionTheErrorSaysThatNothingIsCommitted) {
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (3, 'three')");
  const UnexpectedRows error = error_of<UnexpectedRows>([&] { conn_.query_row<int>("DELETE FROM t RETURNING a"); });
  EXPECT_FALSE(error.write_committed());
  if (!is_remote()) {
    EXPECT_EQ(count(), 3) << "what came before it stays";
  }
  tx.rollback();
  EXPECT_EQ(count(), 2);
}

TEST_P(CommonReturning, ReadsAreNeverCommitted) {
  EXPECT_FALSE(error_of<UnexpectedRows>([&] { conn_.query_row<int>("SELECT a FROM t"); }).write_committed());
}

// Foreign keys are looked at, and the commit is made, behind the last row.
TEST_P(CommonCalls, WhatAWriteSaysAtItsEndIsThrownWhenItsRowsAreClosed) {
  conn_.execute_batch("CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(parent REFERENCES parent)");
  constexpr const char* kInsert = "INSERT INTO child VALUES (7), (8) RETURNING parent";
  EXPECT_THROW(
      {
        Rows rows = conn_.query(kInsert);
        ASSERT_TRUE(rows.next());
        rows.close();
      },
      Constraint);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM child"), 0);
  conn_.execute("INSERT INTO parent VALUES (7), (8)");
  Rows rows = conn_.query(kInsert);
  ASSERT_TRUE(rows.next());
  rows.close();
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM child"), 2);
}

TEST_P(CommonCalls, WhatAWriteSaysAfterItsRowsWereDroppedIsThrownByTheNextCall) {
  conn_.execute_batch("CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(parent REFERENCES parent)");
  const auto drop_rows = [&] {
    Rows rows = conn_.query("INSERT INTO child VALUES (7), (8) RETURNING parent");
    rows.next();
  };
  const Constraint error = test::error_of<Constraint>([&] {
    drop_rows();
    conn_.execute("SELECT 1");
  });
  EXPECT_EQ(error.kind(), ConstraintKind::ForeignKey);
  EXPECT_NO_THROW(conn_.execute("SELECT 1")) << "once is enough";
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM child"), 0);
}

}  // namespace
}  // namespace libsql::test

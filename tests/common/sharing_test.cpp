// Several connections and threads: the pool, interrupts.
#include <cstdlib>

#include <atomic>
#include <thread>

#include "common/common_fixture.hpp"
#include "support/in_time.hpp"
#include "support/interrupter.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

class CommonSharing : public AllModes {
 protected:
  CommonSharing() { conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"); }
};
LIBSQL_IN_ALL_MODES(CommonSharing);

TEST_P(CommonSharing, ConnectReachesTheSameDatabase) {
  ::setenv("no_proxy", "127.0.0.1", 1);
  Connection direct = connect(under_test_->location());
  direct.execute("INSERT INTO t VALUES (1, 2)");
  if (is_replica()) db_.replica().sync();
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(direct.capabilities().mode, is_remote() ? Mode::Remote : Mode::Local);
}

TEST_P(CommonSharing, APoolServesManyThreads) {
  Pool pool(db_, {.max_size = 4});
  std::vector<std::thread> threads;
  std::atomic<int> reads = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) {
        pool.with([&](Connection& connection) { connection.execute("INSERT INTO t VALUES (?, 0)", thread * 100 + i); });
        pool.with_read([&](Connection& connection) {
          if (connection.query_value<int>("SELECT count(*) FROM t") > 0) ++reads;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(), 40);
  EXPECT_EQ(reads.load(), 40);
  EXPECT_GE(pool.statistics().totals.statements, 80u);
  EXPECT_GE(pool.statistics().query_time.count, 80u);
}

TEST_P(CommonSharing, ReadersOfAPoolMayNotWrite) {
  Pool pool(db_, {.max_size = 2});
  EXPECT_THROW(pool.with_read([](Connection& connection) { connection.execute("DELETE FROM t"); }), ReadOnly);
  EXPECT_THROW(pool.with_read([](Connection& connection) { connection.execute("DELETE FROM t"); }), ReadOnly);
  pool.with([](Connection& connection) { connection.execute("INSERT INTO t VALUES (1, 1)"); });
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonSharing, ALeaseThatLeavesATransactionOpenIsRolledBack) {
  Pool pool(db_, {.max_size = 2});
  {
    PooledConnection lease = pool.write();
    lease->execute("BEGIN IMMEDIATE");
    lease->execute("INSERT INTO t VALUES (1, 1)");
  }
  PooledConnection lease = pool.write();
  EXPECT_TRUE(lease->is_autocommit());
  EXPECT_EQ(lease->query_value<int>("SELECT count(*) FROM t"), 0);
}

TEST_P(CommonSharing, AnotherThreadInterruptsACall) {
  const InterruptHandle handle = conn_.interrupt_handle();
  handle.interrupt();  // nothing runs: nothing happens
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
  EXPECT_TRUE(test::usually_within(100ms, [&] {
    test::Interrupter interrupter([&] { handle.interrupt(); });
    EXPECT_THROW(conn_.query_value<int>(
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"),
                 Interrupted);
    return interrupter.end();
  }));
  EXPECT_EQ(conn_.query_value<int>("SELECT 2"), 2);
}

TEST_P(CommonSharing, AnInterruptBetweenTwoRowsEndsThem) {
  Rows rows =
      conn_.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT i FROM n");
  ASSERT_TRUE(rows.next());
  conn_.interrupt();
  EXPECT_THROW(while (rows.next()){}, Interrupted);
  EXPECT_EQ(conn_.query_value<int>("SELECT 2"), 2);
}

TEST_P(CommonSharing, AnInterruptedTransactionIsOpenOrLostButNeverSlipsAway) {
  Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  tx->execute("INSERT INTO t VALUES (1, 1)");
  test::Interrupter interrupter([handle = conn_.interrupt_handle()] { handle.interrupt(); });
  EXPECT_THROW(
      tx->execute("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n) SELECT i, i FROM n"),
      Interrupted);
  interrupter.end();
  bool lost = false;
  try {
    tx->execute("INSERT INTO t VALUES (-1, 1)");
  } catch (const TransactionLost&) {
    lost = true;
  }
  if (lost) {
    EXPECT_THROW(tx.commit(), TransactionLost);
    tx.rollback();
  } else {
    tx.rollback();
  }
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace libsql::test

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/in_time.hpp"
#include "support/interrupter.hpp"
#include "unit/api/file_fixture.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using WritersInLine = FileTest;

TEST_F(WritersInLine, NeedsWal) {
  EXPECT_THROW(Builder::local("").writers_in_line().build(), Configuration);
  EXPECT_THROW(Builder::local(file()).pragma("journal_mode", "delete").writers_in_line().build(), Configuration);
  EXPECT_NO_THROW(Builder::local(file()).writers_in_line().build());
  EXPECT_NO_THROW(Builder::local(":memory:").writers_in_line().build());
}

TEST_F(WritersInLine, TheLogOfANewFileOutlivesItsConnections) {
  const Database db = Builder::local(file()).writers_in_line().build();
  db.connect().execute("CREATE TABLE t(a)");
  EXPECT_GT(std::filesystem::file_size(file() + "-wal"), 0U);
}

TEST_F(WritersInLine, ManyWritersOfEachKindSeeNoBusy) {
  const Database db = Builder::local(file()).writers_in_line().busy_timeout(60s).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  constexpr int kThreads = 8;
  constexpr int kEach = 30;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Connection mine = db.connect();
      try {
        for (int n = 0; n < kEach; ++n) {
          if (i % 4 == 0) {
            mine.execute("INSERT INTO t VALUES(?)", n);
          } else if (i % 4 == 1) {
            Transaction tx = mine.transaction(TransactionBehavior::Immediate);
            tx->execute("INSERT INTO t VALUES(?)", n);
            tx.commit();
          } else if (i % 4 == 2) {
            Transaction tx = mine.transaction();  // writes first: it waits in line at its first statement
            tx->execute("INSERT INTO t VALUES(?)", n);
            tx->query_value<std::int64_t>("SELECT count(*) FROM t");
            tx.commit();
          } else {
            mine.execute("BEGIN IMMEDIATE");
            mine.execute("INSERT INTO t VALUES(?)", n);
            mine.execute("COMMIT");
          }
        }
      } catch (const Error& error) {
        ++failures;
        ADD_FAILURE() << error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM t"), kThreads * kEach);
}

TEST_F(WritersInLine, ReadersGoOnWhileAWriterHoldsTheLock) {
  const Database db = Builder::local(file()).writers_in_line().busy_timeout(0ms).build();
  Connection writer = db.connect();
  writer.execute("CREATE TABLE t(a)");
  Transaction tx = writer.transaction(TransactionBehavior::Exclusive);
  tx->execute("INSERT INTO t VALUES(1)");
  Connection reader = db.connect();
  EXPECT_EQ(reader.query_value<std::int64_t>("SELECT count(*) FROM t"), 0);
  EXPECT_THROW(reader.execute("INSERT INTO t VALUES(2)"), Busy);
  Connection slow_reader = db.connect();
  auto rows = slow_reader.query("SELECT * FROM sqlite_schema");
  EXPECT_TRUE(rows.next());
  tx.commit();  // nor does an open reader hold the writer up
  EXPECT_EQ(reader.query_value<std::int64_t>("SELECT count(*) FROM t"), 1);
}

TEST_F(WritersInLine, TurnIsGivenOnHoweverTheTransactionEnds) {
  const Database db = Builder::local(file()).writers_in_line().busy_timeout(0ms).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a PRIMARY KEY ON CONFLICT ROLLBACK)");
  Connection other = db.connect();
  const auto other_can_write = [&] {
    other.execute("DELETE FROM t");
    return true;
  };
  conn.execute("BEGIN IMMEDIATE");
  EXPECT_THROW(other_can_write(), Busy);
  conn.execute("ROLLBACK");
  EXPECT_TRUE(other_can_write());

  conn.execute("BEGIN");
  conn.execute("INSERT INTO t VALUES(1)");
  EXPECT_THROW(other_can_write(), Busy);
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES(1)"), Constraint);  // rolls the transaction back
  EXPECT_TRUE(conn.is_autocommit());
  EXPECT_TRUE(other_can_write());

  EXPECT_THROW(conn.execute("INSERT INTO nowhere VALUES(1)"), SqlError);
  EXPECT_TRUE(other_can_write());
  {
    auto rows = conn.query("INSERT INTO t VALUES(1), (2) RETURNING a");
    EXPECT_TRUE(rows.next());
    EXPECT_THROW(other_can_write(), Busy);
  }
  EXPECT_TRUE(other_can_write());
  {
    Transaction tx = conn.transaction(TransactionBehavior::Immediate);
    EXPECT_THROW(other_can_write(), Busy);
    conn.execute("COMMIT");  // behind the Transaction's back
    EXPECT_TRUE(other_can_write());
    EXPECT_THROW(tx.commit(), TransactionLost);
  }
  {
    Transaction tx = conn.transaction(TransactionBehavior::Immediate);
    conn.reset();
    EXPECT_TRUE(other_can_write());
  }
  {
    Connection third = db.connect();
    third.execute("BEGIN IMMEDIATE");
    EXPECT_THROW(other_can_write(), Busy);
  }
  EXPECT_TRUE(other_can_write());
  conn.execute("BEGIN IMMEDIATE");
  conn.close();
  EXPECT_TRUE(other_can_write());
}

TEST_F(WritersInLine, ImmediateTransactionsStandInLineWithoutTheOptionToo) {
  const Database a = Builder::local(file()).busy_timeout(60s).build();
  const Database b = Builder::local(file()).busy_timeout(60s).build();  // another object, the same file
  a.connect().execute("CREATE TABLE t(a)");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      Connection conn = (i % 2 == 0 ? a : b).connect();
      conn.reset_statistics();  // opening may have waited for the other openers
      for (int n = 0; n < 30; ++n) {
        Transaction tx = conn.transaction(TransactionBehavior::Immediate);
        tx->execute("INSERT INTO t VALUES(?)", n);
        tx.commit();
      }
      EXPECT_EQ(conn.statistics().busy_waits, 0u);  // SQLite's own wait was never needed
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(a.connect().query_value<std::int64_t>("SELECT count(*) FROM t"), 240);
}

TEST_F(WritersInLine, WaitInLineEndsByBusyTimeoutDeadlineAndInterrupt) {
  const Database db = Builder::local(file()).writers_in_line().busy_timeout(30ms).build();
  Connection holder = db.connect();
  holder.execute("CREATE TABLE t(a)");
  Transaction tx = holder.transaction(TransactionBehavior::Immediate);
  Connection conn = db.connect();
  try {
    conn.execute("INSERT INTO t VALUES(1)");
    FAIL();
  } catch (const Busy& error) {
    EXPECT_TRUE(error.retryable());
  }
  conn.busy_timeout(60s);
  conn.deadline(30ms);
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES(1)"), Timeout);
  EXPECT_THROW(conn.transaction(TransactionBehavior::Immediate), Timeout);
  conn.deadline(std::nullopt);

  conn.interrupt();  // of nothing: must not end what begins later
  EXPECT_TRUE(test::usually_within(1s, [&] {
    test::Interrupter interrupter([handle = conn.interrupt_handle()] { handle.interrupt(); });
    EXPECT_THROW(conn.execute("INSERT INTO t VALUES(1)"), Interrupted);
    return interrupter.end();
  }));
  tx.rollback();
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES(1)"), 1u);
}

}  // namespace
}  // namespace libsql

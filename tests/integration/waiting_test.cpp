// Waiting for locks, deadlines and interrupts, between real threads.
#include <libsql/libsql.hpp>

#include "support/asleep.hpp"
#include "support/eventually.hpp"
#include "support/expect_error.hpp"
#include "support/in_time.hpp"
#include "support/interrupter.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

using test::eventually;
using test::usually_within;

constexpr const char* kEndless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

class WaitingTest : public ::testing::Test {
 protected:
  WaitingTest() : db_(Builder::local(dir_.file("w.db")).build()), conn_(db_.connect()) {
    conn_.execute("CREATE TABLE t(a)");
  }

  // Calls `run` and, when it waits or works, interrupts it. Returns how long it went on from the interrupt.
  template <class Run>
  static Clock::duration after_interrupt(Connection& conn, Run&& run) {
    test::Interrupter interrupter([handle = conn.interrupt_handle()] { handle.interrupt(); });
    EXPECT_THROW(run(), Interrupted);
    return interrupter.end();
  }

  test::TemporaryDirectory dir_;
  Database db_;
  Connection conn_;
};

TEST_F(WaitingTest, BusyTimeoutIsWaitedForAndThenBusy) {
  const Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  Connection other = db_.connect();
  other.busy_timeout(200ms);
  const auto begin = Clock::now();
  EXPECT_THROW(other.execute("INSERT INTO t VALUES (1)"), Busy);
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_GT(other.statistics().busy_waits, 0u);
  other.busy_timeout(0ms);
  EXPECT_TRUE(usually_within(150ms, [&] {
    const auto again = Clock::now();
    EXPECT_THROW(other.execute("INSERT INTO t VALUES (1)"), Busy);
    return Clock::now() - again;
  }));
}

TEST_F(WaitingTest, TimeInTheLineOfWritersCountsAgainstTheBusyTimeout) {
  conn_.execute("BEGIN IMMEDIATE");  // not by transaction(): it holds the lock without having stood in line
  Connection first = db_.connect();
  first.busy_timeout(1500ms);
  Connection second = db_.connect();
  second.busy_timeout(2s);
  test::Sleeper leader;
  std::jthread ahead([&] {
    leader.begin();
    EXPECT_THROW(first.transaction(TransactionBehavior::Immediate), Busy);
  });
  EXPECT_TRUE(eventually([&] { return leader.is_asleep(); }));
  const auto begin = Clock::now();
  EXPECT_THROW(second.transaction(TransactionBehavior::Immediate), Busy);
  const auto waited = Clock::now() - begin;
  EXPECT_GE(waited, 1900ms);
  EXPECT_LT(waited, 3s);  // not 1.4 s in line and then the whole timeout again
  EXPECT_GT(second.statistics().busy_waits, 0u);
}

TEST_F(WaitingTest, WaiterGoesOnWhenTheLockIsFree) {
  std::optional<Transaction> tx(conn_.transaction(TransactionBehavior::Immediate));
  std::atomic<bool> written = false;
  test::Sleeper sleeper;
  std::jthread waiter([&] {
    Connection other = db_.connect();
    sleeper.begin();
    other.execute("INSERT INTO t VALUES (1)");
    written = true;
  });
  EXPECT_TRUE(eventually([&] { return sleeper.is_asleep(); }));
  EXPECT_FALSE(written);
  tx->commit();
  waiter.join();
  EXPECT_TRUE(written);
}

TEST_F(WaitingTest, InterruptEndsARunningQueryWithinAHundredMilliseconds) {
  EXPECT_TRUE(usually_within(100ms, [&] { return after_interrupt(conn_, [&] { conn_.execute(kEndless); }); }));
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1) << "the connection goes on";
}

TEST_F(WaitingTest, InterruptEndsAWaitForALockWithinAHundredMilliseconds) {
  const Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  Connection other = db_.connect();
  other.busy_timeout(60s);
  const auto insert = [&] { other.execute("INSERT INTO t VALUES (1)"); };
  const auto begin = [&] { other.transaction(TransactionBehavior::Immediate); };
  EXPECT_TRUE(usually_within(100ms, [&] { return after_interrupt(other, insert); }));
  EXPECT_TRUE(usually_within(100ms, [&] { return after_interrupt(other, begin); }));
  EXPECT_TRUE(other.is_autocommit());
}

TEST_F(WaitingTest, InterruptEndsRowsInTheMiddle) {
  EXPECT_TRUE(usually_within(100ms, [&] {
    Rows rows = conn_.query("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");
    const auto time = after_interrupt(conn_, [&] {
      while (rows.next()) {
      }
    });
    EXPECT_FALSE(rows.next());
    return time;
  }));
}

TEST_F(WaitingTest, InterruptWithNothingRunningIsForgotten) {
  conn_.interrupt();
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (1)"), 1u);
}

TEST_F(WaitingTest, DeadlineEndsARunningQuery) {
  conn_.deadline(50ms);
  const auto begin = Clock::now();
  const Timeout error = test::error_of<Timeout>([&] { conn_.execute(kEndless); });
  EXPECT_GE(Clock::now() - begin, 50ms);
  EXPECT_LT(Clock::now() - begin, 10s);
  EXPECT_TRUE(error.retryable());
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
}

TEST_F(WaitingTest, DeadlineEndsAWaitForALock) {
  const Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  Connection other = db_.connect();
  other.busy_timeout(60s);
  other.deadline(50ms);
  const auto begin = Clock::now();
  EXPECT_THROW(other.execute("INSERT INTO t VALUES (1)"), Timeout);
  EXPECT_THROW(other.transaction(TransactionBehavior::Immediate), Timeout);
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST_F(WaitingTest, DeadlineIsPerCallAndCanBeLifted) {
  conn_.deadline(300ms);
  const auto begin = Clock::now();
  while (Clock::now() - begin < 350ms) EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1) << "it is of one call";
  conn_.deadline(20ms);
  EXPECT_THROW(conn_.execute(kEndless), Timeout);
  conn_.deadline(std::nullopt);
  EXPECT_THROW(conn_.execute("INSERT INTO nothing VALUES (1)"), SqlError) << "a past deadline colours no later error";
}

TEST_F(WaitingTest, DeadlineInATransactionLeavesItOpenForReading) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  conn_.deadline(20ms);
  EXPECT_THROW(conn_.execute(kEndless), Timeout);
  conn_.deadline(std::nullopt);
  tx.commit();
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 1);
}

TEST_F(WaitingTest, BusyTimeoutPragmaKeepsInterruptAndDeadline) {
  const Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  Connection other = db_.connect();
  other.execute("PRAGMA busy_timeout=60000");
  EXPECT_EQ(other.busy_timeout(), 60s);
  EXPECT_EQ(other.query_value<int>("PRAGMA busy_timeout"), 60000);
  EXPECT_TRUE(usually_within(
      100ms, [&] { return after_interrupt(other, [&] { other.execute("INSERT INTO t VALUES (1)"); }); }));
  other.deadline(20ms);
  EXPECT_THROW(other.execute("INSERT INTO t VALUES (1)"), Timeout);
}

TEST_F(WaitingTest, ManyThreadsShareADatabase) {
  constexpr int kThreads = 8;
  constexpr int kRows = 50;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        Connection conn = db_.connect();
        for (int i = 0; i < kRows; ++i) conn.execute("INSERT INTO t VALUES (?)", i);
      });
    }
  }
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), kThreads * kRows);
}

TEST_F(WaitingTest, ManyThreadsOpenANewFileAtOnce) {
  for (int round = 0; round < 5; ++round) {
    const std::string file = dir_.file("new-" + std::to_string(round) + ".db");
    std::atomic<int> opened = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&] {
          EXPECT_NO_THROW({
            Connection conn = Builder::local(file).build().connect();
            EXPECT_EQ(conn.query_value<std::string>("PRAGMA journal_mode"), "wal");
          });
          ++opened;
        });
      }
    }
    EXPECT_EQ(opened, 6);
  }
}

}  // namespace
}  // namespace libsql

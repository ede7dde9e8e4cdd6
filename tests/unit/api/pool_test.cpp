#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <future>
#include <libsql/libsql.hpp>
#include <thread>

#include "api/access.hpp"
#include "core/histogram.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using testing::HasSubstr;

class PoolTest : public testing::Test {
 protected:
  static PoolOptions shared(std::size_t max_size) { return {.max_size = max_size, .routing = PoolRouting::Shared}; }

  libsql::test::TemporaryDirectory directory_;
  Database db_ = Builder::local(directory_.file("pool.db")).build();
};

TEST_F(PoolTest, LeasesAConnectionAndTakesItBack) {
  const Pool pool(db_);
  {
    PooledConnection lease = pool.write();
    EXPECT_EQ(lease.role(), PoolRole::Writer);
    lease->execute("CREATE TABLE t(a)");
    lease->execute("INSERT INTO t VALUES (1)");
    EXPECT_EQ(pool.statistics().in_use, 1u);
  }
  EXPECT_EQ(pool.read()->query_value<int>("SELECT count(*) FROM t"), 1);
  const PoolStatistics statistics = pool.statistics();
  EXPECT_EQ(statistics.in_use, 0u);
  EXPECT_EQ(statistics.available, 2u);
  EXPECT_EQ(statistics.created, 2u);
  EXPECT_EQ(statistics.checkouts, 2u);
}

TEST_F(PoolTest, ReadersRefuseWritesAlsoAfterAReadOnlyTransaction) {
  const Pool pool(db_);
  pool.write()->execute("CREATE TABLE t(a)");
  for (int i = 0; i < 2; ++i) {
    PooledConnection reader = pool.read();
    EXPECT_EQ(reader.role(), PoolRole::Reader);
    { Transaction tx = reader->transaction(TransactionBehavior::ReadOnly); }
    EXPECT_THROW(reader->execute("INSERT INTO t VALUES (1)"), ReadOnly);
    reader->execute("PRAGMA query_only=0");  // what a user undoes, the next lease has again
  }
  EXPECT_EQ(pool.statistics().created, 2u);
}

TEST_F(PoolTest, OneWriterAndManyReaders) {
  const Pool pool(db_, {.max_size = 3});
  PooledConnection writer = pool.write();
  PooledConnection first = pool.read();
  PooledConnection second = pool.read();
  EXPECT_THROW(static_cast<void>(pool.write({.timeout = 0ms})), Timeout);
  EXPECT_THROW(static_cast<void>(pool.read({.timeout = 0ms})), Timeout);
  EXPECT_EQ(pool.statistics().size, 3u);
  EXPECT_EQ(pool.statistics().timeouts, 2u);
}

TEST_F(PoolTest, SharedRoutingGivesAnyConnection) {
  const Pool pool(db_, shared(2));
  PooledConnection first = pool.read();
  EXPECT_EQ(first.role(), PoolRole::Any);
  first->execute("CREATE TABLE t(a)");
  PooledConnection second = pool.write();
  EXPECT_THROW(static_cast<void>(pool.read({.timeout = 1ms})), Timeout);
}

TEST_F(PoolTest, TimeoutTellsWhatItWaitedFor) {
  const Pool pool(db_, {.max_size = 2, .checkout_timeout = 5ms});
  const PooledConnection writer = pool.write();
  const auto start = std::chrono::steady_clock::now();
  try {
    static_cast<void>(pool.write());
    FAIL() << "no Timeout";
  } catch (const Timeout& error) {
    EXPECT_THAT(error.message(), HasSubstr("within 5 ms: all 1 are in use"));
    EXPECT_TRUE(error.retryable());
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
}

TEST_F(PoolTest, ResetsWhatALeaseLeaves) {
  const Pool pool(db_, shared(1));
  {
    PooledConnection lease = pool.read();
    lease->execute("CREATE TABLE t(a)");
    lease->execute("CREATE TEMP TABLE mine(a)");
    lease->execute("PRAGMA cache_size=77");
    lease->busy_timeout(1ms);
    lease->execute("BEGIN");
    lease->execute("INSERT INTO t VALUES (1)");
  }
  PooledConnection lease = pool.read();
  EXPECT_TRUE(lease->is_autocommit());
  EXPECT_EQ(lease->query_value<int>("SELECT count(*) FROM t"), 0);
  EXPECT_THROW(lease->execute("SELECT * FROM mine"), SqlError);
  EXPECT_NE(lease->query_value<int>("PRAGMA cache_size"), 77);
  EXPECT_EQ(lease->busy_timeout(), 5s);
  EXPECT_EQ(pool.statistics().created, 1u);
}

TEST_F(PoolTest, KeepsCompiledStatementsBetweenPlainLeases) {
  const Pool pool(db_, shared(1));
  for (int i = 0; i < 3; ++i) pool.read()->query_value<int>("SELECT 1");
  EXPECT_EQ(pool.statistics().totals.cache_hits, 2u);
  pool.read()->execute("CREATE TEMP TABLE traces(a)");
  pool.read()->query_value<int>("SELECT 1");
  EXPECT_EQ(pool.statistics().totals.cache_hits, 2u);  // freed with the rest
}

TEST_F(PoolTest, SetUpRunsOnNewConnectionsAndAfterResets) {
  std::atomic<int> runs = 0;
  const Pool pool(db_, {.max_size = 1, .routing = PoolRouting::Shared, .set_up = [&](Connection& conn) {
                          ++runs;
                          conn.execute("CREATE TEMP TABLE ready(a)");
                          conn.execute("PRAGMA cache_size=55");
                        }});
  for (int i = 0; i < 3; ++i) {
    PooledConnection lease = pool.read();
    EXPECT_EQ(lease->query_value<int>("PRAGMA cache_size"), 55);
    EXPECT_EQ(lease->query_value<int>("SELECT count(*) FROM ready"), 0);
  }
  EXPECT_EQ(runs, 4);  // a PRAGMA, even one that reads, makes the reset a full one
  pool.read()->query_value<int>("SELECT count(*) FROM ready");
  EXPECT_EQ(runs, 4);
}

TEST_F(PoolTest, TemporaryTablesOfTheSetUpHoldWhatItPutThere) {
  for (const char* place : {"file", "memory"}) {
    const Pool pool(Builder::local(directory_.file("temp.db")).pragma("temp_store", place).build(),
                    {.max_size = 1, .routing = PoolRouting::Shared, .set_up = [&](Connection& conn) {
                       conn.execute("CREATE TEMP TABLE scratch(a)");
                       conn.execute("INSERT INTO scratch VALUES (1)");
                     }});
    for (const char* change : {"INSERT INTO scratch VALUES (2)", "DELETE FROM scratch", "UPDATE scratch SET a=3",
                               "BEGIN IMMEDIATE; INSERT INTO scratch VALUES (4)"}) {
      pool.read()->execute_batch(change);
      EXPECT_EQ(pool.read()->query_value<int>("SELECT sum(a) FROM scratch"), 1) << change;
    }
  }
}

TEST_F(PoolTest, LeaseSeesNoCountersOfTheLastOne) {
  const Pool pool(db_, shared(1));
  pool.read()->execute("CREATE TABLE t(a)");
  pool.read()->execute("INSERT INTO t VALUES (1), (2)");
  PooledConnection lease = pool.read();
  EXPECT_EQ(lease->changes(), 0u);
  EXPECT_EQ(lease->total_changes(), 0u);
  EXPECT_EQ(lease->last_insert_rowid(), 0);
}

TEST_F(PoolTest, AFailingSetUpFailsTheCheckoutAndFreesThePlace) {
  std::atomic<bool> broken = true;
  const Pool pool(db_, {.max_size = 1, .min_size = 0, .routing = PoolRouting::Shared, .set_up = [&](Connection&) {
                          if (broken) throw std::runtime_error("not yet");
                        }});
  EXPECT_THROW(static_cast<void>(pool.read({.timeout = 0ms})), std::runtime_error);
  EXPECT_EQ(pool.statistics().size, 0u);
  broken = false;
  pool.read({.timeout = 0ms})->ping();
}

TEST_F(PoolTest, ReplacesConnectionsThatAreOfNoUse) {
  const Pool pool(db_, shared(1));
  pool.read()->close();
  EXPECT_EQ(pool.statistics().replaced, 1u);
  detail::Access::session(*pool.read())->abandon("broken for the test");
  EXPECT_EQ(pool.statistics().replaced, 2u);
  { const Connection stolen = std::move(*pool.read()); }
  EXPECT_EQ(pool.statistics().replaced, 3u);
  pool.read()->ping();
  EXPECT_EQ(pool.statistics().created, 4u);
  EXPECT_EQ(pool.connections().size(), 1u);
}

TEST_F(PoolTest, LeavesAConnectionToTheRowsThatOutliveTheLease) {
  const Pool pool(db_, shared(1));
  pool.read()->execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
  Rows rows = pool.read()->query("SELECT a FROM t");
  EXPECT_EQ(pool.statistics().replaced, 1u);
  pool.read()->execute("INSERT INTO t VALUES (3)");  // another connection
  EXPECT_EQ(rows.fetch_all().size(), 2u);
}

TEST_F(PoolTest, ChecksHealthWhenToldTo) {
  const Database locked =
      Builder::local(directory_.file("locked.db")).pragma("journal_mode", "delete").busy_timeout(0ms).build();
  Connection other = locked.connect();
  other.execute("CREATE TABLE t(a)");
  // While another connection holds the file, no connection answers, nor can one be made.
  const auto replaced_when_locked = [&](PoolHealthCheck health_check, std::chrono::milliseconds after) {
    const Pool pool(
        locked,
        {.max_size = 1, .routing = PoolRouting::Shared, .health_check = health_check, .health_check_after = after});
    Transaction tx = other.transaction(TransactionBehavior::Exclusive);
    try {
      pool.read()->query_value<int>("SELECT 1");
    } catch (const Busy&) {
      EXPECT_EQ(pool.statistics().size, 0u);
    }
    tx.rollback();
    pool.read()->ping();
    return pool.statistics().replaced;
  };
  EXPECT_EQ(replaced_when_locked(PoolHealthCheck::Always, 1h), 1u);
  EXPECT_EQ(replaced_when_locked(PoolHealthCheck::AfterIdle, 0ms), 1u);
  EXPECT_EQ(replaced_when_locked(PoolHealthCheck::AfterIdle, 1h), 0u);
  EXPECT_EQ(replaced_when_locked(PoolHealthCheck::Never, 0ms), 0u);
}

TEST_F(PoolTest, ClosesWhatIsTooOldOrRestedTooLong) {
  const Pool aged(db_, {.max_size = 2, .min_size = 1, .routing = PoolRouting::Shared, .max_age = 1ms});
  EXPECT_TRUE(eventually([&] {
    aged.read();
    return aged.statistics().closed >= 2;
  }));
  EXPECT_EQ(aged.statistics().replaced, 0u);

  const Pool idle(db_, {.max_size = 3, .min_size = 1, .routing = PoolRouting::Shared, .max_idle = 1ms});
  {
    PooledConnection a = idle.read();
    PooledConnection b = idle.read();
    PooledConnection c = idle.read();
  }
  EXPECT_TRUE(eventually([&] {
    idle.trim();
    return idle.statistics().size == 1;
  }));
  EXPECT_EQ(idle.trim(), 0u);  // min_size
}

TEST_F(PoolTest, CloseFailsThoseInLineAndWaitsForTheLeases) {
  const Pool pool(db_, shared(1));
  std::optional<PooledConnection> lease = pool.read();
  auto waiting = std::async(std::launch::async, [&] { static_cast<void>(pool.read()); });
  ASSERT_TRUE(eventually([&] { return pool.statistics().waiting == 1; }));
  EXPECT_THROW(pool.close(0ms), Timeout);
  EXPECT_THROW(waiting.get(), Interrupted);
  EXPECT_THROW(static_cast<void>(pool.read()), Misuse);
  EXPECT_TRUE(pool.is_closed());
  lease->connection().execute("SELECT 1");  // a lease goes on until it ends
  auto closing = std::async(std::launch::async, [&] { pool.close(); });
  lease.reset();
  closing.get();
  EXPECT_EQ(pool.statistics().size, 0u);
  EXPECT_EQ(pool.statistics().closed, 1u);
  pool.close();
}

TEST_F(PoolTest, AWaitCanBeStopped) {
  const Pool pool(db_, shared(1));
  const PooledConnection lease = pool.read();
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] { static_cast<void>(pool.read({.stop = stop.get_token()})); });
  ASSERT_TRUE(eventually([&] { return pool.statistics().waiting == 1; }));
  stop.request_stop();
  EXPECT_THROW(waiting.get(), Interrupted);
  EXPECT_EQ(pool.statistics().waiting, 0u);
  EXPECT_EQ(pool.statistics().timeouts, 0u);
}

TEST_F(PoolTest, ServesFirstWhoWaitedLongest) {
  const Pool pool(db_, shared(1));
  std::optional<PooledConnection> lease = pool.read();
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      PooledConnection mine = pool.read();
      const std::lock_guard lock(mutex);
      order.push_back(i);
    });
    ASSERT_TRUE(eventually([&] { return pool.statistics().waiting == static_cast<std::size_t>(i) + 1; }));
  }
  lease.reset();
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(PoolTest, ALeaseMayEndInAnotherThreadAndOutliveThePool) {
  std::optional<Pool> pool(std::in_place, db_, shared(1));
  PooledConnection lease = pool->read();
  lease->execute("CREATE TABLE t(a)");
  pool.reset();
  std::thread([moved = std::move(lease)]() mutable {
    moved->execute("INSERT INTO t VALUES (1)");
    moved.give_back();
    moved.give_back();
    EXPECT_FALSE(moved);
  }).join();
  EXPECT_EQ(db_.connect().query_value<int>("SELECT count(*) FROM t"), 1);
}

TEST_F(PoolTest, DiscardClosesInsteadOfGivingBack) {
  const Pool pool(db_, shared(1));
  PooledConnection lease = pool.read();
  lease.discard();
  EXPECT_EQ(pool.statistics().size, 0u);
  EXPECT_EQ(pool.statistics().replaced, 0u);
  lease = pool.read();
  EXPECT_EQ(pool.statistics().created, 2u);
}

TEST_F(PoolTest, WithLendsForACall) {
  const Pool pool(db_);
  pool.with([](Connection& conn) { conn.execute("CREATE TABLE t(a)"); });
  const int count = pool.with_read([](Connection& conn) { return conn.query_value<int>("SELECT count(*) FROM t"); });
  EXPECT_EQ(count, 0);
  EXPECT_THROW(pool.with_read([](Connection& conn) { conn.execute("DELETE FROM t"); }), ReadOnly);
  EXPECT_EQ(pool.statistics().in_use, 0u);
}

TEST_F(PoolTest, CountsQueriesAndTimes) {
  const Pool pool(db_, shared(2));
  {
    PooledConnection lease = pool.read();
    lease->execute("CREATE TABLE t(a)");
    lease->execute("INSERT INTO t VALUES (1), (2)");
    lease->reset_statistics();
    lease->execute("INSERT INTO t VALUES (3)");
    EXPECT_THROW(lease->execute("INSERT INTO missing VALUES (3)"), SqlError);
  }
  pool.read()->query_value<int>("SELECT count(*) FROM t");
  const PoolStatistics statistics = pool.statistics();
  EXPECT_EQ(statistics.query_time.count, 4u);
  EXPECT_EQ(statistics.queries(), 2u);  // those before reset_statistics() are lost to the sums
  EXPECT_EQ(statistics.totals.changes, 1u);
  EXPECT_EQ(statistics.totals.errors, 1u);
  EXPECT_EQ(statistics.checkout_wait.count, 2u);
  EXPECT_EQ(statistics.lease_time.count, 2u);
  EXPECT_GT(statistics.query_time.p99.count(), 0);
  EXPECT_LE(statistics.query_time.p50, statistics.query_time.p95);
  EXPECT_LE(statistics.query_time.p95, statistics.query_time.p99);
  EXPECT_LE(statistics.query_time.p99, statistics.query_time.max);
  const auto connections = pool.connections();
  ASSERT_EQ(connections.size(), 1u);
  EXPECT_EQ(connections[0].checkouts, 2u);
  EXPECT_EQ(connections[0].totals.statements, 2u);
  EXPECT_FALSE(connections[0].in_use);
}

TEST_F(PoolTest, QueryLogAndTimesCanBeChosen) {
  std::atomic<int> heard = 0;
  const QueryLog log([&](const QueryEvent&) { ++heard; });
  const Pool pool(db_, {.max_size = 2, .query_log = log, .query_times = false});
  pool.write()->execute("CREATE TABLE t(a)");
  pool.read()->query_value<int>("SELECT count(*) FROM t");
  EXPECT_GE(heard, 2);
  EXPECT_EQ(pool.statistics().query_time.count, 0u);
}

TEST_F(PoolTest, RefusesOptionsThatContradictEachOther) {
  EXPECT_THROW(Pool(db_, {.max_size = 0}), Configuration);
  EXPECT_THROW(Pool(db_, {.max_size = 1}), Configuration);
  EXPECT_THROW(Pool(db_, {.max_size = 2, .min_size = 3}), Configuration);
  EXPECT_THROW(Pool(db_, {.checkout_timeout = -1ms}), Configuration);
  EXPECT_THROW(Pool(db_, {.max_age = 0ms}), Configuration);
  EXPECT_THROW(Pool(db_, {.max_idle = 0ms}), Configuration);
  const Pool pool(db_);
  EXPECT_THROW(static_cast<void>(pool.read({.timeout = -1ms})), OutOfRange);
}

TEST_F(PoolTest, AMovedFromPoolThrowsMisuse) {
  Pool pool(db_);
  const Pool moved(std::move(pool));
  EXPECT_THROW(static_cast<void>(pool.read()), Misuse);
  EXPECT_TRUE(pool.is_closed());
  EXPECT_FALSE(moved.is_closed());
}

TEST_F(PoolTest, ThreadsShareItWithoutLosingAConnectionOrAWrite) {
  const Pool pool(db_, {.max_size = 4});
  pool.write()->execute("CREATE TABLE t(a)");
  constexpr int kThreads = 8;
  constexpr int kRounds = 40;
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      for (int n = 0; n < kRounds; ++n) {
        if ((i + n) % 2 == 0) {
          pool.write()->execute("INSERT INTO t VALUES (?)", n);
        } else {
          pool.read()->query_value<int>("SELECT count(*) FROM t");
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.read()->query_value<int>("SELECT count(*) FROM t"), kThreads * kRounds / 2);
  const PoolStatistics statistics = pool.statistics();
  EXPECT_EQ(statistics.in_use, 0u);
  EXPECT_EQ(statistics.waiting, 0u);
  EXPECT_LE(statistics.created, 4u);
  EXPECT_EQ(statistics.closed, 0u);
  EXPECT_EQ(statistics.checkouts, static_cast<std::uint64_t>(kThreads * kRounds + 2));
  EXPECT_EQ(statistics.queries(), static_cast<std::uint64_t>(kThreads * kRounds + 2));
}

TEST(TimeHistogram, PercentilesAreWithinABucketOfTheTruth) {
  core::TimeHistogram histogram;
  EXPECT_EQ(histogram.summary().count, 0u);
  for (int i = 1; i <= 1000; ++i) histogram.add(std::chrono::microseconds(i));
  const TimeSummary summary = histogram.summary();
  EXPECT_EQ(summary.count, 1000u);
  EXPECT_NEAR(static_cast<double>(summary.average.count()), 500'500, 1);
  EXPECT_NEAR(static_cast<double>(summary.p50.count()), 500'000, 500'000 * 0.07);
  EXPECT_NEAR(static_cast<double>(summary.p95.count()), 950'000, 950'000 * 0.07);
  EXPECT_NEAR(static_cast<double>(summary.p99.count()), 990'000, 990'000 * 0.07);
  EXPECT_EQ(summary.max, 1ms);
}

TEST(TimeHistogram, TakesTheShortestAndTheLongest) {
  core::TimeHistogram histogram;
  histogram.add(-5ns);
  histogram.add(3ns);
  EXPECT_EQ(histogram.summary().p99, 3ns);
  histogram.add(std::chrono::nanoseconds::max());
  EXPECT_EQ(histogram.summary().max, std::chrono::nanoseconds::max());
}

TEST_F(PoolTest, TheDeadlineOfTheDatabaseIsForTheWaitToo) {
  const Database db = Builder::local(directory_.file("pool.db")).default_deadline(20ms).build();
  const Pool pool(db, shared(1));
  const PooledConnection held = pool.write();
  EXPECT_THROW(static_cast<void>(pool.write()), Timeout);  // not after the 30 s of checkout_timeout
  EXPECT_THROW(static_cast<void>(pool.read({.timeout = 1ms})), Timeout);
}

TEST_F(PoolTest, ReadersStayReadersWhateverTheirPragmasSay) {
  const Pool pool(db_);
  pool.with([](Connection& conn) { conn.execute("CREATE TABLE t(a)"); });
  for (int lease = 0; lease < 2; ++lease) {
    pool.with_read([](Connection& conn) {
      conn.query("PRAGMA query_only=0").fetch_all();
      EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), ReadOnly);
      EXPECT_THROW(Pragma(conn).query_only(false), Error);
      EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), ReadOnly);
      EXPECT_THROW(Pragma(conn).user_version(7), ReadOnly);
      const Transaction tx = conn.transaction(TransactionBehavior::ReadOnly);
      EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), ReadOnly);
    });
  }
}

}  // namespace
}  // namespace libsql

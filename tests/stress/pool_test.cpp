// A pool under many threads: nobody starves, nothing leaks, broken connections are replaced, close() ends it all.
#include <gtest/gtest.h>

#include <atomic>
#include <libsql/libsql.hpp>
#include <random>
#include <thread>

#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;

class PoolStress : public testing::Test {
 protected:
  libsql::test::TemporaryDirectory directory_;
  Database db_ = Builder::local(directory_.file("stress.db")).build();
};

TEST_F(PoolStress, NobodyOvertakesWhenManyWantOne) {
  const Pool pool(db_, {.max_size = 1, .routing = PoolRouting::Shared, .checkout_timeout = 60s});
  constexpr std::size_t kThreads = 12;
  constexpr std::size_t kLeases = 50 * kThreads;
  std::vector<std::size_t> order;  // written by whoever has the lease
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      while (!stop) {
        const PooledConnection lease = pool.read();
        // Not before all others stand in line, or the scheduler would decide who is next.
        while (!stop && pool.statistics().waiting < kThreads - 1) std::this_thread::yield();
        if (stop) return;
        order.push_back(i);
        if (order.size() == kLeases) stop = true;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(order.size(), kLeases);
  for (std::size_t n = kThreads; n < kLeases; ++n) ASSERT_EQ(order[n], order[n - kThreads]) << n;
}

TEST_F(PoolStress, EverythingAtOnceLosesNothing) {
  const Pool pool(db_, {.max_size = 5, .min_size = 2, .checkout_timeout = 20s, .max_age = 40ms, .max_idle = 5ms});
  pool.write()->execute("CREATE TABLE t(a)");
  constexpr int kThreads = 10;
  constexpr int kRounds = 150;
  std::atomic<int> written = 0;
  std::atomic<int> gave_up = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      for (int n = 0; n < kRounds; ++n) {
        switch (random() % 8) {
          case 0: {  // impatient
            try {
              pool.read({.timeout = 0ms})->query_value<int>("SELECT 1");
            } catch (const Timeout&) {
              ++gave_up;
            }
            break;
          }
          case 1: {  // leaves a mess, which is no part of what is written
            PooledConnection lease = pool.write();
            lease->execute("BEGIN");
            lease->execute("INSERT INTO t VALUES (-1)");
            lease->execute("CREATE TEMP TABLE mess(a)");
            break;
          }
          case 2:
            pool.read()->close();
            break;
          case 3: {  // rows that outlive their lease
            Rows rows = pool.read()->query("SELECT a FROM t LIMIT 3");
            rows.fetch_all();
            break;
          }
          case 4: {  // ends in another thread
            std::thread([lease = pool.read()]() mutable { lease->query_value<int>("SELECT count(*) FROM t"); }).join();
            break;
          }
          case 5:
            static_cast<void>(pool.statistics());
            static_cast<void>(pool.connections());
            pool.trim();
            break;
          default:
            pool.write()->execute("INSERT INTO t VALUES (?)", n);
            ++written;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(db_.connect().query_value<int>("SELECT count(*) FROM t"), written.load());
  const PoolStatistics statistics = pool.statistics();
  EXPECT_EQ(statistics.in_use, 0u);
  EXPECT_EQ(statistics.waiting, 0u);
  EXPECT_EQ(statistics.timeouts, static_cast<std::uint64_t>(gave_up.load()));
  EXPECT_EQ(statistics.size, statistics.created - statistics.closed);
  EXPECT_EQ(pool.connections().size(), statistics.size);
  pool.close();
  EXPECT_EQ(pool.statistics().created, pool.statistics().closed);
  EXPECT_TRUE(pool.connections().empty());
}

TEST_F(PoolStress, CloseInTheMiddleOfWorkEndsEverybody) {
  for (int round = 0; round < 10; ++round) {
    const Pool pool(db_, {.max_size = 3});
    std::atomic<int> refused = 0;
    std::atomic<int> served = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        try {
          for (;;) {
            (i % 2 == 0 ? pool.read() : pool.write())->query_value<int>("SELECT 1");
            ++served;
          }
        } catch (const Interrupted&) {
          ++refused;
        } catch (const Misuse&) {
          ++refused;
        }
      });
    }
    while (served < 50) std::this_thread::yield();
    pool.close();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(refused, 8);
    EXPECT_EQ(pool.statistics().size, 0u);
  }
}

}  // namespace
}  // namespace libsql

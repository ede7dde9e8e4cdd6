#include <libsql/hooks.hpp>
#include <libsql/writer.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/asleep.hpp"
#include "support/eventually.hpp"
#include "unit/api/file_fixture.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;

class WriterTest : public FileTest {
 protected:
  WriterTest() : db_(Builder::local(file()).build()) {
    Connection conn = db_.connect();
    conn.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)");
  }
  std::int64_t sum() { return db_.connect().query_value<std::int64_t>("SELECT coalesce(sum(a), 0) FROM t"); }

  // Runs a group of jobs in a known order: the first holds the connection until all others wait in line.
  template <class... Jobs>
  void run_together(Writer& writer, Jobs... jobs) {
    std::atomic<bool> inside = false;
    std::atomic<bool> go = false;
    std::thread leader([&] {
      try {
        writer.run([&](Connection&) {
          inside = true;
          while (!go) std::this_thread::yield();
        });
      } catch (const TransactionLost&) {  // as the others of a group that breaks
      }
    });
    while (!inside) std::this_thread::yield();
    std::vector<std::thread> threads;
    (
        [&] {
          test::Sleeper sleeper;
          threads.emplace_back([&sleeper, job = std::move(jobs)] {
            sleeper.begin();
            job();
          });
          EXPECT_TRUE(test::eventually([&] { return sleeper.is_asleep(); }));  // in line before the next one
        }(),
        ...);
    go = true;
    leader.join();
    for (std::thread& thread : threads) thread.join();
  }

  Database db_;
};

TEST_F(WriterTest, ReturnsWhatTheJobReturnedOnceItIsCommitted) {
  Writer writer = db_.writer();
  const std::int64_t id = writer.run([](Connection& conn) {
    conn.execute("INSERT INTO t(a) VALUES(?)", 5);
    return conn.last_insert_rowid();
  });
  EXPECT_EQ(id, 1);
  EXPECT_EQ(sum(), 5);
  EXPECT_EQ(writer.execute("UPDATE t SET a = ? WHERE id = ?", 6, 1), 1u);
  // What can only be moved is fine, too.
  EXPECT_EQ(*writer.run([](Connection& conn) { return std::make_unique<bool>(conn.is_autocommit()); }), false);
}

TEST_F(WriterTest, BatchIsOneTransaction) {
  Writer writer = db_.writer();
  const BatchResult results = writer.execute_batch({{"INSERT INTO t(a) VALUES(?)", 1}, {"SELECT a FROM t"}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1].rows.size(), 1u);
  EXPECT_THROW(writer.execute_batch("INSERT INTO t(a) VALUES(2); INSERT INTO t(a) VALUES(1)"), Constraint);
  EXPECT_EQ(sum(), 1);
  EXPECT_EQ(writer.statistics().failed, 1u);
}

TEST_F(WriterTest, EightThreadsShareCommitsAndLoseNothing) {
  Writer writer = db_.writer();
  constexpr int kThreads = 8;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) writer.execute("INSERT INTO t(a) VALUES(?)", i * kEach + n);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(db_.connect().query_value<std::int64_t>("SELECT count(*) FROM t"), kThreads * kEach);
  const WriterStatistics statistics = writer.statistics();
  EXPECT_EQ(statistics.transactions, static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_LT(statistics.commits, statistics.transactions);
  EXPECT_GT(statistics.largest_group, 1u);
}

TEST_F(WriterTest, FailingJobIsUndoneAloneAndItsCallerGetsTheException) {
  Writer writer = db_.writer();
  std::atomic<int> good = 0;
  const auto insert = [&](int value) {
    return [&, value] {
      writer.execute("INSERT INTO t(a) VALUES(?)", value);
      ++good;
    };
  };
  run_together(
      writer, insert(1),
      [&] {
        EXPECT_THROW(writer.run([](Connection& conn) {
          conn.execute("INSERT INTO t(a) VALUES(1000)");
          throw std::runtime_error("no");
        }),
                     std::runtime_error);
      },
      insert(2), [&] { EXPECT_THROW(writer.execute("INSERT INTO t(a) VALUES(1)"), Constraint); }, insert(4));
  EXPECT_EQ(good, 3);
  EXPECT_EQ(sum(), 7);
  EXPECT_EQ(writer.statistics().commits, 1u);
  EXPECT_EQ(writer.statistics().largest_group, 4u);
}

TEST_F(WriterTest, FirstJobOfAGroupMayFailToo) {
  Writer writer = db_.writer();
  EXPECT_THROW(writer.run([](Connection& conn) {
    conn.execute("INSERT INTO t(a) VALUES(1)");
    throw 5;
  }),
               int);
  EXPECT_EQ(sum(), 0);
  writer.execute("INSERT INTO t(a) VALUES(2)");
  EXPECT_EQ(sum(), 2);
}

TEST_F(WriterTest, JobMustNotEndTheTransaction) {
  Writer writer = db_.writer();
  for (const char* sql : {"COMMIT", " /* x */ end", "ROLLBACK", "BEGIN IMMEDIATE"}) {
    run_together(
        writer, [&] { writer.execute("INSERT OR REPLACE INTO t(id, a) VALUES(1, 1)"); },
        [&] { EXPECT_THROW(writer.execute(sql), Misuse) << sql; },
        [&] { EXPECT_THROW(writer.run([](Connection& conn) { conn.close(); }), Misuse); },
        [&] { EXPECT_THROW(writer.run([](Connection& conn) { conn.reset(); }), Misuse); },
        [&] { writer.execute("INSERT OR REPLACE INTO t(id, a) VALUES(2, 2)"); });
    EXPECT_EQ(sum(), 3);
  }
  writer.run([](Connection& conn) {
    Transaction nested = conn.transaction();
    nested->execute("INSERT INTO t(a) VALUES(10)");
    nested.rollback();
    Savepoint savepoint = conn.savepoint("mine");
    conn.execute("INSERT INTO t(a) VALUES(20)");
    savepoint.release();
  });
  EXPECT_EQ(sum(), 23);
}

TEST_F(WriterTest, AJobThatTakesItsConnectionAwayLeavesTheNextOneItsOwn) {
  Writer writer = db_.writer();
  Database other = Builder::local(":memory:").build();
  const std::vector<std::function<void(Connection&)>> jobs = {
      [](Connection& conn) { Connection(std::move(conn)).execute("INSERT INTO t(a) VALUES(1)"); },
      [&](Connection& conn) {
        conn.execute("INSERT INTO t(a) VALUES(2)");
        conn = other.connect();  // is no way into the writer either
      },
      [](Connection& conn) { static_cast<void>(Connection(std::move(conn))), throw std::runtime_error("no"); }};
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    try {
      writer.run(jobs[i]);
    } catch (const std::runtime_error&) {
      EXPECT_EQ(i, 2u);
    }
    EXPECT_EQ(writer.execute("INSERT INTO t(a) VALUES(?)", 10 * (i + 1)), 1u) << i;
  }
  EXPECT_EQ(sum(), 1 + 2 + 10 + 20 + 30);
}

TEST_F(WriterTest, RowsLeftOpenByAJobAreEnded) {
  Writer writer = db_.writer();
  writer.execute_batch("INSERT INTO t(a) VALUES(1); INSERT INTO t(a) VALUES(2)");
  std::optional<Rows> kept;
  writer.run([&](Connection& conn) {
    kept.emplace(conn.query("SELECT a FROM t"));
    kept->next();
  });
  EXPECT_FALSE(kept->next());
  kept.reset();
  writer.execute("INSERT INTO t(a) VALUES(3)");
  EXPECT_EQ(sum(), 6);
}

TEST_F(WriterTest, WaitEndsWithTimeoutBehindALongJob) {
  Writer writer = db_.writer();
  std::atomic<bool> inside = false;
  std::atomic<bool> go = false;
  std::thread leader([&] {
    writer.run([&](Connection& conn) {
      conn.execute("INSERT INTO t(a) VALUES(1)");
      inside = true;
      while (!go) std::this_thread::yield();
    });
  });
  while (!inside) std::this_thread::yield();
  bool ran = false;
  EXPECT_THROW(writer.run(20ms, [&](Connection&) { ran = true; }), Timeout);
  EXPECT_FALSE(ran);
  go = true;
  leader.join();
  EXPECT_EQ(sum(), 1);
}

TEST_F(WriterTest, WaitEndsWithTimeoutWhileAnotherConnectionWrites) {
  Writer writer = db_.writer({.timeout = 30ms});
  Connection other = db_.connect();
  Transaction tx = other.transaction(TransactionBehavior::Immediate);
  EXPECT_THROW(writer.execute("INSERT INTO t(a) VALUES(1)"), Timeout);
  tx.rollback();
  writer.execute("INSERT INTO t(a) VALUES(2)");
  EXPECT_EQ(sum(), 2);
}

TEST_F(WriterTest, SyncsEveryCommitUnlessToldOtherwise) {
  Writer synced = db_.writer();
  EXPECT_EQ(synced.run([](Connection& conn) { return conn.query_value<std::int64_t>("PRAGMA synchronous"); }), 2);
  Writer lax = db_.writer({.durability = WriterDurability::AsDatabase});
  EXPECT_EQ(lax.run([](Connection& conn) { return conn.query_value<std::int64_t>("PRAGMA synchronous"); }), 1);
  EXPECT_THROW(db_.writer({.max_group = 0}), OutOfRange);
}

TEST_F(WriterTest, FullDatabaseBreaksItsGroupAndTheOthersAreTold) {
  Writer writer = Builder::local(file()).pragma("max_page_count", 20).build().writer();
  std::atomic<int> lost = 0;
  std::atomic<int> committed = 0;
  const auto small = [&](int value) {
    return [&, value] {
      try {
        writer.execute("INSERT INTO t(a) VALUES(?)", value);
        ++committed;
      } catch (const TransactionLost& error) {
        EXPECT_TRUE(error.retryable());
        ++lost;
      }
    };
  };
  run_together(
      writer, small(1),
      [&] { EXPECT_THROW(writer.execute("INSERT INTO t(a) VALUES(zeroblob(1000000))"), ResourceError); }, small(2));
  EXPECT_EQ(lost + committed, 2);
  EXPECT_EQ(db_.connect().query_value<std::int64_t>("SELECT count(*) FROM t"), committed);
  EXPECT_GE(committed, 1);
}

TEST_F(WriterTest, JobFindsNothingThatAnotherJobHasLeft) {
  Writer writer = db_.writer();
  const auto soil = [&](auto&& leave) { writer.run([&](Connection& conn) { leave(conn); }); };
  const auto is_clean = [&] {
    return writer.run([](Connection& conn) {
      return conn.query_value<int>("SELECT count(*) FROM sqlite_temp_schema") == 0 && !conn.deadline() &&
             conn.query_value<int>("PRAGMA synchronous") == 2 &&
             conn.query_value<int>("PRAGMA recursive_triggers") == 0 &&
             conn.query_value<int>("SELECT changes()") == 0 && conn.last_insert_rowid() == 0;
    });
  };
  const std::int64_t pages = db_.connect().query_value<std::int64_t>("PRAGMA max_page_count");
  soil([](Connection& conn) { conn.execute("CREATE TEMP TABLE mine AS SELECT 1"); });
  EXPECT_TRUE(is_clean());
  soil([](Connection& conn) { conn.execute("PRAGMA recursive_triggers=ON"); });
  EXPECT_TRUE(is_clean());
  soil([](Connection& conn) { conn.deadline(1ms); });
  EXPECT_TRUE(is_clean());
  soil([](Connection& conn) { conn.execute("PRAGMA max_page_count=33"); });
  EXPECT_EQ(writer.run([](Connection& conn) { return conn.query_value<std::int64_t>("PRAGMA max_page_count"); }),
            pages);
  soil([](Connection& conn) {
    conn.execute("INSERT INTO t(id, a) VALUES(77, 1)");
    Hooks(conn).on_commit([] { return CommitVerdict::RollBack; }).release();
  });
  EXPECT_TRUE(is_clean());
  EXPECT_EQ(sum(), 1) << "nor may what it has left spoil the commit";
}

TEST_F(WriterTest, JobsOfOneGroupAreCleanToEachOther) {
  Writer writer = db_.writer();
  int good = 0;
  run_together(
      writer, [&] { writer.execute("INSERT INTO t(a) VALUES(1)"); },
      [&] {
        writer.run([](Connection& conn) {
          conn.execute("CREATE TEMP TABLE mine(a)");
          conn.execute("INSERT INTO t(a) VALUES(2)");
          conn.deadline(1ms);
        });
      },
      [&] {
        EXPECT_THROW(writer.run([](Connection& conn) {
          conn.execute("PRAGMA recursive_triggers=ON");
          conn.execute("INSERT INTO t(a) VALUES(4)");
          throw 5;
        }),
                     int);
      },
      [&] {
        writer.run([&](Connection& conn) {
          good += conn.query_value<int>("SELECT count(*) FROM sqlite_temp_schema") == 0;
          good += conn.query_value<int>("PRAGMA recursive_triggers") == 0;
          good += !conn.deadline();
          conn.execute("INSERT INTO t(a) VALUES(8)");
        });
      });
  EXPECT_EQ(good, 3);
  EXPECT_EQ(sum(), 11);
}

TEST_F(WriterTest, DeferredForeignKeyFailsTheJobThatBrokeIt) {
  db_.connect().execute("CREATE TABLE child(t REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)");
  Writer writer = db_.writer();
  run_together(
      writer, [&] { writer.execute("INSERT INTO t(a) VALUES(1)"); },
      [&] {
        try {
          writer.execute("INSERT INTO child VALUES(99)");
          ADD_FAILURE() << "no Constraint";
        } catch (const Constraint& error) {
          EXPECT_EQ(error.kind(), ConstraintKind::ForeignKey);
        }
      },
      [&] { writer.execute("INSERT INTO t(a) VALUES(2)"); });
  EXPECT_EQ(sum(), 3);
  EXPECT_THROW(writer.execute("INSERT INTO child VALUES(99)"), Constraint);
}

TEST_F(WriterTest, WorksInMemory) {
  const Database memory = Builder::local(":memory:").build();
  Writer writer = memory.writer();
  writer.execute("CREATE TABLE t(a)");
  writer.execute("INSERT INTO t VALUES(1)");
  EXPECT_EQ(memory.connect().query_value<std::int64_t>("SELECT a FROM t"), 1);
}

TEST_F(WriterTest, WhatAJobKeepsOfItsConnectionDoesNotReachIntoTheNextJob) {
  Writer writer = db_.writer();
  std::optional<Transaction> kept;
  std::optional<Savepoint> mark;
  InterruptHandle handle;
  writer.run([&](Connection& conn) {
    kept.emplace(conn.transaction());
    mark.emplace(conn.savepoint("s"));
    handle = conn.interrupt_handle();
    conn.execute("INSERT INTO t(a) VALUES (1)");
  });
  writer.run([&](Connection& conn) {
    Savepoint own = conn.savepoint("s");
    conn.execute("INSERT INTO t(a) VALUES (2)");
    EXPECT_THROW(mark->rollback(), Misuse);
    EXPECT_THROW(kept->commit(), Misuse);
    kept.reset();
    mark.reset();
    auto sets = std::views::iota(3, 5) | std::views::transform([&](int i) {
                  handle.interrupt();
                  return i;
                });
    conn.execute_many("INSERT INTO t(a) VALUES (?)", sets);
    own.release();
  });
  EXPECT_EQ(db_.connect().query_value<std::string>("SELECT group_concat(a) FROM t"), "1,2,3,4");
}

}  // namespace
}  // namespace libsql

#include "local/write_line.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <libsql/transaction.hpp>

#include "local/runner.hpp"
#include "local/session.hpp"
#include "local/store.hpp"
#include "support/in_time.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::local {
namespace {

using namespace std::chrono_literals;
using Outcome = WriteLine::Outcome;

WriteLine::Clock::time_point in(std::chrono::milliseconds time) { return WriteLine::Clock::now() + time; }

void wait_for_waiters(const WriteLine& line, std::size_t count) {
  while (line.waiting() != count) std::this_thread::yield();
}

TEST(WriteLine, TurnsAreGivenInTheOrderOfAsking) {
  WriteLine line;
  const std::atomic<std::uint64_t> interrupts = 0;
  ASSERT_EQ(line.enter(in(0ms), interrupts, 0), Outcome::Entered);
  std::vector<int> order;  // guarded by the turn
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_EQ(line.enter(in(10s), interrupts, 0), Outcome::Entered);
      order.push_back(i);
      line.leave();
    });
    wait_for_waiters(line, static_cast<std::size_t>(i) + 1);
  }
  EXPECT_FALSE(line.try_enter());
  line.leave();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(line.try_enter());
}

TEST(WriteLine, WhoTimesOutLeavesTheLineAndTheNextOneIsServed) {
  WriteLine line;
  const std::atomic<std::uint64_t> interrupts = 0;
  ASSERT_TRUE(line.try_enter());
  std::atomic<bool> timed_out = false;
  std::thread first([&] { timed_out = line.enter(in(30ms), interrupts, 0) == Outcome::TimedOut; });
  wait_for_waiters(line, 1);
  std::thread second([&] {
    EXPECT_EQ(line.enter(in(10s), interrupts, 0), Outcome::Entered);
    line.leave();
  });
  wait_for_waiters(line, 2);
  first.join();
  EXPECT_TRUE(timed_out);
  EXPECT_EQ(line.waiting(), 1u);
  line.leave();
  second.join();
  EXPECT_EQ(line.enter(in(-1ms), interrupts, 0), Outcome::Entered);  // no time is needed when nobody is there
}

TEST(WriteLine, TheTurnIsFreeAgainAfterTheOnlyOneWhoWaitedHasGone) {
  WriteLine line;
  const std::atomic<std::uint64_t> interrupts = 0;
  ASSERT_TRUE(line.try_enter());
  EXPECT_EQ(line.enter(in(1ms), interrupts, 0), Outcome::TimedOut);
  EXPECT_EQ(line.waiting(), 0u);
  EXPECT_FALSE(line.try_enter());
  line.leave();
  EXPECT_TRUE(line.try_enter());
}

TEST(WriteLine, WhoLeavesAndAsksAgainComesAfterWhoWaits) {
  WriteLine line;
  const std::atomic<std::uint64_t> interrupts = 0;
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(line.try_enter());
    bool served = false;  // guarded by the turn
    std::thread other([&] {
      EXPECT_EQ(line.enter(in(10s), interrupts, 0), Outcome::Entered);
      served = true;
      line.leave();
    });
    wait_for_waiters(line, 1);
    line.leave();
    EXPECT_EQ(line.enter(in(10s), interrupts, 0), Outcome::Entered);
    EXPECT_TRUE(served);
    line.leave();
    other.join();
  }
}

TEST(WriteLine, InterruptEndsTheWaitWithin100Milliseconds) {
  EXPECT_TRUE(test::usually_within(100ms, [] {
    WriteLine line;
    std::atomic<std::uint64_t> interrupts = 5;
    EXPECT_TRUE(line.try_enter());
    Outcome outcome = Outcome::Entered;
    std::thread waiter([&] { outcome = line.enter(in(60s), interrupts, 5); });
    wait_for_waiters(line, 1);
    const auto start = WriteLine::Clock::now();
    ++interrupts;
    waiter.join();
    EXPECT_EQ(outcome, Outcome::Interrupted);
    return WriteLine::Clock::now() - start;
  }));
}

TEST(WriteLine, AnInterruptThatCameBeforeTheWaitEndsIt) {
  WriteLine line;
  const std::atomic<std::uint64_t> interrupts = 1;
  ASSERT_TRUE(line.try_enter());
  EXPECT_EQ(line.enter(in(60s), interrupts, 0), Outcome::Interrupted);
  EXPECT_EQ(line.waiting(), 0u);
}

// Lets go when it is told to.
class PatientHolder final : public WriteLine::Holder {
 public:
  bool give_way() noexcept override {
    ++asked;
    return willing;
  }
  std::atomic<int> asked = 0;
  std::atomic<bool> willing = false;
};

TEST(WriteLine, AHolderIsAskedUntilItGivesWay) {
  WriteLine line;
  line.set_limit(0ms);
  const std::atomic<std::uint64_t> interrupts = 0;
  PatientHolder holder;
  ASSERT_TRUE(line.try_enter());
  line.set_holder(holder);
  std::thread waiter([&] { EXPECT_EQ(line.enter(in(60s), interrupts, 0), Outcome::Entered); });
  while (holder.asked < 3) std::this_thread::yield();
  EXPECT_EQ(line.waiting(), 1u);
  holder.willing = true;
  waiter.join();
  EXPECT_FALSE(line.try_enter()) << "who waited has the turn";
}

TEST(WriteLine, NobodyIsAskedBeforeTheLimitOrWithoutOne) {
  for (const std::optional<std::chrono::milliseconds> limit : {std::optional(std::chrono::milliseconds(1h)), {}}) {
    WriteLine line;
    if (limit) line.set_limit(limit);
    const std::atomic<std::uint64_t> interrupts = 0;
    PatientHolder holder;
    holder.willing = true;
    ASSERT_TRUE(line.try_enter());
    line.set_holder(holder);
    EXPECT_EQ(line.enter(in(50ms), interrupts, 0), Outcome::TimedOut);
    EXPECT_EQ(holder.asked, 0);
  }
}

TEST(WriteLine, AHolderThatIsBeingAskedDoesNotGo) {
  class Holder final : public WriteLine::Holder {
   public:
    bool give_way() noexcept override {
      asked = true;
      while (!answer) std::this_thread::yield();
      answered = true;
      return false;
    }
    std::atomic<bool> asked = false, answer = false, answered = false;
  };
  WriteLine line;
  line.set_limit(0ms);
  const std::atomic<std::uint64_t> interrupts = 0;
  Holder holder;
  ASSERT_TRUE(line.try_enter());
  line.set_holder(holder);
  std::thread waiter([&] { EXPECT_EQ(line.enter(in(60s), interrupts, 0), Outcome::Entered); });
  while (!holder.asked) std::this_thread::yield();
  std::thread answer([&] { holder.answer = true; });
  line.clear_holder(holder);
  EXPECT_TRUE(holder.answered);
  line.leave();
  answer.join();
  waiter.join();
}

class WriteEvents : public testing::Test {
 protected:
  static std::shared_ptr<Store> store_in(const test::TemporaryDirectory& directory) {
    Options options;
    options.path = directory.file("a.db");
    return std::make_shared<Store>(std::move(options));
  }
  test::TemporaryDirectory directory_;
  std::shared_ptr<Store> store_ = store_in(directory_);
  struct Seen {
    engine::Connection* connection;
    std::uint32_t frames;
    std::uint32_t end;
    bool operator==(const Seen&) const = default;
  };
  std::vector<Seen> seen_;
  bool turn_was_free_ = false;
  std::shared_ptr<const void> listening_ = store_->write_line()->after_write([this](const WriteLine::Write& write) {
    seen_.push_back({&write.connection, write.frames, write.end.frame});
    turn_was_free_ |= store_->write_line()->try_enter();
  });
  Session one_{store_};
  Session other_{store_};

  std::uint32_t frames_of(Session& session, const char* sql) {
    seen_.clear();
    session.execute(sql, {});
    EXPECT_EQ(seen_.size(), 1u) << sql;
    if (seen_.size() != 1) return 0;
    EXPECT_EQ(seen_[0].connection, &session.connection());
    return seen_[0].frames;
  }
};

TEST_F(WriteEvents, EachCommitTellsWhoWroteHowManyFramesAndWhereTheLogEnds) {
  if (!one_.connection().log_end()) GTEST_SKIP() << "the system's SQLite does not tell";
  one_.execute("CREATE TABLE t(a)", {});
  ASSERT_EQ(seen_.size(), 1u);
  std::uint32_t end = seen_[0].end;
  EXPECT_EQ(frames_of(one_, "INSERT INTO t VALUES (1)"), 1u);
  EXPECT_EQ(seen_[0].end, end + 1);
  EXPECT_EQ(frames_of(other_, "INSERT INTO t VALUES (2)"), 1u);
  EXPECT_EQ(seen_[0].end, end + 2);
  const std::uint32_t many = frames_of(other_, "INSERT INTO t VALUES (zeroblob(100000))");
  EXPECT_GT(many, 20u);
  EXPECT_EQ(seen_[0].end, end + 2 + many);
  EXPECT_FALSE(turn_was_free_) << "the writer still has it";
}

TEST_F(WriteEvents, ATransactionIsToldOnceWhenItIsCommitted) {
  if (!one_.connection().log_end()) GTEST_SKIP() << "the system's SQLite does not tell";
  one_.execute("CREATE TABLE t(a)", {});
  seen_.clear();
  one_.begin(TransactionBehavior::Immediate);
  one_.execute("INSERT INTO t VALUES (1)", {});
  one_.execute("INSERT INTO t VALUES (2)", {});
  EXPECT_TRUE(seen_.empty());
  one_.commit();
  EXPECT_EQ(seen_.size(), 1u);
  one_.begin(TransactionBehavior::Deferred);
  one_.execute("INSERT INTO t VALUES (3)", {});
  EXPECT_EQ(seen_.size(), 1u);
  one_.commit();
  EXPECT_EQ(seen_.size(), 2u);
}

TEST_F(WriteEvents, WhatLeavesNothingInTheLogIsNotTold) {
  if (!one_.connection().log_end()) GTEST_SKIP() << "the system's SQLite does not tell";
  one_.execute("CREATE TABLE t(a)", {});
  seen_.clear();
  one_.execute("SELECT * FROM t", {});
  one_.execute("DELETE FROM t WHERE a = 1", {});  // no row
  EXPECT_TRUE(seen_.empty());
  one_.begin(TransactionBehavior::Immediate);
  one_.execute("PRAGMA cache_size=1", {});
  one_.execute("INSERT INTO t SELECT zeroblob(5000) FROM generate_series(1, 100)", {});  // more than the cache holds
  one_.rollback();
  EXPECT_TRUE(seen_.empty());
}

TEST_F(WriteEvents, ANewLogCountsFromItsBeginning) {
  if (!one_.connection().log_end()) GTEST_SKIP() << "the system's SQLite does not tell";
  one_.execute("CREATE TABLE t(a)", {});
  one_.execute("PRAGMA wal_checkpoint(TRUNCATE)", {});
  EXPECT_EQ(frames_of(one_, "INSERT INTO t VALUES (1)"), 1u);
  EXPECT_EQ(seen_[0].end, 1u);
}

TEST_F(WriteEvents, FramesOfOtherProcessesAreCountedWithTheNextWrite) {
  if (!one_.connection().log_end()) GTEST_SKIP() << "the system's SQLite does not tell";
  one_.execute("CREATE TABLE t(a)", {});
  const auto stranger = store_->open_connection();  // in no line, like another process
  stranger->execute_script("INSERT INTO t VALUES (1)");
  EXPECT_EQ(frames_of(one_, "INSERT INTO t VALUES (2)"), 2u);
}

TEST_F(WriteEvents, AWriteThatEndsAsItsTurnIsTakenAwayIsTold) {
  if (!one_.connection().log_end()) GTEST_SKIP() << "the system's SQLite does not tell";
  one_.execute("CREATE TABLE t(a)", {});
  store_->write_line()->set_limit(0ms);
  std::atomic<bool> asked = false;
  Runner slow(store_, 0, WriteTurn::Scope::AllWrites, [&](WriteTurn& turn) {
    slow.connection().execute_script("COMMIT");
    turn.taken_away();
    asked = true;
    return true;
  });
  slow.connection().execute_script("BEGIN IMMEDIATE");
  slow.texts().with("INSERT INTO t VALUES (1)", [](engine::Statement& insert) { insert.execute({}); });
  seen_.clear();
  one_.execute("INSERT INTO t VALUES (2)", {});
  EXPECT_TRUE(asked);
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[0].connection, &slow.connection());
  EXPECT_EQ(seen_[1].connection, &one_.connection());
}

TEST_F(WriteEvents, NobodyIsToldAfterTheHandleIsGone) {
  one_.execute("CREATE TABLE t(a)", {});
  listening_.reset();
  seen_.clear();
  one_.execute("INSERT INTO t VALUES (1)", {});
  EXPECT_TRUE(seen_.empty());
}

TEST(WriteLine, OnePerIdentityAsLongAsItIsHeld) {
  const auto a = WriteLine::of("a");
  EXPECT_EQ(a, WriteLine::of("a"));
  EXPECT_NE(a, WriteLine::of("b"));
  ASSERT_TRUE(a->try_enter());
  EXPECT_FALSE(WriteLine::of("a")->try_enter());
  ASSERT_TRUE(WriteLine::of("b")->try_enter());
  EXPECT_TRUE(WriteLine::of("b")->try_enter());  // the first one went with its last holder
}

TEST(WriteLine, ManyThreadsNeverHoldTheTurnTogether) {
  WriteLine line;
  const std::atomic<std::uint64_t> interrupts = 0;
  int inside = 0;  // unguarded but for the turn: ThreadSanitizer would tell
  std::uint64_t total = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        if (line.enter(in(10s), interrupts, 0) != Outcome::Entered) continue;
        EXPECT_EQ(++inside, 1);
        ++total;
        --inside;
        line.leave();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 8u * 500u);
}

}  // namespace
}  // namespace libsql::local

#include "local/write_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace libsql::local {
namespace {

using namespace std::chrono_literals;
using Outcome = WriteQueue::Outcome;

WriteQueue::Clock::time_point in(std::chrono::milliseconds time) { return WriteQueue::Clock::now() + time; }

void wait_for_waiters(const WriteQueue& queue, std::size_t count) {
  while (queue.waiting() != count) std::this_thread::yield();
}

TEST(WriteQueue, TurnsAreGivenInTheOrderOfAsking) {
  WriteQueue queue;
  const std::atomic<std::uint64_t> interrupts = 0;
  ASSERT_EQ(queue.enter(in(0ms), interrupts), Outcome::Entered);
  std::vector<int> order;  // guarded by the turn
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_EQ(queue.enter(in(10s), interrupts), Outcome::Entered);
      order.push_back(i);
      queue.leave();
    });
    wait_for_waiters(queue, static_cast<std::size_t>(i) + 1);
  }
  EXPECT_FALSE(queue.try_enter());
  queue.leave();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(queue.try_enter());
}

TEST(WriteQueue, WhoTimesOutLeavesTheLineAndTheNextOneIsServed) {
  WriteQueue queue;
  const std::atomic<std::uint64_t> interrupts = 0;
  ASSERT_TRUE(queue.try_enter());
  std::atomic<bool> timed_out = false;
  std::thread first([&] { timed_out = queue.enter(in(30ms), interrupts) == Outcome::TimedOut; });
  wait_for_waiters(queue, 1);
  std::thread second([&] {
    EXPECT_EQ(queue.enter(in(10s), interrupts), Outcome::Entered);
    queue.leave();
  });
  wait_for_waiters(queue, 2);
  first.join();
  EXPECT_TRUE(timed_out);
  EXPECT_EQ(queue.waiting(), 1u);
  queue.leave();
  second.join();
  EXPECT_EQ(queue.enter(in(-1ms), interrupts), Outcome::Entered);  // no time is needed when nobody is there
}

TEST(WriteQueue, TheTurnIsFreeAgainAfterTheOnlyOneWhoWaitedHasGone) {
  WriteQueue queue;
  const std::atomic<std::uint64_t> interrupts = 0;
  ASSERT_TRUE(queue.try_enter());
  EXPECT_EQ(queue.enter(in(1ms), interrupts), Outcome::TimedOut);
  EXPECT_EQ(queue.waiting(), 0u);
  EXPECT_FALSE(queue.try_enter());
  queue.leave();
  EXPECT_TRUE(queue.try_enter());
}

TEST(WriteQueue, WhoLeavesAndAsksAgainComesAfterWhoWaits) {
  WriteQueue queue;
  const std::atomic<std::uint64_t> interrupts = 0;
  for (int round = 0; round < 100; ++round) {
    ASSERT_TRUE(queue.try_enter());
    bool served = false;  // guarded by the turn
    std::thread other([&] {
      EXPECT_EQ(queue.enter(in(10s), interrupts), Outcome::Entered);
      served = true;
      queue.leave();
    });
    wait_for_waiters(queue, 1);
    queue.leave();
    EXPECT_EQ(queue.enter(in(10s), interrupts), Outcome::Entered);
    EXPECT_TRUE(served);
    queue.leave();
    other.join();
  }
}

TEST(WriteQueue, InterruptEndsTheWaitWithin100Milliseconds) {
  WriteQueue queue;
  std::atomic<std::uint64_t> interrupts = 5;
  ASSERT_TRUE(queue.try_enter());
  Outcome outcome = Outcome::Entered;
  std::thread waiter([&] { outcome = queue.enter(in(60s), interrupts); });
  wait_for_waiters(queue, 1);
  const auto start = WriteQueue::Clock::now();
  ++interrupts;
  waiter.join();
  EXPECT_EQ(outcome, Outcome::Interrupted);
  EXPECT_LT(WriteQueue::Clock::now() - start, 100ms);
}

TEST(WriteQueue, OneQueuePerIdentityAsLongAsItIsHeld) {
  const auto a = WriteQueue::of("a");
  EXPECT_EQ(a, WriteQueue::of("a"));
  EXPECT_NE(a, WriteQueue::of("b"));
  ASSERT_TRUE(a->try_enter());
  EXPECT_FALSE(WriteQueue::of("a")->try_enter());
  ASSERT_TRUE(WriteQueue::of("b")->try_enter());
  EXPECT_TRUE(WriteQueue::of("b")->try_enter());  // the first one went with its last holder
}

TEST(WriteQueue, ManyThreadsNeverHoldTheTurnTogether) {
  WriteQueue queue;
  const std::atomic<std::uint64_t> interrupts = 0;
  int inside = 0;  // unguarded but for the turn: ThreadSanitizer would tell
  std::uint64_t total = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        if (queue.enter(in(10s), interrupts) != Outcome::Entered) continue;
        EXPECT_EQ(++inside, 1);
        ++total;
        --inside;
        queue.leave();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 8u * 500u);
}

}  // namespace
}  // namespace libsql::local

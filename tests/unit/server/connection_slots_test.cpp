#include "server/databases/connection_slots.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

using namespace std::chrono_literals;

TEST(ConnectionSlots, AreNeverInMoreHandsThanThereAre) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  ConnectionSlots slots(2, 2, kThreads, 60s);
  std::atomic<int> in_use = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        slots.take();  // an exception, because a signal was lost, would end the process
        const int now = ++in_use;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        if (round % 16 == 0) std::this_thread::yield();
        --in_use;
        slots.give();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 2);
  EXPECT_EQ(slots.in_use(), 0U);
  EXPECT_EQ(slots.waiting(), 0U);
}

TEST(ConnectionSlots, RefuseWhoComesWhenTooManyWait) {
  ConnectionSlots slots(1, 1, 1, 60s);
  slots.take();
  std::thread waiting([&] {
    slots.take();
    slots.give();
  });
  while (slots.waiting() == 0) std::this_thread::yield();
  EXPECT_THROW(slots.take(), RequestRefused);
  slots.give();
  waiting.join();
  EXPECT_EQ(slots.in_use(), 0U);
}

TEST(ConnectionSlots, AreAskedBackBeforeAnybodyWaits) {
  ConnectionSlots slots(1, 1, 0, 0ms);
  slots.on_shortage([&] { slots.give(); });
  slots.take();
  EXPECT_NO_THROW(slots.take());
  EXPECT_EQ(slots.in_use(), 1U);
}

TEST(ConnectionSlots, OneBearerAndOneNamespaceHaveTheirShareAndNoMore) {
  ConnectionSlots slots(4, 3, 0, 0ms);
  const Takers greedy{std::make_shared<Taken>(), std::make_shared<Taken>()};
  const Takers in_the_same{std::make_shared<Taken>(), greedy.name_space};
  const Takers elsewhere{std::make_shared<Taken>(), std::make_shared<Taken>()};
  const auto refusal = [&](const Takers& takers) -> std::string {
    try {
      slots.take(takers);
      return {};
    } catch (const RequestRefused& refused) {
      EXPECT_EQ(refused.status(), 429);
      return refused.what();
    }
  };
  for (int i = 0; i < 3; ++i) slots.take(greedy);
  EXPECT_NE(refusal(greedy).find("of this bearer, who may have 3"), std::string::npos);
  EXPECT_NE(refusal(in_the_same).find("to this namespace, which may have 3"), std::string::npos);
  slots.take(elsewhere);
  EXPECT_NE(refusal({std::make_shared<Taken>(), std::make_shared<Taken>()}), "");
  slots.give(greedy);
  EXPECT_EQ(refusal(in_the_same), "");
  EXPECT_EQ(greedy.bearer->of(Resource::Connections), 2U);
  EXPECT_EQ(greedy.name_space->of(Resource::Connections), 3U);
  EXPECT_EQ(in_the_same.bearer->of(Resource::Connections), 1U);
}

TEST(ConnectionSlots, WhoWaitsInVainForTheServersLeavesNothingTaken) {
  ConnectionSlots slots(1, 1, 4, 1ms);
  const Takers waiting{std::make_shared<Taken>(), std::make_shared<Taken>()};
  slots.take();
  EXPECT_THROW(slots.take(waiting), RequestRefused);
  EXPECT_EQ(waiting.bearer->of(Resource::Connections), 0U);
  slots.give();
  EXPECT_EQ(slots.in_use(), 0U);
}

}  // namespace
}  // namespace libsql::server

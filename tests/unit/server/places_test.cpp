#include "server/run/places.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "server/base/descriptors.hpp"

namespace libsql::server {
namespace {

Takers owner(std::shared_ptr<Taken> bearer, std::shared_ptr<Taken> name_space = nullptr) {
  return {std::move(bearer), std::move(name_space)};
}

std::vector<Places::Place> take_all(Places& places, const Takers& who, Whose& whose) {
  std::vector<Places::Place> taken;
  for (;;) {
    Takers copy = who;
    Places::Place place = places.try_take(copy, &whose);
    if (!place) return taken;
    taken.push_back(std::move(place));
  }
}

TEST(Places, OneBearerHasItsShareAndNoMore) {
  Places places(8, 6);
  const auto greedy = std::make_shared<Taken>();
  Whose whose = Whose::Nobody;
  std::vector<Places::Place> taken = take_all(places, owner(greedy), whose);
  EXPECT_EQ(taken.size(), 6U);
  EXPECT_EQ(whose, Whose::Bearer);
  EXPECT_NE(places.message(whose).find("of this bearer, who may run 6"), std::string::npos);
  std::vector<Places::Place> others = take_all(places, owner(std::make_shared<Taken>()), whose);
  EXPECT_EQ(others.size(), 2U);
  EXPECT_EQ(whose, Whose::Server);
  taken.clear();
  others.clear();
  EXPECT_EQ(greedy->of(Resource::Places), 0U);
  EXPECT_EQ(places.taken(), 0U);
}

TEST(Places, OneNamespaceHasItsShareAndNoMore) {
  Places places(8, 6);
  const auto busy = std::make_shared<Taken>();
  std::vector<Places::Place> taken;
  for (int i = 0; i < 6; ++i) {  // each by another bearer
    Takers who = owner(std::make_shared<Taken>(), busy);
    taken.push_back(places.try_take(who));
    EXPECT_TRUE(taken.back());
  }
  const auto bearer = std::make_shared<Taken>();
  Takers who = owner(bearer, busy);
  Whose whose = Whose::Nobody;
  EXPECT_FALSE(places.try_take(who, &whose));
  EXPECT_EQ(whose, Whose::Namespace);
  EXPECT_EQ(bearer->of(Resource::Places), 0U) << "what was not given is not counted";
  Takers elsewhere = owner(bearer, std::make_shared<Taken>());
  EXPECT_TRUE(places.try_take(elsewhere));
}

TEST(Places, WhoIsNotToldApartMayTakeAll) {
  Places places(4, 3);
  Whose whose = Whose::Nobody;
  EXPECT_EQ(take_all(places, {}, whose).size(), 4U);
  EXPECT_EQ(whose, Whose::Server);
}

TEST(Places, APlaceThatComesFreeCallsTheFirstWhoMayHaveIt) {
  Places places(4, 3);
  const auto greedy = std::make_shared<Taken>();
  Whose whose = Whose::Nobody;
  std::vector<Places::Place> taken = take_all(places, owner(greedy), whose);
  ASSERT_EQ(taken.size(), 3U);
  Takers other = owner(std::make_shared<Taken>());
  Places::Place last = places.try_take(other);
  std::vector<int> called;
  const auto ticket = std::make_shared<int>(0);
  auto gone = std::make_shared<int>(0);
  places.wait(owner(std::make_shared<Taken>()), gone, [&] { called.push_back(0); });
  places.wait(owner(greedy), ticket, [&] { called.push_back(1); });
  places.wait(owner(std::make_shared<Taken>()), ticket, [&] { called.push_back(2); });
  gone.reset();
  EXPECT_TRUE(places.is_wanted());
  last.release();  // the greedy one has its share
  EXPECT_EQ(called, std::vector<int>({2}));
  taken.pop_back();
  EXPECT_EQ(called, std::vector<int>({2, 1}));
  EXPECT_FALSE(places.is_wanted());
}

// As one whose client goes at the very moment at which it is called.
TEST(Places, WhoeverIsCalledAndDoesNotComeLeavesThePlaceToTheNext) {
  Places places(2, 2);
  Places::Place first = places.try_take({});
  Places::Place second = places.try_take({});
  std::vector<int> called;
  const auto ticket = std::make_shared<int>(0);
  for (int i = 0; i < 4; ++i) {
    places.wait({}, ticket, [&, i] { called.push_back(i); });
  }
  first.release();
  EXPECT_EQ(called, std::vector<int>({0}));
  places.tidy();
  EXPECT_EQ(called, std::vector<int>({0, 1})) << "as many as there are places";
  Places::Place third = places.try_take({});
  places.tidy();
  EXPECT_EQ(called, std::vector<int>({0, 1}));
  second.release();
  third.release();
  EXPECT_EQ(called, std::vector<int>({0, 1, 2, 3}));
  EXPECT_FALSE(places.is_wanted());
}

TEST(Places, NoCallIsLostBetweenThreads) {
  Places places(2, 2);
  constexpr int kRounds = 2000;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        for (;;) {
          Takers who;
          if (Places::Place place = places.try_take(who)) break;
          std::atomic<bool> called = false;
          auto ticket = std::make_shared<int>(0);
          places.wait({}, ticket, [&] { called = true; });
          if (Places::Place place = places.try_take(who)) {
            // The call may still come, on another thread, as long as the ticket is there.
            const std::weak_ptr<int> left = ticket;
            ticket.reset();
            while (!left.expired()) std::this_thread::yield();
            break;
          }
          while (!called) std::this_thread::yield();  // for ever, if it is lost
          const std::weak_ptr<int> left = ticket;
          ticket.reset();
          while (!left.expired()) std::this_thread::yield();
        }
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 4 * kRounds);
}

TEST(Descriptors, ALowLimitIsSharedBetweenClientsAndDatabases) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Options options;
  rlimit low = before;
  low.rlim_cur = 1024;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const std::size_t clients = most_clients(options);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GE(clients, 300U);
  EXPECT_LE(clients, 512U);
}

}  // namespace
}  // namespace libsql::server

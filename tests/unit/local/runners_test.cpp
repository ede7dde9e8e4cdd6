#include "local/runners.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace libsql::local {
namespace {

using namespace std::chrono_literals;

struct Numbered final : Kept {
  explicit Numbered(int its) : number(its) {}
  int number;
};

class RunnersTest : public testing::Test {
 protected:
  using Set = Runners<Numbered>;
  using Time = Kept::Clock::time_point;

  // New ones that have rested since then: number 1 first.
  void rest(std::vector<std::chrono::milliseconds> since) {
    int number = 0;
    std::vector<Set::Ptr> made;
    for (std::size_t i = 0; i < since.size(); ++i) {
      made.push_back(std::make_unique<Numbered>(++number));
      set.add(*made.back());
    }
    for (std::size_t i = 0; i < since.size(); ++i) set.rest(made[i], Time(since[i]));
  }
  static std::string numbers(const Set::List& list) {
    std::string text;
    for (const auto& one : list) text += std::to_string(one->number);
    return text;
  }

  Set set;
};

TEST_F(RunnersTest, GivesTheOneThatWasUsedLast) {
  EXPECT_EQ(set.take(), nullptr);
  rest({1ms, 3ms, 2ms});
  Set::Ptr one = set.take();
  EXPECT_EQ(one->number, 2);
  EXPECT_FALSE(set.rests(*one));
  EXPECT_EQ(set.in_use(), 1U);
  EXPECT_EQ(set.resting(), 2U);
  set.rest(one, Time(9ms));
  EXPECT_EQ(one, nullptr);
  EXPECT_EQ(set.take()->number, 2);
}

TEST_F(RunnersTest, ThoseInUseLeaveInAnyOrder) {
  std::vector<Set::Ptr> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<Numbered>(i));
    set.add(*all.back());
  }
  for (const std::size_t i : {1U, 4U, 0U, 3U}) {
    set.remove(*all[i]);
    all[i].reset();
  }
  int left = 0;
  set.each_in_use([&](Numbered& one) { left += one.number; });
  EXPECT_EQ(left, 2);
  EXPECT_EQ(set.size(), 1U);
  set.rest(all[2], Time(1ms));
  EXPECT_EQ(set.in_use(), 0U);
}

TEST_F(RunnersTest, ExpiresTheLongestUnusedFirstAndKeepsSoMany) {
  rest({1ms, 2ms, 3ms, 4ms});
  EXPECT_EQ(numbers(set.take_expired({}, Time(100ms))), "");
  EXPECT_EQ(numbers(set.take_expired({.max_idle = 98ms}, Time(100ms))), "12");
  EXPECT_EQ(numbers(set.take_expired({.max_idle = 1ms, .kept = 1}, Time(100ms))), "3");
  EXPECT_EQ(numbers(set.take_expired({.max_age = 1ms, .kept = 1}, Time(100ms))), "4");  // age spares nobody
  EXPECT_EQ(set.size(), 0U);
}

TEST_F(RunnersTest, WhatIsLentCountsAsNeitherAndReturnsToItsPlace) {
  rest({1ms, 2ms, 3ms});
  Set::List lent = set.lend(Time(2ms));
  EXPECT_EQ(numbers(lent), "12");
  EXPECT_EQ(set.in_use(), 0U);
  EXPECT_EQ(set.resting(), 1U);
  int seen = 0;
  set.each([&](Numbered&) { ++seen; });
  EXPECT_EQ(seen, 3);
  set.take_back(lent[1], true);
  set.take_back(lent[0], false);
  EXPECT_NE(lent[0], nullptr);
  EXPECT_EQ(set.size(), 2U);
  EXPECT_EQ(numbers(set.lend(Time(3ms))), "3");  // 2 is trimmed
}

TEST_F(RunnersTest, WhoRestsAnewIsNotTrimmedAnyMore) {
  rest({1ms});
  Set::List lent = set.lend(Time(1ms));
  set.take_back(lent[0], true);
  EXPECT_EQ(numbers(set.lend(Time(9ms))), "");
  Set::Ptr one = set.take();
  set.rest(one, Time(5ms));
  EXPECT_EQ(numbers(set.lend(Time(9ms))), "1");
}

}  // namespace
}  // namespace libsql::local

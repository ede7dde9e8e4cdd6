#include "core/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace libsql::core {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheLimitWithJitterBelow) {
  Backoff backoff(100ms, 1s, 7);
  std::chrono::nanoseconds ceiling = 100ms;
  for (int i = 0; i < 10; ++i) {
    const auto wait = backoff.next();
    EXPECT_GE(wait, ceiling / 2);
    EXPECT_LE(wait, ceiling);
    ceiling = std::min<std::chrono::nanoseconds>(ceiling * 2, 1s);
  }
  EXPECT_EQ(backoff.attempts(), 10);
  backoff.reset();
  EXPECT_LE(backoff.next(), 100ms);
}

TEST(Backoff, ClientsDoNotWaitEquallyLong) {
  std::set<std::chrono::nanoseconds> waits;
  for (int i = 0; i < 20; ++i) waits.insert(Backoff(1s, 10s).next());
  EXPECT_GT(waits.size(), 15u);
}

}  // namespace
}  // namespace libsql::core

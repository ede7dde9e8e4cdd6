#include "core/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "support/fake_clock.hpp"

namespace libsql::core {
namespace {

using namespace std::chrono_literals;

TEST(Clock, IsTheSystemsUnlessATestSaysOtherwise) {
  const auto steady = std::chrono::steady_clock::now();
  const auto wall = std::chrono::system_clock::now();
  EXPECT_GE(SteadyClock::now(), steady);
  EXPECT_LT(SteadyClock::now() - steady, 1h);
  EXPECT_LT(WallClock::now() - wall, 1h);
}

TEST(Clock, StandsUntilItIsAdvanced) {
  {
    test::FakeClock clock;
    const auto steady = SteadyClock::now();
    const auto wall = WallClock::now();
    EXPECT_EQ(SteadyClock::now(), steady);
    clock.advance(36h);
    EXPECT_EQ(SteadyClock::now() - steady, 36h);
    EXPECT_EQ(WallClock::now() - wall, 36h);
  }
  EXPECT_LT(SteadyClock::now(), std::chrono::steady_clock::now() + 1h) << "and is gone with its object";
}

TEST(Clock, RunsOnBesideWhatIsAdded) {
  test::FakeClock clock(test::FakeClock::Pace::Running);
  const auto begin = SteadyClock::now();
  clock.advance(1h);
  EXPECT_GE(SteadyClock::now() - begin, 1h);
  const auto later = SteadyClock::now();
  while (SteadyClock::now() == later) {
  }
}

}  // namespace
}  // namespace libsql::core

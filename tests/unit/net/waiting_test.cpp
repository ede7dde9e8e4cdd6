// Deadlines and interrupts of sleeping calls.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "net/error.hpp"
#include "net/interrupt.hpp"

namespace {

using namespace libsql::net;
using namespace std::chrono_literals;

TEST(Deadline, NeverDoesNotPass) {
  EXPECT_FALSE(Deadline::never().passed());
  EXPECT_EQ(Deadline::never().poll_timeout(), -1);
  EXPECT_TRUE(Deadline::after(std::chrono::nanoseconds::max()).is_never());
  EXPECT_TRUE(earlier(Deadline::never(), Deadline::after(0ms)).passed());
}

TEST(Deadline, PollTimeoutIsRoundedUp) {
  EXPECT_EQ(Deadline::after(-5ms).poll_timeout(), 0);
  const int timeout = Deadline::after(10ms).poll_timeout();
  EXPECT_GE(timeout, 1);
  EXPECT_LE(timeout, 10);
}

TEST(Sleep, GivesUpAtOnceIfTheDeadlineIsNearer) {
  const auto begun = Deadline::Clock::now();
  try {
    sleep_for(10s, Wait{Deadline::after(5s), nullptr});
    FAIL() << "it slept";
  } catch (const NetError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Timeout);
    EXPECT_FALSE(error.sent());
  }
  EXPECT_LT(Deadline::Clock::now() - begun, 1s);
}

TEST(Sleep, TakesItsTime) {
  const auto begun = Deadline::Clock::now();
  sleep_for(20ms, Wait{});
  EXPECT_GE(Deadline::Clock::now() - begun, 20ms);
}

TEST(Sleep, IsEndedByAnInterruptThatCameBefore) {
  Interrupt interrupt;
  interrupt.trigger();
  EXPECT_THROW(sleep_for(10s, Wait{{}, &interrupt}), NetError);
  EXPECT_THROW(sleep_for(10s, Wait{{}, &interrupt}), NetError) << "it stays triggered";
  interrupt.reset();
  EXPECT_NO_THROW(sleep_for(1ms, Wait{{}, &interrupt}));
}

}  // namespace

#include "server/serve/last_exit.hpp"

#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include <gtest/gtest.h>

namespace libsql::server {
namespace {

using namespace std::chrono_literals;

class LastExitTest : public testing::Test {
 protected:
  LastExitTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LastExitTest, EndsAProcessThatHangsAfterItsLastWords) {
  EXPECT_EXIT(
      {
        const LastExit exit(10ms, [] { std::fputs("no patience left", stderr); });
        for (;;) ::pause();
      },
      testing::ExitedWithCode(1), "no patience left");
}

TEST_F(LastExitTest, EndsItWhateverTheLastWordsThrow) {
  EXPECT_EXIT(
      {
        const LastExit exit(10ms, [] { throw std::runtime_error("the log is full"); });
        for (;;) ::pause();
      },
      testing::ExitedWithCode(1), "");
}

TEST_F(LastExitTest, DoesNothingToAProcessThatEndsInTime) {
  bool spoken = false;
  {
    const LastExit exit(1h, [&] { spoken = true; });
  }
  EXPECT_FALSE(spoken);
}

}  // namespace
}  // namespace libsql::server

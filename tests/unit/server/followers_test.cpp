// Who follows a log, and how far they have come.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/databases/followers.hpp"
#include "support/fake_clock.hpp"

namespace libsql::server {
namespace {

class FollowersTest : public ::testing::Test {
 protected:
  const std::shared_ptr<Followers> followers_ = std::make_shared<Followers>();
  test::FakeClock clock_;
};

TEST_F(FollowersTest, TheSlowestOfThemIsKnown) {
  EXPECT_EQ(followers_->figures().lowest_next, std::nullopt);
  followers_->note("a", 10);
  followers_->note("b", 7);
  EXPECT_EQ(followers_->figures().count, 2U);
  EXPECT_EQ(followers_->figures().lowest_next, 7U);
  followers_->note("b", 20);
  EXPECT_EQ(followers_->figures().count, 2U);
  EXPECT_EQ(followers_->figures().lowest_next, 10U);
}

TEST_F(FollowersTest, WhoHasNotAskedForLongIsForgotten) {
  followers_->note("a", 1);
  clock_.advance(std::chrono::seconds(Followers::kForgottenAfter) / 2);
  followers_->note("b", 2);
  clock_.advance(std::chrono::seconds(Followers::kForgottenAfter) / 2);
  EXPECT_EQ(followers_->figures().count, 1U);
  EXPECT_EQ(followers_->figures().lowest_next, 2U);
}

TEST_F(FollowersTest, AnOpenStreamIsAFollowerHoweverQuietItIs) {
  auto stream = followers_->stay("a", 1);
  auto second = followers_->stay("a", 3);
  clock_.advance(10 * Followers::kForgottenAfter);
  EXPECT_EQ(followers_->figures().lowest_next, 3U);
  stream.reset();
  clock_.advance(10 * Followers::kForgottenAfter);
  EXPECT_EQ(followers_->figures().count, 1U);
  second.reset();
  EXPECT_EQ(followers_->figures().count, 1U) << "it was there until now";
  clock_.advance(Followers::kForgottenAfter);
  EXPECT_EQ(followers_->figures().count, 0U);
}

TEST_F(FollowersTest, AnyNumberOfNamesTakesBoundedMemory) {
  const auto stream = followers_->stay("stream", 1);
  for (std::size_t i = 0; i < 3 * Followers::kMost; ++i) {
    clock_.advance(std::chrono::milliseconds(1));
    followers_->note(std::to_string(i), i);
  }
  EXPECT_EQ(followers_->figures().count, Followers::kMost);
  EXPECT_EQ(followers_->figures().lowest_next, 2 * Followers::kMost);
}

}  // namespace
}  // namespace libsql::server

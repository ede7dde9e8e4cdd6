// What is kept of pushes between two requests.
#include "server/replication/held_frames.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <libsql/error.hpp>

#include "server/base/failure.hpp"
#include "support/fake_clock.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

using std::chrono::seconds;

class HeldPushesTest : public testing::Test {
 protected:
  HeldPush of(const std::string& name_space, const std::string& binding, std::size_t bytes) {
    HeldPush push;
    push.name_space = name_space;
    push.binding = binding;
    push.frames = std::make_unique<HeldFrames>(directory_.path().string());
    push.frames->append(std::vector<std::byte>(bytes, std::byte{7}));
    return push;
  }
  test::TemporaryDirectory directory_;
  test::FakeClock clock_;
  HeldPushes held_{seconds(30), 10'000, 4'000};
};

TEST_F(HeldPushesTest, FramesAreReadAsTheyWereAppendedAndLeaveNoFile) {
  HeldFrames frames(directory_.path().string());
  const std::array<std::byte, 3> first{std::byte{1}, std::byte{2}, std::byte{3}};
  frames.append(first);
  frames.append(std::span(first).first(2));
  EXPECT_EQ(frames.size(), 5u);
  std::array<std::byte, 3> out{};
  frames.read(2, out);
  EXPECT_EQ(out, (std::array<std::byte, 3>{std::byte{3}, std::byte{1}, std::byte{2}}));
  EXPECT_THROW(frames.read(3, out), Error) << "behind the end";
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(HeldPushesTest, ABatonIsGoodOnceForItsNamespaceAndIdentity) {
  const std::string baton = held_.keep(of("a", "me", 10));
  EXPECT_FALSE(held_.take("", "a", "me"));
  EXPECT_FALSE(held_.take(baton, "b", "me"));
  EXPECT_FALSE(held_.take(baton, "a", "you"));
  EXPECT_TRUE(held_.take(baton, "a", "me"));
  EXPECT_FALSE(held_.take(baton, "a", "me"));
}

TEST_F(HeldPushesTest, WhoDoesNotComeBackLosesWhatWasKept) {
  const std::string old = held_.keep(of("a", "me", 10));
  clock_.advance(seconds(20));
  const std::string young = held_.keep(of("a", "me", 10));
  clock_.advance(seconds(11));
  EXPECT_FALSE(held_.take(old, "a", "me"));
  EXPECT_EQ(held_.size(), 1u);
  EXPECT_TRUE(held_.take(young, "a", "me"));
  held_.keep(of("a", "me", 10));
  clock_.advance(seconds(31));
  held_.tidy();
  EXPECT_EQ(held_.size(), 0u);
}

TEST_F(HeldPushesTest, SizesAndNumbersAreBounded) {
  EXPECT_THROW(held_.keep(of("a", "me", 4'001)), RequestRefused);
  held_.keep(of("a", "me", 3'000));
  EXPECT_THROW(held_.keep(of("a", "you", 1'001)), RequestRefused) << "of one namespace";
  held_.keep(of("b", "me", 4'000));
  EXPECT_THROW(held_.keep(of("c", "me", 3'001)), RequestRefused) << "of all";
  const std::string first = held_.keep(of("c", "me", 1));
  for (int i = 0; i < 8; ++i) held_.keep(of("c", "me", 1));
  EXPECT_EQ(held_.size(), 2u + 8u);
  EXPECT_FALSE(held_.take(first, "c", "me")) << "the oldest one made room";
}

}  // namespace
}  // namespace libsql::server

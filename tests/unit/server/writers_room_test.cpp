#include "server/databases/writers_room.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace libsql::server {
namespace {

using namespace std::chrono_literals;
using Clock = WritersRoom::Clock;

class WritersRoomTest : public ::testing::Test {
 protected:
  void wait(int who, Clock::time_point until = Clock::time_point::max()) {
    room_.wait(ticket_, until, [this, who] { called_.push_back(who); });
  }
  WritersRoom room_{2};
  std::shared_ptr<void> ticket_ = std::make_shared<int>(0);
  std::vector<int> called_;
};

TEST_F(WritersRoomTest, AnEndedSeatCallsTheOneThatWaitsLongest) {
  std::optional<WritersRoom::Seat> first(room_);
  std::optional<WritersRoom::Seat> second(room_);
  EXPECT_TRUE(room_.is_full());
  wait(1);
  wait(2);
  wait(3);
  first.reset();
  EXPECT_FALSE(room_.is_full());
  EXPECT_EQ(called_, std::vector<int>({1}));
  second->release();
  second->release();
  EXPECT_EQ(called_, std::vector<int>({1, 2}));
  EXPECT_EQ(room_.waiting(), 1U);
}

TEST_F(WritersRoomTest, WhoHasLeftIsPassedOver) {
  std::optional<WritersRoom::Seat> seat(room_);
  auto gone = std::make_shared<int>(0);
  room_.wait(gone, Clock::time_point::max(), [&] { called_.push_back(0); });
  wait(1);
  gone.reset();
  seat.reset();
  EXPECT_EQ(called_, std::vector<int>({1}));
  EXPECT_EQ(room_.waiting(), 0U);
}

TEST_F(WritersRoomTest, WhoseTimeHasComeIsCalledThoughThereIsNoSeat) {
  const WritersRoom::Seat first(room_), second(room_);
  const auto now = Clock::now();
  wait(1, now + 1h);
  wait(2, now - 1s);
  room_.tidy(now);
  EXPECT_EQ(called_, std::vector<int>({2}));
  EXPECT_EQ(room_.waiting(), 1U);
}

TEST_F(WritersRoomTest, TidyingCallsAsManyAsThereAreSeats) {
  const WritersRoom::Seat first(room_);
  for (int who = 1; who <= 3; ++who) wait(who);
  room_.tidy(Clock::now());
  EXPECT_EQ(called_, std::vector<int>({1}));
}

TEST_F(WritersRoomTest, ASeatThatIsPassedOnIsOneSeat) {
  WritersRoom::Seat seat(room_);
  WritersRoom::Seat other(std::move(seat));
  EXPECT_EQ(room_.taken(), 1U);
  other = WritersRoom::Seat(room_);
  EXPECT_EQ(room_.taken(), 1U);
  other.release();
  EXPECT_EQ(room_.taken(), 0U);
}

TEST(WritersRoom, NoCallIsLostBetweenThreads) {
  WritersRoom room(1);
  constexpr int kRounds = 2000;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        std::atomic<bool> called = false;
        auto ticket = std::make_shared<int>(0);
        if (room.is_full()) {
          room.wait(ticket, Clock::time_point::max(), [&] { called = true; });
          while (room.is_full() && !called) std::this_thread::yield();  // for ever, if it is lost
        }
        { const WritersRoom::Seat seat(room); }
        const std::weak_ptr<int> left = ticket;
        ticket.reset();
        while (!left.expired()) std::this_thread::yield();
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 4 * kRounds);
}

}  // namespace
}  // namespace libsql::server

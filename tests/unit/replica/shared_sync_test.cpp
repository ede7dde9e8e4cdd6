// Syncs that come together.
#include "replica/shared_sync.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <libsql/libsql.hpp>

#include "core/errors.hpp"
#include "support/eventually.hpp"
#include "unit/replica/fake_source.hpp"

namespace libsql {
namespace {

// The source waits in each sync until it is let go.
class SharedSyncs : public ::testing::Test {
 protected:
  SharedSyncs() {
    fake_.source->before_sync = [this](const replica::SyncOrder& order) {
      ++inside_;
      while (!go_ && (order.wait.interrupt == nullptr || !order.wait.interrupt->triggered())) std::this_thread::yield();
      if (fails_) core::throw_error(ErrorCode::Network, "no route");
      if (order.wait.interrupt != nullptr && order.wait.interrupt->triggered()) {
        core::throw_error(ErrorCode::Interrupted, "interrupted");
      }
    };
  }
  std::future<SyncReport> start(SyncOptions options = {}) {
    return std::async(std::launch::async, [this, options] {
      ++started_;
      return fake_.database().replica().sync(options);
    });
  }
  // Until so many have begun; whether they wait yet cannot be seen, and does not matter.
  void wait_for(int inside, int started) {
    ASSERT_TRUE(test::eventually([&] { return inside_ >= inside && started_ >= started; }));
  }

  std::atomic<int> inside_ = 0;
  std::atomic<int> started_ = 0;
  std::atomic<bool> go_ = false;
  std::atomic<bool> fails_ = false;
  test::FakeReplica fake_{[](replica::StoreOptions& options) { options.first_sync = FirstSync::Later; }};
};

TEST_F(SharedSyncs, ThoseThatComeMeanwhileShareTheNextOne) {
  std::vector<std::future<SyncReport>> all;
  all.push_back(start());
  wait_for(1, 1);
  for (int i = 0; i < 8; ++i) all.push_back(start());
  wait_for(1, 9);
  go_ = true;
  for (auto& one : all) one.get();
  // A sync that had begun before a call may have missed what that call is to bring, so there are two at least; a late
  // comer may need one more.
  EXPECT_GE(inside_, 2);
  EXPECT_LT(inside_, 9);
}

TEST_F(SharedSyncs, TheFailureOfOneIsThatOfAllWhoWaitForIt) {
  fails_ = true;
  std::future<SyncReport> first = start();
  wait_for(1, 1);
  std::future<SyncReport> second = start();
  go_ = true;
  EXPECT_THROW(first.get(), Network);
  EXPECT_THROW(second.get(), Network);
}

TEST_F(SharedSyncs, OneThatIsCancelledHandsTheWorkOn) {
  const Cancellation cancellation;
  SyncOptions options;
  options.cancellation = cancellation;
  std::future<SyncReport> first = start(options);
  wait_for(1, 1);
  std::future<SyncReport> second = start();
  cancellation.cancel();
  EXPECT_THROW(first.get(), Interrupted);
  go_ = true;
  EXPECT_NO_THROW(second.get());
}

TEST_F(SharedSyncs, AWaitingOneCanBeCancelledAndHasItsDeadline) {
  std::future<SyncReport> first = start();
  wait_for(1, 1);
  const Cancellation cancellation;
  SyncOptions cancelled;
  cancelled.cancellation = cancellation;
  std::future<SyncReport> second = start(cancelled);
  SyncOptions limited;
  limited.deadline = std::chrono::milliseconds(1);
  std::future<SyncReport> third = start(limited);
  EXPECT_THROW(third.get(), Timeout);
  cancellation.cancel();
  EXPECT_THROW(second.get(), Interrupted);
  go_ = true;
  EXPECT_NO_THROW(first.get());
}

TEST_F(SharedSyncs, AProgressCallbackThatThrowsEndsItsOwnSyncOnly) {
  go_ = true;
  SyncOptions options;
  options.progress = [](const SyncProgress&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(fake_.database().replica().sync(options), std::runtime_error);
  EXPECT_NO_THROW(fake_.database().replica().sync());
}

TEST_F(SharedSyncs, UntilAFrameThatIsThereNobodyIsAsked) {
  go_ = true;
  const Replica replica = fake_.database().replica();
  fake_.source->written = 5;
  replica.sync();
  const int before = inside_;
  EXPECT_EQ(replica.sync_until(5).frame_no, 5u);
  EXPECT_EQ(inside_, before);
  EXPECT_THROW(replica.sync_until(6), OutOfRange);
  EXPECT_GT(inside_, before);
}

TEST_F(SharedSyncs, TheBackgroundSyncsAtOnceAndSaysWhatBecameOfIt) {
  std::promise<void> told_success;
  test::FakeReplica fake([&](replica::StoreOptions& options) {
    options.first_sync = FirstSync::Later;
    options.sync_interval = std::chrono::milliseconds(1);
    options.on_sync = [&, succeeded = false](const SyncEvent& event) mutable {
      if (event.failure == nullptr && !std::exchange(succeeded, true)) told_success.set_value();
      throw std::runtime_error("is dropped");
    };
  });
  told_success.get_future().get();
  EXPECT_TRUE(fake.database().replica().freshness().age.has_value());
  EXPECT_EQ(fake.database().replica().health().state, ReplicaState::Ready);
  fake.store = nullptr;  // ends it
}

TEST_F(SharedSyncs, HealthTellsFailuresUntilOneSucceeds) {
  const Replica replica = fake_.database().replica();
  EXPECT_EQ(replica.health().state, ReplicaState::Empty);
  EXPECT_FALSE(replica.freshness().age);
  go_ = true;
  fails_ = true;
  EXPECT_THROW(replica.sync(), Network);
  EXPECT_THROW(replica.sync(), Network);
  ReplicaHealth health = replica.health();
  EXPECT_EQ(health.state, ReplicaState::Failing);
  EXPECT_EQ(health.failures, 2u);
  EXPECT_EQ(health.failures_in_a_row, 2u);
  EXPECT_NE(health.last_error.find("no route"), std::string::npos);
  fails_ = false;
  replica.sync();
  health = replica.health();
  EXPECT_EQ(health.state, ReplicaState::Ready);
  EXPECT_EQ(health.syncs, 1u);
  EXPECT_EQ(health.failures_in_a_row, 0u);
  EXPECT_TRUE(replica.freshness().synced_at.has_value());
}

TEST_F(SharedSyncs, AFrozenReplicaFollowsNobody) {
  go_ = true;
  const Replica replica = fake_.database().replica();
  Connection before = fake_.connect();
  before.execute("CREATE TABLE t(a)");
  replica.sync();
  Database plain = replica.freeze();
  EXPECT_TRUE(fake_.source->frozen);
  EXPECT_EQ(plain.mode(), Mode::Local);
  EXPECT_EQ(plain.connect().execute("INSERT INTO t VALUES (1)"), 1u);
  EXPECT_EQ(replica.health().state, ReplicaState::Frozen);
  EXPECT_THROW(replica.sync(), Misuse);
  EXPECT_THROW(replica.freeze(), Misuse);
  EXPECT_EQ(before.query_value<int>("SELECT count(*) FROM t"), 1);
  EXPECT_THROW(before.execute("INSERT INTO t VALUES (2)"), Misuse);
}

TEST(ReplicaHandle, IsForReplicasOnly) { EXPECT_THROW(Builder::local(":memory:").build().replica(), Unsupported); }

}  // namespace
}  // namespace libsql

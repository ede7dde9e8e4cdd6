#include "local/group_commit.hpp"

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <libsql/error.hpp>

#include "core/errors.hpp"

namespace libsql::local {
namespace {

using namespace std::chrono_literals;

// Keeps a list of numbers as a database would: what is open, what is committed. Fails on demand.
class FakeTarget final : public GroupTarget {
 public:
  void begin(Clock::time_point) override {
    if (at_begin) at_begin();
    fail_if(fail_begin);
    open = committed;
    in_transaction_ = true;
    calls += 'b';
  }
  void set_mark() override {
    mark = open;
    calls += '(';
  }
  void drop_mark() override { calls += ')'; }
  bool return_to_mark() noexcept override {
    if (fail_return) return false;
    open = mark;
    calls += '<';
    return true;
  }
  bool in_transaction() const noexcept override { return in_transaction_; }
  void commit() override {
    calls += 'c';
    fail_if(fail_commit);
    committed = open;
    in_transaction_ = false;
  }
  void rollback() noexcept override {
    calls += 'r';
    in_transaction_ = false;
  }
  bool is_soiled() noexcept override { return soiled; }
  void clean() noexcept override {
    calls += in_transaction_ ? '!' : 'w';
    soiled = false;
  }

  std::vector<int> open, committed, mark;
  std::string calls;
  std::function<void()> at_begin;
  bool in_transaction_ = false, fail_begin = false, fail_commit = false, fail_return = false, soiled = false;

 private:
  static void fail_if(bool& flag) {
    if (std::exchange(flag, false)) core::throw_error(ErrorCode::Io, "on demand");
  }
};

class GroupCommitTest : public testing::Test {
 protected:
  using Body = std::function<void()>;

  void submit(Body body, std::chrono::milliseconds timeout = 10s) {
    group.submit([](void* context) { (*static_cast<Body*>(context))(); }, &body, GroupCommit::Clock::now() + timeout);
  }
  // What a caller got: "" or the message of the exception.
  std::string outcome(Body body, std::chrono::milliseconds timeout = 10s) {
    try {
      submit(std::move(body), timeout);
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  Body add(int number) {
    return [this, number] { target.open.push_back(number); };
  }
  // Submits all bodies so that they form one group, in this order; the first one runs when all others are in line.
  std::vector<std::string> together(std::vector<Body> bodies) {
    std::vector<std::string> outcomes(bodies.size());
    std::vector<std::thread> threads;
    std::atomic<bool> inside = false;
    std::atomic<bool> go = false;
    threads.emplace_back([&] {
      outcomes[0] = outcome([&] {
        inside = true;
        while (!go) std::this_thread::yield();
        bodies[0]();
      });
    });
    while (!inside) std::this_thread::yield();
    for (std::size_t i = 1; i < bodies.size(); ++i) {
      threads.emplace_back([&, i] { outcomes[i] = outcome(bodies[i]); });
      while (group.waiting() != i) std::this_thread::yield();
    }
    go = true;
    for (std::thread& thread : threads) thread.join();
    return outcomes;
  }
  static Body fail(Body first) {
    return [first] {
      first();
      throw std::runtime_error("mine");
    };
  }

  FakeTarget target;
  GroupCommit group{target, 4};
};

const std::string kLost = "the transaction was undone, because another one broke their group; it can be retried";

TEST_F(GroupCommitTest, JobAloneNeedsNoMark) {
  submit(add(1));
  EXPECT_EQ(target.calls, "bc");
  EXPECT_EQ(target.committed, std::vector<int>{1});
}

TEST_F(GroupCommitTest, JobsThatWaitShareACommitInOrder) {
  EXPECT_EQ(together({add(1), add(2), add(3)}), (std::vector<std::string>{"", "", ""}));
  EXPECT_EQ(target.calls, "b()()c");
  EXPECT_EQ(target.committed, (std::vector<int>{1, 2, 3}));
}

TEST_F(GroupCommitTest, GroupIsNoLargerThanAllowedAndTheRestFollows) {
  EXPECT_EQ(together({add(1), add(2), add(3), add(4), add(5), add(6)}), std::vector<std::string>(6, ""));
  EXPECT_EQ(target.calls, "b()()()cb()c");
  EXPECT_EQ(group.counts().largest_group, 4u);
}

TEST_F(GroupCommitTest, FailingJobIsUndoneAlone) {
  EXPECT_EQ(together({add(1), fail(add(2)), add(3)}), (std::vector<std::string>{"", "mine", ""}));
  EXPECT_EQ(target.calls, "b(<()c");
  EXPECT_EQ(target.committed, (std::vector<int>{1, 3}));
  EXPECT_EQ(group.counts().failed, 1u);
}

TEST_F(GroupCommitTest, FailingFirstJobTakesTheTransactionThatIsItsOwn) {
  EXPECT_EQ(together({fail(add(1)), add(2), add(3)}), (std::vector<std::string>{"mine", "", ""}));
  EXPECT_EQ(target.calls, "brb()c");
  EXPECT_EQ(target.committed, (std::vector<int>{2, 3}));
}

TEST_F(GroupCommitTest, WhenTheCommitFailsAllAreTold) {
  target.fail_commit = true;
  EXPECT_EQ(together({add(1), fail(add(2)), add(3)}), (std::vector<std::string>{"on demand", "mine", "on demand"}));
  EXPECT_TRUE(target.committed.empty());
  EXPECT_FALSE(target.in_transaction());
  EXPECT_EQ(outcome(add(4)), "");
  EXPECT_EQ(target.committed, std::vector<int>{4});
}

TEST_F(GroupCommitTest, WhenTheTransactionIsLostEarlierJobsAreToldAndLaterOnesGoOn) {
  target.fail_return = true;
  EXPECT_EQ(together({add(1), fail(add(2)), add(3)}), (std::vector<std::string>{kLost, "mine", ""}));
  EXPECT_EQ(target.calls, "b(rbc");
  EXPECT_EQ(target.committed, std::vector<int>{3});
}

TEST_F(GroupCommitTest, JobThatLeavesSomethingEndsItsTransactionAndTheOthersGoOn) {
  const auto soil = [this](Body first) {
    return [this, first = std::move(first)] {
      target.soiled = true;
      first();
    };
  };
  EXPECT_EQ(together({add(1), soil(add(2)), add(3), soil(fail(add(4))), add(5)}),
            (std::vector<std::string>{"", "", "", "mine", ""}));
  EXPECT_EQ(target.calls, "b()cwb(<cwbc");
  EXPECT_EQ(target.committed, (std::vector<int>{1, 2, 3, 5}));
  EXPECT_EQ(group.counts().commits, 3u);
  EXPECT_EQ(group.counts().largest_group, 2u);
}

TEST_F(GroupCommitTest, WhenTheCommitAfterSuchAJobFailsOnlyItsMembersAreTold) {
  const auto soiler = [this] {
    target.open.push_back(2);
    target.soiled = true;
    target.fail_commit = true;
  };
  EXPECT_EQ(together({add(1), soiler, add(3)}), (std::vector<std::string>{"on demand", "on demand", ""}));
  EXPECT_EQ(target.committed, std::vector<int>{3});
}

TEST_F(GroupCommitTest, JobThatEndsTheTransactionIsAtFault) {
  const auto ender = [this] { target.in_transaction_ = false; };
  EXPECT_EQ(together({add(1), ender, add(3)})[1], "a job of a Writer must not end the transaction that it runs in");
  EXPECT_EQ(target.committed, std::vector<int>{3});
}

TEST_F(GroupCommitTest, FailingBeginIsTheLeadersOwnAndTheNextOneLeads) {
  target.fail_begin = true;
  EXPECT_EQ(outcome(add(1)), "on demand");
  EXPECT_EQ(outcome(add(2)), "");
  EXPECT_EQ(target.committed, std::vector<int>{2});
}

TEST_F(GroupCommitTest, WhoWaitsBehindTheLeaderIsCountedApart) {
  std::atomic<bool> go = false;
  target.at_begin = [&] {
    while (!go) std::this_thread::yield();
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i <= 3; ++i) {
    threads.emplace_back([&, i] { submit(add(static_cast<int>(i))); });
    while (group.waiting() != i) std::this_thread::yield();
    EXPECT_EQ(group.waiting_behind_leader(), i - 1);
  }
  go = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(target.committed, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(group.waiting_behind_leader(), 0u);
}

TEST_F(GroupCommitTest, WhoWaitsTooLongLeavesTheLineAndNothingOfItRuns) {
  std::string late;
  std::atomic<bool> inside = false;
  std::atomic<bool> go = false;
  std::thread leader([&] {
    submit([&] {
      inside = true;
      while (!go) std::this_thread::yield();
    });
  });
  while (!inside) std::this_thread::yield();
  EXPECT_EQ(outcome(add(7), 10ms), "the deadline passed before the writer reached this transaction");
  EXPECT_EQ(group.waiting(), 0u);
  go = true;
  leader.join();
  EXPECT_TRUE(target.committed.empty());
}

TEST_F(GroupCommitTest, ManyThreadsWithShortDeadlinesAndFailuresKeepTheBooks) {
  std::atomic<int> acknowledged = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 300; ++n) {
        const int number = i * 1000 + n;
        const auto body = n % 7 == 3 ? fail(add(number)) : add(number);
        if (outcome(body, n % 5 == 2 ? 0ms : 10000ms).empty()) ++acknowledged;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(target.committed.size(), static_cast<std::size_t>(acknowledged));
  EXPECT_EQ(group.counts().jobs - group.counts().failed, static_cast<std::uint64_t>(acknowledged));
  EXPECT_EQ(group.waiting(), 0u);
}

}  // namespace
}  // namespace libsql::local

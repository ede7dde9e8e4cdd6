#include "elixir/c_src/core/worker.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <libsql/error.hpp>

#include "elixir/c_src/core/session.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::beam {
namespace {

/// How a job ended.
enum class End : std::uint8_t { Ran, Interrupted, Failed, Cancelled, Closed };

/// A job that runs a function and tells, once, how it ended.
class Task final : public Job {
 public:
  Task(std::function<void(Session&)> work, std::function<void(End)> told)
      : work_(std::move(work)), told_(std::move(told)) {}
  void run(Session& session) noexcept override {
    try {
      work_(session);
    } catch (const Interrupted&) {
      end_ = End::Interrupted;
    } catch (...) {
      end_ = End::Failed;
    }
  }
  void answer() noexcept override { told_(end_); }
  void refuse(Refusal reason) noexcept override { told_(reason == Refusal::Closed ? End::Closed : End::Cancelled); }

 private:
  std::function<void(Session&)> work_;
  std::function<void(End)> told_;
  End end_ = End::Ran;
};

class NoRows final : public RowSink {
 public:
  void columns(std::span<const Column>) override {}
  std::size_t row(std::span<const ValueRef>) override { return 0; }
};

void run_sql(Session& session, std::string_view sql) {
  NoRows sink;
  session.run(sql, {}, sink);
}

constexpr std::string_view kEndless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

struct Posted {
  std::uint64_t number = 0;
  std::future<End> end;
};

Posted post(Worker& worker, std::function<void(Session&)> work) {
  auto told = std::make_shared<std::promise<End>>();
  std::future<End> end = told->get_future();
  const std::uint64_t number =
      worker.post(std::make_unique<Task>(std::move(work), [told](End how) { told->set_value(how); }));
  return {number, std::move(end)};
}

std::shared_ptr<Worker> opened() {
  auto worker = Worker::create();
  Posted open = post(*worker, [](Session& session) {
    OpenOptions options;
    options.database = ":memory:";
    session.open(options);
  });
  EXPECT_EQ(open.end.get(), End::Ran);
  return worker;
}

void close_and_wait(Worker& worker) {
  auto closed = std::make_shared<std::promise<void>>();
  worker.close([closed] { closed->set_value(); });
  closed->get_future().wait();
}

TEST(ElixirWorker, RunsJobsInTheirOrderOnOneThread) {
  const auto worker = opened();
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::vector<Posted> posted;
  for (int i = 0; i < 5; ++i) {
    posted.push_back(post(*worker, [&order, &threads, i](Session&) {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    }));
  }
  for (Posted& one : posted) EXPECT_EQ(one.end.get(), End::Ran);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  for (const auto& thread : threads) EXPECT_EQ(thread, threads.front());
  EXPECT_NE(threads.front(), std::this_thread::get_id());
  close_and_wait(*worker);
}

TEST(ElixirWorker, CancelInterruptsTheRunningJobAndTheNextOneRuns) {
  const auto worker = opened();
  std::promise<void> running;
  Posted endless = post(*worker, [&running](Session& session) {
    running.set_value();
    run_sql(session, kEndless);
  });
  running.get_future().wait();
  worker->cancel(endless.number);
  EXPECT_EQ(endless.end.get(), End::Interrupted);
  EXPECT_EQ(post(*worker, [](Session& session) { run_sql(session, "SELECT 1"); }).end.get(), End::Ran);
  close_and_wait(*worker);
}

TEST(ElixirWorker, CancelRefusesAJobThatWaits) {
  const auto worker = opened();
  std::promise<void> go;
  Posted first = post(*worker, [&go](Session&) { go.get_future().wait(); });
  Posted second = post(*worker, [](Session&) { FAIL() << "a cancelled job ran"; });
  worker->cancel(second.number);
  EXPECT_EQ(second.end.get(), End::Cancelled);
  go.set_value();
  EXPECT_EQ(first.end.get(), End::Ran);
  close_and_wait(*worker);
}

TEST(ElixirWorker, ALateCancelNeverEndsAnotherJob) {
  const auto worker = opened();
  for (int round = 0; round < 500; ++round) {
    Posted done = post(*worker, [](Session& session) { run_sql(session, "SELECT 1"); });
    EXPECT_EQ(done.end.get(), End::Ran);
    std::thread late([&worker, number = done.number] { worker->cancel(number); });
    Posted next = post(*worker, [](Session& session) { run_sql(session, "SELECT 2"); });
    EXPECT_EQ(next.end.get(), End::Ran);
    late.join();
  }
  close_and_wait(*worker);
}

TEST(ElixirWorker, CloseAnswersAllThatWaitsAndEndsWhatRuns) {
  const auto worker = opened();
  std::promise<void> running;
  Posted endless = post(*worker, [&running](Session& session) {
    running.set_value();
    run_sql(session, kEndless);
  });
  Posted waiting = post(*worker, [](Session&) {});
  running.get_future().wait();
  close_and_wait(*worker);
  EXPECT_EQ(endless.end.get(), End::Interrupted);
  EXPECT_EQ(waiting.end.get(), End::Closed);
  EXPECT_EQ(post(*worker, [](Session&) {}).number, 0u);
  bool told = false;
  worker->close([&told] { told = true; });
  EXPECT_TRUE(told) << "a second close has nothing to wait for";
}

// The client closes as soon as it has its answer: that must not interrupt the checkpoint of the last connection.
TEST(ElixirWorker, ACloseRightAfterAnAnswerLeavesNoLogBehind) {
  const test::TemporaryDirectory directory;
  for (int round = 0; round < 30; ++round) {
    const std::string path = directory.file(std::string("t").append(std::to_string(round)));
    const auto worker = Worker::create();
    Posted work = post(*worker, [&path](Session& session) {
      OpenOptions options;
      options.database = path;
      session.open(options);
      run_sql(session, "CREATE TABLE t (a)");
    });
    EXPECT_EQ(work.end.get(), End::Ran);
    close_and_wait(*worker);
    EXPECT_FALSE(std::filesystem::exists(path + "-wal")) << round;
  }
}

TEST(ElixirWorker, TheQueueIsBounded) {
  const auto worker = Worker::create(2);
  std::promise<void> running, go;
  Posted first = post(*worker, [&](Session&) {
    running.set_value();
    go.get_future().wait();
  });
  running.get_future().wait();
  Posted second = post(*worker, [](Session&) {}), third = post(*worker, [](Session&) {});
  EXPECT_EQ(post(*worker, [](Session&) {}).number, 0u);
  go.set_value();
  EXPECT_EQ(third.end.get(), End::Ran);
  close_and_wait(*worker);
}

TEST(ElixirWorker, ARegistrysNumbersAreNeverUsedTwice) {
  Registry& registry = Registry::instance();
  const std::uint64_t one = registry.add(Worker::create());
  EXPECT_NE(registry.take(one), nullptr);
  EXPECT_EQ(registry.take(one), nullptr);
  EXPECT_EQ(registry.find(one), nullptr);
  const std::uint64_t two = registry.add(Worker::create());
  EXPECT_GT(two, one);
  registry.take(two);
}

// Threads as schedulers: all that clients can do at once, on connections that come and go.
TEST(ElixirWorker, CallsCancelsInterruptsAndClosesMayRace) {
  const std::size_t threads_before = Worker::threads_alive();
  std::atomic<int> posted{0}, answered{0}, spurious{0};
  std::vector<std::thread> schedulers;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    schedulers.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int round = 0; round < 25; ++round) {
        const auto worker = opened();
        std::vector<std::uint64_t> numbers;
        for (int i = 0; i < 8; ++i) {
          const bool endless = random() % 2 == 0;
          const std::uint64_t number = worker->post(
              std::make_unique<Task>([endless](Session& session) { run_sql(session, endless ? kEndless : "SELECT 1"); },
                                     [&, endless](End end) {
                                       ++answered;
                                       // Nothing ends the short ones but interrupt_running() and the end of the
                                       // connection.
                                       if (!endless && end == End::Failed) ++spurious;
                                     }));
          if (number == 0) continue;
          ++posted;
          numbers.push_back(number);
        }
        std::thread other([&] {
          for (const std::uint64_t number : numbers) worker->cancel(number);
        });
        if (random() % 2 == 0) worker->interrupt_running();
        if (random() % 2 == 0) {
          for (const std::uint64_t number : numbers) worker->cancel(number);
        }
        worker->close();
        other.join();
      }
    });
  }
  for (std::thread& scheduler : schedulers) scheduler.join();
  EXPECT_TRUE(test::eventually([&] { return Worker::threads_alive() <= threads_before; }));
  EXPECT_EQ(answered, posted) << "each job is answered exactly once";
  EXPECT_EQ(spurious, 0);
}

}  // namespace
}  // namespace libsql::beam

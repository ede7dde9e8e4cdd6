// A process with a Writer is killed in the middle of its work, over and over: what it was told to be committed is
// there.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <libsql/libsql.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 20;
constexpr int kThreads = 4;

// Commits numbers of its own for ever, and says each one on the pipe once it is acknowledged.
[[noreturn]] void work(const std::string& path, int pipe, std::int64_t first) {
  try {
    const Database db = Builder::local(path).busy_timeout(30s).build();
    Writer writer = db.writer();
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (std::int64_t number = first + i;; number += kThreads) {
          writer.run([&](Connection& conn) {
            conn.execute("INSERT INTO t VALUES(?)", number);
            conn.execute("UPDATE total SET n = n + 1");
          });
          if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(2);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  } catch (const std::exception&) {
  }
  ::_exit(1);
}

TEST(WriterCrash, KilledProcessLosesNoAcknowledgedCommit) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("test.db");
  {
    Connection conn = Builder::local(path).build().connect();
    conn.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE total(n); INSERT INTO total VALUES(0)");
  }
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      work(path, ends[1], 1'000'000LL * (round + 1));
    }
    ::close(ends[1]);
    // Kill it after some acknowledgements, at a place in its work that differs from round to round.
    std::int64_t number = 0;
    for (int i = 0; i < 10 + 7 * (round % 5); ++i) {
      ASSERT_EQ(::read(ends[0], &number, sizeof number), static_cast<ssize_t>(sizeof number));
      acknowledged.insert(number);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(137 * round));  // a moment that nobody chooses
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(ends[0], &number, sizeof number) == static_cast<ssize_t>(sizeof number)) acknowledged.insert(number);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";

    Connection conn = Builder::local(path).build().connect();
    ASSERT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
    std::set<std::int64_t> stored;
    for (const auto [a] : conn.query<std::int64_t>("SELECT a FROM t")) stored.insert(a);
    for (const std::int64_t one : acknowledged) ASSERT_TRUE(stored.contains(one)) << "lost: " << one;
    // Each job is whole: its row and its count came together.
    ASSERT_EQ(conn.query_value<std::int64_t>("SELECT n FROM total"), static_cast<std::int64_t>(stored.size()));
  }
  EXPECT_GT(acknowledged.size(), static_cast<std::size_t>(kRounds));
}

TEST(WriterCrash, ProcessesAndThreadsTakeTurnsWithoutBusy) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("test.db");
  Builder::local(path).build().connect().execute("CREATE TABLE t(a)");
  constexpr int kProcesses = 4;
  constexpr int kWriters = 8;
  constexpr int kEach = 20;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    int failures = 0;
    try {
      const Database db = Builder::local(path).writers_in_line().busy_timeout(60s).build();
      Writer writer = db.writer({.timeout = 60s});
      std::vector<std::thread> threads;
      std::atomic<int> failed = 0;
      for (int i = 0; i < kWriters; ++i) {
        threads.emplace_back([&, i] {
          try {
            Connection conn = db.connect();
            for (int n = 0; n < kEach; ++n) {
              if (i % 2 == 0) {
                conn.execute("INSERT INTO t VALUES(?)", n);
              } else {
                writer.execute("INSERT INTO t VALUES(?)", n);
              }
            }
          } catch (const std::exception&) {
            ++failed;
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      failures = failed;
    } catch (const std::exception&) {
      failures = 100;
    }
    ::_exit(failures);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "failures: " << WEXITSTATUS(status);
  }
  Connection conn = Builder::local(path).build().connect();
  EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM t"), kProcesses * kWriters * kEach);
  EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
  conn.close();
}

}  // namespace
}  // namespace libsql

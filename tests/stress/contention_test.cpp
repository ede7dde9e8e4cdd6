// Many threads of several processes write to one file: nobody sees Busy before its deadline, and no update is lost.
#include <chrono>
#include <cstdint>
#include <libsql/libsql.hpp>
#include <string>
#include <vector>

#include "stress/child.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using test::Child;
using namespace std::chrono_literals;

TEST(Contention, EightThreadsInFourProcessesSeeNoBusyAndLoseNothing) {
  constexpr int kProcesses = 4;
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  const libsql::test::TemporaryDirectory directory;
  const std::string path = directory.file("counter.db");
  const Database db = Builder::local(path).build();
  Connection conn = db.connect();
  conn.execute_batch("CREATE TABLE counter(n INT); INSERT INTO counter VALUES(0)");
  std::vector<Child> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.emplace_back(std::vector<std::string>{LIBSQL_STRESS_WORKER, "contend", path, std::to_string(kThreads),
                                                   std::to_string(kEach), "60000"});
  }
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(conn.query_value<std::int64_t>("SELECT n FROM counter"), kProcesses * kThreads * kEach);
  EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
}

TEST(Contention, BusyComesAfterTheBusyTimeoutAndNotBefore) {
  const libsql::test::TemporaryDirectory directory;
  const std::string path = directory.file("held.db");
  const Database db = Builder::local(path).busy_timeout(150ms).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  Child holder({LIBSQL_STRESS_WORKER, "hold", path});
  char held = 0;
  ASSERT_TRUE(holder.read(&held, 1));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES(1)"), Busy);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 150ms);
  EXPECT_THROW(conn.transaction(TransactionBehavior::Immediate), Busy);
  EXPECT_EQ(conn.query_value<std::int64_t>("SELECT count(*) FROM t"), 0) << "readers go on";
  holder.end_input();
  EXPECT_EQ(holder.wait(), 0);
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES(1)"), 1u);
}

}  // namespace
}  // namespace libsql

#include <gtest/gtest.h>

#include <filesystem>
#include <libsql/libsql.hpp>
#include <optional>

#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

class WalTest : public testing::Test {
 protected:
  Database open(const std::string& name) {
    return Builder::local(directory_.file(name)).pragma("wal_autocheckpoint", 0).build();
  }
  test::TemporaryDirectory directory_;
};

TEST_F(WalTest, FramesOfOneDatabaseMakeACopyOfIt) {
  Connection source = open("source.db").connect();
  Connection target = open("target.db").connect();
  source.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  source.execute_many("INSERT INTO t(a) VALUES(?)", std::vector<int>{1, 2, 3});
  const Wal from(source);
  Wal to(target);
  WalInsert insert = to.insert();
  for (std::uint32_t number = 1; number <= from.frame_count(); ++number) insert.frame(number, from.frame(number));
  EXPECT_EQ(insert.committed_frame(), from.frame_count());
  insert.end();
  EXPECT_EQ(target.query_value<std::int64_t>("SELECT sum(a) FROM t"), 6);
  EXPECT_EQ(to.page(2), from.page(2));
  EXPECT_TRUE(to.checkpoint(WalCheckpointMode::Truncate).complete());
  EXPECT_EQ(to.frame_count(), 0u);
}

TEST_F(WalTest, InsertSessionEndsWithItsConnection) {
  Connection other = open("a.db").connect();
  other.execute("CREATE TABLE t(a)");
  std::optional<Connection> conn(open("a.db").connect());
  Wal wal(*conn);
  WalInsert first = wal.insert();
  EXPECT_THROW(conn->execute("INSERT INTO t VALUES(1)"), ReadOnly);
  conn->reset();
  EXPECT_THROW(first.frame(1, {}), Misuse);
  EXPECT_EQ(other.execute("INSERT INTO t VALUES(1)"), 1u);  // the lock is free
  WalInsert second = wal.insert();
  const WalCheckpointGuard guard = wal.disable_checkpoint();
  conn->close();
  EXPECT_THROW(second.frame(1, {}), Misuse);
  EXPECT_THROW(second.end(), Misuse);
  EXPECT_EQ(second.max_frame(), 0u);
  EXPECT_EQ(other.execute("INSERT INTO t VALUES(2)"), 1u);
  conn.reset();
  EXPECT_THROW(wal.state(), Misuse);
}

TEST_F(WalTest, CloseLeavesTheLogAloneWhileAGuardLives) {
  const std::string log = directory_.file("a.db-wal");
  Connection conn = open("a.db").connect();
  Wal wal(conn);
  std::optional<WalCheckpointGuard> guard(wal.disable_checkpoint());
  conn.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  const auto size = std::filesystem::file_size(log);
  ASSERT_GT(size, 0u);
  conn.close();
  ASSERT_TRUE(std::filesystem::exists(log));
  EXPECT_EQ(std::filesystem::file_size(log), size);
  guard.reset();
  EXPECT_EQ(std::filesystem::file_size(log), size);

  Connection next = open("a.db").connect();
  EXPECT_EQ(next.query_value<int>("SELECT a FROM t"), 1);
  { const WalCheckpointGuard ended = Wal(next).disable_checkpoint(); }
  next.close();
  EXPECT_FALSE(std::filesystem::exists(log)) << "without one it is checkpointed and removed";
}

TEST_F(WalTest, InsertSessionKeepsItsSessionAlive) {
  std::optional<WalInsert> insert;
  {
    Connection conn = open("a.db").connect();
    conn.execute("CREATE TABLE t(a)");
    insert = Wal(conn).insert();
  }
  Connection other =
      Builder::local(directory_.file("a.db")).busy_timeout(std::chrono::milliseconds(0)).build().connect();
  EXPECT_THROW(other.execute("INSERT INTO t VALUES(1)"), Busy);
  insert.reset();
  EXPECT_EQ(other.execute("INSERT INTO t VALUES(1)"), 1u);
}

TEST_F(WalTest, InMemoryDatabaseHasALog) {
  Connection conn = Builder::local(":memory:").build().connect();
  conn.execute("CREATE TABLE t(a)");
  EXPECT_EQ(Wal(conn).frame_count(), 2u);
  Wal(conn).insert().end();
}

TEST_F(WalTest, AnotherJournalModeHasNoLog) {
  Connection conn = Builder::local(":memory:").pragma("journal_mode", "delete").build().connect();
  Wal wal(conn);
  EXPECT_EQ(wal.state(), WalState{});
  EXPECT_THROW(wal.insert(), Unsupported);
}

}  // namespace
}  // namespace libsql

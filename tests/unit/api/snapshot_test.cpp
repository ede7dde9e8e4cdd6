#include <libsql/snapshot.hpp>

#include <thread>
#include <vector>

#include "unit/api/file_fixture.hpp"

namespace libsql {
namespace {

using SnapshotTest = FileTest;

std::int64_t rows(Connection& conn) { return conn.query_value<std::int64_t>("SELECT count(*) FROM t"); }

TEST_F(SnapshotTest, OtherConnectionsReadTheStateThatOneSaw) {
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  conn.execute("INSERT INTO t VALUES(1)");
  const Snapshot one = conn.snapshot();
  EXPECT_TRUE(conn.is_autocommit());
  conn.execute("INSERT INTO t VALUES(2)");
  const Snapshot two = conn.snapshot();
  conn.execute("ALTER TABLE t ADD COLUMN b");
  conn.execute("INSERT INTO t VALUES(3, 3)");

  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      Connection reader = db.connect();
      EXPECT_EQ(rows(reader), 3);
      {
        Transaction tx = reader.transaction_at(one);
        EXPECT_EQ(rows(*tx.operator->()), 1);
        EXPECT_EQ(tx->prepare("SELECT * FROM t").columns().size(), 1u);
        EXPECT_THROW(tx->execute("INSERT INTO t VALUES(9)"), ReadOnly);
        tx.commit();
      }
      Transaction tx = reader.transaction_at(two);
      EXPECT_EQ(rows(reader), 2);
      tx.rollback();
      EXPECT_EQ(rows(reader), 3);
      EXPECT_TRUE(reader.is_autocommit());
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES(4, 4)"), 1u);
}

TEST_F(SnapshotTest, SnapshotOutlivesCheckpointsAsLongAsItIsHeld) {
  const Database db = Builder::local(file()).busy_timeout(std::chrono::milliseconds(20)).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  conn.execute("INSERT INTO t VALUES(1)");
  Snapshot snapshot = conn.snapshot();
  conn.execute("INSERT INTO t SELECT a + 1 FROM t");
  Wal wal(conn);
  EXPECT_FALSE(wal.checkpoint(WalCheckpointMode::Passive).complete());
  EXPECT_THROW(wal.checkpoint(WalCheckpointMode::Truncate), Busy);
  Connection reader = db.connect();
  {
    const Snapshot copy = snapshot;
    snapshot = conn.snapshot();  // the first one lives on in its copy
    EXPECT_FALSE(wal.checkpoint(WalCheckpointMode::Passive).complete());
    Transaction tx = reader.transaction_at(copy);
    EXPECT_EQ(rows(reader), 1);
  }
  EXPECT_TRUE(wal.checkpoint(WalCheckpointMode::Passive).complete());
  Transaction tx = reader.transaction_at(snapshot);
  EXPECT_EQ(rows(reader), 2);
}

TEST_F(SnapshotTest, SnapshotOfAnEmptyLogIsKept) {
  {
    Connection conn = Builder::local(file()).build().connect();
    conn.execute("CREATE TABLE t(a)");
    conn.execute("PRAGMA user_version=7");
  }
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  for (int round = 0; round < 2; ++round) {
    const Snapshot snapshot = conn.snapshot();
    Connection other = db.connect();
    other.execute("INSERT INTO t VALUES(1)");
    Transaction tx = conn.transaction_at(snapshot);
    EXPECT_EQ(rows(conn), round);
    EXPECT_EQ(rows(other), round + 1);
  }
  EXPECT_EQ(conn.query_value<std::int64_t>("PRAGMA user_version"), 7);
  EXPECT_TRUE(Wal(conn).checkpoint(WalCheckpointMode::Truncate).complete());
  const Snapshot again = conn.snapshot();
  Transaction tx = conn.transaction_at(again);
  EXPECT_EQ(rows(conn), 2);
}

TEST_F(SnapshotTest, SnapshotIsTheOneOfTheOpenTransaction) {
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  Connection other = db.connect();
  Transaction tx = conn.transaction();
  EXPECT_EQ(rows(conn), 0);
  other.execute("INSERT INTO t VALUES(1)");
  const Snapshot snapshot = conn.snapshot();
  EXPECT_EQ(rows(conn), 0);
  Transaction at = other.transaction_at(snapshot);
  EXPECT_EQ(rows(other), 0);
}

TEST_F(SnapshotTest, WhatCannotBeDoneThrows) {
  const Database db = Builder::local(file()).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  const Snapshot snapshot = conn.snapshot();
  {
    Transaction tx = conn.transaction(TransactionBehavior::Immediate);
    EXPECT_THROW(conn.snapshot(), Misuse);
    EXPECT_THROW(conn.transaction_at(snapshot), Misuse);
  }
  Connection stranger = Builder::local(file("other.db")).build().connect();
  EXPECT_THROW(stranger.transaction_at(snapshot), Misuse);
  Connection temporary = Builder::local("").build().connect();
  EXPECT_THROW(temporary.snapshot(), Unsupported);
  Connection journal = Builder::local(file("delete.db")).pragma("journal_mode", "delete").build().connect();
  EXPECT_THROW(journal.snapshot(), Unsupported);
  EXPECT_TRUE(journal.is_autocommit());
}

TEST_F(SnapshotTest, AnotherDatabaseObjectOfTheSameFileCanReadIt) {
  Connection conn = Builder::local(file()).build().connect();
  conn.execute("CREATE TABLE t(a)");
  const Snapshot snapshot = conn.snapshot();
  conn.execute("INSERT INTO t VALUES(1)");
  std::filesystem::create_symlink(file(), file("link.db"));
  Connection other = Builder::local(file("link.db")).build().connect();
  EXPECT_EQ(rows(other), 1);
  Transaction tx = other.transaction_at(snapshot);
  EXPECT_EQ(rows(other), 0);
}

TEST_F(SnapshotTest, DatabaseInMemoryHasSnapshots) {
  const Database db = Builder::local(":memory:").writers_in_line().build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  const Snapshot snapshot = conn.snapshot();
  Connection other = db.connect();
  other.execute("INSERT INTO t VALUES(1)");
  EXPECT_EQ(rows(other), 1);
  Transaction tx = other.transaction_at(snapshot);
  EXPECT_EQ(rows(other), 0);
}

}  // namespace
}  // namespace libsql

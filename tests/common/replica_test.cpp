// What only replicas have, against a server in this process.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/primary_log.hpp"
#include "support/primary_server.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

class ReplicaOfServer : public PrimaryServerTest {
 protected:
  ReplicaBuilder builder(const char* file = "copy.db") const {
    return Builder::remote_replica(directory_.file(file), url()).proxy(std::nullopt).busy_timeout(200ms);
  }
  Connection at_primary() const { return Builder::remote(url()).proxy(std::nullopt).build().connect(); }
  static int count(Connection& conn) { return conn.query_value<int>("SELECT count(*) FROM t"); }
};

TEST_F(ReplicaOfServer, OpensWithoutTheServerOnceItHasACopy) {
  stop();
  EXPECT_THROW(builder().build(), Network) << "there is nothing to read";
  EXPECT_NO_THROW(builder("later.db").first_sync(FirstSync::Later).build());
  start();
  at_primary().execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  {
    Connection conn = builder().build().connect();
    EXPECT_EQ(count(conn), 1);
  }
  stop();
  Database db = builder().build();
  Connection conn = db.connect();
  EXPECT_EQ(count(conn), 1);
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (2)"), Network);
  EXPECT_EQ(count(conn), 1) << "a write that was not made holds no read up";
  EXPECT_THROW(db.replica().sync(), Network);
  EXPECT_EQ(db.replica().health().state, ReplicaState::Failing);
  EXPECT_THROW(builder().first_sync(FirstSync::Always).build(), Network);
  start();
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES (2)"), 1u);
  EXPECT_EQ(count(conn), 2);
  EXPECT_EQ(db.replica().health().state, ReplicaState::Ready);
}

TEST_F(ReplicaOfServer, AnotherReplicaHasTheWritesWhoseFrameItHas) {
  Database writer = builder("a.db").build();
  Database reader = builder("b.db").build();
  Connection conn = writer.connect();
  EXPECT_EQ(writer.replica().max_write_replication_index(), std::nullopt);
  conn.execute("CREATE TABLE t(a)");
  conn.execute("INSERT INTO t VALUES (1)");
  const std::optional<FrameNumber> written = writer.replica().max_write_replication_index();
  ASSERT_TRUE(written);
  const SyncReport report = reader.replica().sync_until(*written);
  EXPECT_GE(report.frame_no, written);
  EXPECT_GT(report.frames_synced, 0u);
  EXPECT_GT(report.bytes_received, 0u);
  Connection other = reader.connect();
  EXPECT_EQ(count(other), 1);
  EXPECT_EQ(reader.replica().sync_until(0).frames_synced, 0u);
  EXPECT_THROW(reader.replica().sync_until(*written + 1000), OutOfRange);
  EXPECT_EQ(reader.replica().freshness().frame_no, reader.replica().replication_index());
  EXPECT_TRUE(reader.replica().freshness().age.has_value());
}

TEST_F(ReplicaOfServer, SchemaChangesAndDataOfASyncAreToldApart) {
  at_primary().execute("CREATE TABLE t(a)");
  Database db = builder().build();
  Connection conn = db.connect();
  ChangeStream stream(conn);
  at_primary().execute("INSERT INTO t VALUES (1)");
  db.replica().sync();
  std::optional<ChangeSet> set = stream.next();
  ASSERT_TRUE(set && set->synced);
  EXPECT_FALSE(set->synced->schema_changed);
  EXPECT_EQ(set->synced->frame_no, db.replica().replication_index());
  at_primary().execute("CREATE INDEX i ON t(a)");
  db.replica().sync();
  set = stream.next();
  ASSERT_TRUE(set && set->synced);
  EXPECT_TRUE(set->synced->schema_changed);
  db.replica().sync();
  EXPECT_FALSE(stream.next()) << "nothing came";
}

TEST_F(ReplicaOfServer, TheBackgroundFollows) {
  at_primary().execute("CREATE TABLE t(a)");
  std::promise<void> failed;
  std::promise<void> recovered;
  Database db = builder()
                    .sync_interval(1ms)
                    .on_sync([&, once = 0](const SyncEvent& event) mutable {
                      if (once == 0 && event.failure != nullptr) failed.set_value(), ++once;
                      if (once == 1 && event.failure == nullptr) recovered.set_value(), ++once;
                    })
                    .build();
  Connection conn = db.connect();
  at_primary().execute("INSERT INTO t VALUES (1)");
  ChangeStream stream(conn);
  while (count(conn) == 0) static_cast<void>(stream.wait(60s));
  stop();
  failed.get_future().get();
  EXPECT_EQ(count(conn), 1);
  EXPECT_GE(db.replica().health().failures, 1u);
  EXPECT_NE(db.replica().health().last_error, "");
  start();
  recovered.get_future().get();
}

TEST_F(ReplicaOfServer, ManyThreadsReadTheirOwnWrites) {
  at_primary().execute("CREATE TABLE t(a INTEGER PRIMARY KEY)");
  Database db = builder().build();
  std::vector<std::thread> threads;
  std::atomic<int> missed = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      Connection conn = db.connect();
      for (int i = 0; i < 20; ++i) {
        const int key = thread * 100 + i;
        conn.execute("INSERT INTO t VALUES (?)", key);
        if (conn.query_value<int>("SELECT count(*) FROM t WHERE a = ?", key) != 1) ++missed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missed, 0);
  Connection conn = db.connect();
  EXPECT_EQ(count(conn), 80);
}

TEST_F(ReplicaOfServer, FreezeLeavesAnOrdinaryDatabaseWithItsEncryption) {
  at_primary().execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES ('a word to be kept')");
  Database db = builder().encryption(Encryption("the key")).build();
  Database plain = db.replica().freeze();
  EXPECT_EQ(plain.connect().execute("INSERT INTO t VALUES (2)"), 1u);
  EXPECT_EQ(db.replica().health().state, ReplicaState::Frozen);
  Connection alone = Builder::local(directory_.file("copy.db")).encryption(Encryption("the key")).build().connect();
  EXPECT_EQ(count(alone), 2);
  EXPECT_THROW(Builder::local(directory_.file("copy.db")).build().connect(), NotADatabase);
}

TEST_F(ReplicaOfServer, IsOpenedByItsUrlAndItsFile) {
  at_primary().execute("CREATE TABLE t(a)");
  Connection conn = connect(url(), {.replica_file = directory_.file("copy.db")});
  EXPECT_EQ(conn.capabilities().mode, Mode::Replica);
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(count(conn), 1);
  const auto open = [&](UrlSettings settings) {
    settings.replica_file = directory_.file("other.db");
    return Builder::from_url(url(), settings);
  };
  EXPECT_NO_THROW(open({.encryption = Encryption("key"), .sync_interval = 1h, .read_your_writes = false}));
  EXPECT_THROW(open({.read_only = true}), Configuration);
  EXPECT_THROW(open({.pragmas = {{"cache_size", 5}}}), Configuration);
  EXPECT_THROW(open({.double_quoted_strings = DoubleQuotedStrings::On}), Configuration);
  EXPECT_THROW(Builder::from_url(url(), {.sync_interval = 1h}), Configuration);
  EXPECT_THROW(Builder::from_url(directory_.file("x.db"), {.read_your_writes = true}), Configuration);
  EXPECT_THROW(Builder::from_url(directory_.file("x.db"), {.replica_file = "y.db"}), Configuration);
}

TEST_F(ReplicaOfServer, AHookMayChangeTheHeadersOfSyncsAndOfWrites) {
  std::atomic<int> syncs = 0;
  std::atomic<int> writes = 0;
  std::atomic<bool> breaks = false;
  Database db = builder()
                    .request_hook([&](std::vector<std::pair<std::string, std::string>>& headers) {
                      bool grpc = false;
                      for (const auto& [name, value] : headers) grpc |= value.starts_with("application/grpc-web");
                      ++(grpc ? syncs : writes);
                      headers.emplace_back("x-of-the-program", breaks ? "two\nlines" : "one");
                    })
                    .build();
  EXPECT_GT(syncs, 0);
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(a)");
  EXPECT_GT(writes, 0);
  breaks = true;
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), Configuration);
  EXPECT_THROW(db.replica().sync(), Configuration);
  breaks = false;
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES (1)"), 1u);
  EXPECT_EQ(count(conn), 1);
}

TEST_F(ReplicaOfServer, OptionsThatCannotHoldAreRefused) {
  EXPECT_THROW(builder().sync_interval(0ms).build(), Configuration);
  EXPECT_THROW(builder().sync_deadline(-1ms).build(), Configuration);
  EXPECT_THROW(builder().protocol(SyncProtocol::V2).build(), Unsupported);
  EXPECT_NO_THROW(builder().protocol(SyncProtocol::V1).build());
  const Replica replica = builder().build().replica();
  SyncOptions options;
  options.deadline = 0ms;
  EXPECT_THROW(replica.sync(options), Configuration);
  EXPECT_THROW(replica.sync_frames({}), Misuse);
  EXPECT_THROW(replica.sync_snapshot({}), Misuse);
  Cancellation cancellation;
  cancellation.cancel();
  EXPECT_TRUE(cancellation.is_cancelled());
  options = {.deadline = std::nullopt, .progress = nullptr, .cancellation = cancellation};
  EXPECT_THROW(replica.sync(options), Interrupted);
}

// What core/feature.cpp says of replicas, on a real one.
TEST_F(ReplicaOfServer, OffersWhatReadsItsFileAndRefusesWhatWritesIt) {
  at_primary().execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (x'0102')");
  Database db = builder().build();
  Connection conn = db.connect();
  EXPECT_EQ(conn.capabilities().mode, Mode::Replica);
  EXPECT_TRUE(conn.capabilities().user_functions);
  EXPECT_TRUE(conn.capabilities().column_origins);
  EXPECT_EQ(conn.prepare("SELECT a FROM t").columns()[0].table, "t");
  EXPECT_EQ(BlobHandle(conn, {.table = "t", .column = "a", .rowid = 1}).read_all().size(), 2u);
  EXPECT_FALSE(serialize(conn).bytes().empty());
  EXPECT_EQ(backup(conn, std::filesystem::path(directory_.file("saved.db"))), BackupOutcome::Completed);
  EXPECT_NO_THROW(static_cast<void>(Wal(conn).state()));
  EXPECT_NO_THROW(conn.limit(Limit::Attached, conn.limit(Limit::Attached)));
  const SerializedDatabase other = serialize(Builder::local(":memory:").build().connect());
  const std::vector<std::function<void()>> refused = {
      [&] { BlobHandle(conn, {.table = "t", .column = "a", .rowid = 1}, BlobMode::ReadWrite).close(); },
      [&] { deserialize(conn, other.bytes()); },
      [&] { restore(conn, other.bytes()); },
      [&] { conn.rekey("x"); },
      [&] { conn.set_reserved_bytes(16); },
      [&] { conn.cacheflush(); },
      [&] { conn.snapshot(); },
      [&] { Wal(conn).insert().end(); },
      [&] { Wal(conn).checkpoint(WalCheckpointMode::Truncate); },
      [&] { static_cast<void>(Wal(conn).disable_checkpoint()); },
      [&] { Hooks(conn).on_update([](const UpdateEvent&) {}).release(); },
      [&] { Hooks(conn).on_commit([] { return CommitVerdict::Commit; }).release(); },
      [&] { static_cast<void>(db.writer()); },
  };
  for (std::size_t i = 0; i < refused.size(); ++i) {
    const Unsupported error = error_of<Unsupported>(refused[i]);
    EXPECT_EQ(error.mode(), "replica") << i << ": " << error.what();
  }
  db.replica().sync();
  EXPECT_TRUE(db.replica().health().repairs.empty()) << "nobody has written to the file";
}

TEST_F(ReplicaOfServer, APoolReadsHereAndWritesThere) {
  at_primary().execute("CREATE TABLE t(a)");
  Database db = builder().build();
  Pool pool(db, {.max_size = 3, .routing = PoolRouting::OneWriter});
  pool.with([](Connection& conn) { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_EQ(pool.with_read([](Connection& conn) { return count(conn); }), 1);
  EXPECT_THROW(pool.with_read([](Connection& conn) { conn.execute("DELETE FROM t"); }), ReadOnly);
  EXPECT_EQ(pool.with_read([](Connection& conn) { return count(conn); }), 1);
}

TEST_F(ReplicaOfServer, AStatementOfALostTransactionIsNotRunOnTheCopy) {
  at_primary().execute("CREATE TABLE t(a)");
  Database db = builder().build();
  Connection conn = db.connect();
  for (const bool by_text : {false, true}) {
    std::optional<Transaction> tx;
    if (by_text) {
      conn.execute("BEGIN");
    } else {
      tx.emplace(conn.transaction());
    }
    conn.execute("INSERT INTO t VALUES (1)");
    stop();
    start();
    EXPECT_THROW(conn.execute("INSERT INTO t VALUES (2)"), Error);
    EXPECT_THROW(count(conn), TransactionLost);
    if (by_text) {
      conn.execute("ROLLBACK");
    } else {
      EXPECT_THROW(tx->commit(), TransactionLost);
      tx->rollback();
    }
    EXPECT_EQ(count(conn), 0);
  }
}

TEST_F(ReplicaOfServer, ALocalReplicaIsNotWrittenAndHasNoPrimary) {
  Database db = Builder::local_replica(directory_.file("fed.db")).build();
  Connection conn = db.connect();
  EXPECT_EQ(conn.capabilities().mode, Mode::Replica);
  EXPECT_THROW(conn.execute("CREATE TABLE t(a)"), ReadOnly);
  EXPECT_THROW(db.replica().sync(), Misuse);
  EXPECT_THROW(db.replica().sync_frames(Blob(100)), Misuse);
  EXPECT_EQ(db.replica().replication_index(), std::nullopt);
  EXPECT_EQ(db.replica().flush_replicator().frame_no, std::nullopt);
}

TEST_F(ReplicaOfServer, ALocalReplicaTakesTransactionsInPartsAndShowsThemWhole) {
  PrimaryLog log;
  log.commit("CREATE TABLE t(a)");
  const std::size_t first = log.frames.size();
  log.commit("INSERT INTO t VALUES (zeroblob(20000))");
  ASSERT_GE(log.frames.size(), first + 4);
  const std::vector<std::byte> all = log.bytes();
  const auto part = [&](std::size_t from, std::size_t to) {
    return BlobView(all).subspan(from * 4120, (to - from) * 4120);
  };
  Database db = Builder::local_replica(directory_.file("fed.db")).build();
  const Replica replica = db.replica();
  EXPECT_EQ(replica.sync_frames(part(0, first + 1)).frame_no, first - 1);
  Connection conn = db.connect();
  EXPECT_EQ(count(conn), 0);
  for (std::size_t i = first + 1; i + 1 < log.frames.size(); ++i) {
    replica.sync_frames(part(i, i + 1));
    EXPECT_EQ(count(conn), 0);
  }
  EXPECT_EQ(replica.sync_frames(part(log.frames.size() - 1, log.frames.size())).frame_no, log.last());
  EXPECT_EQ(count(conn), 1);
  EXPECT_EQ(replica.sync_frames(part(0, log.frames.size())).frames_synced, 0u) << "they are there";
  EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace libsql::test

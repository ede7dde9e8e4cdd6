// A replica's session: what runs on the copy, what runs at the primary, and what a program sees of it.
#include "replica/session.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <libsql/libsql.hpp>

#include "engine/statement.hpp"
#include "support/expect_error.hpp"

#include "unit/replica/fake_source.hpp"

namespace libsql {
namespace {

using test::error_of;

class ReplicaSession : public ::testing::Test {
 protected:
  void SetUp() override {
    conn_.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one')");
    conn_.query_value<int>("SELECT count(*) FROM t");
    fake_.source->syncs = 0;
  }
  static int count(Connection& conn) { return conn.query_value<int>("SELECT count(*) FROM t"); }

  test::FakeReplica fake_;
  Connection conn_ = fake_.connect();
};

TEST_F(ReplicaSession, ReadsTheCopyAndWritesAtThePrimary) {
  Connection primary = fake_.connect_to_primary();
  Connection copy = fake_.connect_to_copy();
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (2, 'two')"), 1u);
  EXPECT_EQ(count(primary), 2);
  EXPECT_EQ(count(copy), 1);
  EXPECT_EQ(fake_.source->syncs, 0) << "a write brings nothing by itself";
  EXPECT_EQ(count(conn_), 2);
  EXPECT_EQ(fake_.source->syncs, 1);
  EXPECT_EQ(count(conn_), 2);
  EXPECT_EQ(fake_.source->syncs, 1) << "what is there is not asked for again";
}

TEST_F(ReplicaSession, OtherSessionsOfTheDatabaseSeeTheWriteToo) {
  Connection other = fake_.connect();
  conn_.execute("INSERT INTO t VALUES (2, 'two')");
  EXPECT_EQ(count(other), 2);
}

TEST_F(ReplicaSession, PullsAfterAWriteWhoseFrameItWasNotTold) {
  fake_.tells = false;
  conn_.execute("INSERT INTO t VALUES (2, 'two')");
  EXPECT_EQ(count(conn_), 2);
  EXPECT_EQ(fake_.source->syncs, 1);
  EXPECT_EQ(count(conn_), 2);
  EXPECT_EQ(fake_.source->syncs, 1);
}

TEST_F(ReplicaSession, AReadThatCannotSeeOwnWritesFailsAndTheWriteStands) {
  conn_.execute("INSERT INTO t VALUES (2, 'two')");
  fake_.source->before_sync = [](const replica::SyncOrder&) { core::throw_error(ErrorCode::Network, "no route"); };
  EXPECT_THROW(count(conn_), Network);
  EXPECT_EQ(fake_.database().replica().health().state, ReplicaState::Failing);
  fake_.source->before_sync = nullptr;
  EXPECT_EQ(count(conn_), 2);
  EXPECT_EQ(fake_.database().replica().health().state, ReplicaState::Ready);
}

TEST_F(ReplicaSession, CountersAreThoseOfTheWritesWhereverTheyAreAsked) {
  conn_.execute("INSERT INTO t VALUES (7, 'a'), (9, 'b')");
  EXPECT_EQ(conn_.changes(), 2u);
  EXPECT_EQ(conn_.last_insert_rowid(), 9);
  EXPECT_EQ(conn_.query_value<int>("SELECT last_insert_rowid()"), 9);
  EXPECT_EQ(conn_.query_value<int>("SELECT changes()"), 2);
  EXPECT_EQ(conn_.query_value<int>("SELECT total_changes()"), static_cast<int>(conn_.total_changes()));
}

TEST_F(ReplicaSession, ATransactionThatMayWriteIsThePrimarysWithItsReads) {
  {
    Transaction tx = conn_.transaction();
    conn_.execute("INSERT INTO t VALUES (2, 'two')");
    EXPECT_EQ(count(conn_), 2) << "its own writes";
    EXPECT_EQ(fake_.source->syncs, 0);
    Connection copy = fake_.connect_to_copy();
    EXPECT_EQ(count(copy), 1);
  }
  EXPECT_EQ(count(conn_), 1);
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO t VALUES (3, 'three')");
  EXPECT_EQ(count(conn_), 2);
  conn_.execute("COMMIT");
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(conn_), 2);
}

TEST_F(ReplicaSession, AReadOnlyTransactionReadsOneStateOfTheCopyAndRefusesWritesThere) {
  for (const bool by_text : {false, true}) {
    fake_.connect_to_primary().execute("DELETE FROM t WHERE a > 1");
    fake_.database().replica().sync();
    std::optional<Transaction> tx;
    if (by_text) {
      conn_.execute("BEGIN READONLY");
    } else {
      tx.emplace(conn_.transaction(TransactionBehavior::ReadOnly));
    }
    EXPECT_EQ(count(conn_), 1);
    fake_.connect_to_primary().execute("INSERT INTO t VALUES (2, 'two')");
    fake_.database().replica().sync();
    EXPECT_EQ(count(conn_), 1);
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (5, 'five')"), ReadOnly);
    EXPECT_THROW(conn_.execute("ATTACH ':memory:' AS m"), ReadOnly);
    EXPECT_FALSE(conn_.is_autocommit());
    {
      Savepoint inner = conn_.savepoint("s");
      EXPECT_EQ(count(conn_), 1);
    }
    if (by_text) {
      conn_.execute("COMMIT");
    } else {
      tx->commit();
    }
    EXPECT_EQ(count(conn_), 2);
  }
}

TEST_F(ReplicaSession, AStatementRunsWhereItsTransactionIs) {
  Statement read = conn_.prepare("SELECT count(*) FROM t WHERE a >= ?");
  Statement write = conn_.prepare("INSERT INTO t VALUES (:a, :b) RETURNING a");
  EXPECT_EQ(write.parameter_count(), 2);
  EXPECT_EQ(write.columns().size(), 1u);
  EXPECT_FALSE(write.is_readonly());
  const auto counted = [&] { return std::get<0>(read.query_row<int>(0)); };
  EXPECT_EQ(counted(), 1);
  {
    Transaction tx = conn_.transaction();
    EXPECT_EQ(std::get<0>(write.query_row<int>(Params{{":a", 5}, {":b", "five"}})), 5);
    EXPECT_EQ(counted(), 2);
  }
  EXPECT_EQ(counted(), 1);
  EXPECT_EQ(std::get<0>(write.query_row<int>(Params{{":a", 6}, {":b", "six"}})), 6);
  EXPECT_EQ(counted(), 2);
}

TEST_F(ReplicaSession, RowsEndWithTheirStatementWhereverTheyComeFrom) {
  conn_.execute("INSERT INTO t VALUES (2, 'two'), (3, 'three')");
  Statement read = conn_.prepare("SELECT a FROM t ORDER BY a");
  Rows rows = read.query();
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(read.query(), Misuse) << "it is still running";
  conn_.reset();
  EXPECT_FALSE(rows.next());
  Rows more = conn_.query("SELECT a FROM t ORDER BY a");
  ASSERT_TRUE(more.next());
  detail::Access::session(conn_)->abandon("enough");
  EXPECT_THROW(more.next(), Misuse);
}

TEST_F(ReplicaSession, BatchesGoWholeToWhereTheyBelong) {
  const BatchResult read = conn_.execute_batch("SELECT a FROM t; SELECT b FROM t");
  EXPECT_EQ(read.size(), 2u);
  const BatchResult mixed =
      conn_.execute_batch("INSERT INTO t VALUES (2, 'two'); SELECT count(*) FROM t; DELETE FROM t WHERE a = 1");
  EXPECT_EQ(mixed[1].rows[0].get<int>(0), 2) << "it reads what the batch has written";
  EXPECT_EQ(count(conn_), 1);
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t VALUES (8, 1); INSERT INTO t VALUES (8, 2)"),
               Constraint);
  EXPECT_EQ(count(conn_), 1);
  EXPECT_EQ(conn_.execute_transactional_batch("SELECT 1; SELECT 2").size(), 2u);
  const std::vector<std::int64_t> keys = {20, 21};
  EXPECT_EQ(conn_.execute_many("INSERT INTO t(a) VALUES (?)", keys), 2u);
  EXPECT_EQ(count(conn_), 3);
}

TEST_F(ReplicaSession, ABatchMayBeginOnTheCopyAndEndAtThePrimary) {
  const BatchResult results = conn_.execute_batch(
      "BEGIN READONLY; SELECT count(*) FROM t; COMMIT; INSERT INTO t VALUES (2, 'two'); SELECT count(*) FROM t");
  ASSERT_EQ(results.size(), 5u);
  EXPECT_EQ(results[4].rows[0].get<int>(0), 2);
  const Constraint error = error_of<Constraint>([&] {
    conn_.execute_batch("BEGIN READONLY; SELECT count(*) FROM t; COMMIT; INSERT INTO t VALUES (2, 'again')");
  });
  EXPECT_EQ(error.statement_index(), 3u);
}

TEST_F(ReplicaSession, NoTextWritesTheCopysFile) {
  test::FakeReplica fake([](replica::StoreOptions& options) { options.read_your_writes = false; });
  Connection conn = fake.connect();
  conn.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one')");
  fake.database().replica().sync();
  // Whatever the primary says of them, nothing of it reaches the copy.
  for (const std::string text :
       {"CREATE TABLE x(a)", "WITH c AS (SELECT 5) INSERT INTO t SELECT 5, 6 FROM c", "PRAGMA user_version = 7",
        "PRAGMA application_id = 7", "CREATE TEMP TABLE y(a)", "REPLACE INTO t VALUES (1, 'uno')", "VACUUM", "ANALYZE",
        "REINDEX", "PRAGMA incremental_vacuum", "PRAGMA optimize", "DROP TABLE t", "; INSERT INTO t VALUES (3, 3)",
        "/* SELECT */ DELETE FROM t", "EXPLAIN INSERT INTO t VALUES (9, 9)"}) {
    const auto run = [&](const auto& how) {
      try {
        how();
      } catch (const Error&) {
      }
    };
    run([&] { conn.execute(text); });
    run([&] { conn.query(text); });
    run([&] { conn.prepare(text).execute(); });
    run([&] { conn.execute_batch(text); });
  }
  Connection copy = fake.connect_to_copy();
  EXPECT_EQ(count(copy), 1);
  EXPECT_EQ(copy.query_value<int>("PRAGMA user_version"), 0);
  EXPECT_EQ(copy.query_value<int>("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(ReplicaSession, AGuardHoldsOnTheCopyWhateverATextIsTakenFor) {
  core::Session& session = *detail::Access::session(conn_);
  engine::Connection& engine = *session.engine_connection();
  EXPECT_THROW(engine::Statement::prepare(engine, "INSERT INTO t VALUES (5, 5)", engine::Statement::Persistence::Once)
                   ->execute({}),
               ReadOnly);
  conn_.reset();
  EXPECT_THROW(engine::Statement::prepare(engine, "DELETE FROM t", engine::Statement::Persistence::Once)->execute({}),
               ReadOnly);
  engine::Statement::prepare(engine, "PRAGMA query_only=0", engine::Statement::Persistence::Once)->execute({});
  EXPECT_THROW(engine::Statement::prepare(engine, "DELETE FROM t", engine::Statement::Persistence::Once)->execute({}),
               ReadOnly);
  EXPECT_THROW(
      engine::Statement::prepare(engine, "CREATE TEMP TABLE x(a)", engine::Statement::Persistence::Once)->execute({}),
      ReadOnly);
}

TEST_F(ReplicaSession, WhatIsAboutTheFileIsRefused) {
  for (const char* const text : {"PRAGMA journal_mode = DELETE", "PRAGMA wal_checkpoint(TRUNCATE)",
                                 "PRAGMA wal_checkpoint", "PRAGMA rekey = 'x'", "PRAGMA key = 'x'",
                                 "PRAGMA main.journal_mode = OFF", "PRAGMA \"journal_mode\"(MEMORY)"}) {
    EXPECT_THROW(conn_.execute(text), Unsupported) << text;
    EXPECT_THROW(conn_.prepare(text), Unsupported) << text;
    EXPECT_THROW(conn_.query(text), Unsupported) << text;
    EXPECT_THROW(conn_.execute_batch(text), Unsupported) << text;
    Transaction tx = conn_.transaction();
    EXPECT_THROW(conn_.execute(text), Unsupported) << text;
    EXPECT_THROW(conn_.execute_batch(text), Unsupported) << text;
  }
  EXPECT_EQ(conn_.query_value<std::string>("PRAGMA journal_mode"), "wal");
}

TEST_F(ReplicaSession, SettingsHoldForReadsAndForWrites) {
  conn_.execute("PRAGMA foreign_keys = OFF");
  EXPECT_EQ(conn_.query_value<int>("PRAGMA foreign_keys"), 0);
  conn_.execute_batch("CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(a))");
  EXPECT_NO_THROW(conn_.execute("INSERT INTO c VALUES (5)"));
  conn_.execute("PRAGMA foreign_keys = ON");
  EXPECT_EQ(conn_.query_value<int>("PRAGMA foreign_keys"), 1);
  EXPECT_THROW(conn_.execute("INSERT INTO c VALUES (6)"), Constraint);
  conn_.execute("PRAGMA cache_size = 123");
  EXPECT_EQ(conn_.query_value<int>("PRAGMA cache_size"), 123);
}

TEST_F(ReplicaSession, UserFunctionsWorkWhereReadsRun) {
  Functions functions(conn_);
  functions.scalar("twice", [](std::int64_t n) { return 2 * n; });
  EXPECT_EQ(conn_.query_value<int>("SELECT twice(a) FROM t"), 2);
}

TEST_F(ReplicaSession, AnAuthorizerIsAskedAboutWhatRunsAtThePrimary) {
  Hooks hooks(conn_);
  bool ignores = false;
  const Subscription guard = hooks.on_authorize([&](const Authorization& asked) {
    if (asked.action == Action::Delete) return Verdict::Deny;
    if (ignores && asked.action == Action::Read) return Verdict::Ignore;
    return Verdict::Allow;
  });
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (2, 'two')"), 1u);
  for (const bool inside : {false, true}) {
    std::optional<Transaction> tx;
    if (inside) tx.emplace(conn_.transaction());
    EXPECT_THROW(conn_.execute("DELETE FROM t"), Auth);
    EXPECT_THROW(conn_.query("DELETE FROM t RETURNING a"), Auth);
    EXPECT_THROW(conn_.prepare("DELETE FROM t").execute(), Auth);
    EXPECT_EQ(
        error_of<Auth>([&] { conn_.execute_batch("INSERT INTO t VALUES (3, 3); DELETE FROM t"); }).statement_index(),
        1u);
    EXPECT_THROW(conn_.execute_transactional_batch("DELETE FROM t"), Auth);
    EXPECT_THROW(conn_.execute_many("DELETE FROM t WHERE a = ?", std::vector<int>{1}), Auth);
    EXPECT_THROW(conn_.execute("PRAGMA user_version = 3"), Auth);
    EXPECT_EQ(count(conn_), 2);
  }
  // At the primary no column can be left out.
  ignores = true;
  EXPECT_THROW(conn_.execute("UPDATE t SET b = a"), Auth);
  EXPECT_EQ(conn_.query_value<std::optional<int>>("SELECT a FROM t LIMIT 1"), std::nullopt);
}

TEST_F(ReplicaSession, AnAuthorizerSeesStatementsAboutWhatWasMadeAMomentAgo) {
  Hooks hooks(conn_);
  const Subscription guard = hooks.on_authorize([](const Authorization&) { return Verdict::Allow; });
  conn_.execute("CREATE TABLE u(a)");
  EXPECT_EQ(conn_.execute("INSERT INTO u VALUES (1)"), 1u);
}

TEST_F(ReplicaSession, WhatASyncBringsIsInTheChangeStreamsMarkedAsSuch) {
  ChangeStream queue(conn_);
  std::vector<ChangeSet> told;
  ChangeStream callback(conn_, [&](const ChangeSet& set) { told.push_back(set); });
  fake_.connect_to_primary().execute("INSERT INTO t VALUES (2, 'two')");
  fake_.source->written = 10;
  fake_.database().replica().sync();
  const std::optional<ChangeSet> rows = queue.next();
  ASSERT_TRUE(rows && rows->synced);
  EXPECT_EQ(rows->number, 1u);
  EXPECT_EQ(rows->synced->frame_no, 10u);
  EXPECT_TRUE(rows->changes.empty());
  fake_.connect_to_primary().execute("CREATE TABLE u(a)");
  fake_.source->written = 12;
  fake_.database().replica().sync();
  EXPECT_TRUE(queue.next()->synced->schema_changed);
  engine::ChangeFeed& feed = dynamic_cast<replica::Session&>(*detail::Access::session(conn_)).feed();
  feed.tell(12, 0, fake_.connect_to_copy().query_value<int>("PRAGMA schema_version"));
  EXPECT_FALSE(queue.next()->synced->schema_changed);
  EXPECT_FALSE(queue.next());
  EXPECT_TRUE(told.empty()) << "a callback is called on the connection's own thread";
  count(conn_);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].synced->frame_no, 12u);
  EXPECT_EQ(told[0].synced->frames, 11u);
  EXPECT_TRUE(told[0].synced->schema_changed);
  queue.detach();
  conn_.reset();
  EXPECT_FALSE(callback.is_attached());
  fake_.database().replica().sync();
  count(conn_);
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(ReplicaSession, AQueueOfSyncedChangesThatNobodyReadsStaysSmall) {
  ChangeStream queue(conn_, ChangeStreamOptions{.tables = {}, .max_bytes = 1});
  for (int i = 0; i < 5; ++i) {
    ++fake_.source->written;
    fake_.database().replica().sync();
  }
  EXPECT_EQ(queue.queued(), 1u);
  EXPECT_EQ(queue.next()->synced->frames, 5u);
}

TEST_F(ReplicaSession, ACallbackThatThrowsEndsItsStream) {
  ChangeStream stream(conn_, [](const ChangeSet&) { throw std::runtime_error("no more"); });
  fake_.database().replica().sync();
  EXPECT_NO_THROW(count(conn_));
  EXPECT_FALSE(stream.is_attached());
  EXPECT_NE(stream.failure(), nullptr);
}

TEST_F(ReplicaSession, IsClosedWhenNothingUsesIt) {
  {
    Statement write = conn_.prepare("INSERT INTO t VALUES (?, ?)");
    EXPECT_NE(error_of<Misuse>([&] { conn_.close(); }).message().find("1 statement is still in use"),
              std::string::npos);
    Rows rows = conn_.query("SELECT a FROM t");
    rows.next();
    EXPECT_THROW(conn_.close(), Misuse);
  }
  conn_.close();
  EXPECT_TRUE(conn_.is_closed());
  EXPECT_THROW(count(conn_), Misuse);
  EXPECT_THROW(conn_.execute("DELETE FROM t"), Misuse);
}

TEST_F(ReplicaSession, AnInterruptReachesTheWaitForOwnWrites) {
  conn_.execute("INSERT INTO t VALUES (2, 'two')");
  const InterruptHandle handle = conn_.interrupt_handle();
  fake_.source->before_sync = [&](const replica::SyncOrder& order) {
    handle.interrupt();
    ASSERT_NE(order.wait.interrupt, nullptr);
    if (order.wait.interrupt->triggered()) core::throw_error(ErrorCode::Interrupted, "interrupted");
  };
  EXPECT_THROW(count(conn_), Interrupted);
  fake_.source->before_sync = nullptr;
  EXPECT_EQ(count(conn_), 2);
}

TEST_F(ReplicaSession, QueryLogsSeeWhatRunsOnBothSides) {
  std::vector<std::string> logged;
  {
    const QueryLogGuard guard =
        log_queries(conn_, QueryLog([&](const QueryEvent& event) { logged.emplace_back(event.sql); }));
    conn_.execute("INSERT INTO t VALUES (2, 'two')");
    count(conn_);
  }
  count(conn_);
  EXPECT_EQ(logged, (std::vector<std::string>{"INSERT INTO t VALUES (2, 'two')", "SELECT count(*) FROM t"}));
}

TEST_F(ReplicaSession, WithoutReadYourWritesNothingIsPulled) {
  test::FakeReplica fake([](replica::StoreOptions& options) { options.read_your_writes = false; });
  Connection conn = fake.connect();
  conn.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  fake.database().replica().sync();
  const int syncs = fake.source->syncs;
  conn.execute("INSERT INTO t VALUES (2)");
  EXPECT_EQ(count(conn), 1);
  EXPECT_EQ(fake.source->syncs, syncs);
  EXPECT_EQ(fake.database().replica().max_write_replication_index(), fake.source->written.load());
}

TEST(LocalReplica, ReadsWhatItHasAndRefusesToWrite) {
  test::FakeReplica fake([](replica::StoreOptions& options) { options.primary = nullptr; });
  fake.connect_to_copy().execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  Connection conn = fake.connect();
  EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 1);
  EXPECT_TRUE(conn.is_readonly());
  for (const char* const text : {"INSERT INTO t VALUES (2)", "CREATE TABLE u(a)", "ATTACH ':memory:' AS m", "VACUUM",
                                 "CREATE TEMP TABLE u(a)", "PRAGMA user_version = 5"}) {
    EXPECT_THROW(conn.execute(text), ReadOnly) << text;
    EXPECT_THROW(conn.execute_batch(text), ReadOnly) << text;
    EXPECT_THROW(conn.prepare(text).execute(), ReadOnly) << text;
  }
  {
    Transaction tx = conn.transaction();
    EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 1);
    EXPECT_THROW(conn.execute("INSERT INTO t VALUES (2)"), ReadOnly);
    tx.commit();
  }
  EXPECT_THROW(conn.transaction(TransactionBehavior::Immediate), ReadOnly);
  EXPECT_THROW(fake.database().replica().sync(), Misuse);
}

}  // namespace
}  // namespace libsql

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/interrupter.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using test::error_of;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() : db_(Builder::local(dir_.file("c.db")).busy_timeout(0ms).build()), conn_(db_.connect()) {
    conn_.execute("CREATE TABLE t(a INTEGER, b TEXT)");
  }
  int count() { return conn_.query_value<int>("SELECT count(*) FROM t"); }

  test::TemporaryDirectory dir_;
  Database db_;
  Connection conn_;
};

// -- execute, query and their kin

TEST_F(ConnectionTest, ExecuteReturnsTheRowsItChangedItself) {
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')"), 2u);
  EXPECT_EQ(conn_.execute("UPDATE t SET b = 'z' WHERE a = ?", 2), 1u);
  EXPECT_EQ(conn_.execute("CREATE TABLE u(a)"), 0u);
  EXPECT_EQ(conn_.execute("SELECT * FROM t"), 0u);
  conn_.execute("CREATE TRIGGER tr AFTER DELETE ON t BEGIN INSERT INTO u VALUES (1), (2), (3); END");
  EXPECT_EQ(conn_.execute("DELETE FROM t WHERE a = 1"), 1u);
  EXPECT_EQ(conn_.changes(), 1u);
  EXPECT_EQ(conn_.total_changes(), 7u);
}

TEST_F(ConnectionTest, LastInsertRowidIsTheConnections) {
  conn_.execute("INSERT INTO t(rowid, a) VALUES (77, 1)");
  EXPECT_EQ(conn_.last_insert_rowid(), 77);
  EXPECT_EQ(db_.connect().last_insert_rowid(), 0);
}

TEST_F(ConnectionTest, SqlErrorTellsTextAndOffset) {
  const SqlError error = error_of<SqlError>([&] { conn_.execute("SELECT a FROM t WHERE nothing = 1"); });
  EXPECT_EQ(error.sql(), "SELECT a FROM t WHERE nothing = 1");
  EXPECT_EQ(error.offset(), 22u);
  EXPECT_EQ(error.origin(), ErrorOrigin::Engine);
  EXPECT_EQ(error.sqlite_code(), 1);
  EXPECT_THAT(error.message(), ::testing::HasSubstr("nothing"));
  EXPECT_EQ(error.transaction_open(), false);
}

TEST_F(ConnectionTest, ArgumentsNeverStandInAnError) {
  conn_.execute("CREATE UNIQUE INDEX i ON t(b)");
  conn_.execute("INSERT INTO t(b) VALUES (?)", "secret");
  const Constraint error = error_of<Constraint>([&] { conn_.execute("INSERT INTO t(b) VALUES (?)", "secret"); });
  EXPECT_THAT(error.message(), ::testing::Not(::testing::HasSubstr("secret")));
  EXPECT_THAT(error.sql(), ::testing::Not(::testing::HasSubstr("secret")));
}

TEST_F(ConnectionTest, ConstraintNamesWhatItKnows) {
  conn_.execute(
      "CREATE TABLE c(id INTEGER PRIMARY KEY, n TEXT NOT NULL, u INT, v INT, CONSTRAINT positive CHECK (u > 0),"
      " UNIQUE(u, v))");
  conn_.execute("INSERT INTO c VALUES (1, 'x', 1, 1)");
  const Constraint unique = error_of<Constraint>([&] { conn_.execute("INSERT INTO c VALUES (2, 'x', 1, 1)"); });
  EXPECT_EQ(unique.kind(), ConstraintKind::Unique);
  EXPECT_EQ(unique.table(), "c");
  EXPECT_THAT(unique.columns(), ::testing::ElementsAre("u", "v"));
  const Constraint key = error_of<Constraint>([&] { conn_.execute("INSERT INTO c VALUES (1, 'x', 2, 2)"); });
  EXPECT_EQ(key.kind(), ConstraintKind::PrimaryKey);
  const Constraint missing = error_of<Constraint>([&] { conn_.execute("INSERT INTO c(u) VALUES (3)"); });
  EXPECT_EQ(missing.kind(), ConstraintKind::NotNull);
  EXPECT_THAT(missing.columns(), ::testing::ElementsAre("n"));
  const Constraint check = error_of<Constraint>([&] { conn_.execute("INSERT INTO c VALUES (4, 'x', -1, 1)"); });
  EXPECT_EQ(check.kind(), ConstraintKind::Check);
  EXPECT_EQ(check.name(), "positive");
  conn_.execute("CREATE TABLE d(c REFERENCES c(id))");
  const Constraint foreign = error_of<Constraint>([&] { conn_.execute("INSERT INTO d VALUES (99)"); });
  EXPECT_EQ(foreign.kind(), ConstraintKind::ForeignKey);
  EXPECT_FALSE(foreign.retryable());
}

TEST_F(ConnectionTest, QueryRowWantsExactlyOne) {
  conn_.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')");
  EXPECT_EQ((conn_.query_row<int, std::string>("SELECT a, b FROM t WHERE a = 2")), std::tuple(2, "y"));
  EXPECT_THROW(conn_.query_row<int>("SELECT a FROM t WHERE a = 9"), UnexpectedRows);
  EXPECT_THROW(conn_.query_row<int>("SELECT a FROM t"), UnexpectedRows);
  EXPECT_EQ(conn_.query_row_optional<int>("SELECT a FROM t WHERE a = 9"), std::nullopt);
  EXPECT_EQ(conn_.query_row_optional<int>("SELECT a FROM t WHERE a = 1"), std::tuple(1));
  EXPECT_THROW(conn_.query_row_optional<int>("SELECT a FROM t"), UnexpectedRows);
  EXPECT_EQ(conn_.query_row("SELECT a, b FROM t WHERE a = 1").get<std::string>("B"), "x");
  conn_.execute("DROP TABLE t");  // nothing is left open
}

TEST_F(ConnectionTest, EmptyTextThrowsMisuse) {
  for (const std::string_view sql : {""sv, std::string_view(), "   "sv, ";;"sv, "-- only a comment"sv, "/* open"sv}) {
    EXPECT_THROW(conn_.execute(sql), Misuse) << sql;
    EXPECT_THROW(conn_.prepare(sql), Misuse) << sql;
    EXPECT_TRUE(conn_.execute_batch(sql).empty()) << sql;
  }
}

TEST_F(ConnectionTest, SecondStatementThrowsMisuseWithItsOffset) {
  const Misuse error = error_of<Misuse>([&] { conn_.execute("INSERT INTO t(a) VALUES (1); DELETE FROM t"); });
  EXPECT_EQ(error.offset(), 29u);
  EXPECT_EQ(count(), 0) << "nothing ran";
  EXPECT_NO_THROW(conn_.execute("INSERT INTO t(a) VALUES (1); -- a comment may follow\n ; "));
  EXPECT_NO_THROW(conn_.execute(" ; /* and come before */ ; INSERT INTO t(a) VALUES (1)"));
}

TEST_F(ConnectionTest, NulInTheTextIsNotPassedOverSilently) {
  EXPECT_THROW(conn_.execute("INSERT INTO t(a) VALUES (1)\0; DROP TABLE t"sv), Error);
  EXPECT_EQ(count(), 0);
}

TEST_F(ConnectionTest, TextLongerThanTheLimitIsTooBig) {
  conn_.limit(Limit::SqlLength, 100);
  const ResourceError error = error_of<ResourceError>([&] { conn_.execute("SELECT 1 -- " + std::string(200, 'x')); });
  EXPECT_EQ(error.code(), ErrorCode::TooBig);
}

// -- batches

TEST_F(ConnectionTest, BatchGivesTheResultOfEachStatement) {
  const BatchResult results = conn_.execute_batch(
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'); -- comment\n;; SELECT a, b FROM t ORDER BY a; UPDATE t SET b = 'c';");
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].changes, 2u);
  EXPECT_EQ(results[0].last_insert_rowid, 2);
  EXPECT_TRUE(results[0].columns.empty());
  EXPECT_THAT(results[1].columns, ::testing::ElementsAre("a", "b"));
  ASSERT_EQ(results[1].rows.size(), 2u);
  EXPECT_EQ(results[1].rows[1].get<std::string>("b"), "b");
  EXPECT_EQ(results[1].changes, 0u);
  EXPECT_EQ(results[2].changes, 2u);
}

TEST_F(ConnectionTest, BatchKnowsTriggerBodies) {
  const BatchResult results = conn_.execute_batch(
      "CREATE TABLE log(x); CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); INSERT INTO log "
      "SELECT CASE WHEN 1 THEN 'case;end' END; END; INSERT INTO t(a) VALUES (5); SELECT count(*) FROM log");
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[3].rows.at(0).get<int>(0), 2);
}

TEST_F(ConnectionTest, BatchStopsAtTheFirstFailureAndKeepsWhatRan) {
  const SqlError error = error_of<SqlError>([&] {
    conn_.execute_batch("INSERT INTO t(a) VALUES (1); INSERT INTO nothing VALUES (1); INSERT INTO t(a) VALUES (2)");
  });
  EXPECT_EQ(error.statement_index(), 1u);
  EXPECT_EQ(error.sql(), "INSERT INTO nothing VALUES (1)");
  EXPECT_EQ(count(), 1);
}

TEST_F(ConnectionTest, TransactionalBatchIsAllOrNothing) {
  const SqlError error = error_of<SqlError>(
      [&] { conn_.execute_transactional_batch("INSERT INTO t(a) VALUES (1); INSERT INTO nothing VALUES (1)"); });
  EXPECT_EQ(error.statement_index(), 1u);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(conn_.execute_transactional_batch("INSERT INTO t(a) VALUES (1); INSERT INTO t(a) VALUES (2)").size(), 2u);
  EXPECT_EQ(count(), 2);
}

TEST_F(ConnectionTest, TransactionalBatchInsideATransactionIsASavepoint) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t(a) VALUES (1)");
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t(a) VALUES (2); INSERT INTO nothing VALUES (1)"),
               SqlError);
  tx.commit();
  EXPECT_EQ(count(), 1);
}

TEST_F(ConnectionTest, TransactionalBatchCannotEndItsTransaction) {
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t(a) VALUES (1); ROLLBACK; INSERT INTO t(a) VALUES (2)"),
               Misuse);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(conn_.is_autocommit());
}

TEST_F(ConnectionTest, BatchStatementsCarryArguments) {
  const BatchResult results = conn_.execute_batch(
      {BatchStatement("INSERT INTO t VALUES (?, ?)", 1, "x"),
       BatchStatement("INSERT INTO t VALUES (:a, :b)", named(":a", 2), named("b", "y")),
       BatchStatement("INSERT INTO t VALUES (?, ?)", std::tuple(3, "z")),
       BatchStatement("INSERT INTO t VALUES ($a, @b)", Params{{"a", 4}, {"b", null}}), "SELECT count(*) FROM t"});
  EXPECT_EQ(results.back().rows.at(0).get<int>(0), 4);
  const Misuse error = error_of<Misuse>([&] {
    conn_.execute_batch({BatchStatement("SELECT 1"), BatchStatement("SELECT ?")});
  });
  EXPECT_EQ(error.statement_index(), 1u);
}

TEST_F(ConnectionTest, ExecuteManyTakesTuplesValuesAndParams) {
  EXPECT_EQ(conn_.execute_many("INSERT INTO t VALUES (?, ?)", std::vector{std::tuple(1, "a"), std::tuple(2, "b")}), 2u);
  EXPECT_EQ(conn_.execute_many("INSERT INTO t(a) VALUES (?)", std::vector{3, 4, 5}), 3u);
  EXPECT_EQ(conn_.execute_many("INSERT INTO t(a) VALUES (:x)", std::vector{Params{{":x", 6}}}), 1u);
  EXPECT_EQ(conn_.execute_many("INSERT INTO t(a) VALUES (?)", std::vector<int>{}), 0u);
  EXPECT_EQ(count(), 6);
}

TEST_F(ConnectionTest, ExecuteManyKeepsNothingOnFailureAndTellsWhich) {
  conn_.execute("CREATE UNIQUE INDEX i ON t(a)");
  const Constraint error = error_of<Constraint>([&] {
    conn_.execute_many("INSERT INTO t(a) VALUES (?)", std::vector{1, 2, 1, 3});
  });
  EXPECT_EQ(error.statement_index(), 2u);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(conn_.is_autocommit());
  const OutOfRange range = error_of<OutOfRange>([&] {
    conn_.execute_many("INSERT INTO t(a) VALUES (?)", std::vector<std::uint64_t>{1, ~std::uint64_t{0}});
  });
  EXPECT_EQ(range.statement_index(), 1u);
  EXPECT_EQ(count(), 0);
}

// -- ping, close, reset

TEST_F(ConnectionTest, PingAnswers) { EXPECT_NO_THROW(conn_.ping()); }

TEST_F(ConnectionTest, PingNoticesThatTheFileIsGone) {
  std::filesystem::remove(dir_.file("c.db"));
  EXPECT_THROW(conn_.ping(), CannotOpen);
}

TEST_F(ConnectionTest, PingWorksInMemoryInTemporaryAndInEncryptedDatabases) {
  EXPECT_NO_THROW(Builder::local(":memory:").build().connect().ping());
  EXPECT_NO_THROW(Builder::local("").build().connect().ping());
  Connection secret = Builder::local(dir_.file("s.db")).encryption({"k"}).build().connect();
  secret.execute("CREATE TABLE t(a)");
  EXPECT_NO_THROW(secret.ping());
}

TEST_F(ConnectionTest, PingInsideATransactionWorks) {
  const Transaction tx = conn_.transaction();
  EXPECT_NO_THROW(conn_.ping());
}

TEST_F(ConnectionTest, AfterCloseEverythingThrowsMisuse) {
  conn_.close();
  EXPECT_TRUE(conn_.is_closed());
  EXPECT_NO_THROW(conn_.close());
  const Misuse error = error_of<Misuse>([&] { conn_.execute("SELECT 1"); });
  EXPECT_FALSE(error.session_usable());
  EXPECT_THROW(conn_.query("SELECT 1"), Misuse);
  EXPECT_THROW(conn_.prepare("SELECT 1"), Misuse);
  EXPECT_THROW(conn_.transaction(), Misuse);
  EXPECT_THROW(conn_.savepoint("s"), Misuse);
  EXPECT_THROW(conn_.execute_batch("SELECT 1"), Misuse);
  EXPECT_THROW(conn_.ping(), Misuse);
  EXPECT_THROW(conn_.reset(), Misuse);
  EXPECT_THROW(conn_.cacheflush(), Misuse);
  EXPECT_THROW(conn_.release_memory(), Misuse);
  EXPECT_THROW(conn_.changes(), Misuse);
  EXPECT_THROW(conn_.total_changes(), Misuse);
  EXPECT_THROW(conn_.last_insert_rowid(), Misuse);
  EXPECT_THROW(conn_.is_autocommit(), Misuse);
  EXPECT_THROW(conn_.is_readonly(), Misuse);
  EXPECT_THROW(conn_.path(), Misuse);
  EXPECT_THROW(conn_.limit(Limit::Attached), Misuse);
  EXPECT_THROW(conn_.reserved_bytes(), Misuse);
  EXPECT_THROW(conn_.set_reserved_bytes(0), Misuse);
  EXPECT_THROW(conn_.rekey("x"), Misuse);
  EXPECT_THROW(conn_.enable_load_extension(), Misuse);
  conn_.interrupt();
}

TEST_F(ConnectionTest, CloseNamesWhatIsStillOpen) {
  std::optional<Statement> statement(conn_.prepare("SELECT a FROM t"));
  const Misuse error = error_of<Misuse>([&] { conn_.close(); });
  EXPECT_THAT(error.message(), ::testing::HasSubstr("SELECT a FROM t"));
  EXPECT_FALSE(conn_.is_closed());
  EXPECT_EQ(count(), 0) << "it stays open";
  {
    Rows rows = conn_.query("SELECT 1");
    EXPECT_THROW(conn_.close(), Misuse);
  }
  statement.reset();
  EXPECT_NO_THROW(conn_.close());
}

TEST_F(ConnectionTest, InterruptHandleSurvivesARefusedClose) {
  const InterruptHandle handle = conn_.interrupt_handle();
  {
    const Statement statement = conn_.prepare("SELECT 1");
    EXPECT_THROW(conn_.close(), Misuse);
  }
  const test::Interrupter interrupter([&] { handle.interrupt(); });
  EXPECT_THROW(conn_.execute("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c"),
               Interrupted);
}

TEST_F(ConnectionTest, MovedFromHandleThrowsMisuse) {
  Connection other = std::move(conn_);
  EXPECT_TRUE(conn_.is_closed());  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(conn_.execute("SELECT 1"), Misuse);
  EXPECT_THROW(conn_.transaction(), Misuse);
  EXPECT_THROW(conn_.close(), Misuse);
  EXPECT_FALSE(conn_.capabilities().hooks);
  conn_.interrupt();
  conn_.interrupt_handle().interrupt();
  conn_ = std::move(other);
  EXPECT_EQ(count(), 0);
}

TEST_F(ConnectionTest, ResetMakesTheSessionAsNew) {
  conn_.execute("ATTACH ':memory:' AS other");
  conn_.execute("CREATE TEMP TABLE \"odd \"\" name\"(a)");
  conn_.execute("CREATE TEMP VIEW v AS SELECT 1");
  conn_.execute("CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END");
  conn_.execute("PRAGMA foreign_keys=OFF");
  conn_.execute("PRAGMA synchronous=OFF");
  conn_.execute("PRAGMA query_only=1");
  conn_.execute("PRAGMA case_sensitive_like=1");
  conn_.execute("PRAGMA cache_size=7");
  conn_.busy_timeout(777ms);
  conn_.deadline(7s);
  conn_.limit(Limit::Attached, 1);
  conn_.execute("BEGIN");
  Rows rows = conn_.query("SELECT 1 UNION SELECT 2");
  ASSERT_TRUE(rows.next());

  conn_.reset();

  EXPECT_FALSE(rows.next());
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM sqlite_temp_master"), 0);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM pragma_database_list WHERE seq > 1"), 0);
  EXPECT_EQ(conn_.query_value<int>("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(conn_.query_value<int>("PRAGMA synchronous"), 1);
  EXPECT_EQ(conn_.query_value<int>("PRAGMA query_only"), 0);
  EXPECT_EQ(conn_.query_value<int>("SELECT 'A' LIKE 'a'"), 1);
  EXPECT_EQ(conn_.query_value<int>("PRAGMA cache_size"), db_.connect().query_value<int>("PRAGMA cache_size"));
  EXPECT_EQ(conn_.busy_timeout(), 0ms);
  EXPECT_EQ(conn_.deadline(), std::nullopt);
  EXPECT_EQ(conn_.limit(Limit::Attached), 10);
  EXPECT_EQ(conn_.last_insert_rowid(), 0);
}

TEST_F(ConnectionTest, ResetEndsTransactionHandlesQuietly) {
  Transaction tx = conn_.transaction();
  Transaction inner = conn_.transaction();
  conn_.execute("INSERT INTO t(a) VALUES (1)");
  conn_.reset();
  EXPECT_EQ(count(), 0);
  EXPECT_THROW(inner.commit(), Misuse);
  EXPECT_THROW(tx.commit(), Error);
  conn_.execute("INSERT INTO t(a) VALUES (2)");
}

TEST_F(ConnectionTest, ResetLeavesALiveStatementUsable) {
  Statement statement = conn_.prepare("SELECT count(*) FROM t");
  conn_.reset();
  EXPECT_EQ(std::get<0>(statement.query_row<int>()), 0);
}

// -- the statement cache

TEST_F(ConnectionTest, CacheCountsHitsAndMisses) {
  conn_.reset_statistics();
  for (int i = 0; i < 5; ++i) conn_.execute("INSERT INTO t(a) VALUES (?)", i);
  const ConnectionStatistics statistics = conn_.statistics();
  EXPECT_EQ(statistics.cache_misses, 1u);
  EXPECT_EQ(statistics.cache_hits, 4u);
  EXPECT_EQ(statistics.statements, 5u);
  EXPECT_EQ(statistics.changes, 5u);
  EXPECT_GE(statistics.cached_statements, 1u);
  EXPECT_GT(statistics.cached_bytes, 0u);
}

TEST_F(ConnectionTest, CacheStaysWithinItsBytes) {
  const std::size_t bound = 40'000;
  Connection conn = Builder::local(":memory:").statement_cache_bytes(bound).build().connect();
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(conn.query_value<int>("SELECT " + std::to_string(i)), i);
    ASSERT_LE(conn.statistics().cached_bytes, bound);
  }
  EXPECT_GT(conn.statistics().cache_evictions, 0u);
  EXPECT_GT(conn.statistics().cached_statements, 1u);
}

TEST_F(ConnectionTest, CacheCanBeTurnedOff) {
  Connection conn = Builder::local(":memory:").statement_cache_bytes(0).build().connect();
  for (int i = 0; i < 3; ++i) conn.execute("SELECT 1");
  EXPECT_EQ(conn.statistics().cached_statements, 0u);
  EXPECT_EQ(conn.statistics().cached_bytes, 0u);
  EXPECT_EQ(conn.statistics().cache_hits, 0u);
}

TEST_F(ConnectionTest, TransactionsFindTheirStatementsInTheCache) {
  const auto run = [](Connection& conn, TransactionBehavior behavior) {
    Transaction tx = conn.transaction(behavior);
    conn.execute("SELECT 1");
    tx.commit();
    conn.transaction(behavior).rollback();
  };
  conn_.reset_statistics();
  for (int i = 0; i < 3; ++i) run(conn_, TransactionBehavior::Immediate);
  EXPECT_EQ(conn_.statistics().cache_misses, 4u);  // BEGIN IMMEDIATE, the SELECT, COMMIT, ROLLBACK
  EXPECT_EQ(conn_.statistics().cache_hits, 11u);
  conn_.execute("BEGIN IMMEDIATE");  // the same statements as for SQL text
  conn_.execute("COMMIT");
  EXPECT_EQ(conn_.statistics().cache_misses, 4u);
  conn_.release_memory();
  for (const auto behavior :
       {TransactionBehavior::Deferred, TransactionBehavior::Immediate, TransactionBehavior::Exclusive})
    run(conn_, behavior);
  EXPECT_EQ(conn_.statistics().cache_misses, 10u);
}

TEST_F(ConnectionTest, TransactionsGoOnWhenTheirStatementsAreEvicted) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{6'000}, std::size_t{20'000}}) {
    Connection conn = Builder::local(":memory:").statement_cache_bytes(bytes).build().connect();
    conn.execute("CREATE TABLE t(a)");
    for (int i = 0; i < 100; ++i) {
      Transaction tx = conn.transaction(TransactionBehavior::Immediate);
      conn.execute("INSERT INTO t(a) VALUES (" + std::to_string(i) + ")");
      if (i % 2 == 0) tx.commit();
    }
    EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM t"), 50);
    EXPECT_LE(conn.statistics().cached_bytes, bytes);
  }
}

TEST_F(ConnectionTest, EvictionSparesWhatIsInUse) {
  Connection conn = Builder::local(":memory:").statement_cache_bytes(20'000).build().connect();
  conn.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
  Statement held = conn.prepare("SELECT a FROM t WHERE a > ?");
  Rows rows = held.query(0);
  ASSERT_TRUE(rows.next());
  for (int i = 0; i < 200; ++i) conn.execute("SELECT " + std::to_string(i));
  int seen = 1;
  while (rows.next()) ++seen;
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(held.query(1).fetch_all().size(), 2u);
}

TEST_F(ConnectionTest, TwoHandlesOfOneTextAreTwoStatements) {
  conn_.execute("INSERT INTO t(a) VALUES (1), (2)");
  Statement a = conn_.prepare("SELECT a FROM t ORDER BY a");
  Statement b = conn_.prepare("SELECT a FROM t ORDER BY a");
  Rows rows_a = a.query();
  Rows rows_b = b.query();
  ASSERT_TRUE(rows_a.next() && rows_b.next() && rows_b.next());
  EXPECT_EQ(rows_a.row().get<int>(0), 1);
  EXPECT_EQ(rows_b.row().get<int>(0), 2);
}

TEST_F(ConnectionTest, ReleaseMemoryKeepsTheConnectionWorking) {
  Statement statement = conn_.prepare("SELECT count(*) FROM t");
  conn_.release_memory();
  EXPECT_EQ(conn_.statistics().cached_statements, 0u);
  EXPECT_EQ(std::get<0>(statement.query_row<int>()), 0);
}

// -- settings

TEST_F(ConnectionTest, LimitsAreSetAndClamped) {
  const int before = conn_.limit(Limit::VariableNumber);
  EXPECT_EQ(conn_.limit(Limit::VariableNumber, 3), before);
  EXPECT_THROW(conn_.query("SELECT ?, ?, ?, ?", 1, 2, 3, 4), SqlError);
  EXPECT_EQ(conn_.limit(Limit::VariableNumber, 1'000'000'000), 3);
  EXPECT_EQ(conn_.limit(Limit::VariableNumber), before) << "the engine's maximum";
}

TEST_F(ConnectionTest, ReservedBytesChangeWithAVacuum) {
  Connection conn = Builder::local(dir_.file("r.db")).build().connect();
  conn.execute("CREATE TABLE t AS SELECT 7 AS a");
  EXPECT_EQ(conn.reserved_bytes(), 0);
  conn.set_reserved_bytes(32);
  EXPECT_EQ(conn.reserved_bytes(), 32);
  EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 7);
  EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
  EXPECT_THROW(conn.set_reserved_bytes(256), OutOfRange);
  EXPECT_THROW(conn.set_reserved_bytes(-1), OutOfRange);
  const Transaction tx = conn.transaction();
  EXPECT_THROW(conn.set_reserved_bytes(0), Misuse);
}

TEST_F(ConnectionTest, CacheflushWritesBeforeTheCommit) {
  Connection conn = Builder::local(dir_.file("f.db")).pragma("journal_mode", "delete").build().connect();
  conn.execute("CREATE TABLE t(a)");
  const auto size = std::filesystem::file_size(dir_.file("f.db"));
  Transaction tx = conn.transaction();
  tx->execute("INSERT INTO t VALUES (zeroblob(100000))");
  conn.cacheflush();
  EXPECT_GT(std::filesystem::file_size(dir_.file("f.db")), size);
}

TEST_F(ConnectionTest, BadTimesThrowOutOfRange) {
  EXPECT_THROW(conn_.busy_timeout(-1ms), OutOfRange);
  EXPECT_THROW(conn_.deadline(0ms), OutOfRange);
}

TEST_F(ConnectionTest, LongestTimesDoNotOverflow) {
  conn_.busy_timeout(std::chrono::milliseconds::max());
  conn_.deadline(std::chrono::milliseconds::max());
  EXPECT_EQ(count(), 0);
  Connection second = db_.connect();
  second.busy_timeout(std::chrono::milliseconds::max());
  std::optional<Transaction> tx(conn_.transaction(TransactionBehavior::Immediate));
  const test::Interrupter interrupter([handle = second.interrupt_handle()] { handle.interrupt(); });
  EXPECT_THROW(second.execute("INSERT INTO t(a) VALUES (1)"), Interrupted) << "it waits until then";
}

TEST_F(ConnectionTest, CapabilitiesOfTheLocalMode) {
  const Capabilities& all = conn_.capabilities();
  EXPECT_EQ(all.mode, Mode::Local);
  EXPECT_TRUE(all.hooks && all.user_functions && all.load_extension && all.wal_api && all.snapshots &&
              all.incremental_blobs && all.backup && all.encryption && all.column_origins && all.vfs);
}

TEST_F(ConnectionTest, ErrorsAreCounted) {
  conn_.reset_statistics();
  EXPECT_THROW(conn_.execute("INSERT INTO nothing VALUES (1)"), SqlError);
  conn_.execute("CREATE UNIQUE INDEX i ON t(a)");
  conn_.execute("INSERT INTO t(a) VALUES (1)");
  EXPECT_THROW(conn_.execute("INSERT INTO t(a) VALUES (1)"), Constraint);
  EXPECT_EQ(conn_.statistics().errors, 2u);
}

TEST_F(ConnectionTest, PingNoticesAFileThatWasCut) {
  for (const char* mode : {"wal", "delete"}) {
    for (const std::uintmax_t size : {0, 100}) {
      SCOPED_TRACE(std::string(mode) + " " + std::to_string(size));
      const std::string path = dir_.file(std::string("cut-") + mode + std::to_string(size) + ".db");
      Connection conn = Builder::local(path).pragma("journal_mode", mode).build().connect();
      conn.ping();  // of a new file
      conn.execute("CREATE TABLE t AS SELECT 7 AS a");
      conn.ping();
      conn.query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all();
      std::filesystem::resize_file(path, size);
      EXPECT_THROW(conn.ping(), Error);
      EXPECT_THROW(conn.ping(), Error) << "nor does it get used to it";
    }
  }
  Connection fresh = Builder::local(dir_.file("new.db")).pragma("journal_mode", "delete").build().connect();
  fresh.ping();
  Connection memory = Builder::local(":memory:").build().connect();
  memory.ping();
}

TEST_F(ConnectionTest, ReservedBytesCannotBeTakenBackAndTheErrorSaysWhy) {
  Connection conn = Builder::local(dir_.file("less.db")).build().connect();
  conn.execute("CREATE TABLE t AS SELECT 7 AS a");
  conn.set_reserved_bytes(32);
  conn.set_reserved_bytes(32);
  const Unsupported error = error_of<Unsupported>([&] { conn.set_reserved_bytes(8); });
  EXPECT_EQ(error.message().find("cipher"), std::string::npos) << error.message();
  EXPECT_EQ(conn.reserved_bytes(), 32);
  conn.set_reserved_bytes(40);
  EXPECT_EQ(conn.reserved_bytes(), 40);
}

TEST_F(ConnectionTest, ABatchHasOneDeadlineForItsWaitInLineToo) {
  Connection other = Builder::local(dir_.file("c.db")).busy_timeout(10s).build().connect();
  other.deadline(50ms);
  const Transaction holder = conn_.transaction(TransactionBehavior::Immediate);
  EXPECT_THROW(other.execute_transactional_batch("INSERT INTO t VALUES (1, 'x')"), Timeout);
  EXPECT_THROW(other.execute_many("INSERT INTO t VALUES (?, 'x')", std::vector<int>{1}), Timeout);
  EXPECT_TRUE(other.is_autocommit());
}

TEST_F(ConnectionTest, QueryRowDoesNotRunWhatYieldsNoRows) {
  conn_.execute("INSERT INTO t VALUES (1, 'x')");
  Statement statement = conn_.prepare("DELETE FROM t");
  EXPECT_THROW(conn_.query_row<int>("DELETE FROM t"), UnexpectedRows);
  EXPECT_THROW(conn_.query_value<int>("DROP TABLE t"), UnexpectedRows);
  EXPECT_THROW(statement.query_row<int>(), UnexpectedRows);
  EXPECT_EQ(count(), 1);
}

TEST_F(ConnectionTest, AWriteThatQueryRowUndoesTakesItsTriggersAndForeignKeysAlong) {
  conn_.execute_batch(
      "CREATE TABLE log(x); CREATE TABLE p(id INTEGER PRIMARY KEY);"
      "CREATE TABLE c(p REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);"
      "CREATE TRIGGER tr AFTER DELETE ON p BEGIN INSERT INTO log VALUES (old.id); END;"
      "INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1), (2)");
  const auto state = [&] {
    return conn_.query_row<int, int, int>(
        "SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM c), (SELECT count(*) FROM log)");
  };
  const auto refuse = [&] { EXPECT_THROW(conn_.query_row<int>("DELETE FROM p RETURNING id"), UnexpectedRows); };
  refuse();
  EXPECT_EQ(state(), std::tuple(2, 2, 0));
  EXPECT_EQ(conn_.changes(), 0u);
  {
    Transaction tx = conn_.transaction();
    conn_.execute("INSERT INTO c VALUES (3)");
    refuse();
    EXPECT_THROW(tx.commit(), Constraint) << "its own violation is still there";
    conn_.execute("INSERT INTO p VALUES (3)");
    refuse();
    tx.commit();
  }
  EXPECT_EQ(state(), std::tuple(3, 3, 0));
  Rows reading = conn_.query("SELECT id FROM p");  // another statement is in the middle of its rows
  ASSERT_TRUE(reading.next());
  refuse();
  int left = 1;
  while (reading.next()) ++left;
  EXPECT_EQ(left, 3);
  EXPECT_EQ(state(), std::tuple(3, 3, 0));
  EXPECT_EQ(conn_.query_value<int>("DELETE FROM p WHERE id = 3 RETURNING id"), 3);
  EXPECT_EQ(state(), std::tuple(2, 2, 1));
}

}  // namespace
}  // namespace libsql

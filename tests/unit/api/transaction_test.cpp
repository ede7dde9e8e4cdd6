#include <optional>
#include <ranges>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using namespace std::chrono_literals;
using test::error_of;

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() : db_(Builder::local(dir_.file("t.db")).busy_timeout(0ms).build()), conn_(db_.connect()) {
    conn_.execute("CREATE TABLE t(a INTEGER)");
  }
  std::int64_t count() { return db_.connect().query_value<std::int64_t>("SELECT count(*) FROM t"); }
  std::string rows() {
    return db_.connect().query_value<std::string>(
        "SELECT coalesce(group_concat(a), '') FROM (SELECT a FROM t ORDER BY a)");
  }

  test::TemporaryDirectory dir_;
  Database db_;
  Connection conn_;
};

TEST_F(TransactionTest, CommitMakesChangesVisibleToOthers) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(count(), 0);
  tx.commit();
  EXPECT_EQ(count(), 1);
  EXPECT_FALSE(tx.is_open());
  EXPECT_FALSE(tx.is_nested());
}

TEST_F(TransactionTest, TheConnectionThatBeganItIsInsideToo) {
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (1)");
  EXPECT_FALSE(conn_.is_autocommit());
  tx.rollback();
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, EndOfTheHandleRollsBack) {
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, AnExceptionRollsBack) {
  EXPECT_THROW(
      {
        Transaction tx = conn_.transaction();
        tx->execute("INSERT INTO t VALUES (1)");
        tx->execute("INSERT INTO nothing VALUES (1)");
      },
      SqlError);
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, FinishedOneThrowsMisuse) {
  Transaction tx = conn_.transaction();
  tx.commit();
  EXPECT_THROW(tx.commit(), Misuse);
  EXPECT_THROW(tx.rollback(), Misuse);
}

TEST_F(TransactionTest, MovingPassesTheDutyOn) {
  Transaction outer = [&] {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO t VALUES (1)");
    return tx;
  }();
  Transaction other = std::move(outer);
  EXPECT_FALSE(outer.is_open());  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(outer.commit(), Misuse);
  other.commit();
  EXPECT_EQ(count(), 1);
}

TEST_F(TransactionTest, MoveAssignmentRollsTheOldOneBack) {
  Connection second = db_.connect();
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  tx = second.transaction();
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_FALSE(second.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, SurvivesTheHandleOfItsConnection) {
  std::optional<Connection> second(db_.connect());
  Transaction tx = second->transaction();
  second.reset();
  tx->execute("INSERT INTO t VALUES (7)");
  tx.commit();
  EXPECT_EQ(rows(), "7");
}

TEST_F(TransactionTest, ConnectionMovedOutOfItStillRollsBack) {
  {
    Transaction tx = conn_.transaction();
    Connection stolen = std::move(tx.connection());
    stolen.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, ClosedConnectionEndsIt) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  conn_.close();
  EXPECT_THROW(tx.commit(), Misuse);
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, ImmediateTakesTheWriteLockAtOnce) {
  Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  Connection second = db_.connect();
  const Busy error = error_of<Busy>([&] { second.transaction(TransactionBehavior::Immediate); });
  EXPECT_TRUE(error.retryable());
  EXPECT_EQ(error.sqlite_code() & 0xff, 5);
  EXPECT_TRUE(second.is_autocommit());
}

TEST_F(TransactionTest, DeferredTakesNoLockBeforeItsFirstStatement) {
  Transaction tx = conn_.transaction(TransactionBehavior::Deferred);
  Connection second = db_.connect();
  second.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(tx->query_value<int>("SELECT count(*) FROM t"), 1);
}

TEST_F(TransactionTest, ExclusiveKeepsReadersOutWithoutWal) {
  const Database db = Builder::local(dir_.file("delete.db")).pragma("journal_mode", "delete").busy_timeout(0ms).build();
  Connection first = db.connect();
  first.execute("CREATE TABLE t(a)");
  Connection second = db.connect();
  Transaction tx = first.transaction(TransactionBehavior::Exclusive);
  EXPECT_THROW(second.query_value<int>("SELECT count(*) FROM t"), Busy);
}

TEST_F(TransactionTest, ReadOnlyRefusesEveryWrite) {
  conn_.execute("INSERT INTO t VALUES (1)");
  Transaction tx = conn_.transaction(TransactionBehavior::ReadOnly);
  EXPECT_EQ(tx->query_value<int>("SELECT a FROM t"), 1);
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (2)"), ReadOnly);
  EXPECT_THROW(tx->execute("CREATE TABLE u(a)"), ReadOnly);
  EXPECT_THROW(tx->execute("DROP TABLE t"), ReadOnly);
  EXPECT_THROW(tx->execute("PRAGMA user_version=5"), ReadOnly);
  EXPECT_THROW(tx->query<int>("UPDATE t SET a = 3 RETURNING a"), ReadOnly);
  tx.commit();
  conn_.execute("INSERT INTO t VALUES (4)");
  EXPECT_EQ(rows(), "1,4");
}

TEST_F(TransactionTest, ReadOnlyIsLeftByRollbackAndByTheEndToo) {
  conn_.transaction(TransactionBehavior::ReadOnly).rollback();
  conn_.execute("INSERT INTO t VALUES (1)");
  { const Transaction tx = conn_.transaction(TransactionBehavior::ReadOnly); }
  conn_.execute("INSERT INTO t VALUES (2)");
  EXPECT_EQ(rows(), "1,2");
}

TEST_F(TransactionTest, ReadOnlyKeepsAConnectionReadOnlyThatIsSo) {
  conn_.execute("PRAGMA query_only=1");
  conn_.transaction(TransactionBehavior::ReadOnly).commit();
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1)"), ReadOnly);
}

TEST_F(TransactionTest, NestedOneIsASavepoint) {
  Transaction outer = conn_.transaction();
  outer->execute("INSERT INTO t VALUES (1)");
  {
    Transaction inner = conn_.transaction();
    EXPECT_TRUE(inner.is_nested());
    inner->execute("INSERT INTO t VALUES (2)");
  }
  {
    Transaction inner = conn_.transaction();
    inner->execute("INSERT INTO t VALUES (3)");
    inner.commit();
  }
  EXPECT_EQ(count(), 0);
  outer.commit();
  EXPECT_EQ(rows(), "1,3");
}

TEST_F(TransactionTest, NestedThreeDeepUndoesOnlyItself) {
  Transaction a = conn_.transaction();
  a->execute("INSERT INTO t VALUES (1)");
  Transaction b = conn_.transaction();
  b->execute("INSERT INTO t VALUES (2)");
  Transaction c = conn_.transaction();
  c->execute("INSERT INTO t VALUES (3)");
  c.rollback();
  b.commit();
  a.commit();
  EXPECT_EQ(rows(), "1,2");
}

TEST_F(TransactionTest, CommitOfAnOuterNestedOneTakesTheInnerWithIt) {
  Transaction a = conn_.transaction();
  Transaction b = conn_.transaction();
  b->execute("INSERT INTO t VALUES (2)");
  Transaction c = conn_.transaction();
  c->execute("INSERT INTO t VALUES (3)");
  b.commit();
  EXPECT_THROW(c.commit(), Misuse);
  EXPECT_THROW(c.rollback(), Misuse);
  a.commit();
  EXPECT_EQ(rows(), "2,3");
}

TEST_F(TransactionTest, EndOfTheOutermostEndsTheInnerQuietly) {
  {
    std::optional<Transaction> a(conn_.transaction());
    Transaction b = conn_.transaction();
    b->execute("INSERT INTO t VALUES (2)");
    a.reset();
    EXPECT_TRUE(conn_.is_autocommit());
    conn_.execute("INSERT INTO t VALUES (9)");
  }  // the end of b must not touch what came after
  EXPECT_FALSE(conn_.is_closed());
  EXPECT_EQ(rows(), "9");
}

TEST_F(TransactionTest, BegunByTextNestsAsSavepoint) {
  conn_.execute("BEGIN");
  {
    Transaction tx = conn_.transaction();
    EXPECT_TRUE(tx.is_nested());
    tx->execute("INSERT INTO t VALUES (1)");
  }
  conn_.execute("INSERT INTO t VALUES (2)");
  conn_.execute("COMMIT");
  EXPECT_EQ(rows(), "2");
}

// -- commit that fails

TEST_F(TransactionTest, CommitThatIsBusyCanBeRepeated) {
  const Database db = Builder::local(dir_.file("delete.db")).pragma("journal_mode", "delete").busy_timeout(0ms).build();
  Connection writer = db.connect();
  Connection reader = db.connect();
  writer.execute("CREATE TABLE t(a)");
  writer.execute("INSERT INTO t VALUES (0), (1)");
  Transaction tx = writer.transaction(TransactionBehavior::Immediate);
  tx->execute("INSERT INTO t VALUES (2)");
  {
    auto rows = reader.query<int>("SELECT a FROM t");
    ASSERT_TRUE(rows.begin() != rows.end());
    EXPECT_THROW(tx.commit(), Busy);
    EXPECT_TRUE(tx.is_open());
    EXPECT_FALSE(writer.is_autocommit());
  }
  tx.commit();
  EXPECT_EQ(reader.query_value<int>("SELECT count(*) FROM t"), 3);
}

TEST_F(TransactionTest, DeferredForeignKeyFailsTheCommitAndCanBeMended) {
  conn_.execute("CREATE TABLE p(id INTEGER PRIMARY KEY)");
  conn_.execute("CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)");
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO c VALUES (1)");
  const Constraint error = error_of<Constraint>([&] { tx.commit(); });
  EXPECT_EQ(error.kind(), ConstraintKind::ForeignKey);
  EXPECT_TRUE(tx.is_open());
  tx->execute("INSERT INTO p VALUES (1)");
  tx.commit();
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM c"), 1);
}

TEST_F(TransactionTest, DeferredForeignKeyFailureCanBeRolledBack) {
  conn_.execute("CREATE TABLE p(id INTEGER PRIMARY KEY)");
  conn_.execute("CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)");
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO c VALUES (1)");
    EXPECT_THROW(tx.commit(), Constraint);
  }
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM c"), 0);
}

// -- transactions that the engine loses

class LostTransactionTest : public TransactionTest {
 protected:
  LostTransactionTest() {
    // A full database makes the engine roll back by itself when it cannot even spill.
    conn_.execute("PRAGMA max_page_count=" + std::to_string(conn_.query_value<std::int64_t>("PRAGMA page_count") + 2));
  }
  void lose() {
    EXPECT_THROW(
        {
          for (int i = 0; i < 100; ++i) conn_.execute("INSERT OR ROLLBACK INTO t(a) VALUES (zeroblob(4000))");
        },
        ResourceError);
    ASSERT_TRUE(conn_.is_autocommit());
  }
};

TEST_F(LostTransactionTest, NothingRunsUntilTheHandleEnds) {
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO t VALUES (1)");
    lose();
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2)"), TransactionLost);
    EXPECT_THROW(conn_.query_value<int>("SELECT 1"), TransactionLost);
    EXPECT_THROW(conn_.execute_batch("INSERT INTO t VALUES (3)"), TransactionLost);
    EXPECT_THROW(conn_.transaction(), TransactionLost);
    EXPECT_THROW(conn_.savepoint("s"), TransactionLost);
    const TransactionLost error = error_of<TransactionLost>([&] { tx.commit(); });
    EXPECT_EQ(error.transaction_open(), false);
    EXPECT_TRUE(error.session_usable());
  }
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 0);
}

TEST_F(LostTransactionTest, RollbackAcknowledgesIt) {
  Transaction tx = conn_.transaction();
  lose();
  tx.rollback();
  conn_.execute("INSERT INTO t VALUES (2)");
  EXPECT_EQ(rows(), "2");
}

TEST_F(LostTransactionTest, InnerHandlesOfALostOneEndQuietly) {
  Transaction outer = conn_.transaction();
  {
    Transaction inner = conn_.transaction();
    lose();
    EXPECT_THROW(inner.commit(), TransactionLost);
  }
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2)"), TransactionLost);
  outer.rollback();
  EXPECT_FALSE(conn_.is_closed());
  conn_.execute("INSERT INTO t VALUES (3)");
  EXPECT_EQ(rows(), "3");
}

TEST_F(LostTransactionTest, OutermostSavepointIsWatchedLikeATransaction) {
  {
    Savepoint point = conn_.savepoint("s");
    conn_.execute("INSERT INTO t VALUES (1)");
    lose();
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2)"), TransactionLost);
    EXPECT_THROW(point.release(), TransactionLost);
  }
  conn_.execute("INSERT INTO t VALUES (3)");
  EXPECT_EQ(rows(), "3");
}

TEST_F(TransactionTest, TextThatEndsTheTransactionIsNoticed) {
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO t VALUES (1)");
    conn_.execute("ROLLBACK");
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2)"), TransactionLost);
    EXPECT_THROW(tx.commit(), TransactionLost);
    EXPECT_TRUE(tx.is_open());
  }
  conn_.execute("INSERT INTO t VALUES (3)");
  EXPECT_EQ(rows(), "3");
}

TEST_F(TransactionTest, RowsOfALostTransactionThrowAndLetGo) {
  conn_.execute("INSERT INTO t VALUES (1), (2), (3)");
  Statement statement = conn_.prepare("SELECT a FROM t");
  Transaction tx = conn_.transaction();
  Rows open = statement.query();
  ASSERT_TRUE(open.next());
  conn_.execute("ROLLBACK");
  EXPECT_THROW(open.next(), TransactionLost);
  EXPECT_TRUE(open.done());
  tx.rollback();
  int sum = 0;
  for (auto [a] : statement.query<int>()) sum += a;  // the statement is free again
  EXPECT_EQ(sum, 6);
}

// -- savepoints

TEST_F(TransactionTest, SavepointReturnsToItsMarkAndGoesOn) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  Savepoint point = conn_.savepoint("here");
  EXPECT_EQ(point.name(), "here");
  tx->execute("INSERT INTO t VALUES (2)");
  point.rollback();
  EXPECT_TRUE(point.is_open());
  tx->execute("INSERT INTO t VALUES (3)");
  point.release();
  EXPECT_FALSE(point.is_open());
  EXPECT_THROW(point.release(), Misuse);
  EXPECT_THROW(point.rollback(), Misuse);
  tx.commit();
  EXPECT_EQ(rows(), "1,3");
}

TEST_F(TransactionTest, SavepointUndoesAtItsEnd) {
  Transaction tx = conn_.transaction();
  {
    const Savepoint point = conn_.savepoint("here");
    tx->execute("INSERT INTO t VALUES (2)");
  }
  tx.commit();
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, OutermostSavepointIsATransaction) {
  Savepoint point = conn_.savepoint("s");
  EXPECT_FALSE(conn_.is_autocommit());
  conn_.execute("INSERT INTO t VALUES (1)");
  point.release();
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 1);
  {
    const Savepoint again = conn_.savepoint("s");
    conn_.execute("INSERT INTO t VALUES (2)");
  }
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 1);
}

TEST_F(TransactionTest, SavepointsOfTheSameNameNest) {
  Savepoint a = conn_.savepoint("s");
  conn_.execute("INSERT INTO t VALUES (1)");
  Savepoint b = conn_.savepoint("s");
  conn_.execute("INSERT INTO t VALUES (2)");
  Savepoint c = conn_.savepoint("s");
  conn_.execute("INSERT INTO t VALUES (3)");
  b.rollback();  // undoes c with it
  EXPECT_THROW(c.release(), Misuse);
  conn_.execute("INSERT INTO t VALUES (4)");
  b.release();
  a.release();
  EXPECT_EQ(rows(), "1,4");
}

TEST_F(TransactionTest, SavepointNamesAreQuoted) {
  Savepoint point = conn_.savepoint("a\"; DROP TABLE t; --");
  conn_.execute("INSERT INTO t VALUES (1)");
  point.rollback();
  point.release();
  EXPECT_EQ(count(), 0);
}

TEST_F(TransactionTest, SavepointWithoutANameThrowsMisuse) {
  EXPECT_THROW(conn_.savepoint(""), Misuse);
  EXPECT_TRUE(conn_.is_autocommit());
  conn_.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(count(), 1);
}

TEST_F(TransactionTest, SavepointMovesWithItsDuty) {
  Savepoint a = conn_.savepoint("s");
  Savepoint b = std::move(a);
  EXPECT_THROW(a.release(), Misuse);  // NOLINT(bugprone-use-after-move)
  conn_.execute("INSERT INTO t VALUES (1)");
  b.release();
  EXPECT_EQ(count(), 1);
}

TEST_F(TransactionTest, StatisticsCountThem) {
  conn_.reset_statistics();
  conn_.transaction().commit();
  conn_.transaction().rollback();
  { const Transaction tx = conn_.transaction(); }
  const ConnectionStatistics statistics = conn_.statistics();
  EXPECT_EQ(statistics.transactions, 3u);
  EXPECT_EQ(statistics.commits, 1u);
  EXPECT_EQ(statistics.rollbacks, 2u);
}

TEST_F(TransactionTest, AResetByTheSourceOfTheArgumentsLeavesTheNextTransactionAlone) {
  std::optional<Transaction> next;
  auto sets = std::views::iota(0, 10) | std::views::transform([&](int i) {
                if (i == 5) {
                  conn_.reset();
                  next.emplace(conn_.transaction());
                }
                return i;
              });
  EXPECT_THROW(conn_.execute_many("INSERT INTO t VALUES (?)", sets), TransactionLost);
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(next->is_open());
  next->commit();
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace libsql

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

class CommonTransactions : public AllModes {
 protected:
  CommonTransactions() : other_(db_.connect()) { conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"); }
  int seen_by_other() { return other_.query_value<int>("SELECT count(*) FROM t"); }

  Connection other_;
};
LIBSQL_IN_ALL_MODES(CommonTransactions);

TEST_P(CommonTransactions, CommitMakesChangesVisible) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 1)");
  conn_.execute("INSERT INTO t VALUES (2, 2)");  // the same session
  EXPECT_FALSE(conn_.is_autocommit());
  EXPECT_EQ(seen_by_other(), 0);
  tx.commit();
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(seen_by_other(), 2);
  EXPECT_THROW(tx.commit(), Misuse);
}

TEST_P(CommonTransactions, TheEndOfAnOpenOneRollsBack) {
  {
    Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
    tx->execute("INSERT INTO t VALUES (1, 1)");
  }
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 0);
  other_.execute("INSERT INTO t VALUES (2, 2)");  // the lock is free
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonTransactions, QueriesInsideSeeItsChanges) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 10), (2, 20)");
  int sum = 0;
  for (auto [b] : tx->query<int>("SELECT b FROM t")) sum += b;
  EXPECT_EQ(sum, 30);
  for (auto [b] : tx->query<int>("SELECT b FROM t")) sum += b;  // and once more, now that the text is known
  EXPECT_EQ(sum, 60);
  EXPECT_EQ(tx->query_value<int>("SELECT max(a) FROM t"), 2);
  tx.rollback();
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonTransactions, StatementsRunWhileRowsOfTheTransactionAreRead) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t SELECT column1, column1 FROM (VALUES (1), (2), (3))");
  Statement select = tx->prepare("SELECT a FROM t ORDER BY a");
  std::vector<int> seen;
  Rows rows = select.query();
  while (rows.next()) {
    seen.push_back(rows.row().get<int>(0));
    tx->execute("UPDATE t SET b = b + 100 WHERE a = ?", rows.row().get<int>(0));
  }
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(tx->query_value<int>("SELECT sum(b) FROM t"), 306);
  tx.commit();
  EXPECT_EQ(seen_by_other(), 3);
}

TEST_P(CommonTransactions, AFailedStatementLeavesTheTransactionOpen) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 1)");
  const Constraint error = error_of<Constraint>([&] { tx->execute("INSERT INTO t VALUES (1, 2)"); });
  EXPECT_EQ(error.transaction_open(), true);
  EXPECT_THROW(tx->query("SELEC 1"), SqlError);
  tx->execute("INSERT INTO t VALUES (2, 2)");
  tx.commit();
  EXPECT_EQ(count(), 2);
}

TEST_P(CommonTransactions, ARollbackByTheEngineIsNoticed) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_THROW(tx->execute("INSERT OR ROLLBACK INTO t VALUES (1, 2)"), Constraint);
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (3, 3)"), TransactionLost);
  EXPECT_THROW(tx->query("SELECT 1"), TransactionLost);
  EXPECT_THROW(tx.commit(), TransactionLost);
  tx.rollback();
  EXPECT_EQ(count(), 0);
  conn_.execute("INSERT INTO t VALUES (4, 4)");
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonTransactions, SqlTextThatEndsItIsNoticed) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 1)");
  conn_.execute("COMMIT");
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (2, 2)"), TransactionLost);
  tx.rollback();
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonTransactions, NestedOnesAreSavepoints) {
  Transaction outer = conn_.transaction();
  outer->execute("INSERT INTO t VALUES (1, 1)");
  {
    Transaction inner = conn_.transaction();
    EXPECT_TRUE(inner.is_nested());
    inner->execute("INSERT INTO t VALUES (2, 2)");
  }
  {
    Transaction inner = conn_.transaction();
    inner->execute("INSERT INTO t VALUES (3, 3)");
    inner.commit();
  }
  outer.commit();
  EXPECT_EQ(conn_.query_value<std::string>("SELECT group_concat(a) FROM t"), "1,3");
}

TEST_P(CommonTransactions, SavepointsCanBeReturnedTo) {
  Savepoint savepoint = conn_.savepoint("here");
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  savepoint.rollback();
  conn_.execute("INSERT INTO t VALUES (2, 2)");
  EXPECT_FALSE(conn_.is_autocommit());
  savepoint.release();
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(conn_.query_value<int>("SELECT a FROM t"), 2);
}

TEST_P(CommonTransactions, ReadOnlyOnesRefuseWrites) {
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  Transaction tx = conn_.transaction(TransactionBehavior::ReadOnly);
  EXPECT_EQ(tx->query_value<int>("SELECT a FROM t"), 1);
  EXPECT_THROW(tx->execute("DELETE FROM t"), ReadOnly);
  tx.commit();
  conn_.execute("DELETE FROM t");
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonTransactions, RawBeginAndCommitWork) {
  conn_.execute("BEGIN");
  EXPECT_FALSE(conn_.is_autocommit());
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_EQ(seen_by_other(), 0);
  EXPECT_THROW(conn_.execute("BEGIN"), SqlError);
  conn_.execute("COMMIT");
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(seen_by_other(), 1);
  conn_.execute("BEGIN IMMEDIATE");
  conn_.execute("DELETE FROM t");
  conn_.execute("ROLLBACK");
  EXPECT_EQ(count(), 1);
  conn_.execute("SAVEPOINT s");
  EXPECT_FALSE(conn_.is_autocommit());
  conn_.execute("RELEASE s");
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_THROW(conn_.execute("COMMIT"), SqlError);
}

TEST_P(CommonTransactions, ADeferredForeignKeyKeepsItOpenAtCommit) {
  conn_.execute("CREATE TABLE c(p REFERENCES t(a) DEFERRABLE INITIALLY DEFERRED)");
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO c VALUES (7)");
  EXPECT_EQ(error_of<Constraint>([&] { tx.commit(); }).kind(), ConstraintKind::ForeignKey);
  tx->execute("INSERT INTO t VALUES (7, 7)");
  tx.commit();
  EXPECT_EQ(seen_by_other(), 1);
}

TEST_P(CommonTransactions, ResetRollsBack) {
  conn_.execute("BEGIN IMMEDIATE");
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  conn_.reset();
  EXPECT_TRUE(conn_.is_autocommit());
  other_.execute("INSERT INTO t VALUES (2, 2)");
  EXPECT_EQ(count(), 1);
}

// -- handles that outlive what they began ---------------------------------------------------------------------------

TEST_P(CommonTransactions, OneThatWasResetAwayEndsNothingOfTheNext) {
  Transaction old = conn_.transaction();
  conn_.reset();
  EXPECT_FALSE(old.is_open());
  Transaction next = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_THROW(old.commit(), TransactionLost);
  EXPECT_EQ(seen_by_other(), 0);
  old.rollback();  // what it wants has happened
  EXPECT_TRUE(next.is_open());
  next.commit();
  EXPECT_EQ(seen_by_other(), 1);
}

TEST_P(CommonTransactions, TheEndOfAHandleFromBeforeAResetIsNoRollback) {
  std::optional<Transaction> old(conn_.transaction());
  std::optional<Savepoint> mark(conn_.savepoint("s"));
  std::optional<Transaction> nested(conn_.transaction());
  conn_.reset();
  Transaction next = conn_.transaction();
  Savepoint same_name = conn_.savepoint("s");
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_THROW(mark->release(), Misuse);
  EXPECT_THROW(mark->rollback(), Misuse);
  EXPECT_THROW(nested->commit(), Misuse);
  nested.reset();
  mark.reset();
  old.reset();
  EXPECT_FALSE(conn_.is_autocommit());
  same_name.release();
  next.commit();
  EXPECT_EQ(seen_by_other(), 1);
}

TEST_P(CommonTransactions, AnAssignedHandleForgetsTheOneThatWasResetAway) {
  Transaction tx = conn_.transaction();
  conn_.reset();
  tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_TRUE(tx.is_open());
  tx.commit();
  EXPECT_EQ(seen_by_other(), 1);
}

TEST_P(CommonTransactions, TextThatSetsASavepointOfTheSameNameMeansAnother) {
  Savepoint savepoint = conn_.savepoint("n");
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  conn_.execute("SAVEPOINT n");
  conn_.execute("INSERT INTO t VALUES (2, 2)");
  savepoint.release();  // with what was set inside it
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(seen_by_other(), 2);

  Savepoint again = conn_.savepoint("n");
  conn_.execute("DELETE FROM t");
  conn_.execute("SAVEPOINT n");
  again.rollback();
  EXPECT_EQ(count(), 2);
  EXPECT_THROW(conn_.execute("RELEASE n"), SqlError);  // of the text's own nothing is left
  again.release();
  EXPECT_EQ(seen_by_other(), 2);
}

TEST_P(CommonTransactions, TextThatEndsATransactionBegunByTextIsNoticedByTheHandlesInside) {
  conn_.execute("BEGIN");
  std::optional<Transaction> inner(conn_.transaction());
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  conn_.execute("COMMIT");
  EXPECT_THROW(conn_.execute("BEGIN"), TransactionLost);
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2, 2)"), TransactionLost);
  inner.reset();
  conn_.execute("INSERT INTO t VALUES (3, 3)");
  EXPECT_EQ(seen_by_other(), 2);

  conn_.execute("BEGIN");
  {
    Transaction nested = conn_.transaction();
    conn_.execute("INSERT INTO t VALUES (4, 4)");
    nested.commit();
  }
  conn_.execute("COMMIT");  // no handle is open: the text may
  EXPECT_EQ(seen_by_other(), 3);
}

TEST_P(CommonTransactions, WhatFollowsAnEndInABatchDoesNotRunOutsideTheTransaction) {
  Transaction tx = conn_.transaction();
  const Error error = error_of<TransactionLost>(
      [&] { conn_.execute_batch("INSERT INTO t VALUES (1, 1); COMMIT; INSERT INTO t VALUES (2, 2); BEGIN"); });
  EXPECT_EQ(error.statement_index(), 2u);
  tx.rollback();
  EXPECT_EQ(conn_.query_value<std::string>("SELECT group_concat(a) FROM t"), "1");
  EXPECT_TRUE(conn_.is_autocommit());
}

TEST_P(CommonTransactions, ReadOnlyOnesMayBeBegunByText) {
  if (cipher_version().empty() && !is_remote()) GTEST_SKIP() << "the system's SQLite has no BEGIN READONLY";
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  for (const char* text : {"BEGIN READONLY", "begin readonly transaction", "BEGIN TRANSACTION READONLY"}) {
    SCOPED_TRACE(text);
    conn_.execute(text);
    EXPECT_FALSE(conn_.is_autocommit());
    EXPECT_EQ(count(), 1);
    EXPECT_THROW(conn_.execute("DELETE FROM t"), ReadOnly);
    EXPECT_THROW(conn_.query_value<int>("INSERT INTO t VALUES (2, 2) RETURNING a"), ReadOnly);
    EXPECT_THROW(conn_.execute("CREATE TABLE u(a)"), ReadOnly);
    conn_.execute("SAVEPOINT s");
    EXPECT_THROW(conn_.execute("UPDATE t SET b = 7"), ReadOnly);
    conn_.execute("RELEASE s");
    conn_.execute("COMMIT");
    EXPECT_EQ(conn_.execute("UPDATE t SET b = b + 1"), 1u);
    conn_.execute(text);
    conn_.execute("ROLLBACK");
    conn_.execute("SAVEPOINT s");
    EXPECT_EQ(conn_.execute("UPDATE t SET b = b + 1"), 1u);
    conn_.execute("RELEASE s");
    conn_.execute("BEGIN");
    EXPECT_EQ(conn_.execute("UPDATE t SET b = b + 1"), 1u);
    conn_.execute("COMMIT");
  }
  EXPECT_EQ(conn_.query_value<int>("SELECT b FROM t"), 10);
  conn_.execute("CREATE TABLE names(readonly)");
  EXPECT_EQ(conn_.query_value<int>("SELECT count(readonly) AS readonly FROM names readonly"), 0);
  EXPECT_THROW(conn_.execute("BEGIN DEFERRED READONLY"), SqlError);
  EXPECT_THROW(conn_.execute("BEGIN \"readonly\""), SqlError);
}

TEST_P(CommonTransactions, ReadOnlyOnesCannotBeMadeWritableByText) {
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  {
    Transaction tx = conn_.transaction(TransactionBehavior::ReadOnly);
    for (const char* text : {"PRAGMA query_only=0", "PRAGMA main.query_only(off)"}) {
      try {
        tx->execute(text);
      } catch (const ReadOnly&) {  // refusing the setting is as good
      }
      EXPECT_THROW(tx->execute("DELETE FROM t"), ReadOnly) << text;
      EXPECT_THROW(tx->query_value<int>("INSERT INTO t VALUES (2, 2) RETURNING a"), ReadOnly) << text;
      EXPECT_THROW(tx->execute_batch("DELETE FROM t"), ReadOnly) << text;
      EXPECT_THROW(tx->execute_many("INSERT INTO t(b) VALUES (?)", std::vector<int>{1, 2}), ReadOnly) << text;
    }
    tx.rollback();
  }
  conn_.execute("INSERT INTO t VALUES (3, 3)");  // it was for the transaction only
  EXPECT_EQ(seen_by_other(), 2);
}

// -- batches that are all or nothing --------------------------------------------------------------------------------

TEST_P(CommonTransactions, ABatchOfAllOrNothingTakesNoTextThatWouldEndIt) {
  for (const char* text : {"COMMIT", "END", "end transaction", "ROLLBACK", "BEGIN", "begin immediate",
                           "RELEASE libsql_batch", "ROLLBACK TO libsql_batch", "RELEASE \"libsql_nested\"", "RELEASE s",
                           "rollback to savepoint s", "SAVEPOINT s; RELEASE s; RELEASE s",
                           "SAVEPOINT s; SAVEPOINT u; RELEASE s; ROLLBACK TO u", "/* x */ COMMIT -- y"}) {
    const std::string script = "INSERT INTO t VALUES (1, 1); " + std::string(text) + "; INSERT INTO t VALUES (2, 2)";
    EXPECT_THROW(conn_.execute_transactional_batch(script), Misuse) << text;
    EXPECT_TRUE(conn_.is_autocommit()) << text;
    EXPECT_EQ(seen_by_other(), 0) << text;
  }
  const std::vector<BatchStatement> statements = {{"INSERT INTO t VALUES (1, 1)"}, {" ; COMMIT"}, {"SELECT 1"}};
  const Error error = error_of<Misuse>([&] { conn_.execute_transactional_batch(statements); });
  EXPECT_EQ(error.statement_index(), 1u);
  EXPECT_EQ(seen_by_other(), 0);
}

TEST_P(CommonTransactions, ABatchInsideATransactionCannotEndItEither) {
  Transaction tx = conn_.transaction();
  Savepoint mark = conn_.savepoint("s");
  conn_.execute("INSERT INTO t VALUES (1, 1)");
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t VALUES (2, 2); COMMIT"), Misuse);
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t VALUES (2, 2); RELEASE s"), Misuse);
  EXPECT_EQ(count(), 1);
  mark.release();
  tx.commit();
  EXPECT_EQ(seen_by_other(), 1);
}

TEST_P(CommonTransactions, ABatchOfAllOrNothingMayHaveSavepointsOfItsOwn) {
  conn_.execute_transactional_batch(
      "INSERT INTO t VALUES (1, 1); SAVEPOINT Mark; INSERT INTO t VALUES (2, 2); ROLLBACK TO \"mark\";"
      "INSERT INTO t VALUES (3, 3); RELEASE mark; SAVEPOINT left_open; INSERT INTO t VALUES (4, 4)");
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(conn_.query_value<std::string>("SELECT group_concat(a) FROM t"), "1,3,4");
  conn_.execute_transactional_batch("EXPLAIN COMMIT; SELECT 1");
}

TEST_P(CommonTransactions, ExecuteManyTakesNoTextThatWouldEndIt) {
  for (const char* text : {"COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT s", "; COMMIT"}) {
    EXPECT_THROW(conn_.execute_many(text, std::vector<std::tuple<>>(2)), Misuse) << text;
    EXPECT_TRUE(conn_.is_autocommit()) << text;
  }
}

}  // namespace
}  // namespace libsql::test

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

class CommonBatches : public AllModes {
 protected:
  CommonBatches() { conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"); }
};
LIBSQL_IN_ALL_MODES(CommonBatches);

TEST_P(CommonBatches, AScriptGivesOneResultPerStatement) {
  const BatchResult results = conn_.execute_batch(
      "INSERT INTO t(b) VALUES ('x'), ('y'); -- a comment\n ; SELECT a, b FROM t ORDER BY a; UPDATE t SET b = 'z'");
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].changes, 2u);
  EXPECT_EQ(results[0].last_insert_rowid, 2);
  EXPECT_EQ(results[1].columns, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(results[1].rows.size(), 2u);
  EXPECT_EQ(results[1].rows[1].get<std::string>("b"), "y");
  EXPECT_EQ(results[1].changes, 0u);
  EXPECT_EQ(results[2].changes, 2u);
  EXPECT_TRUE(conn_.execute_batch(" -- nothing").empty());
}

TEST_P(CommonBatches, AScriptStopsAtTheFirstFailureAndTellsWhich) {
  const Constraint error = error_of<Constraint>(
      [&] { conn_.execute_batch("INSERT INTO t VALUES (1, 'x'); INSERT INTO t VALUES (1, 'y'); DELETE FROM t"); });
  EXPECT_EQ(error.statement_index(), 1u);
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonBatches, WrongSqlInAScriptIsFoundWhereItIs) {
  const SqlError error =
      error_of<SqlError>([&] { conn_.execute_batch("INSERT INTO t VALUES (1, 'x'); SELEC 2; DELETE FROM t"); });
  EXPECT_EQ(error.statement_index(), 1u);
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonBatches, AScriptMayHoldItsOwnTransaction) {
  conn_.execute_batch("BEGIN; INSERT INTO t VALUES (1, 'x'); COMMIT; INSERT INTO t VALUES (2, 'y')");
  EXPECT_EQ(count(), 2);
  EXPECT_TRUE(conn_.is_autocommit());
  conn_.execute_batch("BEGIN; DELETE FROM t");
  EXPECT_FALSE(conn_.is_autocommit());
  conn_.execute_batch("ROLLBACK");
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(count(), 2);
}

TEST_P(CommonBatches, TriggersWithSemicolonsAreOneStatement) {
  EXPECT_EQ(conn_
                .execute_batch("CREATE TABLE log(x); CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES "
                               "(new.a); INSERT INTO log VALUES (-new.a); END; INSERT INTO t VALUES (1, 'x')")
                .size(),
            3u);
  EXPECT_EQ(count("log"), 2);
}

TEST_P(CommonBatches, StatementsCarryTheirArguments) {
  const BatchResult results =
      conn_.execute_batch({{"INSERT INTO t VALUES (?, ?)", 1, "x"}, {"SELECT b FROM t WHERE a = :a", named("a", 1)}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1].rows.at(0).get<std::string>(0), "x");
  EXPECT_EQ(error_of<Misuse>([&] { conn_.execute_batch({{"SELECT 1"}, {"SELECT ?, ?", 1}}); }).statement_index(), 1u);
}

TEST_P(CommonBatches, TransactionalBatchesAreAllOrNothing) {
  EXPECT_EQ(conn_.execute_transactional_batch("INSERT INTO t VALUES (1, 'x'); SELECT * FROM t").size(), 2u);
  const Constraint error = error_of<Constraint>([&] {
    conn_.execute_transactional_batch({{"INSERT INTO t VALUES (?, 'y')", 2}, {"INSERT INTO t VALUES (?, 'z')", 1}});
  });
  EXPECT_EQ(error.statement_index(), 1u);
  EXPECT_EQ(count(), 1);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(error_of<SqlError>([&] { conn_.execute_transactional_batch("DELETE FROM t; SELEC 1"); }).statement_index(),
            1u);
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonBatches, InsideATransactionTheyAreSavepoints) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 'x')");
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO t VALUES (2, 'y'); INSERT INTO t VALUES (1, 'z')"),
               Constraint);
  EXPECT_FALSE(conn_.is_autocommit());
  conn_.execute_transactional_batch("INSERT INTO t VALUES (3, 'y'); INSERT INTO t VALUES (4, 'z')");
  EXPECT_THROW(conn_.execute_batch("INSERT INTO t VALUES (5, 'y'); INSERT INTO t VALUES (1, 'z')"), Constraint);
  tx.commit();
  EXPECT_EQ(conn_.query_value<std::string>("SELECT group_concat(a) FROM t"), "1,3,4,5");
}

TEST_P(CommonBatches, ADeferredForeignKeyFailsTheWholeTransactionalBatch) {
  conn_.execute("CREATE TABLE c(p REFERENCES t(a) DEFERRABLE INITIALLY DEFERRED)");
  EXPECT_THROW(conn_.execute_transactional_batch("INSERT INTO c VALUES (7); INSERT INTO t VALUES (8, 'x')"),
               Constraint);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(conn_.is_autocommit());
}

TEST_P(CommonBatches, ExecuteManyLoadsRows) {
  std::vector<std::tuple<int, std::string>> rows;
  for (int i = 0; i < 2500; ++i) rows.emplace_back(i, "row " + std::to_string(i));
  EXPECT_EQ(conn_.execute_many("INSERT INTO t(a, b) VALUES (?, ?)", rows), 2500u);
  EXPECT_EQ(count(), 2500);
  EXPECT_EQ(conn_.query_value<std::string>("SELECT b FROM t WHERE a = 2499"), "row 2499");
  EXPECT_EQ(conn_.execute_many("UPDATE t SET b = '' WHERE a = ?", std::vector<int>{1, 2, 99999}), 2u);
  EXPECT_TRUE(conn_.is_autocommit());
}

TEST_P(CommonBatches, ExecuteManyKeepsNothingOnFailureAndTellsWhich) {
  std::vector<int> keys;
  for (int i = 0; i < 1500; ++i) keys.push_back(i);
  keys.push_back(700);
  const Constraint error = error_of<Constraint>([&] { conn_.execute_many("INSERT INTO t(a) VALUES (?)", keys); });
  EXPECT_EQ(error.statement_index(), 1500u);
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(conn_.is_autocommit());
  const std::vector<int> small = {1, 2, 1};
  EXPECT_EQ(error_of<Constraint>([&] { conn_.execute_many("INSERT INTO t(a) VALUES (?)", small); }).statement_index(),
            2u);
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(error_of<SqlError>([&] { conn_.execute_many("INSERT INTO nothing VALUES (?)", small); }).code(),
            ErrorCode::SqlError);
  EXPECT_EQ(error_of<Misuse>([&] { conn_.execute_many("INSERT INTO t VALUES (?, ?)", small); }).statement_index(), 0u);
}

TEST_P(CommonBatches, ExecuteManyInsideATransactionIsPartOfIt) {
  Transaction tx = conn_.transaction();
  conn_.execute_many("INSERT INTO t(a) VALUES (?)", std::vector<int>{1, 2});
  EXPECT_THROW(conn_.execute_many("INSERT INTO t(a) VALUES (?)", std::vector<int>{3, 1}), Constraint);
  EXPECT_EQ(tx->query_value<int>("SELECT count(*) FROM t"), 2);
  tx.rollback();
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace libsql::test

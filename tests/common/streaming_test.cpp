// Results larger than anybody wants in memory.
#include "common/common_fixture.hpp"
#include "support/memory.hpp"

namespace libsql::test {
namespace {

constexpr std::int64_t kMany = 1'000'000;
// Some 100 bytes a row: 100 MB if they were gathered anywhere.
constexpr const char* kManyRows =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
    "SELECT i, printf('a text of some length that belongs to row %d', i) FROM n";
constexpr std::size_t kFlat = std::size_t{16} << 20;

class CommonStreaming : public AllModes {
 protected:
  // Reads the rest of kManyRows and looks how much memory there is meanwhile.
  static std::int64_t read_flat(Rows& rows, std::size_t before) {
    std::int64_t expected = 0;
    while (rows.next()) {
      if (rows.row().get<std::int64_t>(0) != ++expected) return -1;
      if (expected % 50'000 != 0) continue;
      EXPECT_LT(allocated_bytes(), before + kFlat) << expected;
    }
    return expected;
  }
};
LIBSQL_IN_ALL_MODES(CommonStreaming);

TEST_P(CommonStreaming, TheFirstRunOfAMillionRowsNeedsTheMemoryOfAFew) {
  const std::size_t before = allocated_bytes();
  Rows rows = conn_.query(kManyRows);
  EXPECT_EQ(read_flat(rows, before), kMany);
}

TEST_P(CommonStreaming, SoItDoesInATransaction) {
  Transaction tx = conn_.transaction();
  const std::size_t before = allocated_bytes();
  Rows rows = tx->query(kManyRows);
  EXPECT_EQ(read_flat(rows, before), kMany);
  EXPECT_EQ(tx->query_value<int>("SELECT 7"), 7);
  tx.commit();
}

TEST_P(CommonStreaming, SoItDoesForAReaderThatStopsAndGoesOn) {
  Rows rows = conn_.query(kManyRows);
  ASSERT_TRUE(rows.next());
  const std::size_t before = allocated_bytes();
  // Other statements have their own way to the server; what is not read waits there.
  for (int i = 0; i < 50; ++i) EXPECT_EQ(conn_.query_value<int>("SELECT ?", i), i);
  EXPECT_LT(allocated_bytes(), before + kFlat);
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<int>(0), 2);
}

TEST_P(CommonStreaming, AWrongTextInATransactionCostsOnlyAnError) {
  conn_.execute("CREATE TABLE t(a)");
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  for (const char* wrong :
       {"SELECT a FROM t WHERE", "SELECT a FROM nothing", "SELECT b FROM t", "SELECT nothing(a) FROM t"}) {
    EXPECT_THROW(tx->query(wrong).next(), SqlError) << wrong;
    EXPECT_THROW(conn_.query(wrong).next(), SqlError) << wrong;
  }
  Rows rows = tx->query("SELECT a FROM t");
  EXPECT_TRUE(rows.next());
  rows.close();
  tx.commit();
  EXPECT_EQ(count(), 1);
}

// A transaction has one way to the server, and rows are still coming on it.
class CommonOpenRows : public AllModes {
 protected:
  CommonOpenRows() {
    conn_.execute("CREATE TABLE t(a)");
    db_ = under_test_->open([](RemoteBuilder& builder) { builder.row_buffer(kBuffer); });
    conn_ = db_.connect();
  }
  // A row takes some 200 bytes here: more of them than are kept, and than wait in sockets and answers.
  static constexpr std::size_t kBuffer = 1 << 20;
};
LIBSQL_IN_ALL_MODES(CommonOpenRows);

TEST_P(CommonOpenRows, AreKeptWhileTheTransactionRunsSomethingElse) {
  Transaction tx = conn_.transaction();
  Rows rows = tx->query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, 'row ' || i FROM n");
  std::int64_t seen = 0;
  while (rows.next()) {
    ASSERT_EQ(rows.row().get<std::int64_t>(0), ++seen);
    if (seen % 500 == 1) tx->execute("INSERT INTO t VALUES (?)", seen);
    ASSERT_EQ(rows.row().get<std::string>(1), "row " + std::to_string(seen));
  }
  EXPECT_EQ(seen, 2000);
  tx.commit();
  EXPECT_EQ(count(), 4);
}

TEST_P(CommonOpenRows, ThatAreTooManyRefuseTheOtherStatementAndGoOn) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (0)");
  Rows rows = tx->query(kManyRows);
  ASSERT_TRUE(rows.next());
  const std::size_t before = allocated_bytes();
  std::int64_t seen = 1;
  for (int i = 0; i < 3 && is_remote(); ++i) {
    const ResourceError error = error_of<ResourceError>([&] { tx->execute("INSERT INTO t VALUES (1)"); });
    EXPECT_EQ(error.code(), ErrorCode::TooBig);
    EXPECT_TRUE(error.transaction_open());
    EXPECT_TRUE(error.session_usable());
    EXPECT_TRUE(error.outcome_known());
    EXPECT_THROW(tx.commit(), ResourceError);
    EXPECT_THROW(conn_.execute_batch("INSERT INTO t VALUES (1)"), ResourceError);
    EXPECT_EQ(rows.row().get<std::int64_t>(0), seen);  // the current row is what it was
    for (int k = 0; k < 5'000; ++k) {
      ASSERT_TRUE(rows.next());
      ASSERT_EQ(rows.row().get<std::int64_t>(0), ++seen);
    }
  }
  EXPECT_LT(allocated_bytes(), before + kFlat);
  while (rows.next()) ASSERT_EQ(rows.row().get<std::int64_t>(0), ++seen);
  EXPECT_EQ(seen, kMany);
  tx->execute("INSERT INTO t VALUES (2)");
  tx.commit();
  EXPECT_EQ(conn_.query_value<int>("SELECT sum(a) FROM t"), 2);
}

TEST_P(CommonOpenRows, ThatAreTooManyEndWithASavepointThatIsUndone) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  Transaction inner = conn_.transaction();
  inner->execute("INSERT INTO t VALUES (2)");
  Rows rows = inner->query(kManyRows);
  ASSERT_TRUE(rows.next());
  inner.rollback();
  if (is_remote()) {
    EXPECT_THROW(rows.next(), Interrupted);
  }
  rows.close();
  tx.commit();
  EXPECT_EQ(conn_.query_value<int>("SELECT sum(a) FROM t"), 1);
}

TEST_P(CommonOpenRows, ThatAreTooManyEndWithTheTransaction) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  Rows rows = tx->query(kManyRows);
  ASSERT_TRUE(rows.next());
  tx.rollback();
  if (is_remote()) {
    EXPECT_THROW(rows.next(), Interrupted);
  }
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace libsql::test

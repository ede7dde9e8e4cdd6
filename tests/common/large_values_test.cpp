// Values of 50 MiB on the way, in both directions; and what happens to those that a server does not take.
#include <cstring>

#include "common/common_fixture.hpp"
#include "server/base/options.hpp"
#include "support/eventually.hpp"
#include "support/memory.hpp"

namespace libsql::test {
namespace {

constexpr std::size_t kLarge = std::size_t{50} << 20;

void allow_large_values(server::Limits& limits) {
  limits.max_row_size = 2 * kLarge;
  limits.request_bytes = limits.response_bytes = limits.total_response_bytes = 3 * kLarge;
}

// Every byte, and no period that a power of two divides.
Blob large_blob() {
  Blob blob(kLarge);
  constexpr std::size_t kPeriod = 65'537;
  for (std::size_t i = 0; i < kPeriod; ++i) blob[i] = static_cast<std::byte>(i * 7 + i / 256);
  for (std::size_t done = kPeriod; done < kLarge; done *= 2) {
    std::memcpy(blob.data() + done, blob.data(), std::min(done, kLarge - done));
  }
  return blob;
}

// With everything in it that JSON has to escape, and characters of every length.
std::string large_text() {
  const std::string part =
      "plain text of some length, then \"quotes\" and \\ and\n\x01 gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80; ";
  std::string text;
  text.reserve(kLarge + part.size());
  while (text.size() < kLarge) text += part;
  return text;
}

class CommonLargeValues : public AllModes {
 protected:
  CommonLargeValues() : AllModes(allow_large_values) {
    conn_.execute("CREATE TABLE t(v)");
    conn_.execute("INSERT INTO t VALUES (0)");
  }

  // To the database and back, by both ways that rows come: with the answer and through a cursor.
  template <class T>
  void there_and_back(const T& value) {
    const std::size_t before = allocated_bytes();
    EXPECT_TRUE(conn_.query_value<T>("SELECT ? FROM t", value) == value);
    {
      Rows rows = conn_.query("SELECT ? FROM t", value);
      ASSERT_TRUE(rows.next());
      EXPECT_TRUE(rows.row().get<T>(0) == value);
      EXPECT_FALSE(rows.next());
    }
    EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
    // No buffer on the way stays as large as it was. The server closes what is left beside the next request.
    const std::size_t most = before + value.size() / 4;
    EXPECT_TRUE(eventually([&] { return allocated_bytes() < most; })) << allocated_bytes() << " of " << most;
  }
};
LIBSQL_IN_ALL_MODES(CommonLargeValues);

TEST_P(CommonLargeValues, ABlobOf50MegabytesTravelsBothWays) { there_and_back(large_blob()); }

TEST_P(CommonLargeValues, ATextOf50MegabytesTravelsBothWays) { there_and_back(large_text()); }

TEST_P(CommonLargeValues, TheyTravelInsideATransactionToo) {
  const Blob blob = large_blob();
  Transaction tx = conn_.transaction(TransactionBehavior::Immediate);
  tx->execute("UPDATE t SET v = ?", blob);
  EXPECT_TRUE(tx->query_value<Blob>("SELECT v FROM t") == blob);
  Statement select = tx->prepare("SELECT v FROM t");
  Rows rows = select.query();
  ASSERT_TRUE(rows.next());
  EXPECT_TRUE(rows.row().get<Blob>(0) == blob);
  rows.close();
  tx.commit();
  EXPECT_EQ(conn_.query_value<std::int64_t>("SELECT length(v) FROM t"), static_cast<std::int64_t>(kLarge));
}

// A server with limits of its own.
class CommonTooLargeValues : public AllModes {
 protected:
  CommonTooLargeValues()
      : AllModes([](server::Limits& limits) {
          limits.request_bytes = 4 << 20;
          limits.max_row_size = 1 << 20;
          limits.response_bytes = 2 << 20;
        }) {
    conn_.execute("CREATE TABLE t(v)");
  }
  void expect_too_big(const std::function<void()>& run) {
    const ResourceError error = error_of<ResourceError>(run);
    EXPECT_EQ(error.code(), ErrorCode::TooBig) << error.message();
    EXPECT_TRUE(error.outcome_known());
    EXPECT_FALSE(error.retryable());
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, CommonTooLargeValues,
                         ::testing::Values(Way::HttpJson, Way::HttpProtobuf, Way::WebSocketJson,
                                           Way::WebSocketProtobuf),
                         [](const auto& way) { return name_of(way.param); });

TEST_P(CommonTooLargeValues, AValueBeyondTheServersLimitIsTooBigAndTheConnectionGoesOn) {
  expect_too_big([&] { conn_.execute("INSERT INTO t VALUES (?)", Blob((1 << 20) + 1)); });
  expect_too_big([&] { conn_.query_value<Blob>("SELECT zeroblob(1048577)"); });
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (?)", Blob(1'000'000)), 1u);
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonTooLargeValues, ARequestBeyondTheServersLimitIsTooBigAndTheConnectionGoesOn) {
  expect_too_big([&] { conn_.execute("INSERT INTO t VALUES (?)", std::string(5 << 20, 'x')); });
  expect_too_big([&] { conn_.execute("INSERT INTO t VALUES (?)", Blob(32 << 20)); });
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (1)"), 1u);
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonTooLargeValues, ARequestBeyondTheServersLimitEndsTheTransactionThatItBelongsTo) {
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1)");
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (?)", Blob(8 << 20)), TransactionLost);
  tx.rollback();
  EXPECT_EQ(count(), 0);
}

TEST_P(CommonTooLargeValues, AnAnswerBeyondTheServersLimitIsTooBigForABatchAndStreamsForAQuery) {
  conn_.execute("INSERT INTO t VALUES (zeroblob(1000000)), (zeroblob(1000000)), (zeroblob(1000000))");
  expect_too_big([&] { conn_.execute_batch("SELECT v FROM t"); });
  int rows = 0;
  for (auto [blob] : conn_.query<Blob>("SELECT v FROM t")) rows += blob.size() == 1'000'000;
  EXPECT_EQ(rows, 3);
  EXPECT_EQ(count(), 3);
}

}  // namespace
}  // namespace libsql::test

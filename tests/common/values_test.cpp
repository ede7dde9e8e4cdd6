#include <cmath>
#include <limits>

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

using namespace std::string_view_literals;

class CommonValues : public AllModes {
 protected:
  CommonValues() { conn_.execute("CREATE TABLE t(v)"); }

  // Through the database and back, by both ways that rows come.
  Value there_and_back(const Value& value) {
    conn_.execute("DELETE FROM t");
    conn_.execute("INSERT INTO t VALUES (?)", value);
    const Value at_once = conn_.query_value<Value>("SELECT v FROM t");
    Rows rows = conn_.query("SELECT v FROM t");
    EXPECT_TRUE(rows.next());
    EXPECT_EQ(Value(rows.row().value(0)), at_once);
    return at_once;
  }
};
LIBSQL_IN_ALL_MODES(CommonValues);

TEST_P(CommonValues, IntegersKeepAll64Bits) {
  for (const std::int64_t value : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                                   (std::int64_t{1} << 53) + 1, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(there_and_back(value), Value(value));
  }
}

TEST_P(CommonValues, RealsKeepAllBits) {
  for (const double value : {0.0, -1.5, 0.1, 1e300, 5e-324, 1.7976931348623157e308, 3.0}) {
    const Value back = there_and_back(value);
    ASSERT_EQ(back.type(), ValueType::Real);
    EXPECT_EQ(back.real(), value);
  }
}

TEST_P(CommonValues, InfinityIsReadAndWrittenOrRefused) {
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (?)", std::nan("")), OutOfRange);
  const double infinity = std::numeric_limits<double>::infinity();
  if (GetParam() == Way::HttpJson || GetParam() == Way::WebSocketJson) {
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (?)", infinity), OutOfRange);
    EXPECT_TRUE(std::isnan(conn_.query_value<double>("SELECT 9e999")));  // JSON has no number for it
  } else {
    EXPECT_EQ(there_and_back(infinity), Value(infinity));
    EXPECT_EQ(conn_.query_value<double>("SELECT -9e999"), -infinity);
  }
}

TEST_P(CommonValues, TextsKeepEveryCharacter) {
  for (const std::string_view value : {""sv, "plain"sv, "\"quotes\" and \\ and /"sv, "\n\r\t\x01\x1f"sv,
                                       "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"sv, "nul\0inside"sv}) {
    EXPECT_EQ(there_and_back(value), Value(value));
  }
}

TEST_P(CommonValues, BlobsKeepEveryByte) {
  Blob every(256);
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<std::byte>(i);
  for (std::size_t size : {0U, 1U, 2U, 3U, 255U, 256U}) {
    const Blob blob(every.begin(), every.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(there_and_back(blob), Value(blob));
  }
}

TEST_P(CommonValues, AMegabyteComesBackWhole) {
  Blob large(1 << 20);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * 7 + i / 251);
  EXPECT_EQ(there_and_back(large), Value(large));
  const std::string text(1 << 20, 'x');
  EXPECT_EQ(there_and_back(text), Value(text));
}

TEST_P(CommonValues, NullIsNull) { EXPECT_TRUE(there_and_back(null).is_null()); }

TEST_P(CommonValues, ZeroBlobsAreMadeOfZeros) {
  conn_.execute("INSERT INTO t VALUES (?)", ZeroBlob{1000});
  EXPECT_EQ(conn_.query_value<Blob>("SELECT v FROM t"), Blob(1000));
}

TEST_P(CommonValues, ReadingAnotherTypeIsAnError) {
  EXPECT_THROW(conn_.query_value<int>("SELECT 'text'"), TypeMismatch);
  EXPECT_THROW(conn_.query_value<std::int8_t>("SELECT 1000"), OutOfRange);
  EXPECT_THROW(conn_.query_value<int>("SELECT NULL"), TypeMismatch);
}

TEST_P(CommonValues, TextThatIsNotUtf8IsKeptOrRefused) {
  const std::string broken = "a\xff";
  if (is_remote()) {
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (?)", broken), OutOfRange);
    if (!is_replica()) {
      EXPECT_THROW(conn_.query_value<std::string>("SELECT CAST(x'61ff' AS TEXT)"), Error);
    }
    EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);  // and the connection goes on
  } else {
    EXPECT_EQ(there_and_back(broken), Value(broken));
  }
}

TEST_P(CommonValues, UuidsAndVectorsTravelAsWhatTheyAre) {
  const std::string text = uuid::Uuid::v4().to_string();
  EXPECT_EQ(conn_.query_value<std::string>("SELECT ?", text), text);
  const double distance =
      conn_.query_value<double>("SELECT vector_distance_cos(vector32(?), vector32('[1,0]'))", "[1,0]");
  EXPECT_NEAR(distance, 0.0, 1e-6);
}

}  // namespace
}  // namespace libsql::test

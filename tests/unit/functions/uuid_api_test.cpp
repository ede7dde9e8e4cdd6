#include <gtest/gtest.h>

#include <libsql/libsql.hpp>
#include <sstream>
#include <unordered_set>

namespace libsql {
namespace {

constexpr const char* kText = "018ff38a-a5c9-712d-bc80-0550b3ad41a2";

TEST(Uuid, ParsesWhatTheSqlFunctionsParse) {
  EXPECT_EQ(Uuid::parse("{018FF38AA5C9712DBC800550B3AD41A2").to_string(), kText);
  EXPECT_EQ(Uuid::parse(kText).to_string(), kText);
  EXPECT_FALSE(Uuid::try_parse("").has_value());
  EXPECT_FALSE(Uuid::try_parse("018ff38a-a5c9-712d-bc80-0550b3ad41a").has_value());
  EXPECT_FALSE(Uuid::try_parse("018ff38a--a5c9-712d-bc80-0550b3ad41a2").has_value());
  EXPECT_THROW(Uuid::parse("x"), TypeMismatch);
}

TEST(Uuid, KnowsItsVersionAndTime) {
  const Uuid uuid = Uuid::parse(kText);
  EXPECT_EQ(uuid.version(), 7);
  EXPECT_EQ(uuid.timestamp()->time_since_epoch().count(), 1717777901001);
  EXPECT_EQ(Uuid::v4().version(), 4);
  EXPECT_FALSE(Uuid::v4().timestamp().has_value());
  const auto time = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(1700000000123));
  EXPECT_EQ(Uuid::v7(time).timestamp(), time);
  EXPECT_THROW(Uuid::v7(std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(-1))), OutOfRange);
  EXPECT_THROW(
      Uuid::v7(std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(std::int64_t{1} << 48))),
      OutOfRange);
}

TEST(Uuid, OrdersByTimeForVersion7) {
  const auto at = [](std::int64_t milliseconds) {
    return Uuid::v7(std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(milliseconds)));
  };
  EXPECT_LT(at(1000), at(1001));
  EXPECT_LT(at(255), at(256));
  EXPECT_TRUE(Uuid().is_nil());
  EXPECT_LT(Uuid(), at(0));
}

TEST(Uuid, IsDifferentEachTime) {
  std::unordered_set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(Uuid::v4());
    seen.insert(Uuid::v7());
  }
  EXPECT_EQ(seen.size(), 2000U);
}

TEST(Uuid, Prints) {
  std::ostringstream out;
  out << Uuid();
  EXPECT_EQ(out.str(), "00000000-0000-0000-0000-000000000000");
}

TEST(Uuid, BindsAsTextAndReadsTextOrBlob) {
  Database database = Builder::local(":memory:").build();
  Connection connection = database.connect();
  const Uuid uuid = Uuid::parse(kText);
  EXPECT_EQ(connection.query_value<std::string>("SELECT ?", uuid), kText);
  EXPECT_EQ(connection.query_value<Uuid>("SELECT ?", uuid), uuid);
  EXPECT_EQ(connection.query_value<Uuid>("SELECT ?", uuid.bytes()), uuid);
  EXPECT_EQ(connection.query_value<Uuid>("SELECT uuid_blob(?)", uuid), uuid);
  EXPECT_EQ(connection.query_value<std::int64_t>("SELECT uuid7_timestamp_ms(?)", uuid), 1717777901001);
  EXPECT_EQ(connection.query_value<Uuid>("SELECT uuid()").version(), 4);
  // The text it is bound as lives in the call: also where a prepared statement or an optional row reads it.
  EXPECT_EQ(connection.query_row_optional<Uuid>("SELECT ?", uuid), std::tuple(uuid));
  EXPECT_EQ(connection.prepare("SELECT ?").query_row<Uuid>(uuid), std::tuple(uuid));
  EXPECT_EQ(connection.prepare("SELECT ?").query_row_optional<Uuid>(uuid), std::tuple(uuid));
  EXPECT_THROW(connection.query_value<Uuid>("SELECT 'x'"), TypeMismatch);
  EXPECT_THROW(connection.query_value<Uuid>("SELECT x'00'"), TypeMismatch);
  EXPECT_THROW(connection.query_value<Uuid>("SELECT 1"), TypeMismatch);
  EXPECT_FALSE(connection.query_value<std::optional<Uuid>>("SELECT NULL").has_value());
}

TEST(Uuid, BlobsFromSqlAreAnOptionOfTheBuilder) {
  Connection connection = Builder::local(":memory:").uuid_blobs().build().connect();
  EXPECT_EQ(connection.query_value<std::string>("SELECT typeof(uuid7())"), "blob");
  EXPECT_EQ(connection.query_value<Uuid>("SELECT uuid7()").version(), 7);
}

}  // namespace
}  // namespace libsql

#include <libsql/libsql.hpp>

#include <cmath>
#include <cstring>
#include <list>

#include "support/expect_error.hpp"

namespace libsql {

struct Point {
  int x = 0;
  int y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

template <>
struct Convert<Point> {
  static std::string to_value(const Point& point) { return std::to_string(point.x) + ";" + std::to_string(point.y); }
  static Point from_value(ValueRef value) {
    const auto text = read_value<std::string>(value);
    const auto at = text.find(';');
    return {std::stoi(text.substr(0, at)), std::stoi(text.substr(at + 1))};
  }
};

namespace {

using namespace std::string_view_literals;
using test::error_of;

class ParamsTest : public ::testing::Test {
 protected:
  Connection conn_ = Builder::local(":memory:").build().connect();
  template <class T, class A>
  T echo(const A& argument) {
    return conn_.query_value<T>("SELECT ?", argument);
  }
};

enum class Level : int { Low = 1, High = 2 };

TEST_F(ParamsTest, EveryKindGoesInAndComesOut) {
  EXPECT_EQ(echo<bool>(true), true);
  EXPECT_EQ(echo<int>(-5), -5);
  EXPECT_EQ(echo<std::int64_t>(std::numeric_limits<std::int64_t>::min()), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(echo<double>(0.1), 0.1);
  EXPECT_EQ(echo<std::string>("text"), "text");
  EXPECT_EQ(echo<std::string>(std::string("text")), "text");
  EXPECT_EQ(echo<Blob>(Blob{std::byte{0}}), Blob{std::byte{0}});
  EXPECT_EQ(echo<Value>(null), Value());
  EXPECT_EQ(echo<Value>(nullptr), Value());
  EXPECT_EQ(echo<Value>(std::nullopt), Value());
  EXPECT_EQ(echo<std::optional<int>>(std::optional<int>(3)), 3);
  EXPECT_EQ(echo<std::optional<int>>(std::optional<int>()), std::nullopt);
  EXPECT_EQ(echo<Level>(Level::High), Level::High);
  EXPECT_EQ(echo<Value>(Value(1.5)), Value(1.5));
  EXPECT_EQ(echo<Blob>(ZeroBlob{3}), Blob(3));
  EXPECT_EQ(echo<std::chrono::sys_seconds>(std::chrono::sys_seconds(std::chrono::seconds(86401))),
            std::chrono::sys_seconds(std::chrono::seconds(86401)));
}

TEST_F(ParamsTest, UserTypesGoThroughConvert) {
  EXPECT_EQ(echo<Point>(Point{3, -4}), (Point{3, -4}));
  EXPECT_EQ(echo<std::string>(Point{3, -4}), "3;-4");
  EXPECT_EQ(echo<std::optional<Point>>(std::optional(Point{1, 2})), (Point{1, 2}));
  EXPECT_EQ((conn_.query_row<Point, int>("SELECT ?, ?", Point{5, 6}, 7)), (std::tuple(Point{5, 6}, 7)));
}

TEST_F(ParamsTest, EmptyIsNotNull) {
  EXPECT_EQ(echo<Value>(""), Value(""));
  EXPECT_EQ(echo<Value>(std::string_view()), Value(""));
  EXPECT_EQ(echo<Value>(Blob{}), Value(Blob{}));
  EXPECT_EQ(echo<Value>(BlobView()), Value(Blob{}));
  EXPECT_EQ(echo<Value>(ZeroBlob{0}), Value(Blob{}));
}

TEST_F(ParamsTest, TextKeepsNulAndBytesThatAreNoUtf8) {
  EXPECT_EQ(echo<std::string>("a\0b"sv), "a\0b"sv);
  EXPECT_EQ(conn_.query_value<int>("SELECT octet_length(?)", "a\0b"sv), 3);
  EXPECT_EQ(echo<std::string>("\xff\xfe\x80"sv), "\xff\xfe\x80"sv);
}

TEST_F(ParamsTest, NanThrowsInsteadOfBecomingNull) {
  EXPECT_THROW(echo<Value>(std::nan("")), OutOfRange);
  EXPECT_THROW(conn_.query_value<Value>("SELECT :x", named("x", std::nan(""))), OutOfRange);
  EXPECT_EQ(echo<double>(std::numeric_limits<double>::infinity()), std::numeric_limits<double>::infinity());
}

TEST_F(ParamsTest, UnsignedBeyondTheRangeThrowsOutOfRange) {
  EXPECT_THROW(echo<Value>(std::numeric_limits<std::uint64_t>::max()), OutOfRange);
}

TEST_F(ParamsTest, HundredMegabytesGoInAndComeOut) {
  Blob large(100'000'000, std::byte{7});
  large.back() = std::byte{9};
  conn_.execute("CREATE TABLE t(a)");
  conn_.execute("INSERT INTO t VALUES (?)", large);
  for (const auto& row : conn_.query("SELECT a FROM t")) {
    const BlobView view = row.get<BlobView>(0);
    ASSERT_EQ(view.size(), large.size());
    EXPECT_EQ(std::memcmp(view.data(), large.data(), large.size()), 0);
  }
}

TEST_F(ParamsTest, LongerThanTheLimitIsTooBig) {
  conn_.limit(Limit::Length, 1000);
  const ResourceError error = error_of<ResourceError>([&] { echo<Value>(Blob(1001)); });
  EXPECT_EQ(error.code(), ErrorCode::TooBig);
  EXPECT_THROW(echo<Value>(ZeroBlob{std::uint64_t{1} << 40}), ResourceError);
}

TEST_F(ParamsTest, WrongNumberThrowsMisuse) {
  EXPECT_THROW(conn_.query("SELECT ?"), Misuse);
  EXPECT_THROW(conn_.query("SELECT ?", 1, 2), Misuse);
  EXPECT_THROW(conn_.query("SELECT 1", 1), Misuse);
  const Misuse error = error_of<Misuse>([&] { conn_.query("SELECT ?, :name", 1); });
  EXPECT_THAT(error.message(), ::testing::HasSubstr(":name"));
}

TEST_F(ParamsTest, NamesWorkWithEveryPrefixAndWithout) {
  EXPECT_EQ((conn_.query_row<int, int, int>("SELECT :a, @b, $c", named(":a", 1), named("@b", 2), named("$c", 3))),
            std::tuple(1, 2, 3));
  EXPECT_EQ((conn_.query_row<int, int, int>("SELECT :a, @b, $c", named("c", 3), named("a", 1), named("b", 2))),
            std::tuple(1, 2, 3));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT :a, :a", named("a", 1))), std::tuple(1, 1));
  EXPECT_EQ(conn_.query_value<int>("SELECT :a", Params{{":a", 5}}), 5);
}

TEST_F(ParamsTest, WrongNamesThrowMisuseThatNamesThem) {
  EXPECT_THAT(error_of<Misuse>([&] { conn_.query("SELECT :a", named("b", 1)); }).message(),
              ::testing::HasSubstr("'b'"));
  EXPECT_THAT(error_of<Misuse>([&] { conn_.query("SELECT :a", named("@a", 1)); }).message(),
              ::testing::HasSubstr("@a"));
  EXPECT_THAT(error_of<Misuse>([&] { conn_.query("SELECT :a, :b", named("a", 1)); }).message(),
              ::testing::HasSubstr(":b"));
  EXPECT_THAT(error_of<Misuse>([&] { conn_.query("SELECT :a", named("a", 1), named(":a", 2)); }).message(),
              ::testing::HasSubstr(":a"));
  EXPECT_THROW(conn_.query("SELECT :a", named("", 1)), Misuse);
  EXPECT_THROW(conn_.query("SELECT :a", named("a\0b"sv, 1)), Misuse);
  EXPECT_THROW(conn_.query("SELECT :a", named(std::string(300, 'x'), 1)), Misuse);
}

TEST_F(ParamsTest, AmbiguousNameThrowsMisuseUnlessPrefixed) {
  const Misuse error = error_of<Misuse>([&] { conn_.query("SELECT :a, @a", named("a", 1), named("@a", 2)); });
  EXPECT_THAT(error.message(), ::testing::HasSubstr("ambiguous"));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT :a, @a", named(":a", 1), named("@a", 2))), std::tuple(1, 2));
}

TEST_F(ParamsTest, LongNamesAreFound) {
  const std::string prefixed = std::string(1, ':').append(200, 'n');
  const std::string sql = std::string("SELECT ").append(prefixed);
  EXPECT_EQ(conn_.query_value<int>(sql, named(prefixed, 8)), 8);
  EXPECT_EQ(conn_.query_value<int>(sql, named(prefixed.substr(1), 8)), 8);
}

TEST_F(ParamsTest, NumbersAreNamesAndPositions) {
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?2, ?1", 10, 20)), std::tuple(20, 10));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?2, ?1", named("?2", 20), named("1", 10))), std::tuple(20, 10));
}

TEST_F(ParamsTest, GapsBelowANumberNeedPositionsOnlyWhenCounted) {
  EXPECT_THROW(conn_.query("SELECT ?5", 1), Misuse);
  EXPECT_EQ(conn_.query_value<int>("SELECT ?5", 1, 2, 3, 4, 5), 5);
  EXPECT_EQ(conn_.query_value<int>("SELECT ?5", named("?5", 7)), 7);
  EXPECT_THROW(conn_.query("SELECT ?, ?5", named("?5", 7)), Misuse) << "the first one is in the text";
}

TEST_F(ParamsTest, PositionsAndNamesMix) {
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?, :b", 1, named("b", 2))), std::tuple(1, 2));
  EXPECT_THROW(conn_.query("SELECT ?, :b", 1, 2, named("b", 2)), Misuse);
}

TEST_F(ParamsTest, HundredsOfNamesAreBoundAndMissedOnesNoticed) {
  for (const int count : {64, 65, 700}) {
    std::string sql = "SELECT 0";
    Params params;
    for (int i = 0; i < count; ++i) {
      const std::string name = std::string(1, 'p').append(std::to_string(i));
      sql.append(" + :").append(name);
      params.add(name, 1);
    }
    EXPECT_EQ(conn_.query_value<int>(sql, params), count);
    Params fewer;
    for (int i = 0; i + 1 < count; ++i) fewer.add(std::string(1, 'p').append(std::to_string(i)), 1);
    EXPECT_THROW(conn_.query(sql, fewer), Misuse) << count;
    params.add(":p3", 1);
    EXPECT_THROW(conn_.query(sql, params), Misuse) << count;
  }
}

TEST_F(ParamsTest, TuplesPairsAndRangesAreArguments) {
  EXPECT_EQ((conn_.query_row<int, std::string>("SELECT ?, ?", std::tuple(1, "x"))), std::tuple(1, "x"));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?, ?", std::pair(1, 2))), std::tuple(1, 2));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?, ?", Params::from_range(std::list{3, 4}))), std::tuple(3, 4));
  EXPECT_EQ((conn_.query_row<int, std::string>("SELECT ?, ?", Params::from_tuple(std::tuple(5, "y")))),
            std::tuple(5, "y"));
}

TEST_F(ParamsTest, ParamsOwnWhatTheyHold) {
  Params params;
  {
    std::string gone(100, 'x');
    params.add(gone).add("n", gone);
  }
  EXPECT_EQ(params.size(), 2u);
  EXPECT_EQ((conn_.query_row<int, int>("SELECT length(?), length(:n)", params)), std::tuple(100, 100));
  params.clear();
  EXPECT_EQ(params.size(), 0u);
}

TEST_F(ParamsTest, QueryCopiesItsArgumentsUnlessBorrowed) {
  std::string text = "before";
  Rows copied = conn_.query("SELECT ? UNION ALL SELECT ?1", text);
  ASSERT_TRUE(copied.next());
  text = "AFTER!";
  ASSERT_TRUE(copied.next());
  EXPECT_EQ(copied.row().get<std::string>(0), "before");

  Rows lent = conn_.query("SELECT ? UNION ALL SELECT ?1", borrowed(std::string_view(text)));
  ASSERT_TRUE(lent.next());
  EXPECT_EQ(lent.row().get<std::string_view>(0), "AFTER!");
}

TEST_F(ParamsTest, AFailedBindLeavesNothingBehind) {
  Statement statement = conn_.prepare("SELECT ?, ?");
  EXPECT_THROW(statement.query(std::string(1000, 'x'), std::nan("")), OutOfRange);
  EXPECT_THROW(statement.query(1), Misuse);
  EXPECT_EQ((statement.query_row<int, int>(1, 2)), std::tuple(1, 2));
}

TEST_F(ParamsTest, NullPointerIsMisuse) {
  const char* nothing = nullptr;
  EXPECT_THROW(conn_.execute("SELECT ?", nothing), Misuse);
}

}  // namespace
}  // namespace libsql

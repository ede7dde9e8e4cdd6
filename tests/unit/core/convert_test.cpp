#include <libsql/convert.hpp>

#include <libsql/libsql.hpp>

#include <cmath>
#include <limits>

namespace libsql {
namespace {

using namespace std::chrono;
using namespace std::string_view_literals;

template <class T>
Value bound(const T& value) {
  return Value(detail::Binding<T>(value).ref());
}
template <class T>
T read(const Value& value) {
  return read_value<T>(value.ref());
}
template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(read<T>(bound(value)), value);
}

enum class Colour : std::uint8_t { Red = 1, Blue = 200 };
enum class Wide : std::int64_t { Least = std::numeric_limits<std::int64_t>::min() };

TEST(Convert, IntegersOfEveryWidthRoundTrip) {
  expect_round_trip(std::numeric_limits<std::int8_t>::min());
  expect_round_trip(std::numeric_limits<std::uint8_t>::max());
  expect_round_trip(std::numeric_limits<std::int16_t>::min());
  expect_round_trip(std::numeric_limits<std::uint16_t>::max());
  expect_round_trip(std::numeric_limits<std::int32_t>::min());
  expect_round_trip(std::numeric_limits<std::uint32_t>::max());
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
  expect_round_trip(std::numeric_limits<std::int64_t>::max());
  expect_round_trip(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  expect_round_trip(42LL);
  expect_round_trip(42ULL);
}

TEST(Convert, UnsignedBeyondSixtyThreeBitsThrowsOutOfRange) {
  EXPECT_THROW(bound(std::numeric_limits<std::uint64_t>::max()), OutOfRange);
  EXPECT_THROW(bound(std::uint64_t{1} << 63), OutOfRange);
}

TEST(Convert, NarrowerIntegerThrowsOutOfRange) {
  EXPECT_THROW(read<std::int8_t>(Value(128)), OutOfRange);
  EXPECT_THROW(read<std::uint8_t>(Value(-1)), OutOfRange);
  EXPECT_THROW(read<std::uint64_t>(Value(-1)), OutOfRange);
  EXPECT_THROW(read<std::int32_t>(Value(std::int64_t{1} << 31)), OutOfRange);
}

TEST(Convert, BoolIsZeroOrOne) {
  expect_round_trip(true);
  expect_round_trip(false);
  EXPECT_THROW(read<bool>(Value(2)), OutOfRange);
  EXPECT_THROW(read<bool>(Value("true")), TypeMismatch);
}

TEST(Convert, AnotherTypeThrowsTypeMismatch) {
  EXPECT_THROW(read<int>(Value("1")), TypeMismatch);
  EXPECT_THROW(read<int>(Value(1.0)), TypeMismatch);
  EXPECT_THROW(read<int>(Value()), TypeMismatch);
  EXPECT_THROW(read<double>(Value("1.5")), TypeMismatch);
  EXPECT_THROW(read<std::string>(Value(1)), TypeMismatch);
  EXPECT_THROW(read<std::string>(Value(Blob{std::byte{1}})), TypeMismatch);
  EXPECT_THROW(read<Blob>(Value("text")), TypeMismatch);
  EXPECT_THROW(read<std::string>(Value()), TypeMismatch);
}

TEST(Convert, DoublesRoundTripBitForBit) {
  for (const double value : {0.0, -0.0, 1.5, 0.1, 1e308, 5e-324, std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(read<double>(bound(value))), std::bit_cast<std::uint64_t>(value));
  }
  expect_round_trip(1.5F);
}

TEST(Convert, DoubleTooLargeForFloatThrowsOutOfRange) { EXPECT_THROW(read<float>(Value(1e300)), OutOfRange); }

TEST(Convert, IntegerReadsAsDoubleWhileItIsExact) {
  EXPECT_EQ(read<double>(Value(7)), 7.0);
  EXPECT_EQ(read<double>(Value(std::int64_t{1} << 53)), 9007199254740992.0);
  EXPECT_THROW(read<double>(Value((std::int64_t{1} << 53) + 1)), OutOfRange);
  EXPECT_THROW(read<float>(Value((1 << 24) + 1)), OutOfRange);
  EXPECT_EQ(read<long double>(Value(std::numeric_limits<std::int64_t>::max())),
            static_cast<long double>(std::numeric_limits<std::int64_t>::max()));
}

TEST(Convert, TextKeepsEveryByte) {
  expect_round_trip(std::string());
  expect_round_trip(std::string("a\0b", 3));
  expect_round_trip(std::string("\xff\xfe not UTF-8"));
  EXPECT_EQ(bound("literal").text(), "literal");
  const char* pointer = "pointer";
  EXPECT_EQ(bound(pointer).text(), "pointer");
  EXPECT_EQ(bound("view"sv).text(), "view");
}

TEST(Convert, NullPointerIsNoText) {
  const char* nothing = nullptr;
  EXPECT_THROW(bound(nothing), Misuse);
}

TEST(Convert, BlobsRoundTripFromBytesAndFromUint8) {
  expect_round_trip(Blob{});
  expect_round_trip(Blob{std::byte{0}, std::byte{255}});
  expect_round_trip(std::vector<std::uint8_t>{0, 1, 255});
  EXPECT_EQ(bound(std::array<std::uint8_t, 2>{7, 8}).blob(), (Blob{std::byte{7}, std::byte{8}}));
}

TEST(Convert, NullsOfEverySpelling) {
  EXPECT_TRUE(bound(null).is_null());
  EXPECT_TRUE(bound(nullptr).is_null());
  EXPECT_TRUE(bound(std::nullopt).is_null());
  EXPECT_TRUE(bound(std::optional<int>()).is_null());
  EXPECT_TRUE(bound(Value()).is_null());
}

TEST(Convert, OptionalReadsNullAsNothing) {
  EXPECT_EQ(read<std::optional<int>>(Value()), std::nullopt);
  EXPECT_EQ(read<std::optional<int>>(Value(3)), 3);
  EXPECT_THROW(read<std::optional<int>>(Value("3")), TypeMismatch);
  expect_round_trip(std::optional<std::string>("x"));
  expect_round_trip(std::optional<Colour>(Colour::Blue));
}

TEST(Convert, EnumsGoByTheirNumber) {
  expect_round_trip(Colour::Red);
  expect_round_trip(Colour::Blue);
  expect_round_trip(Wide::Least);
  EXPECT_EQ(bound(Colour::Blue), Value(200));
  EXPECT_THROW(read<Colour>(Value(256)), OutOfRange);
}

TEST(Convert, TimesAreTextThatTheDateFunctionsRead) {
  const sys_seconds noon = sys_days(2024y / February / 29) + 12h + 3min + 4s;
  EXPECT_EQ(bound(noon).text(), "2024-02-29 12:03:04");
  EXPECT_EQ(bound(time_point_cast<milliseconds>(noon) + 5ms).text(), "2024-02-29 12:03:04.005");
  EXPECT_EQ(bound(time_point_cast<microseconds>(noon) + 6us).text(), "2024-02-29 12:03:04.000006");
  EXPECT_EQ(bound(time_point_cast<nanoseconds>(noon) + 7ns).text(), "2024-02-29 12:03:04.000000007");
  EXPECT_EQ(bound(2024y / February / 29).text(), "2024-02-29");
}

TEST(Convert, TimesRoundTripInEveryPrecision) {
  const sys_seconds noon = sys_days(1969y / July / 20) + 20h + 17min + 40s;
  expect_round_trip(noon);
  expect_round_trip(time_point_cast<milliseconds>(noon) + 123ms);
  expect_round_trip(time_point_cast<microseconds>(noon) + 123456us);
  expect_round_trip(time_point_cast<nanoseconds>(noon) + 123456789ns);
  expect_round_trip(system_clock::now());
  expect_round_trip(sys_days(1600y / January / 1));
  expect_round_trip(2024y / February / 29);
}

TEST(Convert, TimesFarAwayRoundTripWherePrecisionAllows) {
  expect_round_trip(sys_seconds(sys_days(9999y / December / 31) + 23h + 59min + 59s));
  expect_round_trip(sys_seconds(sys_days(0y / January / 1)));
  expect_round_trip(sys_days(3000y / May / 5));
  EXPECT_THROW((read<sys_time<nanoseconds>>(Value("3000-01-01"))), OutOfRange);
  EXPECT_THROW(bound(sys_seconds(sys_days(9999y / December / 31) + 24h)), OutOfRange);
  EXPECT_THROW(bound(sys_seconds(seconds::min() / 2)), OutOfRange);
}

TEST(Convert, TimesReadTheFormsThatTheDateFunctionsWrite) {
  const sys_seconds want = sys_days(2024y / January / 2) + 3h + 4min;
  for (const char* text : {"2024-01-02 03:04", "2024-01-02T03:04:00", "2024-01-02 03:04:00.000", "2024-01-02T03:04:00Z",
                           "2024-01-02 05:04+02:00", "2024-01-01 21:34:00-05:30"}) {
    EXPECT_EQ(read<sys_seconds>(Value(text)), want) << text;
  }
  EXPECT_EQ(read<sys_seconds>(Value(1704164640)), want);
  EXPECT_EQ(read<sys_days>(Value("2024-01-02")), sys_days(2024y / January / 2));
}

TEST(Convert, TimesThatWouldLoseDigitsThrowOutOfRange) {
  EXPECT_THROW(read<sys_seconds>(Value("2024-01-02 03:04:05.5")), OutOfRange);
  EXPECT_THROW((read<sys_time<milliseconds>>(Value("2024-01-02 03:04:05.0001"))), OutOfRange);
  EXPECT_THROW((read<sys_time<nanoseconds>>(Value("2024-01-02 03:04:05.1234567891"))), OutOfRange);
  EXPECT_THROW(read<sys_days>(Value("2024-01-02 03:04")), OutOfRange);
  EXPECT_EQ((read<sys_time<milliseconds>>(Value("2024-01-02 03:04:05.120000000000"))),
            sys_days(2024y / January / 2) + 3h + 4min + 5s + 120ms);
}

TEST(Convert, TextThatIsNoTimeThrowsTypeMismatch) {
  for (const char* text : {"", "now", "2024", "2024-13-01", "2024-02-30", "2024-01-02 ", "2024-01-02 24:00",
                           "2024-01-02 03:60", "2024-01-02 03:04:60", "2024-01-02 03:04:05.", "2024-01-02 03:04x",
                           "2024-01-02 03:04Zx", "2024-01-02 03:04+2", "2024-01-02 03:04+99:99", "24-01-02"}) {
    EXPECT_THROW(read<sys_seconds>(Value(text)), TypeMismatch) << text;
  }
  EXPECT_THROW(read<sys_seconds>(Value(1.5)), TypeMismatch);
  EXPECT_THROW(read<year_month_day>(Value("2024-01-02 03:04")), TypeMismatch);
  EXPECT_THROW(read<year_month_day>(Value(5)), TypeMismatch);
}

TEST(Value, TakesEveryIntegerTypeAndChecksItsRange) {
  EXPECT_EQ(Value(std::uint8_t{7}).integer(), 7);
  EXPECT_EQ(Value(7U).integer(), 7);
  EXPECT_EQ(Value(7LL).integer(), 7);
  EXPECT_EQ(Value(std::size_t{7}).integer(), 7);
  EXPECT_EQ(Value(true).integer(), 1);
  EXPECT_EQ(Value(1.5F).real(), 1.5);
  EXPECT_THROW(Value(std::numeric_limits<std::uint64_t>::max()), OutOfRange);
}

TEST(Value, AccessorsThrowTypeMismatchForAnotherKind) {
  EXPECT_THROW(Value().integer(), TypeMismatch);
  EXPECT_THROW(Value(1).real(), TypeMismatch);
  EXPECT_THROW(Value(1).text(), TypeMismatch);
  EXPECT_THROW(Value("a").blob(), TypeMismatch);
}

TEST(Value, EqualityTellsKindsApart) {
  EXPECT_EQ(Value(1), Value(1));
  EXPECT_NE(Value(1), Value(1.0));
  EXPECT_NE(Value(""), Value());
  EXPECT_NE(Value(""), Value(Blob{}));
}

TEST(Value, PrintsAsLiteral) {
  const auto text = [](const Value& value) {
    std::ostringstream out;
    out << value;
    return out.str();
  };
  EXPECT_EQ(text(Value()), "NULL");
  EXPECT_EQ(text(Value(-5)), "-5");
  EXPECT_EQ(text(Value(2.0)), "2.0");
  EXPECT_EQ(text(Value(0.1)), "0.1");
  EXPECT_EQ(text(Value(std::numeric_limits<double>::infinity())), "9e999");
  EXPECT_EQ(text(Value("it's")), "'it''s'");
  EXPECT_EQ(text(Value(Blob{std::byte{0}, std::byte{0xaf}})), "x'00af'");
}

TEST(ValueType, HasTheEnginesNames) {
  EXPECT_EQ(to_string(ValueType::Null), "NULL");
  EXPECT_EQ(to_string(ValueType::Integer), "INTEGER");
  EXPECT_EQ(to_string(ValueType::Real), "REAL");
  EXPECT_EQ(to_string(ValueType::Text), "TEXT");
  EXPECT_EQ(to_string(ValueType::Blob), "BLOB");
}

}  // namespace
}  // namespace libsql

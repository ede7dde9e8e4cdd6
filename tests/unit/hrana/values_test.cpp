// Values in both encodings, from the bytes and back.
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "hrana/json_writer.hpp"
#include "hrana/proto_writer.hpp"
#include "unit/hrana/vectors.hpp"

namespace libsql::hrana {
namespace {

using test::argument_json;
using test::argument_protobuf;
using test::bytes;
using test::decode_argument;
using test::is_refused;

constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string json_of(ValueRef value) {
  std::string out;
  EXPECT_TRUE(json::append_value(value, out));
  return out;
}

// The Value without the field around it.
std::string protobuf_of(ValueRef value) {
  std::string out;
  proto::append_value(1, value, out);
  return test::hex(out.substr(2));
}

Value from_json(std::string_view value) { return decode_argument(Encoding::Json, argument_json(value)); }
Value from_protobuf(std::string_view hex) { return decode_argument(Encoding::Protobuf, argument_protobuf(bytes(hex))); }
bool json_is_refused(std::string_view value) {
  return is_refused([&] { from_json(value); });
}
bool protobuf_is_refused(std::string_view hex) {
  return is_refused([&] { from_protobuf(hex); });
}

// The cell of an answer as the client reads it.
Value cell(std::string_view value) {
  const auto response = decode_pipeline_response(Encoding::Json, test::cell_json(value));
  return Value(test::result_of(*response).cells[0]);
}

TEST(HranaValue, EachKindHasItsBytes) {
  const std::byte ff[] = {std::byte{0xff}};
  const struct {
    Value value;
    std::string json;
    std::string protobuf;
  } vectors[] = {
      {null, R"({"type":"null"})", "0a 00"},
      {-1, R"({"type":"integer","value":"-1"})", "10 01"},
      {0, R"({"type":"integer","value":"0"})", "10 00"},
      {kMax, R"({"type":"integer","value":"9223372036854775807"})", "10 fe ff ff ff ff ff ff ff ff 01"},
      {kMin, R"({"type":"integer","value":"-9223372036854775808"})", "10 ff ff ff ff ff ff ff ff ff 01"},
      {9007199254740993, R"({"type":"integer","value":"9007199254740993"})", "10 82 80 80 80 80 80 80 20"},
      {1.0, R"({"type":"float","value":1.0})", "19 00 00 00 00 00 00 f0 3f"},
      {0.1, R"({"type":"float","value":0.1})", "19 9a 99 99 99 99 99 b9 3f"},
      {-0.0, R"({"type":"float","value":-0.0})", "19 00 00 00 00 00 00 00 80"},
      {"a", R"({"type":"text","value":"a"})", "22 01 61"},
      {"", R"({"type":"text","value":""})", "22 00"},
      {BlobView(ff), R"({"type":"blob","base64":"/w"})", "2a 01 ff"},
      {BlobView(), R"({"type":"blob","base64":""})", "2a 00"},
  };
  for (const auto& vector : vectors) {
    EXPECT_EQ(json_of(vector.value.ref()), vector.json);
    EXPECT_EQ(protobuf_of(vector.value.ref()), vector.protobuf);
    EXPECT_EQ(from_json(vector.json), vector.value) << vector.json;
    EXPECT_EQ(cell(vector.json), vector.value) << vector.json;
    EXPECT_EQ(from_protobuf(vector.protobuf), vector.value) << vector.protobuf;
  }
}

TEST(HranaValue, MembersComeInAnyOrderAndOthersAreIgnored) {
  EXPECT_EQ(from_json(R"({"value":"12","type":"integer"})"), Value(12));
  EXPECT_EQ(from_json(R"( { "x" : [{}] , "base64" : "/w" , "type" : "blob" } )"), Value(Blob{std::byte{0xff}}));
  EXPECT_EQ(from_json(R"({"type":"text","value":"a","extra":{"deep":[1,2]}})"), Value("a"));
  EXPECT_EQ(from_json(R"({"type":"null","value":7})"), Value());
  EXPECT_EQ(from_json(R"({"\u0074ype":"text","v\u0061lue":"b"})"), Value("b"));
}

TEST(HranaValue, IntegersAreReadExactlyOrRefused) {
  EXPECT_EQ(from_json(R"({"type":"integer","value":"+5"})"), Value(5));
  EXPECT_EQ(from_json(R"({"type":"integer","value":"007"})"), Value(7));
  EXPECT_EQ(from_json(R"({"type":"integer","value":"-0"})"), Value(0));
  EXPECT_EQ(from_json(R"({"type":"integer","value":"\u0035"})"), Value(5));
  // No writer that is known sends a number here, but its digits are exact.
  EXPECT_EQ(from_json(R"({"type":"integer","value":9007199254740993})"), Value(9007199254740993));
  EXPECT_EQ(from_json(R"({"type":"integer","value":-9223372036854775808})"), Value(kMin));
  for (const std::string_view value :
       {R"("")", R"(" 5")", R"("5 ")", R"("1.0")", R"("9223372036854775808")", R"("-9223372036854775809")", R"("0x10")",
        "1.0", "1e3", "9223372036854775808", "null", "true", "[5]"}) {
    EXPECT_TRUE(json_is_refused(R"({"type":"integer","value":)" + std::string(value) + "}")) << value;
  }
}

TEST(HranaValue, RealsOfAServerAreFiniteNumbers) {
  EXPECT_EQ(from_json(R"({"type":"float","value":1})"), Value(1.0));
  EXPECT_EQ(from_json(R"({"type":"float","value":100000000000000000000})"), Value(1e20));
  EXPECT_EQ(from_json(R"({"type":"float","value":-1.5e-7})"), Value(-1.5e-7));
  EXPECT_EQ(from_json(R"({"type":"float","value":1e-400})"), Value(0.0));
  for (const std::string_view value : {"-0", "-0.0"}) {
    EXPECT_TRUE(std::signbit(from_json(R"({"type":"float","value":)" + std::string(value) + "}").real()));
  }
  for (const std::string_view value : {"null", R"("1")", "NaN", "Infinity", "1e400", "-1e400", "true", "{}"}) {
    EXPECT_TRUE(json_is_refused(R"({"type":"float","value":)" + std::string(value) + "}")) << value;
  }
}

TEST(HranaValue, ARealThatIsNullIsNanForAClient) {
  EXPECT_TRUE(std::isnan(cell(R"({"type":"float","value":null})").real()));
  EXPECT_TRUE(std::isnan(cell(R"({"value":null,"type":"float"})").real()));
  EXPECT_EQ(json_of(ValueRef(kInfinity)), R"({"type":"float","value":null})");
  EXPECT_EQ(json_of(ValueRef(-kInfinity)), R"({"type":"float","value":null})");
  EXPECT_EQ(json_of(ValueRef(std::nan(""))), R"({"type":"float","value":null})");
}

TEST(HranaValue, ProtobufCarriesInfinityAndMakesNullOfNan) {
  EXPECT_EQ(from_protobuf("19 00 00 00 00 00 00 f0 7f"), Value(kInfinity));
  EXPECT_EQ(from_protobuf("19 00 00 00 00 00 00 f0 ff"), Value(-kInfinity));
  EXPECT_EQ(from_protobuf("19 00 00 00 00 00 00 f8 7f"), Value());
  EXPECT_EQ(protobuf_of(ValueRef(kInfinity)), "19 00 00 00 00 00 00 f0 7f");
}

TEST(HranaValue, RealsAreWrittenShortAndReadBackTheSame) {
  const std::pair<double, std::string_view> vectors[] = {{100.0, "100.0"},
                                                         {1e20, "1e+20"},
                                                         {0.30000000000000004, "0.30000000000000004"},
                                                         {5e-324, "5e-324"},
                                                         {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                         {-2.5, "-2.5"},
                                                         {123456789.0, "123456789.0"}};
  for (const auto& [value, text] : vectors) {
    EXPECT_EQ(json_of(ValueRef(value)), R"({"type":"float","value":)" + std::string(text) + "}");
    EXPECT_EQ(from_json(json_of(ValueRef(value))), Value(value));
  }
}

TEST(HranaValue, DecimalsOfAFewPlacesAreSpelledAsTheStandardLibraryDoes) {
  const auto expect_same = [](double value) {
    char digits[40];
    std::string expected(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    if (expected.find_first_of(".e") == std::string::npos) expected += ".0";
    ASSERT_EQ(json_of(ValueRef(value)), R"({"type":"float","value":)" + expected + "}");
  };
  for (int i = -120'000; i <= 120'000; ++i) expect_same(i / 1000.0);
  for (std::int64_t i = 1; i < 2'000'000'000'000'000'000; i = i * 3 + 1) {
    for (const double divisor : {1.0, 2.0, 8.0, 10.0, 100.0, 1000.0, 10000.0}) {
      for (const std::int64_t number : {i, -i, i * 10, i / 1000 * 1000}) {
        expect_same(static_cast<double>(number) / divisor);
        expect_same(std::nextafter(static_cast<double>(number) / divisor, 0));
      }
    }
  }
  for (const double value : {0.0, -0.0, 99'999.0, 100'000.0, 100'001.0, 120'000.0, 1e14, 1e15, 1e16,
                             999'999'999'999.999, 0.0005, 0.9995, 1e-3, 1e-4, 4.35, 1.005, 8.575}) {
    expect_same(value);
  }
}

TEST(HranaValue, TextsHoldEveryCharacter) {
  std::string all;
  for (char c = 0; c < 0x7f; ++c) all += c;
  all += "\x7f\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  EXPECT_EQ(from_json(json_of(ValueRef(std::string_view(all)))), Value(all));
  EXPECT_EQ(json_of(ValueRef(std::string_view("a\0\x1f\n\"\\/\x7f", 8))),
            "{\"type\":\"text\",\"value\":\"a\\u0000\\u001f\\n\\\"\\\\/\x7f\"}");
  std::string out;
  proto::append_value(3, ValueRef(std::string_view(all)), out);
  EXPECT_EQ(decode_argument(Encoding::Protobuf, test::field(2, test::field(2, test::field(1, out)))), Value(all));
}

TEST(HranaValue, TextsThatAreNotUtf8AreRefused) {
  std::string out;
  EXPECT_FALSE(json::append_value(ValueRef(std::string_view("a\xff")), out));
  EXPECT_TRUE(json_is_refused("{\"type\":\"text\",\"value\":\"a\xff\"}"));
  EXPECT_TRUE(json_is_refused(R"({"type":"text","value":"\ud800"})"));
  EXPECT_TRUE(protobuf_is_refused("22 02 61 ff"));
}

TEST(HranaValue, BlobsAreReadWithEscapesAndPadding) {
  const Value ff(Blob{std::byte{0xff}});
  for (const std::string_view text : {R"("/w")", R"("/w==")", R"("\/w==")", R"("\u002fw")"}) {
    EXPECT_EQ(from_json(R"({"type":"blob","base64":)" + std::string(text) + "}"), ff) << text;
  }
  for (const std::string_view text :
       {R"("_w")", R"("/w ")", R"("/x")", R"("/")", R"("/w\n")", "null", "5", R"("Zm9vY")"}) {
    EXPECT_TRUE(json_is_refused(R"({"type":"blob","base64":)" + std::string(text) + "}")) << text;
  }
}

TEST(HranaValue, ZeroBlobsAreWrittenAsBytes) {
  for (const std::uint64_t size : {0, 1, 2, 3, 1000}) {
    const Value zeros(Blob(size, std::byte{0}));
    EXPECT_EQ(from_json(json_of(ValueRef(ZeroBlob{size}))), zeros);
    EXPECT_EQ(protobuf_of(ValueRef(ZeroBlob{size})), protobuf_of(zeros.ref()));
  }
}

TEST(HranaValue, LargeBlobsComeBack) {
  Blob large(5'000'000);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * 31 + i / 7919);
  const Value value(large);
  EXPECT_EQ(from_json(json_of(value.ref())), value);
  std::string out;
  proto::append_value(3, value.ref(), out);
  EXPECT_EQ(decode_argument(Encoding::Protobuf, test::field(2, test::field(2, test::field(1, out)))), value);
}

TEST(HranaValue, OtherShapesAreRefused) {
  for (const std::string_view value : {"null",
                                       "5",
                                       "\"a\"",
                                       "[]",
                                       "{}",
                                       R"({"value":"5"})",
                                       R"({"type":"date","value":"5"})",
                                       R"({"type":null})",
                                       R"({"type":5,"value":"5"})",
                                       R"({"type":"integer"})",
                                       R"({"type":"text"})",
                                       R"({"type":"blob","value":"/w"})",
                                       R"({"type":"text","value":5})",
                                       R"({"type":"text","value":null})",
                                       R"({"type":"Integer","value":"5"})",
                                       R"({"type":"text","value":"a","value":"b"})",
                                       R"({"type":"text","type":"text","value":"a"})",
                                       R"({"value":"a","type":"text","type":"text"})",
                                       R"({"type":"integer","value":"5")",
                                       R"({"type":"integer","value":"5"]})"}) {
    EXPECT_TRUE(json_is_refused(value)) << value;
  }
}

TEST(HranaValue, ProtobufTakesTheLastKindAndSkipsUnknownFields) {
  EXPECT_EQ(from_protobuf("10 01 22 01 61"), Value("a"));
  EXPECT_EQ(from_protobuf("22 01 61 10 04"), Value(2));
  EXPECT_EQ(from_protobuf("22 01 61 22 01 62"), Value("b"));
  EXPECT_EQ(from_protobuf("30 01 3a 02 ff ff 41 01 02 03 04 05 06 07 08 4d 01 02 03 04 10 04"), Value(2));
  EXPECT_EQ(from_protobuf("0a 02 08 05"), Value()) << "an unknown field in the empty message";
  EXPECT_EQ(from_protobuf("10 84 80 80 80 00"), Value(2)) << "a longer varint than needed";
}

TEST(HranaValue, MalformedProtobufIsRefused) {
  for (const std::string_view hex : {"",
                                     "30 01",  // no kind
                                     "10",
                                     "10 80",
                                     "10 ff ff ff ff ff ff ff ff ff",        // a truncated varint
                                     "10 ff ff ff ff ff ff ff ff ff ff 01",  // a varint of eleven bytes
                                     "19 00 00 00",
                                     "22 05 61",
                                     "2a",                                // a truncated field
                                     "22 ff ff ff ff 0f",                 // a length of 4 GiB
                                     "22 81 80 80 80 10 61",              // one of 2^32 + 1, which is 1 if it is cut
                                     "22 ff ff ff ff ff ff ff ff ff 01",  // one of 2^64 - 1
                                     "12 01 61",
                                     "18 01",
                                     "20 01",
                                     "28 01",
                                     "08 00",  // another wire type
                                     "00 01",
                                     "13",
                                     "14",
                                     "16 00",
                                     "17",           // no such field or wire type
                                     "0a 01 13"}) {  // a broken message within the empty one
    EXPECT_TRUE(protobuf_is_refused(hex)) << hex;
  }
}

}  // namespace
}  // namespace libsql::hrana

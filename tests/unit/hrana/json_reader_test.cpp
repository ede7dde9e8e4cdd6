#include "hrana/json_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace libsql::hrana {
namespace {

bool is_json(std::string_view text) {
  core::Arena arena;
  JsonReader reader(text, arena);
  try {
    reader.skip();
    reader.end();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.kind(), DecodeError::Kind::Malformed);
    EXPECT_LE(error.offset(), text.size());
    return false;
  }
  return true;
}

std::string string_of(std::string_view text) {
  core::Arena arena;
  JsonReader reader(text, arena);
  return std::string(reader.string());
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

TEST(JsonReader, EveryKindOfValueIsAccepted) {
  for (const std::string_view text : {"null",
                                      "true",
                                      "false",
                                      "0",
                                      "-0",
                                      "12",
                                      "-1.5",
                                      "1e9",
                                      "1E+9",
                                      "0.5e-3",
                                      "\"\"",
                                      "\"a\"",
                                      "[]",
                                      "[1,2]",
                                      "{}",
                                      R"({"a":1,"b":[{"c":null}]})",
                                      " \t\r\n[ 1 , 2 ] \n",
                                      R"({ "a" : 1 })",
                                      R"("\"\\\/\b\f\n\r\t\u0041")",
                                      "\"\xF0\x9F\x98\x80\"",
                                      R"("\ud83d\ude00")",
                                      "123456789012345678901234567890",
                                      "1e400"}) {
    EXPECT_TRUE(is_json(text)) << text;
  }
}

TEST(JsonReader, WhatIsNoJsonIsRefused) {
  for (const std::string_view text : {"",
                                      " ",
                                      "nul",
                                      "nulll",
                                      "True",
                                      "+1",
                                      "01",
                                      "-",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "NaN",
                                      "Infinity",
                                      "'a'",
                                      "\"a",
                                      "\"\\",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800x\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\udc00\"",
                                      "\"\xff\"",
                                      "\"\xed\xa0\x80\"",
                                      "[",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "]",
                                      "{",
                                      "{1:2}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1",
                                      "{,}",
                                      "[1}",
                                      "{\"a\":1]",
                                      "1 2",
                                      "[] []",
                                      "// x\n1",
                                      "\xEF\xBB\xBF[]"}) {
    EXPECT_FALSE(is_json(text)) << text;
  }
  EXPECT_FALSE(is_json(std::string_view("\"a\0b\"", 5)));
  EXPECT_FALSE(is_json(std::string_view("[1]\0", 4)));
  EXPECT_FALSE(is_json("\"a\nb\""));
}

TEST(JsonReader, EveryPrefixOfAValueIsRefused) {
  const std::string text = R"({"a":[1.5e3,"x\u0041\ud83d\ude00y",{"b":null}],"c":true,"d":false})";
  ASSERT_TRUE(is_json(text));
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(is_json(text.substr(0, size))) << size;
}

// Of the members `a` and `bc`, which are all there.
std::string members_of(std::string_view text) {
  static constexpr std::string_view kNames[] = {"a", "bc"};
  libsql::core::Arena arena;
  JsonReader reader(text, arena);
  std::string seen;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    seen.append(kNames[member]).append("=").append(std::to_string(reader.int32())).append(";");
  }
  reader.end();
  return seen;
}

TEST(JsonReader, MembersAreFoundHoweverTheyAreSpaced) {
  for (const char* text : {R"({"a":1,"bc":2})", R"({"a": 1, "bc": 2})", R"({ "a" : 1 , "bc" : 2 })",
                           "{\"a\":1,\n\"bc\":2}", "{\"a\":1,  \"bc\":2}", R"({"a": 1, "b": 0, "bcd": 0, "bc": 2})"}) {
    EXPECT_EQ(members_of(text), "a=1;bc=2;") << text;
  }
  EXPECT_EQ(members_of(R"({"bc": 2, "a": 1})"), "bc=2;a=1;");
  for (const char* text : {R"({"a":1, )", R"({"a":1,)", R"({"a":1, })", R"({"a":1, "bc})", R"({"a":1, "bc")",
                           R"({"a":1, "bc":)", R"({"a":1, bc:2})", R"({"a":1 "bc":2})"}) {
    EXPECT_THROW(members_of(text), DecodeError) << text;
  }
}

TEST(JsonReader, NestingIsLimited) {
  EXPECT_TRUE(is_json(nested(kMaxJsonDepth)));
  EXPECT_FALSE(is_json(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(is_json(std::string(1000000, '[')));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(is_json(objects));
  EXPECT_TRUE(is_json("[" + nested(100) + "," + nested(127) + "]"));
}

TEST(JsonReader, EscapesBecomeTheirCharacters) {
  EXPECT_EQ(string_of(R"("a\"b\\c\/d\be\ff\ng\rh\ti")"), "a\"b\\c/d\be\ff\ng\rh\ti");
  EXPECT_EQ(string_of(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(string_of(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_EQ(string_of(R"("\u00E9")"), "\xC3\xA9");
  const std::string filler(500, 'x');
  EXPECT_EQ(string_of("\"" + filler + "\\n" + filler + "\""), filler + "\n" + filler);
}

TEST(JsonReader, AStringWithoutEscapesIsAViewOfTheText) {
  const std::string text = "\"caf\xC3\xA9\"";
  core::Arena arena;
  JsonReader reader(text, arena);
  EXPECT_EQ(reader.string().data(), text.data() + 1);
}

TEST(JsonReader, RealsAreReadToTheNearestDouble) {
  EXPECT_EQ(parse_real("1"), 1.0);
  EXPECT_EQ(parse_real("0.1"), 0.1);
  EXPECT_EQ(parse_real("100000000000000000000"), 1e20);
  EXPECT_EQ(parse_real("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(parse_real("5e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(parse_real("1e-400"), 0.0);
  EXPECT_TRUE(std::signbit(*parse_real("-0")));
  EXPECT_TRUE(std::signbit(*parse_real("-0.0")));
  EXPECT_EQ(parse_real("1e400"), std::nullopt);
  EXPECT_EQ(parse_real("-1e400"), std::nullopt);
}

TEST(JsonReader, IntegersKeepTheirDigits) {
  EXPECT_EQ(parse_int64("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_int64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_int64("9007199254740993"), 9007199254740993);
  EXPECT_EQ(parse_int64("+5"), 5);
  EXPECT_EQ(parse_int64("007"), 7);
  EXPECT_EQ(parse_int64("-0"), 0);
  EXPECT_EQ(parse_uint64("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const std::string_view text : {"", "+", "-", "+-5", "--5", " 5", "5 ", "1.0", "1e3", "0x5",
                                      "9223372036854775808", "-9223372036854775809", "five"}) {
    EXPECT_EQ(parse_int64(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_uint64("-1"), std::nullopt);
  EXPECT_EQ(parse_uint64("18446744073709551616"), std::nullopt);
}

TEST(JsonReader, ManyNestedObjectsWithTheirTypeAtTheEndDoNotTakeForever) {
  // Each level is read ahead for its type. Without a limit a message of this size would be read 120 times.
  std::string text;
  for (int i = 0; i < 120; ++i) text += R"({"pad":")" + std::string(20000, 'x') + R"(","cond":)";
  text += R"({"type":"is_autocommit"})";
  for (int i = 0; i < 120; ++i) text += R"(,"type":"not"})";
  core::Arena arena;
  JsonReader reader(text, arena);
  const std::string_view names[] = {"cond"};
  const auto read = [&](auto& self) -> void {
    JsonObject object(reader);
    object.type();
    while (object.next(names) >= 0) self(self);
  };
  EXPECT_THROW(read(read), DecodeError);
}

}  // namespace
}  // namespace libsql::hrana

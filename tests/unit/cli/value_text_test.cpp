#include "cli/value_text.hpp"

#include <gtest/gtest.h>

#include <libsql/builder.hpp>
#include <libsql/connection.hpp>
#include <limits>
#include <string>
#include <vector>

namespace libsql::cli {
namespace {

template <void (*Append)(std::string&, ValueRef)>
std::string text_of(const Value& value) {
  std::string out;
  Append(out, value.ref());
  return out;
}

std::string plain(const Value& value) {
  std::string out;
  append_plain(out, value.ref(), "(null)");
  return out;
}

Blob bytes(std::initializer_list<int> values) {
  Blob blob;
  for (const int value : values) blob.push_back(static_cast<std::byte>(value));
  return blob;
}

TEST(ValueText, PrintsNumbersAsTheEngineDoes) {
  EXPECT_EQ(plain(0.1), "0.1");
  EXPECT_EQ(plain(1.0 / 3), "0.333333333333333");
  EXPECT_EQ(plain(100000.0), "100000.0");
  EXPECT_EQ(plain(1e15), "1.0e+15");
  EXPECT_EQ(plain(1e-5), "1.0e-05");
  EXPECT_EQ(plain(std::numeric_limits<double>::infinity()), "Inf");
  EXPECT_EQ(plain(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(plain(nullptr), "(null)");
}

TEST(ValueText, ShowsBlobsThatAreNoTextInHex) {
  std::string out;
  append_readable(out, Value(bytes({0x00, 0xFF})).ref(), "");
  EXPECT_EQ(out, "X'00ff'");
  out.clear();
  append_readable(out, Value(bytes({'a', '\n', 'b'})).ref(), "");
  EXPECT_EQ(out, "a\nb");
}

TEST(ValueText, LiteralsGiveTheSameValueBack) {
  Connection connection = Builder::local(":memory:").build().connect();
  const std::vector<Value> values = {
      nullptr,
      0,
      std::numeric_limits<std::int64_t>::max(),
      std::numeric_limits<std::int64_t>::min(),
      0.1,
      1.0 / 3,
      -1e300,
      5e-324,
      123456789012345680.0,
      1e22,
      std::numeric_limits<double>::infinity(),
      "",
      "it's",
      "two\nlines",
      "\r\n",
      "\\n and \n and \\r and \r",
      std::string("nul\0inside", 10),
      "\xF0\x9F\x98\x80",
      "no UTF-8: \xFF\n",
      Blob(),
      bytes({0, 1, 0xFE}),
  };
  for (const Value& value : values) {
    for (const std::string& literal :
         {text_of<sql::append_literal>(value), text_of<sql::append_literal_on_one_line>(value)}) {
      EXPECT_EQ(connection.query_value<Value>("SELECT " + literal), value) << literal;
    }
    EXPECT_EQ(text_of<sql::append_literal_on_one_line>(value).find('\n'), std::string::npos);
  }
}

TEST(ValueText, JsonIsValidWhateverTheValue) {
  EXPECT_EQ(text_of<append_json>("\"\\\b\f\n\r\t\x01\x7F/\xC3\xA9"), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7F/\xC3\xA9\"");
  EXPECT_EQ(text_of<append_json>(bytes({'a', 0, 0xFF})), "\"a\\u0000\\u00ff\"");
  EXPECT_EQ(text_of<append_json>(1e20), "1.0e+20");
  EXPECT_EQ(text_of<append_json>(0.1), "0.1");
  EXPECT_EQ(text_of<append_json>(nullptr), "null");
}

}  // namespace
}  // namespace libsql::cli

#include "core/json_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace libsql::core {
namespace {

const std::string_view kBroken[] = {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xc0\xaf", "\xed\xa0\x80"};

std::string written(std::string_view text) {
  std::string out;
  EXPECT_TRUE(append_json_text(text, out, OnInvalid::Replace));
  return out;
}

TEST(JsonText, EscapesWhatMustBeAndNothingElse) {
  EXPECT_EQ(written(""), "\"\"");
  EXPECT_EQ(written("a\"b\\c/"), R"("a\"b\\c/")");
  EXPECT_EQ(written("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(written(std::string_view("\0\x01\x1f", 3)), R"("\u0000\u0001\u001f")");
  EXPECT_EQ(written("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
  const std::string longer(100, 'x');
  EXPECT_EQ(written(longer + "\n" + longer), "\"" + longer + "\\n" + longer + "\"");
}

TEST(JsonText, WhatIsNoUtf8IsReplacedOrStops) {
  for (const std::string_view broken : kBroken) {
    const std::string text = "before" + std::string(broken) + "after";
    std::string replaced = "\"before";
    for (std::size_t i = 0; i < broken.size(); ++i) replaced += "\xef\xbf\xbd";
    EXPECT_EQ(written(text), replaced + "after\"");
    std::string out = "as it was";
    EXPECT_FALSE(append_json_text(text, out, OnInvalid::Stop));
    EXPECT_TRUE(out.starts_with("as it was"));
  }
}

}  // namespace
}  // namespace libsql::core

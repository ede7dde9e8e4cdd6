#include "cli/text_width.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace libsql::cli {
namespace {

using Lines = std::vector<std::string>;

TEST(TextWidth, CountsColumnsOfATerminal) {
  EXPECT_EQ(text_width(""), 0);
  EXPECT_EQ(text_width("abc"), 3);
  EXPECT_EQ(text_width("\xC3\xA9t\xC3\xA9"), 3);         // composed letters
  EXPECT_EQ(text_width("e\xCC\x81"), 1);                 // a letter and a combining accent
  EXPECT_EQ(text_width("\xE6\x97\xA5\xE6\x9C\xAC"), 4);  // two ideographs
  EXPECT_EQ(text_width("\xF0\x9F\x98\x80"), 2);          // an emoji
  EXPECT_EQ(text_width("\xEF\xBC\xA1"), 2);              // a full-width letter
  EXPECT_EQ(text_width("\xE2\x80\x8B"), 0);              // a zero-width space
  EXPECT_EQ(text_width("\xE2\x94\x80"), 1);              // a box-drawing line
  EXPECT_EQ(text_width("\xFF"), 1);                      // no UTF-8 at all
}

TEST(TextWidth, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(is_valid_utf8("a\xC3\xA9\xF0\x9F\x98\x80"));
  for (const char* text :
       {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << text;
  }
}

TEST(LayoutLines, CutsAtLineBreaksAndExpandsTabs) {
  EXPECT_EQ(layout_lines("", 0, false), (Lines{""}));
  EXPECT_EQ(layout_lines("a\nb\r\nc", 0, false), (Lines{"a", "b", "c"}));
  EXPECT_EQ(layout_lines("ab\tc", 0, false), (Lines{"ab      c"}));
}

TEST(LayoutLines, ShowsControlCharacters) {
  EXPECT_EQ(layout_lines("\x1B[31m\x7F", 0, false), (Lines{"^[[31m^?"}));
  EXPECT_EQ(layout_lines("a\xFF", 0, false), (Lines{"a\xEF\xBF\xBD"}));
}

TEST(LayoutLines, WrapsAtCharactersOrWords) {
  EXPECT_EQ(layout_lines("abcdefgh", 3, false), (Lines{"abc", "def", "gh"}));
  EXPECT_EQ(layout_lines("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 3, false),
            (Lines{"\xE6\x97\xA5", "\xE6\x9C\xAC", "\xE8\xAA\x9E"}));
  EXPECT_EQ(layout_lines("the quick brown fox", 10, true), (Lines{"the quick", "brown fox"}));
  EXPECT_EQ(layout_lines("incomprehensible", 5, true), (Lines{"incom", "prehe", "nsibl", "e"}));
  for (const std::string& line : layout_lines("a bb ccc dddd eeeee ffffff ggggggg hhhhhhhh", 4, true)) {
    EXPECT_LE(text_width(line), 4) << line;
  }
}

}  // namespace
}  // namespace libsql::cli

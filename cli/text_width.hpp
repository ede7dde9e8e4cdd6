// How many columns of a terminal a text takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::cli {

/// One character of UTF-8 text. Bytes that are not UTF-8 come one by one, with `valid` false.
struct Character {
  std::string_view bytes;
  char32_t code = 0;
  bool valid = true;
};

/// The first character of a text that is not empty.
Character first_character(std::string_view text) noexcept;

/// 0 for combining marks and control characters, 2 for wide East Asian characters and emoji, else 1.
int character_width(char32_t code) noexcept;

/// The width of a text without line breaks or tabs.
int text_width(std::string_view text) noexcept;

bool is_valid_utf8(std::string_view text) noexcept;

/// Prepares a cell for printing in columns: cuts it at line breaks, and where it is wider than `limit` (0: never) at
/// words or characters; expands tabs, and shows other control characters as ^X. Always at least one line.
std::vector<std::string> layout_lines(std::string_view text, int limit, bool at_words);

}  // namespace libsql::cli

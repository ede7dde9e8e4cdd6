// What SQL functions know of Unicode: characters in UTF-8, their kinds, and their case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libsql::functions {

/// A byte that is no part of valid UTF-8 is a character of its own, from here on: it keeps its place and equals no
/// other.
inline constexpr char32_t kStrayByte = 0x110000;

struct Character {
  char32_t code;
  unsigned size;  // in bytes
};

/// The character at the beginning of `text`, which is not empty.
Character decode_character(std::string_view text) noexcept;

/// The bytes of a character, also of a stray one.
void append_character(std::string& text, char32_t code);

bool is_letter(char32_t code) noexcept;
bool is_digit(char32_t code) noexcept;
/// Letters, numbers, marks and underscores.
bool is_word(char32_t code) noexcept;
bool is_space(char32_t code) noexcept;
/// The one character that is this one in the other case, or itself. Never depends on a locale.
char32_t to_lower(char32_t code) noexcept;
char32_t to_upper(char32_t code) noexcept;

/// Characters in `text`.
std::size_t count_characters(std::string_view text) noexcept;

}  // namespace libsql::functions

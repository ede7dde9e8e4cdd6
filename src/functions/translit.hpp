// Letters of other alphabets in ASCII, and the alphabet of a word.
#pragma once

#include <string>
#include <string_view>

namespace libsql::functions {

/// Latin, Greek and Cyrillic letters as sqld and SQLite's spellfix write them; ? for any other character that is not
/// ASCII.
std::string transliterate(std::string_view text);

/// The number of ISO 15924 for the script of `text`: 215 Latin, 220 Cyrillic, 200 Greek, 125 Hebrew, 160 Arabic; 998
/// for several of them, 999 for none.
int script_code(std::string_view text) noexcept;

}  // namespace libsql::functions

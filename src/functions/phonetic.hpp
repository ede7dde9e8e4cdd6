// Codes that are equal for words that sound alike, as sqld's functions make them of ASCII text, and what it costs to
// turn one word into the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libsql::functions {

class Work;

/// Soundex: a letter and three digits.
std::string soundex(std::string_view text);
/// Refined Soundex: a letter, and a digit for each group of letters that sound alike.
std::string refined_soundex(std::string_view text);
/// Caverphone 2, of the small letters in `text`: ten characters.
std::string caverphone(std::string_view text, Work& work);
/// SQLite's spellfix1_phonehash(): a symbol for each class of letters.
std::string phonetic_hash(std::string_view text);

/// SQLite's spellfix1_editdist(): 0 for equal words, 100 for most single edits, less between letters that sound alike
/// and at the end; a final * in `from` stands for any ending. -1 for what is not ASCII behind the common beginning.
std::int64_t edit_cost(std::string_view from, std::string_view to, Work& work);

}  // namespace libsql::functions

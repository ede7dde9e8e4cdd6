#include "functions/unicode.hpp"

#include <algorithm>
#include <iterator>

#include "functions/unicode_tables.hpp"

namespace libsql::functions {
namespace {

using namespace unicode_tables;

template <std::size_t n>
bool is_in(const Range (&table)[n], char32_t code) noexcept {
  const Range* found = std::upper_bound(std::begin(table), std::end(table), code,
                                        [](char32_t value, const Range& range) { return value < range.first; });
  return found != std::begin(table) && code <= std::prev(found)->last;
}

// Ranges of step 2 may enclose others, so one that begins before the nearest one can be meant, too.
template <std::size_t n>
char32_t map(const CaseRange (&table)[n], char32_t code) noexcept {
  const CaseRange* found = std::upper_bound(std::begin(table), std::end(table), code,
                                            [](char32_t value, const CaseRange& range) { return value < range.first; });
  for (int tries = 0; tries < 3 && found != std::begin(table); ++tries) {
    --found;
    if (code <= found->last && (code - found->first) % found->step == 0) {
      return static_cast<char32_t>(static_cast<std::int32_t>(code) + found->delta);
    }
  }
  return code;
}

constexpr bool is_between(char32_t code, char32_t first, char32_t last) noexcept {
  return code >= first && code <= last;
}

}  // namespace

Character decode_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) -> char32_t { return static_cast<unsigned char>(text[i]); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const unsigned size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {kStrayByte + lead, 1};
  char32_t code = lead & (0x7fU >> size);
  for (unsigned i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {kStrayByte + lead, 1};
    code = code << 6 | (byte(i) & 0x3f);
  }
  if ((size == 3 && (code < 0x800 || is_between(code, 0xd800, 0xdfff))) ||
      (size == 4 && !is_between(code, 0x10000, 0x10ffff)))
    return {kStrayByte + lead, 1};
  return {code, size};
}

void append_character(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code >= kStrayByte) {
    put(code - kStrayByte);
  } else if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

bool is_letter(char32_t code) noexcept {
  if (code < 0x80) return is_between(code | 0x20, 'a', 'z');
  return is_in(kLetters, code);
}

bool is_digit(char32_t code) noexcept {
  if (code < 0x80) return is_between(code, '0', '9');
  return is_in(kDigits, code);
}

bool is_word(char32_t code) noexcept {
  return is_letter(code) || is_digit(code) || code == '_' || (code >= 0x80 && is_in(kMarks, code));
}

bool is_space(char32_t code) noexcept {
  return code == ' ' || is_between(code, '\t', '\r') || code == 0x85 || code == 0xa0 || code == 0x1680 ||
         is_between(code, 0x2000, 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

char32_t to_lower(char32_t code) noexcept {
  if (code < 0x80) return is_between(code, 'A', 'Z') ? code + 32 : code;
  return map(kToLower, code);
}

char32_t to_upper(char32_t code) noexcept {
  if (code < 0x80) return is_between(code, 'a', 'z') ? code - 32 : code;
  return map(kToUpper, code);
}

std::size_t count_characters(std::string_view text) noexcept {
  std::size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(decode_character(text).size);
    ++count;
  }
  return count;
}

}  // namespace libsql::functions

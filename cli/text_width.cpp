#include "cli/text_width.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace libsql::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Characters that take no column (Unicode general categories Mn, Me and Cf), as ranges of whole blocks where blocks
// hold little else.
constexpr std::array<Range, 47> kZeroWidth = {{
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},   {0x05BF, 0x05BF},   {0x05C1, 0x05C2},   {0x05C4, 0x05C5},
    {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x065F},   {0x0670, 0x0670},   {0x06D6, 0x06DC},   {0x06DF, 0x06E4},
    {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0711, 0x0711},   {0x0730, 0x074A},   {0x07A6, 0x07B0},   {0x0900, 0x0902},
    {0x093A, 0x093A}, {0x093C, 0x093C}, {0x0941, 0x0948},   {0x094D, 0x094D},   {0x0951, 0x0957},   {0x0962, 0x0963},
    {0x09BC, 0x09BC}, {0x09CD, 0x09CD}, {0x0A3C, 0x0A3C},   {0x0ABC, 0x0ABC},   {0x0B3C, 0x0B3C},   {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1160, 0x11FF},   {0x1AB0, 0x1AFF},   {0x1DC0, 0x1DFF},   {0x200B, 0x200F},
    {0x202A, 0x202E}, {0x2060, 0x2064}, {0x20D0, 0x20F0},   {0x302A, 0x302D},   {0x3099, 0x309A},   {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF}, {0xE0001, 0xE007F}, {0xE0100, 0xE01EF},
}};

// Characters that take two columns (East Asian Width W and F, and emoji).
constexpr std::array<Range, 31> kDoubleWidth = {{
    {0x1100, 0x115F},   {0x231A, 0x231B}, {0x23E9, 0x23EC}, {0x25FD, 0x25FE},   {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x267F, 0x267F},   {0x26A1, 0x26A1}, {0x26BD, 0x26BE}, {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},
    {0x274C, 0x274C},   {0x2795, 0x2797}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF},
    {0x20000, 0x3FFFD},
}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t code) noexcept {
  const auto* range =
      std::lower_bound(ranges.data(), ranges.data() + N, code, [](const Range& r, char32_t c) { return r.last < c; });
  return range != ranges.data() + N && range->first <= code;
}

constexpr int kTabWidth = 8;

}  // namespace

Character first_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned lead = byte(0);
  const Character invalid{text.substr(0, 1), lead, false};
  if (lead < 0x80) return {text.substr(0, 1), lead, true};
  std::size_t length = 0;
  char32_t code = 0;
  char32_t least = 0;
  if ((lead & 0xE0U) == 0xC0) {
    length = 2;
    code = lead & 0x1FU;
    least = 0x80;
  } else if ((lead & 0xF0U) == 0xE0) {
    length = 3;
    code = lead & 0x0FU;
    least = 0x800;
  } else if ((lead & 0xF8U) == 0xF0) {
    length = 4;
    code = lead & 0x07U;
    least = 0x10000;
  } else {
    return invalid;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return invalid;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return invalid;
  return {text.substr(0, length), code, true};
}

int character_width(char32_t code) noexcept {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return 0;
  if (code < 0x300) return 1;
  if (is_in(kZeroWidth, code)) return 0;
  return is_in(kDoubleWidth, code) ? 2 : 1;
}

int text_width(std::string_view text) noexcept {
  int width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    width += character.valid ? character_width(character.code) : 1;
    text.remove_prefix(character.bytes.size());
  }
  return width;
}

bool is_valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!character.valid) return false;
    text.remove_prefix(character.bytes.size());
  }
  return true;
}

std::vector<std::string> layout_lines(std::string_view text, int limit, bool at_words) {
  std::vector<std::string> lines(1);
  int width = 0;
  const auto new_line = [&] {
    lines.emplace_back();
    width = 0;
  };
  // Ends the line where it may: after the last space if words have to stay together, else here.
  const auto wrap = [&] {
    std::string& line = lines.back();
    const std::size_t space = at_words ? line.find_last_of(' ') : std::string::npos;
    if (space == std::string::npos || space == 0) return new_line();
    std::string carried = line.substr(space + 1);
    line.resize(space);
    new_line();
    width = text_width(carried);
    lines.back() = std::move(carried);
  };
  const auto put = [&](std::string_view bytes, int columns) {
    if (limit > 0 && width > 0 && width + columns > limit) {
      wrap();
      if (bytes == " " && at_words && width == 0) return;
    }
    lines.back() += bytes;
    width += columns;
  };
  while (!text.empty()) {
    const Character character = first_character(text);
    text.remove_prefix(character.bytes.size());
    if (!character.valid) {
      put("\xEF\xBF\xBD", 1);
    } else if (character.code == '\n') {
      new_line();
    } else if (character.code == '\r' && text.starts_with('\n')) {
      continue;
    } else if (character.code == '\t') {
      do put(" ", 1);
      while (width % kTabWidth != 0);
    } else if (character.code < 0x20 || character.code == 0x7F) {
      const char caret[2] = {'^', static_cast<char>(character.code ^ 0x40U)};
      put({caret, 2}, 2);
    } else if (character.code >= 0x80 && character.code < 0xA0) {
      put("\xEF\xBF\xBD", 1);  // Some terminals take these for control sequences.
    } else {
      put(character.bytes, character_width(character.code));
    }
  }
  return lines;
}

}  // namespace libsql::cli

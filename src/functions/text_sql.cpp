// Functions on text that count characters, not bytes, and know the case of all of Unicode. Names and results are those
// of sqld's; names that the engine has itself (ltrim, rtrim, concat, concat_ws, octet_length) stay the engine's.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "functions/arguments.hpp"
#include "functions/register.hpp"
#include "functions/target.hpp"
#include "functions/unicode.hpp"

namespace libsql::functions {
namespace {

/// Runs `body`; the result is NULL if one of the arguments is.
template <class Body>
void unless_null(sqlite3_context* context, int count, sqlite3_value** arguments, Body&& body) noexcept {
  if (std::any_of(arguments, arguments + count, is_null)) return;
  guarded_work(context, std::forward<Body>(body));
}

std::int64_t integer_argument(sqlite3_value* value, const char* what) {
  if (sqlite3_value_type(value) != SQLITE_INTEGER)
    throw std::runtime_error(std::string(what) + " parameter should be integer");
  return sqlite3_value_int64(value);
}

/// Where the character with this number (from 0) begins, in bytes; the end of the text if it has fewer.
std::size_t offset_of(std::string_view text, std::int64_t number) {
  std::size_t at = 0;
  for (; number > 0 && at < text.size(); --number) at += decode_character(text.substr(at)).size;
  return at;
}

/// Characters `first` up to, without, `last`, from 0.
std::string_view part(std::string_view text, std::int64_t first, std::int64_t last) {
  if (last <= first) return {};
  const std::size_t begin = offset_of(text, first);
  return text.substr(begin, offset_of(text.substr(begin), last - first));
}

std::int64_t length_of(std::string_view text) { return static_cast<std::int64_t>(count_characters(text)); }

// -- parts

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

void substring(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::int64_t start = integer_argument(arguments[1], "start");
    std::int64_t last = kEnd;
    if (count == 3) {
      const std::int64_t length = integer_argument(arguments[2], "length");
      if (length < 0) throw std::runtime_error("length parameter should be >= 0");
      last = start > 0 && length > kEnd - start ? kEnd : start + length - 1;
    }
    result_text(context, part(text_argument(arguments[0]), std::max<std::int64_t>(start, 1) - 1, last));
  });
}

void slice(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]);
    const std::int64_t length = length_of(text);
    const auto place = [&](std::int64_t number) {  // from 0
      if (number < 0) return std::max<std::int64_t>(0, number < -length ? 0 : length + number);
      return number > 0 ? number - 1 : number;
    };
    const std::int64_t first = place(integer_argument(arguments[1], "start"));
    const std::int64_t last = count == 3 ? place(integer_argument(arguments[2], "end")) : length;
    result_text(context, part(text, first, last));
  });
}

void left(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]);
    const std::int64_t length = integer_argument(arguments[1], "length");
    const std::int64_t total = length < 0 ? length_of(text) : 0;
    result_text(context, part(text, 0, length < 0 ? (length < -total ? 0 : total + length) : length));
  });
}

void right(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]);
    const std::int64_t length = integer_argument(arguments[1], "length");
    const std::int64_t total = length_of(text);
    const std::int64_t first = length < 0 ? (length < -total ? total : -length) : total - std::min(length, total);
    result_text(context, part(text, first, kEnd));
  });
}

// -- search

enum class Find : std::uint8_t { First, Last };

template <Find which>
void index(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]), other = text_argument(arguments[1]);
    const std::size_t at = which == Find::First ? text.find(other) : text.rfind(other);
    sqlite3_result_int64(context, at == std::string_view::npos ? 0 : length_of(text.substr(0, at)) + 1);
  });
}

template <bool (*holds)(std::string_view, std::string_view)>
void predicate(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    sqlite3_result_int(context, holds(text_argument(arguments[0]), text_argument(arguments[1])) ? 1 : 0);
  });
}
bool contains(std::string_view text, std::string_view other) { return text.find(other) != std::string_view::npos; }
bool has_prefix(std::string_view text, std::string_view other) { return text.substr(0, other.size()) == other; }
bool has_suffix(std::string_view text, std::string_view other) {
  return text.size() >= other.size() && text.substr(text.size() - other.size()) == other;
}

void count_of(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]), other = text_argument(arguments[1]);
    std::int64_t found = 0;
    for (std::size_t at = 0; !other.empty() && (at = text.find(other, at)) != std::string_view::npos;
         at += other.size())
      ++found;
    sqlite3_result_int64(context, found);
  });
}

// LIKE with the case of all of Unicode.
void like(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view pattern = text_argument(arguments[0]), text = text_argument(arguments[1]);
    Work work(context);
    std::size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
    for (;;) {
      work.spend(1);
      if (p < pattern.size() && pattern[p] == '%') {
        star = ++p;
        retry = t;
        continue;
      }
      if (t == text.size()) break;
      const Character have = decode_character(text.substr(t));
      if (p < pattern.size()) {
        const Character want = decode_character(pattern.substr(p));
        if (want.code == '_' || to_lower(want.code) == to_lower(have.code)) {
          p += want.size;
          t += have.size;
          continue;
        }
      }
      if (star == std::string_view::npos) return sqlite3_result_int(context, 0);
      retry += decode_character(text.substr(retry)).size;
      p = star;
      t = retry;
    }
    sqlite3_result_int(context, p == pattern.size() ? 1 : 0);
  });
}

// -- splitting and joining

void split(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    std::string_view text = text_argument(arguments[0]);
    const std::string_view separator = text_argument(arguments[1]);
    std::int64_t number = integer_argument(arguments[2], "part");
    if (number == 0) throw std::runtime_error("part parameter should not be 0");
    if (separator.empty()) return result_text(context, number == 1 || number == -1 ? text : std::string_view());
    for (;;) {
      const std::size_t at = number > 0 ? text.find(separator) : text.rfind(separator);
      const bool last = number == 1 || number == -1;
      if (at == std::string_view::npos) return result_text(context, last ? text : std::string_view());
      if (number > 0) {
        if (last) return result_text(context, text.substr(0, at));
        text.remove_prefix(at + separator.size());
        --number;
      } else {
        if (last) return result_text(context, text.substr(at + separator.size()));
        text = text.substr(0, at);
        ++number;
      }
    }
  });
}

void join_all(sqlite3_context* context, std::string_view separator, int count, sqlite3_value** arguments) {
  std::string result;
  bool first = true;
  for (int i = 0; i < count; ++i) {
    if (is_null(arguments[i])) continue;
    if (!first) result += separator;
    first = false;
    result += text_argument(arguments[i]);
    if (result.size() > longest_result(context)) throw TooBig();
  }
  result_text(context, result);
}

void concatenate(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] { join_all(context, {}, count, arguments); });
}

void join(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (count < 2) throw std::runtime_error("not enough arguments");
    if (!is_null(arguments[0])) join_all(context, text_argument(arguments[0]), count - 1, arguments + 1);
  });
}

void repeat(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]);
    const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(integer_argument(arguments[1], "count"), 0));
    if (!text.empty() && times > longest_result(context) / text.size()) throw TooBig();
    std::string result;
    result.reserve(text.empty() ? 0 : text.size() * times);
    for (std::uint64_t i = 0; i < times && !text.empty(); ++i) result += text;
    result_text(context, result);
  });
}

// -- trimming and padding

std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> result;
  for (std::size_t at = 0; at < text.size();) {
    const Character next = decode_character(text.substr(at));
    result.push_back(next.code);
    at += next.size;
  }
  return result;
}

template <bool at_left, bool at_right>
void trim(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    std::string_view text = text_argument(arguments[0]);
    const std::string_view set = count == 2 ? text_argument(arguments[1]) : std::string_view(" ");
    std::vector<char32_t> characters = characters_of(set);
    std::sort(characters.begin(), characters.end());
    const auto goes = [&](char32_t code) { return std::binary_search(characters.begin(), characters.end(), code); };
    while (at_left && !text.empty()) {
      const Character next = decode_character(text);
      if (!goes(next.code)) break;
      text.remove_prefix(next.size);
    }
    while (at_right && !text.empty()) {
      std::size_t begin = text.size() - 1;
      while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
      Character last = decode_character(text.substr(begin));
      if (begin + last.size != text.size()) last = {kStrayByte + static_cast<unsigned char>(text.back()), 1};
      if (!goes(last.code)) break;
      text.remove_suffix(last.size);
    }
    result_text(context, text);
  });
}

template <bool at_left>
void pad(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]);
    const std::int64_t wanted = std::max<std::int64_t>(integer_argument(arguments[1], "length"), 0);
    const std::string_view fill = count == 3 ? text_argument(arguments[2]) : std::string_view(" ");
    const std::int64_t have = length_of(text);
    if (have >= wanted) return result_text(context, part(text, 0, wanted));
    if (fill.empty()) return result_text(context, text);
    const std::size_t longest = longest_result(context);
    if (static_cast<std::uint64_t>(wanted) > longest) throw TooBig();
    std::string padding;
    for (std::int64_t missing = wanted - have; missing > 0;) {
      const std::int64_t characters = length_of(fill);
      padding += characters <= missing ? fill : part(fill, 0, missing);
      missing -= characters;
      if (padding.size() + text.size() > longest) throw TooBig();
    }
    result_text(context, at_left ? padding.append(text) : std::string(text).append(padding));
  });
}

// -- case and other changes

template <char32_t (*change)(char32_t) noexcept>
void change_case(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    std::string result;
    for (const char32_t code : characters_of(text_argument(arguments[0]))) append_character(result, change(code));
    result_text(context, result);
  });
}

void title(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    std::string result;
    bool inside = false;
    for (const char32_t code : characters_of(text_argument(arguments[0]))) {
      append_character(result, inside ? to_lower(code) : to_upper(code));
      inside = !is_space(code);
    }
    result_text(context, result);
  });
}

void replace(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::string_view text = text_argument(arguments[0]), old = text_argument(arguments[1]),
                           with = text_argument(arguments[2]);
    std::int64_t left = count == 4 ? integer_argument(arguments[3], "count") : kEnd;
    std::string result;
    std::size_t at = 0;
    while (left-- > 0 && !old.empty()) {
      const std::size_t found = text.find(old, at);
      if (found == std::string_view::npos) break;
      result.append(text.substr(at, found - at)).append(with);
      if (result.size() > longest_result(context)) throw TooBig();
      at = found + old.size();
    }
    result.append(text.substr(at));
    if (result.size() > longest_result(context)) throw TooBig();
    result_text(context, result);
  });
}

void translate(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    const std::vector<char32_t> from = characters_of(text_argument(arguments[1])),
                                to = characters_of(text_argument(arguments[2]));
    std::vector<std::pair<char32_t, std::size_t>> places;
    for (std::size_t i = 0; i < from.size(); ++i) places.emplace_back(from[i], i);
    std::sort(places.begin(), places.end());  // of equal ones the first counts
    std::string result;
    for (const char32_t code : characters_of(text_argument(arguments[0]))) {
      const auto found = std::lower_bound(places.begin(), places.end(), std::pair<char32_t, std::size_t>(code, 0));
      if (found == places.end() || found->first != code) {
        append_character(result, code);
      } else if (found->second < to.size()) {
        append_character(result, to[found->second]);
      }
    }
    if (result.size() > longest_result(context)) throw TooBig();
    result_text(context, result);
  });
}

void reverse(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    std::vector<char32_t> characters = characters_of(text_argument(arguments[0]));
    std::string result;
    for (auto code = characters.rbegin(); code != characters.rend(); ++code) append_character(result, *code);
    result_text(context, result);
  });
}

// -- sizes

void length(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments,
              [&] { sqlite3_result_int64(context, length_of(text_argument(arguments[0]))); });
}

template <int factor>
void size(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  unless_null(context, count, arguments, [&] {
    sqlite3_result_int64(context, static_cast<std::int64_t>(text_argument(arguments[0]).size()) * factor);
  });
}

// A collation that compares without regard to case, by characters.
int compare_without_case(void* /*unused*/, int first_size, const void* first, int second_size,
                         const void* second) noexcept {
  std::string_view a(static_cast<const char*>(first), static_cast<std::size_t>(first_size));
  std::string_view b(static_cast<const char*>(second), static_cast<std::size_t>(second_size));
  while (!a.empty() && !b.empty()) {
    const Character x = decode_character(a), y = decode_character(b);
    const char32_t low = to_lower(x.code), other = to_lower(y.code);
    if (low != other) return low < other ? -1 : 1;
    a.remove_prefix(x.size);
    b.remove_prefix(y.size);
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

// What sqld's answers: its set of these functions was built from the main branch of theirs.
void version_of_set(sqlite3_context* context, int /*count*/, sqlite3_value** /*arguments*/) noexcept {
  guarded(context, [&] { result_text(context, "main"); });
}

}  // namespace

int register_text_collation(sqlite3* connection) noexcept {
  return sqlite3_create_collation_v2(connection, "text_nocase", SQLITE_UTF8, nullptr, compare_without_case, nullptr);
}

int register_text_functions(const Target& target) noexcept {
  return target.add({
      {"sqlean_version", 0, version_of_set},
      {"text_substring", 2, substring},
      {"text_substring", 3, substring},
      {"text_slice", 2, slice},
      {"text_slice", 3, slice},
      {"text_left", 2, left},
      {"left", 2, left},
      {"text_right", 2, right},
      {"right", 2, right},
      {"text_index", 2, index<Find::First>},
      {"strpos", 2, index<Find::First>},
      {"text_last_index", 2, index<Find::Last>},
      {"text_contains", 2, predicate<contains>},
      {"text_has_prefix", 2, predicate<has_prefix>},
      {"starts_with", 2, predicate<has_prefix>},
      {"text_has_suffix", 2, predicate<has_suffix>},
      {"text_count", 2, count_of},
      {"text_like", 2, like},
      {"text_split", 3, split},
      {"split_part", 3, split},
      {"text_concat", -1, concatenate},
      {"text_join", -1, join},
      {"text_repeat", 2, repeat},
      {"repeat", 2, repeat},
      {"text_ltrim", 1, trim<true, false>},
      {"text_ltrim", 2, trim<true, false>},
      {"text_rtrim", 1, trim<false, true>},
      {"text_rtrim", 2, trim<false, true>},
      {"text_trim", 1, trim<true, true>},
      {"text_trim", 2, trim<true, true>},
      {"btrim", 1, trim<true, true>},
      {"btrim", 2, trim<true, true>},
      {"text_lpad", 2, pad<true>},
      {"text_lpad", 3, pad<true>},
      {"lpad", 2, pad<true>},
      {"lpad", 3, pad<true>},
      {"text_rpad", 2, pad<false>},
      {"text_rpad", 3, pad<false>},
      {"rpad", 2, pad<false>},
      {"rpad", 3, pad<false>},
      {"text_upper", 1, change_case<to_upper>},
      {"text_lower", 1, change_case<to_lower>},
      {"text_casefold", 1, change_case<to_lower>},
      {"text_title", 1, title},
      {"text_replace", 3, replace},
      {"text_replace", 4, replace},
      {"text_translate", 3, translate},
      {"translate", 3, translate},
      {"text_reverse", 1, reverse},
      {"reverse", 1, reverse},
      {"text_length", 1, length},
      {"char_length", 1, length},
      {"character_length", 1, length},
      {"text_size", 1, size<1>},
      {"text_bitsize", 1, size<8>},
      {"bit_length", 1, size<8>},
  });
}

}  // namespace libsql::functions

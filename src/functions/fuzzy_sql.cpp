// How far two texts are from each other, by characters; codes of how words sound; letters in ASCII. Names and results
// are those of sqld's functions, which measure ASCII alone.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "functions/arguments.hpp"
#include "functions/phonetic.hpp"
#include "functions/register.hpp"
#include "functions/target.hpp"
#include "functions/translit.hpp"
#include "functions/unicode.hpp"

namespace libsql::functions {
namespace {

using Characters = std::vector<char32_t>;

Characters characters_of(sqlite3_value* value) {
  if (is_null(value)) throw std::runtime_error("arguments should not be NULL");
  Characters result;
  const std::string_view text = text_argument(value);
  for (std::size_t at = 0; at < text.size();) {
    const Character next = decode_character(text.substr(at));
    result.push_back(next.code);
    at += next.size;
  }
  return result;
}

// Insertions, deletions and substitutions; one row of the table at a time.
std::int64_t levenshtein(const Characters& a, const Characters& b, Work& work) {
  std::vector<std::int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::int64_t diagonal = std::exchange(row[0], static_cast<std::int64_t>(i));
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::int64_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
    work.spend(b.size() + 1);
  }
  return row[b.size()];
}

// Neighbours may change places, too, but no part is edited twice; three rows.
std::int64_t osa_distance(const Characters& a, const Characters& b, Work& work) {
  std::vector<std::int64_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<std::int64_t>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
    work.spend(b.size() + 1);
  }
  return last[b.size()];
}

// As above, and what changed places may be edited in between: this needs the whole table.
std::int64_t damerau_levenshtein(const Characters& a, const Characters& b, Work& work, std::size_t longest) {
  const std::size_t width = b.size() + 2;
  if ((a.size() + 2) > longest / sizeof(std::int32_t) / width) throw TooBig();
  std::vector<std::int32_t> table((a.size() + 2) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::int32_t& { return table[i * width + j]; };
  const auto far = static_cast<std::int32_t>(a.size() + b.size());
  cell(0, 0) = far;
  for (std::size_t i = 0; i <= a.size(); ++i) {
    cell(i + 1, 0) = far;
    cell(i + 1, 1) = static_cast<std::int32_t>(i);
  }
  for (std::size_t j = 0; j <= b.size(); ++j) {
    cell(0, j + 1) = far;
    cell(1, j + 1) = static_cast<std::int32_t>(j);
  }
  std::unordered_map<char32_t, std::size_t> rows;  // where in `a` a character was seen last
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t column = 0;  // where in this row both were equal last
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto seen = rows.find(b[j - 1]);
      const std::size_t row = seen == rows.end() ? 0 : seen->second;
      const std::size_t equal = column;
      const bool same = a[i - 1] == b[j - 1];
      if (same) column = j;
      const auto moved = static_cast<std::int32_t>((i - row - 1) + 1 + (j - equal - 1));
      cell(i + 1, j + 1) =
          std::min({cell(i, j) + (same ? 0 : 1), cell(i + 1, j) + 1, cell(i, j + 1) + 1, cell(row, equal) + moved});
    }
    rows[a[i - 1]] = i;
    work.spend(b.size() + 1);
  }
  return cell(a.size() + 1, b.size() + 1);
}

double jaro_winkler(const Characters& a, const Characters& b, Work& work) {
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 1.0 : 0.0;
  const std::size_t half = std::max(a.size(), b.size()) / 2;
  const std::size_t reach = half > 0 ? half - 1 : 0;
  std::vector<bool> taken(b.size());
  Characters from;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t end = std::min(i + reach + 1, b.size());
    std::size_t j = i > reach ? i - reach : 0;
    work.spend(end > j ? end - j : 1);
    while (j < end && (taken[j] || a[i] != b[j])) ++j;
    if (j >= end) continue;
    taken[j] = true;
    from.push_back(a[i]);
  }
  if (from.empty()) return 0.0;
  std::size_t place = 0, moved = 0;
  for (std::size_t j = 0; j < b.size(); ++j) {
    if (taken[j]) moved += from[place++] != b[j] ? 1 : 0;
  }
  const auto matches = static_cast<double>(from.size());
  const double jaro = (matches / static_cast<double>(a.size()) + matches / static_cast<double>(b.size()) +
                       (matches - static_cast<double>(moved) / 2) / matches) /
                      3;
  std::size_t prefix = 0;
  while (prefix < std::min({std::size_t{3}, a.size(), b.size()}) && a[prefix] == b[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

template <std::int64_t (*distance)(const Characters&, const Characters&, Work&)>
void measure(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    Work work(context);
    sqlite3_result_int64(context, distance(characters_of(arguments[0]), characters_of(arguments[1]), work));
  });
}

void measure_damerau(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    Work work(context);
    const std::int64_t distance =
        damerau_levenshtein(characters_of(arguments[0]), characters_of(arguments[1]), work,
                            std::min<std::size_t>(longest_result(context), std::size_t{64} << 20));
    sqlite3_result_int64(context, distance);
  });
}

// -1: of different length
void hamming(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    const Characters a = characters_of(arguments[0]), b = characters_of(arguments[1]);
    std::int64_t distance = a.size() == b.size() ? 0 : -1;
    for (std::size_t i = 0; i < a.size() && a.size() == b.size(); ++i) distance += a[i] == b[i] ? 0 : 1;
    sqlite3_result_int64(context, distance);
  });
}

void similarity(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    Work work(context);
    sqlite3_result_double(context, jaro_winkler(characters_of(arguments[0]), characters_of(arguments[1]), work));
  });
}

// Codes are defined for the letters of English. NULL has none.
template <class Code>
void encode_sound(sqlite3_context* context, sqlite3_value* argument, Code&& code) noexcept {
  guarded_work(context, [&] {
    if (is_null(argument)) return;
    const std::string_view text = text_argument(argument);
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; })) {
      throw std::runtime_error("argument should be ASCII string");
    }
    result_text(context, code(text));
  });
}

void soundex_code(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  encode_sound(context, arguments[0], &soundex);
}

void refined_soundex_code(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  encode_sound(context, arguments[0], &refined_soundex);
}

void caverphone_code(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  Work work(context);
  encode_sound(context, arguments[0], [&](std::string_view text) { return caverphone(text, work); });
}

void phonetic_code(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (!is_null(arguments[0])) result_text(context, phonetic_hash(text_argument(arguments[0])));
  });
}

void edit_distance(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (is_null(arguments[0]) || is_null(arguments[1])) throw std::runtime_error("NULL input to editdist()");
    Work work(context);
    const std::int64_t cost = edit_cost(text_argument(arguments[0]), text_argument(arguments[1]), work);
    if (cost < 0) throw std::runtime_error("non-ASCII input to editdist()");
    sqlite3_result_int64(context, cost);
  });
}

// Of NULL what these two say of an empty text.
void in_ascii(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    result_text(context, is_null(arguments[0]) ? std::string() : transliterate(text_argument(arguments[0])));
  });
}

void script_of(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    sqlite3_result_int(context, script_code(is_null(arguments[0]) ? std::string_view() : text_argument(arguments[0])));
  });
}

}  // namespace

int register_fuzzy_functions(const Target& target) noexcept {
  return target.add({
      {"fuzzy_leven", 2, measure<levenshtein>},
      {"levenshtein", 2, measure<levenshtein>},
      {"fuzzy_osadist", 2, measure<osa_distance>},
      {"osa_distance", 2, measure<osa_distance>},
      {"fuzzy_damlev", 2, measure_damerau},
      {"dlevenshtein", 2, measure_damerau},
      {"fuzzy_hamming", 2, hamming},
      {"hamming", 2, hamming},
      {"fuzzy_jarowin", 2, similarity},
      {"jaro_winkler", 2, similarity},
      {"fuzzy_editdist", 2, edit_distance},
      {"edit_distance", 2, edit_distance},
      {"fuzzy_soundex", 1, soundex_code},  // soundex() stays the engine's
      {"fuzzy_rsoundex", 1, refined_soundex_code},
      {"rsoundex", 1, refined_soundex_code},
      {"fuzzy_caver", 1, caverphone_code},
      {"caverphone", 1, caverphone_code},
      {"fuzzy_phonetic", 1, phonetic_code},
      {"phonetic_hash", 1, phonetic_code},
      {"fuzzy_translit", 1, in_ascii},
      {"translit", 1, in_ascii},
      {"fuzzy_script", 1, script_of},
      {"script_code", 1, script_of},
  });
}

}  // namespace libsql::functions

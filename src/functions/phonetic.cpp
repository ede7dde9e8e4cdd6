#include "functions/phonetic.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

#include "functions/arguments.hpp"

namespace libsql::functions {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c; }

// The entry of a letter in a table of 26; `other` for anything else.
constexpr char of_letter(std::string_view table, char c, char other) noexcept {
  const char small = lower(c);
  return small >= 'a' && small <= 'z' ? table[static_cast<std::size_t>(small - 'a')] : other;
}

// -- Caverphone

void replace_all(std::string& text, std::string_view old, std::string_view replacement) {
  std::size_t to = 0;
  for (std::size_t from = 0; from < text.size();) {
    if (text.compare(from, old.size(), old) == 0) {
      for (const char c : replacement) text[to++] = c;  // never longer
      from += old.size();
    } else {
      text[to++] = text[from++];
    }
  }
  text.resize(to);
}

void replace_start(std::string& text, std::string_view old, std::string_view replacement) {
  if (text.compare(0, old.size(), old) == 0) text.replace(0, old.size(), replacement);
}

void replace_end(std::string& text, std::string_view old, std::string_view replacement) {
  if (text.size() < old.size()) return;
  const std::size_t at = text.size() - old.size();
  if (text.compare(at, old.size(), old) == 0) text.replace(at, old.size(), replacement);
}

// Each run of the letter becomes one capital.
void replace_run(std::string& text, char letter) {
  text.erase(std::unique(text.begin(), text.end(), [=](char a, char b) { return a == letter && b == letter; }),
             text.end());
  std::replace(text.begin(), text.end(), letter, upper(letter));
}

enum class Where : std::uint8_t { All, Start, End, Run };
struct Step {
  Where where;
  std::string_view old, replacement;
};

// "Caverphone Revisited" by David Hood, in its order. 2 is a letter that is not heard, 3 a vowel.
constexpr Step kCaverphone[] = {
    {Where::End, "e", ""},
    {Where::Start, "cough", "cou2f"},
    {Where::Start, "rough", "rou2f"},
    {Where::Start, "tough", "tou2f"},
    {Where::Start, "enough", "enou2f"},
    {Where::Start, "trough", "trou2f"},
    {Where::Start, "gn", "2n"},
    {Where::End, "mb", "m2"},
    {Where::All, "cq", "2q"},
    {Where::All, "ci", "si"},
    {Where::All, "ce", "se"},
    {Where::All, "cy", "sy"},
    {Where::All, "tch", "2ch"},
    {Where::All, "c", "k"},
    {Where::All, "q", "k"},
    {Where::All, "x", "k"},
    {Where::All, "v", "f"},
    {Where::All, "dg", "2g"},
    {Where::All, "tio", "sio"},
    {Where::All, "tia", "sia"},
    {Where::All, "d", "t"},
    {Where::All, "ph", "fh"},
    {Where::All, "b", "p"},
    {Where::All, "sh", "s2"},
    {Where::All, "z", "s"},
    {Where::Start, "a", "A"},
    {Where::Start, "e", "A"},
    {Where::Start, "i", "A"},
    {Where::Start, "o", "A"},
    {Where::Start, "u", "A"},
    {Where::All, "a", "3"},
    {Where::All, "e", "3"},
    {Where::All, "i", "3"},
    {Where::All, "o", "3"},
    {Where::All, "u", "3"},
    {Where::All, "j", "y"},
    {Where::Start, "y3", "Y3"},
    {Where::Start, "y", "A"},
    {Where::All, "y", "3"},
    {Where::All, "3gh3", "3kh3"},
    {Where::All, "gh", "22"},
    {Where::All, "g", "k"},
    {Where::Run, "s", ""},
    {Where::Run, "t", ""},
    {Where::Run, "p", ""},
    {Where::Run, "k", ""},
    {Where::Run, "f", ""},
    {Where::Run, "m", ""},
    {Where::Run, "n", ""},
    {Where::All, "w3", "W3"},
    {Where::All, "wh3", "Wh3"},
    {Where::End, "w", "3"},
    {Where::All, "w", "2"},
    {Where::Start, "h", "A"},
    {Where::All, "h", "2"},
    {Where::All, "r3", "R3"},
    {Where::End, "r", "3"},
    {Where::All, "r", "2"},
    {Where::All, "l3", "L3"},
    {Where::End, "l", "3"},
    {Where::All, "l", "2"},
    {Where::All, "2", ""},
    {Where::End, "3", "A"},
    {Where::All, "3", ""},
};

// -- the classes of spellfix: A vowels, B C D groups of consonants, L R M liquids and nasals, Y at the beginning, 9
// digits

constexpr char kSilent = '.', kVowel = 'A', kDigit = '9', kSpace = ' ', kOther = '?';

constexpr char class_of(char c, bool initial) noexcept {
  c = static_cast<char>(c & 0x7f);
  if (c >= '0' && c <= '9') return kDigit;
  if (c == ' ' || c == '\t' || c == '\f' || c == '\r') return kSpace;
  if (c == '\'' && !initial) return kSilent;
  if (initial && lower(c) == 'y') return 'Y';
  return of_letter("ABCDABC.ACCLMMABCRCDABBCAC", c, kOther);
}

constexpr bool is_consonant(char kind) noexcept {
  return std::string_view("BCDHLRMY").find(kind) != std::string_view::npos;
}

// `previous` is 0 at the beginning of the word.
int cost_of_one(char previous, char c, char next) noexcept {
  const char kind = class_of(c, previous == 0);
  if (kind == kSilent) return 1;
  if (previous == c) return 10;
  if (kind == kVowel && (previous == 'r' || next == 'r')) return 20;
  if (kind == class_of(previous, previous == 0)) return kind == kVowel ? 15 : 50;
  return 100;
}

int cost_of_exchange(char previous, char from, char to) noexcept {
  if (from == to || (of_letter("abcdefghijklmnopqrstuvwxyz", to, 0) != 0 && lower(from) == lower(to))) return 0;
  const char old = class_of(from, previous == 0);
  const char now = class_of(to, previous == 0);
  if (old == now) return 40;
  return is_consonant(old) && is_consonant(now) ? 75 : 100;
}

constexpr int kCheaperAtTheEnd = 4;

// Of all of `word` behind `previous`, each letter's cost divided.
std::int64_t cost_of_all(char previous, std::string_view word, int divisor) noexcept {
  std::int64_t cost = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    cost += cost_of_one(previous, word[i], i + 1 < word.size() ? word[i + 1] : '\0') / divisor;
    previous = word[i];
  }
  return cost;
}

bool is_ascii(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

}  // namespace

std::string soundex(std::string_view text) {
  if (text.empty()) return {};
  const auto digit = [](char c) { return of_letter("01230120022455012623010202", c, '0'); };
  std::string code(1, upper(text[0]));
  for (std::size_t i = 1; i < text.size() && code.size() < 4; ++i) {
    const char own = digit(text[i]);
    if (own == '0' || own == digit(text[i - 1])) continue;
    // Also the same if only an h or a w is between them.
    if (i > 1 && own == digit(text[i - 2]) && (text[i - 1] == 'h' || text[i - 1] == 'w')) continue;
    code += own;
  }
  code.resize(4, '0');
  return code;
}

std::string refined_soundex(std::string_view text) {
  if (text.empty()) return {};
  std::string code(1, upper(text[0]));
  char last = '\0';
  for (const char c : text) {
    const char own = of_letter("01360240043788015936020505", c, '0');
    if (own != last) code += own;
    last = own;
  }
  return code;
}

std::string caverphone(std::string_view text, Work& work) {
  if (text.empty()) return {};
  std::string code;
  std::copy_if(text.begin(), text.end(), std::back_inserter(code), [](char c) { return c >= 'a' && c <= 'z'; });
  for (const Step& step : kCaverphone) {
    switch (step.where) {
      case Where::All:
        replace_all(code, step.old, step.replacement);
        break;
      case Where::Start:
        replace_start(code, step.old, step.replacement);
        break;
      case Where::End:
        replace_end(code, step.old, step.replacement);
        break;
      case Where::Run:
        replace_run(code, step.old[0]);
        break;
    }
    work.spend(code.size() + 1);
  }
  code.resize(10, '1');
  return code;
}

std::string phonetic_hash(std::string_view text) {
  if (text.size() > 2 && (text[0] == 'g' || text[0] == 'k') && text[1] == 'n') text.remove_prefix(1);
  std::string hash;
  char before = kOther, heard = kOther;  // the class before, and the last one that was not silent
  bool initial = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const std::string_view pair = rest.substr(0, 2);
    if (pair == "wr" || pair == "dj" || pair == "dg" || rest.substr(0, 3) == "tch") continue;
    const char kind = class_of(text[i], initial);
    if (kind == kSpace || (kind == kOther && before != kDigit)) continue;
    initial = false;
    if (kind == kVowel && (heard == 'R' || heard == 'L')) continue;
    if ((kind == 'R' || kind == 'L') && heard == kVowel) hash.pop_back();
    before = kind;
    if (kind == kSilent) continue;
    heard = kind;
    if (hash.empty() || hash.back() != kind) hash += kind;
  }
  return hash;
}

std::int64_t edit_cost(std::string_view from, std::string_view to, Work& work) {
  char previous = '\0';
  while (!from.empty() && !to.empty() && from[0] == to[0]) {
    previous = from[0];
    from.remove_prefix(1);
    to.remove_prefix(1);
  }
  if (!is_ascii(from) || !is_ascii(to)) return -1;
  if (from.empty()) return cost_of_all(previous, to, kCheaperAtTheEnd);
  if (to.empty()) return cost_of_all(previous, from, 1);
  if (from == "*") return 0;

  const auto at = [](std::string_view word, std::size_t i) { return i < word.size() ? word[i] : '\0'; };
  // One row of the table, and beside each cost the letter that the word made so far ends in.
  std::vector<std::int64_t> costs(to.size() + 1);
  std::string ends(1, previous);
  for (std::size_t j = 1; j <= to.size(); ++j) {
    costs[j] = costs[j - 1] + cost_of_one(ends[j - 1], to[j - 1], at(to, j));
    ends += to[j - 1];
  }
  const bool any_ending = from.back() == '*';
  if (any_ending) from.remove_suffix(1);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    const char letter = from[i - 1];
    const bool last = i == from.size() && !any_ending;
    std::int64_t diagonal = costs[0];
    costs[0] += cost_of_one(previous, letter, any_ending && i == from.size() ? '*' : at(from, i));
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::int64_t inserted =
          costs[j - 1] + cost_of_one(ends[j - 1], to[j - 1], at(to, j)) / (last ? kCheaperAtTheEnd : 1);
      const std::int64_t deleted = costs[j] + cost_of_one(ends[j], letter, at(to, j));
      const std::int64_t exchanged = diagonal + cost_of_exchange(ends[j - 1], letter, to[j - 1]);
      diagonal = costs[j];
      ends[j] = deleted < inserted ? letter : to[j - 1];
      costs[j] = std::min({inserted, deleted, exchanged});
    }
    previous = letter;
    work.spend(to.size() + 1);
  }
  return any_ending ? *std::min_element(costs.begin() + 1, costs.end()) : costs.back();
}

}  // namespace libsql::functions

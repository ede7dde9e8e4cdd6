#include "sql/parameters.hpp"

#include <unordered_map>

#include "sql/tokenizer.hpp"

namespace libsql::sql {
namespace {

bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

// The number in `?NNN`, or 0 if it is not allowed.
int explicit_number(std::string_view digits) noexcept {
  int number = 0;
  for (const char digit : digits) {
    number = number * 10 + (digit - '0');
    if (number > kMaxParameterNumber) return 0;
  }
  return number;
}

// Names seen so far. Statements have few parameters, so a scan is the fast way; a statement with thousands of names
// gets an index, or finding them would be quadratic.
class NameIndex {
 public:
  explicit NameIndex(const std::vector<Parameter>& parameters) noexcept : parameters_(parameters) {}

  int find(std::string_view name) {
    constexpr std::size_t kScanned = 32;
    if (parameters_.size() <= kScanned) {
      for (const Parameter& parameter : parameters_) {
        if (parameter.text == name) return parameter.number;
      }
      return 0;
    }
    for (; indexed_ < parameters_.size(); ++indexed_) {
      index_.emplace(parameters_[indexed_].text, parameters_[indexed_].number);
    }
    const auto found = index_.find(name);
    return found == index_.end() ? 0 : found->second;
  }

 private:
  const std::vector<Parameter>& parameters_;
  std::unordered_map<std::string_view, int> index_;
  std::size_t indexed_ = 0;
};

}  // namespace

ParameterList parameters(std::string_view statement) {
  ParameterList list;
  NameIndex names(list.parameters);
  std::vector<std::size_t> entries;  // by number: 1 + the index in list.parameters; only `?NNN` can meet a taken number
  const auto add = [&](const Token& token, int number) {
    list.parameters.push_back({token.text, number, token.offset});
    if (number > list.count) list.count = number;
    if (entries.size() <= static_cast<std::size_t>(number)) entries.resize(static_cast<std::size_t>(number) + 1);
    entries[static_cast<std::size_t>(number)] = list.parameters.size();
  };

  Tokenizer tokenizer(statement);
  for (Token token = tokenizer.next_significant(); token.kind != TokenKind::End; token = tokenizer.next_significant()) {
    if (token.kind != TokenKind::Parameter) continue;
    int number = 0;
    if (token.text.size() == 1) {
      number = list.count + 1;
    } else if (token.text[0] == '?') {
      number = explicit_number(token.text.substr(1));
      const auto index = static_cast<std::size_t>(number);
      if (number > 0 && index < entries.size() && entries[index] != 0) {
        // The first spelling that is a name stays the name.
        Parameter& taken = list.parameters[entries[index] - 1];
        if (taken.text.size() == 1) taken.text = token.text;
        continue;
      }
    } else if (token.text[0] == '#' && is_digit(token.text[1])) {
      number = 0;  // A register of the engine's own nested statements, refused in any other.
    } else if (names.find(token.text) != 0) {
      continue;
    } else {
      number = list.count + 1;
    }
    if (number <= 0 || number > kMaxParameterNumber) {
      list.fault = token.offset;
      return list;
    }
    add(token, number);
  }
  return list;
}

std::string_view ParameterList::name(int number) const noexcept {
  for (const Parameter& parameter : parameters) {
    if (parameter.number == number) return parameter.text.size() == 1 ? std::string_view{} : parameter.text;
  }
  return {};
}

int ParameterList::number(std::string_view name) const noexcept {
  if (name.size() < 2) return 0;
  for (const Parameter& parameter : parameters) {
    if (parameter.text == name) return parameter.number;
  }
  return 0;
}

}  // namespace libsql::sql

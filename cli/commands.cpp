#include "cli/commands.hpp"

#include <algorithm>
#include <charconv>

#include "cli/errors.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {

std::span<const Command> commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> gathered;
    for (const auto& part :
         {file_commands(), replica_commands(), schema_commands(), session_commands(), settings_commands()}) {
      gathered.insert(gathered.end(), part.begin(), part.end());
    }
    std::sort(gathered.begin(), gathered.end(), [](const Command& a, const Command& b) { return a.name < b.name; });
    return gathered;
  }();
  return all;
}

const Command& find_command(std::string_view name) {
  // Abbreviations of sqlite3's shell that would fit several commands.
  if (name == "h") name = "help";
  if (name == "indices") name = "indexes";
  if (name == "system") name = "shell";
  const Command* found = nullptr;
  std::string candidates;
  for (const Command& command : commands()) {
    if (command.name == name) return command;
    if (name.empty() || !command.name.starts_with(name)) continue;
    found = &command;
    candidates += (candidates.empty() ? "." : ", .") + std::string(command.name);
  }
  if (found == nullptr) throw UsageError("unknown command \"." + std::string(name) + "\"; see .help");
  if (candidates.find(',') != std::string::npos) {
    throw UsageError("\"." + std::string(name) + "\" could be " + candidates);
  }
  return *found;
}

namespace {

// What the backslash at `i` and the characters behind it mean, as in C; `i` goes behind them.
char escaped_character(std::string_view line, std::size_t& i) {
  ++i;
  if (line[i] >= '0' && line[i] <= '7') {
    unsigned code = 0;
    for (int digits = 0; digits < 3 && i < line.size() && line[i] >= '0' && line[i] <= '7'; ++digits, ++i) {
      code = code * 8 + static_cast<unsigned>(line[i] - '0');
    }
    return static_cast<char>(code);
  }
  constexpr std::string_view kEscapes = "abfnrtv";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v";
  const std::size_t escape = kEscapes.find(line[i]);
  const char plain = line[i++];
  return escape == std::string_view::npos ? plain : kBytes[escape];
}

}  // namespace

Arguments split_arguments(std::string_view line) {
  Arguments arguments;
  std::size_t i = 0;
  while (true) {
    while (i < line.size() && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r' || line[i] == '\n')) ++i;
    if (i >= line.size()) return arguments;
    std::string& word = arguments.emplace_back();
    const char quote = line[i];
    if (quote == '\'' || quote == '"') {
      ++i;
      while (i < line.size() && (line[i] != quote || (quote == '\'' && line.substr(i).starts_with("''")))) {
        if (quote == '\'' && line[i] == '\'') ++i;  // '' is one quote
        if (quote == '"' && line[i] == '\\' && i + 1 < line.size()) {
          word += escaped_character(line, i);
        } else {
          word += line[i++];
        }
      }
      if (i < line.size()) ++i;
    } else {
      while (i < line.size() && line[i] != ' ' && line[i] != '\t' && line[i] != '\r' && line[i] != '\n') {
        if (line[i] == '\\' && i + 1 < line.size()) {
          word += escaped_character(line, i);
        } else {
          word += line[i++];
        }
      }
    }
  }
}

bool parse_switch(const std::string& text) {
  for (const std::string_view yes : {"on", "yes", "true", "1"}) {
    if (sql::equals_ignoring_case(text, yes)) return true;
  }
  for (const std::string_view no : {"off", "no", "false", "0"}) {
    if (sql::equals_ignoring_case(text, no)) return false;
  }
  throw UsageError("\"" + text + "\" is neither on nor off");
}

long long parse_number(const std::string& text) {
  long long number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) throw UsageError("\"" + text + "\" is not a whole number");
  return number;
}

}  // namespace libsql::cli

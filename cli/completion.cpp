#include "cli/completion.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "cli/commands.hpp"
#include "cli/output_settings.hpp"
#include "cli/schema.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

bool starts_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && sql::equals_ignoring_case(text.substr(0, start.size()), start);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& byte : out) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte | 0x20);
  }
  return out;
}

std::vector<std::string> complete_path(std::string_view word) {
  std::vector<std::string> found;
  const std::filesystem::path typed(word);
  const std::filesystem::path folder = typed.has_parent_path() ? typed.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.path().filename().native().starts_with(typed.filename().native())) continue;
    std::string name = (typed.parent_path() / entry.path().filename()).string();
    if (entry.is_directory(ignored)) name += '/';
    found.push_back(std::move(name));
  }
  return found;
}

std::vector<std::string> complete_dot_command(Connection* connection, std::string_view line, std::size_t word_start) {
  const std::string_view word = line.substr(word_start);
  std::vector<std::string> found;
  if (word_start == 0) {
    for (const Command& command : commands()) {
      const std::string name = "." + std::string(command.name);
      if (name.starts_with(word)) found.push_back(name);
    }
    return found;
  }
  const Arguments arguments = split_arguments(line.substr(1, word_start - 1));
  const std::string name = arguments.empty() ? std::string() : arguments.front();
  if (name == "mode") {
    for (const OutputModeInfo& info : output_modes()) {
      if (info.name.starts_with(word)) found.emplace_back(info.name);
    }
  } else if (name == "help") {
    for (const Command& command : commands()) {
      if (command.name.starts_with(word)) found.emplace_back(command.name);
    }
  } else if (name == "schema" || name == "dump" || name == "indexes" || name == "tables") {
    if (connection == nullptr) return found;
    for (const std::string& object : object_names(*connection, {})) {
      if (starts_ignoring_case(object, word)) found.push_back(object);
    }
  } else {
    found = complete_path(word);
  }
  return found;
}

}  // namespace

std::vector<std::string> complete_word(Connection* connection, std::string_view line, std::size_t word_start) {
  if (line.starts_with('.')) return complete_dot_command(connection, line, word_start);
  const std::string_view word = line.substr(word_start);
  if (word.empty()) return {};
  std::set<std::string> found;
  const bool lower_case = std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  for (const std::string_view keyword : sql::reserved_words()) {
    if (starts_ignoring_case(keyword, word)) found.insert(lower_case ? lower(keyword) : std::string(keyword));
  }
  if (connection != nullptr) {
    // "table." completes to its columns.
    const std::size_t dot = word.rfind('.');
    const std::string prefix(dot == std::string_view::npos ? std::string_view() : word.substr(0, dot + 1));
    const std::string rest(word.substr(prefix.size()));
    const char* const kNames =
        "SELECT name FROM pragma_table_list WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "UNION SELECT c.name FROM pragma_table_list AS t, pragma_table_xinfo(t.name) AS c "
        "WHERE t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "UNION SELECT DISTINCT name FROM pragma_function_list WHERE name GLOB '[a-z]*'";
    const char* const kColumns = "SELECT name FROM pragma_table_xinfo(?)";
    Rows rows = prefix.empty() ? connection->query(kNames)
                               : connection->query(kColumns, std::string_view(prefix).substr(0, prefix.size() - 1));
    while (rows.next()) {
      const auto name = rows.row().get<std::string>(0);
      if (starts_ignoring_case(name, rest)) found.insert(prefix + sql::quote_identifier_if_needed(name));
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace libsql::cli

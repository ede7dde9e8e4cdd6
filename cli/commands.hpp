// The dot commands: one table, from which running, .help and completion follow.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::cli {

class Shell;

using Arguments = std::vector<std::string>;  // without the command's own name

struct Command {
  std::string_view name;     // without the dot
  std::string_view usage;    // of its arguments
  std::string_view summary;  // one line
  std::string_view details;  // further lines for `.help NAME`, each ending in a line break
  void (*run)(Shell& shell, const Arguments& arguments);
};

/// Every dot command, sorted by name.
std::span<const Command> commands();

/// The command of that name, or the only one that begins so. Throws UsageError for none, and for several.
const Command& find_command(std::string_view name);

/// Cuts a line into words: 'single' and "double" quotes hold words together, the latter with \n and such inside.
Arguments split_arguments(std::string_view line);

/// on, yes, true, 1; off, no, false, 0. Throws UsageError.
bool parse_switch(const std::string& text);
/// A whole number. Throws UsageError.
long long parse_number(const std::string& text);

/// The tables that commands() is made of, one per file.
std::span<const Command> replica_commands();
std::span<const Command> schema_commands();
std::span<const Command> settings_commands();
std::span<const Command> file_commands();
std::span<const Command> session_commands();

}  // namespace libsql::cli

// Assembles the configuration of `libsql serve`.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/config/config.hpp"

namespace libsql::server {

/// The value of an environment variable, or none.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

/// Reads the settings from flags, the environment, and the file named by --config or LIBSQL_CONFIG. A flag overrides a
/// variable, and a variable overrides the file. `arguments` are those after the verb. Throws ConfigError, which says
/// where the error is.
Config load_config(std::span<const std::string> arguments, const Environment& environment);

/// Whether the arguments include --help.
bool wants_help(std::span<const std::string> arguments) noexcept;

/// The text of `libsql serve --help`.
std::string serve_help();

/// The lines of a configuration file: name, value and line number. Throws ConfigError with `file` and the line.
struct ConfigLine {
  std::string name;
  std::string value;
  std::size_t number = 0;
};
std::vector<ConfigLine> parse_config_file(std::string_view text, const std::string& file);

/// Throws ConfigError if settings contradict each other.
void check_config(const Config& config);

}  // namespace libsql::server

// Puts the configuration of `libsql serve` together.
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

/// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Environment of this process.
std::optional<std::string> process_environment(const std::string& name);

/// The settings by flags, the environment and the file that --config or LIBSQL_CONFIG names: a flag beats a variable, a
/// variable beats the file. `arguments` are those after the verb. Throws ConfigError that names the place of what is
/// wrong.
Config load_config(std::span<const std::string> arguments, const Environment& environment);

/// Whether --help is among the arguments.
bool wants_help(std::span<const std::string> arguments) noexcept;

/// What `libsql serve --help` prints.
std::string serve_help();

/// The lines of a configuration file: name, value and number of each. Throws ConfigError with `file` and the line.
struct ConfigLine {
  std::string name;
  std::string value;
  std::size_t number = 0;
};
std::vector<ConfigLine> parse_config_file(std::string_view text, const std::string& file);

/// Throws ConfigError for settings that do not go together.
void check_config(const Config& config);

}  // namespace libsql::server

#include "server/config/load.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>

#include "server/auth/watched_file.hpp"
#include "server/config/setting.hpp"

namespace libsql::server {
namespace {

// The value given for a setting, and where it was given.
struct Given {
  std::string value;
  std::string place;
};
using GivenSettings = std::map<std::string_view, Given>;  // keyed by the names in the list of settings

const Setting& setting_of_flag(std::string_view name) {
  const Setting* const setting = find_setting(name);
  if (setting == nullptr) throw ConfigError("unknown option --" + std::string(name) + "; see libsql serve --help");
  if (setting->where == Setting::Where::EnvironmentOnly) {
    throw ConfigError("--" + std::string(name) + " would reveal a secret to every user of this machine; use --" +
                      std::string(name) + "-file or the variable " + setting->variable());
  }
  return *setting;
}

GivenSettings read_flags(std::span<const std::string> arguments) {
  GivenSettings given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (!argument.starts_with("--") || argument.size() == 2) {
      throw ConfigError("\"" + std::string(argument) + "\" is not an option; see libsql serve --help");
    }
    argument.remove_prefix(2);
    const std::size_t equals = argument.find('=');
    const Setting& setting = setting_of_flag(argument.substr(0, equals));
    std::string value = "true";
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (!setting.is_switch()) {
      if (++i == arguments.size()) throw ConfigError("--" + std::string(setting.name) + " needs a value");
      value = arguments[i];
    }
    if (!given.emplace(setting.name, Given{std::move(value), "--" + std::string(setting.name)}).second) {
      throw ConfigError("--" + std::string(setting.name) + " is given twice");
    }
  }
  return given;
}

void add_environment(GivenSettings& given, const Environment& environment) {
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      if (given.contains(setting.name)) continue;
      const std::string variable = setting.variable();
      if (auto value = environment(variable); value && !value->empty()) {
        given.emplace(setting.name, Given{std::move(*value), variable});
      }
    }
  }
}

void add_file(GivenSettings& given, const std::string& file) {
  std::string text;
  try {
    text = read_small_file(file);
  } catch (const std::system_error& error) {
    throw ConfigError(std::string("the configuration file: ") + error.what());
  }
  std::map<std::string_view, std::size_t> seen;
  for (ConfigLine& line : parse_config_file(text, file)) {
    const std::string place = file + ":" + std::to_string(line.number);
    const Setting* const setting = find_setting(line.name);
    if (setting == nullptr) throw ConfigError(place + ": unknown setting \"" + line.name + "\"");
    if (setting->where != Setting::Where::Everywhere) {
      throw ConfigError(place + ": \"" + line.name + "\" cannot be set in a file");
    }
    if (const auto [first, is_new] = seen.emplace(setting->name, line.number); !is_new) {
      throw ConfigError(place + ": \"" + line.name + "\" is set in line " + std::to_string(first->second) + " already");
    }
    given.try_emplace(setting->name, Given{std::move(line.value), place + ": " + line.name});
  }
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool wants_help(std::span<const std::string> arguments) noexcept {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const std::string& argument) { return argument == "--help" || argument == "-h"; });
}

Config load_config(std::span<const std::string> arguments, const Environment& environment) {
  GivenSettings given = read_flags(arguments);
  add_environment(given, environment);
  if (const auto file = given.find("config"); file != given.end()) add_file(given, std::string(file->second.value));
  Config config;
  for (const auto& [name, said] : given) {
    try {
      find_setting(name)->apply(config, said.value);
    } catch (const ConfigError& error) {
      throw ConfigError(said.place + ": " + error.what());
    }
  }
  check_config(config);
  return config;
}

}  // namespace libsql::server

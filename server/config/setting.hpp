// One entry for everything that can be set: the command line, the environment, the file and the manual are all made of
// the same list.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.hpp"

namespace libsql::server {

struct Setting {
  enum class Where : unsigned char {
    Everywhere,       // --name, LIBSQL_NAME, and `name = ` in the file
    EnvironmentOnly,  // secrets: a command line is shown by ps, and files are copied about
    CommandLineOnly,
  };

  std::string_view name;         // without the dashes
  std::string_view value;        // what the manual calls the value; empty: a switch
  std::string_view description;  // of what it does; lines are broken by the manual
  std::string_view fallback;     // what holds if it is not set, as the manual says it; empty: nothing to say
  void (*apply)(Config&, std::string_view text);
  Where where = Where::Everywhere;

  bool is_switch() const noexcept { return value.empty(); }
  /// "LIBSQL_HTTP_LISTEN" for "http-listen".
  std::string variable() const;
};

struct SettingGroup {
  std::string_view title;
  std::span<const Setting> settings;
};

SettingGroup database_settings() noexcept;
SettingGroup replication_settings() noexcept;
SettingGroup listener_settings() noexcept;
SettingGroup authentication_settings() noexcept;
SettingGroup limit_settings() noexcept;
SettingGroup timeout_settings() noexcept;
SettingGroup operation_settings() noexcept;

/// All of them, in the order of the manual.
const std::vector<SettingGroup>& setting_groups();
/// Null if there is none of this name.
const Setting* find_setting(std::string_view name) noexcept;

}  // namespace libsql::server

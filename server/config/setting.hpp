// Describes each setting once. Command line, environment, file and manual are all derived from the one list.
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
    EnvironmentOnly,  // secrets, because ps shows command lines, and files get copied
    CommandLineOnly,
  };

  std::string_view name;         // without the dashes
  std::string_view value;        // the manual's name for the value; empty: a switch without one
  std::string_view description;  // the manual breaks it into lines
  std::string_view fallback;     // the default as the manual states it; empty: not stated
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

/// All settings, in the order of the manual.
const std::vector<SettingGroup>& setting_groups();
/// Null if there is no setting of this name.
const Setting* find_setting(std::string_view name) noexcept;

}  // namespace libsql::server

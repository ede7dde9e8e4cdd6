#include "server/config/setting.hpp"

namespace libsql::server {

std::string Setting::variable() const {
  std::string variable = "LIBSQL_";
  for (const char character : name) {
    variable += character == '-' ? '_' : static_cast<char>(character >= 'a' ? character - ('a' - 'A') : character);
  }
  return variable;
}

const std::vector<SettingGroup>& setting_groups() {
  static const std::vector<SettingGroup> groups = {
      database_settings(), replication_settings(), listener_settings(), authentication_settings(),
      limit_settings(),    timeout_settings(),     operation_settings()};
  return groups;
}

const Setting* find_setting(std::string_view name) noexcept {
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      if (setting.name == name) return &setting;
    }
  }
  return nullptr;
}

}  // namespace libsql::server

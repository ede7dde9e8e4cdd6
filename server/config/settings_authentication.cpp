#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

constexpr std::array kSettings = {
    Setting{"auth-jwt-key-file", "FILE",
            "Require a token (JWT, EdDSA) from clients, signed with a key in FILE: PEM blocks PUBLIC KEY, or one raw "
            "key in base64url. Reloaded when it changes. `libsql token` makes keys and tokens.",
            "no token required", [](Config& config, std::string_view text) { config.auth.jwt_key_file = text; }},
    Setting{"auth-jwt-key", "KEY", "The key itself, instead of a file.", "",
            [](Config& config, std::string_view text) { config.auth.jwt_key = text; }, Setting::Where::EnvironmentOnly},
    Setting{"http-auth-file", "FILE",
            "Require a password from clients instead of a token: FILE contains basic:BASE64, where BASE64 encodes "
            "USER:PASSWORD. Reloaded when it changes.",
            "", [](Config& config, std::string_view text) { config.auth.http_auth_file = text; }},
    Setting{"http-auth", "basic:BASE64", "The password itself, instead of a file.", "",
            [](Config& config, std::string_view text) { config.auth.http_auth = text; },
            Setting::Where::EnvironmentOnly},
    Setting{"gid", "TEXT", "The group of this server, matched against the tags in tokens.", "",
            [](Config& config, std::string_view text) { config.auth.group = text; }},
    Setting{"admin-auth-key-file", "FILE",
            "Require \"Authorization: Basic KEY\" for the admin API; FILE contains KEY, which is compared as it is. "
            "Reloaded when it changes.",
            "no key required", [](Config& config, std::string_view text) { config.admin_key_file = text; }},
    Setting{"admin-auth-key", "KEY", "The key itself, instead of a file.", "",
            [](Config& config, std::string_view text) { config.admin_key = text; }, Setting::Where::EnvironmentOnly},
    Setting{"allow-unauthenticated", "",
            "Serve clients on addresses other than loopback without requiring a token or password. Everyone who "
            "reaches the port may then do everything.",
            "off: the server does not start",
            [](Config& config, std::string_view text) { config.allow_unauthenticated = parse_switch(text); }},
    Setting{"allow-unauthenticated-admin", "", "The same for the admin API.", "off: the server does not start",
            [](Config& config, std::string_view text) { config.allow_unauthenticated_admin = parse_switch(text); }},
};

}  // namespace

SettingGroup authentication_settings() noexcept { return {"AUTHENTICATION", kSettings}; }

}  // namespace libsql::server

#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

constexpr std::array kSettings = {
    Setting{"auth-jwt-key-file", "FILE",
            "Want a token (JWT, EdDSA) of clients, signed for a key in FILE: PEM blocks PUBLIC KEY, or one raw key in "
            "base64url. Read again when it changes. `libsql token` makes keys and tokens.",
            "nobody is asked", [](Config& config, std::string_view text) { config.auth.jwt_key_file = text; }},
    Setting{"auth-jwt-key", "KEY", "The same as text, if there is no file.", "",
            [](Config& config, std::string_view text) { config.auth.jwt_key = text; }, Setting::Where::EnvironmentOnly},
    Setting{"http-auth-file", "FILE",
            "Want one password of clients, and no tokens: FILE holds basic:BASE64, where BASE64 is that of "
            "USER:PASSWORD. Read again when it changes.",
            "", [](Config& config, std::string_view text) { config.auth.http_auth_file = text; }},
    Setting{"http-auth", "basic:BASE64", "The same as text, if there is no file.", "",
            [](Config& config, std::string_view text) { config.auth.http_auth = text; },
            Setting::Where::EnvironmentOnly},
    Setting{"gid", "TEXT", "The group of this server, which the tags in tokens are compared with.", "",
            [](Config& config, std::string_view text) { config.auth.group = text; }},
    Setting{"admin-auth-key-file", "FILE",
            "Want \"Authorization: Basic KEY\" of those who use the admin API; FILE holds KEY, which is compared as it "
            "stands. Read again when it changes.",
            "nobody is asked", [](Config& config, std::string_view text) { config.admin_key_file = text; }},
    Setting{"admin-auth-key", "KEY", "The same as text, if there is no file.", "",
            [](Config& config, std::string_view text) { config.admin_key = text; }, Setting::Where::EnvironmentOnly},
    Setting{"allow-unauthenticated", "",
            "Serve clients on other addresses than those of this machine, though nobody is asked for a token or "
            "password. Everybody who reaches the port may then do everything.",
            "off: such a start is refused",
            [](Config& config, std::string_view text) { config.allow_unauthenticated = parse_switch(text); }},
    Setting{"allow-unauthenticated-admin", "", "The same for the admin API.", "off: such a start is refused",
            [](Config& config, std::string_view text) { config.allow_unauthenticated_admin = parse_switch(text); }},
};

}  // namespace

SettingGroup authentication_settings() noexcept { return {"AUTHENTICATION", kSettings}; }

}  // namespace libsql::server

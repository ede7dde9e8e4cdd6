#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

constexpr std::array kSettings = {
    Setting{"http-listen", "HOST:PORT", "Where to serve clients, over HTTP and WebSocket. Port 0 picks a free one.",
            "127.0.0.1:8080", [](Config& config, std::string_view text) { config.options.http = parse_listen(text); }},
    Setting{"hrana-listen", "HOST:PORT", "Where to serve WebSocket clients, on any path.", "off",
            [](Config& config, std::string_view text) { config.options.hrana = parse_listen(text); }},
    Setting{"admin-listen", "HOST:PORT", "Where to serve the admin API and /metrics.", "off",
            [](Config& config, std::string_view text) { config.options.admin = parse_listen(text); }},
    Setting{"tls-cert", "FILE",
            "Serve clients over TLS with the certificate chain in FILE (PEM). Reloaded when it changes.", "no TLS",
            [](Config& config, std::string_view text) { config.tls.certificate_chain = text; }},
    Setting{"tls-key", "FILE", "The private key of --tls-cert (PEM).", "",
            [](Config& config, std::string_view text) { config.tls.private_key = text; }},
    Setting{"admin-tls-cert", "FILE", "Serve the admin API over TLS, as --tls-cert does for clients.", "no TLS",
            [](Config& config, std::string_view text) { config.admin_tls.certificate_chain = text; }},
    Setting{"admin-tls-key", "FILE", "The private key of --admin-tls-cert (PEM).", "",
            [](Config& config, std::string_view text) { config.admin_tls.private_key = text; }},
    Setting{"http-self-url", "URL",
            "Tell clients to send the rest of a stream to this URL: for several servers behind one name.", "",
            [](Config& config, std::string_view text) { config.options.self_url = text; }},
    Setting{"console", "", "Serve the web console at /console.", "off",
            [](Config& config, std::string_view text) { config.console = parse_switch(text); }},
    Setting{"threads", "N", "Maximum number of threads that answer requests.", "16 more than --max-connections",
            [](Config& config, std::string_view text) { config.options.threads = parse_count(text); }},
};

}  // namespace

SettingGroup listener_settings() noexcept { return {"LISTENING", kSettings}; }

}  // namespace libsql::server

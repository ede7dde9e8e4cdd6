#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

template <auto Member>
void set(Config& config, std::string_view text) {
  config.options.timeouts.*Member = parse_duration(text);
}

void set_statement(Config& config, std::string_view text) {
  if (text == "none") {
    config.options.timeouts.statement.reset();
  } else {
    config.options.timeouts.statement = parse_duration(text);
  }
}

constexpr std::array kSettings = {
    Setting{"stream-idle-timeout", "TIME", "How long an HTTP stream waits for its client. Its transaction is lost.",
            "10s", set<&Timeouts::stream_idle>},
    Setting{"transaction-timeout", "TIME",
            "How long a transaction may keep the write lock once another writer waits, unless its namespace says "
            "otherwise. Then it is rolled back.",
            "5s", set<&Timeouts::transaction>},
    Setting{"statement-timeout", "TIME", "How long a statement may run; none: without a limit.", "5m", set_statement},
    Setting{"write-wait-timeout", "TIME", "How long a writer waits for its turn.", "10m", set<&Timeouts::write_wait>},
    Setting{"connection-wait-timeout", "TIME", "How long a request waits for one of --max-connections.", "1s",
            set<&Timeouts::connection_wait>},
    Setting{"namespace-idle-timeout", "TIME", "After which an unused database is closed.", "5m",
            set<&Timeouts::namespace_idle>},
    Setting{"http-idle-timeout", "TIME", "How long a client's connection is kept open between requests.", "75s",
            set<&Timeouts::http_idle>},
    Setting{"http-slow-timeout", "TIME", "How long a request may take to arrive, and an answer to be taken.", "30s",
            set<&Timeouts::http_slow>},
    Setting{"shutdown-timeout", "TIME", "How long requests that run may take to end after SIGTERM.", "30s",
            [](Config& config, std::string_view text) { config.shutdown_timeout = parse_duration(text); }},
    Setting{"idle-shutdown", "TIME", "Stop when no request but those to /health has come for so long.", "never",
            [](Config& config, std::string_view text) { config.idle_shutdown = parse_duration(text); }},
    Setting{"initial-idle-shutdown", "TIME", "The same, until the first request has come.", "that of --idle-shutdown",
            [](Config& config, std::string_view text) { config.initial_idle_shutdown = parse_duration(text); }},
};

}  // namespace

SettingGroup timeout_settings() noexcept { return {"TIMES", kSettings}; }

}  // namespace libsql::server

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
    Setting{"stream-idle-timeout", "TIME",
            "How long an HTTP stream waits for its client. Then its transaction is lost.", "10s",
            set<&Timeouts::stream_idle>},
    Setting{"transaction-timeout", "TIME",
            "How long a transaction may keep the write lock once another writer waits. Then it is rolled back. A "
            "namespace may have its own.",
            "5s", set<&Timeouts::transaction>},
    Setting{"statement-timeout", "TIME", "How long a statement may run; none: no limit.", "5m", set_statement},
    Setting{"write-wait-timeout", "TIME", "How long a writer may wait for its turn.", "10m",
            set<&Timeouts::write_wait>},
    Setting{"connection-wait-timeout", "TIME", "How long a request waits for one of the --max-connections.", "1s",
            set<&Timeouts::connection_wait>},
    Setting{"namespace-idle-timeout", "TIME", "How long an unused database stays open.", "5m",
            set<&Timeouts::namespace_idle>},
    Setting{"http-idle-timeout", "TIME", "How long a client's connection is kept open between requests.", "75s",
            set<&Timeouts::http_idle>},
    Setting{"http-slow-timeout", "TIME", "How long a request may take to arrive, and an answer to be read.", "30s",
            set<&Timeouts::http_slow>},
    Setting{"shutdown-timeout", "TIME", "How long running requests may take to finish after SIGTERM.", "30s",
            [](Config& config, std::string_view text) { config.shutdown_timeout = parse_duration(text); }},
    Setting{"idle-shutdown", "TIME", "Stop after this long without a request, /health not counted.", "never",
            [](Config& config, std::string_view text) { config.idle_shutdown = parse_duration(text); }},
    Setting{"initial-idle-shutdown", "TIME", "The same, before the first request.", "--idle-shutdown",
            [](Config& config, std::string_view text) { config.initial_idle_shutdown = parse_duration(text); }},
};

}  // namespace

SettingGroup timeout_settings() noexcept { return {"TIMES", kSettings}; }

}  // namespace libsql::server

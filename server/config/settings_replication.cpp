#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

constexpr std::array kSettings = {
    Setting{"replication-log", "",
            "Keep a log of commits beside each database, in a folder of its name and \"-log\", so that embedded "
            "replicas can follow it.",
            "off: replicas are refused",
            [](Config& config, std::string_view text) { config.options.replication.log = parse_switch(text); }},
    Setting{"max-log-size", "SIZE",
            "How much of each database's log to keep. A replica that needs more gets a snapshot. 0 keeps nothing.",
            "200MiB",
            [](Config& config, std::string_view text) {
              config.options.replication.max_log_bytes = parse_size(text);
              config.options.replication.log = true;
            }},
    Setting{"max-log-duration", "TIME", "Drop what is older from the log.", "as long as there is room",
            [](Config& config, std::string_view text) {
              config.options.replication.max_log_age = parse_duration(text);
              config.options.replication.log = true;
            }},
    Setting{"snapshot-at-shutdown", "",
            "When the server ends, write each loaded database's write-ahead log into its file, and rewrite files of "
            "256 MiB and more that are more than half free.",
            "off: the next start finds them as they are",
            [](Config& config, std::string_view text) {
              config.options.replication.snapshot_at_shutdown = parse_switch(text);
            }},
    Setting{"offline-sync", "",
            "Let clients with offline writes pull and push the frames of databases. Every default client of npm then "
            "changes to that protocol. The admin API says it for one namespace.",
            "off: of namespaces whose configuration does not say otherwise",
            [](Config& config, std::string_view text) {
              config.options.replication.offline_sync = parse_switch(text);
              if (config.options.replication.offline_sync) config.options.replication.log = true;
            }},
};

}  // namespace

SettingGroup replication_settings() noexcept { return {"REPLICATION", kSettings}; }

}  // namespace libsql::server

#include <array>
#include <stdexcept>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

void set_log_level(Config& config, std::string_view text) {
  try {
    config.log.filter = LogFilter::parse(text);
  } catch (const std::invalid_argument& error) {
    throw ConfigError(error.what());
  }
}

void set_log_format(Config& config, std::string_view text) {
  if (text != "text" && text != "json") throw ConfigError("\"" + std::string(text) + "\" is not text or json");
  config.log.format = text == "json" ? LogFormat::Json : LogFormat::Text;
}

constexpr std::array kSettings = {
    Setting{"config", "FILE",
            "Read settings from FILE: a line `name = value` for each, named like these options without the dashes; `#` "
            "begins a comment.",
            "none", [](Config&, std::string_view) {}, Setting::Where::CommandLineOnly},
    Setting{"log-file", "FILE", "Write the log to FILE, reopened on SIGHUP; \"-\" is standard error.", "-",
            [](Config& config, std::string_view text) { config.log.file = text; }},
    Setting{"log-level", "FILTER",
            "What is logged: off, error, warn, info or debug, also for single parts: warn,admin=debug.", "info",
            set_log_level},
    Setting{"log-format", "FORMAT", "text, or json with an object per line.", "text", set_log_format},
    Setting{"access-log", "FILE", "Write a line of JSON for every request to FILE, reopened on SIGHUP.", "none",
            [](Config& config, std::string_view text) { config.log.access_file = text; }},
    Setting{"slow-query-threshold", "TIME", "Log statements that take this long or longer, without their arguments.",
            "off", [](Config& config, std::string_view text) { config.log.slow_threshold = parse_duration(text); }},
    Setting{"slow-query-log", "FILE", "Write them to FILE, one line of JSON each.", "the log",
            [](Config& config, std::string_view text) { config.log.slow_file = text; }},
    Setting{"backup-dir", "DIR", "Let the admin API write backups into DIR.", "no backups",
            [](Config& config, std::string_view text) { config.backup_directory = text; }},
    Setting{"dump-dir", "DIR", "Let the admin API load dumps from files in DIR.", "no files",
            [](Config& config, std::string_view text) { config.dump_directory = text; }},
    Setting{"pid-file", "FILE", "Write the process ID to FILE, and delete it on exit.", "none",
            [](Config& config, std::string_view text) { config.pid_file = text; }},
};

}  // namespace

SettingGroup operation_settings() noexcept { return {"OPERATION", kSettings}; }

}  // namespace libsql::server

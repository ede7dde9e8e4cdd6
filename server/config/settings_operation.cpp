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
            "Read settings from FILE: a line `name = value` for each, with the names of these options without the "
            "dashes, `#` before remarks.",
            "none", [](Config&, std::string_view) {}, Setting::Where::CommandLineOnly},
    Setting{"log-file", "FILE", "Write the log to FILE, opened anew at SIGHUP; \"-\" is standard error.", "-",
            [](Config& config, std::string_view text) { config.log.file = text; }},
    Setting{"log-level", "FILTER",
            "What is logged: off, error, warn, info or debug, also for parts of the server: warn,admin=debug.", "info",
            set_log_level},
    Setting{"log-format", "FORMAT", "text, or json with an object on each line.", "text", set_log_format},
    Setting{"access-log", "FILE", "Write a line of JSON for every request to FILE, opened anew at SIGHUP.", "none",
            [](Config& config, std::string_view text) { config.log.access_file = text; }},
    Setting{"slow-query-threshold", "TIME", "Log statements that take this long or longer, without their arguments.",
            "none are",
            [](Config& config, std::string_view text) { config.log.slow_threshold = parse_duration(text); }},
    Setting{"slow-query-log", "FILE", "Write them to FILE, a line of JSON for each.", "the log",
            [](Config& config, std::string_view text) { config.log.slow_file = text; }},
    Setting{"backup-dir", "DIR", "Let the admin API write backups into DIR.", "it may not",
            [](Config& config, std::string_view text) { config.backup_directory = text; }},
    Setting{"dump-dir", "DIR", "Let the admin API load dumps from files in DIR.", "it may not",
            [](Config& config, std::string_view text) { config.dump_directory = text; }},
    Setting{"pid-file", "FILE", "Write the process's number to FILE, and delete it at the end.", "none",
            [](Config& config, std::string_view text) { config.pid_file = text; }},
};

}  // namespace

SettingGroup operation_settings() noexcept { return {"OPERATION", kSettings}; }

}  // namespace libsql::server

#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

void set_durability(Config& config, std::string_view text) {
  const auto durability = durability_of(text);
  if (!durability) throw ConfigError("\"" + std::string(text) + "\" is not off, relaxed, strong or extra");
  config.options.durability = *durability;
}

void set_rows_read(Config& config, std::string_view text) {
  if (text != "exact" && text != "estimate") {
    throw ConfigError("\"" + std::string(text) + "\" is not exact or estimate");
  }
  config.options.rows_read = text == "exact" ? RowsRead::Exact : RowsRead::Estimate;
}

void set_double_quoted_strings(Config& config, std::string_view text) {
  if (text == "off") {
    config.options.double_quoted_strings = DoubleQuotedStrings::Off;
  } else if (text == "schema") {
    config.options.double_quoted_strings = DoubleQuotedStrings::Schema;
  } else if (text == "on") {
    config.options.double_quoted_strings = DoubleQuotedStrings::On;
  } else {
    throw ConfigError("\"" + std::string(text) + "\" is not off, schema or on");
  }
}

constexpr std::array kSettings = {
    Setting{"db", "FILE", "Serve this one database, which is created if it does not exist.", "",
            [](Config& config, std::string_view text) { config.options.database = text; }},
    Setting{"data", "DIR", "Serve the databases in this directory, which is created if it does not exist.", "",
            [](Config& config, std::string_view text) { config.options.data_directory = text; }},
    Setting{"enable-namespaces", "",
            "Serve many databases from --data. A request names one by the header x-namespace, the path "
            "/dev/NAME/, or the first label of its host name.",
            "off: every request is for the database \"default\"",
            [](Config& config, std::string_view text) { config.options.namespaces = parse_switch(text); }},
    Setting{"disable-default-namespace", "", "Refuse requests that name no database.", "off: they use \"default\"",
            [](Config& config, std::string_view text) { config.options.default_namespace = !parse_switch(text); }},
    Setting{"durability", "LEVEL",
            "How well commits survive a power cut: off, relaxed (PRAGMA synchronous=NORMAL), strong (FULL) or extra. A "
            "namespace may have its own.",
            "relaxed", set_durability},
    Setting{"checkpoint-interval", "TIME", "How often to write each database's log into its file and truncate it.",
            "left to the engine, after 1000 pages",
            [](Config& config, std::string_view text) {
              config.options.timeouts.checkpoint_interval = parse_duration(text);
            }},
    Setting{"cipher", "NAME",
            "Encrypt the database files: aes256cbc (as libSQL does), aes128cbc, chacha20, sqlcipher, rc4, ascon128, "
            "aegis. The key comes from --encryption-key-file or LIBSQL_ENCRYPTION_KEY.",
            "aes256cbc if there is a key, else not encrypted",
            [](Config& config, std::string_view text) { config.cipher = text; }},
    Setting{"encryption-key-file", "FILE", "Read the key from FILE, without its final line break.", "",
            [](Config& config, std::string_view text) { config.encryption_key_file = text; }},
    Setting{"encryption-key", "KEY", "The key itself.", "",
            [](Config& config, std::string_view text) { config.encryption_key = text; },
            Setting::Where::EnvironmentOnly},
    Setting{"extensions", "DIR",
            "Load the extensions listed in DIR/trusted.lst into every connection. Each line is the SHA-256 of the "
            "file in hexadecimal, two spaces and its name; if a file differs, the server does not start.",
            "none", [](Config& config, std::string_view text) { config.extension_directory = text; }},
    Setting{"double-quoted-strings", "WHERE",
            "Where \"x\" is a string if no column has that name: off; schema (in existing schema objects, and in "
            "statements that create or alter them); or on, in every statement, as in sqld.",
            "schema", set_double_quoted_strings},
    Setting{"recursive-triggers", "",
            "Let a trigger fire itself, and REPLACE fire the delete triggers of the rows that it removes, as in sqld.",
            "off: PRAGMA recursive_triggers as SQLite has it",
            [](Config& config, std::string_view text) { config.options.recursive_triggers = parse_switch(text); }},
    Setting{"rows-read", "HOW",
            "How the rows read by a statement are counted: estimate (rows of full scans, and rows returned) or "
            "exact (all rows visited; scans take a third longer).",
            "estimate", set_rows_read},
};

}  // namespace

SettingGroup database_settings() noexcept { return {"DATABASES", kSettings}; }

}  // namespace libsql::server

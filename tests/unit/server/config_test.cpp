#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "server/config/load.hpp"
#include "server/config/setting.hpp"
#include "server/config/values.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

Config load(std::vector<std::string> arguments, Variables variables = {}) {
  return load_config(arguments, environment(std::move(variables)));
}

// The message of the refusal; "accepted" if there is none.
std::string refusal(std::vector<std::string> arguments, Variables variables = {}) {
  try {
    load(std::move(arguments), std::move(variables));
    return "accepted";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

TEST(Values, AreReadWithTheirUnits) {
  EXPECT_EQ(parse_size("1500"), 1500u);
  EXPECT_EQ(parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(parse_size("64MiB"), 67'108'864u);
  EXPECT_EQ(parse_size("5000B"), 5000u);
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("2h"), std::chrono::hours(2));
  EXPECT_EQ(parse_duration("1d"), std::chrono::hours(24));
  EXPECT_TRUE(parse_switch("on"));
  EXPECT_FALSE(parse_switch("false"));
}

TEST(Values, ThatAreOddAreRefused) {
  for (const char* const wrong :
       {"", "MB", "-1", "1.5MB", "10 MB", "10mb", "10MBx", "99999999999999999999", "9999999999TiB"}) {
    EXPECT_THROW(parse_size(wrong), ConfigError) << wrong;
  }
  for (const char* const wrong : {"", "10", "s", "10sec", "-1s", "1.5s", "99999999999999999d"}) {
    EXPECT_THROW(parse_duration(wrong), ConfigError) << wrong;
  }
  for (const char* const wrong : {"", "x", "1x", "-1"}) EXPECT_THROW(parse_count(wrong), ConfigError) << wrong;
  for (const char* const wrong : {"", "TRUE", "maybe"}) EXPECT_THROW(parse_switch(wrong), ConfigError) << wrong;
}

TEST(Values, OfAddressesTakeNamesAndBothKindsOfNumbers) {
  const auto listen = [](std::string_view text) {
    const Listen parsed = parse_listen(text);
    return parsed.host + " " + std::to_string(parsed.port);
  };
  EXPECT_EQ(listen("0.0.0.0:80"), "0.0.0.0 80");
  EXPECT_EQ(listen("[::1]:0"), "::1 0");
  EXPECT_EQ(listen("db.example.org:8080"), "db.example.org 8080");
  EXPECT_EQ(listen("9090"), "127.0.0.1 9090");
  for (const char* const wrong : {"", ":80", "host", "host:", "host:65536", "host:80x", "::1:80", "host:-1"}) {
    EXPECT_THROW(parse_listen(wrong), ConfigError) << wrong;
  }
}

TEST(Values, TellAddressesOfThisMachineAlone) {
  for (const char* const own : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) EXPECT_TRUE(is_loopback(own)) << own;
  for (const char* const other : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "example.org", "localhost.example.org", "",
                                  "127.0.0.1.example.org", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(is_loopback(other)) << other;
  }
}

TEST(ConfigFile, IsReadLineByLine) {
  const auto lines = parse_config_file(
      "# a remark\n\n db = app.db \nhttp-self-url = http://x/#y  # after a blank\nlog-file=\"a \\\"b\\\" # c\"\r\n",
      "f");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].name, "db");
  EXPECT_EQ(lines[0].value, "app.db");
  EXPECT_EQ(lines[0].number, 3u);
  EXPECT_EQ(lines[1].value, "http://x/#y");
  EXPECT_EQ(lines[2].value, "a \"b\" # c");
}

TEST(ConfigFile, ThatIsWrongIsRefusedWithItsLine) {
  for (const char* const wrong : {"x", "= y", "x = \"open", "x = \"a\" b", "x = \"a\\"}) {
    try {
      parse_config_file(std::string("\n") + wrong + "\n", "some.conf");
      ADD_FAILURE() << wrong;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("some.conf:2: ")) << wrong;
    }
  }
}

class ConfigTest : public ::testing::Test {
 protected:
  std::string file(const std::string& text) {
    std::ofstream(directory_.file("config")) << text;
    return directory_.file("config");
  }
  libsql::test::TemporaryDirectory directory_;
};

TEST_F(ConfigTest, PrefersFlagsToVariablesToTheFileToDefaults) {
  const std::string path =
      file("max-rows = 1\nmax-row-size = 1\nstream-idle-timeout = 1s\ntransaction-timeout = 1s\nconsole = true\n");
  const Config config =
      load({"--db", "x", "--config", path, "--max-rows=3", "--stream-idle-timeout", "3s", "--console=false"},
           {{"LIBSQL_MAX_ROWS", "2"}, {"LIBSQL_MAX_ROW_SIZE", "2"}, {"LIBSQL_HTTP_LISTEN", "1"}});
  EXPECT_EQ(config.options.limits.rows, 3u);
  EXPECT_EQ(config.options.limits.max_row_size, 2u);
  EXPECT_EQ(config.options.timeouts.stream_idle, milliseconds(3000));
  EXPECT_EQ(config.options.timeouts.transaction, milliseconds(1000));
  EXPECT_EQ(config.options.http.port, 1);
  EXPECT_FALSE(config.console);
  EXPECT_EQ(config.options.limits.response_bytes, Limits().response_bytes);
}

TEST_F(ConfigTest, TakesTheFilesNameFromAVariable) {
  EXPECT_EQ(load({"--db", "x"}, {{"LIBSQL_CONFIG", file("max-rows = 7\n")}}).options.limits.rows, 7u);
}

TEST_F(ConfigTest, RefusesWhatItDoesNotKnowAndNamesThePlace) {
  EXPECT_THAT(refusal({"--db", "x", "--nonsense", "1"}), HasSubstr("--nonsense"));
  EXPECT_THAT(refusal({"--db", "x", "stray"}), HasSubstr("stray"));
  EXPECT_THAT(refusal({"--db", "x", "--"}), HasSubstr("is not an option"));
  EXPECT_THAT(refusal({"--db"}), HasSubstr("--db needs a value"));
  EXPECT_THAT(refusal({"--db", "x", "--db", "y"}), HasSubstr("twice"));
  EXPECT_THAT(refusal({"--db", "x", "--max-rows", "many"}), HasSubstr("--max-rows: \"many\""));
  EXPECT_THAT(refusal({"--db", "x"}, {{"LIBSQL_MAX_ROWS", "many"}}), HasSubstr("LIBSQL_MAX_ROWS: \"many\""));
  const std::string bad_value = file("\nmax-rows = many\n");
  EXPECT_THAT(refusal({"--db", "x", "--config", bad_value}), HasSubstr("config:2: max-rows: \"many\""));
  EXPECT_THAT(refusal({"--db", "x", "--config", file("nonsense = 1\n")}), HasSubstr("config:1: unknown"));
  EXPECT_THAT(refusal({"--db", "x", "--config", file("db = a\ndb = b\n")}), HasSubstr("line 1 already"));
  EXPECT_THAT(refusal({"--db", "x", "--config", file("config = other\n")}), HasSubstr("cannot be set in a file"));
  EXPECT_THAT(refusal({"--db", "x", "--config", "/no/such/file"}), HasSubstr("/no/such/file"));
}

TEST_F(ConfigTest, KeepsSecretsOffTheCommandLine) {
  for (const char* const secret : {"encryption-key", "auth-jwt-key", "http-auth", "admin-auth-key"}) {
    EXPECT_THAT(refusal({"--db", "x", std::string("--").append(secret), "s"}), HasSubstr("secret")) << secret;
    const std::string path = file(std::string(secret) + " = s\n");
    EXPECT_THAT(refusal({"--db", "x", "--config", path}), HasSubstr("cannot be set in a file")) << secret;
  }
  const Config config = load({"--db", "x", "--admin-listen", "0"}, {{"LIBSQL_ADMIN_AUTH_KEY", "a"},
                                                                    {"LIBSQL_ENCRYPTION_KEY", "b"},
                                                                    {"LIBSQL_AUTH_JWT_KEY", "c"},
                                                                    {"LIBSQL_HTTP_AUTH", "d"},
                                                                    {"LIBSQL_GID", "e"}});
  EXPECT_EQ(config.admin_key, "a");
  EXPECT_EQ(config.encryption_key, "b");
  EXPECT_EQ(config.auth.jwt_key, "c");
  EXPECT_EQ(config.auth.http_auth, "d");
  EXPECT_EQ(config.auth.group, "e");
}

TEST_F(ConfigTest, RefusesSettingsThatDoNotGoTogether) {
  EXPECT_THAT(refusal({}), HasSubstr("nothing to serve"));
  EXPECT_THAT(refusal({"--db", "x", "--data", "y"}), HasSubstr("exclude"));
  EXPECT_THAT(refusal({"--db", "x", "--enable-namespaces"}), HasSubstr("--data"));
  EXPECT_THAT(refusal({"--data", "x", "--disable-default-namespace"}), HasSubstr("--enable-namespaces"));
  EXPECT_THAT(refusal({"--db", "x", "--cipher", "aes256cbc"}), HasSubstr("key"));
  EXPECT_THAT(refusal({"--db", "x", "--tls-cert", "c"}), HasSubstr("--tls-key"));
  EXPECT_THAT(refusal({"--db", "x", "--admin-listen", "0", "--admin-tls-key", "c"}), HasSubstr("--admin-tls-cert"));
  EXPECT_THAT(refusal({"--db", "x", "--admin-tls-cert", "c", "--admin-tls-key", "k"}), HasSubstr("--admin-listen"));
  EXPECT_THAT(refusal({"--db", "x", "--admin-auth-key-file", "k"}), HasSubstr("--admin-listen"));
  EXPECT_THAT(refusal({"--db", "x", "--slow-query-log", "f"}), HasSubstr("--slow-query-threshold"));
  EXPECT_THAT(refusal({"--db", "x", "--initial-idle-shutdown", "1s"}), HasSubstr("--idle-shutdown"));
}

TEST_F(ConfigTest, LetsOthersInOnlyIfTheyAreAskedOrThatIsMeant) {
  EXPECT_THAT(refusal({"--db", "x", "--http-listen", "0.0.0.0:80"}), HasSubstr("--allow-unauthenticated"));
  EXPECT_THAT(refusal({"--db", "x", "--hrana-listen", "[::]:80"}), HasSubstr("--allow-unauthenticated"));
  EXPECT_THAT(refusal({"--db", "x", "--admin-listen", "0.0.0.0:80"}), HasSubstr("--allow-unauthenticated-admin"));
  EXPECT_THAT(refusal({"--db", "x", "--admin-listen", "0.0.0.0:80", "--allow-unauthenticated"}),
              HasSubstr("--allow-unauthenticated-admin"));

  EXPECT_EQ(refusal({"--db", "x", "--http-listen", "127.0.0.1:80", "--admin-listen", "[::1]:80"}), "accepted");
  EXPECT_EQ(refusal({"--db", "x", "--http-listen", "0.0.0.0:80", "--allow-unauthenticated"}), "accepted");
  EXPECT_EQ(refusal({"--db", "x", "--http-listen", "0.0.0.0:80", "--auth-jwt-key-file", "k"}), "accepted");
  EXPECT_EQ(refusal({"--db", "x", "--http-listen", "0.0.0.0:80"}, {{"LIBSQL_HTTP_AUTH", "basic:eA"}}), "accepted");
  EXPECT_EQ(refusal({"--db", "x", "--admin-listen", "0.0.0.0:80"}, {{"LIBSQL_ADMIN_AUTH_KEY", "k"}}), "accepted");
  EXPECT_EQ(refusal({"--db", "x", "--admin-listen", "0.0.0.0:80", "--allow-unauthenticated-admin"}), "accepted");
}

TEST(Settings, HaveNamesAndVariablesOfTheirOwn) {
  std::set<std::string> names;
  std::set<std::string> variables;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      EXPECT_TRUE(names.insert(std::string(setting.name)).second) << setting.name;
      EXPECT_TRUE(variables.insert(setting.variable()).second) << setting.variable();
      EXPECT_TRUE(setting.description.ends_with('.')) << setting.name;
    }
  }
  EXPECT_EQ(find_setting("http-listen")->variable(), "LIBSQL_HTTP_LISTEN");
}

// A value for each setting that differs from its default, so that a setting that changes nothing is found.
TEST(Settings, EachChangeWhatTheyAreAbout) {
  const std::map<std::string_view, std::pair<const char*, std::function<bool(const Config&)>>> expected = {
      {"db", {"a", [](const Config& c) { return c.options.database == "a"; }}},
      {"data", {"a", [](const Config& c) { return c.options.data_directory == "a"; }}},
      {"enable-namespaces", {"true", [](const Config& c) { return c.options.namespaces; }}},
      {"disable-default-namespace", {"true", [](const Config& c) { return !c.options.default_namespace; }}},
      {"replication-log", {"true", [](const Config& c) { return c.options.replication.log; }}},
      {"max-log-size", {"7MiB", [](const Config& c) { return c.options.replication.max_log_bytes == 7 << 20; }}},
      {"max-log-duration",
       {"7s", [](const Config& c) { return c.options.replication.max_log_age == std::chrono::milliseconds(7000); }}},
      {"offline-sync",
       {"true", [](const Config& c) { return c.options.replication.offline_sync && c.options.replication.log; }}},
      {"snapshot-at-shutdown", {"true", [](const Config& c) { return c.options.replication.snapshot_at_shutdown; }}},
      {"durability", {"extra", [](const Config& c) { return c.options.durability == Durability::Extra; }}},
      {"checkpoint-interval",
       {"1s", [](const Config& c) { return c.options.timeouts.checkpoint_interval == milliseconds(1000); }}},
      {"cipher", {"a", [](const Config& c) { return c.cipher == "a"; }}},
      {"encryption-key-file", {"a", [](const Config& c) { return c.encryption_key_file == "a"; }}},
      {"encryption-key", {"a", [](const Config& c) { return c.encryption_key == "a"; }}},
      {"extensions", {"a", [](const Config& c) { return c.extension_directory == "a"; }}},
      {"double-quoted-strings",
       {"on", [](const Config& c) { return c.options.double_quoted_strings == DoubleQuotedStrings::On; }}},
      {"recursive-triggers", {"true", [](const Config& c) { return c.options.recursive_triggers; }}},
      {"rows-read", {"exact", [](const Config& c) { return c.options.rows_read == RowsRead::Exact; }}},
      {"http-listen", {"1", [](const Config& c) { return c.options.http.port == 1; }}},
      {"hrana-listen", {"1", [](const Config& c) { return c.options.hrana && c.options.hrana->port == 1; }}},
      {"admin-listen", {"1", [](const Config& c) { return c.options.admin && c.options.admin->port == 1; }}},
      {"tls-cert", {"a", [](const Config& c) { return c.tls.certificate_chain == "a"; }}},
      {"tls-key", {"a", [](const Config& c) { return c.tls.private_key == "a"; }}},
      {"admin-tls-cert", {"a", [](const Config& c) { return c.admin_tls.certificate_chain == "a"; }}},
      {"admin-tls-key", {"a", [](const Config& c) { return c.admin_tls.private_key == "a"; }}},
      {"http-self-url", {"a", [](const Config& c) { return c.options.self_url == "a"; }}},
      {"console", {"true", [](const Config& c) { return c.console; }}},
      {"threads", {"7", [](const Config& c) { return c.options.threads == 7; }}},
      {"auth-jwt-key-file", {"a", [](const Config& c) { return c.auth.jwt_key_file == "a"; }}},
      {"auth-jwt-key", {"a", [](const Config& c) { return c.auth.jwt_key == "a"; }}},
      {"http-auth-file", {"a", [](const Config& c) { return c.auth.http_auth_file == "a"; }}},
      {"http-auth", {"a", [](const Config& c) { return c.auth.http_auth == "a"; }}},
      {"gid", {"a", [](const Config& c) { return c.auth.group == "a"; }}},
      {"admin-auth-key-file", {"a", [](const Config& c) { return c.admin_key_file == "a"; }}},
      {"admin-auth-key", {"a", [](const Config& c) { return c.admin_key == "a"; }}},
      {"allow-unauthenticated", {"true", [](const Config& c) { return c.allow_unauthenticated; }}},
      {"allow-unauthenticated-admin", {"true", [](const Config& c) { return c.allow_unauthenticated_admin; }}},
      {"max-request-size", {"7", [](const Config& c) { return c.options.limits.request_bytes == 7; }}},
      {"max-legacy-request-size", {"7", [](const Config& c) { return c.options.limits.legacy_request_bytes == 7; }}},
      {"max-total-request-size", {"7", [](const Config& c) { return c.options.limits.total_request_bytes == 7; }}},
      {"max-dumps", {"7", [](const Config& c) { return c.options.limits.dumps == 7; }}},
      {"max-response-size", {"7", [](const Config& c) { return c.options.limits.response_bytes == 7; }}},
      {"max-temp-size", {"7", [](const Config& c) { return c.options.limits.temporary_bytes == 7; }}},
      {"max-total-temp-size", {"7", [](const Config& c) { return c.options.limits.total_temporary_bytes == 7; }}},
      {"max-total-response-size", {"7", [](const Config& c) { return c.options.limits.total_response_bytes == 7; }}},
      {"max-rows", {"7", [](const Config& c) { return c.options.limits.rows == 7; }}},
      {"max-row-size", {"7", [](const Config& c) { return c.options.limits.max_row_size == 7; }}},
      {"max-connections", {"7", [](const Config& c) { return c.options.limits.connections == 7; }}},
      {"max-waiting", {"7", [](const Config& c) { return c.options.limits.connections_waiting == 7; }}},
      {"max-http-connections", {"7", [](const Config& c) { return c.options.limits.http_connections == 7; }}},
      {"max-stored-sql", {"7", [](const Config& c) { return c.options.limits.stored_sql_http == 7; }}},
      {"max-stored-sql-size", {"7", [](const Config& c) { return c.options.limits.stored_sql_bytes == 7; }}},
      {"max-websocket-stored-sql", {"7", [](const Config& c) { return c.options.limits.stored_sql_websocket == 7; }}},
      {"max-websocket-stored-sql-size",
       {"7", [](const Config& c) { return c.options.limits.stored_sql_websocket_bytes == 7; }}},
      {"max-total-stored-sql-size",
       {"7", [](const Config& c) { return c.options.limits.total_stored_sql_bytes == 7; }}},
      {"max-http-streams", {"7", [](const Config& c) { return c.options.limits.http_streams == 7; }}},
      {"max-websocket-streams", {"7", [](const Config& c) { return c.options.limits.websocket_streams == 7; }}},
      {"max-total-websocket-streams",
       {"7", [](const Config& c) { return c.options.limits.total_websocket_streams == 7; }}},
      {"max-statement-memory", {"7", [](const Config& c) { return c.options.limits.statement_memory == 7; }}},
      {"max-connection-temp-size",
       {"7", [](const Config& c) { return c.options.limits.connection_temporary_bytes == 7; }}},
      {"max-tenant-share", {"7", [](const Config& c) { return c.options.limits.tenant_share == 7; }}},
      {"max-json-depth", {"7", [](const Config& c) { return c.options.limits.json_depth == 7; }}},
      {"max-loaded-namespaces", {"7", [](const Config& c) { return c.options.max_loaded_namespaces == 7; }}},
      {"statement-cache-size", {"7", [](const Config& c) { return c.options.limits.statement_cache_bytes == 7; }}},
      {"stream-idle-timeout", {"7ms", [](const Config& c) { return c.options.timeouts.stream_idle.count() == 7; }}},
      {"transaction-timeout", {"7ms", [](const Config& c) { return c.options.timeouts.transaction.count() == 7; }}},
      {"statement-timeout", {"7ms", [](const Config& c) { return c.options.timeouts.statement == milliseconds(7); }}},
      {"write-wait-timeout", {"7ms", [](const Config& c) { return c.options.timeouts.write_wait.count() == 7; }}},
      {"connection-wait-timeout",
       {"7ms", [](const Config& c) { return c.options.timeouts.connection_wait.count() == 7; }}},
      {"namespace-idle-timeout",
       {"7ms", [](const Config& c) { return c.options.timeouts.namespace_idle.count() == 7; }}},
      {"http-idle-timeout", {"7ms", [](const Config& c) { return c.options.timeouts.http_idle.count() == 7; }}},
      {"http-slow-timeout", {"7ms", [](const Config& c) { return c.options.timeouts.http_slow.count() == 7; }}},
      {"shutdown-timeout", {"7ms", [](const Config& c) { return c.shutdown_timeout.count() == 7; }}},
      {"idle-shutdown", {"7ms", [](const Config& c) { return c.idle_shutdown == milliseconds(7); }}},
      {"initial-idle-shutdown", {"7ms", [](const Config& c) { return c.initial_idle_shutdown == milliseconds(7); }}},
      {"log-file", {"a", [](const Config& c) { return c.log.file == "a"; }}},
      {"log-level", {"debug", [](const Config& c) { return c.log.filter.highest() == LogLevel::Debug; }}},
      {"log-format", {"json", [](const Config& c) { return c.log.format == LogFormat::Json; }}},
      {"access-log", {"a", [](const Config& c) { return c.log.access_file == "a"; }}},
      {"slow-query-threshold", {"7ms", [](const Config& c) { return c.log.slow_threshold == milliseconds(7); }}},
      {"slow-query-log", {"a", [](const Config& c) { return c.log.slow_file == "a"; }}},
      {"backup-dir", {"a", [](const Config& c) { return c.backup_directory == "a"; }}},
      {"dump-dir", {"a", [](const Config& c) { return c.dump_directory == "a"; }}},
      {"pid-file", {"a", [](const Config& c) { return c.pid_file == "a"; }}},
  };
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      if (setting.name == "config") continue;
      const auto found = expected.find(setting.name);
      ASSERT_NE(found, expected.end()) << "this test does not know --" << setting.name;
      const auto& [value, holds] = found->second;
      Config config;
      EXPECT_FALSE(holds(config)) << setting.name << " before";
      setting.apply(config, value);
      EXPECT_TRUE(holds(config)) << setting.name;
    }
  }
}

TEST(Settings, RefuseWhatTheirWordsDoNotMean) {
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"durability", "some"},
                                                                  {"rows-read", "all"},
                                                                  {"double-quoted-strings", "yes"},
                                                                  {"log-format", "xml"},
                                                                  {"log-level", "loud"},
                                                                  {"max-connections", "0"},
                                                                  {"max-http-connections", "0"},
                                                                  {"max-json-depth", "0"},
                                                                  {"console", "maybe"}}) {
    Config config;
    EXPECT_THROW(find_setting(name)->apply(config, value), ConfigError) << name;
  }
}

TEST(Help, NamesEverySettingAndKeepsItsLinesShort) {
  const std::string help = serve_help();
  for (const SettingGroup& group : setting_groups()) {
    EXPECT_THAT(help, HasSubstr(std::string("\n").append(group.title).append("\n")));
    for (const Setting& setting : group.settings) {
      const std::string shown = setting.where == Setting::Where::EnvironmentOnly
                                    ? setting.variable() + "="
                                    : std::string("--").append(setting.name);
      EXPECT_THAT(help, HasSubstr(std::string("\n  ").append(shown))) << setting.name;
    }
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

// The defaults that the manual tells, held against those of the code.
TEST(Help, TellsTheDefaultsThatHold) {
  const auto applied_default = [](std::string_view name) {
    Config config;
    const Setting& setting = *find_setting(name);
    setting.apply(config, setting.fallback);
    return config;
  };
  const Config untouched;
  const auto limits = [](const Config& c) {
    const Limits& l = c.options.limits;
    return std::tuple(l.request_bytes, l.legacy_request_bytes, l.response_bytes, l.total_response_bytes, l.rows,
                      l.max_row_size, l.connections, l.connections_waiting, l.http_connections, l.stored_sql_http,
                      l.stored_sql_bytes, l.stored_sql_websocket, l.json_depth, c.options.max_loaded_namespaces,
                      l.statement_cache_bytes);
  };
  for (const Setting& setting : limit_settings().settings) {
    EXPECT_EQ(limits(applied_default(setting.name)), limits(untouched)) << setting.name;
  }
  const auto times = [](const Config& c) {
    const Timeouts& t = c.options.timeouts;
    return std::tuple(t.stream_idle, t.transaction, t.write_wait, t.connection_wait, t.namespace_idle, t.http_idle,
                      t.http_slow, c.shutdown_timeout);
  };
  for (const Setting& setting : timeout_settings().settings) {
    if (setting.fallback.empty() || setting.fallback[0] < '0' || setting.fallback[0] > '9') continue;
    EXPECT_EQ(times(applied_default(setting.name)), times(untouched)) << setting.name;
  }
  EXPECT_EQ(applied_default("http-listen").options.http.port, untouched.options.http.port);
  EXPECT_EQ(applied_default("http-listen").options.http.host, untouched.options.http.host);
  EXPECT_EQ(applied_default("durability").options.durability, untouched.options.durability);
  EXPECT_EQ(applied_default("rows-read").options.rows_read, untouched.options.rows_read);
  EXPECT_EQ(applied_default("log-file").log.file, untouched.log.file);
  EXPECT_EQ(applied_default("log-format").log.format, untouched.log.format);
}

}  // namespace
}  // namespace libsql::server

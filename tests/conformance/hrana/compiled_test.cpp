// What is compiled for whom, over every route that takes SQL.
#include <algorithm>
#include <array>

#include "conformance/hrana/socket.hpp"
#include "support/every_route.hpp"
#include "support/stale_schemas.hpp"

namespace libsql::test {
namespace {

// "ro" may read, everybody else may do everything.
class RoleIdentity final : public server::Identity {
 public:
  explicit RoleIdentity(std::string word) : word_(std::move(word)) {}
  server::Permissions permissions(std::string_view) const override {
    return word_ == "ro" ? server::Permissions{true, false, false, false} : server::Permissions::all();
  }
  std::string_view binding() const noexcept override { return word_; }

 private:
  std::string word_;
};

class RoleAuthenticator final : public server::Authenticator {
 public:
  std::shared_ptr<const server::Identity> authenticate(const server::Credentials& credentials, std::string_view,
                                                       std::string_view) override {
    const std::string_view text = credentials.value.value_or("rw");
    return std::make_shared<RoleIdentity>(std::string(text.substr(text.find(' ') + 1)));
  }
};

class HranaCompiled : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.authenticator = std::make_shared<RoleAuthenticator>();
    options.limits.idle_sessions = 4;
    options.durability = server::Durability::Extra;
  }
  EveryRoute as(const std::string& word) {
    return EveryRoute({server_->port(), {{"authorization", "Bearer " + word}}, word});
  }
  std::string text_value(const std::string& sql) {
    const Json row = run(sql).at("rows").at(0).at(0);
    return row.contains("value") && row.at("value").is_string() ? row.at("value").get<std::string>() : row.dump();
  }
};

TEST_F(HranaCompiled, ANulCharacterIsAnErrorOfTheStatementOverEveryRoute) {
  for (std::string sql : {"~", "~SELECT 1", " -- c\n~ SELECT 2", "SELECT 1;~SELECT 2", "SELECT 1; ~", "SELECT '~'",
                          "/* ~ */ SELECT 1", "BEGIN READONLY~", "PRAGMA user_version~", "VACUUM~"}) {
    std::replace(sql.begin(), sql.end(), '~', '\0');
    for (const EveryRoute routes = as("rw"); const Route& route : routes.all()) {
      const std::string failure = route.run(sql);
      EXPECT_NE(failure.find("NUL character"), std::string::npos) << route.name << ": " << sql << ": " << failure;
    }
  }
  EXPECT_EQ(number("SELECT 1"), 1);
}

TEST_F(HranaCompiled, WhatComesBeforeANulInASequenceDoesNotRun) {
  EveryRoute routes = as("rw");
  for (const Route& route : routes.that_run()) {
    if (route.name.find("sequence") == std::string::npos) continue;
    EXPECT_FALSE(route.run(std::string("CREATE TABLE made(a);\0", 22)).empty()) << route.name;
  }
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema"), 0);
}

TEST_F(HranaCompiled, BeginReadonlyIsFollowedByNothingElse) {
  EveryRoute routes = as("rw");
  for (const Route& route : routes.all()) {
    if (route.name == "legacy") continue;  // has no open transactions
    EXPECT_EQ(route.run("BEGIN READONLY TRANSACTION"), "") << route.name;
    EXPECT_EQ(route.run("BEGIN TRANSACTION READONLY"), "") << route.name;
    EXPECT_NE(route.run("BEGIN READONLY or so"), "") << route.name;
  }
}

constexpr std::array kSettings = {"synchronous",
                                  "busy_timeout",
                                  "wal_autocheckpoint",
                                  "cache_size",
                                  "query_only",
                                  "foreign_keys",
                                  "trusted_schema",
                                  "secure_delete",
                                  "recursive_triggers",
                                  "automatic_index",
                                  "cache_spill",
                                  "mmap_size",
                                  "journal_size_limit",
                                  "max_page_count",
                                  "temp_store",
                                  "threads",
                                  "cell_size_check",
                                  "legacy_alter_table",
                                  "read_uncommitted",
                                  "analysis_limit",
                                  "reverse_unordered_selects",
                                  "locking_mode",
                                  "defer_foreign_keys",
                                  "user_version",
                                  "application_id",
                                  "journal_mode",
                                  "encoding"};

TEST_F(HranaCompiled, NoTextOfAReaderChangesTheSettingsOfASessionThatOthersGet) {
  std::vector<std::string> before;
  for (const std::string name : kSettings) before.push_back(text_value("PRAGMA " + name));
  for (const char* word : {"ro", "rw"}) {
    EveryRoute routes = as(word);
    for (const std::string name : kSettings) {
      for (const char* value : {"=''", "('')", "=0"}) {
        // A writer may set the database's own.
        if (word == std::string("rw") && (name == "user_version" || name == "application_id")) continue;
        for (const char* prefix : {"PRAGMA ", "EXPLAIN PRAGMA "}) {
          for (const Route& route : routes.that_describe()) route.run(prefix + name + value);
        }
        for (const Route& route : routes.that_run()) {
          if (route.name == "execute" || route.name == "sequence") route.run("PRAGMA " + name + value);
        }
      }
    }
  }
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    EXPECT_EQ(text_value("PRAGMA " + std::string(kSettings[i])), before[i]) << kSettings[i];
  }
}

TEST_F(HranaCompiled, DescribeRefusesThePragmasThatExecuteRefuses) {
  EveryRoute reader = as("ro");
  EveryRoute writer = as("rw");
  for (const Route& route : reader.that_describe()) {
    EXPECT_EQ(route.run("SELECT 1"), "") << route.name;
    EXPECT_EQ(route.run("CREATE TABLE t(a)"), "") << "it only compiles it: " << route.name;
    EXPECT_EQ(route.run("PRAGMA user_version"), "") << route.name;
    EXPECT_EQ(route.run("PRAGMA foreign_keys=''"), "") << "it is not even compiled: " << route.name;
    EXPECT_NE(route.run("PRAGMA synchronous=''").find("unsupported statement"), std::string::npos) << route.name;
  }
  for (const Route& route : writer.that_describe()) {
    EXPECT_EQ(route.run("PRAGMA foreign_keys=0"), "") << route.name;
    EXPECT_NE(route.run("PRAGMA writable_schema=1").find("unsupported statement"), std::string::npos) << route.name;
    EXPECT_NE(route.run("EXPLAIN PRAGMA synchronous=0").find("unsupported statement"), std::string::npos) << route.name;
  }
}

TEST_F(HranaCompiled, WhatTheServerDoesNotRunNamesItsReplacementOverEveryRoute) {
  const std::array<std::pair<const char*, const char*>, 11> kRefused = {{
      {"VACUUM", "with the shell, on the file"},
      {"EXPLAIN ANALYZE", "with the shell, on the file"},
      {"CREATE TEMP TABLE u(a)", "WITH names a result"},
      {"CREATE TABLE temp.u(a)", "WITH names a result"},
      {"ATTACH '/tmp/x.db' AS x", "the name of a namespace"},
      {"PRAGMA recursive_triggers=1", "--recursive-triggers"},
      {"PRAGMA [synchronous]=0", "clients may set foreign_keys"},
      {"INSERT INTO _litestream_seq VALUES (1)", "reserved"},
      {"BEGIN CONCURRENT", "BEGIN IMMEDIATE"},
      {"SELECT id FROM vector_top_k('i', '[1]', 1)", "ORDER BY vector_distance_cos"},
      {"CREATE FUNCTION f LANGUAGE wasm AS x'00'", "libsql::Functions"},
  }};
  for (const EveryRoute routes = as("rw"); const Route& route : routes.all()) {
    const bool runs = route.name.find("describe") == std::string::npos;
    for (const auto& [sql, replacement] : kRefused) {
      const std::string_view first(sql, 3);
      if (!runs && (first == "VAC" || first == "EXP" || first == "ATT" || first == "CRE" || first == "INS")) continue;
      const std::string failure = route.run(sql);
      EXPECT_NE(failure.find(replacement), std::string::npos) << route.name << ": " << sql << ": " << failure;
    }
    if (!runs) continue;  // it compiles only what it is told
    EXPECT_NE(route.run("SELECT load_extension('x')").find("Connection::load_extension()"), std::string::npos)
        << route.name;
  }
}

TEST_F(HranaCompiled, AReaderReadsWhatOnlyReads) {
  run("CREATE TABLE t(a PRIMARY KEY, b REFERENCES t(a))");
  EveryRoute reader = as("ro");
  for (const char* sql :
       {"PRAGMA user_version", "PRAGMA foreign_keys", "PRAGMA journal_mode", "PRAGMA integrity_check",
        "PRAGMA quick_check(5)", "PRAGMA table_info(t)", "PRAGMA foreign_key_list(t)", "PRAGMA foreign_key_check(t)",
        "PRAGMA page_count", "PRAGMA application_id", "PRAGMA main.synchronous", "EXPLAIN INSERT INTO t VALUES (1, 2)",
        "EXPLAIN QUERY PLAN DELETE FROM t", "SELECT * FROM pragma_index_list('t')"}) {
    for (const Route& route : reader.all()) EXPECT_EQ(route.run(sql), "") << route.name << ": " << sql;
  }
}

TEST_F(HranaCompiled, NoTextOfAReaderKeepsAWriterWaiting) {
  run("CREATE VIRTUAL TABLE f USING fts4(x)");
  run("INSERT INTO f VALUES ('a')");
  HttpClient reader = client();
  reader.headers = {{"authorization", "Bearer ro"}};
  const auto send = [&](const std::string& sql, const Json& baton) {
    return reader.post("/v3/pipeline", {{"baton", baton}, {"requests", list({sequence(sql)})}});
  };
  for (const char* sql :
       {"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN CONCURRENT", "begin/**/immediate transaction",
        "SAVEPOINT s; INSERT INTO f VALUES ('b')", "PRAGMA locking_mode=exclusive", "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA journal_mode=wal", "PRAGMA user_version=1", "PRAGMA optimize", "VACUUM INTO 'x'",
        "CREATE TEMP TABLE x(a)", "BEGIN; DELETE FROM f", "BEGIN; PRAGMA user_version=7",
        "BEGIN; SELECT optimize(f) FROM f", "BEGIN; EXPLAIN INSERT INTO f VALUES ('c')", "BEGIN; PRAGMA journal_mode",
        "BEGIN; SELECT * FROM f; SAVEPOINT s; PRAGMA quick_check"}) {
    const Answer answer = send(sql, nullptr);  // a stream that stays open
    const auto begun = std::chrono::steady_clock::now();
    run("INSERT INTO f VALUES ('w')");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(4)) << sql << ": " << answer.body;
  }
  for (const char* sql : {"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"}) {
    for (const EveryRoute routes = as("ro"); const Route& route : routes.that_run()) {
      EXPECT_NE(route.run(sql).find("do not allow to write"), std::string::npos) << route.name;
    }
  }
}

TEST_F(HranaCompiled, NobodySeesTheSqlOfOthers) {
  run("SELECT 'a secret of somebody'");
  for (const char* sql : {"SELECT sql FROM sqlite_stmt", "SELECT count(*) FROM SQLite_Stmt",
                          "SELECT 1 WHERE EXISTS (SELECT * FROM main.sqlite_stmt)"}) {
    for (const EveryRoute routes = as("rw"); const Route& route : routes.that_run()) {
      EXPECT_NE(route.run(sql), "") << route.name << ": " << sql;
    }
  }
}

TEST_F(HranaCompiled, NobodySeesThePathsOfTheServersFiles) {
  const std::string directory = directory_.path().string();
  HttpClient http = client();
  for (const char* sql : {"PRAGMA database_list", "PRAGMA main.Database_List", "SELECT * FROM pragma_database_list",
                          "SELECT file FROM main.pragma_database_list", "EXPLAIN PRAGMA database_list",
                          "EXPLAIN SELECT * FROM pragma_database_list", "PRAGMA 'database_list'"}) {
    const Json answer = http.pipeline(list({execute(sql), {{"type", "describe"}, {"sql", sql}}, close()}));
    EXPECT_EQ(answer.dump().find(directory), std::string::npos) << sql << ": " << answer;
  }
  const Json listed = run("PRAGMA database_list");
  EXPECT_EQ(listed.at("cols")[2].at("name"), "file");
  EXPECT_EQ(listed.at("rows"), list({list({integer(0), text("main"), text("")})}));
  EXPECT_EQ(run("SELECT name FROM pragma_database_list WHERE seq = 0").at("rows"), list({list({text("main")})}));
}

TEST_F(HranaCompiled, ThePragmasThatDoNothingAreRefused) {
  for (const EveryRoute routes = as("rw"); const Route& route : routes.all()) {
    EXPECT_NE(route.run("PRAGMA hard_heap_limit=1000000"), "") << route.name;
    EXPECT_NE(route.run("PRAGMA soft_heap_limit(5)"), "") << route.name;
    EXPECT_EQ(route.run("PRAGMA hard_heap_limit"), "") << route.name;
  }
}

// -- a session of the pool that has read the schema before another one changed it ------------------------------------

class HranaStaleSchema : public HranaCompiled {
 protected:
  void configure(server::Options& options) override {
    HranaCompiled::configure(options);
    options.limits.idle_sessions = 1;
    options.durability = server::Durability::Relaxed;  // so that nothing goes by way of the group's session
  }
};

TEST_F(HranaStaleSchema, WhatIsRightByTheSchemaOfNowRunsOverEveryRoute) {
  HttpClient changer = client();
  changer.headers = {{"authorization", "Bearer rw"}};
  std::string baton =
      changer
          .pipeline(
              list({execute("BEGIN"), execute("COMMIT"), {{"type", "store_sql"}, {"sql_id", 1}, {"sql", "SELECT 1"}}}))
          .at("baton");
  const auto change = [&](const auto& texts) {
    Json requests = Json::array();
    for (const auto& sql : texts) requests.push_back(sequence(std::string(sql)));
    const Json answer = changer.pipeline(requests, baton);
    baton = answer.at("baton");
    for (const Json& result : answer.at("results")) EXPECT_EQ(result.at("type"), "ok") << result;
  };
  std::size_t number_of_route = 0;
  const EveryRoute routes = as("rw");
  for (const Route& route : routes.all()) {
    // Each kind over one route, and a part of them over each.
    for (std::size_t i = number_of_route == 0 ? 0 : number_of_route % 5; i < stale_schemas().size();
         i += number_of_route == 0 ? 1 : 5) {
      const StaleSchema& kind = stale_schemas()[i];
      const Json left =
          run("SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY rowid DESC").at("rows");
      for (const Json& object : left) {
        change(std::array{"DROP " + object[0].at("value").get<std::string>() + " " +
                          object[1].at("value").get<std::string>()});
      }
      change(kind.set_up);
      for (const std::string_view sql : kind.warm_up) run(std::string(sql));
      change(kind.change);
      EXPECT_EQ(route.run(std::string(kind.statement)), "") << route.name << ": " << kind.name;
    }
    if (HasFailure()) break;
    ++number_of_route;
  }
}

TEST_F(HranaStaleSchema, AnAnswerNamesTheColumnsOfNowAfterAFailedStart) {
  run("CREATE TABLE t(a)");
  const std::string sql = "SELECT * FROM t WHERE ?1 IS NULL OR 1";
  const auto names = [&] {
    std::string all;
    const Json result = run(sql, list({integer(1)}));
    for (const Json& column : result.at("cols")) all += column.at("name").get<std::string>() + ' ';
    return all;
  };
  EXPECT_EQ(names(), "a ");
  HttpClient http = client();
  const std::string baton =
      http.pipeline(list({execute("BEGIN"), execute("ALTER TABLE t RENAME COLUMN a TO b")})).at("baton");
  http.pipeline(list({execute("COMMIT")}), baton);
  // Too many arguments: the cursor tells its columns, and so compiles the cached statement again, and does not run it.
  const Json too_many = {{"stmt", stmt(sql, list({integer(1), integer(2)}))}};
  client().cursor({{"steps", list({too_many})}});
  EXPECT_EQ(names(), "b ");
}

}  // namespace
}  // namespace libsql::test

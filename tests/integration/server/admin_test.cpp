// The admin API of the process `libsql serve`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "integration/server/server_process.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

namespace libsql_test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string dump_request(const std::string& url) { return Json{{"dump_url", url}}.dump(); }

class ServerAdmin : public ::testing::Test {
 protected:
  ServerAdmin() {
    for (const char* const folder : {"backups", "dumps"}) std::filesystem::create_directory(file(folder));
  }
  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }
  Reply ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    return request(server_.admin_port(), method, target, body);
  }
  std::string sql(std::string_view text, const std::string& name_space = "default") {
    return run_sql(server_.port(), text, {{"x-namespace", name_space}});
  }
  std::string own_url(const char* target) const {
    return std::string("http://127.0.0.1:").append(std::to_string(server_.port())).append(target);
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    const Json list = Json::parse(ask("GET", "/v1/namespaces").body);
    for (const Json& entry : list["namespaces"]) names.push_back(entry["name"]);
    return names;
  }

  libsql::test::TemporaryDirectory directory_;
  ServerProcess server_{{"--data", directory_.file("data"), "--enable-namespaces", "--admin-listen", "0",
                         "--backup-dir", directory_.file("backups"), "--dump-dir", directory_.file("dumps")}};
};

TEST_F(ServerAdmin, CreatesListsAndDeletesNamespaces) {
  ASSERT_TRUE(server_.is_ready()) << server_.errors();
  EXPECT_EQ(sql("SELECT 1", "shop"), "404");
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/create", "{}").status, 200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/other/create").status, 200);
  EXPECT_EQ(names(), (std::vector<std::string>{"default", "other", "shop"}));
  EXPECT_EQ(sql("CREATE TABLE t(a)", "shop"), "ok");
  EXPECT_EQ(sql("SELECT * FROM t", "other"), "SQLITE_UNKNOWN") << "another database";
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/create", "{}").status, 400) << "it exists";
  EXPECT_EQ(ask("DELETE", "/v1/namespaces/shop").status, 200);
  EXPECT_EQ(ask("DELETE", "/v1/namespaces/shop").status, 404);
  EXPECT_EQ(sql("SELECT 1", "shop"), "404");
  EXPECT_EQ(names(), (std::vector<std::string>{"default", "other"}));
}

TEST_F(ServerAdmin, FiguresOpenNoConnection) {
  ASSERT_TRUE(server_.is_ready()) << server_.errors();
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::string("n").append(std::to_string(i));
    ASSERT_EQ(ask("POST", "/v1/namespaces/" + name + "/create", "{}").status, 200);
    ASSERT_EQ(sql("CREATE TABLE t(a)", name), "ok");
  }
  // The lines of one figure, which name the namespaces.
  const auto figures = [&](const std::string& figure) {
    std::vector<std::string> lines;
    std::istringstream all(ask("GET", "/metrics").body);
    for (std::string line; std::getline(all, line);) {
      if (line.starts_with(figure + "{")) lines.push_back(line);
    }
    return lines;
  };
  const auto opened = figures("libsql_server_connections_opened_total");
  ASSERT_GE(opened.size(), 20u);
  EXPECT_GE(figures("libsql_server_storage").size(), 20u);
  EXPECT_EQ(ask("GET", "/v1/namespaces/n0/stats").status, 200);
  EXPECT_EQ(figures("libsql_server_connections_opened_total"), opened);
}

TEST_F(ServerAdmin, RefusesRequestsThatAreWrong) {
  for (const auto& [target, body] : std::initializer_list<std::pair<const char*, const char*>>{
           {"/v1/namespaces/a.b/create", "{}"},
           {"/v1/namespaces/..%2fx/create", "{}"},
           {"/v1/namespaces/a/create", "{"},
           {"/v1/namespaces/a/create", "[]"},
           {"/v1/namespaces/a/create", R"({"max_db_size":"big"})"},
           {"/v1/namespaces/a/create", R"({"jwt_key":"x"})"},
           {"/v1/namespaces/a/create", R"({"txn_timeout_s":"5"})"},
           {"/v1/namespaces/a/create", R"({"durability_mode":"some"})"},
           {"/v1/namespaces/a/create", R"({"offline_sync":"yes"})"},
           {"/v1/namespaces/a/create", R"({"offline_sync":true})"},  // without a replication log
           {"/v1/namespaces/default/config", R"({"block_reads":false,"block_writes":false,"offline_sync":true})"},
           {"/v1/namespaces/a/create", R"({"shared_schema":true})"},
           {"/v1/namespaces/a/create", R"({"heartbeat_url":"http://x/"})"},
           {"/v1/namespaces/default/fork/default", ""},
           {"/v1/namespaces/default/fork/b", R"({"timestamp":"2024-01-31T12:00:00"})"},
           {"/v1/namespaces/default/config", "{}"},
           {"/v1/namespaces/default/config", R"({"block_reads":1,"block_writes":false})"},
           {"/log-filter", "loud"}}) {
    const Reply reply = ask("POST", target, body);
    EXPECT_EQ(reply.status, 400) << target << " " << body;
    EXPECT_EQ(reply.content_type, "application/json");
    EXPECT_TRUE(Json::parse(reply.body)["error"].is_string());
  }
  for (const char* const target : {"/v1/namespaces/none/config", "/v1/namespaces/none/stats", "/v1/none"}) {
    EXPECT_EQ(ask("GET", target).status, 404) << target;
  }
  EXPECT_EQ(ask("POST", "/v1/namespaces/none/fork/b").status, 404);
  EXPECT_EQ(ask("PUT", "/v1/namespaces").status, 405);
  EXPECT_EQ(names(), std::vector<std::string>{"default"}) << "nothing is left behind";
}

TEST_F(ServerAdmin, ForksContentAndConfiguration) {
  EXPECT_EQ(sql("CREATE TABLE t AS SELECT 1 AS a"), "ok");
  EXPECT_EQ(
      ask("POST", "/v1/namespaces/default/config", R"({"block_reads":false,"block_writes":false,"txn_timeout_s":7})")
          .status,
      200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/fork/copy").status, 200);
  EXPECT_EQ(sql("SELECT a FROM t", "copy"), "1");
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/copy/config").body)["txn_timeout_s"], 7);
  EXPECT_EQ(sql("DROP TABLE t", "copy"), "ok");
  EXPECT_EQ(sql("SELECT a FROM t"), "1");
}

TEST_F(ServerAdmin, TellsAndChangesTheConfiguration) {
  EXPECT_EQ(sql("CREATE TABLE t(a)"), "ok");
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/default/config").body),
            Json::parse(R"({"block_reads":false,"block_writes":false,"block_reason":null,"max_db_size":"1000.0 PB",
                            "heartbeat_url":null,"jwt_key":null,"allow_attach":false,"offline_sync":null,"txn_timeout_s":null,
                            "durability_mode":"relaxed"})"));
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/config",
                R"({"block_reads":false,"block_writes":true,"block_reason":"tidying","durability_mode":"strong"})")
                .status,
            200);
  EXPECT_EQ(sql("INSERT INTO t VALUES (1)"), "BLOCKED");
  EXPECT_EQ(sql("SELECT count(*) FROM t"), "0");
  // What GET tells may be sent back.
  const std::string told = ask("GET", "/v1/namespaces/default/config").body;
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/config", told).status, 200);
  EXPECT_EQ(ask("GET", "/v1/namespaces/default/config").body, told);
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/config", R"({"block_reads":true,"block_writes":false})").status, 200);
  EXPECT_EQ(sql("SELECT count(*) FROM t"), "BLOCKED");
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/default/config").body)["block_reason"], nullptr);
}

TEST_F(ServerAdmin, LimitsTheSizeOfADatabase) {
  EXPECT_EQ(ask("POST", "/v1/namespaces/small/create", R"({"max_db_size":"100KB"})").status, 200);
  EXPECT_EQ(sql("CREATE TABLE t(a)", "small"), "ok");
  EXPECT_EQ(sql("INSERT INTO t VALUES (zeroblob(200000))", "small"), "SQLITE_FULL");
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/small/config").body)["max_db_size"], "100.0 KB");
}

TEST_F(ServerAdmin, CreatesANamespaceFromADump) {
  write("dumps/a.sql",
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES('x;y'),('z');\n"
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t WHERE a = 'z'; SELECT 1; END;\nCOMMIT;\n");
  const Reply reply =
      ask("POST", "/v1/namespaces/loaded/create", dump_request(std::string("file://").append(file("dumps/a.sql"))));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(sql("SELECT count(*) FROM t", "loaded"), "2");
  EXPECT_EQ(sql("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", "loaded"), "1");
}

TEST_F(ServerAdmin, LoadsItsOwnDumpOverHttp) {
  EXPECT_EQ(sql("CREATE TABLE t(a, b)"), "ok");
  EXPECT_EQ(sql("WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 20000) "
                "INSERT INTO t SELECT i, hex(randomblob(100)) FROM c"),
            "ok");
  EXPECT_EQ(sql("CREATE INDEX i ON t(b)"), "ok");
  const std::string url = own_url("/dev/default/dump");
  const Reply reply = ask("POST", "/v1/namespaces/copy/create", dump_request(url));
  ASSERT_EQ(reply.status, 200) << reply.body;
  constexpr std::string_view kSum = "SELECT count(*) || ' ' || sum(a) || ' ' || max(b) FROM t";
  EXPECT_EQ(sql(kSum, "copy"), sql(kSum));
  EXPECT_EQ(sql("SELECT count(*) FROM sqlite_schema", "copy"), "2");
}

TEST_F(ServerAdmin, LeavesNothingBehindOfADumpThatIsNoGood) {
  const auto load = [&](const std::string& text) {
    write("dumps/bad.sql", text);
    return ask("POST", "/v1/namespaces/bad/create", dump_request(std::string("file://").append(file("dumps/bad.sql"))));
  };
  for (const char* const text :
       {"", "CREATE TABLE t(a);", "BEGIN; CREATE TABLE t(a);", "BEGIN; CREATE TABLE t(a); nonsense; COMMIT;",
        "BEGIN; INSERT INTO missing VALUES (1); COMMIT;", "BEGIN; ATTACH 'x' AS y; COMMIT;",
        "PRAGMA foreign_keys=OFF; PRAGMA foreign_keys=OFF; BEGIN; COMMIT;", "BEGIN; COMMIT; SELECT 1;",
        "BEGIN; ROLLBACK; COMMIT;", "SELECT 1; BEGIN; COMMIT;", "BEGIN; BEGIN; COMMIT;", "COMMIT;",
        "PRAGMA journal_mode=DELETE; BEGIN; COMMIT;", "BEGIN; VACUUM INTO 'x'; COMMIT;"}) {
    const Reply reply = load(text);
    EXPECT_EQ(reply.status, 400) << text << reply.body;
    EXPECT_EQ(sql("SELECT 1", "bad"), "404") << text;
  }
  EXPECT_EQ(load("BEGIN; COMMIT").status, 200) << "and the name is free";
}

TEST_F(ServerAdmin, LoadsVirtualTablesOfADumpAndNoOtherRowOfTheSchema) {
  const auto load = [&](const std::string& text) {
    write("dumps/v.sql", "BEGIN;" + text + "COMMIT;");
    return ask("POST", "/v1/namespaces/v/create", dump_request(std::string("file://").append(file("dumps/v.sql"))));
  };
  const std::string row = "PRAGMA writable_schema=ON;INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES(";
  for (const std::string& text :
       {row + "'table','x','x',7,'CREATE TABLE x(a)');", row + "'table','x','x',0,'CREATE TABLE x(a)');",
        row + "'table','x','x',0,'nonsense');", row + "'table','x','y',0,'CREATE VIRTUAL TABLE x USING fts5(a)');",
        row + "'table','x','x',0,'CREATE VIRTUAL TABLE x USING missing(a)');",
        row + "'table','x','x',0,'CREATE VIRTUAL TABLE y USING fts5(a)');",
        row + "'view','x','x',0,'CREATE VIRTUAL TABLE x USING fts5(a)');",
        row + "'table','x','x',0,'CREATE VIRTUAL TABLE x USING fts5(a)'),('table','y','y',7,'CREATE TABLE y(a)');",
        std::string("CREATE TABLE x(a);PRAGMA writable_schema=ON;UPDATE sqlite_schema SET rootpage=9 WHERE name='x';"),
        std::string("CREATE TABLE x(a);PRAGMA writable_schema=ON;DELETE FROM sqlite_master;"),
        std::string("PRAGMA writable_schema=ON;REPLACE INTO sqlite_schema VALUES('table','x','x',3,'x');"),
        std::string("CREATE TABLE x(a);WITH n AS (SELECT 1) UPDATE sqlite_schema SET sql='x';")}) {
    const Reply reply = load(text);
    EXPECT_EQ(reply.status, 400) << text << reply.body;
    EXPECT_EQ(sql("SELECT 1", "v"), "404") << text;
  }
  EXPECT_EQ(sql("CREATE VIRTUAL TABLE words USING fts5(a)"), "ok");
  EXPECT_EQ(sql("INSERT INTO words VALUES ('one two'), ('three')"), "ok");
  const Reply reply = ask("POST", "/v1/namespaces/v/create", dump_request(own_url("/dev/default/dump")));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(sql("SELECT a FROM words WHERE words MATCH 'two'", "v"), "one two");
  EXPECT_EQ(sql("PRAGMA integrity_check", "v"), "ok");
}

TEST_F(ServerAdmin, ShowsANamespaceOnlyWhenItsDumpIsLoadedAsAWhole) {
  std::string text = "BEGIN;CREATE TABLE t(a);";
  for (int i = 0; i < 20'000; ++i) text += "INSERT INTO t VALUES(" + std::to_string(i) + ");";
  write("dumps/big.sql", text + "COMMIT;");
  const std::string request = dump_request(std::string("file://").append(file("dumps/big.sql")));
  std::atomic<int> status = 0;
  std::thread loading([&] { status = ask("POST", "/v1/namespaces/big/create", request).status; });
  std::string seen;
  while (status == 0) {
    seen = sql("SELECT count(*) FROM t", "big");
    if (seen != "404") break;
  }
  loading.join();
  EXPECT_EQ(status, 200);
  EXPECT_TRUE(seen == "404" || seen == "20000") << seen;
  EXPECT_EQ(sql("SELECT count(*) FROM t", "big"), "20000");
  EXPECT_EQ(ask("POST", "/v1/namespaces/big/create", request).status, 400) << "it exists";
  for (const auto& entry : std::filesystem::directory_iterator(file("data/dbs"))) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
  }
}

TEST_F(ServerAdmin, SaysWithTheStatusWhoseFaultItIs) {
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/create", "{}").status, 200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/config", R"({"block_reads":true,"block_writes":true})").status, 200);
  const auto user = [&](std::string_view method, std::string_view target, std::string_view body = {}) {
    return request(server_.port(), method, target, body).status;
  };
  EXPECT_EQ(user("GET", "/dev/shop/dump"), 403);
  EXPECT_EQ(user("POST", "/dev/shop/v1/execute", R"({"stmt":{"sql":"SELECT 1"}})"), 403);
  EXPECT_EQ(user("GET", "/dev/missing/dump"), 404);
  EXPECT_EQ(user("POST", "/dev/missing/v1/execute", R"({"stmt":{"sql":"SELECT 1"}})"), 404);
  for (const char* const target : {"/v1/namespaces/missing/stats", "/v1/namespaces/missing/config"}) {
    EXPECT_EQ(ask("GET", target).status, 404) << target;
  }
  for (const char* const target : {"/v1/namespaces/missing/checkpoint", "/v1/namespaces/missing/fork/x"}) {
    EXPECT_EQ(ask("POST", target).status, 404) << target;
  }
  EXPECT_EQ(ask("DELETE", "/v1/namespaces/missing").status, 404);
  EXPECT_EQ(ask("POST", "/v1/namespaces/missing/backup", R"({"path":"a"})").status, 404);
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/backup", R"({"path":"no/such/folder/a"})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/backup", R"({"path":"a"})").status, 200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/shop/backup", R"({"path":"a"})").status, 409);
}

TEST_F(ServerAdmin, RacesOfRequestsWithTheEndOfTheirNamespaceAreNoFaultOfTheServer) {
  std::atomic<bool> done = false;
  std::mutex mutex;
  std::set<std::string> wrong;
  std::vector<std::thread> threads;
  const auto keep_asking = [&](auto&& one) {
    threads.emplace_back([&, one] {
      while (!done) {
        const Reply reply = one();
        if (reply.status < 500 || reply.status == 503) continue;
        const std::lock_guard lock(mutex);
        wrong.insert(std::to_string(reply.status) + " " + reply.body);
      }
    });
  };
  keep_asking([&] {
    constexpr std::string_view kBody = R"x({"stmt":{"sql":"CREATE TABLE IF NOT EXISTS t(a)"}})x";
    return request(server_.port(), "POST", "/dev/r/v1/execute", kBody);
  });
  keep_asking([&] { return request(server_.port(), "GET", "/dev/r/dump"); });
  keep_asking([&] { return ask("GET", "/v1/namespaces/r/stats"); });
  keep_asking([&] { return ask("POST", "/v1/namespaces/r/checkpoint"); });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ask("POST", "/v1/namespaces/r/create", "{}").status, 200);
    EXPECT_EQ(ask("DELETE", "/v1/namespaces/r").status, 200);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ::testing::IsEmpty());
}

TEST_F(ServerAdmin, ReadsDumpsFromNoOtherPlaces) {
  write("outside.sql", "BEGIN; COMMIT;");
  std::filesystem::create_symlink(file("outside.sql"), file("dumps/link.sql"));
  for (const std::string& url :
       {std::string("file://").append(file("dumps/../outside.sql")), std::string("file://").append(file("outside.sql")),
        std::string("file://").append(file("dumps/%2e%2e/outside.sql")),
        std::string("file://").append(file("dumps/link.sql")), std::string("file://").append(file("dumps/missing.sql")),
        std::string("file:///bad.sql"), std::string("file:///"), std::string("ftp://x/y"), std::string("nonsense"),
        std::string("http://user:pass@127.0.0.1/"), own_url("/missing")}) {
    EXPECT_EQ(ask("POST", "/v1/namespaces/bad/create", dump_request(url)).status, 400) << url;
  }
  EXPECT_EQ(names(), std::vector<std::string>{"default"});
}

TEST_F(ServerAdmin, BacksUpWhileOthersWrite) {
  EXPECT_EQ(sql("CREATE TABLE t(a)"), "ok");
  std::atomic<bool> done = false;
  std::atomic<int> written = 0;
  std::thread writer([&] {
    while (!done) {
      // Rows come in pairs, so that a copy of half a transaction would show.
      if (sql("INSERT INTO t VALUES (1), (1)") == "ok") ++written;
    }
  });
  for (int i = 0; i < 5; ++i) {
    const int before = written;
    const std::string name = std::to_string(i) + ".db";
    const Reply reply = ask("POST", "/v1/namespaces/default/backup", Json{{"path", name}}.dump());
    EXPECT_EQ(reply.status, 200) << reply.body;
    ServerProcess copy({"--db", file(std::string("backups/").append(name))});
    const int rows = std::stoi(run_sql(copy.port(), "SELECT count(*) FROM t"));
    EXPECT_EQ(rows % 2, 0);
    EXPECT_GE(rows, 2 * before);
    EXPECT_EQ(run_sql(copy.port(), "PRAGMA integrity_check"), "ok");
  }
  done = true;
  writer.join();
  EXPECT_GT(written, 0);
}

TEST_F(ServerAdmin, WritesBackupsToNoOtherPlaces) {
  for (const char* const path : {"../x.db", "/tmp/x.db", "a/../../x.db", "", "."}) {
    const Reply reply = ask("POST", "/v1/namespaces/default/backup", Json{{"path", path}}.dump());
    EXPECT_EQ(reply.status, 400) << path << reply.body;
  }
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/backup", "{}").status, 400);
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/backup", R"({"path":"a.db"})").status, 200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/backup", R"({"path":"a.db"})").status, 409) << "it exists";
  EXPECT_EQ(ask("POST", "/v1/namespaces/none/backup", R"({"path":"b.db"})").status, 404);
  EXPECT_FALSE(std::filesystem::exists(file("backups/b.db")));
}

TEST_F(ServerAdmin, TruncatesTheLogAtACheckpoint) {
  EXPECT_EQ(sql("CREATE TABLE t AS SELECT 1 AS a"), "ok");
  EXPECT_GT(Json::parse(ask("GET", "/v1/namespaces/default/stats").body)["wal_bytes"], 0);
  EXPECT_EQ(ask("POST", "/v1/namespaces/default/checkpoint").status, 200);
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/default/stats").body)["wal_bytes"], 0);
}

TEST_F(ServerAdmin, CountsWhatANamespaceDoes) {
  EXPECT_EQ(sql("CREATE TABLE t(a)"), "ok");
  EXPECT_EQ(sql("INSERT INTO t VALUES (1), (2), (3)"), "ok");
  EXPECT_EQ(sql("SELECT a FROM t"), "1");
  EXPECT_EQ(sql("SELECT a FROM missing"), "SQLITE_UNKNOWN");
  const Json stats = Json::parse(ask("GET", "/v1/namespaces/default/stats").body);
  EXPECT_EQ(std::string(stats["id"]).size(), 36u);
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/default/stats").body)["id"], stats["id"]);
  EXPECT_EQ(stats["rows_written_count"], 3);
  EXPECT_GE(stats["rows_read_count"], 3);
  EXPECT_GE(stats["query_count"], 3);
  EXPECT_EQ(stats["top_queries"][0]["query"], "INSERT INTO t VALUES (1), (2), (3)");
  for (const char* const member :
       {"write_requests_delegated", "replication_index", "embedded_replica_frames_replicated"}) {
    EXPECT_EQ(stats[member], 0) << member;
  }
  EXPECT_GT(stats["elapsed_ms"], 0.0);
  EXPECT_TRUE(stats["slowest_queries"].is_array());
  EXPECT_EQ(ask("DELETE", "/v1/namespaces/default/stats/top").status, 200);
  EXPECT_TRUE(Json::parse(ask("GET", "/v1/namespaces/default/stats").body)["top_queries"].empty());
  EXPECT_EQ(ask("DELETE", "/v1/namespaces/default/stats/all").status, 400);

  const Reply metrics = ask("GET", "/metrics");
  EXPECT_THAT(metrics.content_type, HasSubstr("text/plain; version=0.0.4"));
  for (const char* const line :
       {"libsql_server_rows_written{namespace=\"default\"} 3\n", "libsql_server_user_http_response{status=\"200\"} 4\n",
        "libsql_server_request_duration_seconds_count 4\n", "libsql_server_wal_bytes{namespace=\"default\"} ",
        "libsql_server_statement_cache_hits_total{namespace=\"default\"} 0\n",
        "libsql_server_statement_cache_misses_total{namespace=\"default\"} 4\n",
        "libsql_server_statement_cache_entries{namespace=\"default\"} 3\n",
        "libsql_server_statement_cache_bytes{namespace=\"default\"} ",
        "libsql_server_page_cache_hits_total{namespace=\"default\"} ",
        "libsql_server_page_cache_misses_total{namespace=\"default\"} ",
        "libsql_server_page_cache_bytes{namespace=\"default\"} ", "libsql_server_count 1\n"}) {
    EXPECT_THAT(metrics.body, HasSubstr(line));
  }
}

TEST_F(ServerAdmin, TellsWhatTheStatementsOfThisHourTook) {
  EXPECT_EQ(ask("POST", "/v1/namespaces/quiet/create").status, 200);
  EXPECT_EQ(Json::parse(ask("GET", "/v1/namespaces/quiet/stats").body)["queries"], nullptr);
  // The hour may end in between; then it is tried again.
  const auto run_and_ask = [&] {
    for (int i = 0; i < 2; ++i) EXPECT_EQ(sql("CREATE TABLE IF NOT EXISTS t(a)"), "ok");
    return Json::parse(ask("GET", "/v1/namespaces/default/stats").body)["queries"];
  };
  Json queries = run_and_ask();
  if (queries.is_null() || queries["count"] != 2) queries = run_and_ask();
  EXPECT_EQ(std::string(queries["id"]).size(), 36u);
  EXPECT_GT(queries["created_at"], 1'700'000'000);
  EXPECT_GE(queries["count"], 2);
  for (const char* const member : {"sum", "p50", "p75", "p90", "p95", "p99", "p999"}) {
    EXPECT_GT(queries["elapsed"][member], 0.0) << member;
  }
  const Json query = queries["stats"][0];
  EXPECT_EQ(query["query"], "CREATE TABLE IF NOT EXISTS t(a)");
  EXPECT_GE(query["count"], 2);
  EXPECT_GT(query["elapsed_ms"], 0.0);
  EXPECT_EQ(query["rows_written"], 0);
  EXPECT_EQ(query["rows_read"], query["count"]) << "a statement that reads and writes nothing counts as one row";
}

TEST_F(ServerAdmin, ListsTheStreamsThatWaitForTheirClient) {
  EXPECT_EQ(ask("GET", "/v1/diagnostics").body, "[]");
  EXPECT_EQ(request(server_.port(), "POST", "/dev/default/v2/pipeline",
                    R"({"requests":[{"type":"execute","stmt":{"sql":"BEGIN"}}]})")
                .status,
            200);
  const Json streams = Json::parse(ask("GET", "/v1/diagnostics").body);
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_THAT(std::string(streams[0]), HasSubstr("holds a connection"));
}

TEST_F(ServerAdmin, ChangesWhatIsLogged) {
  EXPECT_EQ(ask("POST", "/log-filter", "off").status, 200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/quiet/create", "{}").status, 200);
  EXPECT_EQ(ask("POST", "/log-filter", "warn,admin=info").status, 200);
  EXPECT_EQ(ask("POST", "/v1/namespaces/loud/create", "{}").status, 200);
  EXPECT_TRUE(eventually([&] { return server_.errors().find("namespace loud was created") != std::string::npos; }));
  EXPECT_EQ(server_.errors().find("quiet"), std::string::npos);
}

TEST_F(ServerAdmin, DumpsADatabaseAsItIs) {
  EXPECT_EQ(sql("CREATE TABLE t(a)"), "ok");
  EXPECT_EQ(sql("INSERT INTO t(rowid, a) VALUES (7, 'x')"), "ok");
  const Reply plain = request(server_.port(), "GET", "/dev/default/dump");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.content_type, "text/plain");
  EXPECT_EQ(plain.body,
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nINSERT INTO t VALUES('x');\nCOMMIT;\n");
  EXPECT_THAT(request(server_.port(), "GET", "/dev/default/dump?preserve_row_ids=true").body,
              HasSubstr("INSERT INTO t(rowid,a) VALUES(7,'x');"));
  EXPECT_EQ(request(server_.port(), "GET", "/dump", {}, {{"x-namespace", "none"}}).status, 404);
  EXPECT_EQ(request(server_.port(), "POST", "/dev/default/dump").status, 405);
  EXPECT_EQ(request(server_.port(), "GET", "/dev/default/dump?x=%zz").status, 400);
}

TEST(ServerAdminKey, IsWantedExactlyAndIsTakenOverWhenItChanges) {
  libsql::test::TemporaryDirectory directory;
  const auto write = [&](const std::string& key) {
    std::ofstream(directory.file("new")) << key;
    std::filesystem::rename(directory.file("new"), directory.file("key"));
  };
  write("first\n");
  ServerProcess server(
      {"--db", directory.file("a.db"), "--admin-listen", "0", "--admin-auth-key-file", directory.file("key")});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  const auto status = [&](const std::string& credential, const char* target = "/v1/namespaces") {
    return request(server.admin_port(), "GET", target, {}, {{"authorization", credential}}).status;
  };
  EXPECT_EQ(status("Basic first"), 200);
  for (const char* const wrong : {"Basic firs", "Basic first ", "Basic firstx", "Bearer first", "first", "Basic",
                                  "basic:first", "Basic Zmlyc3Q="}) {
    // Blanks around a header's value are not part of it.
    EXPECT_EQ(status(wrong), std::string_view(wrong) == "Basic first " ? 200 : 401) << wrong;
  }
  for (const char* const target : {"/metrics", "/", "/health", "/none"}) {
    EXPECT_EQ(request(server.admin_port(), "GET", target).status, 401) << target;
  }
  write("second");
  EXPECT_TRUE(eventually([&] { return status("Basic second") == 200; }));
  EXPECT_EQ(status("Basic first"), 401);
}

TEST(ServerAdminKey, DoesNotLetPagesOfOtherSitesIn) {
  libsql::test::TemporaryDirectory directory;
  ServerProcess server({"--db", directory.file("a.db"), "--admin-listen", "0"});
  ASSERT_TRUE(server.is_ready());
  const std::string own = std::string("http://127.0.0.1:").append(std::to_string(server.admin_port()));
  const auto status = [&](const std::string& origin) {
    return request(server.admin_port(), "GET", "/v1/namespaces", {}, {{"origin", origin}}).status;
  };
  EXPECT_EQ(status(own), 200);
  EXPECT_EQ(status("http://evil.example"), 403);
  EXPECT_EQ(status("null"), 403);
}

TEST(ServerAdminKey, WithoutAKeyIsForNamesOfThisMachineOnly) {
  libsql::test::TemporaryDirectory directory;
  const auto status = [](const ServerProcess& server, const std::string& host) {
    auto socket = libsql::test::RawSocket::connect(server.admin_port());
    socket.send("GET /v1/namespaces HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    const std::string answer = socket.read_all();
    return answer.substr(0, answer.find("\r\n"));
  };
  ServerProcess open({"--db", directory.file("a.db"), "--admin-listen", "0"});
  ASSERT_TRUE(open.is_ready());
  for (const char* const host :
       {"localhost", "LOCALHOST:9090", "127.0.0.1", "127.0.0.1:1", "127.1.2.3", "[::1]", "[::1]:9", "localhost."}) {
    EXPECT_THAT(status(open, host), ::testing::HasSubstr(" 200 ")) << host;
  }
  for (const char* const host :
       {"evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]",
        "127.0.0.1evil", "evil.localhost.example"}) {
    EXPECT_THAT(status(open, host), ::testing::HasSubstr(" 421 ")) << host;
  }
  ServerProcess meant({"--db", directory.file("b.db"), "--admin-listen", "0", "--allow-unauthenticated-admin"});
  ASSERT_TRUE(meant.is_ready());
  EXPECT_THAT(status(meant, "db.internal"), ::testing::HasSubstr(" 200 "));
}

TEST(ServerAdminKey, LeavesBackupsAndDumpsFromFilesOffUnlessTheyAreAllowed) {
  libsql::test::TemporaryDirectory directory;
  ServerProcess server({"--data", directory.file("data"), "--enable-namespaces", "--admin-listen", "0"});
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(request(server.admin_port(), "POST", "/v1/namespaces/default/backup", R"({"path":"a.db"})").status, 400);
  EXPECT_EQ(request(server.admin_port(), "POST", "/v1/namespaces/x/create", R"({"dump_url":"file:///a.sql"})").status,
            400);
}

}  // namespace
}  // namespace libsql_test

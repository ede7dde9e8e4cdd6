// The process `libsql serve` from its start to its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "integration/server/server_process.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

namespace libsql_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string sha256(const std::string& bytes) {
  std::array<unsigned char, 32> digest;
  EVP_Q_digest(nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), digest.data(), nullptr);
  std::string text;
  for (const unsigned byte : digest) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

class ServerLife : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  // Waits until a statement runs there. Needs --admin-listen.
  static bool runs_one_statement(const ServerProcess& server) {
    return eventually([&] {
      return request(server.admin_port(), "GET", "/metrics").body.find("libsql_server_concurrent_connections 1\n") !=
             std::string::npos;
    });
  }
  libsql::test::TemporaryDirectory directory_;
};

TEST_F(ServerLife, BeginsWithALineThatTellsWhereItListens) {
  ServerProcess server({"--db", file("a.db"), "--admin-listen", "127.0.0.1:0", "--hrana-listen", "0"});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  EXPECT_THAT(server.ready_line(), MatchesRegex("libsql: ready http=http://127\\.0\\.0\\.1:[0-9]+ "
                                                "hrana=ws://127\\.0\\.0\\.1:[0-9]+ "
                                                "admin=http://127\\.0\\.0\\.1:[0-9]+\n"));
  EXPECT_EQ(request(server.port(), "GET", "/health").status, 200);
  EXPECT_EQ(run_sql(server.port(), "SELECT 40 + 2"), "42");
}

TEST_F(ServerLife, EndsWithStatus0AtSigtermAndSigint) {
  for (const int number : {SIGTERM, SIGINT}) {
    ServerProcess server({"--db", file("a.db")});
    ASSERT_TRUE(server.is_ready());
    EXPECT_EQ(run_sql(server.port(), "CREATE TABLE IF NOT EXISTS t(a)"), "ok");
    server.signal(number);
    EXPECT_EQ(server.wait(), 0) << server.errors();
    EXPECT_FALSE(std::filesystem::exists(file("a.db-wal"))) << "the log is written into the file at the end";
  }
}

TEST_F(ServerLife, LetsARunningRequestEndAtSigterm) {
  ServerProcess server({"--db", file("a.db")});
  ASSERT_TRUE(server.is_ready());
  // Rows that fill all buffers on their way, so that the statement ends when they are read and not before.
  const std::string body =
      R"({"batch":{"steps":[{"stmt":{"sql":"WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE )"
      R"(i < 20000) SELECT printf('%.*c', 2000, 'x') FROM c"}}]}})";
  libsql::test::RawSocket client = libsql::test::RawSocket::connect(server.port());
  client.send("POST /v3/cursor HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr(" 200 "));
  server.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return server.errors().find("stopping") != std::string::npos; }));
  const std::string rows = client.read_all();
  EXPECT_GT(rows.size(), 40'000'000U);
  EXPECT_THAT(rows.substr(rows.size() - std::min<std::size_t>(rows.size(), 200)), HasSubstr("step_end"));
  EXPECT_TRUE(rows.ends_with("0\r\n\r\n"));
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(ServerLife, CutsRequestsOffAfterTheShutdownTimeoutAndSaysSo) {
  ServerProcess server({"--db", file("a.db"), "--admin-listen", "0", "--shutdown-timeout", "200ms"});
  ASSERT_TRUE(server.is_ready());
  std::thread client([&] {
    try {
      run_sql(server.port(), "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c");
    } catch (const std::exception&) {  // the connection is cut
    }
  });
  ASSERT_TRUE(runs_one_statement(server));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 1);
  client.join();
  EXPECT_THAT(server.errors(), HasSubstr("cut off"));
}

TEST_F(ServerLife, EndsAtOnceAtASecondSignal) {
  ServerProcess server({"--db", file("a.db"), "--admin-listen", "0", "--shutdown-timeout", "1h"});
  ASSERT_TRUE(server.is_ready());
  std::thread client([&] {
    try {
      run_sql(server.port(), "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c");
    } catch (const std::exception&) {  // the connection is cut
    }
  });
  ASSERT_TRUE(runs_one_statement(server));
  server.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return server.errors().find("stopping") != std::string::npos; }));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 128 + SIGTERM);
  client.join();
}

TEST_F(ServerLife, RefusesAWrongCommandLineWithStatus2) {
  for (const auto& [arguments, message] : std::initializer_list<std::pair<std::vector<std::string>, const char*>>{
           {{}, "nothing to serve"},
           {{"--db", file("a.db"), "--nonsense"}, "--nonsense"},
           {{"--db", file("a.db"), "--http-listen", "0.0.0.0:0"}, "--allow-unauthenticated"}}) {
    ServerProcess server(arguments);
    EXPECT_FALSE(server.is_ready());
    EXPECT_EQ(server.wait(), 2);
    EXPECT_THAT(server.errors(), HasSubstr(message));
  }
  EXPECT_FALSE(std::filesystem::exists(file("a.db")));
}

TEST_F(ServerLife, ListensElsewhereWithoutAKeyOnlyIfThatIsMeant) {
  ServerProcess server({"--db", file("a.db"), "--http-listen", "0.0.0.0:0", "--allow-unauthenticated"});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  EXPECT_THAT(server.ready_line(), HasSubstr("http=http://0.0.0.0:"));
  EXPECT_THAT(server.errors(), HasSubstr("no token is required"));
}

TEST_F(ServerLife, RefusesToStartWithStatus1IfSomethingCannotBeHad) {
  ServerProcess first({"--db", file("a.db")});
  ASSERT_TRUE(first.is_ready());
  const std::string taken = "127.0.0.1:" + std::to_string(first.port());
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--db", file("b.db"), "--http-listen", taken},
        {"--db", file("no/such/folder/b.db")},
        {"--db", file("b.db"), "--log-file", file("no/such/log")},
        {"--db", file("b.db"), "--auth-jwt-key-file", file("missing")},
        {"--db", file("b.db"), "--auth-jwt-key-file", write("k", "no key")},
        {"--db", file("b.db"), "--tls-cert", file("x"), "--tls-key", file("x")}}) {
    ServerProcess server(arguments);
    EXPECT_FALSE(server.is_ready());
    EXPECT_EQ(server.wait(), 1) << arguments.back();
    EXPECT_THAT(server.errors(), HasSubstr("libsql: ")) << arguments.back();
  }
}

TEST_F(ServerLife, RefusesDataThatAnotherServerHasAndNamesIt) {
  ServerProcess many({"--data", file("data"), "--enable-namespaces", "--admin-listen", "127.0.0.1:0"});
  ASSERT_TRUE(many.is_ready());
  ServerProcess one({"--db", file("a.db")});
  ASSERT_TRUE(one.is_ready());
  std::filesystem::create_symlink(file("a.db"), file("link.db"));
  std::filesystem::create_directory_symlink(file("data"), file("link"));
  const auto refused = [&](const std::vector<std::string>& arguments, const ServerProcess& by) {
    ServerProcess server(arguments);
    EXPECT_FALSE(server.is_ready());
    EXPECT_EQ(server.wait(), 1);
    EXPECT_THAT(server.errors(), HasSubstr("is already served by the process " + std::to_string(by.pid()) + ":"));
  };
  refused({"--data", file("data")}, many);
  refused({"--data", file("link")}, many);
  refused({"--db", file("data/dbs/default/data")}, many);
  refused({"--db", file("link/dbs/default/data")}, many);
  refused({"--db", file("a.db")}, one);
  refused({"--db", file("link.db")}, one);
  EXPECT_EQ(run_sql(many.port(), "SELECT 1", {{"x-namespace", "default"}}), "1");
  EXPECT_EQ(run_sql(one.port(), "SELECT 1"), "1");
}

TEST_F(ServerLife, TakesDataOverFromAServerThatWasKilledOrHasEnded) {
  for (const int number : {SIGKILL, SIGTERM}) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--data", file("data")}, {"--db", file("a.db")}}) {
      ServerProcess first(arguments);
      ASSERT_TRUE(first.is_ready());
      first.signal(number);
      ASSERT_TRUE(first.wait());
      EXPECT_EQ(std::filesystem::exists(file("data/server.lock")) || std::filesystem::exists(file("a.db-server.lock")),
                number == SIGKILL);
      ServerProcess second(arguments);
      EXPECT_TRUE(second.is_ready()) << second.errors();
      second.signal(SIGTERM);
      EXPECT_EQ(second.wait(), 0);
    }
  }
}

TEST_F(ServerLife, MakesFilesThatOtherUsersCannotRead) {
  const auto mode_of = [&](const std::string& name) {
    struct stat found {};
    return ::stat(file(name).c_str(), &found) == 0 ? static_cast<int>(found.st_mode & 0777U) : -1;
  };
  // The umask of a child is that of its parent.
  for (const auto& [mask, mode] : {std::pair<mode_t, int>{0, 0640}, {0022, 0640}, {0077, 0600}}) {
    const std::string name = std::string("m").append(std::to_string(mask));
    const mode_t before = ::umask(mask);
    ServerProcess server({"--data", file(name), "--enable-namespaces", "--admin-listen", "127.0.0.1:0", "--log-file",
                          file(name + ".log"), "--access-log", file(name + ".access"), "--pid-file",
                          file(name + ".pid"), "--backup-dir", directory_.path().string()});
    ::umask(before);
    ASSERT_TRUE(server.is_ready());
    EXPECT_EQ(run_sql(server.port(), "CREATE TABLE t(a)", {{"x-namespace", "default"}}), "ok");
    EXPECT_EQ(request(server.admin_port(), "POST", "/v1/namespaces/a/create", "{}").status, 200);
    EXPECT_EQ(
        request(server.admin_port(), "POST", "/v1/namespaces/a/backup", R"({"path":")" + name + R"(.bak"})").status,
        200);
    for (const char* made : {"/dbs/default/data", "/dbs/default/data-wal", "/dbs/default/data-shm", "/dbs/a/data",
                             ".log", ".access", ".pid", ".bak"}) {
      EXPECT_EQ(mode_of(name + made), mode) << made << " with umask " << mask;
    }
    EXPECT_EQ(mode_of(name + "/dbs/a/config.json"), 0600);
    EXPECT_EQ(mode_of(name + "/dbs/a"), mode == 0600 ? 0700 : 0750);
  }
}

TEST_F(ServerLife, TakesSettingsFromFlagsBeforeVariablesBeforeTheFile) {
  const std::string config = write("config", "db = " + file("file.db") + "\nmax-rows = 1\nmax-row-size = 5KB\n");
  ServerProcess server({"--config", config, "--max-rows", "3"},
                       {{"LIBSQL_MAX_ROWS", "2"}, {"LIBSQL_DB", file("variable.db")}});
  ASSERT_TRUE(server.is_ready()) << server.errors();
  EXPECT_EQ(run_sql(server.port(), "SELECT value FROM json_each('[7,8,9]')"), "7") << "three rows are allowed";
  EXPECT_NE(run_sql(server.port(), "SELECT value FROM json_each('[7,8,9,10]')"), "7") << "four are not";
  EXPECT_EQ(run_sql(server.port(), "SELECT zeroblob(6000)"), "SQLITE_TOOBIG") << "as the file says";
  EXPECT_TRUE(std::filesystem::exists(file("variable.db")));
  EXPECT_FALSE(std::filesystem::exists(file("file.db")));
}

TEST_F(ServerLife, StopsByItselfWhenNobodyAsksForAnything) {
  ServerProcess server({"--db", file("a.db"), "--idle-shutdown", "100ms"});
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(server.wait(), 0) << server.errors();
}

TEST_F(ServerLife, KeepsItsNumberInAFileWhileItRuns) {
  ServerProcess server({"--db", file("a.db"), "--pid-file", file("pid")});
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(content(file("pid")), std::to_string(server.pid()) + "\n");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(file("pid")));
}

TEST_F(ServerLife, WritesALineOfJsonForEachRequestAndSlowStatementWithoutArguments) {
  ServerProcess server({"--db", file("a.db"), "--access-log", file("access"), "--slow-query-threshold", "0ms",
                        "--slow-query-log", file("slow")});
  ASSERT_TRUE(server.is_ready());
  const nlohmann::json body = {
      {"requests",
       {{{"type", "execute"}, {"stmt", {{"sql", "SELECT ?"}, {"args", {{{"type", "text"}, {"value", "swordfish"}}}}}}},
        {{"type", "close"}}}}};
  EXPECT_EQ(request(server.port(), "POST", "/v2/pipeline?x=swordfish", body.dump()).status, 200);
  EXPECT_EQ(request(server.port(), "GET", "/nothing").status, 404);
  // A request is logged after it was answered, so two may stand there in either order.
  EXPECT_TRUE(eventually([&] {
    const std::string log = content(file("access"));
    return std::count(log.begin(), log.end(), '\n') == 2;
  }));
  std::istringstream lines(content(file("access")));
  std::map<std::string, nlohmann::json> logged;
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    logged[entry["path"]] = entry;
  }
  const nlohmann::json& first = logged["/v2/pipeline"];
  EXPECT_EQ(first["method"], "POST");
  EXPECT_EQ(first["namespace"], "default");
  EXPECT_EQ(first["status"], 200);
  EXPECT_EQ(first["rows_read"], 1);
  EXPECT_GT(first["bytes_out"], 0);
  EXPECT_THAT(std::string(first["peer"]), HasSubstr("127.0.0.1:"));
  EXPECT_EQ(logged["/nothing"]["status"], 404);
  EXPECT_EQ(nlohmann::json::parse(content(file("slow")).substr(0, content(file("slow")).find('\n')))["sql"],
            "SELECT ?");
  for (const char* const log : {"access", "slow"}) {
    EXPECT_EQ(content(file(log)).find("swordfish"), std::string::npos) << log;
  }
}

TEST_F(ServerLife, OpensItsLogsAnewAtSighup) {
  ServerProcess server({"--db", file("a.db"), "--access-log", file("access"), "--log-file", file("log")});
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(request(server.port(), "GET", "/one").status, 404);
  EXPECT_TRUE(eventually([&] { return content(file("access")).find("/one") != std::string::npos; }));
  std::filesystem::rename(file("access"), file("access.1"));
  std::filesystem::rename(file("log"), file("log.1"));
  server.signal(SIGHUP);
  EXPECT_TRUE(
      eventually([&] { return std::filesystem::exists(file("log")) && std::filesystem::exists(file("access")); }));
  EXPECT_EQ(request(server.port(), "GET", "/two").status, 404);
  EXPECT_TRUE(eventually([&] { return content(file("access")).find("/two") != std::string::npos; }));
  EXPECT_EQ(content(file("access.1")).find("/two"), std::string::npos);
}

TEST_F(ServerLife, EncryptsItsFilesWithAKeyFromAFileOrAVariable) {
  const std::string key = write("key", "correct horse\n");
  {
    ServerProcess server({"--db", file("a.db"), "--encryption-key-file", key, "--admin-listen", "0", "--backup-dir",
                          directory_.path().string()});
    ASSERT_TRUE(server.is_ready()) << server.errors();
    EXPECT_EQ(run_sql(server.port(), "CREATE TABLE t AS SELECT 'swordfish' AS a"), "ok");
    EXPECT_EQ(request(server.admin_port(), "POST", "/v1/namespaces/default/backup", R"({"path":"copy.db"})").status,
              200);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0);
  }
  for (const char* const name : {"a.db", "copy.db"}) {
    EXPECT_EQ(content(file(name)).find("swordfish"), std::string::npos) << name;
    ServerProcess server({"--db", file(name)}, {{"LIBSQL_ENCRYPTION_KEY", "correct horse"}});
    ASSERT_TRUE(server.is_ready()) << server.errors();
    EXPECT_EQ(run_sql(server.port(), "SELECT a FROM t"), "swordfish");
  }
  ServerProcess wrong({"--db", file("a.db")}, {{"LIBSQL_ENCRYPTION_KEY", "wrong"}});
  EXPECT_TRUE(!wrong.is_ready() || run_sql(wrong.port(), "SELECT a FROM t") != "swordfish");
}

TEST_F(ServerLife, BoundsTheTemporaryFilesOfAConnectionOfADatabaseAndOfAll) {
  const std::string sort =
      "SELECT count(*) FROM (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 8000) SELECT randomblob(1000) "
      "AS b "
      "FROM c ORDER BY b LIMIT 100000)";
  for (const auto& [setting, owner] :
       {std::pair("--max-connection-temp-size", "one connection"), std::pair("--max-temp-size", "this database"),
        std::pair("--max-total-temp-size", "all databases of the server")}) {
    ServerProcess server({"--db", file(std::string("a.db") + setting), setting, "1MiB"});
    ASSERT_TRUE(server.is_ready()) << server.errors();
    for (int i = 0; i < 3; ++i) {
      const nlohmann::json body = {
          {"requests", {{{"type", "execute"}, {"stmt", {{"sql", sort}}}}, {{"type", "close"}}}}};
      const Reply reply = request(server.port(), "POST", "/v2/pipeline", body.dump());
      EXPECT_THAT(reply.body, HasSubstr("SQLITE_FULL"));
      EXPECT_THAT(reply.body, HasSubstr(std::string("the temporary files of ") + owner +
                                        " have reached their limit of 1048576 bytes"));
    }
    EXPECT_EQ(run_sql(server.port(), "SELECT count(*) FROM (SELECT 1 AS a UNION SELECT 2 ORDER BY a)"), "2");
    EXPECT_THAT(run_sql(server.port(), "PRAGMA temp_store=MEMORY"), HasSubstr("SQL")) << "clients cannot go past it";
  }
}

TEST_F(ServerLife, LoadsTheExtensionsThatItsListTrustsAndNoOthers) {
  std::filesystem::create_directory(file("extensions"));
  std::filesystem::copy_file(LIBSQL_TEST_EXTENSION, file("extensions/answer.so"));
  const std::string digest = sha256(content(file("extensions/answer.so")));
  write("extensions/trusted.lst", digest + "  answer.so\n\n");
  {
    ServerProcess server({"--db", file("a.db"), "--extensions", file("extensions")});
    ASSERT_TRUE(server.is_ready()) << server.errors();
    EXPECT_EQ(run_sql(server.port(), "SELECT answer_of_extension()"), "42");
  }
  for (const std::string& list : {std::string(64, '0') + "  answer.so\n", digest + "  other.so\n", digest + "\n",
                                  digest + "  ../answer.so\n", std::string("answer.so\n")}) {
    write("extensions/trusted.lst", list);
    ServerProcess server({"--db", file("a.db"), "--extensions", file("extensions")});
    EXPECT_FALSE(server.is_ready()) << list;
    EXPECT_EQ(server.wait(), 2) << list;
  }
}

}  // namespace
}  // namespace libsql_test

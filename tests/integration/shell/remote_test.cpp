// The shell with a database on a server.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "integration/shell/process.hpp"
#include "server/server.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

class RemoteShell : public ::testing::Test {
 protected:
  RemoteShell() {
    server::Options options;
    options.database = directory_.file("served.db");
    options.http.port = 0;
    server_ = std::make_unique<server::Server>(std::move(options));
    server_->start();
  }
  ~RemoteShell() override { server_->stop(std::chrono::seconds(1)); }

  std::string url(const char* scheme = "http") const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(server_->port());
  }
  ProcessResult run(std::vector<std::string> arguments, const std::string& input = {},
                    const Environment& environment = {}) const {
    arguments.insert(arguments.begin(), url());
    return run_shell(arguments, input, environment);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<server::Server> server_;
};

TEST_F(RemoteShell, RunsStatementsAndPrintsResults) {
  EXPECT_EQ(run({"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t(b) VALUES ('x'), ('y');"}).status, 0);
  EXPECT_EQ(run({"SELECT * FROM t", "--csv", "--header"}).out, "a,b\r\n1,x\r\n2,y\r\n");
  EXPECT_EQ(run_shell({url("ws"), "SELECT count(*) FROM t"}).out, "2\n");
  EXPECT_EQ(run_shell({url("libsql") + "?tls=0", "SELECT b FROM t WHERE a = 2"}).out, "y\n");
}

TEST_F(RemoteShell, DotCommandsThatNeedOnlySqlWork) {
  std::ofstream(directory_.file("rows.csv")) << "1,one\n2,two\n";
  const ProcessResult result =
      run({}, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);\n.import --csv " + directory_.file("rows.csv") +
                  " t\n.tables\n.schema\n.mode json\nSELECT * FROM t;\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find(R"([{"a":1,"b":"one"},)"), std::string::npos) << result.out;

  const ProcessResult dump = run({".dump"});
  EXPECT_EQ(dump.status, 0) << dump.err;
  const ProcessResult restored = run_shell({":memory:"}, dump.out + "SELECT b FROM t;\n");
  EXPECT_EQ(restored.out, "one\ntwo\n") << restored.err;
}

TEST_F(RemoteShell, ADumpArrivesWhole) {
  const std::string script =
      "CREATE TABLE levels(id INTEGER PRIMARY KEY, g INT REFERENCES zgroups(id));\n"
      "CREATE TABLE zgroups(id INTEGER PRIMARY KEY, t TEXT);\n"
      "INSERT INTO zgroups VALUES(1, CAST(x'ff00' AS TEXT));\nINSERT INTO levels VALUES(1,1);\n"
      "CREATE VIEW v AS SELECT 1 -- one\n;\n";
  const std::string dump = run_shell({":memory:"}, script + ".dump\n").out;
  for (const char* scheme : {"http", "ws"}) {
    const ProcessResult loaded = run_shell({url(scheme)}, dump);
    EXPECT_EQ(loaded.status, 0) << loaded.err;
    EXPECT_EQ(loaded.err, "");
    EXPECT_EQ(run({".dump"}).out, dump);
    EXPECT_EQ(run({}, "PRAGMA foreign_keys=OFF;\nDROP VIEW v;\nDROP TABLE zgroups;\nDROP TABLE levels;\n").status, 0);
  }
}

TEST_F(RemoteShell, SettingsOfAScriptHoldToItsEnd) {
  const ProcessResult result =
      run({},
          "CREATE TABLE p(id INTEGER PRIMARY KEY);\nCREATE TABLE c(p REFERENCES p(id));\n"
          "PRAGMA foreign_keys=OFF;\nINSERT INTO c VALUES(1);\nBEGIN;\nINSERT INTO c VALUES(2);\n"
          "COMMIT;\nPRAGMA foreign_keys;\nPRAGMA foreign_keys=ON;\nINSERT INTO c VALUES(3);\n");
  EXPECT_EQ(result.out, "0\n");
  EXPECT_NE(result.err.find("near line 10: FOREIGN KEY constraint failed"), std::string::npos) << result.err;
  // It was the setting of that session.
  EXPECT_EQ(run({"SELECT count(*) FROM c", "PRAGMA foreign_keys"}).out, "2\n1\n");
}

TEST_F(RemoteShell, AScriptEndsAtASettingThatTheServerRefuses) {
  const ProcessResult result = run({},
                                   "BEGIN;\nCREATE TABLE t(a);\nPRAGMA writable_schema=ON;\nINSERT INTO t "
                                   "VALUES(1);\nCOMMIT;\nCREATE TABLE u(a);\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("near line 3"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("Nothing of the open transaction is committed"), std::string::npos) << result.err;
  EXPECT_EQ(run({".tables"}).out, "");
}

TEST_F(RemoteShell, ErrorsAmongManyRowsNameTheirLinesAndTheRestArrives) {
  std::string script = "CREATE TABLE t(a UNIQUE);\nBEGIN;\n";
  for (int i = 3; i <= 1500; ++i) {
    const char* const bad = i == 700    ? "INSERT INTO t VALUES(3);\n"
                            : i == 1400 ? "INSERT INTO nosuch VALUES(1);\n"
                                        : nullptr;
    script += bad != nullptr ? bad : "INSERT INTO t VALUES(" + std::to_string(i) + ");\n";
  }
  const ProcessResult result = run({}, script + "COMMIT;\nSELECT count(*), max(a) FROM t;\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "1496|1500\n");
  EXPECT_NE(result.err.find("error near line 700: UNIQUE"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("error near line 1400: no such table: nosuch"), std::string::npos) << result.err;
  run({"DELETE FROM t"});
  const ProcessResult stopped = run({"--bail"}, script + "COMMIT;\n");
  EXPECT_EQ(stopped.err.find("1400"), std::string::npos);
  EXPECT_EQ(run({"SELECT count(*) FROM t"}).out, "0\n");
}

TEST_F(RemoteShell, DumpsTextThatIsNotUtf8AsTheFileDoes) {
  run({"CREATE TABLE t(a, x TEXT, b)"});
  // More rows than come with the first piece of an answer.
  ASSERT_EQ(run({"WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO t SELECT i, "
                 "CASE WHEN i % 1000 = 900 THEN CAST(x'61ff' || i AS TEXT) ELSE 'text' END, CASE i % 3 WHEN 0 THEN "
                 "x'ff00' WHEN 1 THEN 1.5 END FROM n; CREATE TABLE u(x); INSERT INTO u VALUES('after')"})
                .status,
            0);
  const std::string local = run_shell({directory_.file("served.db"), ".dump"}).out;
  EXPECT_NE(local.find("CAST(X'61ff"), std::string::npos);
  for (const char* scheme : {"http", "ws"}) {
    const ProcessResult dump = run_shell({url(scheme), ".dump"});
    EXPECT_EQ(dump.status, 0) << dump.err;
    EXPECT_TRUE(dump.out == local) << scheme;
  }
  test::RawSocket socket = test::RawSocket::connect(server_->port());
  socket.send("GET /dump HTTP/1.0\r\n\r\n");
  const std::string answer = socket.read_all();
  EXPECT_NE(answer.find(local.substr(local.size() - 200)), std::string::npos) << answer.substr(0, 300);
}

TEST_F(RemoteShell, DumpsHalfSurrogatePairsAsTheFileDoes) {
  for (const std::string order : {"le", "be"}) {
    const std::string path = directory_.file("utf16" + order + ".db");
    const std::string half = order == "le" ? "00d8" : "d800";
    const std::string a = order == "le" ? "6100" : "0061";
    run_shell(
        {path},
        "PRAGMA encoding='UTF-16" + order + "';\nCREATE TABLE t(x);\nINSERT INTO t VALUES('before'),(CAST(x'" + a +
            half + "' AS TEXT)),(CAST(x'" + half + a + a +
            "' AS TEXT)),(char(0, 233, 8364, 128512));\n"
            "INSERT INTO t SELECT x || char(55297) FROM t;\nCREATE TABLE u(x);\nINSERT INTO u VALUES('after');\n");
    const std::string local = run_shell({path, ".dump"}).out;
    EXPECT_NE(local.find("CAST(X'61eda080' AS TEXT)"), std::string::npos) << local;
    server::Options options;
    options.database = path;
    options.http.port = 0;
    server::Server server(std::move(options));
    server.start();
    for (const char* const scheme : {"http", "ws"}) {
      const ProcessResult dump =
          run_shell({std::string(scheme) + "://127.0.0.1:" + std::to_string(server.port()), ".dump"});
      EXPECT_EQ(dump.status, 0) << dump.err;
      EXPECT_EQ(dump.out, local);
    }
    server.stop(std::chrono::seconds(1));
  }
}

TEST_F(RemoteShell, DumpsOfADamagedFileAreCutAtTheirEnd) {
  const std::string path = directory_.file("damaged.db");
  run_shell({"--pragma", "journal_mode=DELETE", "--pragma", "page_size=1024", path},
            "CREATE TABLE a(v);\nWITH n(i) AS (VALUES(1) UNION ALL "
            "SELECT i+1 FROM n WHERE i<500) INSERT INTO a SELECT 'row ' || i FROM n;\nCREATE TABLE b(x);\n"
            "INSERT INTO b VALUES('still there');\n");
  const std::string page =
      run_shell({path, "SELECT pageno FROM dbstat WHERE name='a' AND pagetype='leaf' LIMIT 1 OFFSET 2"}).out;
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((std::stol(page) - 1) * 1024);
    file << std::string(1024, 'x');
  }
  server::Options options;
  options.database = path;
  options.http.port = 0;
  server::Server server(std::move(options));
  server.start();
  test::RawSocket socket = test::RawSocket::connect(server.port());
  socket.send("GET /dump HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const std::string answer = socket.read_all();
  EXPECT_NE(answer.find("still there"), std::string::npos) << answer;
  EXPECT_NE(answer.find("ROLLBACK; -- due to errors"), std::string::npos);
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n")) << "the answer looks whole";
  const ProcessResult dump = run_shell({"http://127.0.0.1:" + std::to_string(server.port()), ".dump"});
  EXPECT_EQ(dump.status, 1);
  EXPECT_NE(dump.out.find("still there"), std::string::npos) << dump.err;
  server.stop(std::chrono::seconds(1));
}

TEST_F(RemoteShell, StringsInDoubleQuotesAreThoseOfTheSchema) {
  EXPECT_EQ(run({},
                "CREATE TABLE t(s CHECK (s <> \"no\"));\nCREATE VIEW v AS SELECT \"text\" AS k;\nCREATE TABLE log(m);\n"
                "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES(\"seen\"); END;\n"
                "INSERT INTO t VALUES('yes');\nALTER TABLE log RENAME COLUMN m TO n;\n")
                .err,
            "");
  for (const char* scheme : {"http", "ws"}) {
    EXPECT_EQ(run_shell({url(scheme), "SELECT k FROM v; SELECT \"k\" FROM \"v\"; SELECT n FROM log"}).out,
              "text\ntext\nseen\n");
    EXPECT_EQ(run_shell({url(scheme), "SELECT \"nothing\" FROM v"}).status, 1);
  }
  server::Options options;
  options.database = ":memory:";
  options.http.port = 0;
  options.double_quoted_strings = DoubleQuotedStrings::On;
  server::Server server(std::move(options));
  server.start();
  EXPECT_EQ(run_shell({"http://127.0.0.1:" + std::to_string(server.port()), "SELECT \"nothing\""}).out, "nothing\n");
  server.stop(std::chrono::seconds(1));
}

TEST_F(RemoteShell, TransactionsLastOverSeveralStatements) {
  const ProcessResult result =
      run({}, "CREATE TABLE t(a);\nBEGIN;\nINSERT INTO t VALUES (1);\nROLLBACK;\nSELECT count(*) FROM t;\n");
  EXPECT_EQ(result.out, "0\n") << result.err;
}

TEST_F(RemoteShell, WhatNeedsTheFileSaysSo) {
  for (const char* command : {".backup copy.db", ".restore copy.db", ".load extension", ".limit", ".rekey key"}) {
    const ProcessResult result = run({command});
    EXPECT_EQ(result.status, 1) << command;
    EXPECT_FALSE(result.err.empty()) << command;
  }
  EXPECT_NE(run({".backup copy.db"}).err.find("on a server"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists("copy.db"));
  EXPECT_NE(run({"--readonly", "SELECT 1"}).err.find("--readonly is for files"), std::string::npos);
}

TEST_F(RemoteShell, ErrorsShowThePlace) {
  const ProcessResult result = run({"SELECT 1,\n  FROM t"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("error here"), std::string::npos) << result.err;
}

TEST_F(RemoteShell, TheTokenComesFromAFileOrTheEnvironmentOnly) {
  std::ofstream(directory_.file("token")) << "abc\n";
  EXPECT_EQ(run({"--auth-token-file", directory_.file("token"), "SELECT 1"}).out, "1\n");
  EXPECT_EQ(run({"SELECT 1"}, {}, {{"LIBSQL_AUTH_TOKEN", "abc"}}).out, "1\n");
  const ProcessResult shown = run_shell({url() + "?authToken=s3cret", "SELECT 1"});
  EXPECT_EQ(shown.status, 1);
  EXPECT_EQ(shown.err.find("s3cret"), std::string::npos);
  EXPECT_NE(run_shell({":memory:", "--auth-token-file", directory_.file("token"), "SELECT 1"}).status, 0);
}

}  // namespace
}  // namespace libsql::test

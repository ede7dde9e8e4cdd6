// The shell with a database on a server.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "integration/shell/process.hpp"
#include "server/server.hpp"
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

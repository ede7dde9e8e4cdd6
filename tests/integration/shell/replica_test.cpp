// The shell with a replica, and the verb that brings one up to date.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "integration/shell/process.hpp"
#include "support/primary_server.hpp"

namespace libsql::test {
namespace {

class ReplicaShell : public PrimaryServerTest {
 protected:
  std::string copy() const { return directory_.file("copy.db"); }
  ProcessResult at_primary(const std::string& sql) const { return run_shell({url(), sql}); }
  ProcessResult replica(std::vector<std::string> arguments, const std::string& input = {}) const {
    arguments.insert(arguments.begin(), {"--replica", copy(), url()});
    return run_shell(arguments, input);
  }
  ProcessResult sync(std::vector<std::string> options = {}, const Environment& environment = {}) const {
    options.insert(options.begin(), "sync");
    options.insert(options.end(), {copy(), url()});
    return run_shell(options, {}, environment);
  }
};

TEST_F(ReplicaShell, ReadsTheFileAndWritesToTheServer) {
  EXPECT_EQ(at_primary("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)").status, 0);
  const ProcessResult result = replica({"INSERT INTO t VALUES (3); SELECT sum(a) FROM t;"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "6\n");
  EXPECT_EQ(at_primary("SELECT count(*) FROM t").out, "3\n");
  stop();
  EXPECT_EQ(replica({"SELECT sum(a) FROM t"}).out, "6\n") << "it reads without the server";
  const ProcessResult write = replica({"INSERT INTO t VALUES (4)"});
  EXPECT_EQ(write.status, 1);
  EXPECT_NE(write.err, "");
}

TEST_F(ReplicaShell, SyncsAndTellsItsState) {
  EXPECT_EQ(at_primary("CREATE TABLE t(a)").status, 0);
  EXPECT_EQ(replica({"SELECT count(*) FROM t"}).out, "0\n");
  EXPECT_EQ(at_primary("INSERT INTO t VALUES (1)").status, 0);
  const ProcessResult result =
      replica({}, "SELECT count(*) FROM t;\n.sync\nSELECT count(*) FROM t;\n.sync\n.replica\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("0\nframe ")) << result.out;
  EXPECT_NE(result.out.find("\n1\nnothing new, frame "), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("\nstate: ready\nfile: " + copy() + "\nprimary: " + url() + "\nframe: "), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("\nsyncs: 2, 0 failed\n"), std::string::npos) << result.out;
  for (const char* const command : {".sync", ".replica"}) {
    const ProcessResult other = run_shell({url(), command});
    EXPECT_EQ(other.status, 1);
    EXPECT_NE(other.err.find("the database is no replica"), std::string::npos) << other.err;
  }
  EXPECT_NE(replica({".sync x"}).status, 0);
  EXPECT_NE(replica({".sync 1000000"}).err.find("does not have frame 1000000"), std::string::npos);
}

TEST_F(ReplicaShell, OpensAReplicaInTheSession) {
  EXPECT_EQ(at_primary("CREATE TABLE t(a); INSERT INTO t VALUES (7)").status, 0);
  const ProcessResult result = run_shell(
      {":memory:"}, ".open --replica \"" + copy() + "\" " + url() + "\nSELECT a FROM t;\n.open :memory:\n.tables\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "7\n");
}

TEST_F(ReplicaShell, RefusesOptionsThatDoNotFit) {
  EXPECT_EQ(run_shell({"--replica", copy()}).status, 2);
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"--readonly"},
                                             {"--nofollow"},
                                             {"--vfs", "unix"},
                                             {"--pragma", "cache_size=5"},
                                             {"--double-quoted-strings", "on"}}) {
    std::vector<std::string> arguments = options;
    arguments.emplace_back("SELECT 1");
    EXPECT_EQ(replica(arguments).status, 1) << options[0];
  }
  EXPECT_NE(run_shell({"--replica", copy(), "file.db", "SELECT 1"}).err.find("URL of a server"), std::string::npos);
  EXPECT_NE(run_shell({"--replica", copy(), url() + "?authToken=x", "SELECT 1"}).err.find("--auth-token-file"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(ReplicaShell, TheVerbSyncBringsAFileUpToDate) {
  EXPECT_EQ(at_primary("CREATE TABLE t(a); INSERT INTO t VALUES (1)").status, 0);
  const ProcessResult first = sync();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_TRUE(first.out.starts_with("frame ")) << first.out;
  EXPECT_EQ(sync().out.substr(0, 12), "nothing new,");
  EXPECT_EQ(sync({"--quiet"}).out, "");
  EXPECT_EQ(at_primary("INSERT INTO t VALUES (2)").status, 0);
  EXPECT_EQ(sync({"--until", "1"}).status, 0);
  EXPECT_EQ(sync().status, 0);
  stop();
  EXPECT_EQ(replica({"SELECT count(*) FROM t"}).out, "2\n");
}

TEST_F(ReplicaShell, TheVerbSyncSaysByItsStatusWhatHelps) {
  EXPECT_EQ(run_shell({"sync"}).status, 2);
  EXPECT_EQ(run_shell({"sync", copy()}).status, 2);
  EXPECT_EQ(sync({"--no-such-option"}).status, 2);
  EXPECT_EQ(run_shell({"sync", copy(), "other.db"}).status, 2);
  EXPECT_EQ(run_shell({"sync", "--help"}).status, 0);
  EXPECT_EQ(sync({"--until", "1000000"}).status, 1);
  stop();
  const ProcessResult unreachable = sync({"--timeout", "5000"});
  EXPECT_EQ(unreachable.status, 3) << unreachable.err;
  EXPECT_NE(unreachable.err, "");
}

TEST_F(ReplicaShell, TheFileIsEncryptedIfThereIsAKey) {
  EXPECT_EQ(at_primary("CREATE TABLE secrets(a); INSERT INTO secrets VALUES ('a word to be kept')").status, 0);
  const Environment key = {{"LIBSQL_ENCRYPTION_KEY", "the key"}};
  const ProcessResult synced = sync({}, key);
  ASSERT_EQ(synced.status, 0) << synced.err;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(copy()).parent_path())) {
    if (!entry.path().filename().string().starts_with("copy.db")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find("a word to be kept"), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("CREATE TABLE"), std::string::npos) << entry.path();
  }
  stop();
  EXPECT_EQ(run_shell({"--replica", copy(), url(), "SELECT a FROM secrets"}, {}, key).out, "a word to be kept\n");
}

}  // namespace
}  // namespace libsql::test

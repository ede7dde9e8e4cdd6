// A follower and a server of ours: what happens to the server, and to the replica's file.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/error.hpp>

#include "replica/follower.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

namespace fs = std::filesystem;
using replica::Follower;
using replica::Repair;
using replica::SyncReport;

class FollowedServer : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.replication.log = true;
    if (port_ != 0) options.http.port = port_;
  }

  std::shared_ptr<Follower> follow(const std::string& name = "replica",
                                   const std::optional<Encryption>& encryption = std::nullopt) {
    replica::FollowerOptions options;
    options.local.path = directory_.file(name);
    options.local.encryption = encryption;
    options.primary.emplace();
    options.primary->url = std::string("http://127.0.0.1:").append(std::to_string(server_->port()));
    options.primary->proxy_from_environment = false;
    options.primary->retries = 0;
    return Follower::open(std::move(options));
  }
  void fill(int rows) {
    run("CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b)");
    run(std::string("INSERT INTO t(b) SELECT hex(randomblob(200)) FROM generate_series(1, ")
            .append(std::to_string(rows))
            .append(")"));
  }
  void insert(int rows = 1) {
    for (int i = 0; i < rows; ++i) run("INSERT INTO t(b) VALUES ('one more ' || random())");
  }
  void stop() {
    port_ = server_->port();
    server_.reset();
  }
  void expect_equal(const Follower& follower) {
    const auto connection = follower.store()->borrow();
    EXPECT_EQ(connection->query_text("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(connection->query_text(kContent), run(kContent).at("rows").at(0).at(0).at("value").get<std::string>());
  }
  static constexpr const char* kContent =
      "SELECT count(*) || ':' || coalesce(sum(length(b)), 0) || ':' || coalesce(max(b), '') FROM t";

  std::uint16_t port_ = 0;
};

TEST_F(FollowedServer, IsFollowedFromTheFirstCommitOn) {
  fill(100);
  const auto follower = follow();
  EXPECT_TRUE(follower->sync().frame_no);
  expect_equal(*follower);
  insert(20);
  run("CREATE TABLE u(x); ");
  run("DROP TABLE u");
  EXPECT_GT(follower->sync().frames_applied, 20U);
  expect_equal(*follower);
  EXPECT_EQ(follower->sync().frames_applied, 0U);
}

TEST_F(FollowedServer, IsFollowedOnAfterItsRestart) {
  fill(100);
  const auto follower = follow();
  follower->sync();
  stop();
  EXPECT_THROW(follower->sync(), Network);
  EXPECT_EQ(follower->health().state, replica::Health::State::Failing);
  EXPECT_EQ(follower->store()->borrow()->query_integer("SELECT count(*) FROM t"), 100);
  SetUp();
  insert();
  const SyncReport report = follower->sync();
  EXPECT_TRUE(report.repairs.empty());
  EXPECT_LT(report.frames_applied, 10U);
  EXPECT_FALSE(report.took_snapshot);
  expect_equal(*follower);
}

TEST_F(FollowedServer, IsFollowedAnewAfterARestoreFromABackup) {
  fill(100);
  const auto follower = follow();
  follower->sync();
  stop();
  fs::copy(directory_.path() / "data", directory_.path() / "backup", fs::copy_options::recursive);
  SetUp();
  insert(5);
  follower->sync();
  EXPECT_EQ(follower->store()->borrow()->query_integer("SELECT count(*) FROM t"), 105);
  stop();
  fs::remove_all(directory_.path() / "data");
  fs::copy(directory_.path() / "backup", directory_.path() / "data", fs::copy_options::recursive);
  SetUp();
  const SyncReport report = follower->sync();
  ASSERT_EQ(report.repairs.size(), 1U);
  EXPECT_TRUE(fs::exists(report.repairs[0].kept_at));
  expect_equal(*follower);
  insert(3);
  EXPECT_TRUE(follower->sync().repairs.empty());
  expect_equal(*follower);
}

TEST_F(FollowedServer, FillsAnEncryptedReplicaWithoutPlainText) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  run("INSERT INTO t(b) SELECT 'a word that nobody may read' FROM generate_series(1, 3000)");
  {
    const auto follower = follow("sealed", Encryption("a secret key"));
    follower->sync();
    expect_equal(*follower);
    insert(10);
    follower->sync();
    expect_equal(*follower);
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    if (!entry.path().filename().string().starts_with("sealed")) continue;
    ++files;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    EXPECT_EQ(bytes.find("nobody may read"), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("CREATE TABLE"), std::string::npos) << entry.path();
  }
  EXPECT_GE(files, 3);
}

TEST_F(FollowedServer, IsReadLocallyWithoutTornStatesWhileItIsWritten) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  run("INSERT INTO t VALUES (1, 0), (2, 0)");
  const auto follower = follow();
  follower->sync();
  std::atomic<bool> ends = false;
  std::vector<std::thread> readers;
  std::atomic<int> torn = 0;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      const auto connection = follower->store()->borrow();
      std::int64_t last = 0;
      while (!ends) {
        const std::int64_t difference = connection->query_integer("SELECT max(b) - min(b) FROM t");
        const std::int64_t now = connection->query_integer("SELECT max(b) FROM t");
        if (difference != 0 || now < last) ++torn;
        last = now;
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    run("UPDATE t SET b = b + 1");
    if (i % 3 == 0) follower->sync();
  }
  follower->sync();
  ends = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(follower->store()->borrow()->query_integer("SELECT max(b) FROM t"), 60);
}

class GuardedServer : public FollowedServer {
 protected:
  void configure(server::Options& options) override {
    options.replication.log = false;
    options.http.port = port_;
  }
};

TEST_F(GuardedServer, WithoutALogSaysSo) {
  const auto follower = follow();
  EXPECT_THROW(follower->sync(), Error);
  EXPECT_NE(follower->health().last_error.find("replication log"), std::string::npos) << follower->health().last_error;
}

}  // namespace
}  // namespace libsql::test

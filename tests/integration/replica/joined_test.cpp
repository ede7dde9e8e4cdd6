// A follower and a server of ours: what they make less of between them.
#include <chrono>
#include <memory>
#include <string>

#include <libsql/libsql.hpp>

#include "replica/follower.hpp"
#include "replication/log/log.hpp"
#include "server/databases/namespaces.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class JoinedReplica : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.replication.log = true; }

  std::shared_ptr<replica::Follower> follow(const std::string& name) {
    replica::FollowerOptions options;
    options.local.path = directory_.file(name);
    options.primary.emplace();
    options.primary->url = "http://127.0.0.1:" + std::to_string(server_->port());
    options.primary->proxy_from_environment = false;
    return replica::Follower::open(std::move(options));
  }
  void insert(int rows) {
    HttpClient http = client();
    for (int i = 0; i < rows; ++i) {
      http.pipeline(list({execute("INSERT INTO t(b) VALUES ('row number ' || abs(random()))"), close()}));
    }
  }
  std::string content(replica::Follower& follower) {
    EXPECT_EQ(follower.store()->borrow()->query_text("PRAGMA integrity_check").value_or(""), "ok");
    return follower.store()->borrow()->query_text(kContent).value_or("nothing");
  }
  std::string here() { return run(kContent).at("rows").at(0).at(0).at("value").get<std::string>(); }
  static constexpr const char* kContent =
      "SELECT count(*) || ':' || coalesce(group_concat(substr(b, 1, 32)), '') FROM (SELECT b FROM t ORDER BY a)";
};

TEST_F(JoinedReplica, ThreeThousandSingleRowInsertsTakeFarLessThanAMegabyte) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  const auto follower = follow("replica");
  follower->sync();
  insert(3000);
  const replica::SyncReport report = follower->sync();
  EXPECT_GE(report.frames_applied, 3000U);
  EXPECT_LT(report.bytes_received, 200'000U);
  EXPECT_FALSE(report.took_snapshot);
  EXPECT_EQ(content(*follower), here());
  const server::NamespaceStats stats = server_->namespaces().stats("default");
  EXPECT_EQ(stats.replicas, 1U);
  EXPECT_EQ(stats.replica_lag, 0U);
}

TEST_F(JoinedReplica, ASnapshotComesInMessagesOfManyPages) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  run("INSERT INTO t(b) SELECT hex(randomblob(4000)) FROM generate_series(1, 5000)");  // more than a message may hold
  const auto follower = follow("replica");
  const replica::SyncReport report = follower->sync();
  EXPECT_TRUE(report.took_snapshot);
  EXPECT_EQ(content(*follower), here());
  insert(10);
  follower->sync();
  EXPECT_EQ(content(*follower), here());
}

TEST_F(JoinedReplica, ReplicasAreToldApartByTheNamesTheyGiveThemselves) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  insert(1);
  const auto one = follow("one");
  const auto two = follow("two");
  one->sync();
  two->sync();
  insert(5);
  one->sync();
  const server::NamespaceStats stats = server_->namespaces().stats("default");
  EXPECT_EQ(stats.replicas, 2U);
  EXPECT_GE(stats.replica_lag, 5U) << "of the second";
}

TEST_F(JoinedReplica, WritesMayGoOverAWebSocketWhileSyncsDoNot) {
  const std::string url = "ws://127.0.0.1:" + std::to_string(server_->port());
  auto db = Builder::remote_replica(directory_.file("replica"), url, "").build();
  auto conn = db.connect();
  conn.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  EXPECT_GE(server_->gauges().websockets, 1U);
  for (int i = 1; i <= 20; ++i) {
    conn.execute("INSERT INTO t(b) VALUES (?)", i);
    EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM t"), i);
  }
  {
    auto transaction = conn.transaction();
    conn.execute("INSERT INTO t(b) VALUES ('in a transaction')");
    transaction.commit();
  }
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM t"), 21);
  EXPECT_EQ(db.replica().sync().frame_no, server_->namespaces().get("default")->log()->last_frame());
}

}  // namespace
}  // namespace libsql::test

// Options that change what clients see without a request of their own.
#include <filesystem>
#include <thread>

#include "support/eventually.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class ExactRowsRead : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.rows_read = server::RowsRead::Exact; }
};

TEST_F(ExactRowsRead, CountsEveryRowThatTheLoopsVisit) {
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i, i FROM n");
  // By rowid, so no full scan: only the engine's counters per loop see the 41 rows, of which one is given out.
  EXPECT_EQ(run("SELECT count(*) FROM t WHERE id BETWEEN 10 AND 50").at("rows_read"), 41);
  EXPECT_EQ(run("SELECT a FROM t WHERE id = 7").at("rows_read"), 1);
}

class RecursiveTriggers : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.recursive_triggers = true; }
  Json removed() {
    run("CREATE TABLE t(a PRIMARY KEY)");
    run("CREATE TABLE gone(a)");
    run("CREATE TRIGGER d AFTER DELETE ON t BEGIN INSERT INTO gone VALUES (old.a); END");
    run("CREATE TRIGGER n AFTER INSERT ON gone WHEN new.a < 5 BEGIN INSERT INTO gone VALUES (new.a + 1); END");
    run("INSERT INTO t VALUES (3)");
    run("REPLACE INTO t VALUES (3)");
    return run("SELECT group_concat(a) FROM gone").at("rows").at(0).at(0);
  }
};

TEST_F(RecursiveTriggers, FireThemselvesAndForRowsThatReplaceRemoves) {
  EXPECT_EQ(removed().at("value"), "3,4,5");
  EXPECT_EQ(run("PRAGMA recursive_triggers").at("rows").at(0).at(0).at("value"), "1");
}

class PlainTriggers : public RecursiveTriggers {
  void configure(server::Options&) override {}
};

TEST_F(PlainTriggers, DoNeitherUnlessThatIsWanted) { EXPECT_EQ(removed().at("type"), "null"); }

class PeriodicCheckpoints : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.timeouts.checkpoint_interval = std::chrono::milliseconds(50);
  }
};

TEST_F(PeriodicCheckpoints, EmptyTheLog) {
  run("CREATE TABLE t(a)");
  run("INSERT INTO t VALUES (1)");
  std::filesystem::path log;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (entry.path().string().ends_with("-wal")) log = entry.path();
  }
  ASSERT_FALSE(log.empty());
  EXPECT_TRUE(eventually([&] {
    std::error_code gone;
    const std::uintmax_t size = std::filesystem::file_size(log, gone);
    return gone || size == 0;
  }));
  EXPECT_EQ(number("SELECT a FROM t"), 1);
}

class WebSocketPort : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.hrana.emplace();
    options.hrana->port = 0;
  }
};

TEST_F(WebSocketPort, TakesSocketsOnAnyPathAndNothingElse) {
  net::WebSocketConnection connection(local_origin(server_->hrana_port()), local_options());
  EXPECT_EQ(connection.connect("/any/path", std::vector<std::string_view>{"hrana3"}, {}, soon()), "hrana3");
  connection.send(net::MessageType::Text, R"({"type":"hello"})", soon());
  EXPECT_EQ(Json::parse(connection.receive(soon()).data).at("type"), "hello_ok");
  HttpClient http(server_->hrana_port());
  EXPECT_NE(http.post("/v2/pipeline", {{"requests", list({execute("SELECT 1"), close()})}}).status, 200);
}

}  // namespace
}  // namespace libsql::test

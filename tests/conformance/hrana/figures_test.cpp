// What the server counts.
#include <fstream>
#include <sstream>

#include "server/metrics/monitor.hpp"
#include "server/metrics/server_metrics.hpp"
#include "support/eventually.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class ForgottenSoon : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.timeouts.namespace_idle = std::chrono::milliseconds(1); }

  bool wait_until_unloaded() {
    return eventually([&] {
      server_->namespaces().tidy();
      return server_->gauges().namespaces_loaded == 0;
    });
  }
};

TEST_F(ForgottenSoon, ANamespaceThatIsLoadedAgainGoesOnCounting) {
  run("CREATE TABLE t(a)");
  run("INSERT INTO t VALUES (1), (2)");
  ASSERT_TRUE(wait_until_unloaded());
  EXPECT_EQ(server_->namespaces().stats("default").rows_written, 2U);
  ASSERT_TRUE(wait_until_unloaded());
  run("INSERT INTO t VALUES (3)");
  const server::NamespaceStats stats = server_->namespaces().stats("default");
  EXPECT_EQ(stats.rows_written, 3U);
  EXPECT_EQ(stats.queries, 3U);
}

TEST_F(ForgottenSoon, ANamespaceThatIsMadeAgainBeginsAtNothing) {
  server_->namespaces().create("shop", {});
  server_->namespaces().get("shop")->counters().queries = 7;
  server_->namespaces().remove("shop");
  server_->namespaces().create("shop", {});
  EXPECT_EQ(server_->namespaces().stats("shop").queries, 0U);
}

TEST_F(ForgottenSoon, TheFiguresOfCachesOutliveTheirConnections) {
  run("CREATE TABLE t(a)");
  for (int i = 0; i < 3; ++i) run("SELECT * FROM t");
  const auto caches = [&] { return server_->namespaces().stats("default").caches; };
  const server::CacheFigures before = caches();
  EXPECT_EQ(before.statement_hits + before.statement_misses, 4U);
  EXPECT_GT(before.page_hits + before.page_misses, 0U);
  ASSERT_TRUE(wait_until_unloaded());
  const server::CacheFigures after = caches();
  EXPECT_EQ(after.statement_misses, before.statement_misses);
  EXPECT_EQ(after.statement_hits, before.statement_hits);
  EXPECT_EQ(after.page_hits, before.page_hits);
  EXPECT_EQ(after.page_misses, before.page_misses);
  EXPECT_EQ(after.statements, 0U);
  EXPECT_EQ(after.statement_bytes, 0U);
  EXPECT_EQ(after.page_bytes, 0U);
}

class HranaFigures : public ServerTest {
 protected:
  server::CacheFigures caches() { return server_->namespaces().stats("default").caches; }
};

TEST_F(HranaFigures, CachesOfConnectionsInUseCountToo) {
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("CREATE TABLE t(a)"), execute("BEGIN"), execute("SELECT * FROM t"),
                                         execute("SELECT * FROM t")}))
                         .at("baton");
  const server::CacheFigures held = caches();
  EXPECT_EQ(held.statement_misses, 3U);
  EXPECT_EQ(held.statement_hits, 1U);
  EXPECT_GE(held.statements, 2U);
  EXPECT_GT(held.statement_bytes, 0U);
  EXPECT_GT(held.page_bytes, 0U);
  http.pipeline(list({execute("SELECT * FROM t"), close()}), baton);
  EXPECT_EQ(caches().statement_hits, held.statement_hits + 1);
}

class DurableFigures : public HranaFigures {
  void configure(server::Options& options) override { options.durability = server::Durability::Strong; }
};

TEST_F(DurableFigures, TheCacheOfGroupedWritesCountsToo) {
  run("CREATE TABLE t(a)");
  run("INSERT INTO t VALUES (1)");
  const server::CacheFigures before = caches();
  run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(caches().statement_hits, before.statement_hits + 1);
  EXPECT_EQ(caches().statement_misses, before.statement_misses);
  server_->namespaces().set_config("default", {});  // ends the connection
  EXPECT_EQ(caches().statement_hits, before.statement_hits + 1);
  EXPECT_EQ(caches().statements, 0U);
}

class Watched : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.observer = monitor_; }
  // The lines of one figure.
  std::vector<std::string> figures(const std::string& figure) {
    std::vector<std::string> lines;
    std::istringstream all(server::render_metrics(*monitor_, *server_));
    for (std::string line; std::getline(all, line);) {
      if (line.starts_with(figure + "{")) lines.push_back(line);
    }
    return lines;
  }

  // Of one that is the server's.
  int figure(const std::string& name) {
    const std::string all = "\n" + server::render_metrics(*monitor_, *server_);
    const std::size_t at = all.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stoi(all.substr(at + name.size() + 2));
  }

  std::shared_ptr<server::Monitor> monitor_ = std::make_shared<server::Monitor>(nullptr, nullptr);
};

class WatchedNamespaces : public Watched {
 protected:
  void configure(server::Options& options) override {
    Watched::configure(options);
    options.namespaces = true;
    options.max_loaded_namespaces = 128;
  }
};

TEST_F(WatchedNamespaces, TheFiguresOfAHundredNamespacesOpenNoConnection) {
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::string("n").append(std::to_string(i));
    server_->namespaces().create(name, {});
    server_->namespaces().get(name);
  }
  const auto opened = figures("libsql_server_connections_opened_total");
  ASSERT_EQ(opened.size(), 100U);
  EXPECT_EQ(figures("libsql_server_storage").size(), 100U);
  EXPECT_EQ(figures("libsql_server_wal_bytes").size(), 100U);
  EXPECT_EQ(figures("libsql_server_connections_opened_total"), opened);
}

class WatchedLimits : public Watched {
 protected:
  void configure(server::Options& options) override {
    Watched::configure(options);
    options.limits.response_bytes = 100'000;
    options.limits.connections = 3;
    options.timeouts.connection_wait = std::chrono::milliseconds(10);
    options.timeouts.transaction = std::chrono::milliseconds(20);
    options.timeouts.statement = std::chrono::seconds(2);
  }
};

TEST_F(WatchedLimits, StreamsThatOutliveTheirRequestAreCounted) {
  run("SELECT 1");
  EXPECT_EQ(figure("libsql_server_streams_opened_total"), 0) << "it ended with its request";
  HttpClient http = client();
  Json baton = http.pipeline(list({execute("BEGIN")})).at("baton");
  baton = http.pipeline(list({execute("SELECT 1")}), baton).at("baton");
  EXPECT_EQ(figure("libsql_server_streams_opened_total"), 1);
  EXPECT_EQ(figure("libsql_server_streams_closed_total"), 0);
  http.pipeline(list({execute("COMMIT"), close()}), baton);
  EXPECT_EQ(figure("libsql_server_streams_opened_total"), 1);
  EXPECT_EQ(figure("libsql_server_streams_closed_total"), 1);
  net::WebSocketConnection socket(local_origin(server_->port()), local_options());
  socket.connect("/", std::vector<std::string_view>{"hrana2"}, {}, soon());
  for (const char* const message :
       {R"({"type":"hello","jwt":null})",
        R"({"type":"request","request_id":1,"request":{"type":"open_stream","stream_id":1}})"}) {
    socket.send(net::MessageType::Text, message, soon());
    socket.receive(soon());
  }
  EXPECT_EQ(figure("libsql_server_streams_opened_total"), 2);
  EXPECT_EQ(figure("libsql_server_streams_closed_total"), 1);
}

TEST_F(WatchedLimits, AnswersThatAreTooLargeAreCountedOnEachRoute) {
  constexpr const char* kMuch = "SELECT hex(zeroblob(100000))";
  HttpClient http = client();
  EXPECT_EQ(error_code(http.pipeline(list({execute(kMuch), close()})).at("results")[0]), "RESPONSE_TOO_LARGE");
  EXPECT_EQ(figure("libsql_server_responses_too_large_total"), 1);
  EXPECT_EQ(error_code(http.pipeline(list({batch(list({step(kMuch)})), close()})).at("results")[0]),
            "RESPONSE_TOO_LARGE");
  EXPECT_EQ(figure("libsql_server_responses_too_large_total"), 2);
  http.post("/v1/execute", {{"stmt", {{"sql", kMuch}}}});
  EXPECT_EQ(figure("libsql_server_responses_too_large_total"), 3);
  http.post("/", {{"statements", list({kMuch})}});
  EXPECT_EQ(figure("libsql_server_responses_too_large_total"), 4);
}

TEST_F(WatchedLimits, TransactionsThatAreTakenAwayAreCounted) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("BEGIN"), execute("INSERT INTO t VALUES (1)")})).at("baton");
  EXPECT_EQ(figure("libsql_server_transactions_timed_out_total"), 0);
  run("INSERT INTO t VALUES (2)");
  EXPECT_EQ(figure("libsql_server_transactions_timed_out_total"), 1);
}

TEST_F(WatchedLimits, RequestsWithoutAConnectionAreCounted) {
  HttpClient http = client();
  for (int i = 0; i < 3; ++i) http.pipeline(list({execute("BEGIN"), execute("SELECT * FROM sqlite_schema")}));
  EXPECT_EQ(figure("libsql_server_connections_refused_total"), 0);
  EXPECT_EQ(http.post("/v2/pipeline", {{"requests", list({execute("SELECT 1")})}}).status, 429);
  EXPECT_EQ(figure("libsql_server_connections_refused_total"), 1);
}

class WatchedDeadline : public Watched {
 protected:
  void configure(server::Options& options) override {
    Watched::configure(options);
    options.timeouts.statement = std::chrono::milliseconds(20);
  }
};

TEST_F(WatchedDeadline, StatementsWhoseTimeIsOverAreCounted) {
  HttpClient http = client();
  const Json answer = http.pipeline(
      list({execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"), close()}));
  EXPECT_EQ(error_code(answer.at("results")[0]), "SQLITE_INTERRUPT");
  EXPECT_EQ(figure("libsql_server_query_canceled"), 1);
  EXPECT_EQ(error_code(http.pipeline(list({execute("SELECT * FROM nowhere"), close()})).at("results")[0]),
            "SQLITE_UNKNOWN");
  EXPECT_EQ(figure("libsql_server_query_canceled"), 1);
}

class OneThread : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.threads = 1;
    monitor_ =
        std::make_shared<server::Monitor>(std::make_unique<server::AccessLog>(directory_.file("access")), nullptr);
    options.observer = monitor_;
  }
  // A line is written a little after its answer.
  std::vector<Json> access_log(std::size_t expected) {
    std::vector<Json> lines;
    eventually([&] {
      monitor_->access_log()->flush();
      lines.clear();
      std::ifstream file(directory_.file("access"));
      for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
      return lines.size() >= expected;
    });
    return lines;
  }

  std::shared_ptr<server::Monitor> monitor_;
};

TEST_F(OneThread, TheLineOfARequestCountsItsOwnRowsOnly) {
  run("CREATE TABLE t(a)");
  access_log(1);  // Another thread may be faster with the next line.
  run("INSERT INTO t VALUES (1), (2), (3)");
  access_log(2);
  net::WebSocketConnection socket(local_origin(server_->port()), local_options());
  socket.connect("/", std::vector<std::string_view>{"hrana2"}, {}, soon());
  const auto ask = [&](const Json& message) {
    socket.send(net::MessageType::Text, message.dump(), soon());
    return Json::parse(socket.receive(soon()).data);
  };
  const auto request = [&](Json what) {
    what["stream_id"] = 1;
    return ask({{"type", "request"}, {"request_id", 1}, {"request", what}});
  };
  ask({{"type", "hello"}, {"jwt", nullptr}});
  request({{"type", "open_stream"}});
  access_log(3);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(request(execute("SELECT * FROM t")).at("type"), "response_ok");
    EXPECT_EQ(request(execute("INSERT INTO t VALUES (4)")).at("type"), "response_ok");
    run("SELECT 1");
  }
  const std::vector<Json> lines = access_log(5);
  ASSERT_EQ(lines.size(), 5U);
  const auto rows = [&](std::size_t line, const char* which) { return lines[line].at(which).get<int>(); };
  EXPECT_EQ(rows(1, "rows_written"), 3);
  EXPECT_EQ(lines[2].at("method"), "GET") << "the socket";
  EXPECT_EQ(rows(2, "rows_read"), 0);
  for (const std::size_t line : {std::size_t{3}, std::size_t{4}}) {
    EXPECT_EQ(rows(line, "rows_read"), 1);
    EXPECT_EQ(rows(line, "rows_written"), 0);
  }
}

}  // namespace
}  // namespace libsql::test

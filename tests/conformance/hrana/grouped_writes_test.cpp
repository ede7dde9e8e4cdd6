// Single writes that share commits are answered as if each had been run alone.
#include <atomic>
#include <thread>

#include "conformance/hrana/socket.hpp"
#include "support/eventually.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE);"
    "CREATE TABLE log(x);"
    "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
    "CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE guarded(x);"
    "CREATE TRIGGER noted AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (old.b); END;"
    "CREATE TRIGGER refused BEFORE INSERT ON guarded WHEN new.x < 0 BEGIN SELECT RAISE(ROLLBACK, 'negative'); END;"
    "INSERT INTO parent VALUES (1);";

struct Write {
  std::string sql;
  Json args = Json::array();
};

// In this order, so that each finds what the ones before it have left.
std::vector<Write> writes() {
  return {
      {"INSERT INTO t VALUES (?, ?)", list({integer(10), text("ten")})},
      {"INSERT INTO t(b) VALUES ('next') RETURNING a, b"},
      {"INSERT INTO t VALUES (10, 'again')"},
      {"INSERT OR IGNORE INTO t VALUES (10, 'ignored')"},
      {"INSERT INTO t VALUES (20, 'x'), (21, 'y'), (10, 'z')"},
      {"INSERT OR FAIL INTO t VALUES (30, 'p'), (31, 'q'), (10, 'r')"},
      {"INSERT OR ROLLBACK INTO t VALUES (40, 's'), (10, 'u')"},
      {"REPLACE INTO t VALUES (10, 'replaced')"},
      {"UPDATE t SET b = b || '!' WHERE a > 10"},
      {"UPDATE t SET b = 0 WHERE a = 999"},
      {"UPDATE OR IGNORE t SET b = 'one'"},
      {"INSERT INTO log VALUES (last_insert_rowid())"},
      {"INSERT INTO log VALUES (changes())"},
      {"WITH n(i) AS (VALUES (1), (2)) INSERT INTO log SELECT i FROM n RETURNING x"},
      {"DELETE FROM log WHERE x IS NULL"},
      {"DELETE FROM log"},
      {"INSERT INTO child VALUES (1)"},
      {"INSERT INTO child VALUES (2)"},
      {"INSERT INTO child VALUES (1), (3) RETURNING p"},
      {"INSERT INTO guarded VALUES (1)"},
      {"INSERT INTO guarded VALUES (2), (-1)"},
      {"INSERT INTO log VALUES (CAST(x'ff' AS TEXT)) RETURNING x"},
      {"INSERT INTO log VALUES (hex(zeroblob(5000))) RETURNING x"},
      {"INSERT INTO log SELECT value FROM json_each('[1,2,3,4,5,6,7,8,9,10,11]') RETURNING x"},
      {"INSERT INTO log VALUES (zeroblob(200000))"},
      {"INSERT INTO log VALUES (?)"},
      {"INSERT INTO log VALUES (?)", list({integer(1), integer(2)})},
      {"INSERT INTO missing VALUES (1)"},
      {"INSERT INTO log VALUES (1"},
      {"INSERT INTO log VALUES (1); DELETE FROM log"},
      {"INSERT INTO sqlite_schema VALUES (1, 2, 3, 4, 5)"},
  };
}

constexpr const char* kContent =
    "SELECT (SELECT group_concat(a || '=' || coalesce(b, 'null')) FROM t), (SELECT group_concat(typeof(x) || "
    "length(x)) "
    "FROM log), (SELECT group_concat(p) FROM child), (SELECT group_concat(x) FROM guarded)";
constexpr const char* kCounters = "SELECT changes(), total_changes(), last_insert_rowid()";

// What differs from run to run.
Json without_times(Json answer) {
  if (answer.is_object()) {
    answer.erase("query_duration_ms");
    answer.erase("request_id");
  }
  if (answer.is_structured()) {
    for (auto& member : answer) member = without_times(member);
  }
  return answer;
}

/// A server whose single writes share commits, and one where each has its own.
class HranaGroups : public ::testing::Test {
 protected:
  struct Running {
    Running(const TemporaryDirectory& directory, const char* name, server::Durability durability) {
      server::Options options;
      options.data_directory = directory.path() / name;
      options.http.port = 0;
      options.durability = durability;
      options.limits.response_bytes = 4000;
      options.limits.rows = 10;
      options.limits.max_row_size = 100'000;
      options.timeouts.write_wait = std::chrono::milliseconds(300);
      options.timeouts.transaction = std::chrono::seconds(30);
      options.timeouts.statement = std::chrono::seconds(2);
      server = std::make_unique<server::Server>(std::move(options));
      server->start();
      HttpClient http(server->port());
      http.pipeline(list({sequence(kSchema), close()}));
    }
    ~Running() {
      socket_.reset();  // it would not answer the server's farewell
      server->stop(std::chrono::seconds(5));
    }

    Json over_http(const Json& request) {
      HttpClient http(server->port());
      return without_times(http.pipeline(list({request, close()})).at("results").at(0));
    }
    // Its status and what it says.
    Json over_version_1(const Json& request) {
      HttpClient http(server->port());
      const bool is_batch = request.contains("batch");
      const Answer answer = is_batch ? http.post("/v1/batch", {{"batch", request.at("batch")}})
                                     : http.post("/v1/execute", {{"stmt", request.at("stmt")}});
      return {{"status", answer.status}, {"body", without_times(answer.json())}};
    }
    Json over_socket(Json request) {
      request["stream_id"] = 1;
      return without_times(socket().ask(request));
    }
    std::uint64_t grouped() { return server->namespaces().stats("default").grouped_writes; }

    std::unique_ptr<server::Server> server;

   private:
    Socket& socket() {
      if (socket_ == nullptr) {
        socket_ = std::make_unique<Socket>(server->port());
        socket_->hello();
        socket_->ask(open(1));
      }
      return *socket_;
    }
    std::unique_ptr<Socket> socket_;
  };

  static Json execution(const Write& write) { return execute(write.sql, write.args); }
  static Json one_step(const Write& write) {
    Json only = step(write.sql);
    only["stmt"]["args"] = write.args;
    return batch(list({only}));
  }

  // Runs all writes on both servers, one after the other; their answers and what they leave must be the same.
  template <class Ask>
  void compare(Json (*request_of)(const Write&), Ask ask, bool with_counters) {
    for (const Write& write : writes()) {
      const Json request = request_of(write);
      EXPECT_EQ(ask(shared_, request), ask(alone_, request)) << write.sql;
      EXPECT_EQ(shared_.over_http(execute(kContent)), alone_.over_http(execute(kContent))) << write.sql;
      if (!with_counters) continue;
      const Json counters = ask(shared_, execute(kCounters));
      EXPECT_EQ(counters, ask(alone_, execute(kCounters))) << write.sql;
    }
    EXPECT_EQ(alone_.grouped(), 0U);
    EXPECT_GT(shared_.grouped(), 20U);
  }

  TemporaryDirectory directory_;
  Running shared_{directory_, "shared", server::Durability::Strong};
  Running alone_{directory_, "alone", server::Durability::Relaxed};
};

Json ask_http(auto& server, const Json& request) { return server.over_http(request); }
Json ask_socket(auto& server, const Json& request) { return server.over_socket(request); }

TEST_F(HranaGroups, StatementsOverHttpAreAnsweredAsIfAlone) {
  compare(
      execution, [](Running& server, const Json& request) { return ask_http(server, request); }, false);
}

TEST_F(HranaGroups, BatchesOfOneStepOverHttpAreAnsweredAsIfAlone) {
  compare(
      one_step, [](Running& server, const Json& request) { return ask_http(server, request); }, false);
}

TEST_F(HranaGroups, StatementsOverAWebSocketAreAnsweredAsIfAloneAndTheStreamKeepsItsCounters) {
  compare(
      execution, [](Running& server, const Json& request) { return ask_socket(server, request); }, true);
}

TEST_F(HranaGroups, BatchesOfOneStepOverAWebSocketAreAnsweredAsIfAlone) {
  compare(
      one_step, [](Running& server, const Json& request) { return ask_socket(server, request); }, true);
}

TEST_F(HranaGroups, StatementsOverVersion1AreAnsweredAsIfAlone) {
  compare(
      execution, [](Running& server, const Json& request) { return server.over_version_1(request); }, false);
}

TEST_F(HranaGroups, BatchesOfOneStepOverVersion1AreAnsweredAsIfAlone) {
  compare(
      one_step, [](Running& server, const Json& request) { return server.over_version_1(request); }, false);
}

TEST_F(HranaGroups, OnlySingleWritesAreGrouped) {
  const std::uint64_t before = shared_.grouped();
  HttpClient http(shared_.server->port());
  const Json insert = execute("INSERT INTO log VALUES (1)");
  http.pipeline(list({insert, insert, close()}));
  http.pipeline(list({insert, {{"type", "get_autocommit"}}}));
  http.pipeline(list({batch(list({step("INSERT INTO log VALUES (1)"), step("SELECT 1")})), close()}));
  http.pipeline(
      list({batch(list({step("INSERT INTO log VALUES (1)", negated({{"type", "is_autocommit"}}))})), close()}));
  http.pipeline(list({execute("SELECT 1"), close()}));
  http.pipeline(list({execute("CREATE TABLE more(a)"), close()}));
  shared_.over_socket(execute("BEGIN"));
  shared_.over_socket(insert);
  shared_.over_socket(execute("COMMIT"));
  EXPECT_EQ(shared_.grouped(), before);
  shared_.over_socket(insert);
  EXPECT_EQ(shared_.grouped(), before + 1);
  EXPECT_EQ(shared_.over_http(execute("SELECT count(*) FROM log")).at("response").at("result").at("rows")[0][0],
            integer(6));
}

TEST_F(HranaGroups, ABlockedNamespaceSaysWhyAndADatabaseThatIsFullIsFull) {
  const Write insert{"INSERT INTO log VALUES (zeroblob(50000))"};
  for (Running* const server : {&shared_, &alone_}) {
    server::NamespaceConfig config;
    config.max_db_size = 120'000;
    server->server->namespaces().set_config("default", config);
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(shared_.over_http(execution(insert)), alone_.over_http(execution(insert)));
    EXPECT_EQ(shared_.over_socket(one_step(insert)), alone_.over_socket(one_step(insert)));
  }
  EXPECT_EQ(error_code(shared_.over_http(execution(insert))), "SQLITE_FULL");
  for (Running* const server : {&shared_, &alone_}) {
    server::NamespaceConfig config;
    config.block_writes = true;
    config.block_reason = "tidying";
    server->server->namespaces().set_config("default", config);
  }
  EXPECT_EQ(shared_.over_http(execution(insert)), alone_.over_http(execution(insert)));
  EXPECT_EQ(shared_.over_socket(one_step(insert)), alone_.over_socket(one_step(insert)));
  EXPECT_EQ(error_code(shared_.over_http(execution(insert))), "BLOCKED");
}

TEST_F(HranaGroups, WhoWaitsTooLongForTheWriteLockIsBusy) {
  const Write insert{"INSERT INTO log VALUES (1)"};
  for (Running* const server : {&shared_, &alone_}) {
    HttpClient holder(server->server->port());
    const Json baton = holder.pipeline(list({execute("BEGIN IMMEDIATE")})).at("baton");
    for (const Json& request : {execution(insert), one_step(insert)}) {
      const Json http = server->over_http(request);
      EXPECT_EQ(http.dump().find("database is locked") != std::string::npos, true) << http;
      EXPECT_NE(http.dump().find("SQLITE_BUSY"), std::string::npos) << http;
    }
    holder.pipeline(list({close()}), baton);
    EXPECT_EQ(error_code(server->over_http(execution(insert))), "");
  }
}

TEST_F(HranaGroups, AStatementThatRunsTooLongEndsAloneAmongOthers) {
  constexpr const char* kEndless =
      "INSERT INTO log WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      HttpClient http(shared_.server->port());
      while (!over) {
        // Who waits behind it for longer than the lock may take is told so.
        const Json answer = http.pipeline(list({execute("INSERT INTO t(b) VALUES (NULL)"), close()})).at("results")[0];
        const std::string code = error_code(answer);
        if (!code.empty() && code != "SQLITE_BUSY") ++wrong;
      }
    });
  }
  EXPECT_EQ(error_code(shared_.over_http(execute(kEndless))), "SQLITE_INTERRUPT");
  EXPECT_EQ(shared_.over_socket(execute(kEndless)).at("error").at("code"), "SQLITE_INTERRUPT");
  over = true;
  for (std::thread& other : others) other.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(shared_.over_http(execute("SELECT count(*) FROM log")).at("response").at("result").at("rows")[0][0],
            integer(0));
}

TEST_F(HranaGroups, AViolatedForeignKeyOfOneIsNoFailureOfOthers) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&, violates = i % 3 == 0] {
      Socket socket(shared_.server->port());
      socket.hello();
      socket.ask(open(1));
      for (int n = 0; n < 50; ++n) {
        const Json answer =
            socket.ask(on(1, violates ? "INSERT INTO child VALUES (7)" : "INSERT INTO child VALUES (1)"));
        const bool as_expected =
            violates ? answer.at("type") == "response_error" && answer.at("error").at("code") == "SQLITE_CONSTRAINT"
                     : answer.at("type") == "response_ok";
        if (!as_expected) ++wrong;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(shared_.over_http(execute("SELECT count(*), sum(p) FROM child")).at("response").at("result").at("rows")[0],
            list({integer(200), integer(200)}));
  EXPECT_GE(shared_.grouped(), 150U);
}

TEST_F(HranaGroups, AWebSocketThatLeavesEndsItsWriteAndHarmsNoOtherOne) {
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::thread other([&] {
    HttpClient http(shared_.server->port());
    while (!over) {
      const Json answer = http.pipeline(list({execute("INSERT INTO t(b) VALUES (NULL)"), close()})).at("results")[0];
      const std::string code = error_code(answer);
      if (!code.empty() && code != "SQLITE_BUSY") ++wrong;
    }
  });
  const auto log_size = [&] { return shared_.server->namespaces().get("default")->stats().wal_bytes; };
  for (int i = 0; i < 5; ++i) {
    Socket socket(shared_.server->port());
    socket.hello();
    socket.ask(open(1));
    const std::uint64_t before = log_size();
    socket.request(on(1,
                      "INSERT INTO log WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                      "SELECT zeroblob(50000) FROM n"));
    // It runs, and has more than fits into its memory.
    EXPECT_TRUE(eventually([&] { return log_size() > before + 1'000'000; }));
  }
  over = true;
  other.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(error_code(shared_.over_http(execute("DELETE FROM log"))), "");
}

}  // namespace
}  // namespace libsql::test

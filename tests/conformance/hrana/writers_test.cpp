// Who may write when: the line of writers, take-over, disconnects.
#include <atomic>
#include <thread>

#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaWriters : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.timeouts.transaction = std::chrono::milliseconds(500); }
};

TEST_F(HranaWriters, AWriteLockHeldTooLongIsTakenOverAndItsHolderIsTold) {
  run("CREATE TABLE t(a)");
  HttpClient holder = client();
  Json baton = holder.pipeline(list({execute("BEGIN IMMEDIATE"), execute("INSERT INTO t VALUES (1)")})).at("baton");
  const auto begun = std::chrono::steady_clock::now();
  run("INSERT INTO t VALUES (2)");  // waits, then takes over
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(400));
  const Json told = holder.pipeline(
      list({batch(list({step("INSERT INTO t VALUES (3)"), step("COMMIT", ok(0)), step("SELECT 1", failed(0))}))}),
      baton);
  const Json result = result_of(told.at("results")[0]);
  for (const Json& error : result.at("step_errors")) {
    EXPECT_EQ(error.at("code"), "TRANSACTION_TIMEOUT");
    EXPECT_EQ(error.at("message"), "Transaction timed out");
  }
  EXPECT_EQ(number("SELECT group_concat(a) FROM t"), 2);
}

TEST_F(HranaWriters, TheStreamOfALostTransactionGoesOnInAutocommit) {
  run("CREATE TABLE t(a)");
  HttpClient holder = client();
  const Json baton =
      holder.pipeline(list({execute("BEGIN IMMEDIATE"), {{"type", "store_sql"}, {"sql_id", 1}, {"sql", "SELECT 1"}}}))
          .at("baton");
  run("INSERT INTO t VALUES (2)");
  const Json results =
      holder
          .pipeline(list({execute("COMMIT"), {{"type", "get_autocommit"}}, execute("INSERT INTO t VALUES (4)")}), baton)
          .at("results");
  EXPECT_EQ(error_code(results[0]), "TRANSACTION_TIMEOUT");
  EXPECT_EQ(results[1].at("response").at("is_autocommit"), true);
  EXPECT_EQ(results[2].at("type"), "ok");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

TEST_F(HranaWriters, NobodyTakesOverWhatNobodyWaitsFor) {
  run("CREATE TABLE t(a)");
  HttpClient holder = client();
  const Json baton =
      holder.pipeline(list({execute("BEGIN IMMEDIATE"), execute("INSERT INTO t VALUES (1)")})).at("baton");
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);  // readers do not count
  EXPECT_EQ(holder.pipeline(list({execute("COMMIT"), close()}), baton).at("results")[0].at("type"), "ok");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_F(HranaWriters, ManyWritersWaitInLineAndNoneIsBusy) {
  run("CREATE TABLE t(a)");
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      HttpClient http = client();
      for (int n = 0; n < 25; ++n) {
        const Json answer = http.pipeline(list(
            {batch(list({step("BEGIN IMMEDIATE"), step("INSERT INTO t VALUES (1)", ok(0)), step("COMMIT", ok(1))})),
             close()}));
        const Json result = result_of(answer.at("results")[0]);
        for (const Json& error : result.at("step_errors")) {
          if (!error.is_null()) ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 200);
}

TEST_F(HranaWriters, AReaderThatWantsToWriteOnAnOldSnapshotIsBusy) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("BEGIN"), execute("SELECT * FROM t")})).at("baton");
  run("INSERT INTO t VALUES (1)");
  const Json results = http.pipeline(list({execute("INSERT INTO t VALUES (2)"), execute("ROLLBACK"), close()}), baton);
  EXPECT_EQ(error_code(results.at("results")[0]), "SQLITE_BUSY");
}

TEST_F(HranaWriters, AClientThatLeavesEndsItsStatement) {
  run("CREATE TABLE t(a)");
  {
    HttpClient http = client();
    const std::string body =
        Json{{"requests", list({execute("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                        "SELECT i FROM n")})}}
            .dump();
    EXPECT_THROW(http.connection().request({"POST", "/v2/pipeline", {}, body}, within(std::chrono::milliseconds(300))),
                 net::NetError);
  }
  run("INSERT INTO t VALUES (1)");  // would wait for ever if the endless one went on
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

class HranaDurable : public ServerTest {
  void configure(server::Options& options) override { options.durability = server::Durability::Strong; }
};

TEST_F(HranaDurable, SingleWritesOfManyClientsShareCommitsAndFailAlone) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      HttpClient http = client();
      for (int n = 0; n < 25; ++n) {
        const std::int64_t key = 1000 * i + n;
        const Json requests =
            list({execute("INSERT INTO t VALUES (?, ?) RETURNING a", list({integer(key), text("x")})), close()});
        const Json result = result_of(http.pipeline(requests).at("results")[0]);
        if (result.at("last_insert_rowid") != std::to_string(key) || result.at("affected_row_count") != 1 ||
            result.at("rows")[0][0] != integer(key)) {
          ++wrong;
        }
        if (error_code(http.pipeline(requests).at("results")[0]) != "SQLITE_CONSTRAINT") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 200);
  HttpClient http = client();
  const Json refused = http.pipeline(list({execute("INSERT INTO missing VALUES (1)"), close()})).at("results")[0];
  EXPECT_EQ(error_code(refused), "SQLITE_UNKNOWN");
}

constexpr const char* kEndlessInsert =
    "INSERT INTO t(b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

TEST_F(HranaDurable, AClientThatLeavesEndsItsWriteInAGroupAndHarmsNoOtherOne) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  std::atomic<int> wrong = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      HttpClient http = client();
      while (!over) {
        const Json answer = http.pipeline(list({execute("INSERT INTO t(b) VALUES ('x')"), close()})).at("results")[0];
        if (answer.at("type") != "ok") ++wrong;
      }
    });
  }
  const std::string body = Json{{"requests", list({execute(kEndlessInsert), close()})}}.dump();
  for (int i = 0; i < 5; ++i) {
    HttpClient http = client();
    EXPECT_THROW(http.connection().request({"POST", "/v2/pipeline", {}, body}, within(std::chrono::milliseconds(100))),
                 net::NetError);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE b <> 'x'"), 0);
}

TEST_F(HranaDurable, AWriteThatBreaksItsGroupBreaksNoOtherOne) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  run("INSERT INTO t VALUES (1, 'first')");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, breaks = i % 2 == 0] {
      HttpClient http = client();
      for (int n = 0; n < 50; ++n) {
        const char* const sql = breaks ? "INSERT OR ROLLBACK INTO t VALUES (1, 'x')" : "INSERT INTO t(b) VALUES ('x')";
        const Json answer = http.pipeline(list({execute(sql), close()})).at("results")[0];
        if ((breaks ? error_code(answer) : "") != (breaks ? "SQLITE_CONSTRAINT" : "")) ++wrong;
        if (!breaks && answer.at("type") != "ok") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 151);
}

class HranaStatementLimit : public ServerTest {
  void configure(server::Options& options) override { options.timeouts.statement = std::chrono::milliseconds(200); }
};

TEST_F(HranaStatementLimit, AStatementThatRunsTooLongIsEnded) {
  HttpClient http = client();
  const Json results = http.pipeline(list({execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                                   "SELECT count(*) FROM n"),
                                           execute("SELECT 1"), close()}))
                           .at("results");
  EXPECT_EQ(error_code(results[0]), "SQLITE_INTERRUPT");
  EXPECT_EQ(results[1].at("type"), "ok");
}

class HranaFewConnections : public ServerTest {
  void configure(server::Options& options) override {
    options.limits.connections = 2;
    options.timeouts.connection_wait = std::chrono::milliseconds(100);
  }
};

TEST_F(HranaFewConnections, MoreStreamsThanConnectionsAreRefusedWith429) {
  HttpClient http = client();
  const Json first = http.pipeline(list({execute("BEGIN")})).at("baton");
  const Json second = http.pipeline(list({execute("BEGIN")})).at("baton");
  EXPECT_EQ(http.post("/v3/pipeline", {{"requests", list({execute("SELECT 1"), close()})}}).status, 429);
  http.pipeline(list({close()}), first);
  EXPECT_EQ(http.post("/v3/pipeline", {{"requests", list({execute("SELECT 1"), close()})}}).status, 200);
  http.pipeline(list({close()}), second);
}

}  // namespace
}  // namespace libsql::test

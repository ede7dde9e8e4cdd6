// Who may write when: the line of writers, take-over, disconnects.
#include <atomic>
#include <thread>

#include "conformance/hrana/socket.hpp"
#include "server/databases/writers_room.hpp"
#include "support/eventually.hpp"
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
  for (const int step : {0, 2}) {
    const Json& error = result.at("step_errors")[static_cast<std::size_t>(step)];
    EXPECT_EQ(error.at("code"), "TRANSACTION_TIMEOUT");
    EXPECT_EQ(error.at("message"), "Transaction timed out");
  }
  EXPECT_TRUE(result.at("step_errors")[1].is_null());  // skipped, by its condition
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

class OneSeat : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.threads = 2;  // of which one may wait for its turn to write
    options.timeouts.transaction = std::chrono::minutes(5);
  }
};

TEST_F(OneSeat, ADescriptionDoesNotWaitBehindWriters) {
  run("CREATE TABLE t(a)");
  HttpClient holder = client();
  const Json baton = holder.pipeline(list({execute("BEGIN IMMEDIATE")})).at("baton");
  std::thread writer([this] { run("INSERT INTO t VALUES (1)"); });
  EXPECT_TRUE(eventually([this] { return server_->namespaces().get("default")->writers_room().is_full(); }));
  Socket socket(server_->port());
  socket.hello();
  socket.ask(open(1));
  const Json answer = socket.ask({{"type", "describe"}, {"stream_id", 1}, {"sql", "INSERT INTO t VALUES (2)"}});
  EXPECT_EQ(answer.at("type"), "response_ok") << answer;
  EXPECT_EQ(answer.at("response").at("result").at("is_readonly"), false);
  holder.pipeline(list({close()}), baton);
  writer.join();
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

// Streams whose transaction was taken away by a writer that waited.
class HranaLostTransaction : public HranaWriters {
 protected:
  static constexpr std::chrono::milliseconds kLimit{50};
  void configure(server::Options& options) override { options.timeouts.transaction = kLimit; }
  void SetUp() override {
    HranaWriters::SetUp();
    run("CREATE TABLE t(a)");
  }
  /// The baton of such a stream.
  Json lose(HttpClient& holder, const std::string& begin = "BEGIN IMMEDIATE") {
    const Json baton = holder.pipeline(list({execute(begin), execute("INSERT INTO t VALUES (1)")})).at("baton");
    run("INSERT INTO t VALUES (0)");
    return baton;
  }
  static std::vector<std::string> codes(const Json& answer) {
    std::vector<std::string> codes;
    for (const Json& result : answer.at("results")) codes.push_back(error_code(result));
    return codes;
  }
  /// What is in the table beside the rows of the writer that waited.
  std::int64_t kept() { return number("SELECT count(*) FROM t WHERE a <> 0"); }
};

using Codes = std::vector<std::string>;
const std::string kLost = "TRANSACTION_TIMEOUT";

TEST_F(HranaLostTransaction, NothingThatWasMeantForItHappensOutsideIt) {
  HttpClient http = client();
  const Json insert = execute("INSERT INTO t VALUES (2)");
  Json baton = lose(http);
  Json answer = http.pipeline(list({insert, insert, sequence("INSERT INTO t VALUES (3); INSERT INTO t VALUES (4)"),
                                    batch(list({step("INSERT INTO t VALUES (5)"), step("SELECT 1")})), insert}),
                              baton);
  EXPECT_EQ(codes(answer), (Codes{kLost, kLost, kLost, "", kLost}));
  const Json of_batch = result_of(answer.at("results")[3]);
  for (const Json& error : of_batch.at("step_errors")) EXPECT_EQ(error.at("code"), kLost);
  // Nor in the next request, or one over a cursor.
  answer = http.pipeline(list({insert, execute("SAVEPOINT s"), insert, execute("RELEASE s"), execute("SELECT 1")}),
                         answer.at("baton"));
  EXPECT_EQ(codes(answer), (Codes{kLost, kLost, kLost, kLost, kLost}));
  const std::vector<Json> entries =
      http.cursor({{"steps", list({step("INSERT INTO t VALUES (6)")})}}, answer.at("baton"));
  ASSERT_GT(entries.size(), 2u) << Json(entries);
  EXPECT_EQ(entries[2].at("error").at("code"), kLost) << entries[2];
  answer = http.pipeline(list({insert, execute("COMMIT")}), entries.front().at("baton"));
  EXPECT_EQ(codes(answer), (Codes{kLost, kLost}));
  EXPECT_EQ(kept(), 0);
}

TEST_F(HranaLostTransaction, CommitFailsAndEndsIt) {
  HttpClient http = client();
  const Json answer = http.pipeline(
      list({execute("COMMIT"), execute("INSERT INTO t VALUES (7)"), execute("COMMIT"), close()}), lose(http));
  EXPECT_EQ(codes(answer), (Codes{kLost, "", "SQLITE_UNKNOWN", ""}));
  EXPECT_EQ(kept(), 1);  // it came after what ended the transaction
}

TEST_F(HranaLostTransaction, RollbackSucceedsAndEndsIt) {
  for (const char* rollback : {"ROLLBACK", "rollback transaction", " ; /* all */ ROLLBACK"}) {
    HttpClient http = client();
    const Json answer = http.pipeline(list({execute("INSERT INTO t VALUES (8)"),
                                            sequence(rollback),
                                            {{"type", "get_autocommit"}},
                                            execute("SELECT count(*) FROM t"),
                                            execute("ROLLBACK"),
                                            close()}),
                                      lose(http));
    EXPECT_EQ(codes(answer), (Codes{kLost, "", "", "", "SQLITE_UNKNOWN", ""})) << rollback;
    EXPECT_EQ(answer.at("results")[2].at("response").at("is_autocommit"), true);
  }
  EXPECT_EQ(kept(), 0);
}

TEST_F(HranaLostTransaction, ARollbackThatCannotRunDoesNotEndIt) {
  HttpClient http = client();
  const Json answer = http.pipeline(
      list({execute("ROLLBACK", list({integer(1)})), execute("INSERT INTO t VALUES (8)"), close()}), lose(http));
  EXPECT_EQ(codes(answer), (Codes{"ARGS_INVALID", kLost, ""}));
  EXPECT_EQ(kept(), 0);
}

TEST_F(HranaLostTransaction, AnotherOneBeginsOnceTheClientWasTold) {
  HttpClient http = client();
  const Json answer = http.pipeline(list({execute("BEGIN"), execute("INSERT INTO t VALUES (9)"), execute("BEGIN"),
                                          execute("INSERT INTO t VALUES (10)"), execute("COMMIT"), close()}),
                                    lose(http));
  EXPECT_EQ(codes(answer), (Codes{kLost, kLost, "", "", "", ""}));
  EXPECT_EQ(number("SELECT max(a) FROM t"), 10);
  EXPECT_EQ(kept(), 1);
}

TEST_F(HranaLostTransaction, OneThatASavepointBeganEndsWithItsRelease) {
  HttpClient http = client();
  const Json answer =
      http.pipeline(list({execute("ROLLBACK TO outer"), execute("RELEASE inner"), execute("INSERT INTO t VALUES (11)"),
                          execute("RELEASE \"OUTER\""), execute("INSERT INTO t VALUES (12)"), close()}),
                    lose(http, "SAVEPOINT outer"));
  EXPECT_EQ(codes(answer), (Codes{kLost, kLost, kLost, kLost, "", ""}));
  EXPECT_EQ(kept(), 1);
}

TEST_F(HranaLostTransaction, TheSameGoesForTheStreamOfAWebSocket) {
  Socket ws(server_->port());
  ws.hello();
  ws.ask(open(1));
  ws.ask(on(1, "BEGIN IMMEDIATE"));
  ws.ask(on(1, "INSERT INTO t VALUES (1)"));
  run("INSERT INTO t VALUES (0)");
  const auto code = [&](const Json& request) {
    const Json answer = ws.ask(request);
    return answer.at("type") == "response_error" ? answer.at("error").at("code").get<std::string>() : std::string();
  };
  EXPECT_EQ(code(on(1, "INSERT INTO t VALUES (13)")), kLost);
  EXPECT_EQ(code({{"type", "sequence"}, {"stream_id", 1}, {"sql", "INSERT INTO t VALUES (14)"}}), kLost);
  const Json batched =
      ws.ask({{"type", "batch"}, {"stream_id", 1}, {"batch", {{"steps", list({step("INSERT INTO t VALUES (15)")})}}}});
  EXPECT_EQ(batched.at("response").at("result").at("step_errors")[0].at("code"), kLost);
  EXPECT_EQ(code(on(1, "COMMIT")), kLost);
  EXPECT_EQ(code(on(1, "INSERT INTO t VALUES (16)")), "");
  EXPECT_EQ(number("SELECT max(a) FROM t"), 16);
  EXPECT_EQ(kept(), 1);
}

TEST_F(HranaLostTransaction, AStatementAloneThatHeldWritersUpLosesNoMoreThanItsRows) {
  Socket ws(server_->port(), {"hrana3"});
  ws.hello();
  ws.ask(open(1));
  const Json steps =
      list({step("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 20 UNION ALL SELECT i + 1 FROM n WHERE i < 220) "
                 "SELECT i FROM n RETURNING a")});
  ws.ask({{"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 1}, {"batch", {{"steps", steps}}}});
  const auto fetch = [&](int count) {
    return ws.ask({{"type", "fetch_cursor"}, {"cursor_id", 1}, {"max_count", count}}).at("response").at("entries");
  };
  EXPECT_EQ(fetch(2)[1].at("type"), "row");
  run("INSERT INTO t VALUES (0)");  // waits for the write lock, and takes it
  EXPECT_EQ(fetch(1000)[0].at("type"), "step_error");
  ws.ask({{"type", "close_cursor"}, {"cursor_id", 1}});
  EXPECT_EQ(ws.ask(on(1, "INSERT INTO t VALUES (300)")).at("type"), "response_ok");
  EXPECT_EQ(number("SELECT max(a) FROM t"), 300);
}

TEST_F(HranaLostTransaction, IsNotLostWhileNobodyWaitsToWrite) {
  HttpClient holder = client();
  const auto begun = std::chrono::steady_clock::now();
  const Json baton =
      holder.pipeline(list({execute("BEGIN IMMEDIATE"), execute("INSERT INTO t VALUES (1)")})).at("baton");
  const std::int64_t before = number("SELECT count(*) FROM t");
  while (std::chrono::steady_clock::now() - begun < 3 * kLimit) {  // readers do not count
    ASSERT_EQ(number("SELECT count(*) FROM t"), before);
  }
  EXPECT_EQ(holder.pipeline(list({execute("COMMIT"), close()}), baton).at("results")[0].at("type"), "ok");
  EXPECT_EQ(number("SELECT count(*) FROM t"), before + 1);
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

// Hrana over HTTP: pipelines, streams and what they answer. One test or more for each point of the protocol's
// checklist.
#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>

#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaPipeline : public ServerTest {};

TEST_F(HranaPipeline, ProbesAnswerWithoutCredentialsAndInfoDoesNot) {
  HttpClient http = client();
  for (const char* path : {"/v1", "/v2", "/v3", "/v3-protobuf", "/health", "/version"}) {
    EXPECT_EQ(http.get(path).status, 200) << path;
  }
  EXPECT_EQ(http.get("/info").status, 404);
  EXPECT_EQ(http.get("/").status, 404);
  EXPECT_EQ(http.get("/v2/pipeline").status, 405);
}

TEST_F(HranaPipeline, BatonMayBeMissingOrNullAndNoContentTypeIsNeeded) {
  HttpClient http = client();
  const Json requests = list({execute("SELECT 1"), close()});
  for (const char* path : {"/v2/pipeline", "/v3/pipeline"}) {
    EXPECT_EQ(http.post(path, {{"requests", requests}}).status, 200);
    EXPECT_EQ(http.post(path, {{"baton", nullptr}, {"requests", requests}}).status, 200);
    EXPECT_EQ(http.send("POST", path, Json{{"requests", requests}}.dump(), {{"content-type", "x/y"}}).status, 200);
  }
}

TEST_F(HranaPipeline, UnknownMembersAreIgnoredAndUnknownRequestTypesRefused) {
  HttpClient http = client();
  Json request = execute("SELECT 1");
  request["more"] = {1, 2};
  request["stmt"]["other"] = "x";
  EXPECT_EQ(http.post("/v2/pipeline", {{"requests", list({request})}, {"extra", true}}).status, 200);
  EXPECT_EQ(http.post("/v2/pipeline", {{"requests", list({{{"type", "frobnicate"}}})}}).status, 400);
}

TEST_F(HranaPipeline, ResultsFollowRequestsByNumberAndType) {
  HttpClient http = client();
  const Json requests = list({execute("SELECT 1"),
                              batch(list({step("SELECT 2")})),
                              sequence("SELECT 3"),
                              {{"type", "describe"}, {"sql", "SELECT 4"}},
                              {{"type", "store_sql"}, {"sql_id", 1}, {"sql", "SELECT 5"}},
                              {{"type", "close_sql"}, {"sql_id", 1}},
                              {{"type", "get_autocommit"}},
                              close()});
  const Json results = http.pipeline(requests).at("results");
  ASSERT_EQ(results.size(), requests.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].at("type"), "ok");
    EXPECT_EQ(results[i].at("response").at("type"), requests[i].at("type"));
  }
}

TEST_F(HranaPipeline, AnErrorInsideDoesNotStopLaterRequests) {
  HttpClient http = client();
  const Json results =
      http.pipeline(list({execute("SELECT * FROM missing"), execute("SELECT 7"), close()})).at("results");
  EXPECT_EQ(error_code(results[0]), "SQLITE_UNKNOWN");
  EXPECT_EQ(result_of(results[1]).at("rows").at(0).at(0).at("value"), "7");
}

TEST_F(HranaPipeline, AStreamGetsAnotherBatonEachTimeUntilItIsClosed) {
  HttpClient http = client();
  Json baton;
  std::set<std::string> seen;
  for (int i = 0; i < 5; ++i) {
    baton = http.pipeline(list({execute("SELECT 1")}), baton).at("baton");
    ASSERT_TRUE(baton.is_string());
    EXPECT_TRUE(seen.insert(baton).second);
  }
  EXPECT_TRUE(http.pipeline(list({execute("SELECT 1"), close()}), baton).at("baton").is_null());
  const Json first = http.pipeline(list({execute("BEGIN")})).at("baton");
  ASSERT_TRUE(first.is_string());
  const Json second = http.pipeline(list({execute("SELECT 1")}), first).at("baton");
  ASSERT_TRUE(second.is_string());
  EXPECT_NE(first, second);
}

TEST_F(HranaPipeline, AStreamWithoutStateLeavesNothingAtTheServer) {
  HttpClient http = client();
  for (const Json& requests :
       {Json::array(), list({execute("SELECT 1")}), list({batch(list({step("SELECT 1")}))}),
        list({sequence("SELECT 1; SELECT 2")}), list({{{"type", "get_autocommit"}}}),
        list({{{"type", "describe"}, {"sql", "SELECT 1"}}}), list({execute("SELEC")}),
        list({execute("BEGIN"), execute("COMMIT")}),
        list({{{"type", "store_sql"}, {"sql_id", 1}, {"sql", "SELECT 1"}}, {{"type", "close_sql"}, {"sql_id", 1}}})}) {
    const Json baton = http.pipeline(requests).at("baton");
    EXPECT_TRUE(baton.is_string()) << requests;
    EXPECT_TRUE(http.pipeline(requests, baton).at("baton").is_string()) << requests;
  }
  EXPECT_EQ(server_->describe_streams().size(), 0U);
  EXPECT_EQ(server_->gauges().http_streams, 0U);
  EXPECT_EQ(server_->gauges().connections_in_use, 0U);
}

TEST_F(HranaPipeline, WhatBeginsOnAStreamWithoutStateIsASecondUseFromThenOn) {
  HttpClient http = client();
  const Json empty = http.pipeline(list({execute("SELECT 1")})).at("baton");
  const Json begun = http.pipeline(list({execute("BEGIN"), execute("CREATE TABLE t(a)")}), empty).at("baton");
  const Answer again = http.post("/v3/pipeline", {{"baton", empty}, {"requests", list({execute("SELECT 1")})}});
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.json().at("code"), "BATON_REUSED");
  http.pipeline(list({execute("COMMIT"), close()}), begun);
  EXPECT_EQ(http.post("/v3/pipeline", {{"baton", empty}, {"requests", Json::array()}}).status, 400);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(HranaPipeline, ABatonWithoutStateOutlivesTheServerAndOneOfATransactionDoesNot) {
  Json empty, begun;
  {
    HttpClient http = client();
    empty = http.pipeline(list({execute("SELECT 1")})).at("baton");
    begun = http.pipeline(list({execute("BEGIN")})).at("baton");
  }
  server_->stop(std::chrono::seconds(5));
  server_.reset();
  SetUp();
  HttpClient http = client();
  EXPECT_EQ(http.pipeline(list({execute("SELECT 7")}), empty).at("results").size(), 1U);
  EXPECT_EQ(http.post("/v3/pipeline", {{"baton", begun}, {"requests", Json::array()}}).status, 400);
}

TEST_F(HranaPipeline, OurClientIsToldThatNothingIsKeptForItsBaton) {
  HttpClient http = client();
  const auto said = [&](const Json& requests) {
    const std::string body = Json{{"requests", requests}}.dump();
    const net::HttpResponse response = http.connection().request({"POST", "/v3/pipeline", {}, body}, soon());
    return std::string(response.header("libsql-stream").value_or("nothing"));
  };
  EXPECT_EQ(said(list({execute("SELECT 1")})), "stateless");
  EXPECT_EQ(said(list({execute("BEGIN")})), "nothing");
  EXPECT_EQ(said(list({execute("SELECT 1"), close()})), "nothing");
}

TEST_F(HranaPipeline, TheBatonOfAClosedStreamFails) {
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("BEGIN")})).at("baton");
  EXPECT_TRUE(http.pipeline(list({close()}), baton).at("baton").is_null());
  EXPECT_EQ(http.post("/v3/pipeline", {{"baton", baton}, {"requests", Json::array()}}).status, 400);
}

TEST_F(HranaPipeline, AReplayedBatonFailsAndDoesNotHarmTheStream) {
  HttpClient http = client();
  const Json first = http.pipeline(list({execute("BEGIN")})).at("baton");
  const Json second = http.pipeline(list({execute("CREATE TABLE t(a)")}), first).at("baton");
  const Answer replayed = http.post("/v3/pipeline", {{"baton", first}, {"requests", list({execute("ROLLBACK")})}});
  EXPECT_EQ(replayed.status, 400);
  EXPECT_NE(replayed.body.find("Received a baton that has already been used"), std::string::npos);
  http.pipeline(list({execute("COMMIT"), close()}), second);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(HranaPipeline, OfTwoRequestsWithOneBatonOneSucceeds) {
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("BEGIN")})).at("baton");
  const Json slow = {{"baton", baton},
                     {"requests",
                      {execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
                               "SELECT max(i) FROM n")}}};
  std::atomic<int> succeeded = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      HttpClient own = client();
      const int status = own.post("/v3/pipeline", slow).status;
      (status == 200 ? succeeded : refused) += status == 200 || status == 400 ? 1 : 100;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(refused, 1);
}

TEST_F(HranaPipeline, AnAlteredBatonIsRefused) {
  HttpClient http = client();
  const std::string baton = http.pipeline(list({execute("BEGIN")})).at("baton");
  for (std::size_t i = 0; i < baton.size(); i += 7) {
    std::string altered = baton;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(http.post("/v3/pipeline", {{"baton", altered}, {"requests", Json::array()}}).status, 400) << i;
  }
  for (const char* other : {"", "x", "!!!!"}) {
    const Answer answer = http.post("/v3/pipeline", {{"baton", other}, {"requests", Json::array()}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find("Received an invalid baton"), std::string::npos);
  }
  http.pipeline(list({execute("ROLLBACK"), close()}), baton);
}

TEST_F(HranaPipeline, BatonsOfPipelineAndCursorAreInterchangeable) {
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("BEGIN"), execute("CREATE TABLE t(a)")})).at("baton");
  const auto lines = http.cursor({{"steps", list({step("INSERT INTO t VALUES (1)")})}}, baton);
  http.pipeline(list({execute("COMMIT"), close()}), lines.at(0).at("baton"));
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_F(HranaPipeline, AnEmptyPipelineSucceeds) {
  HttpClient http = client();
  EXPECT_EQ(http.pipeline(Json::array()).at("results").size(), 0U);
  const Json baton = http.pipeline(list({execute("BEGIN")})).at("baton");
  EXPECT_TRUE(http.pipeline(Json::array(), baton).at("baton").is_string());
}

TEST_F(HranaPipeline, UnknownOrMissingSqlIsAProtocolErrorThatEndsTheStream) {
  HttpClient http = client();
  const Json bad_stmts = {{{"sql_id", 5}}, Json::object(), {{"sql", "SELECT 1"}, {"sql_id", 5}}};
  for (const Json& bad : bad_stmts) {
    const Json baton = http.pipeline(list({execute("BEGIN")})).at("baton");
    const Answer answer =
        http.post("/v3/pipeline", {{"baton", baton}, {"requests", list({{{"type", "execute"}, {"stmt", bad}}})}});
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(answer.content_type, "application/json");
    EXPECT_EQ(http.post("/v3/pipeline", {{"baton", baton}, {"requests", Json::array()}}).status, 400);
  }
}

TEST_F(HranaPipeline, TheFiftyFirstStoredTextAndOneThatIsTooLongAreRefusedInside) {
  HttpClient http = client();
  Json requests = Json::array();
  for (int i = 0; i < 51; ++i) requests.push_back({{"type", "store_sql"}, {"sql_id", i}, {"sql", "SELECT 1"}});
  const Json results = http.pipeline(requests).at("results");
  EXPECT_EQ(results[49].at("type"), "ok");
  EXPECT_EQ(error_code(results[50]), "SQL_STORE_TOO_MANY");
  const auto store = [&](std::size_t bytes) {
    return http.pipeline(list({{{"type", "store_sql"}, {"sql_id", 1}, {"sql", std::string(bytes, ' ')}}}))
        .at("results")[0];
  };
  EXPECT_EQ(store(5000).at("type"), "ok");
  EXPECT_EQ(error_code(store(5001)), "SQL_STORE_TOO_LARGE");
}

TEST_F(HranaPipeline, StoredSqlBelongsToItsStream) {
  HttpClient http = client();
  const Json by_id = {{"type", "execute"}, {"stmt", {{"sql_id", 1}}}};
  const Json stored = http.pipeline(list({{{"type", "store_sql"}, {"sql_id", 1}, {"sql", "SELECT 8"}}}));
  const Json again = http.pipeline(list({by_id}), stored.at("baton"));
  EXPECT_EQ(result_of(again.at("results")[0]).at("rows")[0][0].at("value"), "8");
  EXPECT_EQ(http.post("/v3/pipeline", {{"requests", list({by_id})}}).status, 400);
  const Json closed = http.pipeline(list({{{"type", "close_sql"}, {"sql_id", 77}}, close()}), again.at("baton"));
  EXPECT_EQ(closed.at("results")[0].at("type"), "ok");
}

TEST_F(HranaPipeline, ContentTypesAreExact) {
  HttpClient http = client();
  const Json good = {{"requests", list({execute("SELECT 1"), close()})}};
  EXPECT_EQ(http.post("/v2/pipeline", good).content_type, "application/json");
  EXPECT_EQ(http.send("POST", "/v3-protobuf/pipeline", "").content_type, "application/x-protobuf");
  EXPECT_EQ(http.post("/v3/cursor", {{"batch", {{"steps", Json::array()}}}}).content_type, "text/plain");
  EXPECT_EQ(http.send("POST", "/v3-protobuf/cursor", "").content_type, "application/octet-stream");
  EXPECT_EQ(http.send("POST", "/v2/pipeline", "{").content_type, "application/json");
  EXPECT_EQ(http.send("POST", "/v3-protobuf/pipeline", "\x07").content_type, "application/json");
}

TEST_F(HranaPipeline, EveryErrorHasACode) {
  HttpClient http = client();
  const Json results = http.pipeline(list({execute("SELECT * FROM missing"), execute("SELEC"), execute(""),
                                           execute("SELECT ?"), close()}))
                           .at("results");
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(results[i].at("error").at("code").is_string()) << i;
    EXPECT_TRUE(results[i].at("error").at("message").is_string()) << i;
  }
  const Json body = http.send("POST", "/v2/pipeline", "{").json();
  for (const char* member : {"error", "message", "code"}) EXPECT_TRUE(body.at(member).is_string());
}

TEST_F(HranaPipeline, TheBodyOfAClosedPipelineHasNullBatonAndBaseUrl) {
  HttpClient http = client();
  const Json answer = http.pipeline(list({execute("SELECT 1"), close()}));
  EXPECT_TRUE(answer.at("baton").is_null());
  EXPECT_TRUE(answer.at("base_url").is_null());
}

TEST_F(HranaPipeline, RequestsAfterCloseThatNeedTheStreamFailThePipeline) {
  HttpClient http = client();
  const Answer answer = http.post("/v3/pipeline", {{"requests", list({close(), execute("SELECT 1")})}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("Stream for this baton was closed"), std::string::npos);
  EXPECT_EQ(http.post("/v3/pipeline", {{"requests", list({close(), close()})}}).status, 200);
}

TEST_F(HranaPipeline, BrowsersMayAskFromAnyPage) {
  HttpClient http = client();
  const Answer answer = http.send("OPTIONS", "/v2/pipeline", {}, {{"access-control-request-headers", "authorization"}});
  EXPECT_EQ(answer.status, 200);
}

// Before the server, whose threads look at it to their end.
struct WithFakeClock {
  FakeClock clock_{FakeClock::Pace::Running};
};

class HranaIdle : public WithFakeClock, public ServerTest {
 protected:
  // Lets so much time pass that no stream is kept for its client.
  void pass() {
    clock_.advance(std::chrono::hours(24));
    ASSERT_TRUE(eventually([&] { return server_->gauges().http_streams == 0; }));
  }
};

TEST_F(HranaIdle, AnIdleTransactionExpiresAndIsRolledBack) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const Json baton = http.pipeline(list({execute("BEGIN"), execute("INSERT INTO t VALUES (1)")})).at("baton");
  EXPECT_EQ(server_->gauges().http_streams, 1U);
  pass();
  const Answer answer = http.post("/v3/pipeline", {{"baton", baton}, {"requests", list({execute("COMMIT")})}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.json().at("code"), "STREAM_EXPIRED");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  run("INSERT INTO t VALUES (2)");  // nobody holds the lock any more
}

TEST_F(HranaIdle, AStreamWithoutATransactionGoesOnAfterAnyIdleTime) {
  HttpClient http = client();
  http.pipeline(list({execute("CREATE TABLE t(a)"), close()}));
  const Json baton = http.pipeline(list({execute("INSERT INTO t VALUES (1)")})).at("baton");
  ASSERT_TRUE(baton.is_string());
  const auto head = http.cursor({{"steps", list({step("SELECT 1")})}}).at(0);
  http.pipeline(list({execute("BEGIN")}));  // a younger one, which shows when the time has passed for all
  EXPECT_GE(server_->gauges().http_streams, 1U);
  pass();
  EXPECT_EQ(result_of(http.pipeline(list({execute("SELECT a FROM t")}), baton).at("results")[0]).at("rows").size(), 1U);
  EXPECT_EQ(http.pipeline(list({execute("SELECT 1"), close()}), head.at("baton")).at("results").size(), 2U);
}

}  // namespace
}  // namespace libsql::test

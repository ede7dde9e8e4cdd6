// The stateless requests: version 1 over HTTP, and the API from before Hrana.
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaStateless : public ServerTest {
 protected:
  Answer legacy(std::initializer_list<Json> statements) {
    HttpClient http = client();
    return http.post("/", {{"statements", list(statements)}});
  }
};

TEST_F(HranaStateless, Version1ExecutesAndBatches) {
  HttpClient http = client();
  const Answer executed = http.post("/v1/execute", {{"stmt", stmt("SELECT 3")}});
  EXPECT_EQ(executed.status, 200);
  EXPECT_EQ(executed.json().at("result").at("rows")[0][0], integer(3));
  const Json batched =
      http.post("/v1/batch", {{"batch", {{"steps", list({step("SELECT 1"), step("SELECT 2", ok(0))})}}}}).json();
  EXPECT_EQ(batched.at("result").at("step_results").size(), 2U);
}

TEST_F(HranaStateless, FailuresOfVersion1AreHttpErrors) {
  HttpClient http = client();
  const auto execute_v1 = [&](const Json& what) { return http.post("/v1/execute", {{"stmt", what}}); };
  EXPECT_EQ(execute_v1(stmt("SELEC")).status, 400);
  EXPECT_EQ(execute_v1(stmt("SELEC")).json().at("code"), "SQL_PARSE_ERROR");
  EXPECT_EQ(execute_v1(stmt("SELECT * FROM missing")).status, 500);
  EXPECT_EQ(execute_v1(stmt("SELECT ?")).status, 400);
  Json both = stmt("SELECT :a", list({integer(1)}));
  both["named_args"] = list({{{"name", "a"}, {"value", integer(1)}}});
  EXPECT_EQ(execute_v1(both).status, 501);
  EXPECT_EQ(execute_v1({{"sql_id", 1}}).status, 400);
  EXPECT_EQ(http.send("POST", "/v1/execute", "{").status, 400);
}

TEST_F(HranaStateless, TheLegacyListStopsAtTheFirstFailure) {
  const Answer answer = legacy({"CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "SELECT * FROM missing", "SELECT 1"});
  EXPECT_EQ(answer.status, 200);
  const Json results = answer.json();
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[1].at("results").at("rows_written"), 1);
  EXPECT_TRUE(results[2].at("error").is_string());
  EXPECT_TRUE(results[3].is_null());
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);  // no transaction is put around it
}

TEST_F(HranaStateless, ALegacyListMayNotLeaveATransactionOpen) {
  const Answer answer = legacy({"BEGIN", "SELECT 1"});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("interactive transaction not allowed in HTTP queries"), std::string::npos);
  EXPECT_EQ(legacy({"BEGIN", "SELECT 1", "COMMIT"}).status, 200);
}

TEST_F(HranaStateless, LegacyIntegersOfMoreThan64BitsAreRefusedAndNothingRuns) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const auto status = [&](const std::string& digits) {
    const std::string body = R"x({"statements":[{"q":"INSERT INTO t VALUES (?)","params":[)x" + digits + "]}]}";
    return http.send("POST", "/", body).status;
  };
  for (const char* digits : {"9223372036854775808", "18446744073709551615", "18446744073709551616",
                             "-9223372036854775809", "99999999999999999999999999"}) {
    EXPECT_EQ(status(digits), 422) << digits;
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  for (const char* digits : {"9223372036854775807", "-9223372036854775808", "1e19", "9223372036854775808.0"}) {
    EXPECT_EQ(status(digits), 200) << digits;
  }
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE typeof(a) = 'integer'"), 2);
  EXPECT_EQ(number("SELECT max(a) FROM t WHERE typeof(a) = 'integer'"), INT64_MAX);
}

TEST_F(HranaStateless, LegacyValuesAreBareJson) {
  const Json row =
      legacy({{{"q", "SELECT ?, ?, ?, ?, ?, 1.5"}, {"params", list({nullptr, 7, "x", {{"base64", "/w"}}, true})}}})
          .json()[0]
          .at("results")
          .at("rows")[0];
  EXPECT_EQ(row, list({nullptr, 7, "x", {{"base64", "/w"}}, 1, 1.5}));
  EXPECT_EQ(legacy({{{"q", "SELECT :a"}, {"params", {{"a", 4}}}}}).json()[0].at("results").at("rows")[0][0], 4);
  EXPECT_EQ(legacy({{{"q", "SELECT ?"}, {"params", list({{{"base64", "/w=="}}})}}}).status, 422);
}

TEST_F(HranaStateless, BadLegacyRequestsAreToldApart) {
  HttpClient http = client();
  EXPECT_EQ(http.send("POST", "/", "{").status, 400);
  EXPECT_EQ(http.send("POST", "/", "{}").status, 422);
  EXPECT_EQ(legacy({{{"q", "SELECT 1"}, {"more", 1}}}).status, 422);
  EXPECT_EQ(legacy({"SELECT 1; SELECT 2"}).status, 400);
  EXPECT_EQ(legacy({"SELEC"}).status, 500);
  EXPECT_EQ(http.send("POST", "/", std::string((2 << 20) + 1, ' ')).status, 413);
}

}  // namespace
}  // namespace libsql::test

// Hrana cursors over HTTP.
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaCursor : public ServerTest {};

Json cursor_batch(std::initializer_list<Json> steps) { return {{"steps", list(steps)}}; }

/// The types of the entries, one word each.
std::string types_of(const std::vector<Json>& lines) {
  std::string types;
  for (std::size_t i = 1; i < lines.size(); ++i) types += lines[i].at("type").get<std::string>() + " ";
  return types;
}

TEST_F(HranaCursor, TheFirstLineHasABatonAndEntriesFollowInOrder) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const auto lines = http.cursor(
      cursor_batch({step("INSERT INTO t VALUES (7)"), step("SELECT 1 WHERE 0", failed(0)), step("SELECT a FROM t")}));
  EXPECT_TRUE(lines.at(0).at("baton").is_string());
  EXPECT_TRUE(lines.at(0).at("base_url").is_null());
  EXPECT_EQ(types_of(lines), "step_begin step_end step_begin row step_end replication_index ");
  EXPECT_EQ(lines[1].at("cols"), Json::array());
  EXPECT_EQ(lines[1].at("step"), 0);
  EXPECT_EQ(lines[2].at("affected_row_count"), 1);
  EXPECT_EQ(lines[2].at("last_insert_rowid"), 1);  // a number here
  EXPECT_EQ(lines[3].at("step"), 2);
  EXPECT_EQ(lines[4].at("row"), list({integer(7)}));
  EXPECT_TRUE(lines[5].at("last_insert_rowid").is_null());
}

TEST_F(HranaCursor, AFailedStepIsAnEntryAndLaterStepsRun) {
  run("CREATE TABLE t(a UNIQUE)");
  run("INSERT INTO t VALUES (1)");
  HttpClient http = client();
  const auto lines =
      http.cursor(cursor_batch({step("INSERT INTO t VALUES (1)"), step("SELECT * FROM missing"), step("SELEC"),
                                step("SELECT ?"), step("SELECT 5", ok(0)), step("SELECT 6")}));
  EXPECT_EQ(types_of(lines),
            "step_begin step_error step_error step_error step_begin step_error step_begin row step_end "
            "replication_index ");
  EXPECT_EQ(lines[2].at("error").at("code"), "SQLITE_CONSTRAINT");
  EXPECT_EQ(lines[3].at("error").at("code"), "SQLITE_UNKNOWN");
  EXPECT_EQ(lines[4].at("error").at("code"), "SQL_PARSE_ERROR");
  EXPECT_EQ(lines[6].at("error").at("code"), "ARGS_INVALID");
  EXPECT_EQ(lines[7].at("step"), 5);
}

TEST_F(HranaCursor, AProbeStepTellsWhetherATransactionIsOpen) {
  HttpClient http = client();
  const Json probe = step("SELECT 1", {{"type", "is_autocommit"}});
  EXPECT_EQ(types_of(http.cursor(cursor_batch({step("SELECT 2"), probe}))),
            "step_begin row step_end step_begin row step_end replication_index ");
  const auto in_transaction = http.cursor(cursor_batch({step("BEGIN"), probe}));
  EXPECT_EQ(types_of(in_transaction), "step_begin step_end replication_index ");
  const auto ended = http.cursor(cursor_batch({step("ROLLBACK"), probe}), in_transaction[0].at("baton"));
  EXPECT_EQ(types_of(ended), "step_begin step_end step_begin row step_end replication_index ");
}

TEST_F(HranaCursor, ProtobufItemsHaveLengthsAndNoReplicationIndex) {
  HttpClient http = client();
  // CursorReqBody { batch: { steps: { stmt: { sql: "SELECT 1" } } } }
  const std::string request("\x12\x0e\x0a\x0c\x12\x0a\x0a\x08SELECT 1", 16);
  const Answer answer = http.send("POST", "/v3-protobuf/cursor", request);
  ASSERT_EQ(answer.status, 200) << answer.body;
  std::vector<unsigned> fields;
  for (std::size_t at = 0; at < answer.body.size();) {
    const auto length = static_cast<unsigned char>(answer.body[at]);
    ASSERT_LT(length, 0x80);
    ASSERT_LE(at + 1 + length, answer.body.size());
    fields.push_back(static_cast<unsigned char>(answer.body[at + 1]) >> 3);
    at += 1U + length;
  }
  EXPECT_EQ(fields, (std::vector<unsigned>{1, 1, 4, 2}));  // head, step_begin, row, step_end
}

TEST_F(HranaCursor, AnEmptyBatchEndsAtOnce) {
  HttpClient http = client();
  EXPECT_EQ(types_of(http.cursor({{"steps", Json::array()}})), "replication_index ");
}

TEST_F(HranaCursor, BadConditionsAndReferencesAreRefusedBeforeTheBody) {
  HttpClient http = client();
  const auto status = [&](const Json& one) {
    return http.post("/v3/cursor", {{"batch", {{"steps", list({one})}}}}).status;
  };
  EXPECT_EQ(status(step("SELECT 1", ok(0))), 400);
  EXPECT_EQ(status({{"stmt", {{"sql_id", 4}}}}), 400);
  EXPECT_EQ(status({{"stmt", Json::object()}}), 400);
}

TEST_F(HranaCursor, ManyRowsStreamWithoutALimitOnTheirSum) {
  HttpClient http = client();
  const std::string body =
      Json{{"batch",
            {{"steps", list({step("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
                                  "SELECT i, 'some text of some length that makes the rows longer' FROM n")})}}}}
          .dump();
  http.connection().open({"POST", "/v3/cursor", {}, body}, soon());
  std::size_t bytes = 0, lines = 0;
  for (;;) {
    const std::string_view piece = http.connection().read(soon());
    if (piece.empty()) break;
    bytes += piece.size();
    lines += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
  }
  EXPECT_EQ(lines, 300000U + 4);
  EXPECT_GT(bytes, 20'000'000U);
}

TEST_F(HranaCursor, AStreamIsShownWhileTheRowsOfItsCursorAreOnTheirWay) {
  run("CREATE TABLE t(a)");
  HttpClient reader = client();
  HttpClient other = client();
  const Json begun = reader.pipeline(list({execute("BEGIN"), execute("INSERT INTO t VALUES (1)")}));
  const std::string body =
      Json{{"baton", begun.at("baton")},
           {"batch",
            {{"steps", list({step("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
                                  "SELECT i, 'some text of some length that makes the rows longer' FROM n")})}}}}
          .dump();
  reader.connection().open({"POST", "/v3/cursor", {}, body}, soon());
  const std::string first(reader.connection().read(soon()));
  const Json baton = Json::parse(first.substr(0, first.find('\n'))).at("baton");
  // The rest waits to be read: more than sockets hold. An empty pipeline neither waits for it nor takes the baton.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(other.pipeline(Json::array(), baton).at("baton"), baton);
  while (!reader.connection().read(soon()).empty()) {
  }
  const Json answer = other.pipeline(list({execute("COMMIT"), close()}), baton);
  EXPECT_EQ(answer.at("results")[0].at("type"), "ok") << answer;
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_F(HranaCursor, ACursorWhoseClientLeavesIsInterruptedAndItsStreamLivesOn) {
  Json baton;
  {
    HttpClient http = client();
    const std::string body =
        Json{{"batch",
              {{"steps", list({step("BEGIN"), step("CREATE TABLE t(a)"),
                               step("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                    "SELECT i FROM n")})}}}}
            .dump();
    http.connection().open({"POST", "/v3/cursor", {}, body}, soon());
    const std::string first(http.connection().read(soon()));
    baton = Json::parse(first.substr(0, first.find('\n'))).at("baton");
  }
  HttpClient http = client();
  const Json answer = http.pipeline(list({execute("COMMIT"), close()}), baton);
  EXPECT_EQ(answer.at("results")[0].at("type"), "ok") << answer;
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

}  // namespace
}  // namespace libsql::test

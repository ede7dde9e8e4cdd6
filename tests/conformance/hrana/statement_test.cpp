// What statements give over Hrana: values, errors, arguments, batches.
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaStatement : public ServerTest {
 protected:
  /// The error code of a statement on a stream of its own; empty if it succeeds.
  std::string code_of(const Json& request) {
    HttpClient http = client();
    return error_code(http.pipeline(list({request, close()})).at("results")[0]);
  }
  std::string message_of(const std::string& sql) {
    HttpClient http = client();
    return http.pipeline(list({execute(sql), close()})).at("results")[0].at("error").at("message");
  }
  Json with_named(const std::string& sql, const Json& named, const Json& positional = Json::array()) {
    Json request = execute(sql, positional);
    request["stmt"]["named_args"] = named;
    return request;
  }
  Json batch_result(const Json& steps) {
    HttpClient http = client();
    return result_of(http.pipeline(list({batch(steps), close()})).at("results")[0]);
  }
};

Json named(const std::string& name, const Json& value) { return {{"name", name}, {"value", value}}; }

TEST_F(HranaStatement, ResultsAlwaysHaveLastInsertRowidAndTheOtherMembers) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY)");
  for (const char* sql : {"SELECT 1", "INSERT INTO t VALUES (5)", "UPDATE t SET a = 6", "CREATE TABLE u(a)"}) {
    const Json result = run(sql);
    for (const char* member : {"cols", "rows", "affected_row_count", "last_insert_rowid", "replication_index",
                               "rows_read", "rows_written", "query_duration_ms"}) {
      EXPECT_TRUE(result.contains(member)) << sql << ' ' << member;
    }
  }
}

TEST_F(HranaStatement, RowidsAndCountsAreThoseOfTheStatement) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const Json results = http.pipeline(list({execute("INSERT INTO t VALUES (1), (2), (3)"), execute("UPDATE t SET a = 9"),
                                           execute("SELECT 1"), execute("DELETE FROM t WHERE a = 10"), close()}))
                           .at("results");
  EXPECT_EQ(result_of(results[0]).at("last_insert_rowid"), "3");
  EXPECT_EQ(result_of(results[0]).at("affected_row_count"), 3);
  EXPECT_TRUE(result_of(results[1]).at("last_insert_rowid").is_null());
  EXPECT_EQ(result_of(results[1]).at("affected_row_count"), 3);
  EXPECT_EQ(result_of(results[2]).at("affected_row_count"), 0);
  EXPECT_EQ(result_of(results[3]).at("affected_row_count"), 0);
}

// What drizzle-kit sends, in every kind of request.
TEST_F(HranaStatement, AlterColumnWorksInEveryKindOfRequest) {
  run("CREATE TABLE t(a, b)");
  const auto schema = [&] {
    return run("SELECT sql FROM sqlite_schema WHERE name = 't'").at("rows")[0][0].at("value");
  };
  const Json describe = {{"type", "describe"}, {"sql", "ALTER TABLE t ALTER COLUMN a TO a DEFAULT 0"}};
  HttpClient http = client();
  const Json described = result_of(http.pipeline(list({describe, close()})).at("results")[0]);
  EXPECT_FALSE(described.at("is_readonly").get<bool>());
  EXPECT_EQ(schema(), "CREATE TABLE t(a, b)");
  run("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 1");
  EXPECT_EQ(schema(), "CREATE TABLE t(a DEFAULT 1, b)");
  batch_result(list({step("BEGIN"), step("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 2"), step("COMMIT")}));
  EXPECT_EQ(schema(), "CREATE TABLE t(a DEFAULT 2, b)");
  const Json results =
      client()
          .pipeline(list({sequence("ALTER TABLE t ALTER COLUMN a TO a DEFAULT 3; ALTER TABLE t ALTER COLUMN b "
                                   "TO b TEXT -- last\n; INSERT INTO t(b) VALUES (';')"),
                          close()}))
          .at("results");
  EXPECT_EQ(results[0].at("type"), "ok");
  EXPECT_EQ(schema(), "CREATE TABLE t(a DEFAULT 3, b TEXT)");
  EXPECT_NE(message_of("ALTER TABLE t ALTER COLUMN a TO a UNIQUE").find("UNIQUE constraint cannot be altered"),
            std::string::npos);
  EXPECT_NE(message_of("ALTER TABLE t ALTER COLUMN a TO c").find("cannot also rename"), std::string::npos);
}

TEST_F(HranaStatement, TheServerTellsTheNameOfTheDatabase) {
  EXPECT_EQ(run("SELECT libsql_server_database_name()").at("rows")[0][0].at("value"), "default");
}

TEST_F(HranaStatement, ErrorsHaveTheCodesOfSqld) {
  run("CREATE TABLE t(a UNIQUE)");
  run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(code_of(execute("SELECT * FROM missing")), "SQLITE_UNKNOWN");
  EXPECT_EQ(message_of("SELECT * FROM missing"), "SQLite error: no such table: missing");
  EXPECT_EQ(code_of(execute("SELECT b FROM t")), "SQL_INPUT_ERROR");
  EXPECT_EQ(message_of("SELECT b FROM t"), "SQL input error: no such column: b (at offset 7)");
  EXPECT_EQ(code_of(execute("INSERT INTO t VALUES (1)")), "SQLITE_CONSTRAINT");
  EXPECT_EQ(code_of(execute("COMMIT")), "SQLITE_UNKNOWN");
  EXPECT_EQ(code_of(execute("SELEC 1")), "SQL_PARSE_ERROR");
  EXPECT_EQ(message_of("SELEC 1"), "SQL string could not be parsed: syntax error around L1:1: `SELEC`");
  EXPECT_EQ(code_of(execute("VACUUM")), "SQL_PARSE_ERROR");
  EXPECT_EQ(code_of(execute("PRAGMA writable_schema = 1")), "SQL_PARSE_ERROR");
  EXPECT_EQ(code_of(execute("CREATE TEMP TABLE x(a)")), "SQL_PARSE_ERROR");
  EXPECT_EQ(code_of(execute("ATTACH 'file.db' AS x")), "SQL_PARSE_ERROR");
}

TEST_F(HranaStatement, ExactlyOneStatementIsExpected) {
  EXPECT_EQ(code_of(execute("SELECT 1; SELECT 2")), "SQL_MANY_STATEMENTS");
  EXPECT_EQ(code_of(execute("SELECT 1; -- x")), "");
  EXPECT_EQ(code_of(execute("-- x")), "SQL_NO_STATEMENT");
  EXPECT_EQ(code_of(execute("")), "SQL_NO_STATEMENT");
}

TEST_F(HranaStatement, WrongArgumentsAreNamed) {
  EXPECT_EQ(code_of(execute("SELECT ?", list({integer(1), integer(2)}))), "ARGS_INVALID");
  EXPECT_EQ(code_of(execute("SELECT ?, ?", list({integer(1)}))), "ARGS_INVALID");
  EXPECT_EQ(code_of(with_named("SELECT :a", list({named("b", integer(1))}))), "ARGS_INVALID");
  EXPECT_EQ(code_of(with_named("SELECT :a", list({named("@a", integer(1))}))), "ARGS_INVALID");
  EXPECT_EQ(code_of(execute("SELECT :a", list({integer(1)}))), "ARGS_INVALID");
  EXPECT_EQ(code_of(with_named("SELECT ?", list({named("a", integer(1))}))), "ARGS_INVALID");
  EXPECT_EQ(code_of(with_named("SELECT :a", list({named("a", integer(1))}), list({integer(2)}))),
            "ARGS_BOTH_POSITIONAL_AND_NAMED");
  EXPECT_EQ(code_of(execute("EXPLAIN SELECT ?")), "");
}

TEST_F(HranaStatement, ParametersBindByNameAndNumber) {
  HttpClient http = client();
  const auto values = [&](const Json& request) {
    std::string all;
    const Json row = result_of(http.pipeline(list({request, close()})).at("results")[0]).at("rows")[0];
    for (const Json& cell : row) {
      all += cell.at("value").get<std::string>() + " ";
    }
    return all;
  };
  for (const char* sql : {"SELECT :a", "SELECT @a", "SELECT $a"}) {
    EXPECT_EQ(values(with_named(sql, list({named("a", integer(4))}))), "4 ") << sql;
  }
  EXPECT_EQ(values(with_named("SELECT :a, @a", list({named("a", integer(4))}))), "4 4 ");
  EXPECT_EQ(values(with_named("SELECT :a, @a", list({named("a", integer(4)), named(":a", integer(5))}))), "5 4 ");
  EXPECT_EQ(values(execute("SELECT ?2, ?1", list({integer(1), integer(2)}))), "2 1 ");
  EXPECT_EQ(values(execute("SELECT ?3, ?1", list({integer(1), integer(2), integer(3)}))), "3 1 ");
}

TEST_F(HranaStatement, IntegersPassExactlyAndAreNeverNumbers) {
  const Json row = run("SELECT ?, ?", list({integer(INT64_MIN), integer(INT64_MAX)})).at("rows")[0];
  EXPECT_EQ(row[0], integer(INT64_MIN));
  EXPECT_EQ(row[1], integer(INT64_MAX));
  HttpClient http = client();
  const Json as_number = {{"type", "integer"}, {"value", INT64_MAX}};
  const Answer answer = http.post("/v2/pipeline", {{"requests", list({execute("SELECT ?", list({as_number}))})}});
  if (answer.status == 200) {
    EXPECT_EQ(result_of(answer.json().at("results")[0]).at("rows")[0][0], integer(INT64_MAX));
  } else {
    EXPECT_EQ(answer.status, 400);
  }
}

TEST_F(HranaStatement, AFloatStaysAFloat) {
  HttpClient http = client();
  const std::string body =
      R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"float","value":1}]}},)"
      R"({"type":"close"}]})";
  const Answer answer = http.send("POST", "/v2/pipeline", body);
  EXPECT_NE(answer.body.find(R"({"type":"float","value":1.0})"), std::string::npos) << answer.body;
}

TEST_F(HranaStatement, Base64MayBePaddedAndEscapedAndComesBackUnpadded) {
  HttpClient http = client();
  for (const char* text : {R"("/w==")", R"("/w")", R"("\/w==")"}) {
    const std::string body =
        R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"blob","base64":)" +
        std::string(text) + R"(}]}},{"type":"close"}]})";
    const Answer answer = http.send("POST", "/v2/pipeline", body);
    ASSERT_EQ(answer.status, 200) << text;
    EXPECT_NE(answer.body.find(R"("base64":"/w")"), std::string::npos) << answer.body;
  }
}

TEST_F(HranaStatement, InfinityIsANullFloat) {
  const Json cell = run("SELECT 9e999").at("rows")[0][0];
  EXPECT_EQ(cell.at("type"), "float");
  EXPECT_TRUE(cell.at("value").is_null());
}

TEST_F(HranaStatement, TextThatIsNotUtf8IsAnErrorInside) {
  EXPECT_EQ(code_of(execute("SELECT CAST(x'ff' AS TEXT)")), "INVALID_UTF8");
  const Json result = batch_result(list({step("SELECT CAST(x'ff' AS TEXT)"), step("SELECT 1")}));
  EXPECT_EQ(result.at("step_errors")[0].at("code"), "INVALID_UTF8");
  EXPECT_FALSE(result.at("step_results")[1].is_null());
}

TEST_F(HranaStatement, TextWithNulAndEmptyBlobPass) {
  const Json row =
      run("SELECT ?, ?", list({text(std::string("a\0b", 3)), {{"type", "blob"}, {"base64", ""}}})).at("rows")[0];
  EXPECT_EQ(row[0].at("value").get<std::string>(), std::string("a\0b", 3));
  EXPECT_EQ(row[1].at("base64"), "");
}

TEST_F(HranaStatement, ASyntaxErrorAnywhereInABatchRunsNothing) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const Json refused =
      http.pipeline(
              list({batch(list({step("INSERT INTO t VALUES (1)"), step("INSERT INTO t VALUES (2)"), step("SELEC")})),
                    close()}))
          .at("results")[0];
  EXPECT_EQ(error_code(refused), "SQL_PARSE_ERROR");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  const Json result = batch_result(
      list({step("INSERT INTO t VALUES (1)"), step("INSERT INTO t VALUES (2)"), step("SELECT * FROM missing")}));
  EXPECT_EQ(result.at("step_errors")[2].at("code"), "SQLITE_UNKNOWN");
  EXPECT_TRUE(result.at("step_errors")[0].is_null());
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

TEST_F(HranaStatement, ABatchMayUseATableThatItMakes) {
  const Json result =
      batch_result(list({step("CREATE TABLE t(a)"), step("INSERT INTO t VALUES (1)"), step("SELECT * FROM t")}));
  EXPECT_EQ(result.at("step_results")[2].at("rows").size(), 1U);
}

TEST_F(HranaStatement, ErrorIsTrueOfSkippedStepsAndOkIsNot) {
  const Json result =
      batch_result(list({step("SELECT * FROM missing"), step("SELECT 1", ok(0)), step("SELECT 2", failed(1)),
                         step("SELECT 3", ok(1)), step("SELECT 4", failed(0)), step("SELECT 5", failed(2))}));
  const Json& results = result.at("step_results");
  EXPECT_TRUE(results[1].is_null());
  EXPECT_FALSE(results[2].is_null());
  EXPECT_TRUE(results[3].is_null());
  EXPECT_FALSE(results[4].is_null());
  EXPECT_TRUE(results[5].is_null());
}

TEST_F(HranaStatement, AConditionOnItsOwnOrALaterStepIsAProtocolError) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  for (const Json& condition : {ok(1), ok(2), negated(failed(7))}) {
    const Json requests = list({batch(list({step("INSERT INTO t VALUES (1)"), step("SELECT 1", condition)})), close()});
    EXPECT_EQ(http.post("/v3/pipeline", {{"requests", requests}}).status, 400) << condition;
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(HranaStatement, AnEmptyAndHoldsAndAnEmptyOrDoesNot) {
  const Json result = batch_result(list({step("SELECT 1", {{"type", "and"}, {"conds", Json::array()}}),
                                         step("SELECT 2", {{"type", "or"}, {"conds", Json::array()}})}));
  EXPECT_FALSE(result.at("step_results")[0].is_null());
  EXPECT_TRUE(result.at("step_results")[1].is_null());
}

TEST_F(HranaStatement, TheCanonicalBatchIsAtomic) {
  run("CREATE TABLE t(a UNIQUE)");
  for (const char* begin : {"BEGIN IMMEDIATE", "BEGIN DEFERRED", "BEGIN"}) {
    const Json result = batch_result(
        list({step(begin), step("INSERT INTO t VALUES (1)", ok(0)), step("INSERT INTO t VALUES (1)", ok(1)),
              step("COMMIT", ok(2)), step("ROLLBACK", negated(ok(3)))}));
    EXPECT_EQ(result.at("step_errors")[2].at("code"), "SQLITE_CONSTRAINT");
    EXPECT_TRUE(result.at("step_results")[3].is_null());
    EXPECT_FALSE(result.at("step_results")[4].is_null());
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(HranaStatement, BeginReadonlyIsUnderstoodAndRefusesWrites) {
  run("CREATE TABLE t(a)");
  for (const char* begin : {"BEGIN TRANSACTION READONLY", "BEGIN READONLY"}) {
    const Json result = batch_result(list({step(begin), step("SELECT * FROM t"), step("INSERT INTO t VALUES (1)"),
                                           step("COMMIT"), step("INSERT INTO t VALUES (2)")}));
    EXPECT_TRUE(result.at("step_errors")[0].is_null()) << begin;
    EXPECT_TRUE(result.at("step_errors")[1].is_null());
    EXPECT_EQ(result.at("step_errors")[2].at("code"), "SQLITE_READONLY");
    EXPECT_TRUE(result.at("step_errors")[3].is_null());
    EXPECT_TRUE(result.at("step_errors")[4].is_null());
  }
  EXPECT_EQ(number("SELECT count(*) FROM t"), 2);
}

TEST_F(HranaStatement, AutocommitIsThatOfTheConnectionOnVersion2And3) {
  for (const char* path : {"/v2/pipeline", "/v3/pipeline"}) {
    HttpClient http = client();
    const Json get = {{"type", "get_autocommit"}};
    const Json condition = {{"type", "is_autocommit"}};
    const Json results =
        http.pipeline(list({get, execute("BEGIN"), get, batch(list({step("SELECT 1", condition)})), execute("ROLLBACK"),
                            get, batch(list({step("SELECT 1", condition)})), close()}),
                      nullptr, path)
            .at("results");
    const auto is_autocommit = [&](int i) { return results[i].at("response").at("is_autocommit").get<bool>(); };
    EXPECT_TRUE(is_autocommit(0));
    EXPECT_FALSE(is_autocommit(2));
    EXPECT_TRUE(result_of(results[3]).at("step_results")[0].is_null());
    EXPECT_TRUE(is_autocommit(5));
    EXPECT_FALSE(result_of(results[6]).at("step_results")[0].is_null());
  }
}

TEST_F(HranaStatement, ReturningGivesRowsWhateverTheClientWants) {
  run("CREATE TABLE t(a)");
  Json returning = step("INSERT INTO t VALUES (4) RETURNING a");
  returning["stmt"]["want_rows"] = false;
  EXPECT_EQ(batch_result(list({returning})).at("step_results")[0].at("rows")[0][0], integer(4));
}

TEST_F(HranaStatement, ASequenceIsParsedBeforeItRunsAndStopsAtARuntimeError) {
  run("CREATE TABLE t(a)");
  EXPECT_EQ(code_of(sequence("INSERT INTO t VALUES (1); SELEC")), "SQL_PARSE_ERROR");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
  EXPECT_EQ(code_of(sequence("INSERT INTO t VALUES (1); INSERT INTO missing VALUES (1); INSERT INTO t VALUES (2)")),
            "SQLITE_UNKNOWN");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(code_of(sequence("-- nothing")), "");
  EXPECT_EQ(code_of(sequence("CREATE TABLE u(a); INSERT INTO u VALUES (1);;; DROP TABLE u;")), "");
}

TEST_F(HranaStatement, DescribeNamesParametersAndColumns) {
  run("CREATE TABLE t(a INTEGER, b TEXT)");
  HttpClient http = client();
  const auto describe = [&](const std::string& sql) {
    return result_of(http.pipeline(list({{{"type", "describe"}, {"sql", sql}}, close()})).at("results")[0]);
  };
  Json result = describe("INSERT INTO t VALUES (:a, ?2)");
  EXPECT_EQ(result.at("params"), Json({{{"name", ":a"}}, {{"name", "?2"}}}));
  EXPECT_EQ(result.at("cols"), Json::array());
  EXPECT_EQ(result.at("is_readonly"), false);
  EXPECT_EQ(result.at("is_explain"), false);
  result = describe("SELECT b, 1 AS x FROM t WHERE a = ?");
  EXPECT_EQ(result.at("cols"), Json({{{"name", "b"}, {"decltype", "TEXT"}}, {{"name", "x"}, {"decltype", nullptr}}}));
  EXPECT_EQ(result.at("params"), Json::array({Json{{"name", nullptr}}}));
  EXPECT_EQ(result.at("is_readonly"), true);
  EXPECT_EQ(describe("EXPLAIN QUERY PLAN SELECT 1").at("is_explain"), true);
  EXPECT_EQ(describe("").at("cols"), Json::array());
  EXPECT_EQ(describe("SELECT 1; garbage").at("cols").size(), 1U);
}

TEST_F(HranaStatement, DuplicateColumnNamesAndDeclaredTypesAreKept) {
  run("CREATE TABLE t(a INTEGER, b VARCHAR(20))");
  const Json cols = run("SELECT a, a, b, 1 + 1 FROM t").at("cols");
  EXPECT_EQ(cols[0], cols[1]);
  EXPECT_EQ(cols[2].at("decltype"), "VARCHAR(20)");
  EXPECT_TRUE(cols[3].at("decltype").is_null());
}

TEST_F(HranaStatement, ColumnsAreThoseOfTheSchemaNow) {
  run("CREATE TABLE t(a INTEGER)");
  const std::string sql = "SELECT * FROM t";
  const Json before = run(sql).at("cols");
  EXPECT_EQ(run(sql).at("cols"), before);
  run("ALTER TABLE t ADD COLUMN b TEXT");
  const Json after = run(sql).at("cols");
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0], before[0]);
  EXPECT_EQ(after[1].at("name"), "b");
  run("ALTER TABLE t RENAME COLUMN a TO c");
  EXPECT_EQ(run(sql).at("cols")[0].at("name"), "c");
  run("DROP TABLE t");
  run("CREATE TABLE t(a REAL, z BLOB)");
  EXPECT_EQ(run(sql).at("cols")[0].at("decltype"), "REAL");
  EXPECT_EQ(run(sql).at("cols")[1].at("name"), "z");
}

TEST_F(HranaStatement, RowsReadAndWrittenAreCounted) {
  run("CREATE TABLE t(a)");
  EXPECT_EQ(run("INSERT INTO t VALUES (1), (2), (3)").at("rows_written"), 3);
  const Json scan = run("SELECT * FROM t WHERE a = 2");
  EXPECT_GE(scan.at("rows_read").get<int>(), 2);
  EXPECT_EQ(scan.at("rows_written"), 0);
}

TEST_F(HranaStatement, AMigrationWithForeignKeysOffLeavesThemOnForOthers) {
  run("CREATE TABLE parent(a PRIMARY KEY)");
  run("CREATE TABLE child(a REFERENCES parent)");
  const Json result =
      batch_result(list({step("PRAGMA foreign_keys=off"), step("BEGIN"), step("INSERT INTO child VALUES (1)"),
                         step("COMMIT"), step("PRAGMA foreign_keys=on")}));
  for (const Json& error : result.at("step_errors")) EXPECT_TRUE(error.is_null()) << error;
  EXPECT_EQ(code_of(execute("INSERT INTO child VALUES (2)")), "SQLITE_CONSTRAINT");
  // Also when the stream is left with them off.
  HttpClient http = client();
  http.pipeline(list({execute("PRAGMA foreign_keys=off"), close()}));
  EXPECT_EQ(code_of(execute("INSERT INTO child VALUES (2)")), "SQLITE_CONSTRAINT");
}

class HranaSmallAnswers : public ServerTest {
  void configure(server::Options& options) override { options.limits.response_bytes = 10'000; }
};

TEST_F(HranaSmallAnswers, AnAnswerThatIsTooLargeIsAnErrorOfTheWholeRequest) {
  run("CREATE TABLE t(a)");
  HttpClient http = client();
  const std::string large = "SELECT hex(zeroblob(6000))";
  const Json results = http.pipeline(list({execute(large), batch(list({step("INSERT INTO t VALUES (1)"), step(large)})),
                                           execute("SELECT 1"), close()}))
                           .at("results");
  EXPECT_EQ(error_code(results[0]), "RESPONSE_TOO_LARGE");
  EXPECT_EQ(error_code(results[1]), "RESPONSE_TOO_LARGE");
  EXPECT_EQ(results[2].at("type"), "ok");
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);  // what it did stays
}

}  // namespace
}  // namespace libsql::test

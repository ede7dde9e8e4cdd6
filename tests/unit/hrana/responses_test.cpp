// What a client reads.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "unit/hrana/vectors.hpp"

namespace libsql::hrana {
namespace {

using test::bytes;
using test::fault_of;
using test::field;
using test::is_refused;
using test::result_of;
using Kind = DecodeError::Kind;

core::Decoded<PipelineResponse> json(std::string text) {
  return decode_pipeline_response(Encoding::Json, std::move(text));
}
core::Decoded<PipelineResponse> protobuf(std::string text) {
  return decode_pipeline_response(Encoding::Protobuf, std::move(text));
}
core::Decoded<PipelineResponse> response_json(std::string_view response) {
  return json(R"({"results":[{"type":"ok","response":)" + std::string(response) + "}]}");
}
bool response_is_refused(std::string_view response) {
  return is_refused([&] { response_json(response); });
}
const Response& only(const PipelineResponse& response) { return std::get<Response>(response.results[0]); }

// A batch with an error in step 2, whose step 3 was skipped, as sqld answers it.
constexpr std::string_view kBatch = R"({"baton":null,"base_url":null,"results":[
  {"type":"ok","response":{"type":"store_sql"}},
  {"type":"ok","response":{"type":"batch","result":{
    "step_results":[
      {"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null,"replication_index":null,"rows_read":0,"rows_written":0,"query_duration_ms":0.02},
      {"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":"12","replication_index":null,"rows_read":0,"rows_written":1,"query_duration_ms":0.09},
      null,null,
      {"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null,"replication_index":null,"rows_read":3,"rows_written":0,"query_duration_ms":0.01}],
    "step_errors":[null,null,{"message":"SQLite error: CHECK constraint failed: age < 3","code":"SQLITE_CONSTRAINT"},null,null],
    "replication_index":"77"}}},
  {"type":"ok","response":{"type":"close"}}]})";

TEST(HranaResponse, ABatchTellsWhatBecameOfEachStep) {
  const auto response = json(std::string(kBatch));
  EXPECT_EQ(response->baton, std::nullopt);
  ASSERT_EQ(response->results.size(), 3U);
  EXPECT_EQ(type_of(std::get<Response>(response->results[0])), RequestType::StoreSql);
  EXPECT_EQ(type_of(std::get<Response>(response->results[2])), RequestType::Close);
  const auto& batch = std::get<BatchResponse>(std::get<Response>(response->results[1])).result;
  EXPECT_EQ(batch.replication_index, 77U);
  ASSERT_EQ(batch.steps.size(), 4U);
  ASSERT_NE(batch.find(0), nullptr);
  EXPECT_EQ(batch.find(0)->result()->totals.last_insert_rowid, std::nullopt);
  EXPECT_EQ(batch.find(1)->result()->totals.last_insert_rowid, 12);
  EXPECT_EQ(batch.find(1)->result()->totals.affected_row_count, 1U);
  EXPECT_EQ(batch.find(1)->result()->totals.rows_written, 1U);
  EXPECT_EQ(batch.find(1)->result()->totals.query_duration_ms, 0.09);
  EXPECT_EQ(batch.find(2)->result(), nullptr);
  EXPECT_EQ(batch.find(2)->error()->code, "SQLITE_CONSTRAINT");
  EXPECT_EQ(batch.find(2)->error()->message, "SQLite error: CHECK constraint failed: age < 3");
  EXPECT_EQ(batch.find(3), nullptr);
  EXPECT_EQ(batch.find(4)->result()->totals.rows_read, 3U);
  EXPECT_EQ(batch.find(5), nullptr);
}

TEST(HranaResponse, StepsInProtobufMayComeInAnyOrder) {
  const std::string result = field(1, bytes("08 05") + field(2, bytes("18 03")));
  const std::string first = field(1, bytes("08 00") + field(2, bytes("18 01")));
  const std::string error = field(2, bytes("08 02") + field(2, field(1, "no") + field(2, "X")));
  const auto response = protobuf(field(
      3, field(1, field(3, field(1, result + error + first + field(1, bytes("08 05") + field(2, bytes("18 04"))))))));
  const auto& batch = std::get<BatchResponse>(only(*response)).result;
  ASSERT_EQ(batch.steps.size(), 3U);
  EXPECT_EQ(batch.steps[0].step, 0U);
  EXPECT_EQ(batch.steps[0].result()->totals.affected_row_count, 1U);
  EXPECT_EQ(batch.steps[1].error()->code, "X");
  EXPECT_EQ(batch.find(5)->result()->totals.affected_row_count, 4U) << "the last entry of a key counts";
}

TEST(HranaResponse, AHugeStepNumberCostsNothing) {
  const auto response = protobuf(field(3, field(1, field(3, field(1, field(1, bytes("08 ff ff ff ff 0f 12 00")))))));
  EXPECT_EQ(std::get<BatchResponse>(only(*response)).result.steps[0].step, 4294967295U);
}

TEST(HranaResponse, RowsBecomeOneArrayOfCells) {
  const auto response = response_json(R"({"type":"execute","result":{
      "cols":[{"name":"id","decltype":"INTEGER"},{"name":null,"decltype":null}],
      "rows":[[{"type":"integer","value":"1"},{"type":"text","value":"a\n"}],[{"type":"null"},{"type":"blob","base64":"/w=="}]],
      "affected_row_count":0,"last_insert_rowid":"-3"}})");
  const StmtResult& result = result_of(*response);
  EXPECT_EQ(result.cols[0].name, "id");
  EXPECT_EQ(result.cols[0].decltype_name, "INTEGER");
  EXPECT_EQ(result.cols[1].name, std::nullopt);
  ASSERT_EQ(result.row_count, 2U);
  ASSERT_EQ(result.cells.size(), 4U);
  EXPECT_EQ(result.row(0)[0].integer(), 1);
  EXPECT_EQ(result.row(0)[1].text(), "a\n");
  EXPECT_TRUE(result.row(1)[0].is_null());
  EXPECT_EQ(Value(result.row(1)[1]), Value(Blob{std::byte{0xff}}));
  EXPECT_EQ(result.totals.last_insert_rowid, -3);
}

TEST(HranaResponse, TheColumnsMayComeBehindTheRows) {
  const auto response =
      response_json(R"({"result":{"rows":[[{"type":"null"}]],"affected_row_count":2,"cols":[{}]},"type":"execute"})");
  EXPECT_EQ(result_of(*response).row_count, 1U);
  EXPECT_EQ(result_of(*response).row(0).size(), 1U);
  const std::string row = field(2, field(1, bytes("0a 00")));
  const auto binary = protobuf(field(3, field(1, field(2, field(1, row + field(1, ""))))));
  EXPECT_EQ(result_of(*binary).row(0).size(), 1U);
}

TEST(HranaResponse, RowsOfAnotherLengthThanTheColumnsAreRefused) {
  for (const std::string_view result : {R"({"cols":[{}],"rows":[[]],"affected_row_count":0})",
                                        R"({"cols":[],"rows":[[{"type":"null"}]],"affected_row_count":0})",
                                        R"({"cols":[{}],"rows":[[{"type":"null"}],[]],"affected_row_count":0})",
                                        R"({"rows":[[{"type":"null"}],[]],"cols":[{}],"affected_row_count":0})"}) {
    EXPECT_TRUE(response_is_refused(R"({"type":"execute","result":)" + std::string(result) + "}")) << result;
  }
  const std::string row = field(2, field(1, bytes("0a 00")));
  EXPECT_TRUE(is_refused([&] { protobuf(field(3, field(1, field(2, field(1, row))))); }));
  EXPECT_TRUE(is_refused([&] { protobuf(field(3, field(1, field(2, field(1, field(1, "") + row + field(2, "")))))); }));
}

TEST(HranaResponse, RowsWithoutColumnsAreCounted) {
  const auto response =
      response_json(R"({"type":"execute","result":{"cols":[],"rows":[[],[]],"affected_row_count":0}})");
  EXPECT_EQ(result_of(*response).row_count, 2U);
  EXPECT_TRUE(result_of(*response).row(1).empty());
}

TEST(HranaResponse, TheRowidIsAStringOrANumber) {
  for (const auto& [text, wanted] : {std::pair<std::string_view, std::optional<std::int64_t>>{"null", std::nullopt},
                                     {"\"9223372036854775807\"", 9223372036854775807},
                                     {"9223372036854775807", 9223372036854775807},
                                     {"-1", -1}}) {
    const auto response =
        response_json(R"({"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":)" +
                      std::string(text) + "}}");
    EXPECT_EQ(result_of(*response).totals.last_insert_rowid, wanted) << text;
  }
  EXPECT_EQ(result_of(*response_json(R"({"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":0}})"))
                .totals.last_insert_rowid,
            std::nullopt);
}

TEST(HranaResponse, WhatAResponseMustHaveIsMissed) {
  for (const std::string_view response :
       {R"({"type":"execute"})", R"({"type":"execute","result":null})", R"({"type":"execute","result":{}})",
        R"({"type":"execute","result":{"cols":[],"rows":[]}})",
        R"({"type":"execute","result":{"cols":null,"rows":[],"affected_row_count":0}})",
        R"({"type":"execute","result":{"cols":[],"rows":null,"affected_row_count":0}})",
        R"({"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":-1}})",
        R"({"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":"0"}})",
        R"({"type":"batch","result":{"step_results":[]}})", R"({"type":"batch","result":{"step_errors":[]}})",
        R"({"type":"describe","result":{"params":[],"cols":[],"is_explain":false}})", R"({"type":"get_autocommit"})",
        R"({"type":"get_autocommit","is_autocommit":1})", R"({})", "null"}) {
    EXPECT_TRUE(response_is_refused(response)) << response;
  }
  for (const std::string_view body :
       {"", "{}", R"({"results":null})", R"({"results":[null]})", R"({"results":[{"type":"ok"}]})",
        R"({"results":[{"type":"error"}]})", R"({"results":[{"type":"error","error":null}]})",
        R"({"results":[{"type":"error","error":{"code":"X"}}]})", R"({"results":[]} trailing)"}) {
    EXPECT_EQ(fault_of([&] { json(std::string(body)); }), Kind::Malformed) << body;
  }
}

TEST(HranaResponse, UnknownTypesAreToldApart) {
  EXPECT_EQ(fault_of([] { response_json(R"({"type":"dance"})"); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { json(R"({"results":[{"type":"maybe"}]})"); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { protobuf(field(3, "")); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { protobuf(field(3, field(1, ""))); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_server_message(Encoding::Protobuf, std::string()); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_server_message(Encoding::Json, std::string(R"({"type":"x"})")); }), Kind::UnknownType);
}

TEST(HranaResponse, ErrorsOfAPipelineAreRead) {
  const auto response = json(
      R"({"results":[{"error":{"code":"SQLITE_UNKNOWN","message":"SQLite error: no such table: t","extended_code":"SQLITE_ERROR"},"type":"error"},
                     {"type":"error","error":{"message":"m","code":null,"extended_code":1}},{"type":"error","error":{"message":"m"}}]})");
  const auto& error = std::get<WireError>(response->results[0]);
  EXPECT_EQ(error.message, "SQLite error: no such table: t");
  EXPECT_EQ(error.code, "SQLITE_UNKNOWN");
  EXPECT_EQ(error.extended_code, "SQLITE_ERROR");
  EXPECT_EQ(std::get<WireError>(response->results[1]).code, std::nullopt);
  EXPECT_EQ(std::get<WireError>(response->results[2]).code, std::nullopt);
  const auto binary =
      protobuf(field(1, "b") + field(2, "http://x") + field(3, field(2, field(1, "m") + field(2, "C"))));
  EXPECT_EQ(binary->baton, "b");
  EXPECT_EQ(binary->base_url, "http://x");
  EXPECT_EQ(std::get<WireError>(binary->results[0]).code, "C");
}

TEST(HranaResponse, DescribeIsRead) {
  const auto response = response_json(
      R"({"type":"describe","result":{"params":[{"name":":a"},{"name":null},{}],"cols":[{"name":"n","decltype":"TEXT"}],"is_explain":false,"is_readonly":true}})");
  const auto& result = std::get<DescribeResponse>(only(*response)).result;
  ASSERT_EQ(result.params.size(), 3U);
  EXPECT_EQ(result.params[0].name, ":a");
  EXPECT_EQ(result.params[1].name, std::nullopt);
  EXPECT_EQ(result.cols[0].decltype_name, "TEXT");
  EXPECT_FALSE(result.is_explain);
  EXPECT_TRUE(result.is_readonly);
}

TEST(HranaResponse, WebSocketMessagesAreRead) {
  const auto read = [](std::string_view text) { return decode_server_message(Encoding::Json, std::string(text)); };
  EXPECT_TRUE(std::holds_alternative<HelloOk>(*read(R"({"type":"hello_ok"})")));
  EXPECT_EQ(std::get<HelloError>(*read(R"({"type":"hello_error","error":{"message":"no","code":"AUTH_JWT_EXPIRED"}})"))
                .error.code,
            "AUTH_JWT_EXPIRED");
  const auto ok =
      read(R"({"type":"response_ok","request_id":3,"response":{"type":"get_autocommit","is_autocommit":true}})");
  EXPECT_EQ(std::get<ResponseOk>(*ok).request_id, 3);
  EXPECT_TRUE(std::get<GetAutocommitResponse>(std::get<ResponseOk>(*ok).response).is_autocommit);
  const auto error = read(R"({"error":{"message":"no"},"request_id":-4,"type":"response_error"})");
  EXPECT_EQ(std::get<ResponseError>(*error).request_id, -4);
  EXPECT_TRUE(is_refused([&] { read(R"({"type":"response_ok","response":{"type":"close_stream"}})"); }));
  EXPECT_TRUE(is_refused([&] { read(R"({"type":"response_error","request_id":1})"); }));
  EXPECT_TRUE(is_refused([&] { read(R"({"type":"hello_error"})"); }));

  const auto binary = [](std::string text) { return decode_server_message(Encoding::Protobuf, std::move(text)); };
  EXPECT_TRUE(std::holds_alternative<HelloOk>(*binary(bytes("0a 00"))));
  EXPECT_EQ(std::get<HelloError>(*binary(field(2, field(1, field(1, "no"))))).error.message, "no");
  const auto autocommit = binary(field(3, bytes("08 05") + field(13, bytes("08 01"))));
  EXPECT_EQ(std::get<ResponseOk>(*autocommit).request_id, 5);
  EXPECT_TRUE(std::get<GetAutocommitResponse>(std::get<ResponseOk>(*autocommit).response).is_autocommit);
  EXPECT_EQ(std::get<ResponseError>(*binary(field(4, field(2, field(1, "no"))))).request_id, 0);
}

TEST(HranaResponse, EntriesOfACursorAreReadAndUnknownOnesPassedOver) {
  const auto message =
      decode_server_message(Encoding::Json, std::string(R"({"type":"response_ok","request_id":1,"response":
      {"type":"fetch_cursor","done":true,"entries":[
        {"type":"step_begin","step":2,"cols":[{"name":"n","decltype":null}]},
        {"row":[{"type":"integer","value":"5"}],"type":"row"},
        {"type":"from_the_future","x":1},
        {"type":"step_end","affected_row_count":0,"last_insert_rowid":"7"}]}})"));
  const auto& fetch = std::get<FetchCursorResponse>(std::get<ResponseOk>(*message).response);
  EXPECT_TRUE(fetch.done);
  ASSERT_EQ(fetch.entries.size(), 3U);
  EXPECT_EQ(std::get<StepBegin>(fetch.entries[0]).step, 2U);
  EXPECT_EQ(std::get<CursorRow>(fetch.entries[1]).cells[0].integer(), 5);
  EXPECT_EQ(std::get<StepEnd>(fetch.entries[2]).last_insert_rowid, 7);
}

TEST(HranaResponse, ErrorBodiesAreReadInEveryShape) {
  const auto read = [](Encoding encoding, std::string_view body) {
    return decode_error_body(encoding, std::string(body));
  };
  const auto expired = read(Encoding::Json, R"({"message":"gone","code":"STREAM_EXPIRED"})");
  EXPECT_EQ((*expired)->message, "gone");
  EXPECT_EQ((*expired)->code, "STREAM_EXPIRED");
  EXPECT_EQ((*read(Encoding::Json, R"({"error":"Unauthorized: `x`"})"))->message, "Unauthorized: `x`");
  EXPECT_EQ((*read(Encoding::Json, R"({"error":"a","message":"b","code":"C"})"))->message, "b");
  EXPECT_EQ((*read(Encoding::Json, R"({"error":{"nested":1},"message":"b"})"))->message, "b");
  EXPECT_EQ((*read(Encoding::Protobuf, R"({"error":"a"})"))->message, "a");
  EXPECT_EQ((*read(Encoding::Protobuf, field(1, "gone") + field(2, "STREAM_EXPIRED")))->code, "STREAM_EXPIRED");
  // A message of 123 bytes: its length is the character `{`.
  EXPECT_EQ((*read(Encoding::Protobuf, field(1, std::string(123, 'x'))))->message, std::string(123, 'x'));
  for (const std::string_view body : {"", "Received an invalid baton", "{}", "[1]", "{\"error\":5}", "<html>"}) {
    EXPECT_FALSE(read(Encoding::Json, body)) << body;
  }
  EXPECT_FALSE(read(Encoding::Protobuf, "Received an invalid baton"));
  EXPECT_FALSE(read(Encoding::Protobuf, ""));
}

}  // namespace
}  // namespace libsql::hrana

// What a server reads: every rule with the bytes that keep or break it.
#include <gtest/gtest.h>

#include <string>

#include "unit/hrana/vectors.hpp"

namespace libsql::hrana {
namespace {

using test::bytes;
using test::execute_json;
using test::fault_of;
using test::field;
using test::is_refused;
using test::stmt_of;
using Kind = DecodeError::Kind;

core::Decoded<PipelineRequest> json(std::string text) {
  return decode_pipeline_request(Encoding::Json, std::move(text));
}
core::Decoded<PipelineRequest> protobuf(std::string text) {
  return decode_pipeline_request(Encoding::Protobuf, std::move(text));
}
bool json_is_refused(std::string text) {
  return is_refused([&] { json(text); });
}
bool protobuf_is_refused(std::string text) {
  return is_refused([&] { protobuf(text); });
}
// Over a WebSocket.
core::Decoded<ClientMessage> message(Encoding encoding, std::string text) {
  return decode_client_message(encoding, std::move(text));
}

TEST(HranaRequest, TheShortestPipelineIsRead) {
  const auto request = json(R"({"requests":[]})");
  EXPECT_EQ(request->baton, std::nullopt);
  EXPECT_TRUE(request->requests.empty());
  EXPECT_EQ(json(R"({"baton":null,"requests":[]})")->baton, std::nullopt);
  EXPECT_EQ(json(R"({"requests":[],"baton":"abc"})")->baton, "abc");
  EXPECT_EQ(json(R"({"baton":"","requests":[]})")->baton, "");
  EXPECT_TRUE(protobuf("")->requests.empty());
  EXPECT_EQ(protobuf(bytes("0a 00"))->baton, "");
}

TEST(HranaRequest, APipelineOfEveryKindIsRead) {
  const auto request = json(R"({"baton":"b","requests":[
    {"type":"close"},
    {"type":"execute","stmt":{"sql":"SELECT 1"}},
    {"type":"batch","batch":{"steps":[]}},
    {"type":"sequence","sql":"A;B"},
    {"type":"describe","sql_id":-7},
    {"type":"store_sql","sql_id":2147483647,"sql":""},
    {"type":"close_sql","sql_id":-2147483648},
    {"type":"get_autocommit"}]})");
  ASSERT_EQ(request->requests.size(), 8U);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(type_of(request->requests[i]), static_cast<RequestType>(i));
  EXPECT_EQ(stmt_of(*request, 1).sql.text, "SELECT 1");
  EXPECT_EQ(std::get<SequenceRequest>(request->requests[3]).sql.text, "A;B");
  EXPECT_EQ(std::get<DescribeRequest>(request->requests[4]).sql.id, -7);
  EXPECT_EQ(std::get<DescribeRequest>(request->requests[4]).sql.text, std::nullopt);
  EXPECT_EQ(std::get<StoreSqlRequest>(request->requests[5]).sql_id, 2147483647);
  EXPECT_EQ(std::get<CloseSqlRequest>(request->requests[6]).sql_id, -2147483647 - 1);
}

TEST(HranaRequest, ThePipelineOfTheSpecificationInProtobufIsReadAndWritten) {
  const std::string sample = bytes("12 10 12 0e 0a 0c 0a 08 53 45 4c 45 43 54 20 31 28 01 12 02 0a 00");
  const auto request = protobuf(sample);
  ASSERT_EQ(request->requests.size(), 2U);
  EXPECT_EQ(stmt_of(*request).sql.text, "SELECT 1");
  EXPECT_EQ(stmt_of(*request).want_rows, true);
  EXPECT_EQ(type_of(request->requests[1]), RequestType::Close);
  std::string out;
  encode(Encoding::Protobuf, *request, out);
  EXPECT_EQ(test::hex(out), test::hex(sample));
}

TEST(HranaRequest, OptionalMembersMayBeNullOrMissing) {
  const auto request = json(
      execute_json(R"("sql":"S","sql_id":null,"args":[],"named_args":[],"want_rows":null,"replication_index":null)"));
  const Stmt& stmt = stmt_of(*request);
  EXPECT_EQ(stmt.sql.id, std::nullopt);
  EXPECT_EQ(stmt.want_rows, std::nullopt);
  EXPECT_EQ(stmt.replication_index, std::nullopt);
  const auto bare = json(execute_json(""));
  EXPECT_EQ(stmt_of(*bare).sql.text, std::nullopt);
  EXPECT_TRUE(stmt_of(*bare).args.positional.empty());
  EXPECT_TRUE(stmt_of(*bare).args.named.empty());
}

TEST(HranaRequest, ListsMayNotBeNull) {
  EXPECT_TRUE(json_is_refused(execute_json(R"("sql":"S","args":null)")));
  EXPECT_TRUE(json_is_refused(execute_json(R"("sql":"S","named_args":null)")));
  EXPECT_TRUE(json_is_refused(R"({"requests":null})"));
  EXPECT_TRUE(json_is_refused(R"({"requests":[{"type":"batch","batch":{"steps":null}}]})"));
  EXPECT_TRUE(json_is_refused(R"({"requests":[{"type":"batch","batch":{"steps":[
      {"stmt":{"sql":"S"},"condition":{"type":"and","conds":null}}]}}]})"));
}

TEST(HranaRequest, RequiredMembersMustBeThere) {
  for (const std::string_view request :
       {R"({})", R"({"baton":"b"})", R"({"requests":[{}]})", R"({"requests":[{"type":"execute"}]})",
        R"({"requests":[{"type":"execute","stmt":null}]})", R"({"requests":[{"type":"batch"}]})",
        R"({"requests":[{"type":"batch","batch":{}}]})", R"({"requests":[{"type":"batch","batch":{"steps":[{}]}}]})",
        R"({"requests":[{"type":"store_sql","sql":"S"}]})", R"({"requests":[{"type":"store_sql","sql_id":1}]})",
        R"({"requests":[{"type":"store_sql","sql_id":null,"sql":"S"}]})", R"({"requests":[{"type":"close_sql"}]})",
        R"({"requests":[{"type":"execute","stmt":{"sql":"S","named_args":[{"name":"a"}]}}]})",
        R"({"requests":[{"type":"execute","stmt":{"sql":"S","named_args":[{"value":{"type":"null"}}]}}]})"}) {
    EXPECT_TRUE(json_is_refused(std::string(request))) << request;
  }
}

TEST(HranaRequest, UnknownMembersAreIgnoredAndTheTypeMayStandAnywhere) {
  const auto request = json(
      R"({"x":{"type":"y"},"requests":[{"stmt":{"sql":"S","new":[null,{"a":[]}]},"extra":"\u0041","type":"execute"}],"z":1e400})");
  EXPECT_EQ(stmt_of(*request).sql.text, "S");
  // What belongs to another type of request is unknown too.
  const auto close = json(R"({"requests":[{"stmt":5,"sql":[],"type":"close"}]})");
  EXPECT_EQ(type_of(close->requests[0]), RequestType::Close);
  EXPECT_NO_THROW(json(R"({"requests":[],"":1,"x":1,"x":2})"));
}

TEST(HranaRequest, TheOrderAndSpellingOfMembersDoNotMatter) {
  const std::string_view spellings[] = {
      R"({"requests":[{"type":"execute","stmt":{"sql":"S","args":[],"want_rows":true}},{"type":"close"}]})",
      R"({"requests":[{"type":"execute","stmt":{"want_rows":true,"args":[],"sql":"S"}},{"type":"close","x":{}}]})",
      R"({"baton":null,"requests":[{"stmt":{"args":[],"x":1,"sql":"S","want_rows":true},"type":"execute"},{"type":"close"}]})",
      R"( { "requests" : [ { "type" : "execute" , "stmt" : { "sql" : "S" , "want_rows" : true } } , { "type" : "close" } ] } )",
      R"({"requests":[{"\u0074ype":"execute","stmt":{"s\u0071l":"S","want_rows":true}},{"type":"close"}]})"};
  for (const std::string_view text : spellings) {
    const auto request = decode_pipeline_request(Encoding::Json, std::string(text));
    ASSERT_EQ(request->requests.size(), 2U) << text;
    const Stmt& stmt = std::get<ExecuteRequest>(request->requests[0]).stmt;
    EXPECT_EQ(stmt.sql.text, "S") << text;
    EXPECT_EQ(stmt.want_rows, true) << text;
    EXPECT_TRUE(std::holds_alternative<CloseRequest>(request->requests[1])) << text;
  }
}

TEST(HranaRequest, DuplicateMembersAreRefused) {
  for (const std::string_view request :
       {R"({"requests":[],"requests":[]})", R"({"baton":null,"baton":"b","requests":[]})",
        R"({"requests":[{"type":"close","type":"close"}]})", R"({"requests":[{"x":1,"type":"close","type":"close"}]})",
        R"({"requests":[{"type":"execute","stmt":{"sql":"S"},"stmt":{"sql":"S"}}]})",
        R"({"requests":[{"type":"execute","stmt":{"sql":"S","sql":"T"}}]})",
        R"({"requests":[{"type":"execute","stmt":{"sql":"S","\u0073ql":"T"}}]})",
        R"({"requests":[{"type":"execute","stmt":{"args":[],"args":[]}}]})"}) {
    EXPECT_TRUE(json_is_refused(std::string(request))) << request;
  }
}

TEST(HranaRequest, UnknownTypesAreToldApartFromMalformedText) {
  EXPECT_EQ(fault_of([] { json(R"({"requests":[{"type":"explode"}]})"); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { json(R"({"requests":[{"type":"close_stream"}]})"); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { json(R"({"requests":[{"type":"open_stream"}]})"); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { json(R"({"requests":[{"type":7}]})"); }), Kind::Malformed);
  EXPECT_EQ(fault_of([] { protobuf(field(2, "")); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { protobuf(field(2, field(9, ""))); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { message(Encoding::Json, R"({"type":"bye"})"); }), Kind::UnknownType);
  EXPECT_EQ(
      fault_of([] { message(Encoding::Json, R"({"type":"request","request_id":1,"request":{"type":"close"}})"); }),
      Kind::UnknownType);
  EXPECT_EQ(fault_of([] { message(Encoding::Protobuf, ""); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { message(Encoding::Protobuf, bytes("12 02 08 01")); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { message(Encoding::Protobuf, bytes("12 02 08")); }), Kind::Malformed);
}

TEST(HranaRequest, TextThatIsNoJsonObjectIsRefused) {
  for (const std::string_view text : {"", " ", "null", "[]", "5", "\"a\"", R"({"requests":[]} x)",
                                      R"({"requests":[]}{})", R"({"requests":[})", R"({"requests":[]])", "\xff"}) {
    EXPECT_EQ(fault_of([&] { json(std::string(text)); }), Kind::Malformed) << text;
  }
}

TEST(HranaRequest, NumbersOutsideTheirRangeAreRefused) {
  for (const std::string_view id :
       {"2147483648", "-2147483649", "1.0", "1e2", "\"1\"", "true", "99999999999999999999"}) {
    EXPECT_TRUE(json_is_refused(execute_json("\"sql_id\":" + std::string(id)))) << id;
    EXPECT_TRUE(is_refused([&] {
      message(Encoding::Json, R"({"type":"request","request_id":)" + std::string(id) +
                                  R"(,"request":{"type":"get_autocommit","stream_id":0}})");
    })) << id;
  }
  for (const std::string_view step : {"-1", "4294967296", "0.5", "\"0\"", "null"}) {
    EXPECT_TRUE(json_is_refused(
        R"({"requests":[{"type":"batch","batch":{"steps":[{"stmt":{},"condition":{"type":"ok","step":)" +
        std::string(step) + "}}]}}]}"))
        << step;
  }
  EXPECT_EQ(stmt_of(*json(execute_json(R"("sql_id":-2147483648)"))).sql.id, -2147483647 - 1);
}

TEST(HranaRequest, TheReplicationIndexIsAStringOrANumber) {
  EXPECT_EQ(stmt_of(*json(execute_json(R"("replication_index":"18446744073709551615")"))).replication_index,
            18446744073709551615U);
  EXPECT_EQ(stmt_of(*json(execute_json(R"("replication_index":77)"))).replication_index, 77U);
  for (const std::string_view index : {"-1", "\"-1\"", "\"\"", "\"x\"", "1.5", "18446744073709551616", "[]"}) {
    EXPECT_TRUE(json_is_refused(execute_json("\"replication_index\":" + std::string(index)))) << index;
  }
  const auto batch = json(R"({"requests":[{"type":"batch","batch":{"steps":[],"replication_index":"5"}},
                              {"type":"sequence","sql":"S","replication_index":6}]})");
  EXPECT_EQ(std::get<BatchRequest>(batch->requests[0]).batch.replication_index, 5U);
  EXPECT_EQ(std::get<SequenceRequest>(batch->requests[1]).replication_index, 6U);
}

TEST(HranaRequest, ConditionsAreReadAsTrees) {
  const auto request = json(R"({"requests":[{"type":"batch","batch":{"steps":[
      {"stmt":{"sql":"A"}},
      {"condition":null,"stmt":{"sql":"B"}},
      {"condition":{"type":"and","conds":[{"type":"ok","step":0},{"cond":{"type":"error","step":1},"type":"not"},
                                          {"type":"or","conds":[]},{"type":"is_autocommit"}]},"stmt":{"sql":"C"}}]}}]})");
  const Batch& batch = std::get<BatchRequest>(request->requests[0]).batch;
  ASSERT_EQ(batch.steps.size(), 3U);
  EXPECT_EQ(batch.steps[0].condition, nullptr);
  EXPECT_EQ(batch.steps[1].condition, nullptr);
  const BatchCond& cond = *batch.steps[2].condition;
  ASSERT_EQ(cond.kind, BatchCond::Kind::And);
  ASSERT_EQ(cond.conds.size(), 4U);
  EXPECT_EQ(cond.conds[0].kind, BatchCond::Kind::Ok);
  EXPECT_EQ(cond.conds[1].kind, BatchCond::Kind::Not);
  EXPECT_EQ(cond.conds[1].conds[0].kind, BatchCond::Kind::Error);
  EXPECT_EQ(cond.conds[1].conds[0].step, 1U);
  EXPECT_TRUE(cond.conds[2].conds.empty());
  EXPECT_EQ(cond.conds[3].kind, BatchCond::Kind::IsAutocommit);
  EXPECT_EQ(fault_of([] {
              json(R"({"requests":[{"type":"batch","batch":{"steps":[{"stmt":{},"condition":{"type":"maybe"}}]}}]})");
            }),
            Kind::UnknownType);
}

TEST(HranaRequest, ConditionsOfStepZeroAreThereInProtobuf) {
  // ok(0): a oneof member is written although it is zero.
  const std::string step = field(1, bytes("08 00")) + field(2, field(1, "A"));
  const auto request = protobuf(field(2, field(3, field(1, field(1, step)))));
  const BatchStep& read = std::get<BatchRequest>(request->requests[0]).batch.steps[0];
  ASSERT_NE(read.condition, nullptr);
  EXPECT_EQ(read.condition->kind, BatchCond::Kind::Ok);
  EXPECT_EQ(read.condition->step, 0U);
  std::string out;
  encode(Encoding::Protobuf, *request, out);
  EXPECT_NE(out.find(bytes("0a 02 08 00")), std::string::npos);
  const std::string nothing = field(1, "") + field(2, "");
  EXPECT_EQ(fault_of([&] { protobuf(field(2, field(3, field(1, field(1, nothing))))); }), Kind::UnknownType);
}

TEST(HranaRequest, DeepConditionsAreRefused) {
  const auto json_batch = [](int depth) {
    std::string cond;
    for (int i = 0; i < depth; ++i) cond += R"({"type":"not","cond":)";
    cond += R"({"type":"ok","step":0})" + std::string(static_cast<std::size_t>(depth), '}');
    return R"({"requests":[{"type":"batch","batch":{"steps":[{"stmt":{},"condition":)" + cond + "}]}}]}";
  };
  EXPECT_NO_THROW(json(json_batch(100)));
  EXPECT_TRUE(json_is_refused(json_batch(128)));
  EXPECT_TRUE(json_is_refused(json_batch(100000)));
  const auto protobuf_batch = [](int depth) {
    std::string cond = bytes("08 00");
    for (int i = 0; i < depth; ++i) cond = field(3, cond);
    return field(2, field(3, field(1, field(1, field(1, cond) + field(2, "")))));
  };
  EXPECT_NO_THROW(protobuf(protobuf_batch(90)));
  EXPECT_TRUE(protobuf_is_refused(protobuf_batch(100)));
  EXPECT_TRUE(protobuf_is_refused(protobuf_batch(20000)));
}

TEST(HranaRequest, NamedArgumentsAreRead) {
  const auto request = json(execute_json(
      R"("sql":"S","named_args":[{"name":":a","value":{"type":"integer","value":"1"}},{"value":{"type":"null"},"name":"b"}])"));
  const auto& named = stmt_of(*request).args.named;
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0].name, ":a");
  EXPECT_EQ(named[0].value.integer(), 1);
  EXPECT_EQ(named[1].name, "b");
  EXPECT_TRUE(named[1].value.is_null());
  EXPECT_TRUE(protobuf_is_refused(field(2, field(2, field(1, field(4, field(1, "a")))))))
      << "an argument without a value";
}

TEST(HranaRequest, APartThatComesTwiceInProtobufIsMerged) {
  const std::string first = field(1, field(1, "A") + field(3, bytes("10 02")));
  const std::string second = field(1, bytes("28 01") + field(3, bytes("10 04")));
  const auto request = protobuf(field(2, field(2, first + second)));
  const Stmt& stmt = stmt_of(*request);
  EXPECT_EQ(stmt.sql.text, "A");
  EXPECT_EQ(stmt.want_rows, true);
  ASSERT_EQ(stmt.args.positional.size(), 2U);
  EXPECT_EQ(stmt.args.positional[1].integer(), 2);
  // Of two kinds of one oneof the last counts, and the first leaves nothing behind.
  const auto switched = protobuf(field(2, field(2, first) + field(1, "") + field(2, field(1, field(1, "B")))));
  EXPECT_EQ(stmt_of(*switched).sql.text, "B");
  EXPECT_TRUE(stmt_of(*switched).args.positional.empty());
}

TEST(HranaRequest, AMissingPartInProtobufHasItsDefaults) {
  const auto request = protobuf(field(2, field(2, "")));
  EXPECT_EQ(stmt_of(*request).sql.text, std::nullopt);
  const auto batch = protobuf(field(2, field(3, "")));
  EXPECT_TRUE(std::get<BatchRequest>(batch->requests[0]).batch.steps.empty());
}

TEST(HranaRequest, EveryPrefixOfAProtobufMessageIsRefusedOrShorter) {
  const std::string sample = bytes("0a 03 61 62 63 12 10 12 0e 0a 0c 0a 08 53 45 4c 45 43 54 20 31 28 01 12 02 0a 00");
  for (std::size_t size = 0; size < sample.size(); ++size) {
    const bool at_a_boundary = size == 0 || size == 5 || size == 23;
    EXPECT_EQ(protobuf_is_refused(sample.substr(0, size)), !at_a_boundary) << size;
  }
}

TEST(HranaRequest, CursorRequestsAreRead) {
  const auto request =
      decode_cursor_request(Encoding::Json, std::string(R"({"baton":"b","batch":{"steps":[{"stmt":{"sql":"S"}}]}})"));
  EXPECT_EQ(request->baton, "b");
  EXPECT_EQ(request->batch.steps[0].stmt.sql.text, "S");
  EXPECT_TRUE(is_refused([] { decode_cursor_request(Encoding::Json, std::string(R"({"baton":"b"})")); }));
  const auto binary =
      decode_cursor_request(Encoding::Protobuf, field(1, "b") + field(2, field(1, field(2, field(1, "S")))));
  EXPECT_EQ(binary->baton, "b");
  EXPECT_EQ(binary->batch.steps[0].stmt.sql.text, "S");
}

TEST(HranaRequest, StatelessRequestsAreRead) {
  EXPECT_EQ(decode_v1_execute_request(std::string(R"({"stmt":{"sql":"S"}})"))->sql.text, "S");
  EXPECT_EQ(decode_v1_batch_request(std::string(R"({"batch":{"steps":[{"stmt":{"sql":"S"}}]}})"))->steps.size(), 1U);
  EXPECT_TRUE(is_refused([] { decode_v1_execute_request(std::string("{}")); }));
  EXPECT_TRUE(is_refused([] { decode_v1_batch_request(std::string(R"({"stmt":{}})")); }));
}

TEST(HranaRequest, WebSocketMessagesAreRead) {
  EXPECT_EQ(std::get<Hello>(*message(Encoding::Json, R"({"type":"hello"})")).jwt, std::nullopt);
  EXPECT_EQ(std::get<Hello>(*message(Encoding::Json, R"({"jwt":null,"type":"hello"})")).jwt, std::nullopt);
  EXPECT_EQ(std::get<Hello>(*message(Encoding::Json, R"({"type":"hello","jwt":"t.o.k"})")).jwt, "t.o.k");
  EXPECT_EQ(std::get<Hello>(*message(Encoding::Protobuf, bytes("0a 00"))).jwt, std::nullopt);
  EXPECT_EQ(std::get<Hello>(*message(Encoding::Protobuf, bytes("0a 03 0a 01 74"))).jwt, "t");

  const auto fetch =
      message(Encoding::Json,
              R"({"type":"request","request_id":-3,"request":{"type":"fetch_cursor","cursor_id":4,"max_count":1000}})");
  const auto& request = std::get<WebSocketRequest>(*fetch);
  EXPECT_EQ(request.request_id, -3);
  EXPECT_EQ(std::get<FetchCursorRequest>(request.request).cursor_id, 4);
  EXPECT_EQ(std::get<FetchCursorRequest>(request.request).max_count, 1000U);

  const auto open = message(Encoding::Json, R"({"type":"request","request_id":0,"request":
      {"type":"open_cursor","stream_id":5,"cursor_id":6,"batch":{"steps":[]}}})");
  EXPECT_EQ(std::get<WebSocketRequest>(*open).stream_id, 5);
  EXPECT_EQ(std::get<OpenCursorRequest>(std::get<WebSocketRequest>(*open).request).cursor_id, 6);

  // execute on stream 7: field 4, whose statement is field 2 and whose replication index is field 3.
  const auto execute =
      message(Encoding::Protobuf,
              field(2, bytes("08 09") + field(4, bytes("08 07") + field(2, field(1, "S")) + bytes("18 4d"))));
  const auto& executed = std::get<WebSocketRequest>(*execute);
  EXPECT_EQ(executed.request_id, 9);
  EXPECT_EQ(executed.stream_id, 7);
  EXPECT_EQ(std::get<ExecuteRequest>(executed.request).stmt.sql.text, "S");
  EXPECT_EQ(std::get<ExecuteRequest>(executed.request).stmt.replication_index, 77U);
}

TEST(HranaRequest, AStreamIsNamedWhereThereIsOne) {
  for (const std::string_view type : {"open_stream", "close_stream", "get_autocommit", "sequence", "describe"}) {
    const std::string request = R"({"type":"request","request_id":0,"request":{"type":")" + std::string(type) + '"';
    EXPECT_TRUE(is_refused([&] { message(Encoding::Json, request + "}}"); })) << type;
    EXPECT_EQ(std::get<WebSocketRequest>(*message(Encoding::Json, request + R"(,"stream_id":3}})")).stream_id, 3);
  }
  EXPECT_NO_THROW(
      message(Encoding::Json, R"({"type":"request","request_id":0,"request":{"type":"close_sql","sql_id":1}})"));
}

TEST(HranaRequest, NegativeNumbersInProtobufTakeTenBytes) {
  const auto request = message(Encoding::Protobuf, bytes("12 0f 08 ff ff ff ff ff ff ff ff ff 01 12 02 08 05"));
  EXPECT_EQ(std::get<WebSocketRequest>(*request).request_id, -1);
  EXPECT_EQ(std::get<WebSocketRequest>(*request).stream_id, 5);
  std::string out;
  encode(Encoding::Protobuf, *request, out);
  EXPECT_EQ(test::hex(out), "12 0f 08 ff ff ff ff ff ff ff ff ff 01 12 02 08 05");
}

TEST(HranaRequest, ADecodedRequestSurvivesBeingMoved) {
  auto request = json(execute_json(R"("sql":"short","args":[{"type":"text","value":"with \n escape"}])"));
  const auto moved = std::move(request);
  EXPECT_EQ(stmt_of(*moved).sql.text, "short");
  EXPECT_EQ(stmt_of(*moved).args.positional[0].text(), "with \n escape");
}

TEST(HranaRequest, BorrowedBytesAreNotCopied) {
  const std::string body = execute_json(R"("sql":"SELECT 1")");
  const auto request = decode_pipeline_request(Encoding::Json, core::Source::borrowed(body));
  const char* const sql = stmt_of(*request).sql.text->data();
  EXPECT_GE(sql, body.data());
  EXPECT_LT(sql, body.data() + body.size());
}

}  // namespace
}  // namespace libsql::hrana

// Whatever is written is read back the same, in both encodings.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "unit/hrana/vectors.hpp"

namespace libsql::hrana {
namespace {

class HranaRoundTrip : public testing::TestWithParam<Encoding> {};
INSTANTIATE_TEST_SUITE_P(Encodings, HranaRoundTrip, testing::Values(Encoding::Json, Encoding::Protobuf),
                         [](const auto& parameter) { return parameter.param == Encoding::Json ? "Json" : "Protobuf"; });

template <class Message>
std::string encoded(Encoding encoding, const Message& message) {
  std::string out;
  encode(encoding, message, out);
  return out;
}

std::vector<Value> extremes() {
  using Limits = std::numeric_limits<std::int64_t>;
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  const auto all = test::blob(all_bytes);
  return {null,
          0,
          1,
          -1,
          Limits::min(),
          Limits::max(),
          (std::int64_t{1} << 53) + 1,
          0.0,
          -0.0,
          1.0,
          0.1,
          5e-324,
          std::numeric_limits<double>::max(),
          "",
          "text",
          std::string("nul\0inside", 10),
          "\x7f\"\\/\b\f\n\r\t\x01\x1f",
          "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
          std::string(100000, 'x'),
          Blob(),
          Blob(all.begin(), all.end()),
          Blob(100000, std::byte{7})};
}

std::vector<ValueRef> refs(const std::vector<Value>& values) {
  std::vector<ValueRef> result;
  for (const Value& value : values) result.push_back(value.ref());
  return result;
}

TEST_P(HranaRoundTrip, ArgumentsComeBack) {
  const auto values = extremes();
  const auto args = refs(values);
  std::vector<detail::NamedRef> named;
  for (const ValueRef& arg : args) named.push_back({":name", arg});
  const Request requests[] = {ExecuteRequest{{{"SELECT ?", {}}, {args, {}}, false, 5}},
                              ExecuteRequest{{{{}, -3}, {{}, named}, {}, {}}}};
  const auto decoded = decode_pipeline_request(GetParam(), encoded(GetParam(), PipelineRequest{"baton", requests}));
  EXPECT_EQ(decoded->baton, "baton");
  const Stmt& first = test::stmt_of(*decoded, 0);
  EXPECT_EQ(first.sql.text, "SELECT ?");
  EXPECT_EQ(first.sql.id, std::nullopt);
  EXPECT_EQ(first.want_rows, false);
  EXPECT_EQ(first.replication_index, 5U);
  const Stmt& second = test::stmt_of(*decoded, 1);
  EXPECT_EQ(second.sql.text, std::nullopt);
  EXPECT_EQ(second.sql.id, -3);
  EXPECT_EQ(second.want_rows, true) << "it is always written";
  ASSERT_EQ(first.args.positional.size(), values.size());
  ASSERT_EQ(second.args.named.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(Value(first.args.positional[i]), values[i]) << i;
    EXPECT_EQ(Value(second.args.named[i].value), values[i]) << i;
    EXPECT_EQ(second.args.named[i].name, ":name");
  }
}

TEST_P(HranaRoundTrip, RowsComeBack) {
  const auto values = extremes();
  const auto cells = refs(values);
  const std::vector<Col> cols(values.size(), Col{"c", std::nullopt});
  std::vector<ValueRef> twice = cells;
  twice.insert(twice.end(), cells.begin(), cells.end());
  StmtResult result{cols, twice, 2, {}};
  result.totals = {7, std::numeric_limits<std::int64_t>::min(), 9, 10, 11, 0.125};
  const StreamResult results[] = {Response(ExecuteResponse{result})};
  const auto decoded =
      decode_pipeline_response(GetParam(), encoded(GetParam(), PipelineResponse{"b", "http://x", results}));
  EXPECT_EQ(decoded->baton, "b");
  EXPECT_EQ(decoded->base_url, "http://x");
  const StmtResult& read = test::result_of(*decoded);
  ASSERT_EQ(read.row_count, 2U);
  for (std::size_t i = 0; i < twice.size(); ++i) EXPECT_EQ(Value(read.cells[i]), Value(twice[i])) << i;
  EXPECT_EQ(read.totals.affected_row_count, 7U);
  EXPECT_EQ(read.totals.last_insert_rowid, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read.totals.replication_index, 9U);
  EXPECT_EQ(read.totals.rows_read, 10U);
  EXPECT_EQ(read.totals.rows_written, 11U);
  EXPECT_EQ(read.totals.query_duration_ms, 0.125);
}

TEST_P(HranaRoundTrip, EveryRequestComesBack) {
  const BatchCond ok{BatchCond::Kind::Ok, 0, {}};
  const BatchCond inner[] = {ok, {BatchCond::Kind::Error, 1, {}}, {BatchCond::Kind::IsAutocommit, 0, {}}};
  const BatchCond negated[] = {{BatchCond::Kind::Or, 0, inner}, {BatchCond::Kind::Not, 0, std::span(&ok, 1)}};
  const BatchCond both{BatchCond::Kind::And, 0, negated};
  const BatchStep steps[] = {{nullptr, {{"BEGIN", {}}, {}, {}, {}}}, {&both, {{"END", {}}, {}, {}, {}}}};
  const Batch batch{steps, 77};
  const Request requests[] = {CloseRequest{},
                              ExecuteRequest{{{"S", {}}, {}, true, {}}},
                              BatchRequest{batch},
                              SequenceRequest{{"A;B", {}}, 1},
                              DescribeRequest{{{}, 4}, {}},
                              StoreSqlRequest{0, "S"},
                              CloseSqlRequest{-1},
                              GetAutocommitRequest{},
                              OpenStreamRequest{},
                              OpenCursorRequest{6, batch},
                              CloseCursorRequest{0},
                              FetchCursorRequest{2, 4294967295U}};
  const auto same = [&](const std::string& first, auto&& decode) {
    const auto decoded = decode(first);
    EXPECT_EQ(encoded(GetParam(), *decoded), first);
  };
  const PipelineRequest pipeline{{}, std::span(requests).first(8)};
  same(encoded(GetParam(), pipeline),
       [&](std::string bytes) { return decode_pipeline_request(GetParam(), std::move(bytes)); });
  same(encoded(GetParam(), CursorRequest{"b", batch}),
       [&](std::string bytes) { return decode_cursor_request(GetParam(), std::move(bytes)); });
  for (std::size_t i = 0; i < std::size(requests); ++i) {
    std::optional<std::uint32_t> busy_timeout;
    if (i % 2 == 0) busy_timeout = static_cast<std::uint32_t>(i) * 500'000'000;
    const ClientMessage message = WebSocketRequest{static_cast<std::int32_t>(i) - 3, 5, requests[i], busy_timeout};
    same(encoded(GetParam(), message), [&](std::string bytes) {
      auto decoded = decode_client_message(GetParam(), std::move(bytes));
      const auto& request = std::get<WebSocketRequest>(*decoded);
      EXPECT_EQ(request.request.index(), i);
      EXPECT_EQ(request.request_id, static_cast<std::int32_t>(i) - 3);
      EXPECT_EQ(request.busy_timeout, busy_timeout);
      EXPECT_EQ(request.stream_id, has_stream(static_cast<RequestType>(i)) ? 5 : 0);
      return decoded;
    });
  }
  const auto decoded = decode_pipeline_request(GetParam(), encoded(GetParam(), pipeline));
  const auto& read = std::get<BatchRequest>(decoded->requests[2]).batch;
  EXPECT_EQ(read.replication_index, 77U);
  EXPECT_EQ(read.steps[1].condition->conds[0].conds[1].step, 1U);
  EXPECT_EQ(read.steps[1].condition->conds[1].conds[0].kind, BatchCond::Kind::Ok);
}

TEST_P(HranaRoundTrip, EveryResponseComesBack) {
  const Col cols[] = {{"n", "TEXT"}, {std::nullopt, std::nullopt}};
  const ValueRef cells[] = {ValueRef(std::int64_t{1}), ValueRef(std::string_view("a"))};
  const StmtResult result{cols, cells, 1, {}};
  const WireError error{"no", "X", std::nullopt};
  const StepOutcome steps[] = {{1, result}, {2, error}, {7, result}};
  const DescribeParam params[] = {{":a"}, {std::nullopt}};
  const CursorEntry entries[] = {StepBegin{0, cols}, CursorRow{cells},    StepEnd{3, -4},
                                 StepEnd{0, {}},     StepError{2, error}, CursorError{error}};
  const Response responses[] = {CloseResponse{},
                                ExecuteResponse{result},
                                BatchResponse{{steps, std::nullopt}},
                                SequenceResponse{},
                                DescribeResponse{{params, cols, true, false}},
                                StoreSqlResponse{},
                                CloseSqlResponse{},
                                GetAutocommitResponse{true},
                                OpenStreamResponse{},
                                OpenCursorResponse{},
                                CloseCursorResponse{},
                                FetchCursorResponse{entries, true}};
  std::vector<StreamResult> results(std::begin(responses), std::begin(responses) + 8);
  results.emplace_back(error);
  const std::string pipeline = encoded(GetParam(), PipelineResponse{{}, {}, results});
  EXPECT_EQ(encoded(GetParam(), *decode_pipeline_response(GetParam(), pipeline + "")), pipeline);
  for (std::size_t i = 0; i < std::size(responses); ++i) {
    const std::string first = encoded(GetParam(), ServerMessage(ResponseOk{1, responses[i]}));
    const auto decoded = decode_server_message(GetParam(), first + "");
    EXPECT_EQ(std::get<ResponseOk>(*decoded).response.index(), i);
    EXPECT_EQ(encoded(GetParam(), *decoded), first);
  }
  for (const ServerMessage& message :
       {ServerMessage(HelloOk{}), ServerMessage(HelloError{error}), ServerMessage(ResponseError{-1, error})}) {
    const std::string first = encoded(GetParam(), message);
    EXPECT_EQ(encoded(GetParam(), *decode_server_message(GetParam(), first + "")), first);
  }
}

TEST_P(HranaRoundTrip, WhatCannotBeWrittenLeavesNothingBehind) {
  std::string out = "before";
  const ValueRef bad[] = {ValueRef(std::string_view("\xff"))};
  const detail::NamedRef bad_name[] = {{"\xff", ValueRef()}};
  const Request requests[] = {ExecuteRequest{{{"SELECT '\xff'", {}}, {}, {}, {}}},
                              ExecuteRequest{{{"S", {}}, {bad, {}}, {}, {}}},
                              ExecuteRequest{{{"S", {}}, {{}, bad_name}, {}, {}}}, StoreSqlRequest{1, "\xff"},
                              SequenceRequest{{"\xff", {}}, {}}};
  for (const Request& request : requests) {
    EXPECT_THROW(encode(GetParam(), PipelineRequest{{}, std::span(&request, 1)}, out), EncodeError);
    EXPECT_EQ(out, "before");
  }
  const Col col{"c", {}};
  const StreamResult result = Response(ExecuteResponse{{std::span(&col, 1), bad, 1, {}}});
  EXPECT_THROW(encode(GetParam(), PipelineResponse{{}, {}, std::span(&result, 1)}, out), EncodeError);
  EXPECT_EQ(out, "before");
}

TEST_P(HranaRoundTrip, NumbersThatAreNotFiniteAreArgumentsWhereTheyCanBe) {
  const double infinity = std::numeric_limits<double>::infinity();
  const ValueRef nan(std::numeric_limits<double>::quiet_NaN());
  const Request not_a_number = ExecuteRequest{{{"S", {}}, {std::span(&nan, 1), {}}, {}, {}}};
  const auto decoded =
      decode_pipeline_request(GetParam(), encoded(GetParam(), PipelineRequest{{}, std::span(&not_a_number, 1)}));
  EXPECT_TRUE(test::stmt_of(*decoded).args.positional[0].is_null()) << "as the engine makes NULL of NaN";
  const ValueRef infinite(-infinity);
  const Request request = ExecuteRequest{{{"S", {}}, {std::span(&infinite, 1), {}}, {}, {}}};
  if (GetParam() == Encoding::Json) {
    EXPECT_THROW(encoded(GetParam(), PipelineRequest{{}, std::span(&request, 1)}), EncodeError);
  } else {
    const auto read =
        decode_pipeline_request(GetParam(), encoded(GetParam(), PipelineRequest{{}, std::span(&request, 1)}));
    EXPECT_EQ(test::stmt_of(*read).args.positional[0].real(), -infinity);
  }
}

TEST(HranaRequestInJson, IsWrittenAsServersReadIt) {
  const std::byte slash[] = {std::byte{0xff}};
  const ValueRef args[] = {ValueRef(std::int64_t{3}), ValueRef(BlobView(slash)), ValueRef(1.0)};
  const Request requests[] = {ExecuteRequest{{{"S", {}}, {args, {}}, {}, {}}}, DescribeRequest{{"D", {}}, {}},
                              CloseRequest{}};
  EXPECT_EQ(encoded(Encoding::Json, PipelineRequest{{}, requests}),
            R"({"baton":null,"requests":[{"type":"execute","stmt":{"sql":"S","args":[{"type":"integer","value":"3"},)"
            R"({"type":"blob","base64":"/w"},{"type":"float","value":1.0}],"named_args":[],"want_rows":true}},)"
            R"({"type":"describe","sql":"D"},{"type":"close"}]})");
  EXPECT_EQ(encoded(Encoding::Json, ClientMessage(Hello{})), R"({"type":"hello"})");
  EXPECT_EQ(encoded(Encoding::Json, ClientMessage(WebSocketRequest{2, 0, OpenStreamRequest{}, {}})),
            R"({"type":"request","request_id":2,"request":{"type":"open_stream","stream_id":0}})");
}

}  // namespace
}  // namespace libsql::hrana

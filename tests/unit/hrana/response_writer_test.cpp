#include "hrana/response_writer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/hrana/vectors.hpp"

namespace libsql::hrana {
namespace {

using test::bytes;
using test::field;
using test::hex;

const Col kName[] = {{"n", "TEXT"}};
const WireError kError{"it broke", "SQLITE_UNKNOWN", std::nullopt};

bool write_row(ResponseWriter& writer, std::string_view text) {
  const ValueRef cells[] = {ValueRef(text)};
  return writer.row(cells);
}

void write_select(ResponseWriter& writer) {
  writer.begin_execute();
  writer.columns(kName);
  EXPECT_TRUE(write_row(writer, "Rex"));
  StmtTotals totals;
  totals.rows_read = 1;
  totals.query_duration_ms = 0.04;
  writer.end_execute(totals);
}

TEST(ResponseWriter, APipelineInJsonHasEveryMember) {
  std::string out;
  auto writer = ResponseWriter::pipeline(Encoding::Json, out);
  writer.begin();
  write_select(writer);
  writer.begin();
  writer.fail(kError);
  writer.begin();
  writer.done(RequestType::Close);
  writer.end_pipeline(std::nullopt, std::nullopt);
  EXPECT_EQ(
      out, R"({"results":[{"type":"ok","response":{"type":"execute","result":{"cols":[{"name":"n","decltype":"TEXT"}],)"
           R"("rows":[[{"type":"text","value":"Rex"}]],"affected_row_count":0,"last_insert_rowid":null,)"
           R"("replication_index":null,"rows_read":1,"rows_written":0,"query_duration_ms":0.04}}},)"
           R"({"type":"error","error":{"message":"it broke","code":"SQLITE_UNKNOWN"}},)"
           R"({"type":"ok","response":{"type":"close"}}],"baton":null,"base_url":null})");
}

TEST(ResponseWriter, ColumnsCanBeRepeatedAsTheyWereWritten) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    const auto answer = [&](auto&& write_columns) {
      std::string out;
      auto writer = ResponseWriter::pipeline(encoding, out);
      EXPECT_EQ(writer.encoding(), encoding);
      writer.begin();
      writer.begin_execute();
      write_columns(writer);
      EXPECT_TRUE(write_row(writer, "Rex"));
      writer.end_execute({});
      writer.end_pipeline(std::nullopt, std::nullopt);
      return out;
    };
    std::string written;
    const std::string first = answer([&](ResponseWriter& writer) {
      writer.columns(kName);
      written = writer.written_columns();
    });
    EXPECT_EQ(answer([&](ResponseWriter& writer) { writer.repeat_columns(written); }), first);
  }
}

TEST(ResponseWriter, APipelineInProtobufHasExactLengths) {
  std::string out;
  auto writer = ResponseWriter::pipeline(Encoding::Protobuf, out);
  writer.begin();
  write_select(writer);
  writer.begin();
  writer.fail(kError);
  writer.begin();
  writer.done(RequestType::Close);
  writer.end_pipeline("b", "http://x");
  const std::string result = field(1, field(1, "n") + field(2, "TEXT")) + field(2, field(1, field(4, "Rex"))) +
                             bytes("30 01 41 7b 14 ae 47 e1 7a a4 3f");
  EXPECT_EQ(hex(out), hex(field(3, field(1, field(2, field(1, result)))) +
                          field(3, field(2, field(1, "it broke") + field(2, "SQLITE_UNKNOWN"))) +
                          field(3, field(1, field(1, ""))) + field(1, "b") + field(2, "http://x")));
}

TEST(ResponseWriter, AnEmptyPipelineIsWritten) {
  std::string out = "before";
  ResponseWriter::pipeline(Encoding::Json, out).end_pipeline("b", std::nullopt);
  EXPECT_EQ(out, R"(before{"results":[],"baton":"b","base_url":null})");
  out.clear();
  ResponseWriter::pipeline(Encoding::Protobuf, out).end_pipeline(std::nullopt, std::nullopt);
  EXPECT_EQ(out, "");
}

TEST(ResponseWriter, FailTakesBackWhatTheRequestHasWritten) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    std::string wanted;
    {
      auto writer = ResponseWriter::pipeline(encoding, wanted);
      writer.begin();
      writer.done(RequestType::StoreSql);
      writer.begin();
      writer.fail(kError);
      writer.begin();
      writer.autocommit(true);
      writer.end_pipeline("b", std::nullopt);
    }
    // The point at which the request fails, from at once to behind its end.
    for (int point = 0; point < 7; ++point) {
      std::string out;
      auto writer = ResponseWriter::pipeline(encoding, out);
      writer.begin();
      writer.done(RequestType::StoreSql);
      writer.begin();
      if (point >= 1) writer.begin_batch();
      if (point >= 2) writer.begin_step();
      if (point >= 3) writer.columns(kName);
      if (point >= 4) {
        EXPECT_TRUE(write_row(writer, std::string(40000, 'x')));
      }
      if (point >= 5) writer.fail_step(kError);
      if (point >= 6) writer.skip_step();
      EXPECT_EQ(point == 0, writer.request_bytes() == 0);
      writer.fail(kError);
      writer.begin();
      writer.autocommit(true);
      writer.end_pipeline("b", std::nullopt);
      EXPECT_EQ(hex(out), hex(wanted)) << point;
    }
  }
}

TEST(ResponseWriter, AFinishedAnswerCanStillFailOrBeWrittenAnew) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    std::string wanted;
    {
      auto writer = ResponseWriter::pipeline(encoding, wanted);
      writer.begin();
      writer.fail(kError);
      writer.begin();
      writer.autocommit(true);
      writer.end_pipeline(std::nullopt, std::nullopt);
    }
    std::string out;
    auto writer = ResponseWriter::pipeline(encoding, out);
    writer.begin();
    writer.done(RequestType::StoreSql);
    writer.fail(kError);
    writer.begin();
    writer.begin_execute();
    writer.columns(kName);
    writer.restart();
    writer.autocommit(false);
    writer.restart();
    writer.autocommit(true);
    writer.end_pipeline(std::nullopt, std::nullopt);
    EXPECT_EQ(hex(out), hex(wanted));
  }
}

TEST(ResponseWriter, ABatchHasASlotForEachStep) {
  std::string out;
  auto writer = ResponseWriter::pipeline(Encoding::Json, out);
  writer.begin();
  writer.begin_batch();
  writer.begin_step();
  writer.columns({});
  StmtTotals totals;
  totals.affected_row_count = 1;
  totals.last_insert_rowid = 12;
  writer.end_step(totals);
  writer.begin_step();
  writer.columns(kName);
  EXPECT_TRUE(write_row(writer, "lost"));
  writer.fail_step(kError);
  writer.skip_step();
  writer.begin_step();
  writer.fail_step({"again", "X", "X_MORE"});
  writer.begin_step();
  writer.end_step({});  // without columns
  writer.end_batch(77);
  writer.end_pipeline(std::nullopt, std::nullopt);
  const std::string empty = R"("replication_index":null,"rows_read":0,"rows_written":0,"query_duration_ms":0.0})";
  EXPECT_EQ(out, R"({"results":[{"type":"ok","response":{"type":"batch","result":{"step_results":[)"
                 R"({"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":"12",)" +
                     empty +
                     R"(,null,null,null,{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null,)" +
                     empty +
                     R"(],"step_errors":[null,{"message":"it broke","code":"SQLITE_UNKNOWN"},null,)"
                     R"({"message":"again","code":"X","extended_code":"X_MORE"},null],"replication_index":"77"}}}],)"
                     R"("baton":null,"base_url":null})");
}

TEST(ResponseWriter, ABatchInProtobufHasTheKeysOfItsSteps) {
  std::string out;
  auto writer = ResponseWriter::pipeline(Encoding::Protobuf, out);
  writer.begin();
  writer.begin_batch();
  writer.begin_step();
  writer.end_step({});
  writer.begin_step();
  EXPECT_TRUE(write_row(writer, "lost"));
  writer.fail_step(kError);
  writer.skip_step();
  writer.begin_step();
  StmtTotals totals;
  totals.last_insert_rowid = -1;
  writer.end_step(totals);
  writer.end_batch();
  writer.end_pipeline(std::nullopt, std::nullopt);
  const std::string result = field(1, bytes("08 00 12 00")) +
                             field(2, bytes("08 01") + field(2, field(1, "it broke") + field(2, "SQLITE_UNKNOWN"))) +
                             field(1, bytes("08 03") + field(2, bytes("20 01")));
  EXPECT_EQ(hex(out), hex(field(3, field(1, field(3, field(1, result))))));
}

TEST(ResponseWriter, ARowThatIsNotUtf8LeavesNothingBehind) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    std::string out;
    auto writer = ResponseWriter::pipeline(encoding, out);
    writer.begin();
    writer.begin_execute();
    writer.columns(kName);
    for (const std::string_view bad : {"\xff", "abc\xc3", "a\xed\xa0\x80z"}) {
      const std::string before = out;
      EXPECT_FALSE(write_row(writer, bad));
      EXPECT_EQ(hex(out), hex(before));
      EXPECT_TRUE(write_row(writer, "good"));
    }
    writer.end_execute({});
    writer.end_pipeline(std::nullopt, std::nullopt);
    EXPECT_EQ(test::result_of(*decode_pipeline_response(encoding, std::move(out))).row_count, 3U);
  }
}

TEST(ResponseWriter, NamesAndMessagesThatAreNotUtf8AreMended) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    std::string out;
    auto writer = ResponseWriter::pipeline(encoding, out);
    writer.begin();
    writer.begin_execute();
    const Col cols[] = {
        {"a\xff\xfe"
         "b",
         "\xc3"}};
    writer.columns(cols);
    writer.end_execute({});
    writer.begin();
    writer.fail({"no such table: \xe2\x82", "X", std::nullopt});
    writer.end_pipeline(std::nullopt, std::nullopt);
    const auto response = decode_pipeline_response(encoding, std::move(out));
    EXPECT_EQ(test::result_of(*response).cols[0].name,
              "a\xEF\xBF\xBD\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(test::result_of(*response).cols[0].decltype_name, "\xEF\xBF\xBD");
    EXPECT_EQ(std::get<WireError>(response->results[1]).message, "no such table: \xEF\xBF\xBD\xEF\xBF\xBD");
  }
}

TEST(ResponseWriter, WebSocketAnswersNameTheirRequest) {
  std::string out;
  auto writer = ResponseWriter::web_socket(Encoding::Json, out);
  writer.begin(7);
  writer.done(RequestType::Close);
  EXPECT_EQ(out, R"({"type":"response_ok","request_id":7,"response":{"type":"close_stream"}})");
  out.clear();
  writer.begin(-8);
  writer.begin_execute();
  writer.fail(kError);
  EXPECT_EQ(out, R"({"type":"response_error","request_id":-8,"error":{"message":"it broke","code":"SQLITE_UNKNOWN"}})");
  out.clear();
  writer.begin(9);
  EXPECT_EQ(writer.request_bytes(), 0U);
  writer.autocommit(false);
  EXPECT_EQ(out, R"({"type":"response_ok","request_id":9,"response":{"type":"get_autocommit","is_autocommit":false}})");

  std::string binary;
  auto protobuf = ResponseWriter::web_socket(Encoding::Protobuf, binary);
  protobuf.begin(0);
  protobuf.autocommit(true);
  EXPECT_EQ(hex(binary), hex(field(3, field(13, bytes("08 01")))));
  binary.clear();
  protobuf.begin(300);
  protobuf.fail(kError);
  EXPECT_EQ(hex(binary),
            hex(field(4, bytes("08 ac 02") + field(2, field(1, "it broke") + field(2, "SQLITE_UNKNOWN")))));
}

TEST(ResponseWriter, StatelessAnswersAreBare) {
  std::string out;
  auto writer = ResponseWriter::v1(out);
  writer.begin();
  writer.begin_execute();
  writer.end_execute({});
  EXPECT_EQ(out, R"({"result":{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null,)"
                 R"("replication_index":null,"rows_read":0,"rows_written":0,"query_duration_ms":0.0}})");
  out.clear();
  writer.begin();
  writer.begin_batch();
  writer.skip_step();
  writer.end_batch();
  EXPECT_EQ(out, R"({"result":{"step_results":[null],"step_errors":[null],"replication_index":null}})");
  writer.fail(kError);
  EXPECT_EQ(out, R"({"message":"it broke","code":"SQLITE_UNKNOWN"})");
}

TEST(ResponseWriter, DescribeNamesParametersAndColumns) {
  const DescribeParam params[] = {{":a"}, {std::nullopt}};
  std::string out;
  auto writer = ResponseWriter::web_socket(Encoding::Json, out);
  writer.begin(1);
  writer.describe({params, kName, false, true});
  EXPECT_EQ(out,
            R"({"type":"response_ok","request_id":1,"response":{"type":"describe","result":{"params":[{"name":":a"},)"
            R"({"name":null}],"cols":[{"name":"n","decltype":"TEXT"}],"is_explain":false,"is_readonly":true}}})");
}

TEST(ResponseWriter, RowsOfEverySizeAreRight) {
  for (std::size_t size = 0; size < 700; ++size) {
    const std::string text(size / 2, 't');
    const std::string bytes(size - size / 2, 'b');
    const ValueRef cells[] = {ValueRef(std::string_view(text)), ValueRef(test::blob(bytes)), ValueRef(ZeroBlob{size})};
    const Col cols[] = {{"a", {}}, {"b", {}}, {"c", {}}};
    std::string out;
    auto writer = ResponseWriter::pipeline(Encoding::Protobuf, out);
    writer.begin();
    writer.begin_execute();
    writer.columns(cols);
    ASSERT_TRUE(writer.row(cells));
    writer.end_execute({});
    writer.end_pipeline(std::nullopt, std::nullopt);
    const auto response = decode_pipeline_response(Encoding::Protobuf, std::move(out));
    const auto row = test::result_of(*response).row(0);
    ASSERT_EQ(Value(row[0]), Value(text)) << size;
    ASSERT_EQ(Value(row[1]), Value(test::blob(bytes))) << size;
    ASSERT_EQ(Value(row[2]), Value(Blob(size, std::byte{0}))) << size;
  }
}

TEST(ResponseWriter, LengthsOfEverySizeAreRight) {
  for (const std::size_t size :
       {0, 1, 50, 100, 120, 127, 128, 16000, 16383, 16384, 20000, 2'000'000, 2'097'152, 2'200'000}) {
    std::string out;
    auto writer = ResponseWriter::pipeline(Encoding::Protobuf, out);
    writer.begin();
    writer.begin_batch();
    writer.begin_step();
    writer.columns(kName);
    EXPECT_TRUE(write_row(writer, std::string(size, 'x')));
    writer.end_step({});
    writer.end_batch();
    writer.end_pipeline(std::nullopt, std::nullopt);
    const auto response = decode_pipeline_response(Encoding::Protobuf, std::move(out));
    const auto& batch = std::get<BatchResponse>(std::get<Response>(response->results[0])).result;
    EXPECT_EQ(batch.find(0)->result()->cells[0].size(), size);
  }
}

TEST(ResponseWriter, HttpErrorsAreWrittenForEveryClient) {
  std::string out;
  encode_http_error("a \"b\" \xff", "X", out);
  EXPECT_EQ(out, "{\"error\":\"a \\\"b\\\" \xEF\xBF\xBD\",\"message\":\"a \\\"b\\\" \xEF\xBF\xBD\",\"code\":\"X\"}");
  out.clear();
  encode(Encoding::Protobuf, WireError{"gone", "STREAM_EXPIRED", std::nullopt}, out);
  EXPECT_EQ(hex(out), hex(field(1, "gone") + field(2, "STREAM_EXPIRED")));
}

}  // namespace
}  // namespace libsql::hrana

#include <gtest/gtest.h>

#include <string>

#include "hrana/cursor_reader.hpp"
#include "hrana/cursor_writer.hpp"
#include "hrana/response_writer.hpp"
#include "unit/hrana/vectors.hpp"

namespace libsql::hrana {
namespace {

using test::bytes;
using test::fault_of;
using test::field;
using test::hex;
using Framing = CursorEntryWriter::Framing;

const Col kName[] = {{"n", "TEXT"}};
const WireError kError{"it broke", "SQLITE_UNKNOWN", std::nullopt};

void write_cursor(CursorEntryWriter& writer) {
  writer.step_begin(0, kName);
  const ValueRef row[] = {ValueRef(std::string_view("Rex"))};
  EXPECT_TRUE(writer.row(row));
  writer.step_end(0, std::nullopt);
  writer.step_begin(300, {});
  writer.step_end(2, -5);
  writer.step_error(301, kError);
  writer.error(kError);
  writer.replication_index(77);
}

std::string body(Encoding encoding) {
  std::string out;
  CursorEntryWriter writer(encoding, Framing::Body, out);
  writer.head("baton", std::nullopt);
  write_cursor(writer);
  return out;
}

// What the reader gives, as text.
struct Describe {
  std::string operator()(const StepBegin& entry) const {
    return "begin " + std::to_string(entry.step) + " " + std::to_string(entry.cols.size());
  }
  std::string operator()(const CursorRow& entry) const {
    std::string text = "row";
    for (const ValueRef& cell : entry.cells) text.append(" ").append(to_sql_literal(cell));
    return text;
  }
  std::string operator()(const StepEnd& entry) const {
    return "end " + std::to_string(entry.affected_row_count) + " " +
           (entry.last_insert_rowid ? std::to_string(*entry.last_insert_rowid) : "-");
  }
  std::string operator()(const StepError& entry) const {
    return "step error " + std::to_string(entry.step) + " " + std::string(entry.error.message);
  }
  std::string operator()(const CursorError& entry) const { return "error " + std::string(entry.error.message); }
  std::string operator()(const ReplicationIndex& entry) const {
    return "index " + (entry.value ? std::to_string(*entry.value) : "-");
  }
};

void drain(CursorReader& reader, std::vector<std::string>& entries) {
  while (const auto entry = reader.next()) entries.push_back(std::visit(Describe{}, *entry));
}

std::vector<std::string> read(Encoding encoding, std::string_view text, std::size_t piece = 1U << 20U) {
  CursorReader reader(encoding);
  std::vector<std::string> entries;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.feed(text.substr(at, piece));
    drain(reader, entries);
  }
  reader.finish();
  drain(reader, entries);
  EXPECT_NE(reader.head(), nullptr);
  return entries;
}

TEST(HranaCursor, ABodyInJsonIsLinesAndItsRowidANumber) {
  EXPECT_EQ(body(Encoding::Json),
            R"({"baton":"baton","base_url":null}
{"type":"step_begin","step":0,"cols":[{"name":"n","decltype":"TEXT"}]}
{"type":"row","row":[{"type":"text","value":"Rex"}]}
{"type":"step_end","affected_row_count":0,"last_insert_rowid":null}
{"type":"step_begin","step":300,"cols":[]}
{"type":"step_end","affected_row_count":2,"last_insert_rowid":-5}
{"type":"step_error","step":301,"error":{"message":"it broke","code":"SQLITE_UNKNOWN"}}
{"type":"error","error":{"message":"it broke","code":"SQLITE_UNKNOWN"}}
{"type":"replication_index","replication_index":77}
)");
}

TEST(HranaCursor, ABodyInProtobufHasLengthsAndNoReplicationIndex) {
  const auto item = [](const std::string& message) { return field(1, message).substr(1); };
  const std::string error = field(1, "it broke") + field(2, "SQLITE_UNKNOWN");
  EXPECT_EQ(hex(body(Encoding::Protobuf)),
            hex(item(field(1, "baton")) + item(field(1, field(2, field(1, "n") + field(2, "TEXT")))) +
                item(field(4, field(1, field(4, "Rex")))) + item(field(2, "")) + item(field(1, bytes("08 ac 02"))) +
                item(field(2, bytes("08 02 10 09"))) + item(field(3, bytes("08 ad 02") + field(2, error))) +
                item(field(5, error))));
}

TEST(HranaCursor, EntriesForAWebSocketHaveARowidInAString) {
  std::string entries;
  CursorEntryWriter writer(Encoding::Json, Framing::Fetch, entries);
  std::string out;
  auto response = ResponseWriter::web_socket(Encoding::Json, out);
  response.begin(1);
  response.fetched(entries, false);
  EXPECT_EQ(out,
            R"({"type":"response_ok","request_id":1,"response":{"type":"fetch_cursor","entries":[],"done":false}})");
  writer.step_begin(0, {});
  writer.step_end(1, 12);
  writer.replication_index(77);
  out.clear();
  response.begin(1);
  response.fetched(entries, true);
  EXPECT_EQ(out, R"({"type":"response_ok","request_id":1,"response":{"type":"fetch_cursor","entries":[)"
                 R"({"type":"step_begin","step":0,"cols":[]},)"
                 R"({"type":"step_end","affected_row_count":1,"last_insert_rowid":"12"}],"done":true}})");
  std::string binary_entries;
  CursorEntryWriter binary_writer(Encoding::Protobuf, Framing::Fetch, binary_entries);
  const ValueRef row[] = {ValueRef()};
  EXPECT_TRUE(binary_writer.row(row));
  binary_writer.step_end(0, 1);
  std::string binary;
  auto binary_response = ResponseWriter::web_socket(Encoding::Protobuf, binary);
  binary_response.begin(1);
  binary_response.fetched(binary_entries, true);
  EXPECT_EQ(hex(binary),
            hex(field(3, bytes("08 01") + field(8, field(1, field(4, field(1, bytes("0a 00")))) +
                                                       field(1, field(2, bytes("10 02"))) + bytes("10 01")))));
}

TEST(HranaCursor, ARowThatIsNotUtf8LeavesNothingBehind) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    for (const Framing framing : {Framing::Body, Framing::Fetch}) {
      std::string out = "before";
      CursorEntryWriter writer(encoding, framing, out);
      const ValueRef row[] = {ValueRef(std::int64_t{1}), ValueRef(std::string_view("a\xff"))};
      EXPECT_FALSE(writer.row(row));
      EXPECT_EQ(out, "before");
    }
  }
}

TEST(HranaCursor, ABodyIsReadInPiecesOfAnySize) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    std::vector<std::string> wanted = {
        "begin 0 1", "row 'Rex'", "end 0 -", "begin 300 0", "end 2 -5", "step error 301 it broke", "error it broke"};
    if (encoding == Encoding::Json) wanted.push_back("index 77");
    const std::string text = body(encoding);
    for (std::size_t piece = 1; piece <= text.size(); ++piece) ASSERT_EQ(read(encoding, text, piece), wanted) << piece;
  }
}

TEST(HranaCursor, TheHeadIsThereAsSoonAsItsLineIs) {
  CursorReader reader(Encoding::Json);
  reader.feed(R"({"baton":"a\u0062c","base_url":"http:\/\/x")");
  EXPECT_EQ(reader.head(), nullptr);
  EXPECT_EQ(reader.next(), std::nullopt);
  reader.feed("}\n");
  ASSERT_NE(reader.head(), nullptr);
  reader.feed("{\"type\":\"row\",\"row\":[{\"type\":\"text\",\"value\":\"x\\ny\"}]}\n");
  ASSERT_NE(reader.next(), std::nullopt);
  EXPECT_EQ(reader.head()->baton, "abc");
  EXPECT_EQ(reader.head()->base_url, "http://x");
}

TEST(HranaCursor, LinesMayEndInOtherWays) {
  const std::string head = R"({"baton":null,"base_url":null})";
  const std::string end = R"({"type":"step_end","affected_row_count":1,"last_insert_rowid":"7"})";
  const std::vector<std::string> wanted = {"end 1 7"};
  EXPECT_EQ(read(Encoding::Json, head + "\r\n" + end + "\r\n"), wanted);
  EXPECT_EQ(read(Encoding::Json, head + "\n" + end), wanted) << "without an end of the last line";
  EXPECT_EQ(read(Encoding::Json, head + "\n\n \n" + end + "\n\n"), wanted) << "with empty lines";
  EXPECT_EQ(read(Encoding::Json, "{}\n" + end), wanted) << "a head without members";
}

TEST(HranaCursor, UnknownEntriesArePassedOver) {
  EXPECT_EQ(read(Encoding::Json,
                 "{}\n{\"type\":\"news\",\"x\":[1]}\n{\"type\":\"replication_index\",\"replication_index\":null}\n"),
            std::vector<std::string>{"index -"});
  // A head without fields, an entry without fields, one with an unknown field, one that is known.
  EXPECT_EQ(read(Encoding::Protobuf, bytes("00 00 02 38 01 02 12 00")), std::vector<std::string>{"end 0 -"});
  EXPECT_EQ(read(Encoding::Protobuf, bytes("00 04 32 02 08 4d")), std::vector<std::string>{"index 77"});
}

TEST(HranaCursor, ABodyThatEndsTooEarlyIsNoticedInProtobuf) {
  const std::string text = body(Encoding::Protobuf);
  CursorReader reader(Encoding::Protobuf);
  reader.feed(text.substr(0, text.size() - 1));
  std::vector<std::string> entries;
  drain(reader, entries);
  reader.finish();
  EXPECT_EQ(fault_of([&] { reader.next(); }), DecodeError::Kind::Malformed);
}

TEST(HranaCursor, MalformedEntriesAreRefused) {
  for (const std::string_view line :
       {"x", "[]", "{}", "{\"type\":\"row\"}", "{\"type\":\"row\",\"row\":null}",
        "{\"type\":\"step_begin\",\"step\":0}", "{\"type\":\"step_end\"}", "{\"type\":\"step_error\",\"step\":1}",
        "{\"type\":\"error\",\"error\":\"text\"}", "{\"type\":\"row\",\"row\":[]} {}"}) {
    CursorReader reader(Encoding::Json);
    reader.feed("{}\n" + std::string(line) + "\n");
    EXPECT_EQ(fault_of([&] { reader.next(); }), DecodeError::Kind::Malformed) << line;
  }
  CursorReader reader(Encoding::Json);
  reader.feed("<html>\n");
  EXPECT_EQ(fault_of([&] { reader.head(); }), DecodeError::Kind::Malformed);
  for (const std::string_view item :
       {"01 08", "02 0a 05", "ff ff ff ff ff ff ff ff ff ff 01", "02 22 00 03 22 01 08"}) {
    CursorReader binary(Encoding::Protobuf);
    binary.feed(bytes("00" + std::string(item)));
    EXPECT_EQ(fault_of([&] {
                while (binary.next()) {
                }
              }),
              DecodeError::Kind::Malformed)
        << item;
  }
}

TEST(HranaCursor, AnEntryLargerThanAllowedIsRefusedBeforeItIsThere) {
  CursorReader binary(Encoding::Protobuf, 1000);
  binary.feed(bytes("00 e9 07"));
  EXPECT_EQ(fault_of([&] { binary.next(); }), DecodeError::Kind::TooLarge);
  CursorReader huge(Encoding::Protobuf);
  huge.feed(bytes("00 ff ff ff ff ff ff ff ff ff 01"));
  EXPECT_EQ(fault_of([&] { huge.next(); }), DecodeError::Kind::TooLarge);
  CursorReader json(Encoding::Json, 1000);
  json.feed("{}\n" + std::string(1001, ' '));
  EXPECT_EQ(fault_of([&] { json.next(); }), DecodeError::Kind::TooLarge);
  CursorReader fits(Encoding::Json, 1000);
  fits.feed("{}\n" + std::string(960, ' ') + "{\"type\":\"row\",\"row\":[]}\n");
  EXPECT_NE(fits.next(), std::nullopt);
}

TEST(HranaCursor, ManyRowsAreReadThroughASmallBuffer) {
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    std::string piece;
    CursorEntryWriter writer(encoding, Framing::Body, piece);
    CursorReader reader(encoding);
    writer.head("b", std::nullopt);
    writer.step_begin(0, kName);
    std::int64_t wanted = 0;
    const std::string blob(3000, 'b');
    for (std::int64_t i = 0; i < 20000; ++i) {
      const ValueRef row[] = {ValueRef(i), ValueRef(std::string_view("some text\n")), ValueRef(test::blob(blob))};
      ASSERT_TRUE(writer.row(row));
      if (i % 50 != 49) continue;
      reader.feed(piece);
      piece.clear();
      while (const auto entry = reader.next()) {
        const auto* read_row = std::get_if<CursorRow>(&*entry);
        if (read_row == nullptr) continue;
        ASSERT_EQ(read_row->cells[0].integer(), wanted++);
        ASSERT_EQ(read_row->cells[1].text(), "some text\n");
        ASSERT_EQ(read_row->cells[2].size(), 3000U);
      }
    }
    EXPECT_EQ(wanted, 20000);
  }
}

}  // namespace
}  // namespace libsql::hrana

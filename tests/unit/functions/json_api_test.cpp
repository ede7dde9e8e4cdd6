#include <gtest/gtest.h>

#include <cmath>
#include <libsql/libsql.hpp>
#include <limits>

namespace libsql::json {
namespace {

TEST(JsonWriter, BuildsNestedDocuments) {
  Writer writer;
  writer.begin_object()
      .member("id", 7)
      .member("name", "a\"b")
      .key("tags")
      .begin_array()
      .value("x")
      .value(1.5)
      .value(nullptr)
      .value(true)
      .end_array();
  writer.key("empty").begin_object().end_object().member("none", nullptr).end_object();
  EXPECT_EQ(writer.str(), R"({"id":7,"name":"a\"b","tags":["x",1.5,null,true],"empty":{},"none":null})");
}

TEST(JsonWriter, WritesNumbersThatReadBackAlike) {
  Writer writer;
  writer.begin_array().value(0.1).value(2.0).value(1e300).value(std::numeric_limits<std::int64_t>::min());
  writer.value(std::numeric_limits<std::uint64_t>::max()).end_array();
  EXPECT_EQ(writer.str(), "[0.1,2.0,1e+300,-9223372036854775808,18446744073709551615]");
  EXPECT_EQ(Value::parse(writer.str())[1].kind(), Kind::Real);
  EXPECT_THROW(Writer().value(NAN), OutOfRange);
}

TEST(JsonWriter, RefusesWhatIsNoJson) {
  EXPECT_THROW(Writer().key("a"), Misuse);
  EXPECT_THROW(Writer().begin_object().value(1), Misuse);
  EXPECT_THROW(Writer().begin_object().key("a").key("b"), Misuse);
  EXPECT_THROW(Writer().begin_object().key("a").end_object(), Misuse);
  EXPECT_THROW(Writer().begin_array().end_object(), Misuse);
  EXPECT_THROW(Writer().end_array(), Misuse);
  EXPECT_THROW(Writer().value(1).value(2), Misuse);
  EXPECT_THROW(Writer().begin_array().str(), Misuse);
  EXPECT_THROW(Writer().str(), Misuse);
}

TEST(JsonQuote, EscapesWhatMustBe) {
  EXPECT_EQ(quote(std::string_view("a\"\\\n\t\r\x01\0é", 10)), "\"a\\\"\\\\\\n\\t\\r\\u0001\\u0000é\"");
}

TEST(JsonValue, ReadsEveryKind) {
  const Value document = Value::parse(R"( {"n":null,"b":true,"i":-5,"r":2.5,"s":"héé","a":[1,[2]],"o":{"x":1}} )");
  EXPECT_TRUE(document["n"].is_null());
  EXPECT_TRUE(document["b"].boolean());
  EXPECT_EQ(document["i"].integer(), -5);
  EXPECT_EQ(document["i"].real(), -5.0);
  EXPECT_EQ(document["r"].real(), 2.5);
  EXPECT_EQ(document["s"].string(), "héé");
  EXPECT_EQ(document["a"][1][0].integer(), 2);
  EXPECT_EQ(document["a"].elements().size(), 2U);
  EXPECT_EQ(document["o"].members()[0].first, "x");
  EXPECT_EQ(document.size(), 7U);
  EXPECT_EQ(document.members()[0].first, "n");
  EXPECT_EQ(document.to_string(), R"({"n":null,"b":true,"i":-5,"r":2.5,"s":"héé","a":[1,[2]],"o":{"x":1}})");
}

TEST(JsonValue, PartsOutliveTheDocument) {
  Value part;
  {
    const Value document = Value::parse(R"({"a":["text long enough not to be stored inside the string object"]})");
    part = document["a"][0];
  }
  EXPECT_EQ(part.string(), "text long enough not to be stored inside the string object");
}

TEST(JsonValue, NamesWhatIsMissingOrOfAnotherKind) {
  const Value document = Value::parse("[1]");
  EXPECT_THROW(document[1], OutOfRange);
  EXPECT_THROW(document["a"], TypeMismatch);
  EXPECT_THROW(Value::parse("{}")["a"], OutOfRange);
  EXPECT_THROW(document[0].string(), TypeMismatch);
  EXPECT_THROW(Value::parse("1.5").integer(), TypeMismatch);
  EXPECT_FALSE(document.find("a").has_value());
}

TEST(JsonValue, ReadsIntegersBeyond64BitsAsReal) {
  EXPECT_EQ(Value::parse("9223372036854775807").integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Value::parse("9223372036854775808").kind(), Kind::Real);
  EXPECT_EQ(Value::parse("9223372036854775808").real(), 9223372036854775808.0);
}

TEST(JsonValue, RefusesMalformedText) {
  for (const char* text : {"", "{", "[1,]", "nul", "{a:1}", "1 2", "\"\x01\"", "[1e999]"})
    EXPECT_THROW(Value::parse(text), TypeMismatch) << text;
  try {
    Value::parse("[1,x]");
    FAIL();
  } catch (const TypeMismatch& failure) {
    EXPECT_EQ(failure.message(), "json: malformed at byte 3");
  }
}

TEST(JsonValue, LimitsTheDepth) {
  EXPECT_EQ(Value::parse(std::string(1000, '[') + std::string(1000, ']')).kind(), Kind::Array);
  EXPECT_THROW(Value::parse(std::string(1001, '[') + std::string(1001, ']')), TypeMismatch);
  EXPECT_EQ(Value::parse("\"" + std::string(2000, '[') + "\"").string().size(), 2000U);
}

TEST(JsonPath, FindsInValuesWhatTheEngineFinds) {
  Database database = Builder::local(":memory:").build();
  Connection connection = database.connect();
  for (const std::string key :
       {"plain", "a.b", "a[0]", "with space", "quo\"te", "back\\slash", "new\nline", "é", "$", "#", "1"}) {
    Writer writer;
    writer.begin_object().key(key).begin_array().value(10).value(20).value(30).end_array().end_object();
    const Path path = Path().key(key).from_end(1);
    EXPECT_EQ(connection.query_value<std::int64_t>("SELECT json_extract(?, ?)", writer.str(), path), 30) << path.str();
    EXPECT_EQ(connection.query_value<std::int64_t>("SELECT ?1 ->> ?2", writer.str(), Path().key(key).index(1)), 20)
        << path.str();
    EXPECT_EQ(Value::parse(writer.str()).find(path)->integer(), 30);
    EXPECT_FALSE(Value::parse(writer.str()).find(Path().key(key).index(3)).has_value());
  }
  EXPECT_EQ(Path().key("a.b").index(0).from_end(0).str(), "$.\"a.b\"[0][#]");
  EXPECT_EQ(connection.query_value<std::string>("SELECT json_set('[1]', ?, 2)", Path().from_end(0)), "[1,2]");
}

TEST(Json, BindsAndReadsColumns) {
  Database database = Builder::local(":memory:").build();
  Connection connection = database.connect();
  const Value value = Value::parse(R"({"a":[1,2]})");
  EXPECT_EQ(connection.query_value<std::string>("SELECT json_type(?)", value), "object");
  EXPECT_EQ(connection.query_value<Value>("SELECT json_object('x', json_array(1,2))")["x"][1].integer(), 2);
  EXPECT_THROW(connection.query_value<Value>("SELECT 'no json'"), TypeMismatch);
  EXPECT_THROW(connection.query_value<Value>("SELECT 5"), TypeMismatch);
  const std::vector<std::string> names{"b", "it's", "quo\"te"};
  EXPECT_EQ(connection.query_value<std::int64_t>(
                "SELECT count(*) FROM json_each(?) WHERE value IN ('b','it''s','quo\"te')", array(names)),
            3);
  EXPECT_EQ(array(std::vector<int>{1, 2}), "[1,2]");
}

TEST(JsonWriter, TextThatIsNotUtf8IsRefusedAndLeavesTheDocumentAsItWas) {
  for (const std::string_view broken : {"\xff", "a\xc3", "\xed\xa0\x80"}) {
    EXPECT_THROW(json::quote(broken), OutOfRange);
    EXPECT_THROW(json::Path().key(broken), OutOfRange);
    json::Writer writer;
    writer.begin_object();
    EXPECT_THROW(writer.key(broken), OutOfRange);
    writer.key("a");
    EXPECT_THROW(writer.value(broken), OutOfRange);
    writer.value("b").end_object();
    EXPECT_EQ(writer.str(), R"({"a":"b"})");
  }
}

}  // namespace
}  // namespace libsql::json

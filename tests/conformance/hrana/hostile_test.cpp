// Requests that nobody means well with.
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaHostile : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.limits.request_bytes = 1 << 20; }
  void TearDown() override {
    EXPECT_EQ(number("SELECT 1"), 1);  // whatever came, it still serves
    ServerTest::TearDown();
  }
  int status(const std::string& body, std::string_view path = "/v3/pipeline") {
    HttpClient http = client();
    return http.send("POST", path, body).status;
  }
  static std::string with_arg(const std::string& arg) {
    return R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[)" + arg + "]}}]}";
  }
};

TEST_F(HranaHostile, BodiesThatAreTooLargeAreRefused) { EXPECT_EQ(status(std::string((1 << 20) + 1, ' ')), 413); }

TEST_F(HranaHostile, DeepNestingIsRefused) {
  EXPECT_EQ(status(std::string(100'000, '[')), 400);
  std::string deep = R"({"requests":[{"type":"batch","batch":{"steps":[{"stmt":{"sql":"SELECT 1"},"condition":)";
  for (int i = 0; i < 500; ++i) deep += R"({"type":"not","cond":)";
  deep += R"({"type":"is_autocommit"})" + std::string(500, '}') + "}]}}]}";
  EXPECT_EQ(status(deep), 400);
}

TEST_F(HranaHostile, ValuesThatAreNoneAreRefused) {
  for (const char* arg :
       {R"({"type":"blob","base64":"!!!"})", R"({"type":"blob","base64":"/x"})",
        R"({"type":"integer","value":"9223372036854775808"})", R"({"type":"integer","value":"1.0"})",
        R"({"type":"integer","value":" 1"})", R"({"type":"float","value":null})", R"({"type":"float","value":1e400})",
        R"({"type":"text","value":"\ud800"})", R"({"type":"nothing"})", "7", "{}"}) {
    EXPECT_EQ(status(with_arg(arg)), 400) << arg;
  }
}

TEST_F(HranaHostile, ShapesThatAreWrongAreRefused) {
  for (const char* body : {"", "null", "[]", "{", R"({"requests":null})", R"({"requests":{}})",
                           R"({"requests":[null]})", R"({"requests":[{}]})", R"({"requests":[{"type":"execute"}]})",
                           R"({"requests":[]} trailing)", R"({"requests":[],"requests":[]})",
                           R"({"baton":7,"requests":[]})", R"({"requests":[{"type":"batch","batch":{"steps":null}}]})",
                           R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT 1","args":null}}]})",
                           R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT 1","sql_id":3000000000}}]})"}) {
    EXPECT_EQ(status(body), 400) << body;
  }
}

TEST_F(HranaHostile, BrokenProtobufIsRefused) {
  const std::string_view broken[] = {
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},  // a varint without end
      {"\x12\x7f\x0a", 3},                                   // longer than the body
      {"\x12\x02\x12\x05", 4},                               // longer than its message
      {"\x0a\x02\xff\xfe", 4},                               // a baton that is not UTF-8
      {"\x13\x14", 2},                                       // a group
      {"\x00\x01", 2},                                       // field 0
  };
  for (const std::string_view body : broken) {
    EXPECT_EQ(status(std::string(body), "/v3-protobuf/pipeline"), 400);
    EXPECT_EQ(status(std::string(body), "/v3-protobuf/cursor"), 400);
  }
}

TEST_F(HranaHostile, ADecodingErrorDoesNotTouchTheStreamThatTheBodyNames) {
  HttpClient http = client();
  const std::string baton = http.pipeline(list({execute("BEGIN")})).at("baton");
  EXPECT_EQ(status(R"({"baton":")" + baton + R"(","requests":[{"type":"frobnicate"}]})"), 400);
  EXPECT_EQ(http.post("/v3/pipeline", {{"baton", baton}, {"requests", list({execute("ROLLBACK"), close()})}}).status,
            200);
}

TEST_F(HranaHostile, SqlThatIsHugeOrOddIsAnErrorInside) {
  HttpClient http = client();
  for (const std::string& sql :
       {std::string(500'000, '('), "SELECT " + std::string(300'000, '-') + "1", std::string("SELECT 1\0SELECT 2", 17),
        std::string(400'000, ';'), "SELECT '" + std::string(1000, 'x')}) {
    const Answer answer = http.post("/v3/pipeline", {{"requests", list({execute(sql), close()})}});
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json().at("results")[0].at("type"), "error") << sql.substr(0, 20);
  }
}

class HranaShallow : public HranaHostile {
 protected:
  void configure(server::Options& options) override {
    HranaHostile::configure(options);
    options.limits.json_depth = 8;
  }
  static std::string condition(int negations) {
    std::string text = R"({"type":"is_autocommit"})";
    for (int i = 0; i < negations; ++i) text = R"({"type":"not","cond":)" + text + "}";
    return text;
  }
};

TEST_F(HranaShallow, JsonMayBeNestedAsDeeplyAsTheOptionSays) {
  const auto steps = [](int negations) {
    return R"({"steps":[{"stmt":{"sql":"SELECT 1"},"condition":)" + condition(negations) + "}]}";
  };
  const auto pipeline = [&](int negations) {  // the condition is the 7th level
    return status(R"({"requests":[{"type":"batch","batch":)" + steps(negations) + "}]}");
  };
  EXPECT_EQ(pipeline(1), 200);
  EXPECT_EQ(pipeline(2), 400);
  EXPECT_EQ(status(R"({"batch":)" + steps(3) + "}", "/v3/cursor"), 200);
  EXPECT_EQ(status(R"({"batch":)" + steps(4) + "}", "/v3/cursor"), 400);
  EXPECT_EQ(status(R"({"batch":)" + steps(3) + "}", "/v1/batch"), 200);
  EXPECT_EQ(status(R"({"batch":)" + steps(4) + "}", "/v1/batch"), 400);
  EXPECT_EQ(status(R"({"statements":[)" + std::string(6, '[') + std::string(6, ']') + "]}", "/"), 422);
  EXPECT_EQ(status(R"({"statements":[)" + std::string(7, '[') + std::string(7, ']') + "]}", "/"), 400);

  net::WebSocketConnection ws(local_origin(server_->port()), local_options());
  const std::string_view protocols[] = {"hrana3"};
  ws.connect("/", protocols, {}, soon());
  ws.send(net::MessageType::Text, R"({"type":"hello","jwt":null})", soon());
  ws.receive(soon());
  const auto ask = [&](int negations) {
    ws.send(net::MessageType::Text,
            R"({"type":"request","request_id":1,"request":{"type":"batch","stream_id":1,"batch":)" + steps(negations) +
                "}}",
            soon());
    return ws.receive(soon()).data;
  };
  ws.send(net::MessageType::Text, R"({"type":"request","request_id":0,"request":{"type":"open_stream","stream_id":1}})",
          soon());
  ws.receive(soon());
  EXPECT_NE(ask(2).find("response_ok"), std::string::npos);
  EXPECT_THROW(ask(3), net::NetError);
}

TEST_F(HranaHostile, AMessageThatIsTooLargeEndsTheSocket) {
  net::WebSocketConnection ws(local_origin(server_->port()), local_options());
  const std::string_view protocols[] = {"hrana3"};
  ws.connect("/", protocols, {}, soon());
  try {
    ws.send(net::MessageType::Text, std::string((1 << 20) + 1, ' '), soon());
    ws.receive(soon());
    FAIL() << "answered";
  } catch (const net::NetError& error) {
    EXPECT_EQ(error.close_code, 1009) << error.what();
  }
}

}  // namespace
}  // namespace libsql::test

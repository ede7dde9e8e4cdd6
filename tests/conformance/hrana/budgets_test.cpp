// What one client, one bearer and one namespace may take, and that the others have something left.
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "conformance/hrana/socket.hpp"
#include "support/eventually.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class NamedIdentity final : public server::Identity {
 public:
  NamedIdentity(std::string name, std::shared_ptr<server::Bearer> bearer)
      : Identity(std::move(bearer)), name_(std::move(name)) {}
  server::Permissions permissions(std::string_view) const override { return server::Permissions::all(); }
  std::string_view binding() const noexcept override { return name_; }

 private:
  std::string name_;
};

/// A token is the name of its bearer.
class NamedAuthenticator final : public server::Authenticator {
 public:
  std::shared_ptr<const server::Identity> authenticate(const server::Credentials& credentials, std::string_view,
                                                       std::string_view) override {
    const std::string name(credentials.value.value_or("nobody"));
    const std::lock_guard lock(mutex_);
    std::shared_ptr<server::Bearer>& bearer = bearers_[name];
    if (bearer == nullptr) bearer = std::make_shared<server::Bearer>();
    return std::make_shared<NamedIdentity>(name, bearer);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<server::Bearer>> bearers_;
};

Json store(int id, std::size_t bytes) {
  return {{"type", "store_sql"}, {"sql_id", id}, {"sql", std::string(bytes, ' ')}};
}

class HranaBudgets : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    options.namespaces = true;
    options.authenticator = std::make_shared<NamedAuthenticator>();
    options.max_loaded_namespaces = 3;
    options.limits.tenant_share = 50;
    options.limits.total_response_bytes = 4'000'000;
    options.limits.total_stored_sql_bytes = 200'000;
    options.limits.http_streams = 4;
    options.limits.websocket_streams = 3;
    options.limits.total_websocket_streams = 8;
  }
  void SetUp() override {
    ServerTest::SetUp();
    for (const char* name : {"a", "b"}) server_->namespaces().create(name, {});
  }
  HttpClient as(const std::string& bearer, const std::string& name_space) {
    HttpClient http = client();
    http.headers = {{"authorization", bearer}, {"x-namespace", name_space}};
    return http;
  }
  struct Opened {
    explicit Opened(std::uint16_t port, const std::string& bearer, const std::string& name_space)
        : connection(local_origin(port), local_options()) {
      const std::vector<net::Header> headers = {{"x-namespace", name_space}};
      connection.connect("/", std::vector<std::string_view>{"hrana3"}, headers, soon());
      send({{"type", "hello"}, {"jwt", bearer}});
      EXPECT_EQ(receive().at("type"), "hello_ok");
    }
    void send(const Json& message) { connection.send(net::MessageType::Text, message.dump(), soon()); }
    Json receive() { return Json::parse(connection.receive(soon()).data); }
    /// The code of the error; empty if there is none.
    std::string ask(const Json& what) {
      send({{"type", "request"}, {"request_id", 1}, {"request", what}});
      const Json answer = receive();
      text = answer.dump();
      return answer.at("type") == "response_error" ? answer.at("error").at("code").get<std::string>() : "";
    }
    net::WebSocketConnection connection;
    std::string text;
  };
  Opened socket(const std::string& bearer, const std::string& name_space) {
    return Opened(server_->port(), bearer, name_space);
  }
  std::size_t held() const { return server_->gauges().response_bytes_held; }
};

// Parts of requests: a few bytes on the wire are a hundred where they are read.
class HranaParts : public HranaBudgets {
 protected:
  void configure(server::Options& options) override {
    HranaBudgets::configure(options);
    options.limits.request_bytes = 1'000'000;
    options.limits.total_request_bytes = 2'300'000;  // one bearer may have half
  }
  static std::string many(const std::string& part, int count) {
    std::string text = part;
    for (int i = 1; i < count; ++i) text += "," + part;
    return text;
  }
};

TEST_F(HranaParts, ARequestOfTooManyIsRefusedAsAWhole) {
  HttpClient http = as("alice", "a");
  const auto refuse = [&](const char* path, const std::string& body) {
    const Answer answer = http.send("POST", path, body);
    EXPECT_EQ(answer.status, 413) << path << answer.body;
    EXPECT_EQ(answer.json().at("code"), "REQUEST_TOO_LARGE");
    EXPECT_NE(answer.body.find("this bearer's limit is 1150000 bytes"), std::string::npos) << answer.body;
  };
  for (int round = 0; round < 3; ++round) {  // what was taken is given back
    refuse("/v3/pipeline", R"({"requests":[)" + many(R"({"type":"close"})", 40'000) + "]}");
    refuse("/v3/cursor", R"({"batch":{"steps":[)" + many(R"({"stmt":{}})", 40'000) + "]}}");
    refuse("/v1/batch", R"({"batch":{"steps":[)" + many(R"({"stmt":{}})", 40'000) + "]}}");
    refuse("/", R"({"statements":[)" + many(R"("")", 40'000) + "]}");
    std::string closes;
    for (int i = 0; i < 100'000; ++i) closes += std::string("\x12\x02\x0a\x00", 4);
    refuse("/v3-protobuf/pipeline", closes);
  }
  EXPECT_EQ(http.pipeline(list({execute("SELECT 1"), close()})).at("results")[0].at("type"), "ok");
  // Long texts are no parts.
  EXPECT_EQ(http.pipeline(list({execute("SELECT 1 --" + std::string(800'000, ' ')), close()})).at("results").size(),
            2U);
}

TEST_F(HranaParts, AMessageOfTooManyEndsItsSocket) {
  for (int round = 0; round < 2; ++round) {
    Opened alice = socket("alice", "a");
    EXPECT_EQ(alice.ask(open(1)), "");
    alice.connection.send(
        net::MessageType::Text,
        R"({"type":"request","request_id":1,"request":{"type":"batch","stream_id":1,"batch":{"steps":[)" +
            many(R"({"stmt":{}})", 40'000) + "]}}}",
        soon());
    try {
      alice.receive();
      ADD_FAILURE() << "it goes on";
    } catch (const net::NetError& error) {
      EXPECT_EQ(error.close_code, 1009);
    }
  }
}

TEST_F(HranaParts, AStrangersFirstMessageHasFew) {
  net::WebSocketConnection connection(local_origin(server_->port()), local_options());
  const std::vector<net::Header> headers = {{"x-namespace", "a"}};
  connection.connect("/", std::vector<std::string_view>{"hrana3"}, headers, soon());
  connection.send(net::MessageType::Text,
                  R"({"type":"request","request_id":1,"request":{"type":"batch","stream_id":1,"batch":{"steps":[)" +
                      many(R"({"stmt":{}})", 1'300) + "]}}}",
                  soon());
  try {
    connection.receive(soon());
    ADD_FAILURE() << "it goes on";
  } catch (const net::NetError& error) {
    EXPECT_EQ(error.close_code, 1009);
  }
}

TEST_F(HranaBudgets, StepsThatSayLittleCountAsAnAnswer) {
  HttpClient http = as("alice", "a");
  const std::string step = R"({"stmt":{"sql":"SELECT )" + std::string(100, 'x') + R"("}})";
  std::string steps = step;
  for (int i = 1; i < 14'000; ++i) steps.append(",").append(step);
  const Answer answer =
      http.send("POST", "/v3/pipeline", R"({"requests":[{"type":"batch","batch":{"steps":[)" + steps + "]}}]}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(error_code(answer.json().at("results")[0]), "TOO_MANY_RESPONSES");
}

std::string large(int bytes) { return "SELECT printf('%.*c', " + std::to_string(bytes) + ", 'x')"; }

TEST_F(HranaBudgets, AnAnswerBeyondTheShareOfItsBearerNamesThatLimit) {
  HttpClient http = as("alice", "a");
  const Json results =
      http.pipeline(list({execute(large(1'500'000)), execute(large(1'000'000)), close()})).at("results");
  EXPECT_EQ(error_code(results[0]), "");
  EXPECT_EQ(error_code(results[1]), "TOO_MANY_RESPONSES");
  EXPECT_NE(results[1].dump().find("this bearer's limit"), std::string::npos) << results[1];
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(http.post("/v1/execute", {{"stmt", stmt(large(2'500'000))}}).status, 503);
  EXPECT_EQ(http.post("/v1/execute", {{"stmt", stmt(large(1'500'000))}}).status, 200);
}

TEST_F(HranaBudgets, AnswersOfOneNamespaceLeaveTheOthersTheirs) {
  std::optional<Opened> greedy;
  greedy.emplace(server_->port(), "alice", "a");
  EXPECT_EQ(greedy->ask(open(0)), "");
  // A row of 1.5 MB, and then a search that finds nothing more.
  greedy->send({{"type", "request"},
                {"request_id", 9},
                {"request", on(0,
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
                               "printf('%.*c', 1500000, 'x') FROM n WHERE i = 1 OR i > 1000000000000")}});
  ASSERT_TRUE(eventually([&] { return held() > 1'400'000; }));
  const auto code = [&](const std::string& bearer, const std::string& name_space) {
    HttpClient http = as(bearer, name_space);
    const Json result = http.pipeline(list({execute(large(1'500'000)), close()})).at("results")[0];
    return error_code(result) + (result.dump().find("this namespace's limit") != std::string::npos ? " namespace" : "");
  };
  EXPECT_EQ(code("alice", "b"), "TOO_MANY_RESPONSES");
  EXPECT_EQ(code("bob", "a"), "TOO_MANY_RESPONSES namespace");
  EXPECT_EQ(code("bob", "b"), "");
  greedy.reset();
  EXPECT_TRUE(eventually([&] { return held() == 0; }));
  EXPECT_EQ(code("alice", "a"), "");
}

TEST_F(HranaBudgets, TextsOnWebSocketsAreBoundedInSizeOneByOneAndTogether) {
  {
    Opened alice = socket("alice", "a");
    EXPECT_EQ(alice.ask(store(1, 64 * 1024 + 1)), "SQL_STORE_TOO_LARGE");
    EXPECT_EQ(alice.ask(store(1, 45'000)), "");
    Opened other = socket("alice", "b");
    EXPECT_EQ(other.ask(store(1, 45'000)), "");
    EXPECT_EQ(other.ask(store(2, 45'000)), "SQL_STORE_FULL");
    EXPECT_NE(other.text.find("this bearer's limit"), std::string::npos) << other.text;
    Opened bob = socket("bob", "a");
    EXPECT_EQ(bob.ask(store(1, 45'000)), "");
    EXPECT_EQ(bob.ask(store(2, 45'000)), "SQL_STORE_FULL");
    EXPECT_NE(bob.text.find("this namespace's limit"), std::string::npos) << bob.text;
    EXPECT_EQ(alice.ask({{"type", "close_sql"}, {"sql_id", 1}}), "");
    EXPECT_EQ(bob.ask(store(2, 45'000)), "");
  }
  EXPECT_TRUE(eventually([&] {  // what a socket has stored goes with it
    Opened again = socket("alice", "a");
    return again.ask(store(1, 45'000)).empty() && again.ask(store(2, 45'000)).empty();
  }));
}

TEST_F(HranaBudgets, HttpStreamsThatKeepTextsAreBoundedInNumberAndSize) {
  HttpClient alice = as("alice", "a");
  const Json one = list({store(1, 10)});
  const Json baton = alice.pipeline(one).at("baton");
  alice.pipeline(one);
  const Json refused = alice.pipeline(one).at("results")[0];
  EXPECT_EQ(error_code(refused), "TOO_MANY_STREAMS");
  EXPECT_NE(refused.dump().find("this bearer's limit"), std::string::npos) << refused;
  EXPECT_EQ(error_code(as("bob", "b").pipeline(one).at("results")[0]), "");
  alice.pipeline(list({close()}), baton);
  EXPECT_EQ(error_code(alice.pipeline(one).at("results")[0]), "");
  Json many = Json::array();
  for (int i = 0; i < 50; ++i) many.push_back(store(i, 4'990));
  many.push_back(close());
  const Json results = as("carol", "b").pipeline(many).at("results");
  EXPECT_EQ(error_code(results[0]), "");
  EXPECT_EQ(error_code(results[49]), "SQL_STORE_FULL");
}

TEST_F(HranaBudgets, AWebSocketOpensSoManyStreamsAndStaysUsable) {
  Opened alice = socket("alice", "a");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(alice.ask(open(i)), "");
  EXPECT_EQ(alice.ask(open(3)), "TOO_MANY_STREAMS");
  EXPECT_NE(alice.text.find("this WebSocket's limit"), std::string::npos) << alice.text;
  EXPECT_EQ(alice.ask(on(3, "SELECT 1")), "TOO_MANY_STREAMS");
  EXPECT_EQ(alice.ask(close_stream(3)), "");
  EXPECT_EQ(alice.ask(on(0, "SELECT 1")), "");
  EXPECT_EQ(alice.ask(close_stream(0)), "");
  EXPECT_TRUE(eventually([&] { return alice.ask(open(4)).empty() || !alice.ask(close_stream(4)).empty(); }));
  EXPECT_EQ(alice.ask(on(4, "SELECT 1")), "");
  Opened second = socket("alice", "a");
  EXPECT_EQ(second.ask(open(0)), "");
  EXPECT_EQ(second.ask(open(1)), "TOO_MANY_STREAMS");
  EXPECT_NE(second.text.find("this bearer's limit"), std::string::npos) << second.text;
  Opened bob = socket("bob", "b");
  EXPECT_EQ(bob.ask(open(0)), "");
}

class HranaStreamLimit : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.limits.websocket_streams = 2; }
};

TEST_F(HranaStreamLimit, ARefusedStreamHasNoPartInAnswersThatTheClientTakesLate) {
  Socket socket(server_->port(), {"hrana3"});
  socket.hello();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(socket.ask(open(i)).at("type"), "response_ok");
  EXPECT_EQ(error_code({{"type", "error"}, {"error", socket.ask(open(2)).at("error")}}), "TOO_MANY_STREAMS");
  constexpr int kAnswers = 20;  // together more than the sockets' buffers hold, so that the server keeps the rest
  for (int i = 0; i < kAnswers; ++i) socket.request(on(i % 2, "SELECT hex(zeroblob(1000000))"));
  for (int i = 0; i < kAnswers; ++i) {
    const Json answer = socket.receive();
    ASSERT_EQ(answer.at("type"), "response_ok") << answer.dump().substr(0, 300);
  }
  EXPECT_EQ(socket.ask(on(0, "SELECT 1")).at("type"), "response_ok");
}

TEST_F(HranaStreamLimit, ACursorOfARefusedStreamIsRefusedAndClosedWithIt) {
  const auto cursor = [](int stream, int id) {
    return Json{{"type", "open_cursor"},
                {"stream_id", stream},
                {"cursor_id", id},
                {"batch", {{"steps", list({step("SELECT 1")})}}}};
  };
  const auto fetch = [](int id) { return Json{{"type", "fetch_cursor"}, {"cursor_id", id}, {"max_count", 10}}; };
  const auto code = [](const Json& answer) {
    return answer.at("type") == "response_error" ? answer.at("error").at("code").get<std::string>() : std::string();
  };
  Socket socket(server_->port(), {"hrana3"});
  socket.hello();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(code(socket.ask(open(i))), "");
  // In one go, as clients do that do not wait for answers.
  for (const Json& request : {open(2), cursor(2, 5), fetch(5), Json{{"type", "close_cursor"}, {"cursor_id", 5}},
                              cursor(2, 6), close_stream(2)}) {
    socket.request(request);
  }
  for (const char* expected : {"TOO_MANY_STREAMS", "TOO_MANY_STREAMS", "CURSOR_NOT_OPEN", "", "TOO_MANY_STREAMS", ""}) {
    EXPECT_EQ(code(socket.receive()), expected);
  }
  EXPECT_EQ(code(socket.ask(cursor(0, 6))), "") << "the number is free again";
  EXPECT_EQ(code(socket.ask(fetch(6))), "");
  EXPECT_EQ(code(socket.ask(open(2))), "TOO_MANY_STREAMS");
  socket.ask(cursor(2, 7));
  socket.request(cursor(2, 8));
  EXPECT_EQ(socket.close_code(), 1008) << "a stream has one";
}

TEST_F(HranaBudgets, NeverMoreNamespacesAreOpenThanMayBe) {
  for (int i = 0; i < 6; ++i) server_->namespaces().create(std::string("n").append(std::to_string(i)), {});
  std::size_t most = 0;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(as("alice", std::string("n").append(std::to_string(i)))
                  .post("/v2/pipeline", {{"requests", list({execute("SELECT 1"), close()})}})
                  .status,
              200);
    most = std::max<std::size_t>(most, server_->gauges().namespaces_loaded);
  }
  EXPECT_LE(most, 3U);
  std::vector<Json> batons;
  for (int i = 0; i < 3; ++i)
    batons.push_back(
        as("alice", std::string("n").append(std::to_string(i))).pipeline(list({execute("BEGIN")})).at("baton"));
  const Answer refused = as("alice", "n3").post("/v2/pipeline", {{"requests", list({execute("SELECT 1"), close()})}});
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.json().at("code"), "TOO_MANY_NAMESPACES");
  EXPECT_NE(refused.body.find("--max-loaded-namespaces"), std::string::npos);
  EXPECT_EQ(as("alice", "missing").post("/v2/pipeline", {{"requests", Json::array()}}).status, 404);
  as("alice", "n1").pipeline(list({close()}), batons[1]);
  EXPECT_TRUE(eventually([&] {  // n1 is let go a moment after its last answer
    return as("alice", "n3").post("/v2/pipeline", {{"requests", list({execute("SELECT 1"), close()})}}).status == 200;
  }));
  EXPECT_LE(server_->gauges().namespaces_loaded, 3U);
  // Those in use have kept what they had.
  for (int i : {0, 2}) {
    EXPECT_EQ(error_code(as("alice", std::string("n").append(std::to_string(i)))
                             .pipeline(list({execute("COMMIT"), close()}), batons[static_cast<std::size_t>(i)])
                             .at("results")[0]),
              "");
  }
}

}  // namespace
}  // namespace libsql::test

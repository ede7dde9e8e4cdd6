// Hrana over WebSocket.
#include <thread>

#include "conformance/hrana/socket.hpp"
#include "support/eventually.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

class HranaSocket : public ServerTest {
 protected:
  Socket socket(std::vector<std::string_view> protocols = {"hrana2"}) { return Socket(server_->port(), protocols); }
};

TEST_F(HranaSocket, TheServerChoosesTheSubprotocolItLikesBest) {
  EXPECT_EQ(socket({"hrana1", "hrana2", "hrana3"}).protocol, "hrana3");
  EXPECT_EQ(socket({"hrana2", "hrana1"}).protocol, "hrana2");
  EXPECT_EQ(socket({"hrana1", "hrana3-protobuf"}).protocol, "hrana3-protobuf");
  EXPECT_EQ(socket({"HRANA2"}).protocol, "hrana2");
  Socket none = socket({});
  EXPECT_EQ(none.protocol, "");
  EXPECT_EQ(none.hello().at("type"), "hello_ok");
  try {
    socket({"other"});
    FAIL() << "accepted";
  } catch (const net::NetError& error) {
    EXPECT_EQ(error.status, 400);
    EXPECT_NE(error.body.find("hrana3-protobuf hrana3 hrana2 hrana1"), std::string::npos);
  }
}

TEST_F(HranaSocket, RequestsMayFollowHelloWithoutWaiting) {
  Socket ws = socket();
  ws.send({{"type", "hello"}});
  ws.request(open(0));
  ws.request(on(0, "SELECT 5"));
  ws.request(close_stream(0));
  EXPECT_EQ(ws.receive().at("type"), "hello_ok");
  EXPECT_EQ(ws.receive().at("response").at("type"), "open_stream");
  EXPECT_EQ(ws.receive().at("response").at("result").at("rows")[0][0], integer(5));
  EXPECT_EQ(ws.receive().at("response").at("type"), "close_stream");
}

TEST_F(HranaSocket, ARequestBeforeHelloEndsTheConnection) {
  Socket ws = socket();
  ws.request(open(0));
  EXPECT_EQ(ws.close_code(), 1008);
}

TEST_F(HranaSocket, ASecondHelloIsForVersion2AndLater) {
  Socket second = socket({"hrana2"});
  EXPECT_EQ(second.hello().at("type"), "hello_ok");
  EXPECT_EQ(second.hello().at("type"), "hello_ok");
  Socket first = socket({"hrana1"});
  first.hello();
  first.send({{"type", "hello"}});
  EXPECT_EQ(first.close_code(), 1008);
}

TEST_F(HranaSocket, FramesOfTheWrongKindAndMessagesThatAreNoneEndTheConnection) {
  Socket protobuf = socket({"hrana3-protobuf"});
  protobuf.send_raw(net::MessageType::Text, "{}");
  EXPECT_EQ(protobuf.close_code(), 1003);
  Socket json = socket({"hrana3"});
  json.send_raw(net::MessageType::Binary, "{}");
  EXPECT_EQ(json.close_code(), 1003);
  Socket broken = socket();
  broken.send_raw(net::MessageType::Text, "{");
  EXPECT_EQ(broken.close_code(), 1007);
  Socket unknown = socket();
  unknown.send({{"type", "frobnicate"}});
  EXPECT_EQ(unknown.close_code(), 1007);
}

TEST_F(HranaSocket, StreamsRunSideBySideAndEachInOrder) {
  Socket ws = socket();
  ws.hello();
  ws.ask(open(1));
  ws.ask(open(2));
  const int slow = ws.request(on(1,
                                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
                                 "SELECT max(i) FROM n"));
  const int after = ws.request(on(1, "SELECT 'after'"));
  const int fast = ws.request(on(2, "SELECT 'fast'"));
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) order.push_back(ws.receive().at("request_id"));
  EXPECT_EQ(order, (std::vector<int>{fast, slow, after}));
  ws.ask(close_stream(1));
  EXPECT_EQ(ws.ask(open(1)).at("type"), "response_ok");
}

TEST_F(HranaSocket, IdsThatAreNotOpenOrOpenTwiceEndTheConnection) {
  const auto code = [&](std::initializer_list<Json> requests) {
    Socket ws = socket({"hrana3"});
    ws.hello();
    for (const Json& request : requests) ws.request(request);
    for (;;) {
      if (const int close_code = ws.close_code(); close_code != 0) return close_code;
    }
  };
  EXPECT_EQ(code({on(7, "SELECT 1")}), 1008);
  EXPECT_EQ(code({open(1), open(1)}), 1008);
  EXPECT_EQ(code({{{"type", "fetch_cursor"}, {"cursor_id", 1}, {"max_count", 1}}}), 1008);
  EXPECT_EQ(code({open(1), {{"type", "execute"}, {"stream_id", 1}, {"stmt", {{"sql_id", 3}}}}}), 1008);
}

TEST_F(HranaSocket, StoredSqlBelongsToTheConnectionAndHasALimit) {
  Socket ws = socket();
  ws.hello();
  ws.ask(open(1));
  ws.ask(open(2));
  const auto store = [](int id) { return Json{{"type", "store_sql"}, {"sql_id", id}, {"sql", "SELECT 9"}}; };
  for (int i = 0; i < 150; ++i) ASSERT_EQ(ws.ask(store(i)).at("type"), "response_ok") << i;
  const Json refused = ws.ask(store(150));
  EXPECT_EQ(refused.at("type"), "response_error");
  EXPECT_EQ(refused.at("error").at("code"), "SQL_STORE_TOO_MANY");
  for (const int stream : {1, 2}) {
    const Json answer = ws.ask({{"type", "execute"}, {"stream_id", stream}, {"stmt", {{"sql_id", 4}}}});
    EXPECT_EQ(answer.at("response").at("result").at("rows")[0][0], integer(9));
  }
  // The text of a request is the one of the moment when it came.
  ws.request({{"type", "execute"}, {"stream_id", 1}, {"stmt", {{"sql_id", 4}}}});
  ws.request({{"type", "close_sql"}, {"sql_id", 4}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ws.receive().at("type"), "response_ok");
}

TEST_F(HranaSocket, LosingTheConnectionRollsBack) {
  run("CREATE TABLE t(a)");
  {
    Socket ws = socket();
    ws.hello();
    ws.ask(open(1));
    ws.ask(on(1, "BEGIN IMMEDIATE"));
    ws.ask(on(1, "INSERT INTO t VALUES (1)"));
  }
  run("INSERT INTO t VALUES (2)");
  EXPECT_EQ(number("SELECT group_concat(a) FROM t"), 2);
}

TEST_F(HranaSocket, LosingTheConnectionEndsWhatRuns) {
  {
    Socket ws = socket();
    ws.hello();
    ws.ask(open(1));
    ws.request(on(1, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"));
    EXPECT_TRUE(eventually([&] { return server_->gauges().connections_in_use == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return server_->gauges().connections_in_use == 0; }));
}

TEST_F(HranaSocket, ACursorGivesItsEntriesInPieces) {
  Socket ws = socket({"hrana3"});
  ws.hello();
  ws.ask(open(1));
  const Json five = {{"steps", list({step("SELECT 1 UNION SELECT 2 UNION SELECT 3")})}};
  ws.ask({{"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 3}, {"batch", five}});
  const auto fetch = [&](int count) {
    return ws.ask({{"type", "fetch_cursor"}, {"cursor_id", 3}, {"max_count", count}}).at("response");
  };
  const Json first = fetch(2);
  EXPECT_EQ(first.at("entries").size(), 2U);
  EXPECT_EQ(first.at("entries")[0].at("type"), "step_begin");
  EXPECT_EQ(first.at("done"), false);
  const Json rest = fetch(100);
  EXPECT_EQ(rest.at("entries").size(), 3U);
  EXPECT_TRUE(rest.at("entries")[2].at("last_insert_rowid").is_null());
  EXPECT_EQ(rest.at("done"), true);
  const Json end = fetch(100);
  EXPECT_EQ(end.at("entries").size(), 0U);
  EXPECT_EQ(end.at("done"), true);
  EXPECT_EQ(ws.ask({{"type", "close_cursor"}, {"cursor_id", 3}}).at("type"), "response_ok");
}

TEST_F(HranaSocket, ClosingTheStreamClosesItsCursor) {
  Socket ws = socket({"hrana3"});
  ws.hello();
  ws.ask(open(1));
  ws.ask(
      {{"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 3}, {"batch", {{"steps", list({step("SELECT 1")})}}}});
  ws.ask(close_stream(1));
  ws.request({{"type", "fetch_cursor"}, {"cursor_id", 3}, {"max_count", 1}});
  EXPECT_EQ(ws.close_code(), 1008);
}

TEST_F(HranaSocket, ACursorThatCouldNotOpenIsClosedLikeAnyOther) {
  Socket ws = socket({"hrana3"});
  ws.hello();
  ws.ask(open(1));
  const Json refused = ws.ask(
      {{"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 3}, {"batch", {{"steps", list({step("SELEC")})}}}});
  EXPECT_EQ(refused.at("error").at("code"), "SQL_PARSE_ERROR");
  const Json fetched = ws.ask({{"type", "fetch_cursor"}, {"cursor_id", 3}, {"max_count", 1}});
  EXPECT_EQ(fetched.at("error").at("code"), "CURSOR_NOT_OPEN");
  EXPECT_EQ(ws.ask({{"type", "close_cursor"}, {"cursor_id", 3}}).at("type"), "response_ok");
}

TEST_F(HranaSocket, TransactionsAndAutocommitAreThoseOfTheStream) {
  Socket ws = socket({"hrana3"});
  ws.hello();
  ws.ask(open(1));
  ws.ask(open(2));
  ws.ask(on(1, "BEGIN"));
  const auto autocommit = [&](int stream) {
    return ws.ask({{"type", "get_autocommit"}, {"stream_id", stream}}).at("response").at("is_autocommit").get<bool>();
  };
  EXPECT_FALSE(autocommit(1));
  EXPECT_TRUE(autocommit(2));
}

TEST_F(HranaSocket, ManyRequestsInOneGoAreAllAnswered) {
  Socket ws = socket();
  ws.hello();
  ws.ask(open(1));
  constexpr int kMany = 200;
  for (int i = 0; i < kMany; ++i) ws.request(on(1, "SELECT 1"));
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(ws.receive().at("type"), "response_ok");
}

class HranaSocketRefusing : public ServerTest {
  class Refusing final : public server::Authenticator {
    std::shared_ptr<const server::Identity> authenticate(const server::Credentials&, std::string_view,
                                                         std::string_view) override {
      throw server::AuthError("AUTH_JWT_INVALID", "The JWT is invalid");
    }
  };
  void configure(server::Options& options) override { options.authenticator = std::make_shared<Refusing>(); }
};

TEST_F(HranaSocketRefusing, ABadTokenIsToldAndThenTheConnectionEnds) {
  Socket ws(server_->port());
  const Json answer = ws.hello();
  EXPECT_EQ(answer.at("type"), "hello_error");
  EXPECT_EQ(answer.at("error").at("code"), "AUTH_JWT_INVALID");
  EXPECT_EQ(answer.at("error").at("message"), "Authentication failed: The JWT is invalid");
  EXPECT_EQ(ws.close_code(), 1000);
}

}  // namespace
}  // namespace libsql::test

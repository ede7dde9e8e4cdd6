// WebSockets that are open for longer than what they were opened with is good.
#include <atomic>
#include <chrono>

#include "conformance/hrana/socket.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

using Time = std::chrono::system_clock::time_point;

class Visitor final : public server::Identity {
 public:
  Visitor(bool writes, std::optional<Time> until) : writes_(writes), until_(until) {}
  server::Permissions permissions(std::string_view) const override { return {true, writes_, false, false}; }
  std::optional<Time> good_until() const noexcept override { return until_; }

 private:
  bool writes_;
  std::optional<Time> until_;
};

/// Lets in who says "good", as things are now.
class Turnstile final : public server::Authenticator {
 public:
  std::shared_ptr<const server::Identity> authenticate(const server::Credentials& credentials, std::string_view,
                                                       std::string_view namespace_key) override {
    ++asked;
    if (!namespace_key.empty()) throw server::AuthError("AUTH_JWT_INVALID", "The JWT is invalid");
    if (!opens && credentials.value != "fresh") throw server::AuthError("AUTH_JWT_EXPIRED", "The JWT has expired");
    return std::make_shared<Visitor>(writes, until);
  }
  std::optional<std::uint64_t> version() const noexcept override { return current.load(); }

  std::atomic<bool> opens = true;
  std::atomic<bool> writes = true;
  std::optional<Time> until;
  std::atomic<std::uint64_t> current = 1;
  std::atomic<int> asked = 0;
};

class HranaExpiry : public ServerTest {
 protected:
  void configure(server::Options& options) override {
    turnstile_ = std::make_shared<Turnstile>();
    options.authenticator = turnstile_;
    options.namespaces = true;
  }
  Socket socket() {
    Socket ws(server_->port(), {"hrana3"}, "/dev/default/");
    EXPECT_EQ(ws.hello("good").at("type"), "hello_ok");
    ws.ask(open(1));
    EXPECT_EQ(code(ws, on(1, "CREATE TABLE IF NOT EXISTS t(a)")), "");
    return ws;
  }
  static std::string code(Socket& ws, const Json& request) {
    const Json answer = ws.ask(request);
    return answer.at("type") == "response_error" ? answer.at("error").at("code").get<std::string>() : std::string();
  }

  std::shared_ptr<Turnstile> turnstile_;
};

const std::string kExpired = "AUTH_JWT_EXPIRED";

TEST_F(HranaExpiry, NoRequestRunsAfterTheTokenHasExpired) {
  turnstile_->until = std::chrono::system_clock::now() - std::chrono::seconds(1);  // is asked for each time
  Socket ws = socket();
  ws.ask(
      {{"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 1}, {"batch", {{"steps", list({step("SELECT 1")})}}}});
  turnstile_->opens = false;
  EXPECT_EQ(code(ws, {{"type", "fetch_cursor"}, {"cursor_id", 1}, {"max_count", 10}}), kExpired);
  EXPECT_EQ(code(ws, {{"type", "close_cursor"}, {"cursor_id", 1}}), "");  // what ends something may be said
  for (const Json& request :
       {on(1, "INSERT INTO t VALUES (1)"), Json{{"type", "sequence"}, {"stream_id", 1}, {"sql", "DELETE FROM t"}},
        Json{{"type", "batch"}, {"stream_id", 1}, {"batch", {{"steps", list({step("SELECT 1")})}}}},
        Json{{"type", "describe"}, {"stream_id", 1}, {"sql", "SELECT 1"}},
        Json{{"type", "store_sql"}, {"sql_id", 1}, {"sql", "SELECT 1"}}, open(2),
        Json{{"type", "get_autocommit"}, {"stream_id", 1}},
        Json{{"type", "open_cursor"},
             {"stream_id", 1},
             {"cursor_id", 2},
             {"batch", {{"steps", list({step("SELECT 1")})}}}}}) {
    EXPECT_EQ(code(ws, request), kExpired) << request;
  }
  EXPECT_EQ(code(ws, close_stream(1)), "");
}

// Clients close what they could not open, to have its number back.
TEST_F(HranaExpiry, WhatWasRefusedIsClosedLikeAnythingElse) {
  Socket ws = socket();
  const auto cursor = [](int stream, int id) {
    return Json{{"type", "open_cursor"},
                {"stream_id", stream},
                {"cursor_id", id},
                {"batch", {{"steps", list({step("SELECT 1")})}}}};
  };
  turnstile_->opens = false;
  ++turnstile_->current;
  EXPECT_EQ(code(ws, open(2)), kExpired);
  EXPECT_EQ(code(ws, cursor(1, 7)), kExpired);
  EXPECT_EQ(code(ws, cursor(2, 8)), kExpired);
  EXPECT_EQ(code(ws, {{"type", "close_cursor"}, {"cursor_id", 8}}), "");
  EXPECT_EQ(code(ws, close_stream(2)), "");
  EXPECT_EQ(ws.hello("fresh").at("type"), "hello_ok");
  EXPECT_EQ(code(ws, {{"type", "fetch_cursor"}, {"cursor_id", 7}, {"max_count", 1}}), "CURSOR_NOT_OPEN");
  EXPECT_EQ(code(ws, {{"type", "close_cursor"}, {"cursor_id", 7}}), "");
  EXPECT_EQ(code(ws, open(2)), "");
  EXPECT_EQ(code(ws, cursor(2, 8)), "");
  EXPECT_EQ(code(ws, {{"type", "fetch_cursor"}, {"cursor_id", 8}, {"max_count", 10}}), "");
  EXPECT_EQ(code(ws, cursor(1, 7)), "");
}

TEST_F(HranaExpiry, WhatWasRefusedIsBoundedInNumber) {
  turnstile_->opens = true;
  Socket ws = socket();
  turnstile_->opens = false;
  ++turnstile_->current;
  const Json second = {
      {"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 8}, {"batch", {{"steps", Json::array()}}}};
  Json first = second;
  first["cursor_id"] = 7;
  EXPECT_EQ(code(ws, first), kExpired);
  ws.request(second);
  EXPECT_EQ(ws.close_code(), 1008);
}

TEST_F(HranaExpiry, AFreshTokenGoesOnWithWhatIsOpen) {
  Socket ws = socket();
  ws.ask(on(1, "BEGIN"));
  ws.ask(on(1, "INSERT INTO t VALUES (1)"));
  turnstile_->opens = false;
  ++turnstile_->current;
  EXPECT_EQ(code(ws, on(1, "INSERT INTO t VALUES (2)")), kExpired);
  EXPECT_EQ(ws.hello("fresh").at("type"), "hello_ok");
  EXPECT_EQ(code(ws, on(1, "COMMIT")), "");
  EXPECT_EQ(code(ws, on(1, "INSERT INTO t VALUES (3)")), "");
}

TEST_F(HranaExpiry, WhoseKeyWasRemovedIsOut) {
  Socket ws = socket();
  turnstile_->opens = false;
  EXPECT_EQ(code(ws, on(1, "SELECT 1")), "") << "nothing says that anything has changed";
  ++turnstile_->current;
  EXPECT_EQ(code(ws, on(1, "SELECT 1")), kExpired);
}

TEST_F(HranaExpiry, TheRightsAreThoseOfNow) {
  Socket ws = socket();
  turnstile_->writes = false;
  ++turnstile_->current;
  EXPECT_EQ(code(ws, on(1, "INSERT INTO t VALUES (1)")), "FORBIDDEN");
  EXPECT_EQ(code(ws, on(1, "SELECT 1")), "");
}

TEST_F(HranaExpiry, ANamespaceThatGetsAKeyOfItsOwnAsksForIt) {
  Socket ws = socket();
  server::NamespaceConfig config;
  config.jwt_key = "another";
  server_->namespaces().set_config("default", config);
  EXPECT_EQ(code(ws, on(1, "SELECT 1")), "AUTH_JWT_INVALID");
  server_->namespaces().set_config("default", {});
  EXPECT_EQ(code(ws, on(1, "SELECT 1")), "");
}

TEST_F(HranaExpiry, ANamespaceThatIsGoneAnswersNobody) {
  server_->namespaces().create("shop", {});
  Socket ws(server_->port(), {"hrana3"}, "/dev/shop/");
  ws.hello("good");
  ws.ask(open(1));
  EXPECT_EQ(code(ws, on(1, "CREATE TABLE t(a)")), "");
  server_->namespaces().remove("shop");
  EXPECT_NE(code(ws, on(1, "SELECT * FROM t")), "");
  server_->namespaces().create("shop", {});  // another one of that name
  EXPECT_NE(code(ws, on(1, "SELECT * FROM t")), "");
  ws.ask(open(2));
  EXPECT_EQ(code(ws, on(2, "SELECT count(*) FROM sqlite_schema")), "");
}

TEST_F(HranaExpiry, WhileNothingChangesNobodyIsAskedAgain) {
  turnstile_->until = std::chrono::system_clock::now() + std::chrono::hours(1);
  Socket ws = socket();
  const int before = turnstile_->asked;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(code(ws, on(1, "SELECT 1")), "");
  EXPECT_EQ(turnstile_->asked, before);
}

}  // namespace
}  // namespace libsql::test

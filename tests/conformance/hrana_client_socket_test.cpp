// The client over a WebSocket, against a server that answers what and when the test wants.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <regex>

#include <libsql/libsql.hpp>

#include "net/server.hpp"
#include "support/expect_error.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

/// A message of the client's, and the WebSocket that it came on.
struct Message {
  net::WebSocketSession& session;
  std::string text;
  int socket = 0;

  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::string request_id() const {
    std::smatch found;
    return std::regex_search(text, found, std::regex("\"request_id\":(-?[0-9]+)")) ? found[1].str() : "";
  }
  void say(const std::string& message) const { session.send(net::MessageType::Text, message); }
  void respond(const std::string& response) const { respond(request_id(), response); }
  void respond(const std::string& id, const std::string& response) const {
    say(R"({"type":"response_ok","request_id":)" + id + R"(,"response":)" + response + "}");
  }
};

/// Answers hello, open_stream and the closing requests by itself; the rest is the test's.
class SocketServer {
 public:
  using Behaviour = std::function<void(const Message&)>;
  explicit SocketServer(Behaviour behaviour) : log_(std::make_shared<Log>()) {
    log_->behaviour = std::move(behaviour);
    port_ = server_.listen({}, std::make_shared<Handler>(log_));
  }
  ~SocketServer() { server_.stop(net::Deadline::after(1s)); }

  RemoteBuilder builder() const {
    return Builder::remote("ws://127.0.0.1:" + std::to_string(port_), "token").proxy(std::nullopt).busy_timeout(0ms);
  }
  int sockets() const {
    const std::lock_guard lock(log_->mutex);
    return log_->sockets;
  }
  int count(std::string_view part) const {
    const std::lock_guard lock(log_->mutex);
    int found = 0;
    for (const std::string& message : log_->messages) found += message.find(part) != std::string::npos;
    return found;
  }
  void refuse_tokens() {
    const std::lock_guard lock(log_->mutex);
    log_->refuses = true;
  }
  void speak(std::string subprotocol) {
    const std::lock_guard lock(log_->mutex);
    log_->subprotocol = std::move(subprotocol);
  }

 private:
  struct Log {
    std::mutex mutex;
    Behaviour behaviour;
    std::vector<std::string> messages;
    std::string subprotocol = "hrana3";
    int sockets = 0;
    bool refuses = false;
  };

  class Socket final : public net::WebSocketHandler {
   public:
    Socket(std::shared_ptr<Log> log, int number) : log_(std::move(log)), number_(number) {}
    void on_message(net::WebSocketSession& session, net::MessageType, std::string_view data) override {
      const Message message{session, std::string(data), number_};
      bool refuses = false;
      {
        const std::lock_guard lock(log_->mutex);
        log_->messages.push_back(message.text);
        refuses = log_->refuses;
      }
      if (message.has("\"type\":\"hello\"")) {
        message.say(
            refuses ? R"({"type":"hello_error","error":{"message":"The JWT has expired","code":"AUTH_JWT_EXPIRED"}})"
                    : R"({"type":"hello_ok"})");
        return;
      }
      for (const char* type : {"open_stream", "close_stream", "close_cursor"}) {
        if (message.has(std::string("\"type\":\"") + type + '"')) {
          message.respond(std::string(R"({"type":")") + type + "\"}");
          return;
        }
      }
      log_->behaviour(message);
    }
    void on_close(net::WebSocketSession&, int, std::string_view) noexcept override {}

   private:
    std::shared_ptr<Log> log_;
    int number_;
  };

  class Handler final : public net::Handler {
   public:
    explicit Handler(std::shared_ptr<Log> log) : log_(std::move(log)) {}
    void on_request(net::Exchange& exchange) override {
      int number = 0;
      std::string subprotocol;
      {
        const std::lock_guard lock(log_->mutex);
        number = log_->sockets++;
        subprotocol = log_->subprotocol;
      }
      exchange.accept_websocket(std::make_shared<Socket>(log_, number), subprotocol);
    }

   private:
    std::shared_ptr<Log> log_;
  };

  std::shared_ptr<Log> log_;
  net::Server server_;
  std::uint16_t port_ = 0;
};

const std::string kExecuted =
    R"({"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":null}})";

std::string value(const std::string& number) {
  return R"({"type":"execute","result":{"cols":[{"name":"a"}],"rows":[[{"type":"integer","value":")" + number +
         R"("}]],"affected_row_count":0,"last_insert_rowid":null}})";
}

// -- 64: closes, reconnects, order

TEST(HranaClientSocket, AClosedSocketFailsWhatIsPendingAndTheNextCallReconnects) {
  std::atomic<int> executes = 0;
  SocketServer server([&](const Message& message) {
    if (++executes == 1) {
      message.session.close(1011, "going away");
    } else {
      message.respond(kExecuted);
    }
  });
  Connection conn = server.builder().build().connect();
  const Network error = error_of<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
  EXPECT_FALSE(error.outcome_known());
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES (2)"), 1u);
  EXPECT_EQ(server.sockets(), 2);
  EXPECT_EQ(server.count("VALUES (1)"), 1);
}

TEST(HranaClientSocket, AReadIsRepeatedOnANewSocket) {
  std::atomic<int> executes = 0;
  SocketServer server([&](const Message& message) {
    if (++executes == 1) {
      message.session.close(1011, "");
    } else {
      message.respond(value("5"));
    }
  });
  Connection conn = server.builder().build().connect();
  EXPECT_EQ(conn.query_value<int>("SELECT a FROM t"), 5);
  EXPECT_EQ(server.sockets(), 2);
}

TEST(HranaClientSocket, ASocketLostInATransactionLosesIt) {
  SocketServer server([](const Message& message) {
    if (message.has("\"BEGIN\"")) return message.respond(kExecuted);
    message.session.close(1011, "");
  });
  Connection conn = server.builder().build().connect();
  Transaction tx = conn.transaction();
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (2)"), TransactionLost);
  tx.rollback();
  EXPECT_EQ(server.count("VALUES (2)"), 0);
  EXPECT_EQ(server.sockets(), 1);
}

TEST(HranaClientSocket, AnswersMayComeInAnyOrder) {
  // In a transaction the step and the question after it are two requests; they are answered the other way round.
  std::string held;
  SocketServer server([&](const Message& message) {
    if (message.has("\"BEGIN\"")) return message.respond(kExecuted);
    if (message.has("\"type\":\"batch\"")) {
      held = message.request_id();
      return;
    }
    message.respond(R"({"type":"get_autocommit","is_autocommit":false})");
    message.respond(held, R"({"type":"batch","result":{"step_results":[{"cols":[],"rows":[],"affected_row_count":3,)"
                          R"("last_insert_rowid":null}],"step_errors":[null]}})");
  });
  Connection conn = server.builder().build().connect();
  Transaction tx = conn.transaction();
  EXPECT_EQ(tx->execute("UPDATE t SET a = 1"), 3u);
}

TEST(HranaClientSocket, ASocketThatWasClosedWhileIdleIsReplacedUnnoticed) {
  SocketServer server([](const Message& message) {
    message.respond(kExecuted);
    message.session.close(1001, "idle");
  });
  Connection conn = server.builder().build().connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(conn.execute("INSERT INTO t VALUES (1)"), 1u);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(server.sockets(), 3);
}

TEST(HranaClientSocket, ARefusedTokenIsAnAuthError) {
  SocketServer server([](const Message& message) { message.respond(kExecuted); });
  server.refuse_tokens();
  Connection conn = server.builder().build().connect();
  EXPECT_EQ(error_of<Auth>([&] { conn.execute("SELECT 1"); }).server_message(), "The JWT has expired");
}

TEST(HranaClientSocket, RowsAreFetchedInPartsWhileTheyAreRead) {
  std::atomic<int> fetched = 0;
  SocketServer server([&](const Message& message) {
    if (message.has("\"type\":\"describe\"")) {
      return message.respond(
          R"({"type":"describe","result":{"params":[],"cols":[{"name":"a"}],"is_explain":false,"is_readonly":true}})");
    }
    if (message.has("open_cursor")) return message.respond(R"({"type":"open_cursor"})");
    const int part = fetched++;
    std::string entries = part == 0 ? R"({"type":"step_begin","step":0,"cols":[{"name":"a","decltype":null}]})" : "";
    for (int i = 0; i < 100; ++i) {
      entries += entries.empty() ? "" : ",";
      entries += R"({"type":"row","row":[{"type":"integer","value":")" + std::to_string(part * 100 + i) + "\"}]}";
    }
    if (part == 9) entries += R"(,{"type":"step_end","affected_row_count":0,"last_insert_rowid":null})";
    message.respond(R"({"type":"fetch_cursor","entries":[)" + entries + R"(],"done":)" +
                    (part == 9 ? "true}" : "false}"));
  });
  Connection conn = server.builder().build().connect();
  Statement select = conn.prepare("SELECT a FROM t");
  int expected = 0;
  Rows rows = select.query();
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<int>(0), expected++);
  std::this_thread::sleep_for(50ms);
  EXPECT_LE(fetched.load(), 3);  // the rest is not asked for before it is wanted
  while (rows.next()) ASSERT_EQ(rows.row().get<int>(0), expected++);
  EXPECT_EQ(expected, 1000);
}

TEST(HranaClientSocket, AServerOfVersion2WorksWithoutCursors) {
  SocketServer server([](const Message& message) {
    if (message.has("\"type\":\"describe\"")) {
      return message.respond(
          R"({"type":"describe","result":{"params":[],"cols":[{"name":"a"}],"is_explain":false,"is_readonly":true}})");
    }
    message.respond(value("7"));
  });
  server.speak("hrana2");
  Connection conn = server.builder().build().connect();
  Statement select = conn.prepare("SELECT a FROM t");
  Rows rows = select.query();
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<int>(0), 7);
  EXPECT_FALSE(rows.next());
  EXPECT_EQ(server.count("cursor"), 0);
}

}  // namespace
}  // namespace libsql::test

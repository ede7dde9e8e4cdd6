// The client over a WebSocket, against a server that answers what and when the test wants.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <regex>

#include <libsql/libsql.hpp>

#include "net/server.hpp"
#include "net/websocket_frame.hpp"
#include "net/websocket_handshake.hpp"
#include "support/eventually.hpp"
#include "support/expect_error.hpp"
#include "support/in_encoding.hpp"
#include "support/raw_socket.hpp"

namespace libsql::test {
namespace {

using namespace std::chrono_literals;

/// A message of the client's, as JSON, and the WebSocket that it came on. What is said is JSON too.
struct Message {
  net::WebSocketSession& session;
  hrana::Encoding encoding;
  std::string text;
  int socket = 0;

  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::string request_id() const {
    std::smatch found;
    return std::regex_search(text, found, std::regex("\"request_id\":(-?[0-9]+)")) ? found[1].str() : "";
  }
  void say(const std::string& message) const {
    session.send(encoding == hrana::Encoding::Json ? net::MessageType::Text : net::MessageType::Binary,
                 message_in(encoding, message));
  }
  void respond(const std::string& response) const { respond(request_id(), response); }
  void respond(const std::string& id, const std::string& response) const {
    say(R"({"type":"response_ok","request_id":)" + id + R"(,"response":)" + response + "}");
  }
};

/// Answers hello, open_stream and the closing requests by itself; the rest is the test's.
class SocketServer {
 public:
  using Behaviour = std::function<void(const Message&)>;
  SocketServer(hrana::Encoding encoding, Behaviour behaviour) : log_(std::make_shared<Log>()) {
    log_->behaviour = std::move(behaviour);
    log_->encoding = encoding;
    if (encoding == hrana::Encoding::Protobuf) log_->subprotocol = "hrana3-protobuf";
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
  /// Waits until everything is answered that has come.
  bool is_at_rest() const {
    return eventually([&] { return server_.statistics().workers_busy == 0; });
  }
  void refuse_tokens() {
    const std::lock_guard lock(log_->mutex);
    log_->refuses = true;
  }
  // It waits for locks as long as it likes.
  void be_stubborn() {
    const std::lock_guard lock(log_->mutex);
    log_->keeps = false;
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
    hrana::Encoding encoding = hrana::Encoding::Json;
    int sockets = 0;
    bool refuses = false;
    bool keeps = true;
  };

  class Socket final : public net::WebSocketHandler {
   public:
    Socket(std::shared_ptr<Log> log, int number) : log_(std::move(log)), number_(number) {}
    void on_message(net::WebSocketSession& session, net::MessageType, std::string_view data) override {
      const Message message{session, log_->encoding, client_message_as_json(log_->encoding, data), number_};
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
      bool keeps = false;
      {
        const std::lock_guard lock(log_->mutex);
        number = log_->sockets++;
        subprotocol = log_->subprotocol;
        keeps = log_->keeps;
      }
      const net::Header kept{"libsql-busy-timeout", "kept"};
      exchange.accept_websocket(std::make_shared<Socket>(log_, number), subprotocol, std::span(&kept, keeps ? 1 : 0));
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

std::string name_of(const ::testing::TestParamInfo<hrana::Encoding>& info) {
  return info.param == hrana::Encoding::Json ? "Json" : "Protobuf";
}

class HranaClientSocket : public ::testing::TestWithParam<hrana::Encoding> {};
INSTANTIATE_TEST_SUITE_P(Encodings, HranaClientSocket,
                         ::testing::Values(hrana::Encoding::Json, hrana::Encoding::Protobuf), name_of);

TEST_P(HranaClientSocket, LeavesAServerThatWaitsForALockAsLongAsItLikes) {
  SocketServer server(GetParam(), [&](const Message& message) {
    if (!message.has("BEGIN")) message.respond(kExecuted);
  });
  server.be_stubborn();
  Connection conn = server.builder().build().connect();
  conn.busy_timeout(200ms);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 2; ++i) {
    const Busy error = error_of<Busy>([&] {
      if (i == 0) conn.execute("INSERT INTO t VALUES (1)");
      if (i == 1) conn.execute("BEGIN IMMEDIATE");
    });
    EXPECT_TRUE(error.outcome_known());
    EXPECT_TRUE(error.retryable());
    EXPECT_TRUE(conn.is_autocommit());
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 400ms);
  EXPECT_EQ(server.count("INSERT"), 0);
  EXPECT_EQ(server.count("BEGIN IMMEDIATE"), 2);
  conn.busy_timeout(60s);
  EXPECT_EQ(conn.execute("INSERT INTO t VALUES (1)"), 1u);
}

// -- 64: closes, reconnects, order

TEST_P(HranaClientSocket, AClosedSocketFailsWhatIsPendingAndTheNextCallReconnects) {
  std::atomic<int> executes = 0;
  SocketServer server(GetParam(), [&](const Message& message) {
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

TEST_P(HranaClientSocket, AReadIsRepeatedOnANewSocket) {
  std::atomic<int> executes = 0;
  SocketServer server(GetParam(), [&](const Message& message) {
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

TEST_P(HranaClientSocket, ASocketLostInATransactionLosesIt) {
  SocketServer server(GetParam(), [](const Message& message) {
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

TEST_P(HranaClientSocket, AnswersMayComeInAnyOrder) {
  // In a transaction the step and the question after it are two requests; they are answered the other way round.
  std::string held;
  SocketServer server(GetParam(), [&](const Message& message) {
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

TEST_P(HranaClientSocket, ASocketThatWasClosedWhileIdleIsReplacedUnnoticed) {
  SocketServer server(GetParam(), [](const Message& message) {
    message.respond(kExecuted);
    message.session.close(1001, "idle");
  });
  Connection conn = server.builder().build().connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(conn.execute("INSERT INTO t VALUES (1)"), 1u);
    EXPECT_TRUE(server.is_at_rest());  // it has said good-bye
  }
  EXPECT_EQ(server.sockets(), 3);
}

TEST_P(HranaClientSocket, ARefusedTokenIsAnAuthError) {
  SocketServer server(GetParam(), [](const Message& message) { message.respond(kExecuted); });
  server.refuse_tokens();
  Connection conn = server.builder().build().connect();
  EXPECT_EQ(error_of<Auth>([&] { conn.execute("SELECT 1"); }).server_message(), "The JWT has expired");
}

TEST_P(HranaClientSocket, RowsAreFetchedInPartsWhileTheyAreRead) {
  std::atomic<int> fetched = 0;
  SocketServer server(GetParam(), [&](const Message& message) {
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
  const auto parts_needed = [&] { return expected / 100 + 1; };
  while (rows.next()) {
    ASSERT_TRUE(server.is_at_rest());
    ASSERT_LE(fetched.load(), parts_needed() + 2) << "the rest is asked for before it is wanted";
    ASSERT_EQ(rows.row().get<int>(0), expected++);
  }
  EXPECT_EQ(expected, 1000);
}

TEST(HranaClientSocketJson, AServerOfVersion2WorksWithoutCursors) {
  SocketServer server(hrana::Encoding::Json, [](const Message& message) {
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

// -- faults of the way: a server that writes its frames itself, and stops within them

/// A message of the client's, as JSON, and the connection that it came on.
struct RawMessage {
  RawSocket& peer;
  hrana::Encoding encoding;
  std::string text;

  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::string request_id() const {
    std::smatch found;
    return std::regex_search(text, found, std::regex("\"request_id\":(-?[0-9]+)")) ? found[1].str() : "";
  }
  /// The frame with which the request is answered.
  std::string frame(const std::string& response) const {
    return frame_of(message_in(
        encoding, R"({"type":"response_ok","request_id":)" + request_id() + R"(,"response":)" + response + "}"));
  }
  std::string frame_of(const std::string& payload) const {
    const net::Opcode opcode = encoding == hrana::Encoding::Json ? net::Opcode::Text : net::Opcode::Binary;
    return std::string(net::make_frame_header(opcode, payload.size(), nullptr).view()) + payload;
  }
  bool respond(const std::string& response) const { return peer.send(frame(response)); }
  /// Sends so much of the frame, and then resets the connection.
  bool cut(const std::string& frame, std::size_t after) const {
    peer.send(std::string_view(frame).substr(0, after));
    has_left(peer.descriptor());
    peer.reset();
    return false;
  }
};

class RawSocketServer {
 public:
  /// False ends the connection.
  using Behaviour = std::function<bool(const RawMessage&)>;
  RawSocketServer(hrana::Encoding encoding, Behaviour behaviour)
      : encoding_(encoding), behaviour_(std::move(behaviour)), server_([this](RawSocket& peer) { serve(peer); }) {}

  RemoteBuilder builder() const {
    return Builder::remote("ws://127.0.0.1:" + std::to_string(server_.port()), "token")
        .proxy(std::nullopt)
        .busy_timeout(0ms)
        .default_deadline(10s);
  }
  Connection connect() const { return builder().build().connect(); }

 private:
  void serve(RawSocket& peer) {
    const std::string head = peer.read_until("\r\n\r\n");
    std::smatch key;
    if (!std::regex_search(head, key, std::regex("Sec-WebSocket-Key: ([^\r]+)"))) return;
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        net::websocket_accept(key[1].str()) + "\r\nSec-WebSocket-Protocol: " +
        (encoding_ == hrana::Encoding::Json ? "hrana3" : "hrana3-protobuf") + "\r\nlibsql-busy-timeout: kept\r\n\r\n");
    for (std::string payload = read_message(peer); !payload.empty(); payload = read_message(peer)) {
      const RawMessage message{peer, encoding_, client_message_as_json(encoding_, payload)};
      if (message.has("\"type\":\"hello\"")) {
        peer.send(message.frame_of(message_in(encoding_, R"({"type":"hello_ok"})")));
        continue;
      }
      bool closing = false;
      for (const char* type : {"open_stream", "close_stream", "close_cursor"}) {
        if (!message.has(std::string("\"type\":\"") + type + '"')) continue;
        message.respond(std::string(R"({"type":")") + type + "\"}");
        closing = true;
      }
      if (!closing && !behaviour_(message)) return;
    }
  }
  // Empty at the end of the connection, and for a Close.
  static std::string read_message(RawSocket& peer) {
    const std::string start = peer.read(2);
    if (start.size() < 2 || (start[0] & 0x0f) == static_cast<int>(net::Opcode::Close)) return {};
    std::size_t size = static_cast<unsigned char>(start[1]) & 0x7f;
    if (size >= 126) {
      const std::string length = peer.read(size == 126 ? 2 : 8);
      size = 0;
      for (const char byte : length) size = size << 8 | static_cast<unsigned char>(byte);
    }
    const std::string mask = peer.read(4);
    std::string payload = peer.read(size);
    if (mask.size() == 4) net::apply_mask(payload.data(), payload.size(), mask.data());
    return payload;
  }

  hrana::Encoding encoding_;
  Behaviour behaviour_;
  RawServer server_;
};

class HranaClientSocketFaults : public ::testing::TestWithParam<hrana::Encoding> {};
INSTANTIATE_TEST_SUITE_P(Encodings, HranaClientSocketFaults,
                         ::testing::Values(hrana::Encoding::Json, hrana::Encoding::Protobuf), name_of);

const std::string kBegun = R"({"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":0,)"
                           R"("last_insert_rowid":null}})";
const std::string kStepDone =
    R"({"type":"batch","result":{"step_results":[{"cols":[],"rows":[],"affected_row_count":1,)"
    R"("last_insert_rowid":null}],"step_errors":[null]}})";

TEST_P(HranaClientSocketFaults, AWriteWhoseAnswerIsCutAnywhereIsSentOnceAndItsOutcomeIsNotKnown) {
  std::atomic<std::size_t> cut = 0;
  std::atomic<std::size_t> size = 1;
  std::atomic<int> executes = 0;
  RawSocketServer server(GetParam(), [&](const RawMessage& message) {
    ++executes;
    const std::string frame = message.frame(kExecuted);
    size = frame.size();
    return message.cut(frame, cut);
  });
  for (cut = 0; cut < size; cut += cut < 20 ? 1 : 7) {
    const int before = executes;
    Connection conn = server.connect();
    const Network error = error_of<Network>([&] { conn.execute("INSERT INTO t VALUES (1)"); });
    EXPECT_FALSE(error.outcome_known()) << cut;
    EXPECT_FALSE(error.retryable()) << cut;
    EXPECT_EQ(executes, before + 1) << cut;
  }
}

TEST_P(HranaClientSocketFaults, AReadWhoseAnswerIsCutAnywhereIsRepeated) {
  std::atomic<std::size_t> cut = 0;
  std::atomic<std::size_t> size = 1;
  std::atomic<bool> cuts = true;
  RawSocketServer server(GetParam(), [&](const RawMessage& message) {
    const std::string frame = message.frame(value("5"));
    size = frame.size();
    return cuts.exchange(false) ? message.cut(frame, cut) : message.peer.send(frame);
  });
  for (cut = 0; cut < size; cut += 9) {
    cuts = true;
    EXPECT_EQ(server.connect().query_value<int>("SELECT a FROM t"), 5) << cut;
    EXPECT_FALSE(cuts) << cut;
  }
}

TEST_P(HranaClientSocketFaults, ACutInsideATransactionLosesItAndACutCommitIsInDoubt) {
  std::atomic<std::size_t> cut = 0;
  std::atomic<std::size_t> size = 1;
  RawSocketServer server(GetParam(), [&](const RawMessage& message) {
    if (message.has("\"BEGIN\"")) return message.respond(kBegun);
    const std::string frame = message.frame(kStepDone);
    size = frame.size();
    return message.cut(frame, cut);
  });
  for (cut = 0; cut < size; cut += 11) {
    Connection conn = server.connect();
    Transaction tx = conn.transaction();
    EXPECT_TRUE(error_of<TransactionLost>([&] { tx->execute("INSERT INTO t VALUES (1)"); }).outcome_known()) << cut;
    EXPECT_THROW(tx->query_value<int>("SELECT 1"), TransactionLost) << cut;
    EXPECT_THROW(tx.commit(), TransactionLost) << cut;
    tx.rollback();
    Transaction doubtful = conn.transaction();
    EXPECT_FALSE(error_of<Network>([&] { doubtful.commit(); }).outcome_known()) << cut;
    doubtful.rollback();
    EXPECT_TRUE(conn.is_autocommit()) << cut;
  }
}

TEST_P(HranaClientSocketFaults, RowsThatAreCutThrowAndAreNeverTakenForComplete) {
  const std::string row = R"({"type":"row","row":[{"type":"integer","value":"1"}]})";
  const std::string part =
      R"({"type":"fetch_cursor","entries":[{"type":"step_begin","step":0,"cols":[{"name":"a"}]},)" + row + "," + row +
      R"(],"done":false})";
  std::atomic<std::size_t> cut = 0;
  std::atomic<std::size_t> size = 1;
  std::atomic<int> fetched = 0;
  RawSocketServer server(GetParam(), [&](const RawMessage& message) {
    if (message.has("open_cursor")) return message.respond(R"({"type":"open_cursor"})");
    const std::string frame = message.frame(part);
    size = frame.size();
    return fetched++ == 0 ? message.peer.send(frame) : message.cut(frame, cut);
  });
  for (cut = 0; cut < size; cut += 13) {
    fetched = 0;
    Connection conn = server.connect();
    Rows rows = conn.query("SELECT a FROM t");
    EXPECT_TRUE(rows.next()) << cut;
    EXPECT_TRUE(rows.next()) << cut;
    EXPECT_THROW(rows.next(), Network) << cut;
    EXPECT_FALSE(rows.next()) << cut;
  }
}

TEST_P(HranaClientSocketFaults, ASilentServerEndsInATimeout) {
  RawSocketServer server(GetParam(), [](const RawMessage&) { return true; });
  Connection conn = server.connect();
  conn.deadline(100ms);
  EXPECT_FALSE(error_of<Timeout>([&] { conn.execute("INSERT INTO t VALUES (1)"); }).outcome_known());
  EXPECT_TRUE(error_of<Timeout>([&] { conn.query_value<int>("SELECT 1"); }).outcome_known());
}

TEST_P(HranaClientSocketFaults, AServerThatDripsIsWaitedFor) {
  RawSocketServer server(GetParam(),
                         [](const RawMessage& message) { return message.peer.drip(message.frame(kExecuted)); });
  EXPECT_EQ(server.connect().execute("INSERT INTO t VALUES (1)"), 1u);
}

TEST_P(HranaClientSocketFaults, WrongAnswersAreProtocolErrors) {
  std::function<bool(const RawMessage&)> answer;
  RawSocketServer server(GetParam(), [&](const RawMessage& message) { return answer(message); });
  const bool json = GetParam() == hrana::Encoding::Json;
  const std::vector<std::function<bool(const RawMessage&)>> answers = {
      [](const RawMessage& message) {
        return message.respond(R"({"type":"describe","result":{"params":[],"cols":[],)"
                               R"("is_explain":false,"is_readonly":true}})");
      },
      [](const RawMessage& message) { return message.peer.send(message.frame_of("\xff\xff nonsense")); },
      [json](const RawMessage& message) {  // a message of the other kind
        const std::string text = json ? "\x02" : "{}";
        return message.peer.send(
            std::string(
                net::make_frame_header(json ? net::Opcode::Binary : net::Opcode::Text, text.size(), nullptr).view()) +
            text);
      },
      [](const RawMessage& message) {  // the answer to a request that was never made
        return message.peer.send(message.frame_of(
            message_in(message.encoding, R"({"type":"response_ok","request_id":99,"response":)" + kExecuted + "}")));
      },
      [](const RawMessage& message) { return message.peer.send("\x8f\x01x"); },  // a frame of a kind that there is not
      [](const RawMessage& message) { return message.peer.send("\x81\x85mask-"); },  // a server's frames have no mask
      [](const RawMessage& message) { return message.peer.send("HTTP/1.1 500 Oops\r\n\r\n"); },
  };
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answer = answers[i];
    Connection conn = server.connect();
    EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), Protocol) << i;
    answer = [](const RawMessage& message) { return message.respond(kExecuted); };
    EXPECT_EQ(conn.execute("INSERT INTO t VALUES (1)"), 1u) << i;
  }
}

TEST_P(HranaClientSocketFaults, ATransactionThatTheServerTimedOutIsLost) {
  RawSocketServer server(GetParam(), [](const RawMessage& message) {
    if (message.has("BEGIN")) return message.respond(kBegun);
    if (message.has("get_autocommit")) return message.respond(R"({"type":"get_autocommit","is_autocommit":true})");
    return message.respond(R"({"type":"batch","result":{"step_results":[null],"step_errors":[)"
                           R"({"message":"Transaction timed out","code":"TRANSACTION_TIMEOUT"}]}})");
  });
  Connection conn = server.connect();
  conn.execute("BEGIN IMMEDIATE");
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), TransactionLost);
  EXPECT_THROW(conn.execute("COMMIT"), TransactionLost);
  conn.execute("ROLLBACK");
  EXPECT_TRUE(conn.is_autocommit());
}

}  // namespace
}  // namespace libsql::test

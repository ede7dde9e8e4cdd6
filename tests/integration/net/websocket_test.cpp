// WebSockets: both of our ends against each other, and each against peers that break the rules.
#include "net/websocket_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "net/server.hpp"
#include "net/websocket_frame.hpp"
#include "net/websocket_handshake.hpp"
#include "support/asleep.hpp"
#include "support/eventually.hpp"
#include "support/flood.hpp"
#include "support/in_time.hpp"
#include "support/raw_socket.hpp"

namespace {

using namespace libsql::net;
using namespace std::chrono_literals;
using namespace std::string_literals;
using libsql::test::eventually;
using libsql::test::Flood;
using libsql::test::RawServer;
using libsql::test::RawSocket;

Wait patient() { return Wait{Deadline::after(10s), nullptr}; }

// Sends every message back, and notes how the session ended.
class Sessions final : public WebSocketHandler {
 public:
  std::function<void(WebSocketSession&, std::string_view)> message;

  void on_message(WebSocketSession& session, MessageType type, std::string_view data) override {
    if (message) {
      message(session, data);
    } else {
      session.send(type, data);
    }
  }
  void on_close(WebSocketSession& session, int code, std::string_view reason) noexcept override {
    EXPECT_FALSE(session.is_open());
    EXPECT_FALSE(session.send(MessageType::Text, "too late"));
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_.push_back(std::to_string(code) + " " + std::string(reason));
    changed_.notify_all();
  }
  // The way the next session ended.
  std::string end() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, 10s, [this] { return !ends_.empty(); })) return "no end";
    std::string first = ends_.front();
    ends_.erase(ends_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> ends_;
};

class Upgrader final : public Handler {
 public:
  explicit Upgrader(std::shared_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
  void on_request(Exchange& exchange) override {
    if (!exchange.request().wants_websocket()) return exchange.answer(400, {}, "no WebSocket\n");
    if (exchange.request().path == "/refuse") return exchange.answer(401, {{"X", "y"}}, "who are you");
    const bool offered = has_token(exchange.request().headers, "Sec-WebSocket-Protocol", "hrana3");
    const auto session = exchange.accept_websocket(sessions_, offered ? "hrana3" : "");
    const std::lock_guard<std::mutex> lock(mutex_);
    last_ = session;
  }
  std::shared_ptr<WebSocketSession> last() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_;
  }

 private:
  std::shared_ptr<Sessions> sessions_;
  std::mutex mutex_;
  std::shared_ptr<WebSocketSession> last_;
};

struct Fixture {
  explicit Fixture(ServerOptions options = {})
      : sessions(std::make_shared<Sessions>()), upgrader(std::make_shared<Upgrader>(sessions)), server(options) {
    port = server.listen({}, upgrader);
  }
  WebSocketConnection client(ClientOptions options = {}) const {
    options.proxy_from_environment = false;
    return WebSocketConnection(Origin{false, "127.0.0.1", port}, options);
  }
  // A peer that has shaken hands and now speaks in raw frames.
  RawSocket raw() const {
    RawSocket peer = RawSocket::connect(port);
    peer.send(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    const std::string answer = peer.read_until("\r\n\r\n");
    EXPECT_NE(answer.find("101 Switching Protocols"), std::string::npos);
    EXPECT_NE(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
    return peer;
  }

  std::shared_ptr<Sessions> sessions;
  std::shared_ptr<Upgrader> upgrader;
  Server server;
  std::uint16_t port = 0;
};

std::string frame(int first, std::string payload) {
  const char mask[4] = {'m', 'a', 's', 'k'};
  const FrameHeader header = make_frame_header(Opcode::Text, payload.size(), mask);
  std::string text(header.view());
  text[0] = static_cast<char>(first);
  apply_mask(payload.data(), payload.size(), mask);
  return text + payload;
}

template <class Call>
NetError failure_of(Call call) {
  try {
    call();
  } catch (const NetError& error) {
    return error;
  }
  ADD_FAILURE() << "the call did not fail";
  return NetError(ErrorKind::Protocol, "none");
}

TEST(WebSocket, PeersThatSendFasterThanTheyAreServedLeaveTheOthersTheirTurn) {
  ServerOptions options;
  options.min_workers = options.max_workers = 2;
  Fixture fixture(options);
  std::string pings;
  for (int i = 0; i < 10'000; ++i) pings += frame(0x89, "x");
  std::list<Flood> floods;
  for (int i = 0; i < 3; ++i) floods.emplace_back(fixture.raw(), pings);
  for (int i = 0; i < 5; ++i) {
    WebSocketConnection client = fixture.client();
    client.connect("/", {}, {}, patient());
    client.send(MessageType::Text, "hello", patient());
    EXPECT_EQ(client.receive(patient()).data, "hello") << i;
  }
}

TEST(WebSocket, MessagesOfEverySizeComeBack) {
  Fixture fixture;
  WebSocketConnection client = fixture.client();
  EXPECT_EQ(client.connect("/", {}, {}, patient()), "");
  for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 65537, 300'000, 5'000'000}) {
    const std::string text(size, 'x');
    client.send(MessageType::Binary, text, patient());
    const Message message = client.receive(patient());
    EXPECT_EQ(message.type, MessageType::Binary);
    EXPECT_TRUE(message.data == text) << size;
  }
  client.send(MessageType::Text, "gr\xc3\xbc\xc3\x9f", patient());
  EXPECT_EQ(client.receive(patient()).type, MessageType::Text);
  client.close(1000, "done", patient());
  EXPECT_EQ(fixture.sessions->end(), "1000 done");
}

TEST(WebSocket, ASubprotocolIsChosenAmongThoseOffered) {
  Fixture fixture;
  WebSocketConnection client = fixture.client();
  const std::string_view offered[] = {"hrana9", "hrana3", "hrana2"};
  EXPECT_EQ(client.connect("/", offered, {}, patient()), "hrana3");
  client.close(0, {}, patient());
  EXPECT_EQ(fixture.sessions->end(), "1005 ");
}

TEST(WebSocket, ARefusalCarriesStatusAndBody) {
  Fixture fixture;
  WebSocketConnection client = fixture.client();
  const NetError error = failure_of([&] { client.connect("/refuse", {}, {}, patient()); });
  EXPECT_EQ(error.kind(), ErrorKind::Refused);
  EXPECT_EQ(error.status, 401);
  EXPECT_EQ(error.body, "who are you");
  EXPECT_FALSE(client.is_open());
  EXPECT_EQ(failure_of([&] { client.send(MessageType::Text, "x", patient()); }).sent(), false);
}

TEST(WebSocket, BadHandshakesAreRefused) {
  Fixture fixture;
  const std::string good = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
  const std::pair<std::string, std::string> list[] = {
      {good + "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "HTTP/1.1 426"},
      {good + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "HTTP/1.1 426"},
      {good + "Sec-WebSocket-Version: 13\r\n\r\n", "HTTP/1.1 400"},
      {good + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n", "HTTP/1.1 400"},
      {good + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 1\r\n\r\nx",
       "HTTP/1.1 400"},
      {"POST" + good.substr(3) + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
       "HTTP/1.1 400"},
  };
  for (const auto& [request, status] : list) {
    RawSocket peer = RawSocket::connect(fixture.port);
    peer.send(request);
    EXPECT_EQ(peer.read_message().substr(0, 12), status) << request;
  }
}

TEST(WebSocket, FragmentsAndPingsMayBeCutAnywhere) {
  Fixture fixture;
  RawSocket peer = fixture.raw();
  const std::string bytes =
      frame(0x01, "frag") + frame(0x89, "are you there") + frame(0x00, "men") + frame(0x80, "ted");
  const std::string expected =
      "\x8a\x0d"
      "are you there"
      "\x81\x0a"
      "fragmented";
  const std::uint64_t before = fixture.server.statistics().bytes_received;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const std::uint64_t read = before + cut * bytes.size() + cut;  // until then, this part included
    peer.send(bytes.substr(0, cut));
    ASSERT_TRUE(eventually([&] { return fixture.server.statistics().bytes_received == read; })) << cut;
    peer.send(bytes.substr(cut));
    ASSERT_EQ(peer.read(expected.size()), expected) << cut;
  }
  peer.drip(bytes);
  EXPECT_EQ(peer.read(expected.size()), expected);
}

TEST(WebSocket, FramesSentRightBehindTheHandshakeAreHeard) {
  Fixture fixture;
  RawSocket peer = RawSocket::connect(fixture.port);
  peer.send(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
      frame(0x81, "early"));
  peer.read_until("\r\n\r\n");
  EXPECT_EQ(peer.read(7),
            "\x81\x05"
            "early");
}

TEST(WebSocket, RuleBreakersAreToldWhyTheyAreCut) {
  ServerOptions options;
  options.max_message_bytes = 1000;
  Fixture fixture(options);
  const std::tuple<const char*, std::string, int> list[] = {
      {"no mask", "\x81\x01x", 1002},
      {"a reserved bit", frame(0xc1, "x"), 1002},
      {"an unknown kind", frame(0x83, "x"), 1002},
      {"a continuation of nothing", frame(0x80, "x"), 1002},
      {"a fragmented ping", frame(0x09, "x"), 1002},
      {"bad UTF-8", frame(0x81, "\xff\xfe"), 1007},
      {"too long", frame(0x82, std::string(1001, 'x')), 1009},
      {"too long in fragments", frame(0x02, std::string(600, 'x')) + frame(0x80, std::string(600, 'x')), 1009},
      {"too long by far, and all of it sent", frame(0x82, std::string(500'000, 'x')), 1009},
      {"an invalid close code", frame(0x88, "\x03\xed"), 1002},
  };
  for (const auto& [why, bytes, code] : list) {
    RawSocket peer = fixture.raw();
    peer.send(bytes);
    peer.end_output();
    const std::string all = peer.read_all();
    ASSERT_GE(all.size(), 4u) << why;
    EXPECT_EQ(all[0], '\x88') << why;
    EXPECT_EQ(static_cast<unsigned char>(all[2]) << 8 | static_cast<unsigned char>(all[3]), code) << why;
    EXPECT_EQ(fixture.sessions->end().substr(0, 4), std::to_string(code)) << why;
  }
}

TEST(WebSocket, ACloseIsEchoed) {
  Fixture fixture;
  RawSocket peer = fixture.raw();
  peer.send(frame(0x88,
                  "\x0b\xbb"
                  "my reason"));
  EXPECT_EQ(peer.read_all(), "\x88\x02\x0b\xbb");
  EXPECT_EQ(fixture.sessions->end(), "3003 my reason");
  RawSocket plain = fixture.raw();
  plain.send(frame(0x88, ""));
  EXPECT_EQ(plain.read_all(), "\x88\x00"s);
  EXPECT_EQ(fixture.sessions->end(), "1005 ");
}

TEST(WebSocket, APeerThatVanishesIs1006) {
  Fixture fixture;
  {
    RawSocket peer = fixture.raw();
    peer.send(frame(0x81, "half").substr(0, 7));
  }
  EXPECT_EQ(fixture.sessions->end(), "1006 ");
  RawSocket peer = fixture.raw();
  peer.reset();
  EXPECT_EQ(fixture.sessions->end(), "1006 ");
}

TEST(WebSocket, AHandlerMayCloseWithACodeOfItsOwn) {
  Fixture fixture;
  fixture.sessions->message = [](WebSocketSession& session, std::string_view) { session.close(1008, "hello first"); };
  WebSocketConnection client = fixture.client();
  client.connect("/", {}, {}, patient());
  client.send(MessageType::Text, "x", patient());
  const NetError error = failure_of([&] { client.receive(patient()); });
  EXPECT_EQ(error.kind(), ErrorKind::Closed);
  EXPECT_EQ(error.close_code, 1008);
  EXPECT_EQ(error.close_reason, "hello first");
  EXPECT_EQ(fixture.sessions->end(), "1008 ");
}

TEST(WebSocket, AHandlerThatThrowsClosesWith1011) {
  Fixture fixture;
  fixture.sessions->message = [](WebSocketSession&, std::string_view) { throw std::runtime_error("a secret"); };
  WebSocketConnection client = fixture.client();
  client.connect("/", {}, {}, patient());
  client.send(MessageType::Text, "x", patient());
  const NetError error = failure_of([&] { client.receive(patient()); });
  EXPECT_EQ(error.close_code, 1011);
  EXPECT_EQ(error.close_reason, "internal error");
}

TEST(WebSocket, APeerThatDoesNotAnswerCloseIsCut) {
  ServerOptions options;
  options.close_timeout = 50ms;
  Fixture fixture(options);
  RawSocket peer = fixture.raw();
  peer.send(frame(0x81, "x"));
  peer.read(3);
  fixture.upgrader->last()->close(1000, "");
  EXPECT_EQ(peer.read_all(), "\x88\x02\x03\xe8");
  EXPECT_EQ(fixture.sessions->end(), "1000 ");
}

TEST(WebSocket, ASessionMayBeUsedFromManyThreads) {
  Fixture fixture;
  WebSocketConnection client = fixture.client();
  client.connect("/", {}, {}, patient());
  client.send(MessageType::Text, "hello", patient());
  client.receive(patient());
  const std::shared_ptr<WebSocketSession> session = fixture.upgrader->last();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(session->send(MessageType::Text,
                                  std::string(static_cast<std::size_t>(i * 100), static_cast<char>('a' + t))));
      }
    });
  }
  std::map<char, std::size_t> next;
  for (int i = 0; i < 400; ++i) {
    const std::string message(client.receive(patient()).data);
    if (message.empty()) continue;
    EXPECT_EQ(message, std::string(message.size(), message[0]));
    EXPECT_EQ(message.size(), next[message[0]] += 100) << "the messages of one thread keep their order";
  }
  for (std::thread& thread : threads) thread.join();
  client.close(1000, "", patient());
}

TEST(WebSocket, SendingToAPeerThatTakesNothingEnds) {
  ServerOptions options;
  options.stall_timeout = 100ms;
  Fixture fixture(options);
  RawSocket peer = fixture.raw();
  peer.send(frame(0x81, "x"));
  peer.read(3);
  const std::shared_ptr<WebSocketSession> session = fixture.upgrader->last();
  const std::string piece(1 << 20, 'x');
  int sent = 0;
  while (session->send(MessageType::Binary, piece) && sent < 100) ++sent;
  EXPECT_LT(sent, 100);
  EXPECT_EQ(fixture.sessions->end(), "1006 ");
}

TEST(WebSocket, ASessionThatIsPausedReadsNothingAndHoldsNoWorker) {
  class Pausing final : public WebSocketHandler {
   public:
    void on_message(WebSocketSession& session, MessageType, std::string_view data) override {
      if (data == "pause") session.pause();
      ++messages;
    }
    void on_close(WebSocketSession&, int, std::string_view) noexcept override { closed = true; }
    std::atomic<int> messages = 0;
    std::atomic<bool> closed = false;
  };
  class Accepting final : public Handler {
   public:
    std::shared_ptr<Pausing> pausing = std::make_shared<Pausing>();
    std::shared_ptr<WebSocketSession> session;
    void on_request(Exchange& exchange) override { session = exchange.accept_websocket(pausing, ""); }
  };
  const auto handler = std::make_shared<Accepting>();
  Server server;
  ClientOptions options;
  options.proxy_from_environment = false;
  WebSocketConnection client(Origin{false, "127.0.0.1", server.listen({}, handler)}, options);
  client.connect("/", {}, {}, patient());
  Pausing& pausing = *handler->pausing;
  client.send(MessageType::Text, "pause", patient());
  for (int i = 0; i < 5; ++i) client.send(MessageType::Text, "more", patient());
  EXPECT_TRUE(eventually([&] { return pausing.messages == 1 && server.statistics().workers_busy == 0; }));
  handler->session->resume();
  EXPECT_TRUE(eventually([&] { return pausing.messages == 6; }));
  handler->session->pause();
  client = WebSocketConnection(Origin{}, {});
  EXPECT_TRUE(eventually([&] { return pausing.closed.load(); })) << "the peer's end is not seen while it is paused";
}

TEST(WebSocket, AMessageThatDoesNotBecomeCompleteEndsTheConnection) {
  ServerOptions options;
  options.transfer_timeout = 100ms;
  options.min_bytes_per_second = 1'000'000;
  Fixture fixture(options);
  RawSocket half = fixture.raw();
  RawSocket fragments = fixture.raw();
  half.send(frame(0x81, "hello").substr(0, 8));
  fragments.send(frame(0x01, "part"));
  EXPECT_TRUE(fragments.is_cut_off_dripping(frame(0x00, "part") + frame(0x89, "p")))
      << "further fragments or pings buy time";
  EXPECT_EQ(half.read_all(), "");
}

TEST(WebSocket, AStrangerHasLittleRoomAndLittleTime) {
  ServerOptions options;
  options.stranger_message_bytes = 100;
  options.stranger_timeout = 200ms;
  Fixture fixture(options);
  RawSocket silent = fixture.raw();
  RawSocket long_winded = fixture.raw();
  long_winded.send(frame(0x81, std::string(101, 'x')));
  EXPECT_EQ(long_winded.read_all().substr(2, 2), "\x03\xf1") << "1009";
  EXPECT_EQ(silent.read_all(), "");
}

TEST(WebSocket, TwoSidesThatSendMuchDoNotBlockEachOther) {
  Fixture fixture;
  WebSocketConnection client = fixture.client();
  client.connect("/", {}, {}, patient());
  const std::string text(200'000, 'x');
  for (int i = 0; i < 100; ++i) client.send(MessageType::Text, text, patient());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(client.receive(patient()).data == text);
  EXPECT_FALSE(client.try_receive(patient()));
  client.close(1000, "", patient());
}

TEST(WebSocket, AServerThatStopsSays1001) {
  Fixture fixture;
  WebSocketConnection client = fixture.client();
  client.connect("/", {}, {}, patient());
  client.send(MessageType::Text, "x", patient());
  client.receive(patient());
  std::thread stopping([&] { EXPECT_TRUE(fixture.server.stop(Deadline::after(10s))); });
  EXPECT_EQ(failure_of([&] { client.receive(patient()); }).close_code, 1001);
  stopping.join();
  EXPECT_EQ(fixture.sessions->end(), "1001 ");
}

TEST(WebSocket, AHandlerIsToldThatItsPeerIsGoneWhileItWorks) {
  class Told final : public WebSocketHandler {
   public:
    void on_message(WebSocketSession&, MessageType, std::string_view) override {
      std::unique_lock<std::mutex> lock(mutex);
      begun = true;
      changed.notify_all();
      EXPECT_TRUE(changed.wait_for(lock, 10s, [this] { return told; }));
    }
    void on_close(WebSocketSession&, int, std::string_view) noexcept override {
      const std::lock_guard<std::mutex> lock(mutex);
      closed = true;
      changed.notify_all();
    }
    void on_peer_gone(WebSocketSession&) noexcept override {
      const std::lock_guard<std::mutex> lock(mutex);
      told = true;
      changed.notify_all();
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool begun = false;
    bool told = false;
    bool closed = false;
  };
  class Accepting final : public Handler {
   public:
    std::shared_ptr<Told> told = std::make_shared<Told>();
    void on_request(Exchange& exchange) override { exchange.accept_websocket(told, ""); }
  };
  const auto handler = std::make_shared<Accepting>();
  Server server;
  ClientOptions options;
  options.proxy_from_environment = false;
  WebSocketConnection client(Origin{false, "127.0.0.1", server.listen({}, handler)}, options);
  client.connect("/", {}, {}, patient());
  client.send(MessageType::Text, "x", patient());
  std::unique_lock<std::mutex> lock(handler->told->mutex);
  ASSERT_TRUE(handler->told->changed.wait_for(lock, 10s, [&] { return handler->told->begun; }));
  lock.unlock();
  client = WebSocketConnection(Origin{}, {});
  lock.lock();
  EXPECT_TRUE(handler->told->changed.wait_for(lock, 10s, [&] { return handler->told->closed; }));
}

// --- Our client against servers that break the rules ---

void shake_hands(RawSocket& peer) {
  const std::string request = peer.read_until("\r\n\r\n");
  const std::string name = "Sec-WebSocket-Key: ";
  const std::string key = request.substr(request.find(name) + name.size(), 24);
  peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            websocket_accept(key) + "\r\n\r\n");
}

WebSocketConnection client_of(const RawServer& server, ClientOptions options = {}) {
  options.proxy_from_environment = false;
  return WebSocketConnection(Origin{false, "127.0.0.1", server.port()}, options);
}

TEST(WebSocketClient, ChecksTheHandshake) {
  const std::pair<std::string, ErrorKind> answers[] = {
      {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
       ErrorKind::Protocol},
      {"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n", ErrorKind::Protocol},
      {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", ErrorKind::Protocol},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", ErrorKind::Refused},
      {"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", ErrorKind::Refused},
      {"HTTP/1.1 101 X\r\nUpgr", ErrorKind::Closed},
      {"nonsense\r\n\r\n", ErrorKind::Protocol},
  };
  for (const auto& [answer, kind] : answers) {
    RawServer server([answer = answer](RawSocket& peer) {
      peer.read_until("\r\n\r\n");
      peer.send(answer);
    });
    WebSocketConnection client = client_of(server);
    const NetError error = failure_of([&] { client.connect("/", {}, {}, patient()); });
    EXPECT_EQ(error.kind(), kind) << answer;
    EXPECT_EQ(error.body, kind == ErrorKind::Refused ? "hi" : "") << answer;
  }
}

TEST(WebSocketClient, AnswersPingsAndPutsFragmentsTogether) {
  std::string pong;
  {
    RawServer server([&](RawSocket& peer) {
      shake_hands(peer);
      peer.send(
          "\x01\x03"
          "abc"
          "\x89\x02"
          "hi"
          "\x80\x03"
          "def");
      pong = peer.read(8);
      peer.read_all();
    });
    WebSocketConnection client = client_of(server);
    client.connect("/", {}, {}, patient());
    EXPECT_EQ(client.receive(patient()).data, "abcdef");
  }
  ASSERT_EQ(pong.size(), 8u);
  EXPECT_EQ(pong.substr(0, 2), "\x8a\x82");
  std::string payload = pong.substr(6);
  apply_mask(payload.data(), payload.size(), pong.data() + 2);
  EXPECT_EQ(payload, "hi");
}

TEST(WebSocketClient, RefusesServersThatBreakTheRules) {
  ClientOptions options;
  options.max_message_bytes = 1000;
  const std::tuple<const char*, std::string, ErrorKind, int> list[] = {
      {"a mask", frame(0x81, "x"), ErrorKind::Protocol, 1002},
      {"bad UTF-8", "\x81\x01\xff", ErrorKind::Protocol, 1007},
      {"too long", "\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff"s, ErrorKind::TooLarge, 1009},
  };
  for (const auto& [why, bytes, kind, code] : list) {
    std::string said;
    {
      RawServer server([&](RawSocket& peer) {
        shake_hands(peer);
        peer.send(bytes);
        said = peer.read_all();
      });
      WebSocketConnection client = client_of(server, options);
      client.connect("/", {}, {}, patient());
      EXPECT_EQ(failure_of([&] { client.receive(patient()); }).kind(), kind) << why;
      EXPECT_FALSE(client.is_open());
    }
    ASSERT_GE(said.size(), 8u) << why;
    std::string payload = said.substr(6);
    apply_mask(payload.data(), payload.size(), said.data() + 2);
    EXPECT_EQ(static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]), code) << why;
  }
}

TEST(WebSocketClient, AServerThatIsCutIs1006) {
  RawServer server([&](RawSocket& peer) {
    shake_hands(peer);
    peer.read(7);
    peer.send("\x81\x05hal");
  });
  WebSocketConnection client = client_of(server);
  client.connect("/", {}, {}, patient());
  client.send(MessageType::Text, "x", patient());
  const NetError error = failure_of([&] { client.receive(patient()); });
  EXPECT_EQ(error.kind(), ErrorKind::Closed);
  EXPECT_EQ(error.close_code, 1006);
  EXPECT_TRUE(error.sent());
}

TEST(WebSocketClient, AnInterruptEndsTheWaitWithin100Milliseconds) {
  RawServer server([&](RawSocket& peer) {
    shake_hands(peer);
    peer.read_all();
  });
  EXPECT_TRUE(libsql::test::usually_within(100ms, [&] {
    WebSocketConnection client = client_of(server);
    client.connect("/", {}, {}, patient());
    Interrupt interrupt;
    libsql::test::Sleeper receiver;
    Deadline::Clock::time_point triggered;
    std::thread other([&] {
      EXPECT_TRUE(eventually([&] { return receiver.is_asleep(); }));
      triggered = Deadline::Clock::now();
      interrupt.trigger();
    });
    receiver.begin();
    const NetError error = failure_of([&] { client.receive(Wait{Deadline::after(60s), &interrupt}); });
    const auto ended = Deadline::Clock::now();
    other.join();
    EXPECT_EQ(error.kind(), ErrorKind::Interrupted);
    return ended - triggered;
  }));
}

TEST(WebSocketClient, ASilentServerIsATimeout) {
  RawServer server([&](RawSocket& peer) { peer.read_all(); });
  WebSocketConnection client = client_of(server);
  EXPECT_EQ(failure_of([&] {
              client.connect("/", {}, {}, Wait{Deadline::after(50ms), nullptr});
            }).kind(),
            ErrorKind::Timeout);
}

}  // namespace

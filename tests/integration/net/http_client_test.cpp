// The HTTP client against peers that behave, and against peers that do not.
#include "net/http_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/asleep.hpp"
#include "support/eventually.hpp"
#include "support/in_time.hpp"
#include "support/raw_socket.hpp"

namespace {

using namespace libsql::net;
using namespace std::chrono_literals;
using libsql::test::eventually;
using libsql::test::RawServer;
using libsql::test::RawSocket;

Wait patient() { return Wait{Deadline::after(10s), nullptr}; }

ClientOptions plain() {
  ClientOptions options;
  options.proxy_from_environment = false;
  return options;
}

HttpConnection connection_to(std::uint16_t port, ClientOptions options = plain()) {
  return HttpConnection(Origin{false, "127.0.0.1", port}, std::move(options));
}

// Answers every request of a connection with `answer`, as long as the client asks.
auto answering(std::string answer) {
  return [answer = std::move(answer)](RawSocket& peer) {
    while (peer.read_message().find("\r\n\r\n") != std::string::npos && peer.send(answer)) {
    }
  };
}

// The failure of a call that must fail.
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

TEST(HttpClient, SendsARequestAndReadsTheAnswer) {
  std::string request;
  RawServer server([&](RawSocket& peer) {
    request = peer.read_message();
    peer.send("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
  });
  HttpConnection connection = connection_to(server.port());
  const Header headers[] = {{"Content-Type", "application/json"}};
  const HttpResponse response = connection.request({"POST", "/v2/pipeline?x", headers, "{}"}, patient());
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.header("x-a"), "b");
  EXPECT_EQ(request, "POST /v2/pipeline?x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                         "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(HttpClient, KeepsTheConnection) {
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  HttpConnection connection = connection_to(server.port());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(connection.request({}, patient()).body, "ok");
  EXPECT_EQ(connection.statistics().connects, 1u);
  EXPECT_EQ(connection.statistics().requests, 5u);
  EXPECT_TRUE(connection.connected());
  connection.close();
}

TEST(HttpClient, UnderstandsEveryWayToEndABody) {
  const std::pair<const char*, const char*> answers[] = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: v\r\n\r\n", "abcde"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
       "1\r\n\r\nx",
       "x"},
  };
  for (const auto& [answer, body] : answers) {
    RawServer server([answer = std::string(answer)](RawSocket& peer) {
      peer.read_message();
      peer.send(answer);
    });
    HttpConnection connection = connection_to(server.port());
    EXPECT_EQ(connection.request({}, patient()).body, body) << answer;
  }
}

TEST(HttpClient, ReadsNoBodyAfterHead) {
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  HttpConnection connection = connection_to(server.port());
  EXPECT_EQ(connection.request({"HEAD"}, patient()).body, "");
  EXPECT_EQ(connection.request({"HEAD"}, patient()).status, 200);
  EXPECT_EQ(connection.statistics().connects, 1u);
  connection.close();
}

TEST(HttpClient, AnAnswerThatIsCutAnywhereIsClosedAndSent) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")}) {
    std::atomic<std::size_t> length = 0;
    RawServer server([&](RawSocket& peer) {
      peer.read_message();
      peer.send(std::string_view(answer).substr(0, length));
    });
    for (length = 0; length < answer.size(); ++length) {
      HttpConnection connection = connection_to(server.port());
      const NetError error = failure_of([&] { connection.request({"POST", "/", {}, "x"}, patient()); });
      EXPECT_EQ(error.kind(), ErrorKind::Closed) << length;
      EXPECT_TRUE(error.sent()) << length;
      EXPECT_FALSE(connection.connected()) << length;
    }
  }
}

TEST(HttpClient, AnAnswerThatDripsIsPutTogether) {
  RawServer server([](RawSocket& peer) {
    peer.read_message();
    peer.drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 500us);
  });
  HttpConnection connection = connection_to(server.port());
  EXPECT_EQ(connection.request({}, patient()).body, "hello!");
}

TEST(HttpClient, ASilentPeerIsATimeout) {
  RawServer server([](RawSocket& peer) { peer.read_all(); });
  HttpConnection connection = connection_to(server.port());
  const auto begun = Deadline::Clock::now();
  const NetError error = failure_of([&] { connection.request({}, Wait{Deadline::after(50ms), nullptr}); });
  EXPECT_EQ(error.kind(), ErrorKind::Timeout);
  EXPECT_TRUE(error.sent());
  EXPECT_GE(Deadline::Clock::now() - begun, 50ms);
  EXPECT_LT(Deadline::Clock::now() - begun, 5s);
}

TEST(HttpClient, ADeadlineThatHasPassedSendsNothing) {
  RawServer server([](RawSocket& peer) { peer.read_all(); });
  HttpConnection connection = connection_to(server.port());
  Interrupt interrupt;
  interrupt.trigger();
  const NetError error = failure_of([&] { connection.request({}, Wait{{}, &interrupt}); });
  EXPECT_EQ(error.kind(), ErrorKind::Interrupted);
  EXPECT_FALSE(error.sent());
}

TEST(HttpClient, AnInterruptEndsTheWaitWithin100Milliseconds) {
  std::atomic<int> asked = 0;
  RawServer server([&](RawSocket& peer) {
    peer.read_message();
    ++asked;
    peer.read_all();
  });
  EXPECT_TRUE(libsql::test::usually_within(100ms, [&] {
    HttpConnection connection = connection_to(server.port());
    const int before = asked;
    Interrupt interrupt;
    libsql::test::Sleeper client;
    Deadline::Clock::time_point triggered;
    std::thread other([&] {
      EXPECT_TRUE(eventually([&] { return asked > before && client.is_asleep(); }));
      triggered = Deadline::Clock::now();
      interrupt.trigger();
    });
    client.begin();
    const NetError error = failure_of([&] { connection.request({}, Wait{Deadline::after(60s), &interrupt}); });
    const auto ended = Deadline::Clock::now();
    other.join();
    EXPECT_EQ(error.kind(), ErrorKind::Interrupted);
    EXPECT_TRUE(error.sent());
    return ended - triggered;
  }));
}

TEST(HttpClient, AConnectionThatTheServerClosedMeanwhileIsReplaced) {
  RawServer server([](RawSocket& peer) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer.end_output();
    peer.read_all();
  });
  HttpConnection connection = connection_to(server.port());
  EXPECT_EQ(connection.request({"POST"}, patient()).body, "ok");
  EXPECT_TRUE(eventually([&] { return !connection.connected(); }));
  EXPECT_EQ(connection.request({"POST"}, patient()).body, "ok");
  EXPECT_EQ(connection.statistics().connects, 2u);
  connection.close();
}

TEST(HttpClient, WhatAServerSaysUnaskedIsNotTakenForAnAnswer) {
  RawServer server([](RawSocket& peer) {
    peer.read_message();
    peer.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    peer.read_all();
  });
  HttpConnection connection = connection_to(server.port());
  EXPECT_EQ(connection.request({}, patient()).status, 200);
  EXPECT_EQ(connection.request({}, patient()).status, 200);
  EXPECT_EQ(connection.statistics().connects, 2u);
  connection.close();
}

TEST(HttpClient, AnIdleConnectionIsNotUsedBeyondItsTime) {
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  ClientOptions options = plain();
  options.max_idle = 1ms;
  HttpConnection connection = connection_to(server.port(), options);
  connection.request({}, patient());
  const auto answered = Deadline::Clock::now();
  EXPECT_TRUE(eventually([&] { return Deadline::Clock::now() - answered > options.max_idle; }));
  connection.request({}, patient());
  EXPECT_EQ(connection.statistics().connects, 2u);
  connection.close();
}

TEST(HttpClient, NobodyListeningIsAConnectErrorWithNothingSent) {
  std::uint16_t port = 0;
  {
    port = RawServer([](RawSocket&) {}).port();
  }
  HttpConnection connection = connection_to(port);
  const NetError error = failure_of([&] { connection.request({"POST"}, patient()); });
  EXPECT_EQ(error.kind(), ErrorKind::Connect);
  EXPECT_FALSE(error.sent());
}

TEST(HttpClient, AnUnknownHostIsAConnectError) {
  HttpConnection connection(Origin{false, "host.invalid", 80}, plain());  // RFC 6761 6.4
  const NetError error = failure_of([&] { connection.request({}, patient()); });
  EXPECT_TRUE(error.kind() == ErrorKind::Connect || error.kind() == ErrorKind::Timeout);
  EXPECT_FALSE(error.sent());
}

TEST(HttpClient, ANameWithSeveralAddressesIsReachedThroughTheOneThatAnswers) {
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  HttpConnection connection(Origin{false, "localhost", server.port()}, plain());
  EXPECT_EQ(connection.request({}, patient()).body, "ok");
  connection.close();
}

TEST(HttpClient, LimitsWhatAnAnswerMayTake) {
  ClientOptions options = plain();
  options.max_head_bytes = 1000;
  options.max_body_bytes = 1000;
  for (const std::string& answer :
       {"HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x'),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + std::string(1024, 'x') + "\r\n",
        "HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x')}) {
    RawServer server(answering(answer));
    HttpConnection connection = connection_to(server.port(), options);
    EXPECT_EQ(failure_of([&] { connection.request({}, patient()); }).kind(), ErrorKind::TooLarge)
        << answer.substr(0, 60);
  }
}

TEST(HttpClient, WhatIsNoHttpIsAProtocolError) {
  for (const std::string& answer :
       {std::string("SSH-2.0-OpenSSH\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n")}) {
    RawServer server(answering(answer));
    HttpConnection connection = connection_to(server.port());
    const NetError error = failure_of([&] { connection.request({}, patient()); });
    EXPECT_EQ(error.kind(), ErrorKind::Protocol) << answer;
    EXPECT_TRUE(error.sent());
  }
}

TEST(HttpClient, RefusesRequestsThatWouldBreakTheProtocol) {
  RawServer server([](RawSocket& peer) { EXPECT_EQ(peer.read_all(), ""); });
  HttpConnection connection = connection_to(server.port());
  const Header injected[] = {{"X", "a\r\nContent-Length: 5"}};
  EXPECT_THROW(connection.request({"GET", "/", injected}, patient()), std::invalid_argument);
  EXPECT_THROW(connection.request({"GET", "/ HTTP/1.1\r\nX: y"}, patient()), std::invalid_argument);
  EXPECT_THROW(connection.request({"G T"}, patient()), std::invalid_argument);
}

TEST(HttpClient, StreamsABodyInPieces) {
  constexpr std::size_t kPieces = 200;
  RawServer server([](RawSocket& peer) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::size_t i = 0; i < kPieces; ++i)
      peer.send("10000\r\n" + std::string(65536, static_cast<char>('a' + i % 26)) + "\r\n");
    peer.send("0\r\n\r\n");
    peer.read_all();
  });
  HttpConnection connection = connection_to(server.port());
  EXPECT_EQ(connection.open({}, patient()).status, 200);
  std::uint64_t size = 0;
  bool right = true;
  for (;;) {
    const std::string_view piece = connection.read(patient());
    if (piece.empty()) break;
    EXPECT_LE(piece.size(), 64u * 1024);
    for (const char c : piece) right = right && c == static_cast<char>('a' + size++ / 65536 % 26);
  }
  EXPECT_EQ(size, kPieces * 65536);
  EXPECT_TRUE(right);
  EXPECT_EQ(connection.read(patient()), "");
  connection.close();
}

TEST(HttpClient, AnAnswerLeftUnreadDoesNotDisturbTheNext) {
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
  HttpConnection connection = connection_to(server.port());
  connection.open({}, patient());
  EXPECT_EQ(connection.request({}, patient()).body, "hello");
  EXPECT_EQ(connection.statistics().connects, 2u);
  connection.close();
}

TEST(HttpClient, AnEarlyRefusalOfALargeRequestIsSeen) {
  RawServer server([](RawSocket& peer) {
    peer.read_until("\r\n\r\n");
    peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    peer.read_all();
  });
  HttpConnection connection = connection_to(server.port());
  EXPECT_EQ(connection.request({"POST", "/", {}, std::string(8 << 20, 'x')}, patient()).status, 413);
  connection.close();
}

TEST(HttpClient, ALargeBodyOfKnownLengthArrivesWhole) {
  std::string body(20 << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  RawServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
  HttpConnection connection = connection_to(server.port());
  EXPECT_TRUE(connection.request({}, patient()).body == body);
  EXPECT_TRUE(connection.request({}, patient()).body == body);
  connection.close();
}

TEST(HttpClient, AProxyGetsTheWholeUrlAndTheCredentials) {
  std::string request;
  RawServer proxy([&](RawSocket& peer) {
    request = peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  ClientOptions options = plain();
  options.proxy = parse_url("http://user:p%40ss@127.0.0.1:" + std::to_string(proxy.port()));
  HttpConnection connection(Origin{false, "db.example", 80}, options);
  EXPECT_EQ(connection.request({"GET", "/x"}, patient()).body, "ok");
  EXPECT_EQ(request,
            "GET http://db.example/x HTTP/1.1\r\nHost: db.example\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n");
}

TEST(HttpClient, AnUnknownKindOfProxyIsAConnectError) {
  ClientOptions options = plain();
  options.proxy = parse_url("socks5://127.0.0.1:1");
  HttpConnection connection(Origin{false, "db.example", 80}, options);
  EXPECT_EQ(failure_of([&] { connection.request({}, patient()); }).kind(), ErrorKind::Connect);
}

}  // namespace

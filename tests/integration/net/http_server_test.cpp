// The server's HTTP as its peers meet it, good ones and bad ones.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "net/http_client.hpp"
#include "net/server.hpp"
#include "support/eventually.hpp"
#include "support/flood.hpp"
#include "support/raw_socket.hpp"

namespace {

using namespace libsql::net;
using namespace std::chrono_literals;
using libsql::test::eventually;
using libsql::test::Flood;
using libsql::test::RawSocket;

// A handler made of functions.
class Functions final : public Handler {
 public:
  std::function<void(Exchange&)> head;
  std::function<void(Exchange&)> request;
  void on_head(Exchange& exchange) override {
    if (head) head(exchange);
  }
  void on_request(Exchange& exchange) override { request(exchange); }
};

void echo(Exchange& exchange) {
  const Request& request = exchange.request();
  exchange.answer(200, {{"X-Target", request.target}}, std::string(request.method) + ":" + std::string(request.body));
}

// A server with one handler, and what tests ask it.
struct Fixture {
  explicit Fixture(std::function<void(Exchange&)> request = echo, ServerOptions options = {},
                   std::function<void(Exchange&)> head = {})
      : handler(std::make_shared<Functions>()), server(options) {
    handler->request = std::move(request);
    handler->head = std::move(head);
    port = server.listen({}, handler);
  }
  RawSocket connect() { return RawSocket::connect(port); }
  std::string ask(const std::string& bytes) {
    RawSocket peer = connect();
    peer.send(bytes);
    return peer.read_message();
  }

  std::shared_ptr<Functions> handler;
  Server server;
  std::uint16_t port = 0;
};

// A body made of functions.
class Source final : public BodySource {
 public:
  explicit Source(std::function<Next(std::string&)> pull, std::function<void()> stop = {})
      : pull_(std::move(pull)), stop_(std::move(stop)) {}
  Next pull(std::string& to) override { return pull_(to); }
  void stop() noexcept override {
    if (stop_) stop_();
  }

 private:
  std::function<Next(std::string&)> pull_;
  std::function<void()> stop_;
};

// Pieces, one at a time.
std::unique_ptr<BodySource> pieces(std::vector<std::string> all) {
  return std::make_unique<Source>([all = std::move(all), at = std::size_t{0}](std::string& to) mutable {
    if (at == all.size()) return BodySource::Next::End;
    to = all[at++];
    return BodySource::Next::More;
  });
}

std::string body_of(const std::string& message) { return message.substr(message.find("\r\n\r\n") + 4); }
std::string status_line(const std::string& message) { return message.substr(0, message.find("\r\n")); }

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// Of a client that is known, whose heads are kept: each answer tells what the handler saw.
TEST(HttpServer, SeesEachRequestOfAConnectionAsItIsHoweverAlikeTheyAre) {
  Fixture fixture([](Exchange& exchange) {
    exchange.set_known(nullptr);
    const Request& request = exchange.request();
    std::string seen(request.method);
    seen.append(" ").append(request.path).append(" ").append(request.header("X-Value").value_or("none"));
    exchange.answer(200, {}, seen.append(" ").append(request.body));
  });
  RawSocket peer = fixture.connect();
  const auto request = [](const std::string& path, const std::string& value, const std::string& body) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\nX-Value: " + value +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const auto expect = [&](const std::string& sent, const std::string& seen) {
    peer.send(sent);
    EXPECT_EQ(body_of(peer.read_message()), seen);
  };
  for (int i = 0; i < 5; ++i) expect(request("/same", "one", "12"), "POST /same one 12");
  expect(request("/same", "two", "12"), "POST /same two 12");
  expect(request("/other", "one", "12"), "POST /other one 12");
  for (int i = 0; i < 3; ++i) expect(request("/same", "one", std::to_string(i)), "POST /same one " + std::to_string(i));
  // Blank lines before it, a body that comes later, and several at once.
  expect("\r\n\r\n" + request("/same", "one", "3"), "POST /same one 3");
  const std::string late = request("/same", "one", "4");
  peer.send(late.substr(0, late.size() - 1));
  peer.send("4");
  EXPECT_EQ(body_of(peer.read_message()), "POST /same one 4");
  peer.send(request("/same", "one", "5") + request("/same", "one", "6"));
  EXPECT_EQ(body_of(peer.read_message()), "POST /same one 5");
  EXPECT_EQ(body_of(peer.read_message()), "POST /same one 6");
  // Of a head that comes in pieces.
  for (const char c : request("/same", "one", "7")) peer.send(std::string(1, c));
  EXPECT_EQ(body_of(peer.read_message()), "POST /same one 7");
  peer.send("POST /same HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_line(peer.read_message()), "HTTP/1.1 400 Bad Request");
}

TEST(HttpServer, AnswersInOneMessageWithDateAndLength) {
  Fixture fixture;
  const std::string answer = fixture.ask("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
  EXPECT_EQ(body_of(answer), "POST:hi");
  EXPECT_NE(answer.find("\r\nX-Target: /a?b\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nContent-Length: 7\r\n"), std::string::npos);
  EXPECT_NE(answer.find(" GMT\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("Connection:"), std::string::npos);
}

TEST(HttpServer, TellsTheHandlerWhatWasAsked) {
  std::string seen;
  Fixture fixture([&](Exchange& exchange) {
    const Request& request = exchange.request();
    seen = std::string(request.path) + "|" + std::string(request.query) + "|" + std::string(request.host) + "|" +
           std::string(request.header("x-a").value_or("none")) + "|" + (request.tls ? "tls" : "plain");
    EXPECT_EQ(exchange.peer().substr(0, 10), "127.0.0.1:");
    std::string& body = exchange.buffer();
    EXPECT_EQ(body, "");
    body = "from the buffer";
    exchange.answer(200, {}, body);
  });
  EXPECT_EQ(body_of(fixture.ask("GET /p/q?r=s&t HTTP/1.1\r\nHost: name:1\r\nX-A: b\r\n\r\n")), "from the buffer");
  EXPECT_EQ(seen, "/p/q|r=s&t|name:1|b|plain");
}

TEST(HttpServer, RequestsSentAtOnceAreAnsweredInOrder) {
  Fixture fixture;
  RawSocket peer = fixture.connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n" + std::to_string(100 + i);
    if (i % 3 == 0)
      requests += "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n\r\n";
  }
  peer.send(requests);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(body_of(peer.read_message()), "POST:" + std::to_string(100 + i));
    if (i % 3 == 0) {
      EXPECT_EQ(body_of(peer.read_message()), "POST:c");
    }
  }
}

TEST(HttpServer, ARequestMayBeCutAnywhere) {
  Fixture fixture;
  const std::string first = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  const std::string second =
      "PUT /y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  const std::string both = first + second;
  RawSocket peer = fixture.connect();
  for (std::size_t cut = 0; cut <= both.size(); ++cut) {
    const std::uint64_t read = cut * both.size() + cut;  // until then, this part included
    ASSERT_TRUE(peer.send(both.substr(0, cut)));
    ASSERT_TRUE(eventually([&] { return fixture.server.statistics().bytes_received == read; })) << cut;
    ASSERT_TRUE(peer.send(both.substr(cut)));
    ASSERT_EQ(body_of(peer.read_message()), "POST:hello") << cut;
    ASSERT_EQ(body_of(peer.read_message()), "PUT:abcde") << cut;
  }
}

TEST(HttpServer, ARequestMayDrip) {
  Fixture fixture;
  RawSocket peer = fixture.connect();
  for (int i = 0; i < 3; ++i) {
    peer.drip("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 50us);
    EXPECT_EQ(body_of(peer.read_message()), "POST:hello");
  }
}

TEST(HttpServer, APeerThatLeavesAnywhereLeavesNothingBehind) {
  Fixture fixture;
  const std::string request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t cut = 0; cut < request.size(); ++cut) {
    RawSocket peer = fixture.connect();
    peer.send(request.substr(0, cut));
    if (cut % 2 == 0) peer.reset();
  }
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().connections == 0; }));
  EXPECT_EQ(body_of(fixture.ask(request)), "POST:hello");
}

TEST(HttpServer, APeerThatEndsItsSideStillGetsItsAnswer) {
  Fixture fixture;
  RawSocket peer = fixture.connect();
  peer.send(kGet + kGet);
  peer.end_output();
  EXPECT_EQ(body_of(peer.read_message()), "GET:");
  EXPECT_EQ(body_of(peer.read_message()), "GET:");
  EXPECT_EQ(peer.read_all(), "");
}

TEST(HttpServer, WhatCouldBeSmuggledIsRefusedAndTheConnectionEnds) {
  Fixture fixture;
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::pair<std::string, std::string> list[] = {
      {post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kGet, "HTTP/1.1 400 Bad Request"},
      {post + "Content-Length: 0\r\nContent-Length: 30\r\n\r\n" + kGet, "HTTP/1.1 400 Bad Request"},
      {post + "Transfer-Encoding: identity\r\n\r\n" + kGet, "HTTP/1.1 501 Not Implemented"},
      {post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n" + kGet, "HTTP/1.1 400 Bad Request"},
      {post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + kGet, "HTTP/1.1 400 Bad Request"},
      {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab\r\n0\r\n\r\n" + kGet,
       "HTTP/1.1 400 Bad Request"},
      {post + "Content-Length : 30\r\n\r\n" + kGet, "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/1.1\nHost: h\n\n" + kGet, "HTTP/1.1 400 Bad Request"},
      {"GET / HTTP/3.0\r\nHost: h\r\n\r\n" + kGet, "HTTP/1.1 505 HTTP Version Not Supported"},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + kGet, "HTTP/1.1 400 Bad Request"},
  };
  for (const auto& [bytes, status] : list) {
    RawSocket peer = fixture.connect();
    peer.send(bytes);
    peer.end_output();
    const std::string all = peer.read_all();
    EXPECT_EQ(status_line(all), status) << bytes;
    EXPECT_EQ(all.find("HTTP/1.1 200"), std::string::npos) << "what came behind was answered too\n" << bytes;
  }
  EXPECT_EQ(fixture.server.statistics().bad_requests, std::size(list));
}

TEST(HttpServer, LimitsTheHead) {
  ServerOptions options;
  options.max_head_bytes = 2000;
  Fixture fixture(echo, options);
  EXPECT_EQ(status_line(fixture.ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1800, 'x') + "\r\n\r\n")),
            "HTTP/1.1 200 OK");
  const std::string too_long = "HTTP/1.1 431 Request Header Fields Too Large";
  EXPECT_EQ(status_line(fixture.ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n")),
            too_long);
  EXPECT_EQ(status_line(fixture.ask("GET /" + std::string(100'000, 'x'))), too_long) << "without an end";
}

TEST(HttpServer, LimitsTheBodyAsTheHandlerSays) {
  ServerOptions options;
  options.max_body_bytes = 10;
  Fixture fixture(echo, options, [](Exchange& exchange) {
    if (exchange.request().path == "/large") exchange.set_body_limit(2'000'000);
  });
  const auto post = [](const char* path, std::size_t size) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n" + std::string(size, 'x');
  };
  EXPECT_EQ(status_line(fixture.ask(post("/", 10))), "HTTP/1.1 200 OK");
  EXPECT_EQ(status_line(fixture.ask(post("/", 11))), "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(body_of(fixture.ask(post("/large", 1'000'000))), "POST:" + std::string(1'000'000, 'x'));
  EXPECT_EQ(status_line(fixture.ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n")),
            "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(status_line(fixture.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999999999\r\n\r\n")),
            "HTTP/1.1 413 Content Too Large");
}

TEST(HttpServer, TellsAClientToGoOnOnlyIfItWantsTheBody) {
  Fixture fixture(echo, {}, [](Exchange& exchange) {
    if (exchange.request().path == "/no") exchange.answer(401, {}, "who are you");
  });
  RawSocket peer = fixture.connect();
  peer.send("POST /yes HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hi");
  EXPECT_EQ(body_of(peer.read_message()), "POST:hi");
  peer.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const std::string refusal = peer.read_message();
  EXPECT_EQ(status_line(refusal), "HTTP/1.1 401 Unauthorized");
  EXPECT_NE(refusal.find("Connection: close"), std::string::npos);
  peer.end_output();
  EXPECT_EQ(peer.read_all(), "");
}

TEST(HttpServer, ARequestWithoutBodyMayBeAnsweredInOnHead) {
  Fixture fixture(echo, {}, [](Exchange& exchange) { exchange.answer(200, {}, "early"); });
  RawSocket peer = fixture.connect();
  for (int i = 0; i < 3; ++i) {
    peer.send(kGet);
    EXPECT_EQ(body_of(peer.read_message()), "early");
  }
}

TEST(HttpServer, AnswersWithoutBodyHaveNone) {
  Fixture fixture([](Exchange& exchange) {
    exchange.answer(exchange.request().path == "/204"   ? 204
                    : exchange.request().path == "/304" ? 304
                                                        : 200,
                    {}, "hello");
  });
  RawSocket peer = fixture.connect();
  peer.send(
      "HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\n" +
      kGet);
  const std::string head = peer.read_until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 5"), std::string::npos);
  const std::string none = peer.read_until("\r\n\r\n");
  EXPECT_EQ(status_line(none), "HTTP/1.1 204 No Content");
  EXPECT_EQ(none.find("Content-Length"), std::string::npos);
  EXPECT_EQ(status_line(peer.read_until("\r\n\r\n")), "HTTP/1.1 304 Not Modified");
  EXPECT_EQ(body_of(peer.read_message()), "hello");
}

TEST(HttpServer, OldClientsAreServedTheirWay) {
  Fixture fixture;
  RawSocket peer = fixture.connect();
  peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(peer.read_message().find("Connection: keep-alive"), std::string::npos);
  peer.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(peer.read_all().find("Connection: close"), std::string::npos);
}

TEST(HttpServer, StreamsAnAnswerInChunks) {
  Fixture fixture([](Exchange& exchange) {
    exchange.answer_from(200, {{"Content-Type", "text/plain"}}, pieces({"abc", "", std::string(100'000, 'x')}));
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet + "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + kGet);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(peer.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
    if (i == 1) break;
    EXPECT_EQ(peer.read_until("0\r\n\r\n"), "3\r\nabc\r\n186a0\r\n" + std::string(100'000, 'x') + "\r\n0\r\n\r\n");
  }
  EXPECT_NE(peer.read_until("\r\n\r\n").find("HTTP/1.1 200"), std::string::npos) << "HEAD has no body";
  RawSocket old = fixture.connect();
  old.send("GET / HTTP/1.0\r\n\r\n");
  const std::string all = old.read_all();
  EXPECT_EQ(body_of(all), "abc" + std::string(100'000, 'x'));
  EXPECT_EQ(all.find("chunked"), std::string::npos);
}

TEST(HttpServer, AnEmptyStreamIsAWholeAnswer) {
  Fixture fixture([](Exchange& exchange) { exchange.answer_from(200, {}, pieces({})); });
  RawSocket peer = fixture.connect();
  peer.send(kGet + kGet);
  for (int i = 0; i < 2; ++i) EXPECT_NE(peer.read_until("0\r\n\r\n").find("chunked"), std::string::npos);
}

TEST(HttpServer, ABrokenStreamCanBeToldFromAWholeOne) {
  for (const bool thrown : {false, true}) {
    Fixture fixture([thrown](Exchange& exchange) {
      exchange.answer_from(200, {}, std::make_unique<Source>([thrown, begun = false](std::string& to) mutable {
                             if (std::exchange(begun, true)) {
                               if (thrown) throw std::runtime_error("out of luck");
                               return BodySource::Next::Broken;
                             }
                             to = "half of it";
                             return BodySource::Next::More;
                           }));
    });
    RawSocket peer = fixture.connect();
    peer.send(kGet);
    const std::string all = peer.read_all();
    EXPECT_NE(all.find("half of it"), std::string::npos);
    EXPECT_EQ(all.find("0\r\n\r\n"), std::string::npos);
  }
}

TEST(HttpServer, AStreamThatHasNothingYetGoesOnWhenItIsWoken) {
  std::mutex mutex;
  std::optional<Waker> waker;
  std::string ready;
  Fixture fixture([&](Exchange& exchange) {
    const std::lock_guard<std::mutex> lock(mutex);
    waker = exchange.waker();
    exchange.answer_from(200, {}, std::make_unique<Source>([&](std::string& to) {
                           const std::lock_guard<std::mutex> inner(mutex);
                           to.swap(ready);
                           if (to == "last") return BodySource::Next::End;
                           return to.empty() ? BodySource::Next::Later : BodySource::Next::More;
                         }));
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    return waker.has_value() && fixture.server.statistics().workers_busy == 0;
  }));
  for (const char* piece : {"one", "last"}) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      ready = piece;
    }
    (*waker)();
    EXPECT_NE(peer.read_until(std::string(piece) + "\r\n").find(piece), std::string::npos);
  }
  EXPECT_EQ(peer.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST(HttpServer, AParkedRequestIsHandedOutAgainWithItsBody) {
  for (const bool chunked : {false, true}) {
    std::mutex mutex;
    std::optional<Waker> waker;
    std::weak_ptr<void> ticket;
    int calls = 0;
    Fixture fixture([&](Exchange& exchange) {
      const std::lock_guard<std::mutex> lock(mutex);
      ++calls;
      if (calls == 1) {
        EXPECT_FALSE(exchange.parked_since());
        const auto held = std::make_shared<int>(0);
        ticket = held;
        exchange.park(std::chrono::steady_clock::now() + 60s, held);
        waker = exchange.waker();
        return;
      }
      EXPECT_EQ(exchange.parked_since().has_value(), calls == 2) << "not the request behind it";
      echo(exchange);
    });
    RawSocket peer = fixture.connect();
    peer.send(chunked
                  ? "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + kGet
                  : "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" + kGet);
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard<std::mutex> lock(mutex);
      return waker.has_value() && fixture.server.statistics().workers_busy == 0;
    }));
    EXPECT_FALSE(ticket.expired());
    (*waker)();
    EXPECT_EQ(body_of(peer.read_message()), "POST:hello");
    EXPECT_EQ(body_of(peer.read_message()), "GET:");
    EXPECT_TRUE(ticket.expired());
  }
}

TEST(HttpServer, AParkedRequestComesBackWhenItsTimeIsOver) {
  Fixture fixture([](Exchange& exchange) {
    if (!exchange.parked_since()) return exchange.park(std::chrono::steady_clock::now() + 50ms, nullptr);
    exchange.answer(503, {}, "too late");
  });
  EXPECT_EQ(body_of(fixture.ask(kGet)), "too late");
}

TEST(HttpServer, AParkedRequestIsDroppedWithItsPeer) {
  std::weak_ptr<void> ticket;
  std::atomic<bool> parked = false;
  Fixture fixture([&](Exchange& exchange) {
    const auto held = std::make_shared<int>(0);
    ticket = held;
    exchange.park(std::chrono::steady_clock::now() + 60s, held);
    parked = true;
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  ASSERT_TRUE(eventually([&] { return parked.load(); }));
  peer.reset();
  EXPECT_TRUE(eventually([&] { return ticket.expired() && fixture.server.statistics().connections == 0; }));
}

TEST(HttpServer, AHandlerThatFailsAnswers500) {
  Fixture fixture([](Exchange& exchange) {
    const std::string_view path = exchange.request().path;
    if (path == "/throw") throw std::runtime_error("a secret");
    if (path == "/int") throw 5;
    if (path == "/inject") exchange.answer(200, {{"X", "a\r\nSet-Cookie: b"}}, "x");
    if (path == "/twice") {
      exchange.answer(200, {}, "once");
      EXPECT_THROW(exchange.answer(200, {}, "twice"), std::logic_error);
    }
  });
  RawSocket peer = fixture.connect();
  for (const char* path : {"/throw", "/int", "/inject", "/silent"}) {
    peer.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = peer.read_message();
    EXPECT_EQ(status_line(answer), "HTTP/1.1 500 Internal Server Error") << path;
    EXPECT_EQ(answer.find("secret"), std::string::npos);
    EXPECT_EQ(answer.find("Set-Cookie"), std::string::npos);
  }
  peer.send("GET /twice HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(peer.read_message()), "once");
}

TEST(HttpServer, AHandlerIsToldWhenItsPeerIsGone) {
  for (const bool reset : {false, true}) {
    std::mutex mutex;
    std::condition_variable changed;
    bool begun = false;
    bool told = false;
    bool ended = false;
    Fixture fixture([&](Exchange& exchange) {
      exchange.on_peer_gone([&] {
        const std::lock_guard<std::mutex> lock(mutex);
        told = true;
        changed.notify_all();
      });
      std::unique_lock<std::mutex> lock(mutex);
      begun = true;
      changed.notify_all();
      EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return told; }));
      EXPECT_TRUE(exchange.peer_gone());
      ended = true;
      changed.notify_all();
    });
    RawSocket peer = fixture.connect();
    peer.send(kGet);
    std::unique_lock<std::mutex> lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return begun; }));
    lock.unlock();
    if (reset) {
      peer.reset();
    } else {
      peer.close();
    }
    lock.lock();
    EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return ended; }));
    lock.unlock();
    EXPECT_TRUE(eventually([&] { return fixture.server.statistics().connections == 0; }));
  }
}

TEST(HttpServer, ACallbackForAPeerThatIsGoneAlreadyRunsAtOnce) {
  std::atomic<bool> go_on = false;
  std::atomic<bool> told = false;
  Fixture fixture([&](Exchange& exchange) {
    EXPECT_TRUE(eventually([&] { return exchange.peer_gone(); }));
    exchange.on_peer_gone([&] { told = true; });
    go_on = true;
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  peer.close();
  EXPECT_TRUE(eventually([&] { return go_on.load(); }));
  EXPECT_TRUE(told);
}

TEST(HttpServer, HandlersThatBlockDoNotKeepOthersWaiting) {
  std::mutex mutex;
  std::condition_variable changed;
  int blocked = 0;
  bool release = false;
  ServerOptions options;
  options.worker_idle = 50ms;
  Fixture fixture(
      [&](Exchange& exchange) {
        if (exchange.request().path == "/block") {
          std::unique_lock<std::mutex> lock(mutex);
          ++blocked;
          changed.notify_all();
          changed.wait(lock, [&] { return release; });
        }
        echo(exchange);
      },
      options);
  std::vector<RawSocket> peers;
  for (int i = 0; i < 40; ++i) {
    peers.push_back(fixture.connect());
    peers.back().send("GET /block HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  {
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return blocked == 40; })) << blocked;
  }
  EXPECT_EQ(body_of(fixture.ask(kGet)), "GET:");
  EXPECT_GE(fixture.server.statistics().workers, 41u);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    release = true;
  }
  changed.notify_all();
  for (RawSocket& peer : peers) EXPECT_EQ(body_of(peer.read_message()), "GET:");
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().workers < 10; })) << "the pool does not shrink";
}

TEST(HttpServer, SlowPeersAreCutOff) {
  ServerOptions options;
  options.head_timeout = 100ms;
  options.transfer_timeout = 100ms;
  options.min_bytes_per_second = 1'000'000;
  options.idle_timeout = 100ms;
  Fixture fixture(echo, options);
  RawSocket silent = fixture.connect();
  RawSocket head = fixture.connect();
  head.send("GET / HTTP/1.1\r\n");
  RawSocket body = fixture.connect();
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  RawSocket idle = fixture.connect();
  idle.send(kGet);
  EXPECT_EQ(body_of(idle.read_message()), "GET:");
  // Dripping does not help: what counts is when the whole is there.
  EXPECT_TRUE(head.is_cut_off_dripping("X"));
  EXPECT_TRUE(body.is_cut_off_dripping("x"));
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(fixture.server.statistics().connections_timed_out, 4u);
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().connections == 0; }));
}

TEST(HttpServer, APeerThatTakesNothingHoldsNoWorker) {
  ServerOptions options;
  options.stall_timeout = 300ms;
  Fixture fixture([](Exchange& exchange) { exchange.answer(200, {}, std::string(20 << 20, 'x')); }, options);
  std::vector<RawSocket> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(RawSocket::connect(fixture.port, 4096));
    peers.back().send(kGet);
  }
  EXPECT_TRUE(eventually([&] {
    const ServerStatistics now = fixture.server.statistics();
    return now.requests == 5 && now.workers_busy == 0;
  }));
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().connections == 0; })) << "they are not cut off";
  RawSocket good = fixture.connect();
  good.send(kGet);
  EXPECT_EQ(body_of(good.read_message()).size(), 20u << 20);
}

TEST(HttpServer, AStreamToAPeerThatTakesNothingEndsAndHoldsNoWorker) {
  ServerOptions options;
  options.stall_timeout = 500ms;
  std::atomic<int> ended = 0;
  Fixture fixture(
      [&](Exchange& exchange) {
        const std::shared_ptr<int> end(new int(0), [&](int* number) {
          delete number;
          ++ended;
        });
        exchange.answer_from(200, {}, std::make_unique<Source>([end](std::string& to) {
                               to.assign(65536, 'x');
                               return BodySource::Next::More;
                             }));
      },
      options);
  std::vector<RawSocket> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(RawSocket::connect(fixture.port, 4096));
    peers.back().send(kGet);
  }
  EXPECT_TRUE(eventually([&] {
    const ServerStatistics now = fixture.server.statistics();
    return now.requests == 5 && now.workers_busy == 0 && ended == 0;
  })) << "somebody waits for a peer";
  EXPECT_TRUE(eventually([&] { return ended == 5; }));
}

TEST(HttpServer, ASourceIsToldWhenItsPeerIsGone) {
  std::atomic<bool> begun = false;
  std::atomic<bool> told = false;
  Fixture fixture([&](Exchange& exchange) {
    exchange.answer_from(200, {},
                         std::make_unique<Source>(
                             [&](std::string&) {
                               begun = true;
                               EXPECT_TRUE(eventually([&] { return told.load(); }));
                               return BodySource::Next::End;
                             },
                             [&] { told = true; }));
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  peer.reset();
  EXPECT_TRUE(eventually([&] { return told.load(); }));
}

TEST(HttpServer, MakesRoomByEndingConnectionsOfStrangersFirst) {
  ServerOptions options;
  options.max_connections = 3;
  Fixture fixture(
      [](Exchange& exchange) {
        if (exchange.request().path == "/known") exchange.set_known(nullptr);
        echo(exchange);
      },
      options);
  RawSocket known = fixture.connect();
  known.send("GET /known HTTP/1.1\r\nHost: h\r\n\r\n");
  known.read_message();
  RawSocket silent = fixture.connect();
  RawSocket half = fixture.connect();
  half.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().connections == 3; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of(fixture.ask(kGet)), "GET:") << i;
  EXPECT_EQ(silent.read_all(), "") << "the oldest stranger goes first";
  known.send(kGet);
  EXPECT_EQ(body_of(known.read_message()), "GET:");
  EXPECT_EQ(fixture.server.statistics().connections_refused, 0u);
}

TEST(HttpServer, AnswersBeyondItsLimitOnlyWhatIsVital) {
  std::atomic<int> running = 0;
  std::atomic<bool> release = false;
  ServerOptions options;
  options.max_connections = 2;
  options.spare_connections = 2;
  Fixture fixture(
      [&](Exchange& exchange) {
        ++running;
        EXPECT_TRUE(eventually([&] { return release.load(); }));
        echo(exchange);
      },
      options,
      [](Exchange& exchange) {
        if (exchange.request().path == "/health") exchange.answer(200, {}, exchange.is_crowded() ? "crowded" : "fine");
      });
  const std::string health = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_EQ(body_of(fixture.ask(health)), "fine");
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().connections == 0; }));
  std::vector<RawSocket> busy;
  for (int i = 0; i < 2; ++i) {
    busy.push_back(fixture.connect());
    busy.back().send(kGet);
  }
  ASSERT_TRUE(eventually([&] { return running == 2; }));
  EXPECT_EQ(body_of(fixture.ask(health)), "crowded");
  EXPECT_EQ(status_line(fixture.ask(kGet)), "HTTP/1.1 503 Service Unavailable");
  release = true;
  for (RawSocket& peer : busy) EXPECT_EQ(body_of(peer.read_message()), "GET:");
}

TEST(HttpServer, WhatIsHeldOfRequestsHasABudget) {
  ServerOptions options;
  options.max_memory = 300'000;
  options.max_body_bytes = 1'000'000;
  Fixture fixture([](Exchange& exchange) { exchange.answer(200, {}, std::to_string(exchange.request().body.size())); },
                  options);
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 250000\r\n\r\n";
  RawSocket first = fixture.connect();
  first.send(head + std::string(200'000, 'x'));
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().memory_held >= 200'000; }));
  RawSocket second = fixture.connect();
  second.send(head + std::string(200'000, 'x'));
  EXPECT_EQ(status_line(second.read_message()), "HTTP/1.1 503 Service Unavailable");
  first.send(std::string(50'000, 'x'));
  EXPECT_EQ(body_of(first.read_message()), "250000");
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().memory_held == 0; }));
}

TEST(HttpServer, AClientThatSendsTooMuchSeesWhy) {
  Fixture fixture(echo, {}, [](Exchange& exchange) { exchange.set_known(nullptr); });
  RawSocket peer = fixture.connect();
  // More than fits into the sockets' buffers; it looks for an answer when everything is sent.
  const std::string body(20 << 20, 'x');
  EXPECT_TRUE(
      peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
  const std::string answer = peer.read_message();
  EXPECT_EQ(status_line(answer), "HTTP/1.1 413 Content Too Large");
  EXPECT_NE(body_of(answer).find("too long"), std::string::npos);
}

TEST(HttpServer, APeerThatHasEndedItsSideGetsAnAnswerThatTakesLong) {
  std::atomic<bool> begun = false;
  std::atomic<bool> go_on = false;
  Fixture fixture([&](Exchange& exchange) {
    begun = true;
    EXPECT_TRUE(eventually([&] { return go_on.load(); }));
    EXPECT_FALSE(exchange.peer_gone());
    echo(exchange);
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  peer.end_output();
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n") << "to find out whether it listens";
  go_on = true;
  std::string answer;
  do {
    answer = peer.read_until("\r\n\r\n");
  } while (answer == "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
}

TEST(HttpServer, LeadingSlashesOfAPathAreOne) {
  Fixture fixture([](Exchange& exchange) { exchange.answer(200, {}, exchange.request().path); });
  EXPECT_EQ(body_of(fixture.ask("GET //a//b HTTP/1.1\r\nHost: h\r\n\r\n")), "/a//b");
  EXPECT_EQ(body_of(fixture.ask("GET /// HTTP/1.1\r\nHost: h\r\n\r\n")), "/");
}

TEST(HttpServer, NoticesThatPeersAreGoneWhenAllWorkersAreKept) {
  std::atomic<int> running = 0;
  std::atomic<int> told = 0;
  ServerOptions options;
  options.min_workers = 2;
  options.max_workers = 2;
  Fixture fixture(
      [&](Exchange& exchange) {
        std::atomic<bool> gone = false;
        exchange.on_peer_gone([&] {
          gone = true;
          ++told;
        });
        ++running;
        eventually([&] { return gone.load(); });
        exchange.on_peer_gone({});
        echo(exchange);
      },
      options);
  std::vector<RawSocket> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(fixture.connect());
    peers.back().send(kGet);
  }
  ASSERT_TRUE(eventually([&] { return running == 2; }));
  RawSocket waiting = fixture.connect();
  waiting.send(kGet);
  for (RawSocket& peer : peers) peer.reset();
  EXPECT_TRUE(eventually([&] { return told == 2; }));
  EXPECT_TRUE(eventually([&] { return running == 3; })) << "what came meanwhile is lost";
  waiting.reset();
}

TEST(HttpServer, DrainsWithoutCuttingWhatRuns) {
  std::atomic<bool> begun = false;
  std::atomic<bool> draining = false;
  std::optional<RawSocket> idle;
  std::string said_to_idle = "nothing yet";
  Fixture fixture([&](Exchange& exchange) {
    if (exchange.request().path == "/slow") {
      begun = true;
      draining = eventually([&] { return exchange.draining(); });
      said_to_idle = idle->read_all();  // until the server has closed what does nothing
    }
    echo(exchange);
  });
  idle.emplace(fixture.connect());
  idle->send(kGet);
  idle->read_message();
  RawSocket busy = fixture.connect();
  busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  EXPECT_TRUE(fixture.server.stop(Deadline::after(10s)));
  EXPECT_TRUE(draining);
  EXPECT_EQ(said_to_idle, "");
  const std::string answer = busy.read_all();
  EXPECT_EQ(body_of(answer), "GET:");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_THROW(RawSocket::connect(fixture.port), std::runtime_error);
  EXPECT_THROW(fixture.server.listen({}, fixture.handler), std::system_error);
}

TEST(HttpServer, CutsWhatDoesNotEndInTime) {
  std::mutex mutex;
  std::condition_variable changed;
  bool begun = false;
  bool told = false;
  Fixture fixture([&](Exchange& exchange) {
    exchange.on_peer_gone([&] {
      const std::lock_guard<std::mutex> lock(mutex);
      told = true;
      changed.notify_all();
    });
    std::unique_lock<std::mutex> lock(mutex);
    begun = true;
    changed.notify_all();
    changed.wait_for(lock, 10s, [&] { return told; });
  });
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  {
    std::unique_lock<std::mutex> lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return begun; }));
  }
  EXPECT_FALSE(fixture.server.stop(Deadline::after(50ms)));
  EXPECT_TRUE(told);
  EXPECT_EQ(peer.read_all(), "");
}

TEST(HttpServer, PostedTasksRun) {
  std::atomic<int> done = 0;
  {
    Server server;
    for (int i = 0; i < 1000; ++i) server.post([&] { ++done; });
    EXPECT_TRUE(eventually([&] { return done == 1000; }));
    for (int i = 0; i < 10; ++i) server.post([&] { ++done; });
    server.stop(Deadline::after(1s));
  }
  EXPECT_EQ(done, 1010);
}

TEST(HttpServer, CountsWhatItDoes) {
  Fixture fixture;
  RawSocket peer = fixture.connect();
  peer.send(kGet);
  const std::size_t answered = peer.read_message().size();
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().bytes_sent == answered; }));
  const ServerStatistics now = fixture.server.statistics();
  EXPECT_EQ(now.connections_accepted, 1u);
  EXPECT_EQ(now.connections, 1u);
  EXPECT_EQ(now.requests, 1u);
  EXPECT_EQ(now.bytes_received, kGet.size());
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(HttpServer, PeersThatSendFasterThanTheyAreServedLeaveTheOthersTheirTurn) {
  ServerOptions options;
  options.min_workers = options.max_workers = 2;
  Fixture fixture(echo, options);
  const std::string requests = repeated("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 5000);
  std::list<Flood> floods;
  for (int i = 0; i < 3; ++i) floods.emplace_back(fixture.connect(), requests);
  EXPECT_TRUE(eventually([&] { return fixture.server.statistics().requests > 1000; }));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(fixture.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 200 ")) << i;
  }
  for (const Flood& flood : floods) EXPECT_FALSE(flood.has_ended());
}

TEST(HttpServer, NoStreamOfBlankLinesOutlivesTheTimeForAHead) {
  ServerOptions options;
  options.min_workers = options.max_workers = 2;
  options.head_timeout = 200ms;
  Fixture fixture(echo, options);
  std::list<Flood> floods;
  for (int i = 0; i < 3; ++i) floods.emplace_back(fixture.connect(), repeated("\r\n", 100'000));
  for (const Flood& flood : floods) EXPECT_TRUE(eventually([&] { return flood.has_ended(); }));
  EXPECT_TRUE(fixture.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST(HttpServer, AnAddressThatIsTakenIsAnErrorThatNamesIt) {
  Fixture fixture;
  Listener listener;
  listener.port = fixture.port;
  try {
    fixture.server.listen(listener, fixture.handler);
    FAIL() << "two listeners share a port";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("127.0.0.1:" + std::to_string(fixture.port)), std::string::npos);
  }
}

TEST(HttpServer, ManyClientsOfOurOwnAreServedAtOnce) {
  Fixture fixture;
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      ClientOptions options;
      options.proxy_from_environment = false;
      HttpConnection connection(Origin{false, "127.0.0.1", fixture.port}, options);
      for (int i = 0; i < 200; ++i) {
        const std::string body(static_cast<std::size_t>(i * 37 + t), static_cast<char>('a' + t));
        const HttpResponse response = connection.request({"POST", "/", {}, body}, Wait{Deadline::after(10s), nullptr});
        if (response.body == "POST:" + body) ++right;
        if (i % 50 == 49) connection.close();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 1600);
}

}  // namespace

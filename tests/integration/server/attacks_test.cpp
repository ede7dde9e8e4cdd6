// What somebody with one token, or without any, can do to the others: nothing. Each test lets such a client do its
// worst, and meanwhile asks for what has to work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "integration/server/server_process.hpp"
#include "net/http_client.hpp"
#include "net/websocket_client.hpp"
#include "server/auth/signing_key.hpp"
#include "support/raw_socket.hpp"
#include "support/temporary_directory.hpp"

namespace libsql_test {
namespace {

using libsql::server::SigningKey;
using libsql::test::RawSocket;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;
namespace net = libsql::net;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif
// The product's figures, and what a loaded machine or a sanitizer makes of them.
constexpr double kHealthMs = kSlow ? 8000 : 1000;
constexpr double kP99Ms = kSlow ? 5000 : 500;
constexpr std::size_t kMemoryMb = 300;

const char* const kEndless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

net::ClientOptions direct() {
  net::ClientOptions options;
  options.proxy_from_environment = false;
  return options;
}
net::Wait patient() { return {net::Deadline::after(std::chrono::seconds(30)), nullptr}; }

std::string execute(const std::string& sql) {
  return Json{{"requests", {{{"type", "execute"}, {"stmt", {{"sql", sql}}}}, {{"type", "close"}}}}}.dump();
}

class ServerUnderAttack : public ::testing::Test {
 protected:
  void start(std::vector<std::string> arguments = {}, bool namespaces = false) {
    std::ofstream(file("key")) << key_.public_pem();
    std::vector<std::string> all = {"--auth-jwt-key-file", file("key"), "--admin-listen", "0",
                                    "--shutdown-timeout",  "3s"};
    if (namespaces) {
      all.insert(all.end(), {"--data", file("data"), "--enable-namespaces"});
    } else {
      all.insert(all.end(), {"--db", file("a.db")});
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    server_ = std::make_unique<ServerProcess>(all);
    ASSERT_TRUE(server_->is_ready()) << server_->errors();
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    server_->signal(15);
    EXPECT_TRUE(server_->wait()) << "it does not end";
  }

  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string token(const std::string& claims) const { return key_.sign_token(claims); }
  std::uint16_t port() const { return server_->port(); }

  std::size_t memory_mb() const {
    std::ifstream in("/proc/" + std::to_string(server_->pid()) + "/status");
    std::string line;
    while (std::getline(in, line)) {
      if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) / 1024;
    }
    return 0;
  }

  static double health(std::uint16_t port) {
    const auto begun = Clock::now();
    EXPECT_EQ(request(port, "GET", "/health").status, 200);
    return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
  }

  // Asks as everybody else would, and says how that went.
  void expect_service(const std::string& when) {
    const double user = health(port());
    const double admin = health(server_->admin_port());
    net::HttpConnection connection({false, "127.0.0.1", port()}, direct());
    const std::string bearer = "Bearer " + other_;
    const std::vector<net::Header> headers = {{"authorization", bearer}, {"x-namespace", "default"}};
    const std::string body = execute("SELECT 1");
    std::vector<double> times;
    for (int i = 0; i < 100; ++i) {
      const auto begun = Clock::now();
      const net::HttpResponse response = connection.request({"POST", "/v2/pipeline", headers, body}, patient());
      times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
      ASSERT_EQ(response.status, 200) << when << ": " << response.body;
    }
    std::sort(times.begin(), times.end());
    const double p99 = times[98];
    const std::size_t memory = memory_mb();
    std::cout << when << ": /health " << user << " ms, admin " << admin << " ms, p99 of another client " << p99
              << " ms, memory " << memory << " MB" << std::endl;
    EXPECT_LT(user, kHealthMs) << when;
    EXPECT_LT(admin, kHealthMs) << when;
    EXPECT_LT(p99, kP99Ms) << when;
    if (!kSlow) {
      EXPECT_LT(memory, kMemoryMb) << when;
    }
  }

  net::WebSocketConnection socket(const std::string& bearer) {
    net::WebSocketConnection connection({false, "127.0.0.1", port()}, direct());
    const std::string_view protocols[] = {"hrana3"};
    connection.connect("/", protocols, {}, patient());
    say(connection, {{"type", "hello"}, {"jwt", bearer}});
    EXPECT_THAT(std::string(connection.receive(patient()).data), HasSubstr("hello_ok"));
    return connection;
  }
  static void say(net::WebSocketConnection& connection, const Json& message) {
    connection.send(net::MessageType::Text, message.dump(), patient());
  }
  RawSocket raw_socket() {
    RawSocket peer = RawSocket::connect(port());
    peer.send(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: hrana3\r\n\r\n");
    peer.read_until("\r\n\r\n");
    return peer;
  }

  libsql::test::TemporaryDirectory directory_;
  const SigningKey key_ = SigningKey::generate();
  const std::string reader_ = token(R"({"a":"ro"})");
  const std::string other_ = token(R"({"a":"rw"})");
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(ServerUnderAttack, WebSocketsOfOneReaderWithFullQueuesLeaveThreadsToTheOthers) {
  start({"--max-connections", "8"});
  std::vector<net::WebSocketConnection> sockets;
  for (int i = 0; i < 14; ++i) {
    net::WebSocketConnection& connection = sockets.emplace_back(socket(reader_));
    say(connection, {{"type", "request"}, {"request_id", 0}, {"request", {{"type", "open_stream"}, {"stream_id", 0}}}});
    for (int job = 1; job <= 12; ++job) {
      say(connection, {{"type", "request"},
                       {"request_id", job},
                       {"request", {{"type", "execute"}, {"stream_id", 0}, {"stmt", {{"sql", kEndless}}}}}});
    }
  }
  expect_service("endless statements in 14 WebSockets");
  sockets.clear();
  expect_service("after they have left");
  EXPECT_TRUE(eventually([&] {
    return request(server_->admin_port(), "GET", "/metrics").body.find("libsql_connections_in_use 0") !=
               std::string::npos ||
           request(port(), "POST", "/v2/pipeline", execute("SELECT 1"), {{"authorization", "Bearer " + reader_}})
                   .status == 200;
  })) << "what they ran goes on";
}

TEST_F(ServerUnderAttack, SlowReadersOfDumpsAndCursorsHoldNoThread) {
  start();
  const std::vector<std::pair<std::string, std::string>> writer = {{"authorization", "Bearer " + other_}};
  ASSERT_EQ(run_sql(port(), "CREATE TABLE t(a)", writer), "ok");
  ASSERT_EQ(run_sql(port(),
                    "INSERT INTO t SELECT hex(randomblob(2000)) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
                    "SELECT x + 1 FROM c LIMIT 2000) SELECT x FROM c)",
                    writer),
            "ok");
  std::vector<RawSocket> readers;
  for (int i = 0; i < 60; ++i) {
    readers.push_back(RawSocket::connect(port(), 4096));
    readers.back().send("GET /dump HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + reader_ + "\r\n\r\n");
  }
  const std::string body =
      R"({"baton":null,"batch":{"steps":[{"stmt":{"sql":"BEGIN"}},{"stmt":{"sql":"SELECT a FROM t"}}]}})";
  const auto post = [&](const std::string& path, const std::string& text) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + reader_ +
           "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
  };
  RawSocket cursor = RawSocket::connect(port(), 64 * 1024);
  cursor.send(post("/v3/cursor", body));
  cursor.read_until("\"baton\":\"");
  const std::string baton = cursor.read_until("\"");
  const std::string next = R"({"baton":")" + baton + R"(,"requests":[{"type":"execute","stmt":{"sql":"SELECT 1"}}]})";
  for (int i = 0; i < 150; ++i) {
    readers.push_back(RawSocket::connect(port()));
    readers.back().send(post("/v3/pipeline", next));
  }
  expect_service("60 slow readers of dumps, a stalled cursor and 150 requests that wait for it");
  // Whoever takes the cursor's rows finds them all, and then one of the requests has its stream.
  cursor.read_until("0\r\n\r\n");
  const auto answered = std::count_if(readers.begin() + 60, readers.end(), [](RawSocket& reader) {
    return reader.read_until("\r\n").find(" 200 ") != std::string::npos;
  });
  EXPECT_EQ(answered, 1) << "a baton is good for one request";
  readers.clear();
  expect_service("after they have left");
}

TEST_F(ServerUnderAttack, WhoHasNoTokenHasNeitherMemoryNorPlaces) {
  start({"--max-http-connections", "100", "--http-slow-timeout", "5s"});
  const std::string megabyte(1 << 20, '\0');
  std::vector<RawSocket> peers;
  for (int i = 0; i < 8; ++i) {
    RawSocket& half = peers.emplace_back(raw_socket());
    half.send(std::string("\x81\xff\0\0\0\0\x03\xf0\0\0mask", 14));
    for (int piece = 0; piece < 30 && half.send(megabyte); ++piece) {
    }
    RawSocket& body = peers.emplace_back(RawSocket::connect(port()));
    body.send("POST /v2/pipeline HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n");
    EXPECT_THAT(body.read_until("\r\n"), HasSubstr(" 401 ")) << "before the body";
    for (int piece = 0; piece < 30 && body.send(megabyte); ++piece) {
    }
  }
  expect_service("half messages and half bodies without a token");
  for (int i = 0; i < 300; ++i) {
    if (i % 2 == 0) {
      peers.push_back(raw_socket());
    } else {
      peers.push_back(RawSocket::connect(port()));
    }
  }
  expect_service("300 silent connections for 100 places");
  peers.clear();
  expect_service("after they have left");
}

TEST_F(ServerUnderAttack, DatabasesAreNotOpenedForWhoMayNotUseThem) {
  start({}, true);
  const std::uint16_t admin = server_->admin_port();
  constexpr int kNamespaces = 20;
  for (int i = 0; i < kNamespaces; ++i) {
    ASSERT_EQ(request(admin, "POST", "/v1/namespaces/n" + std::to_string(i) + "/create", "{}").status, 200);
  }
  // They are unloaded at the end of the process, and not loaded again by its start.
  server_->signal(15);
  ASSERT_EQ(server_->wait(), 0);
  start({}, true);
  const std::string foreign = token(R"({"id":"elsewhere"})");
  for (int i = 0; i < kNamespaces; ++i) {
    const std::string name = std::string("n").append(std::to_string(i));
    EXPECT_EQ(run_sql(port(), "SELECT 1", {{"x-namespace", name}}), "401");
    EXPECT_EQ(run_sql(port(), "SELECT 1", {{"x-namespace", name}, {"authorization", "Bearer " + foreign}}), "404");
    EXPECT_EQ(request(port(), "GET", "/dump", {}, {{"x-namespace", name}}).status, 401);
  }
  const Json list = Json::parse(request(server_->admin_port(), "GET", "/v1/namespaces").body);
  for (const Json& each : list.at("namespaces")) EXPECT_FALSE(each.at("loaded")) << each;
  EXPECT_EQ(run_sql(port(), "SELECT 1", {{"x-namespace", "n1"}, {"authorization", "Bearer " + other_}}), "1");
}

TEST_F(ServerUnderAttack, ARequestThatIsTooLargeIsAnsweredWithAText) {
  start({"--max-request-size", "1MB"});
  net::HttpConnection connection({false, "127.0.0.1", port()}, direct());
  const std::string bearer = "Bearer " + other_;
  const std::vector<net::Header> headers = {{"authorization", bearer}};
  const std::string body(12'000'000, ' ');
  const net::HttpResponse response = connection.request({"POST", "/v2/pipeline", headers, body}, patient());
  EXPECT_EQ(response.status, 413);
  EXPECT_THAT(std::string(response.body), HasSubstr("too long"));
}

}  // namespace
}  // namespace libsql_test

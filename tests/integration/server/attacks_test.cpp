// What somebody with one token, or without any, can do to the others: nothing. Each test lets such a client do its
// worst, and meanwhile asks for what has to work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "integration/server/server_process.hpp"
#include "net/http_client.hpp"
#include "net/websocket_client.hpp"
#include "server/auth/signing_key.hpp"
#include "support/flood.hpp"
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
constexpr double kP99OfACalmMachineMs = kSlow ? 5000 : 100;
constexpr double kCalmMs = 2;  // the p99 of a server that has nothing else to do
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

// Claims with rights of their own, so that it is another bearer.
std::string somebody(const std::string& access, int number) {
  return Json{{"p", {{access, {{"ns", {"default", std::string("n").append(std::to_string(number))}}}}}}}.dump();
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
    if (namespaces) return;
    before_ = p99_of_another("before");
    // What other programs do shows in both.
    double load = 0;
    is_calm_ = before_ < kCalmMs && ::getloadavg(&load, 1) == 1 && load < 0.5;
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

  // What 99 of 100 requests of another client do not exceed, in ms.
  double p99_of_another(const std::string& when) {
    net::HttpConnection connection({false, "127.0.0.1", port()}, direct());
    const std::string bearer = "Bearer " + other_;
    const std::vector<net::Header> headers = {{"authorization", bearer}, {"x-namespace", "default"}};
    const std::string body = execute("SELECT 1");
    std::vector<double> times;
    for (int i = 0; i < 100; ++i) {
      const auto begun = Clock::now();
      const net::HttpResponse response = connection.request({"POST", "/v2/pipeline", headers, body}, patient());
      times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
      EXPECT_EQ(response.status, 200) << when << ": " << response.body;
      if (response.status != 200) return 0;
    }
    std::sort(times.begin(), times.end());
    return times[98];
  }

  // Asks as everybody else would, and says how that went.
  void expect_service(const std::string& when) {
    const double user = health(port());
    const double admin = health(server_->admin_port());
    const double most = is_calm_ ? kP99OfACalmMachineMs : kP99Ms;
    double p99 = p99_of_another(when);
    // Other programs may have had the processors for a moment.
    for (int i = 0; i < 3 && p99 >= most; ++i) p99 = p99_of_another(when);
    const std::size_t memory = memory_mb();
    std::cout << when << ": /health " << user << " ms, admin " << admin << " ms, p99 of another client " << p99
              << " ms, memory " << memory << " MB" << std::endl;
    EXPECT_LT(user, kHealthMs) << when;
    EXPECT_LT(admin, kHealthMs) << when;
    EXPECT_LT(p99, most) << when << "; before the attack it was " << before_ << " ms";
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
  double before_ = kCalmMs;  // the p99 of a client while nobody attacks
  bool is_calm_ = false;
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
    return request(server_->admin_port(), "GET", "/metrics").body.find("libsql_server_concurrent_connections 0\n") !=
               std::string::npos ||
           request(port(), "POST", "/v2/pipeline", execute("SELECT 1"), {{"authorization", "Bearer " + reader_}})
                   .status == 200;
  })) << "what they ran goes on";
}

TEST_F(ServerUnderAttack, EndlessStatementsOfManyBearersLeaveTheProcessorsToShortOnes) {
  start();
  std::vector<RawSocket> greedy;
  const std::string body = execute(kEndless);
  for (int i = 0; i < 120; ++i) {
    greedy.push_back(RawSocket::connect(port()));
    greedy.back().send("POST /v2/pipeline HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token(somebody("ro", i)) +
                       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  EXPECT_TRUE(eventually([&] {
    return request(server_->admin_port(), "GET", "/metrics").body.find("libsql_server_concurrent_connections 120\n") !=
           std::string::npos;
  }));
  expect_service("120 endless statements of as many bearers");
  greedy.clear();
  expect_service("after they have left");
}

TEST_F(ServerUnderAttack, WritersThatWaitLeaveThreadsToReaders) {
  start();
  const std::vector<std::pair<std::string, std::string>> writer = {{"authorization", "Bearer " + other_}};
  ASSERT_EQ(run_sql(port(), "CREATE TABLE t(a)", writer), "ok");
  net::WebSocketConnection holder = socket(other_);
  const auto ask = [&](const Json& what) {
    say(holder, {{"type", "request"}, {"request_id", 1}, {"request", what}});
    EXPECT_THAT(std::string(holder.receive(patient()).data), HasSubstr("response_ok"));
  };
  ask({{"type", "open_stream"}, {"stream_id", 0}});
  ask({{"type", "execute"}, {"stream_id", 0}, {"stmt", {{"sql", "BEGIN IMMEDIATE"}}}});
  say(holder, {{"type", "request"},
               {"request_id", 2},
               {"request", {{"type", "execute"}, {"stream_id", 0}, {"stmt", {{"sql", kEndless}}}}}});
  std::vector<RawSocket> waiting;
  const std::string body = execute("INSERT INTO t VALUES (1)");
  for (int i = 0; i < 300; ++i) {  // more than there are threads, each of another bearer
    waiting.push_back(RawSocket::connect(port()));
    waiting.back().send("POST /v2/pipeline HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token(somebody("rw", i)) +
                        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  EXPECT_TRUE(eventually([&] {
    return request(server_->admin_port(), "GET", "/metrics")
               .body.find("libsql_server_writers_waiting{namespace=\"default\"} 300") != std::string::npos;
  })) << request(server_->admin_port(), "GET", "/metrics").body;
  expect_service("300 writers that wait for one");
  holder = socket(reader_);  // the statement ends with its client
  for (RawSocket& one : waiting) EXPECT_THAT(one.read_until("\r\n"), HasSubstr(" 200 "));
  EXPECT_EQ(run_sql(port(), "SELECT count(*) FROM t", writer), "300");
}

TEST_F(ServerUnderAttack, TextsAnswersAndTemporaryFilesOfOneTenantAreBounded) {
  start({"--max-connection-temp-size", "64MiB"});
  std::vector<net::WebSocketConnection> sockets;
  const auto send = [&](net::WebSocketConnection& to, const Json& what) {
    say(to, {{"type", "request"}, {"request_id", 0}, {"request", what}});
    return Json::parse(std::string(to.receive(patient()).data));
  };
  // Texts to keep: of one socket, and of many streams over HTTP.
  net::WebSocketConnection& first = sockets.emplace_back(socket(reader_));
  const std::string large(20'000'000, ' ');
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(send(first, {{"type", "store_sql"}, {"sql_id", i}, {"sql", large}}).at("type"), "response_error");
  }
  expect_service("texts of 20 MB to keep");
  Json texts = Json::array();
  for (int i = 0; i < 50; ++i) texts.push_back({{"type", "store_sql"}, {"sql_id", i}, {"sql", std::string(4990, ' ')}});
  const std::string keep = Json{{"requests", texts}}.dump();
  const std::string bearer = "Bearer " + reader_;
  const std::vector<net::Header> headers = {{"authorization", bearer}};
  net::HttpConnection http({false, "127.0.0.1", port()}, direct());
  for (int i = 0; i < 400; ++i) EXPECT_EQ(http.request({"POST", "/v3/pipeline", headers, keep}, patient()).status, 200);
  expect_service("400 streams that keep 250 kB each");
  // Answers that are never finished, and a sort that never ends.
  const std::string rows =
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT printf('%.*c', 3000000, 'x') FROM c "
      "WHERE "
      "x <= 3 OR x > 1000000000000";
  for (int i = 0; i < 6; ++i) {
    net::WebSocketConnection& one = sockets.emplace_back(socket(reader_));
    EXPECT_EQ(send(one, {{"type", "open_stream"}, {"stream_id", 0}}).at("type"), "response_ok");
    say(one, {{"type", "request"},
              {"request_id", 1},
              {"request", {{"type", "execute"}, {"stream_id", 0}, {"stmt", {{"sql", rows}}}}}});
  }
  EXPECT_TRUE(eventually([&] {
    return request(server_->admin_port(), "GET", "/metrics").body.find("response_bytes_held 0\n") == std::string::npos;
  }));
  expect_service("6 answers of 9 MB that are not finished");
  EXPECT_EQ(run_sql(port(), "SELECT length(a) FROM (SELECT printf('%.*c', 4000000, 'x') AS a)",
                    {{"authorization", "Bearer " + other_}}),
            "4000000");
  net::WebSocketConnection& sorting = sockets.emplace_back(socket(reader_));
  EXPECT_EQ(send(sorting, {{"type", "open_stream"}, {"stream_id", 0}}).at("type"), "response_ok");
  const Json full =
      send(sorting, {{"type", "execute"},
                     {"stream_id", 0},
                     {"stmt",
                      {{"sql",
                        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT length(b) FROM (SELECT "
                        "zeroblob(900000) || randomblob(9) AS b FROM c ORDER BY 1) LIMIT 1"}}}});
  EXPECT_EQ(full.at("error").at("code"), "SQLITE_FULL") << full;
  EXPECT_THAT(full.dump(), HasSubstr("of one connection have reached their limit of 67108864 bytes"));
  expect_service("an endless sort");
  sockets.clear();
  expect_service("after they have left");
}

// A field of Protobuf with these bytes.
std::string field(int number, const std::string& bytes) {
  std::string text(1, static_cast<char>(number << 3 | 2));
  std::size_t left = bytes.size();
  do {
    const char more = left > 127 ? '\x80' : '\0';
    text += static_cast<char>((left & 127) | static_cast<unsigned char>(more));
    left >>= 7;
  } while (left != 0);
  return text + bytes;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST_F(ServerUnderAttack, RequestsOfVeryManyPartsAreRefused) {
  start();
  const std::string bearer = "Bearer " + reader_;
  const std::vector<net::Header> headers = {{"authorization", bearer}};
  const auto post = [&](const char* path, const std::string& body) {
    net::HttpConnection http({false, "127.0.0.1", port()}, direct());
    const net::HttpResponse response = http.request({"POST", path, headers, body}, patient());
    EXPECT_THAT(std::string(response.body), HasSubstr("this bearer's limit"));
    return response.status;
  };
  // Each has 10 MB, and would take up to fifty times as much.
  const std::string closes = repeated(R"({"type":"close"},)", 600'000) + R"({"type":"close"})";
  EXPECT_EQ(post("/v3/pipeline", R"({"requests":[)" + closes + "]}"), 413);
  const std::string steps = repeated(R"({"stmt":{}},)", 800'000) + R"({"stmt":{}})";
  EXPECT_EQ(post("/v3/cursor", R"({"batch":{"steps":[)" + steps + "]}}"), 413);
  EXPECT_EQ(post("/v1/batch", R"({"batch":{"steps":[)" + steps + "]}}"), 413);
  EXPECT_EQ(post("/v3-protobuf/pipeline", repeated(field(2, field(1, "")), 2'500'000)), 413);
  EXPECT_EQ(post("/v3-protobuf/pipeline", field(2, field(3, field(1, repeated(field(1, ""), 5'000'000))))), 413);
  expect_service("requests of millions of parts");
  // Messages that nobody has worked on yet.
  std::vector<net::WebSocketConnection> sockets;
  for (int i = 0; i < 2; ++i) {
    net::WebSocketConnection& one = sockets.emplace_back(socket(reader_));
    say(one, {{"type", "request"}, {"request_id", 0}, {"request", {{"type", "open_stream"}, {"stream_id", 0}}}});
    const auto execute_on = [](const std::string& sql) {
      return Json{{"type", "request"},
                  {"request_id", 1},
                  {"request", {{"type", "execute"}, {"stream_id", 0}, {"stmt", {{"sql", sql}}}}}};
    };
    say(one, execute_on(kEndless));
    const std::string large = execute_on("SELECT 1 --" + std::string(20'000'000, ' ')).dump();
    try {
      for (int n = 0; n < 8; ++n) {
        one.send(net::MessageType::Text, large, {net::Deadline::after(std::chrono::milliseconds(500)), nullptr});
      }
      ADD_FAILURE() << "160 MB were taken though nothing is done with them";
    } catch (const net::NetError&) {  // it is not read any more
    }
  }
  expect_service("messages of 20 MB behind endless statements");
  sockets.clear();
  expect_service("after they have left");
}

TEST_F(ServerUnderAttack, StatementsThatHoldManyLargeValuesAreEnded) {
  start();
  const std::vector<std::pair<std::string, std::string>> writer = {{"authorization", "Bearer " + other_}};
  const std::vector<std::pair<std::string, std::string>> reader = {{"authorization", "Bearer " + reader_}};
  std::string columns = "zeroblob(4900000) || 'a' AS c";
  for (int i = 0; i < 150; ++i) columns += ", zeroblob(4900000) || 'a' AS c" + std::to_string(i);
  const std::string large = "SELECT count(*) FROM (SELECT DISTINCT " + columns + ")";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run_sql(port(), large, reader), "SQLITE_NOMEM");
  std::vector<RawSocket> peers;
  const std::string body = execute(large);
  for (int i = 0; i < 20; ++i) {
    peers.push_back(RawSocket::connect(port()));
    peers.back().send("POST /v2/pipeline HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + reader_ +
                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  expect_service("21 x 740 MB of values in one row");
  for (RawSocket& peer : peers) EXPECT_THAT(peer.read_until("\r\n"), HasSubstr(" 200 "));
  EXPECT_EQ(run_sql(port(), "SELECT octet_length(zeroblob(4900000) || 'a')", reader), "4900001");
  // Streams that keep what they have read.
  ASSERT_EQ(run_sql(port(), "CREATE TABLE t(a)", writer), "ok");
  ASSERT_EQ(run_sql(port(),
                    "INSERT INTO t SELECT hex(randomblob(500)) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT "
                    "x + 1 FROM c LIMIT 10000) SELECT x FROM c)",
                    writer),
            "ok");
  const std::string read = Json{{"requests",
                                 {{{"type", "execute"}, {"stmt", {{"sql", "BEGIN"}}}},
                                  {{"type", "execute"}, {"stmt", {{"sql", "SELECT sum(length(a)) FROM t"}}}}}}}
                               .dump();
  for (int i = 0; i < 90; ++i) EXPECT_EQ(request(port(), "POST", "/v2/pipeline", read, reader).status, 200);
  expect_service("90 streams that have read 10 MB");
}

TEST_F(ServerUnderAttack, PeersThatSendFasterThanTheyAreServedLeaveThreadsToTheOthers) {
  start({"--max-connections", "8"});
  std::list<libsql::test::Flood> floods;
  const std::string requests = repeated("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 3000);
  for (int i = 0; i < 40; ++i) floods.emplace_back(RawSocket::connect(port()), requests);
  expect_service("40 strangers who ask without end");
  floods.clear();
  const std::string pings = repeated(std::string_view("\x89\x80mask", 6), 10'000);
  for (int i = 0; i < 40; ++i) floods.emplace_back(raw_socket(), pings);
  expect_service("40 strangers who ping without end");
  floods.clear();
  expect_service("after they have left");
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

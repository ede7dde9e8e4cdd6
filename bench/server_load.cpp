// What bench/server_load drives: a server with a table of 100,000 rows, and beside it a bare echo of the same
// framework.
//   bench_server_load serve [SECONDS]   prints "echo PORT server PORT" and ends by itself
//   bench_server_load memory            memory of idle streams and namespaces
//   bench_server_load writes [SECONDS]  single writes of 16 clients, each durable: alone, and where they share commits
//   bench_server_load stream [ROWS]     one cursor over many rows (2,000,000), and what the process holds meanwhile
//   bench_server_load scrape [COUNT]    how long the figures for Prometheus take with so many namespaces loaded (100)
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/connection.hpp"
#include "net/http_client.hpp"
#include "net/server.hpp"
#include "net/websocket_client.hpp"
#include "server/databases/namespaces.hpp"
#include "server/metrics/monitor.hpp"
#include "server/metrics/server_metrics.hpp"
#include "server/server.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace libsql;
using Clock = std::chrono::steady_clock;
using Directory = test::TemporaryDirectory;

class Echo final : public net::Handler {
 public:
  explicit Echo(std::string text) : text_(std::move(text)) {}
  void on_request(net::Exchange& exchange) override {
    exchange.answer(200, {{"content-type", "application/json"}, {"access-control-allow-origin", "*"}}, text_);
  }

 private:
  std::string text_;  // as long as the server's answer
};

server::Options options_in(const Directory& directory) {
  server::Options options;
  options.data_directory = directory.path();
  options.http.port = 0;
  return options;
}

void fill(server::Server& server) {
  const auto session = server.namespaces().get("default")->connect();
  session->execute("CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, price REAL)", {});
  session->execute("CREATE TABLE log(id INTEGER PRIMARY KEY, text TEXT)", {});
  session->execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
      "INSERT INTO items SELECT i, 'the name of item ' || i, i * 0.25 FROM n",
      {});
}

std::string post(std::uint16_t port, const std::string& target, const std::string& body) {
  net::ClientOptions options;
  options.proxy_from_environment = false;
  net::HttpConnection connection({false, "127.0.0.1", port}, options);
  return std::string(connection.request({"POST", target, {}, body}, {}).body);
}

constexpr const char* kPointSelect =
    R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT id, name, price FROM items WHERE id = ?","args":[{"type":"integer","value":"77777"}]}},{"type":"close"}]})";

constexpr const char* kCreateTable =
    R"json({"requests":[{"type":"execute","stmt":{"sql":"CREATE TABLE t(a)"}},{"type":"close"}]})json";

int serve(int seconds) {
  const Directory directory;
  server::Server server(options_in(directory));
  fill(server);
  server.start();
  net::Server echo;
  const std::uint16_t echo_port =
      echo.listen({}, std::make_shared<Echo>(post(server.port(), "/v2/pipeline", kPointSelect)));
  std::printf("echo %u server %u\n", echo_port, server.port());
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  return 0;
}

// In KiB.
long resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

int memory() {
  constexpr int kMany = 500;
  const Directory directory;
  server::Options options = options_in(directory);
  options.namespaces = true;
  options.limits.connections = 2 * kMany;
  options.timeouts.stream_idle = std::chrono::minutes(10);
  options.timeouts.namespace_idle = std::chrono::milliseconds(500);
  options.max_loaded_namespaces = 10 * kMany;
  server::Server server(options);
  fill(server);
  server.start();
  net::ClientOptions client;
  client.proxy_from_environment = false;
  net::HttpConnection connection({false, "127.0.0.1", server.port()}, client);
  const net::Header header{"x-namespace", "default"};
  const auto report = [&](const char* what, long before, int count) {
    std::printf("%-52s %8.1f KiB\n", what, static_cast<double>(resident() - before) / count);
  };
  const auto ask = [&](const char* body) { connection.request({"POST", "/v2/pipeline", {&header, 1}, body}, {}); };
  ask(R"({"requests":[{"type":"execute","stmt":{"sql":"SELECT 1"}}]})");
  long before = resident();
  for (int i = 0; i < kMany; ++i) {
    ask(R"({"requests":[{"type":"execute","stmt":{"sql":"BEGIN"}},{"type":"execute","stmt":{"sql":"SELECT name FROM items WHERE id = 5"}}]})");
  }
  report("an idle stream in a transaction that has read", before, kMany);
  before = resident();
  for (int i = 0; i < kMany; ++i) ask(R"({"requests":[{"type":"store_sql","sql_id":1,"sql":"SELECT 1"}]})");
  report("an idle stream with stored SQL and no transaction", before, kMany);
  for (int i = 0; i < kMany; ++i) server.namespaces().create(std::string("n").append(std::to_string(i)), {});
  before = resident();
  for (int i = 0; i < kMany; ++i) {
    const std::string name = std::string("n").append(std::to_string(i));
    const net::Header chosen{"x-namespace", name};
    connection.request({"POST", "/v2/pipeline", {&chosen, 1}, kCreateTable}, {});
  }
  report("a loaded namespace, its first session included", before, kMany);
  for (int i = 0; i < 300 && server.gauges().namespaces_loaded > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::printf("%-52s %8zu\n", "namespaces loaded after the idle time", server.gauges().namespaces_loaded);
  return 0;
}

// Asks for one write after the other on a connection of its own.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void write() = 0;
};

net::ClientOptions client_options() {
  net::ClientOptions client;
  client.proxy_from_environment = false;
  return client;
}

class HttpWriter final : public Writer {
 public:
  HttpWriter(std::uint16_t port, const std::string& request)
      : connection_({false, "127.0.0.1", port}, client_options()),
        body_(R"({"requests":[)" + request + R"(,{"type":"close"}]})") {}
  void write() override {
    const net::HttpResponse response = connection_.request({"POST", "/v2/pipeline", {}, body_}, {});
    if (response.status != 200 || response.body.find("\"error\":{") != std::string_view::npos) std::abort();
  }

 private:
  net::HttpConnection connection_;
  std::string body_;
};

class SocketWriter final : public Writer {
 public:
  SocketWriter(std::uint16_t port, std::string request) : socket_({false, "127.0.0.1", port}, client_options()) {
    socket_.connect("/", std::vector<std::string_view>{"hrana2"}, {}, {});
    socket_.send(net::MessageType::Text, R"({"type":"hello","jwt":null})", {});
    socket_.receive({});
    send(R"({"type":"open_stream","stream_id":1})");
    message_ = request.insert(1, R"("stream_id":1,)");
  }
  void write() override { send(message_); }

 private:
  void send(const std::string& request) {
    socket_.send(net::MessageType::Text, R"({"type":"request","request_id":1,"request":)" + request + "}", {});
    if (socket_.receive({}).data.find("\"error\":{") != std::string_view::npos) std::abort();
  }

  net::WebSocketConnection socket_;
  std::string message_;
};

constexpr const char* kWriteStmt =
    R"json({"sql":"INSERT INTO log(text) VALUES (?)","args":[{"type":"text","value":"a line"}]})json";

// Per second.
double measure_writes(std::uint16_t port, bool over_socket, const std::string& request, double seconds) {
  constexpr int kWriters = 16;
  std::atomic<long> count = 0;
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; ++i) {
    if (over_socket) {
      writers.push_back(std::make_unique<SocketWriter>(port, request));
    } else {
      writers.push_back(std::make_unique<HttpWriter>(port, request));
    }
    writers.back()->write();
  }
  const auto begun = Clock::now();
  const auto until = begun + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::thread> threads;
  for (const auto& writer : writers) {
    threads.emplace_back([&count, until, one = writer.get()] {
      for (; Clock::now() < until; ++count) one->write();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - begun).count();
}

int writes(double seconds) {
  struct Way {
    const char* name;
    bool over_socket;
    std::string shared, alone;
  };
  const std::string stmt = kWriteStmt;
  const std::string execute = R"({"type":"execute","stmt":)" + stmt + "}";
  const std::string one_step = R"({"type":"batch","batch":{"steps":[{"stmt":)" + stmt + "}]}}";
  // A second step, which is skipped, is enough to be left out of the group.
  const std::string two_steps =
      R"({"type":"batch","batch":{"steps":[{"stmt":)" + stmt +
      R"(},{"condition":{"type":"not","cond":{"type":"ok","step":0}},"stmt":{"sql":"SELECT 1"}}]}})";
  const std::vector<Way> ways = {{"HTTP, execute", false, execute, two_steps},
                                 {"HTTP, batch of one step", false, one_step, two_steps},
                                 {"WebSocket, execute", true, execute, two_steps},
                                 {"WebSocket, batch of one step", true, one_step, two_steps}};
  const Directory directory;
  server::Options options = options_in(directory);
  options.durability = server::Durability::Strong;
  server::Server server(options);
  fill(server);
  server.start();
  constexpr int kRounds = 3;
  std::vector<std::vector<double>> alone(ways.size()), shared(ways.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      alone[i].push_back(measure_writes(server.port(), ways[i].over_socket, ways[i].alone, seconds));
      shared[i].push_back(measure_writes(server.port(), ways[i].over_socket, ways[i].shared, seconds));
    }
  }
  const auto median = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  for (std::size_t i = 0; i < ways.size(); ++i) {
    std::printf("%-30s alone %7.0f /s   in groups %7.0f /s   ratio %5.2f\n", ways[i].name, median(alone[i]),
                median(shared[i]), median(shared[i]) / median(alone[i]));
  }
  return 0;
}

int stream(long rows) {
  const Directory directory;
  server::Server server(options_in(directory));
  fill(server);
  server.start();
  const std::string body =
      R"({"batch":{"steps":[{"stmt":{"sql":"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < )" +
      std::to_string(rows) + R"() SELECT i, 'the name of item ' || i, i * 0.25 FROM n"}}]}})";
  net::ClientOptions client;
  client.proxy_from_environment = false;
  net::HttpConnection connection({false, "127.0.0.1", server.port()}, client);
  post(server.port(), "/v2/pipeline", kPointSelect);
  const long before = resident();
  const auto begun = Clock::now();
  connection.open({"POST", "/v3/cursor", {}, body}, {});
  std::size_t bytes = 0;
  long most = 0;
  for (std::size_t pieces = 0;; ++pieces) {
    const std::string_view piece = connection.read({});
    if (piece.empty()) break;
    bytes += piece.size();
    if (pieces % 64 == 0) most = std::max(most, resident());
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::printf("%ld rows, %.0f MB in %.2f s (%.0f rows/s); at most %ld KiB more than before\n", rows,
              static_cast<double>(bytes) / 1e6, seconds, static_cast<double>(rows) / seconds, most - before);
  return 0;
}

std::uint64_t connections_opened(server::Server& server) {
  std::uint64_t sum = 0;
  for (const auto& name_space : server.namespaces().loaded()) sum += name_space->stats().connections_opened;
  return sum;
}

int scrape(int count) {
  constexpr int kRounds = 51;
  const Directory directory;
  server::Options options = options_in(directory);
  options.namespaces = true;
  options.max_loaded_namespaces = static_cast<std::size_t>(count) + 1;
  options.timeouts.namespace_idle = std::chrono::minutes(10);
  const auto monitor = std::make_shared<server::Monitor>(nullptr, nullptr);
  options.observer = monitor;
  server::Server server(options);
  fill(server);
  for (int i = 0; i < count; ++i) {
    const std::string name = std::string("n").append(std::to_string(i));
    server.namespaces().create(name, {});
    server.namespaces().get(name)->lease()->connection().execute_script("CREATE TABLE t(a)");
  }
  const std::uint64_t before = connections_opened(server);
  std::vector<double> times;
  std::size_t bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto begun = Clock::now();
    bytes = server::render_metrics(*monitor, server).size();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
  }
  std::sort(times.begin(), times.end());
  std::printf("%d namespaces: %.2f ms (best %.2f, worst %.2f), %zu bytes, %llu connections opened\n", count,
              times[kRounds / 2], times.front(), times.back(), bytes,
              static_cast<unsigned long long>(connections_opened(server) - before));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "serve") return serve(argc > 2 ? std::atoi(argv[2]) : 60);
  if (what == "memory") return memory();
  if (what == "writes") return writes(argc > 2 ? std::atof(argv[2]) : 1);
  if (what == "stream") return stream(argc > 2 ? std::atol(argv[2]) : 2'000'000);
  if (what == "scrape") return scrape(argc > 2 ? std::atoi(argv[2]) : 100);
  std::fprintf(
      stderr,
      "usage: bench_server_load serve [SECONDS] | memory | writes [SECONDS] | stream [ROWS] | scrape [COUNT]\n");
  return 2;
}

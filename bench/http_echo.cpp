// The ceiling for a server built on this library: answers every request with its own body, or with a fixed text.
//   bench_http_echo [PORT [SECONDS]]        then, for instance: wrk -c16 -t1 -d5 http://127.0.0.1:PORT/
// Prints the port, ends by itself after SECONDS (60), and prints what it served.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "net/server.hpp"

namespace {

class Echo final : public libsql::net::Handler {
 public:
  void on_request(libsql::net::Exchange& exchange) override {
    const std::string_view body = exchange.request().body;
    exchange.answer(200, {{"Content-Type", "application/json"}}, body.empty() ? kText : body);
  }

 private:
  // As long as the answer to a point select.
  static constexpr std::string_view kText =
      R"({"baton":null,"base_url":null,"results":[{"type":"ok","response":{"type":"execute","result":{"cols":[{"name":"v"}],)"
      R"("rows":[[{"type":"text","value":"some text of a row"}]],"affected_row_count":0,"last_insert_rowid":null}}}]})";
};

}  // namespace

int main(int argc, char** argv) {
  libsql::net::Listener listener;
  if (argc > 1) listener.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 60;
  libsql::net::Server server;
  const std::uint16_t port = server.listen(listener, std::make_shared<Echo>());
  std::printf("port %u\n", port);
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const libsql::net::ServerStatistics done = server.statistics();
  std::printf("%llu requests, %llu connections, %zu workers\n", static_cast<unsigned long long>(done.requests),
              static_cast<unsigned long long>(done.connections_accepted), done.workers);
  server.stop(libsql::net::Deadline::after(std::chrono::seconds(1)));
}

// What HttpConnection adds to a round trip: a loop of send() and recv() on a raw socket against the same server, in
// turns, and for comparison with WebSocketConnection. Prints the medians, their ratios and the difference.
//   bench_http_client [ROUNDS [REQUESTS_PER_ROUND]]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "net/http_client.hpp"
#include "net/server.hpp"
#include "net/websocket_client.hpp"

namespace {

using namespace libsql::net;
using Clock = std::chrono::steady_clock;

const std::string kBody(200, 'x');

class Sessions final : public WebSocketHandler {
 public:
  void on_message(WebSocketSession& session, MessageType type, std::string_view data) override {
    session.send(type, data);
  }
  void on_close(WebSocketSession&, int, std::string_view) noexcept override {}
};

class Echo final : public Handler {
 public:
  void on_request(Exchange& exchange) override {
    if (exchange.request().wants_websocket()) {
      exchange.accept_websocket(std::make_shared<Sessions>(), "");
      return;
    }
    exchange.answer(200, {{"Content-Type", "application/json"}}, exchange.request().body);
  }
};

int connect_raw(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::exit(1);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

template <class RoundTrip>
double microseconds(int requests, RoundTrip round_trip) {
  const auto begun = Clock::now();
  for (int i = 0; i < requests; ++i) round_trip();
  return std::chrono::duration<double, std::micro>(Clock::now() - begun).count() / requests;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
  const int requests = argc > 2 ? std::atoi(argv[2]) : 5000;
  Server server;
  const std::uint16_t port = server.listen({}, std::make_shared<Echo>());

  const int raw = connect_raw(port);
  const std::string message =
      "POST /v3/pipeline HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(kBody.size()) + "\r\n\r\n" + kBody;
  std::vector<char> answer(64 * 1024);
  const auto raw_trip = [&] {
    if (::send(raw, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size())) std::exit(1);
    // The server answers in one write, and on the loopback that is one read.
    if (::recv(raw, answer.data(), answer.size(), 0) < static_cast<ssize_t>(kBody.size())) std::exit(1);
  };

  ClientOptions options;
  options.proxy_from_environment = false;
  HttpConnection http(Origin{false, "127.0.0.1", port}, options);
  Interrupt interrupt;
  const Header headers[] = {{"Content-Type", "application/json"}};
  const auto http_trip = [&] {
    const Wait wait{Deadline::after(std::chrono::seconds(10)), &interrupt};
    if (http.request({"POST", "/v3/pipeline", headers, kBody}, wait).body.size() != kBody.size()) std::exit(1);
  };

  WebSocketConnection websocket(Origin{false, "127.0.0.1", port}, options);
  websocket.connect("/", {}, {}, Wait{});
  const auto websocket_trip = [&] {
    const Wait wait{Deadline::after(std::chrono::seconds(10)), &interrupt};
    websocket.send(MessageType::Text, kBody, wait);
    if (websocket.receive(wait).data.size() != kBody.size()) std::exit(1);
  };

  std::vector<double> raw_times;
  std::vector<double> http_times;
  std::vector<double> websocket_times;
  for (int i = 0; i <= rounds; ++i) {  // The first round only warms up.
    const double a = microseconds(requests, raw_trip);
    const double b = microseconds(requests, http_trip);
    const double c = microseconds(requests, websocket_trip);
    if (i == 0) continue;
    raw_times.push_back(a);
    http_times.push_back(b);
    websocket_times.push_back(c);
  }
  ::close(raw);
  const double base = median(raw_times);
  std::printf("round trip of a %zu-byte POST, median of %d x %d\n", kBody.size(), rounds, requests);
  std::printf("raw socket loop      %7.2f us\n", base);
  std::printf("HttpConnection       %7.2f us   ratio %.2f   adds %.2f us\n", median(http_times),
              median(http_times) / base, median(http_times) - base);
  std::printf("WebSocketConnection  %7.2f us   ratio %.2f\n", median(websocket_times), median(websocket_times) / base);
}

#include "net/http_client.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "net/byte_buffer.hpp"
#include "net/connect.hpp"
#include "net/http_parser.hpp"
#include "net/waiting.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kKeptMemory = 1024 * 1024;  // larger buffers are given back when the next request begins

}  // namespace

struct HttpConnection::State {
  Origin origin;
  ClientOptions options;
  Connected connected;
  ConnectionStatistics statistics;
  Deadline::Clock::time_point last_use;

  std::string request_head;
  std::string method;
  ResponseHead head;
  std::string head_text;  // what the views of `head` point into
  ByteBuffer in;          // what has arrived and is not handed out
  ByteBuffer body;        // a chunked body, put together
  std::size_t handed_out = 0;
  HttpParser parser;
  bool in_answer = false;  // its end has not been read
  bool sent = false;

  [[noreturn]] void fail(ErrorKind kind, const std::string& message) {
    connected.stream.close();
    in_answer = false;
    throw NetError(kind, message, sent);
  }

  // Runs `step`, and closes the connection if it throws.
  template <class Step>
  auto guarded(Step step) {
    try {
      return step();
    } catch (...) {
      connected.stream.close();
      in_answer = false;
      throw;
    }
  }

  void ensure_connected(const Wait& wait);
  void send(const HttpRequest& request, const Wait& wait);
  void build_head(const HttpRequest& request);
  bool fill(const Wait& wait, std::size_t size);
  void read_head(const Wait& wait);
  std::string_view next_piece(const Wait& wait);
  std::string_view whole_body(const Wait& wait);
  void end_answer();
};

void HttpConnection::State::ensure_connected(const Wait& wait) {
  sent = false;
  if (in_answer) connected.stream.close();  // Its rest would be taken for the next answer.
  in_answer = false;
  if (connected.stream.is_open()) {
    const bool stale = options.max_idle.count() > 0 && Deadline::Clock::now() - last_use > options.max_idle;
    if (!stale && in.empty() && connected.stream.idle_and_open()) return;
    connected.stream.close();
  }
  in.clear();
  connected = connect_to(origin, options, wait, false);
  ++statistics.connects;
  statistics.resumptions += connected.stream.resumed() ? 1 : 0;
}

void HttpConnection::State::build_head(const HttpRequest& request) {
  if (!is_token(request.method) || request.target.empty())
    throw std::invalid_argument("the method or target is malformed");
  for (const char c : request.target) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) throw std::invalid_argument("the target has a space");
  }
  std::string& text = request_head;
  text.assign(request.method).append(1, ' ');
  if (connected.absolute_form) text.append("http://").append(origin.authority());
  text.append(request.target).append(" HTTP/1.1\r\nHost: ").append(origin.authority()).append("\r\n");
  for (const Header& header : request.headers) {
    if (!is_token(header.name) || !is_field_value(header.value)) {
      throw std::invalid_argument("a header field is malformed");
    }
    text.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (!connected.proxy_authorization.empty()) {
    text.append("Proxy-Authorization: ").append(connected.proxy_authorization).append("\r\n");
  }
  const bool no_body_meant = request.method == "GET" || request.method == "HEAD" || request.method == "DELETE";
  if (!request.body.empty() || !no_body_meant) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, request.body.size());
    text.append("Content-Length: ").append(digits, static_cast<std::size_t>(end - digits)).append("\r\n");
  }
  text.append("\r\n");
}

void HttpConnection::State::send(const HttpRequest& request, const Wait& wait) {
  ensure_connected(wait);
  build_head(request);
  method.assign(request.method);
  ++statistics.requests;
  std::string_view first = request_head;
  std::string_view second = request.body;
  while (!first.empty() || !second.empty()) {
    const IoResult result = connected.stream.write(first, second);
    switch (result.state) {
      case IoState::Ready: {
        sent = sent || result.bytes > 0;
        statistics.bytes_sent += result.bytes;
        const std::size_t of_first = std::min(result.bytes, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(result.bytes - of_first);
        break;
      }
      case IoState::WantRead:
      case IoState::WantWrite: {
        // A server may answer, and refuse, before it has read everything; then its answer counts.
        const int descriptor = connected.stream.descriptor();
        // An encrypted piece may have left in part although nothing of it counts as written yet.
        wait_or_throw(descriptor, result.state == IoState::WantRead ? POLLIN : POLLOUT, wait,
                      sent || connected.stream.encrypted(), "the request was sent");
        break;
      }
      case IoState::Closed:
      case IoState::Failed:
        sent = sent || connected.stream.encrypted();
        if (!sent) fail(ErrorKind::Closed, "the server closed the connection before the request was sent");
        return;  // What it said before may still be there to be read.
    }
  }
}

// Reads what has arrived; false at the end of the stream.
bool HttpConnection::State::fill(const Wait& wait, std::size_t size) {
  for (;;) {
    char* to = in.prepare(size);
    const IoResult result = connected.stream.read(to, in.room());
    switch (result.state) {
      case IoState::Ready:
        in.commit(result.bytes);
        statistics.bytes_received += result.bytes;
        return true;
      case IoState::WantRead:
        wait_or_throw(connected.stream.descriptor(), POLLIN, wait, true, "waiting for the answer");
        break;
      case IoState::WantWrite:
        wait_or_throw(connected.stream.descriptor(), POLLOUT, wait, true, "waiting for the answer");
        break;
      case IoState::Closed:
        return false;
      case IoState::Failed:
        fail(ErrorKind::Closed, "the connection broke before the answer was complete");
    }
  }
}

void HttpConnection::State::read_head(const Wait& wait) {
  if (in.capacity() > kKeptMemory && in.empty()) in.release();
  if (body.capacity() > kKeptMemory) body.release();
  handed_out = 0;
  std::size_t from = 0;
  for (;;) {
    const std::size_t length = find_head_end(in.view(), from);
    if (length > options.max_head_bytes || (length == 0 && in.size() > options.max_head_bytes)) {
      fail(ErrorKind::TooLarge,
           "the head of the answer is longer than " + std::to_string(options.max_head_bytes) + " bytes");
    }
    if (length == 0) {
      if (!fill(wait, 4096)) fail(ErrorKind::Closed, "the server closed the connection without a complete answer");
      continue;
    }
    head_text.assign(in.data(), length);
    in.consume(length);
    if (const auto error = parser.take_response_head(head_text, method, head)) {
      fail(ErrorKind::Protocol, std::string("the answer is malformed: ") + error->reason);
    }
    if (head.status == 101) fail(ErrorKind::Protocol, "the server switched protocols without having been asked");
    if (head.status >= 200) break;
    from = 0;  // 100 and 103 only announce the real answer.
  }
  in_answer = true;
  if (head.framing == Framing::None) end_answer();
}

void HttpConnection::State::end_answer() {
  in_answer = false;
  last_use = options.max_idle.count() > 0 ? Deadline::Clock::now() : last_use;
  if (!head.keep_alive) connected.stream.close();
}

// The next piece of the body in the input buffer; handed_out says how much of that buffer it takes with it.
std::string_view HttpConnection::State::next_piece(const Wait& wait) {
  in.consume(std::exchange(handed_out, 0));
  while (in_answer) {
    const HttpParser::Step step = parser.next(in.view());
    if (parser.state() == HttpParser::State::Bad) fail(ErrorKind::Protocol, "the answer's chunks are malformed");
    if (parser.state() == HttpParser::State::Done) end_answer();
    if (!step.data.empty()) {
      handed_out = step.consumed;
      return step.data;
    }
    in.consume(step.consumed);
    if (step.consumed != 0 || !in_answer) continue;
    if (in.empty() && in.capacity() > kKeptMemory) in.release();
    if (fill(wait, in.capacity() < kReadSize ? kReadSize / 2 : 4096)) continue;
    if (!parser.end_of_input()) {
      fail(ErrorKind::Closed, "the server closed the connection before the answer was complete");
    }
    end_answer();
  }
  return {};
}

std::string_view HttpConnection::State::whole_body(const Wait& wait) {
  if (!in_answer) return {};
  const auto check = [&](std::uint64_t size) {
    if (size > options.max_body_bytes) {
      fail(ErrorKind::TooLarge, "the answer is longer than " + std::to_string(options.max_body_bytes) + " bytes");
    }
  };
  if (head.framing == Framing::Length) {  // Collected where it arrives.
    check(head.content_length);
    const auto length = static_cast<std::size_t>(head.content_length);
    while (in.size() < length) {
      // Memory follows what really arrives, not what a peer announces.
      if (!fill(wait, std::min(length - in.size(), std::max(kReadSize, in.size())))) {
        fail(ErrorKind::Closed, "the server closed the connection before the answer was complete");
      }
    }
    handed_out = length;
    end_answer();
    return in.view().substr(0, length);
  }
  body.clear();
  while (in_answer) {
    const std::string_view piece = next_piece(wait);
    check(std::uint64_t{body.size()} + piece.size());
    body.append(piece);
  }
  return body.view();
}

HttpConnection::HttpConnection(Origin origin, ClientOptions options) : state_(std::make_unique<State>()) {
  state_->origin = std::move(origin);
  state_->options = std::move(options);
}

HttpConnection::~HttpConnection() = default;
HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;

HttpResponse HttpConnection::open(const HttpRequest& request, const Wait& wait) {
  State& state = *state_;
  return state.guarded([&] {
    state.in.consume(std::exchange(state.handed_out, 0));
    state.send(request, wait);
    state.read_head(wait);
    return HttpResponse{state.head.status, state.head.headers, {}};
  });
}

HttpResponse HttpConnection::request(const HttpRequest& request, const Wait& wait) {
  HttpResponse response = open(request, wait);
  response.body = read_all(wait);
  return response;
}

std::string_view HttpConnection::read(const Wait& wait) {
  return state_->guarded([&] { return state_->next_piece(wait); });
}

std::string_view HttpConnection::read_all(const Wait& wait) {
  return state_->guarded([&] { return state_->whole_body(wait); });
}

void HttpConnection::connect(const Wait& wait) {
  state_->guarded([&] { state_->ensure_connected(wait); });
}

bool HttpConnection::connected() noexcept {
  State& state = *state_;
  return state.connected.stream.is_open() && (state.in_answer || state.connected.stream.idle_and_open());
}

void HttpConnection::trim() noexcept {
  State& state = *state_;
  state.in.consume(std::exchange(state.handed_out, 0));
  if (state.in.empty() && state.in.capacity() > kKeptMemory) state.in.release();
  if (state.body.capacity() > kKeptMemory) state.body.release();
}

void HttpConnection::close() noexcept {
  state_->connected.stream.close();
  state_->in_answer = false;
}

const Origin& HttpConnection::origin() const noexcept { return state_->origin; }
const ConnectionStatistics& HttpConnection::statistics() const noexcept { return state_->statistics; }

}  // namespace libsql::net

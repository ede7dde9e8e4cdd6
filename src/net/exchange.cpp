#include "net/exchange.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "net/websocket_handshake.hpp"
#include "net/websocket_peer.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kKeptMemory = 256 * 1024;  // of the worker's string for bodies

void append_number(std::string& text, std::uint64_t value) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  text.append(digits, static_cast<std::size_t>(end - digits));
}

bool without_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

}  // namespace

bool Request::wants_websocket() const noexcept {
  return method == "GET" && has_token(headers, "Upgrade", "websocket") && has_token(headers, "Connection", "upgrade");
}

HttpExchange::HttpExchange(Connection& connection, Worker& worker, const RequestHead& head, std::string_view body)
    : connection_(connection),
      worker_(worker),
      framing_(head.framing),
      body_limit_(connection.core().options().max_body_bytes),
      keep_alive_(head.keep_alive && !connection.close_asked() && !connection.core().draining()) {
  request_.method = head.method;
  request_.target = head.target;
  const std::size_t mark = head.target.find('?');
  request_.path = head.target.substr(0, mark);
  // A base URL that ends in a slash is easily joined with a path that begins with one.
  while (request_.path.starts_with("//")) request_.path.remove_prefix(1);
  if (mark != std::string_view::npos) request_.query = head.target.substr(mark + 1);
  request_.host = head.host;
  request_.minor_version = head.minor_version;
  request_.headers = head.headers;
  request_.body = body;
  request_.tls = connection.stream().encrypted();
}

HttpExchange::~HttpExchange() {
  if (has_callback_) connection_.set_gone_callback({});
  if (worker_.body.capacity() > kKeptMemory) std::string().swap(worker_.body);
}

void HttpExchange::set_body_limit(std::uint64_t bytes) {
  if (!in_head_) throw std::logic_error("a body's limit is set in on_head()");
  body_limit_ = bytes;
}

void HttpExchange::park(std::chrono::steady_clock::time_point until, std::shared_ptr<void> ticket) {
  if (in_head_ || stage_ != Stage::None) throw std::logic_error("only a request that is not answered can be parked");
  on_peer_gone({});
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  connection_.park(coarse_now() + std::max<std::int64_t>(left.count(), 0), std::move(ticket));
  stage_ = Stage::Parked;
}

Waker HttpExchange::waker() {
  return [connection = &connection_, generation = connection_.generation()] { connection->wake(generation); };
}

std::string& HttpExchange::buffer() {
  worker_.body.clear();
  return worker_.body;
}

void HttpExchange::append_connection() {
  if (!keep_alive_) {
    worker_.head_text.append("Connection: close\r\n");
  } else if (request_.minor_version == 0) {
    worker_.head_text.append("Connection: keep-alive\r\n");
  }
}

void HttpExchange::build_head(int status, FieldLines lines, std::span<const Header> headers) {
  if (stage_ != Stage::None) throw std::logic_error("the request has been answered already");
  if (status < 200 || status > 999) throw std::invalid_argument("the status is not that of an answer");
  std::string& text = worker_.head_text;
  if (status == 200) {
    text.assign(worker_.ok_and_date());
  } else {
    text.assign("HTTP/1.1 ");
    append_number(text, static_cast<std::uint64_t>(status));
    text.append(1, ' ').append(reason_phrase(status));
    text.append("\r\nDate: ").append(worker_.date()).append("\r\n");
  }
  text.append(lines.text());
  for (const Header& header : headers) {
    if (!is_token(header.name) || !is_field_value(header.value)) {
      throw std::invalid_argument("a header field of the answer is malformed");
    }
    text.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  // What is left of the body would be taken for the next request.
  if (connection_.body_unread() || connection_.core().draining()) keep_alive_ = false;
  bodiless_ = without_body(status) || request_.method == "HEAD";
  status_ = status;
}

void HttpExchange::answer(int status, FieldLines lines, std::span<const Header> headers, std::string_view body) {
  build_head(status, lines, headers);
  append_connection();
  if (!without_body(status)) {
    worker_.head_text.append("Content-Length: ");
    append_number(worker_.head_text, body.size());
    worker_.head_text.append("\r\n\r\n");
  } else {
    worker_.head_text.append("\r\n");
  }
  if (bodiless_) body = {};
  body_bytes_ = body.size();
  stage_ = Stage::Done;
  if (!connection_.send_or_keep(worker_, worker_.head_text, body)) stage_ = Stage::Broken;
}

void HttpExchange::fail() noexcept {
  if (stage_ == Stage::None) {
    try {
      static constexpr Header kText{"Content-Type", "text/plain"};
      answer(500, {&kText, 1}, "internal error\n");
    } catch (const std::exception&) {
      stage_ = Stage::Broken;
    }
  } else if (stage_ == Stage::Parked) {
    stage_ = Stage::Broken;
  }
}

void HttpExchange::answer_from(int status, std::span<const Header> headers, std::unique_ptr<BodySource> source) {
  build_head(status, {}, headers);
  const bool chunked = request_.minor_version > 0;
  if (!chunked) keep_alive_ = false;  // Then only the end of the connection marks the end of the body.
  append_connection();
  if (chunked && !without_body(status)) worker_.head_text.append("Transfer-Encoding: chunked\r\n");
  worker_.head_text.append("\r\n");
  if (bodiless_) {
    stage_ = connection_.send_or_keep(worker_, worker_.head_text, {}) ? Stage::Done : Stage::Broken;
    return;
  }
  stage_ = Stage::Sourced;
  has_callback_ = false;  // From now on it is the source that is told.
  connection_.set_source(worker_.head_text, std::move(source), chunked, keep_alive_ && !connection_.body_unread());
}

void HttpExchange::on_peer_gone(std::function<void()> callback) {
  has_callback_ = static_cast<bool>(callback);
  connection_.set_gone_callback(std::move(callback));
}

std::shared_ptr<WebSocketSession> HttpExchange::accept_websocket(std::shared_ptr<WebSocketHandler> handler,
                                                                 std::string_view subprotocol,
                                                                 std::span<const Header> headers) {
  const auto refuse = [&](int status, std::initializer_list<Header> fields, std::string_view why) {
    answer(status, std::span<const Header>(fields.begin(), fields.size()), why);
    return nullptr;
  };
  if (!request_.wants_websocket() || request_.minor_version < 1 || framing_ != Framing::None) {
    return refuse(400, {{"Content-Type", "text/plain"}}, "this is not a WebSocket handshake\n");
  }
  if (request_.header("Sec-WebSocket-Version") != "13") {
    return refuse(426, {{"Content-Type", "text/plain"}, {"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}},
                  "the WebSocket version spoken is 13\n");
  }
  const std::string_view key = request_.header("Sec-WebSocket-Key").value_or(std::string_view());
  if (key.size() != 24 || !key.ends_with("==")) {  // 16 bytes in base64
    return refuse(400, {{"Content-Type", "text/plain"}}, "the Sec-WebSocket-Key is malformed\n");
  }
  if (stage_ != Stage::None) throw std::logic_error("the request has been answered already");
  std::string& text = worker_.head_text;
  text.assign(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
  text.append(websocket_accept(key)).append("\r\n");
  if (!subprotocol.empty()) text.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  for (const Header& header : headers) {
    if (!is_token(header.name) || !is_field_value(header.value)) {
      throw std::invalid_argument("a header field of the answer is malformed");
    }
    text.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  text.append("\r\n");
  if (!connection_.send_or_keep(worker_, text, {})) {
    stage_ = Stage::Broken;
    return nullptr;
  }
  auto peer = std::make_shared<WebSocketPeer>(connection_, std::move(handler));
  connection_.upgrade(peer);
  status_ = 101;
  stage_ = Stage::Upgraded;
  return peer;
}

}  // namespace libsql::net

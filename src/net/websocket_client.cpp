#include "net/websocket_client.hpp"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "net/connect.hpp"
#include "net/http_parser.hpp"
#include "net/waiting.hpp"
#include "net/websocket_frame.hpp"
#include "net/websocket_handshake.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kMaxRefusal = 64 * 1024;
constexpr std::size_t kKeptMemory = 1024 * 1024;

}  // namespace

struct WebSocketConnection::State {
  Origin origin;
  ClientOptions options;
  Stream stream;
  MessageReader reader{false, 0};
  ByteBuffer in;
  ByteBuffer out;  // the frame that is being sent, masked
  ConnectionStatistics statistics;
  std::uint64_t mask_state = 0;
  bool open = false;
  bool sent = false;  // a byte of the message that is being sent has left

  template <class Step>
  auto guarded(Step step) {
    try {
      return step();
    } catch (...) {
      stream.close();
      open = false;
      throw;
    }
  }

  [[noreturn]] void fail_closed(int code, std::string_view reason) {
    NetError error(ErrorKind::Closed,
                   code == close_code::kAbnormal ? std::string("the WebSocket broke off")
                                                 : "the server closed the WebSocket with code " + std::to_string(code) +
                                                       (reason.empty() ? "" : ": " + std::string(reason)),
                   sent);
    error.close_code = code;
    error.close_reason = reason;
    throw error;
  }

  void require_open() const {
    if (!open) throw NetError(ErrorKind::Closed, "the WebSocket is not open");
  }

  HttpParser parser;  // of the handshake's answer

  std::string handshake(std::string_view target, std::span<const std::string_view> subprotocols,
                        std::span<const Header> headers, const Wait& wait);
  void read_handshake_answer(ResponseHead& head, std::string& text, const Wait& wait);
  [[noreturn]] void refuse(const ResponseHead& head, const Wait& wait);
  void queue_frame(Opcode opcode, std::string_view payload);
  void flush(const Wait& wait);
  IoState fill();
  void wait_for_io(IoState state, const Wait& wait, const char* what);
  std::optional<Message> take(const Wait& wait);
};

void WebSocketConnection::State::wait_for_io(IoState state, const Wait& wait, const char* what) {
  wait_or_throw(stream.descriptor(), state == IoState::WantRead ? POLLIN : POLLOUT, wait, sent, what);
}

// Reads once into the input buffer.
IoState WebSocketConnection::State::fill() {
  const std::size_t size = std::clamp(reader.missing(), kReadSize, std::max(kReadSize, in.size()));
  char* to = in.prepare(size);
  const IoResult result = stream.read(to, in.room());
  if (result.state == IoState::Ready) {
    in.commit(result.bytes);
    statistics.bytes_received += result.bytes;
  }
  return result.state;
}

void WebSocketConnection::State::queue_frame(Opcode opcode, std::string_view payload) {
  if (mask_state == 0) {
    char seed[8];
    random_bytes(seed, sizeof seed);
    std::memcpy(&mask_state, seed, sizeof seed);
    mask_state |= 1;
  }
  // The mask keeps scripts from choosing the bytes on the wire (RFC 6455 10.3); it need not be secret from our own
  // caller, so a generator that starts at a random place is enough.
  mask_state ^= mask_state >> 12;
  mask_state ^= mask_state << 25;
  mask_state ^= mask_state >> 27;
  const std::uint64_t random = mask_state * 0x2545F4914F6CDD1Dull;
  char mask[4];
  std::memcpy(mask, reinterpret_cast<const char*>(&random) + 4, sizeof mask);
  const FrameHeader header = make_frame_header(opcode, payload.size(), mask);
  out.prepare(header.size + payload.size());
  out.append(header.view());
  if (payload.empty()) return;
  char* to = out.prepare(payload.size());
  std::memcpy(to, payload.data(), payload.size());
  apply_mask(to, payload.size(), mask);
  out.commit(payload.size());
}

void WebSocketConnection::State::flush(const Wait& wait) {
  while (!out.empty()) {
    const IoResult result = stream.write(out.view());
    switch (result.state) {
      case IoState::Ready:
        sent = true;
        statistics.bytes_sent += result.bytes;
        out.consume(result.bytes);
        break;
      case IoState::WantRead:
        wait_for_io(result.state, wait, "the message was sent");
        break;
      case IoState::WantWrite: {
        // A peer that waits for us to read would not read either: take what it says, as far as a message of its may be
        // long.
        const bool may_read = in.size() < options.max_message_bytes;
        wait_or_throw(stream.descriptor(), static_cast<short>(may_read ? POLLOUT | POLLIN : POLLOUT), wait,
                      sent || stream.encrypted(), "the message was sent");
        if (may_read) {
          const IoState read = fill();
          if (read == IoState::Closed || read == IoState::Failed) fail_closed(close_code::kAbnormal, {});
        }
        break;
      }
      case IoState::Closed:
      case IoState::Failed:
        sent = sent || stream.encrypted();
        fail_closed(close_code::kAbnormal, {});
    }
  }
  if (out.capacity() > kKeptMemory) out.release();
}

void WebSocketConnection::State::read_handshake_answer(ResponseHead& head, std::string& text, const Wait& wait) {
  std::size_t from = 0;
  std::size_t length = 0;
  while ((length = find_head_end(in.view(), from)) == 0) {
    if (in.size() > options.max_head_bytes)
      throw NetError(ErrorKind::TooLarge, "the handshake's answer is too long", true);
    const IoState state = fill();
    if (state == IoState::Closed || state == IoState::Failed) {
      throw NetError(ErrorKind::Closed, "the server closed the connection during the handshake", true);
    }
    if (state != IoState::Ready) wait_for_io(state, wait, "the server answered the handshake");
  }
  text.assign(in.data(), length);
  in.consume(length);
  if (const auto error = parser.take_response_head(text, "GET", head)) {
    throw NetError(ErrorKind::Protocol, std::string("the handshake's answer is malformed: ") + error->reason, true);
  }
}

// Collects the beginning of the body of an answer that is no 101, for the message.
void WebSocketConnection::State::refuse(const ResponseHead& head, const Wait& wait) {
  NetError error(ErrorKind::Refused, "the server refused the WebSocket with status " + std::to_string(head.status),
                 true);
  error.status = head.status;
  try {
    while (parser.state() == HttpParser::State::More && error.body.size() < kMaxRefusal) {
      const HttpParser::Step step = parser.next(in.view());
      error.body.append(step.data.substr(0, kMaxRefusal - error.body.size()));
      in.consume(step.consumed);
      if (step.consumed != 0) continue;
      const IoState state = fill();
      if (state == IoState::Closed || state == IoState::Failed) break;
      if (state != IoState::Ready) wait_for_io(state, wait, "the server refused the handshake");
    }
  } catch (const NetError& incomplete) {
    if (incomplete.kind() == ErrorKind::Interrupted) throw;
    // The refusal itself is known, and matters more than the rest of its text.
  }
  throw error;
}

std::string WebSocketConnection::State::handshake(std::string_view target,
                                                  std::span<const std::string_view> subprotocols,
                                                  std::span<const Header> headers, const Wait& wait) {
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) throw std::invalid_argument("the target has a blank");
  }
  const std::string key = new_websocket_key();
  std::string request =
      "GET " + std::string(target.empty() ? "/" : target) + " HTTP/1.1\r\nHost: " + origin.authority() +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key +
      "\r\n";
  for (std::size_t i = 0; i < subprotocols.size(); ++i) {
    if (!is_token(subprotocols[i])) throw std::invalid_argument("a subprotocol's name is malformed");
    request.append(i == 0 ? "Sec-WebSocket-Protocol: " : ", ").append(subprotocols[i]);
  }
  if (!subprotocols.empty()) request += "\r\n";
  for (const Header& header : headers) {
    if (!is_token(header.name) || !is_field_value(header.value))
      throw std::invalid_argument("a header field is malformed");
    request.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  request += "\r\n";
  out.append(request);
  flush(wait);

  ResponseHead head;
  std::string text;
  do {
    read_handshake_answer(head, text, wait);
  } while (head.status < 200 && head.status != 101);
  if (head.status != 101) refuse(head, wait);
  const auto bad = [](const char* what) {
    return NetError(ErrorKind::Protocol, std::string("the handshake's answer has ") + what, true);
  };
  if (!has_token(head.headers, "Upgrade", "websocket") || !has_token(head.headers, "Connection", "upgrade")) {
    throw bad("no Upgrade to websocket");
  }
  if (find_header(head.headers, "Sec-WebSocket-Accept") != websocket_accept(key))
    throw bad("a wrong Sec-WebSocket-Accept");
  if (find_header(head.headers, "Sec-WebSocket-Extensions")) throw bad("an extension that was not offered");
  const std::string_view chosen = find_header(head.headers, "Sec-WebSocket-Protocol").value_or(std::string_view());
  const bool offered = std::any_of(subprotocols.begin(), subprotocols.end(),
                                   [&](std::string_view name) { return equals_ignoring_case(name, chosen); });
  if (!chosen.empty() && !offered) throw bad("a subprotocol that was not offered");
  return std::string(chosen);
}

std::optional<Message> WebSocketConnection::State::take(const Wait& wait) {
  for (;;) {
    const MessageReader::Event event = reader.next(in);
    switch (event.kind) {
      case MessageReader::Kind::NeedMore:
        if (in.empty() && in.capacity() > kKeptMemory) in.release();
        return std::nullopt;
      case MessageReader::Kind::Message:
        return Message{event.type, event.data};
      case MessageReader::Kind::Ping:
        queue_frame(Opcode::Pong, event.data);
        reader.release(in);  // flush() may read, and so move what the event points to
        flush(wait);
        break;
      case MessageReader::Kind::Pong:
        break;
      case MessageReader::Kind::Close: {
        const std::string reason(event.data);
        // Answered as far as the socket takes it at once (RFC 6455 5.5.1); a peer that has closed is not waited for.
        queue_frame(Opcode::Close, event.code == close_code::kNone ? std::string() : close_payload(event.code, {}));
        static_cast<void>(stream.write(out.view()));
        fail_closed(event.code, reason);
      }
      case MessageReader::Kind::Error: {
        queue_frame(Opcode::Close, close_payload(event.code, event.data));
        static_cast<void>(stream.write(out.view()));
        throw NetError(event.code == close_code::kTooBig ? ErrorKind::TooLarge : ErrorKind::Protocol,
                       "the server sent " + std::string(event.data), sent);
      }
    }
  }
}

WebSocketConnection::WebSocketConnection(Origin origin, ClientOptions options) : state_(std::make_unique<State>()) {
  state_->origin = std::move(origin);
  state_->options = std::move(options);
}

WebSocketConnection::~WebSocketConnection() = default;
WebSocketConnection::WebSocketConnection(WebSocketConnection&&) noexcept = default;
WebSocketConnection& WebSocketConnection::operator=(WebSocketConnection&&) noexcept = default;

std::string WebSocketConnection::connect(std::string_view target, std::span<const std::string_view> subprotocols,
                                         std::span<const Header> headers, const Wait& wait) {
  State& state = *state_;
  state.stream.close();
  state.open = false;
  state.sent = false;
  state.in.clear();
  state.out.clear();
  state.reader = MessageReader(false, state.options.max_message_bytes);
  return state.guarded([&] {
    // The handshake is part of connecting, so the same time limits it.
    Wait limited = wait;
    if (state.options.connect_timeout.count() > 0) {
      limited.deadline = earlier(limited.deadline, Deadline::after(state.options.connect_timeout));
    }
    state.stream = connect_to(state.origin, state.options, limited, true).stream;
    ++state.statistics.connects;
    std::string chosen = state.handshake(target, subprotocols, headers, limited);
    state.open = true;
    return chosen;
  });
}

bool WebSocketConnection::is_open() const noexcept { return state_->open; }

void WebSocketConnection::send(MessageType type, std::string_view data, const Wait& wait) {
  State& state = *state_;
  state.sent = false;
  state.require_open();
  state.guarded([&] {
    state.reader.release(state.in);
    ++state.statistics.requests;
    state.queue_frame(type == MessageType::Text ? Opcode::Text : Opcode::Binary, data);
    state.flush(wait);
  });
}

Message WebSocketConnection::receive(const Wait& wait) {
  State& state = *state_;
  state.require_open();
  return state.guarded([&] {
    for (;;) {
      if (const std::optional<Message> message = state.take(wait)) return *message;
      const IoState io = state.fill();
      if (io == IoState::Closed || io == IoState::Failed) state.fail_closed(close_code::kAbnormal, {});
      if (io != IoState::Ready) state.wait_for_io(io, wait, "waiting for a message");
    }
  });
}

std::optional<Message> WebSocketConnection::try_receive(const Wait& wait) {
  State& state = *state_;
  state.require_open();
  return state.guarded([&]() -> std::optional<Message> {
    for (;;) {
      if (const std::optional<Message> message = state.take(wait)) return message;
      const IoState io = state.fill();
      if (io == IoState::Closed || io == IoState::Failed) state.fail_closed(close_code::kAbnormal, {});
      if (io == IoState::Ready) continue;
      if (state.in.empty()) return std::nullopt;
      state.wait_for_io(io, wait, "waiting for the rest of a message");
    }
  });
}

void WebSocketConnection::close(int code, std::string_view reason, const Wait& wait) noexcept {
  State& state = *state_;
  if (state.open) {
    try {
      state.queue_frame(Opcode::Close, close_payload(code, reason));
      state.reader.release(state.in);
      state.flush(wait);
      for (;;) {
        const MessageReader::Event event = state.reader.next(state.in);
        if (event.kind == MessageReader::Kind::Close || event.kind == MessageReader::Kind::Error) break;
        if (event.kind != MessageReader::Kind::NeedMore) continue;
        const IoState io = state.fill();
        if (io == IoState::Closed || io == IoState::Failed) break;
        if (io != IoState::Ready) state.wait_for_io(io, wait, "waiting for the peer's Close");
      }
    } catch (const std::exception&) {
      // The connection ends in any case; that it did not end well concerns nobody any more.
    }
  }
  state.stream.close();
  state.open = false;
}

const ConnectionStatistics& WebSocketConnection::statistics() const noexcept { return state_->statistics; }

}  // namespace libsql::net

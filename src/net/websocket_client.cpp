#include "net/websocket_client.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "net/connect.hpp"
#include "net/http_parser.hpp"
#include "net/patient_stream.hpp"

namespace libsql::net {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using ErrorCode = boost::beast::error_code;

constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::size_t kMaxRefusal = 64 * 1024;
constexpr std::size_t kKeptMemory = 1024 * 1024;
constexpr std::uint64_t kMaxKept = 64 * 1024 * 1024;  // of what arrives while something is sent
constexpr std::size_t kMasked = 64 * 1024;            // what is masked, and written, at once
constexpr int kAbnormal = static_cast<int>(websocket::close_code::abnormal);

// Beast's streams belong to a context even if, like ours, they do nothing in the background. It is never run, and lives
// as long as the process, because a WebSocket may too.
asio::io_context& idle_context() {
  static asio::io_context& context = *new asio::io_context(1);
  return context;
}

// The connection as Beast wants to see it: a SyncStream.
struct Transport {
  using executor_type = asio::io_context::executor_type;

  explicit Transport(PatientStream& patient) : stream(&patient) {}
  executor_type get_executor() const noexcept { return idle_context().get_executor(); }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, ErrorCode& error) {
    error = {};
    if (before_read) std::exchange(before_read, nullptr)();
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::mutable_buffer buffer = *at;
      if (buffer.size() == 0) continue;
      std::size_t size = buffer.size();
      if (head_left != 0) size = std::min(size, head_left);
      const std::size_t got = stream->read(static_cast<char*>(buffer.data()), size);
      head_left -= std::min(head_left, got);
      if (got == 0) error = asio::error::eof;
      return got;
    }
    return 0;
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, ErrorCode& error) {
    error = {};
    std::string_view pieces[2];
    std::size_t count = 0;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers) && count < 2; ++at) {
      const asio::const_buffer buffer = *at;
      if (buffer.size() != 0) pieces[count++] = {static_cast<const char*>(buffer.data()), buffer.size()};
    }
    if (count == 0) return 0;
    const std::size_t put = stream->write(pieces[0], pieces[1]);
    if (put == 0) error = asio::error::broken_pipe;
    return put;
  }

  // Both are part of what Beast asks of a SyncStream, and not used by it.
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    ErrorCode error;
    const std::size_t got = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return got;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    ErrorCode error;
    const std::size_t put = write_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return put;
  }

  PatientStream* stream;
  std::function<void()> before_read;
  std::size_t head_left = 0;  // of the handshake's answer: what follows are frames
};

// The end of the connection is the owner's business.
[[maybe_unused]] void teardown(boost::beast::role_type, Transport&, ErrorCode& error) { error = {}; }

using BeastStream = websocket::stream<Transport, false>;

websocket::close_reason close_reason(int code, std::string_view text) {
  websocket::close_reason reason(static_cast<websocket::close_code>(code));
  if (text.size() > reason.reason.max_size()) {
    std::size_t length = reason.reason.max_size();
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
    text = text.substr(0, length);
  }
  reason.reason.assign(text.data(), text.size());
  return reason;
}

}  // namespace

struct WebSocketConnection::State {
  Origin origin;
  ClientOptions options;
  std::optional<PatientStream> stream;
  std::optional<BeastStream> websocket;  // there while it is open
  ByteBuffer message;
  bool message_done = false;  // `message` is what the last call handed out, else the beginning of the next one
  ConnectionStatistics statistics;
  std::string answer_text;  // the head of the answer to the handshake, and what it says
  ResponseHead answer;

  // What is known of the connections before this one is in `statistics` already.
  void count() noexcept {
    if (!stream) return;
    statistics.bytes_sent += std::exchange(stream->bytes_sent, 0);
    statistics.bytes_received += std::exchange(stream->bytes_received, 0);
  }

  void end() noexcept {
    count();
    websocket.reset();
    stream.reset();
    message.release();
    message_done = false;
  }

  template <class Step>
  auto guarded(Step step) {
    try {
      return step();
    } catch (...) {
      end();
      throw;
    }
  }

  BeastStream& require_open() {
    if (!websocket) throw NetError(ErrorKind::Closed, "the WebSocket is not open");
    return *websocket;
  }

  [[noreturn]] void fail(const ErrorCode& error);
  [[noreturn]] void fail_sending(const ErrorCode& error);
  std::string handshake(std::string_view target, std::span<const std::string_view> subprotocols,
                        std::span<const Header> headers);
  std::string take_answer(std::span<const std::string_view> subprotocols);
  [[noreturn]] void refuse(HttpParser& parser, int status);
  Message receive();
};

// Throws what `error` means.
void WebSocketConnection::State::fail(const ErrorCode& error) {
  const bool sent = stream->sent;
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
    throw NetError(ErrorKind::TooLarge, "the server sent a message that is too long", sent);
  }
  if (error != websocket::error::closed && error.category() == ErrorCode(websocket::error::closed).category()) {
    throw NetError(ErrorKind::Protocol, "the server broke the WebSocket protocol: " + error.message(), sent);
  }
  const bool closed = error == websocket::error::closed;
  const int code = closed ? static_cast<int>(websocket->reason().code) : kAbnormal;
  const std::string reason = closed ? std::string(websocket->reason().reason.c_str()) : std::string();
  NetError failure(ErrorKind::Closed,
                   closed ? "the server closed the WebSocket with code " + std::to_string(code) +
                                (reason.empty() ? "" : ": " + reason)
                          : std::string("the WebSocket connection broke"),
                   sent);
  failure.close_code = code;
  failure.close_reason = reason;
  throw failure;
}

// Throws what the peer said before it stopped taking what is sent, which tells more than that it is gone: a Close, say,
// because the message is too long. After a failed write Beast reads nothing any more.
void WebSocketConnection::State::fail_sending(const ErrorCode& error) {
  constexpr unsigned kClose = 0x88, kSmall = 126;  // RFC 6455 5.2: the last frame of its message, a Close; its length
  ByteBuffer& in = stream->kept();
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in.view()[i]); };
  const auto has = [&](std::size_t size) {
    while (in.size() < size && in.size() < kMaxKept && stream->fill()) {
    }
    return in.size() >= size;
  };
  while (has(2)) {
    const bool is_close = byte(0) == kClose;
    std::size_t head = 2;
    std::uint64_t length = byte(1);
    if (length >= kSmall) {
      const std::size_t extra = length == kSmall ? 2 : 8;
      if (length > kSmall + 1 || !has(head + extra)) break;
      length = 0;
      for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(head + i);
      head += extra;
    }
    if (length > kMaxKept || !has(head + static_cast<std::size_t>(length))) break;
    if (is_close && length >= 2) {
      NetError failure(ErrorKind::Closed, "the server closed the WebSocket", stream->sent);
      failure.close_code = byte(head) << 8 | byte(head + 1);
      failure.close_reason = in.view().substr(head + 2, static_cast<std::size_t>(length) - 2);
      throw failure;
    }
    in.consume(head + static_cast<std::size_t>(length));
  }
  fail(error);
}

// Collects the beginning of the body of an answer other than 101, for the message.
void WebSocketConnection::State::refuse(HttpParser& parser, int status) {
  NetError error(ErrorKind::Refused, "the server refused the WebSocket with status " + std::to_string(status), true);
  error.status = status;
  ByteBuffer& in = stream->kept();
  try {
    while (parser.state() == HttpParser::State::More && error.body.size() < kMaxRefusal) {
      const HttpParser::Step step = parser.next(in.view());
      error.body.append(step.data.substr(0, kMaxRefusal - error.body.size()));
      in.consume(step.consumed);
      if (step.consumed == 0 && !stream->fill()) break;
    }
  } catch (const NetError& incomplete) {
    if (incomplete.kind() == ErrorKind::Interrupted) throw;
    // The refusal itself is known, and matters more than the rest of its text.
  }
  throw error;
}

// Reads the head of the answer to the handshake, and leaves it for Beast, which checks the rest. Returns the
// subprotocol.
std::string WebSocketConnection::State::take_answer(std::span<const std::string_view> subprotocols) {
  ByteBuffer& in = stream->kept();
  HttpParser parser;
  ResponseHead& head = answer;
  std::string& text = answer_text;
  for (;;) {
    std::size_t from = 0;
    std::size_t length = 0;
    while ((length = find_head_end(in.view(), from)) == 0) {
      if (in.size() > options.max_head_bytes) {
        throw NetError(ErrorKind::TooLarge, "the handshake's answer is too long", true);
      }
      if (!stream->fill()) {
        throw NetError(ErrorKind::Closed, "the server closed the connection during the handshake", true);
      }
    }
    text.assign(in.data(), length);
    if (const auto error = parser.take_response_head(text, "GET", head)) {
      throw NetError(ErrorKind::Protocol, std::string("the handshake's answer is malformed: ") + error->reason, true);
    }
    if (head.status == 101) break;
    in.consume(length);
    if (head.status >= 200) refuse(parser, head.status);
  }
  websocket->next_layer().head_left = text.size();
  if (find_header(head.headers, "Sec-WebSocket-Extensions")) {
    throw NetError(ErrorKind::Protocol, "the handshake's answer has an extension that was not offered", true);
  }
  const std::string_view chosen = find_header(head.headers, "Sec-WebSocket-Protocol").value_or(std::string_view());
  const bool offered = std::any_of(subprotocols.begin(), subprotocols.end(),
                                   [&](std::string_view name) { return equals_ignoring_case(name, chosen); });
  if (!chosen.empty() && !offered) {
    throw NetError(ErrorKind::Protocol, "the handshake's answer has a subprotocol that was not offered", true);
  }
  return std::string(chosen);
}

std::string WebSocketConnection::State::handshake(std::string_view target,
                                                  std::span<const std::string_view> subprotocols,
                                                  std::span<const Header> headers) {
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) throw std::invalid_argument("the target has a space");
  }
  std::string names;
  for (const std::string_view name : subprotocols) {
    if (!is_token(name)) throw std::invalid_argument("a subprotocol's name is malformed");
    names.append(names.empty() ? "" : ", ").append(name);
  }
  for (const Header& header : headers) {
    if (!is_token(header.name) || !is_field_value(header.value))
      throw std::invalid_argument("a header field is malformed");
  }
  websocket->set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
    if (!names.empty()) request.set("Sec-WebSocket-Protocol", names);
    for (const Header& header : headers) {
      request.insert({header.name.data(), header.name.size()}, {header.value.data(), header.value.size()});
    }
  }));
  websocket->auto_fragment(false);
  websocket->write_buffer_bytes(kMasked);
  websocket->read_message_max(static_cast<std::size_t>(options.max_message_bytes));

  // Beast's own reader of the answer knows neither our limits nor 103, and drops what a refusal says.
  std::string chosen;
  websocket->next_layer().before_read = [&] { chosen = take_answer(subprotocols); };
  ErrorCode error;
  const std::string host = origin.authority();
  websocket->handshake(host, {target.data(), target.size()}, error);
  if (error == asio::error::eof || error == asio::error::broken_pipe) {
    throw NetError(ErrorKind::Closed, "the server closed the connection during the handshake", stream->sent);
  }
  if (error) throw NetError(ErrorKind::Protocol, "the handshake's answer is malformed: " + error.message(), true);
  return chosen;
}

Message WebSocketConnection::State::receive() {
  if (std::exchange(message_done, false)) message.clear();
  if (message.empty() && message.capacity() > kKeptMemory) message.release();
  do {
    // Memory follows what really arrives, not what a peer announces.
    char* to = message.prepare(message.size() < kReadSize ? 4096 : message.size());
    ErrorCode error;
    const std::size_t got = websocket->read_some(asio::buffer(to, message.room()), error);
    message.commit(got);
    if (error) fail(error);
  } while (!websocket->is_message_done());
  message_done = true;
  count();
  return {websocket->got_text() ? MessageType::Text : MessageType::Binary, message.view()};
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
  state.end();
  return state.guarded([&] {
    // The handshake is part of connecting, so the same time limits it.
    Wait limited = wait;
    if (state.options.connect_timeout.count() > 0) {
      limited.deadline = earlier(limited.deadline, Deadline::after(state.options.connect_timeout));
    }
    Connected connected = connect_to(state.origin, state.options, limited, true);
    state.statistics.resumptions += connected.stream.resumed() ? 1 : 0;
    state.stream.emplace(std::move(connected.stream), std::min(state.options.max_message_bytes, kMaxKept));
    ++state.statistics.connects;
    state.websocket.emplace(*state.stream);
    state.stream->set_wait(limited, "the server answered the handshake");
    std::string chosen = state.handshake(target.empty() ? "/" : target, subprotocols, headers);
    state.count();
    return chosen;
  });
}

bool WebSocketConnection::is_open() const noexcept { return state_->websocket.has_value(); }

std::optional<std::string_view> WebSocketConnection::header(std::string_view name) const noexcept {
  return find_header(state_->answer.headers, name);
}

void WebSocketConnection::send(MessageType type, std::string_view data, const Wait& wait) {
  State& state = *state_;
  BeastStream& websocket = state.require_open();
  state.guarded([&] {
    ++state.statistics.requests;
    state.stream->sent = false;
    state.stream->set_wait(wait, "the message was sent");
    websocket.text(type == MessageType::Text);
    ErrorCode error;
    websocket.write(asio::buffer(data.data(), data.size()), error);
    if (error) state.fail_sending(error);
    state.count();
  });
}

Message WebSocketConnection::receive(const Wait& wait) {
  State& state = *state_;
  state.require_open();
  return state.guarded([&] {
    state.stream->set_wait(wait, "waiting for a message");
    return state.receive();
  });
}

std::optional<Message> WebSocketConnection::try_receive(const Wait& wait) {
  State& state = *state_;
  state.require_open();
  return state.guarded([&]() -> std::optional<Message> {
    state.stream->set_wait(wait, "a ping was answered");
    state.stream->forbid_waiting();
    try {
      return state.receive();
    } catch (const PatientStream::NothingYet&) {
      state.count();  // What has arrived of a message is kept, by Beast and in `message`.
      return std::nullopt;
    }
  });
}

void WebSocketConnection::close(int code, std::string_view reason, const Wait& wait) noexcept {
  State& state = *state_;
  if (state.websocket) {
    try {
      state.stream->set_wait(wait, "waiting for the peer's Close");
      ErrorCode error;
      state.websocket->close(close_reason(code, reason), error);
    } catch (const std::exception&) {
      // The connection ends in any case; how it ended no longer matters.
    }
  }
  state.end();
}

const ConnectionStatistics& WebSocketConnection::statistics() const noexcept { return state_->statistics; }

}  // namespace libsql::net

#include "server/hrana/hrana_websocket.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/clock.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "hrana/extensions.hpp"
#include "hrana/response_writer.hpp"
#include "server/base/failure.hpp"
#include "server/http/http_answer.hpp"
#include "server/run/decoding_share.hpp"
#include "server/run/request_run.hpp"

namespace libsql::server {
namespace {

// Close codes: RFC 6455, 7.4.1.
constexpr int kNormal = 1000, kUnsupportedData = 1003, kInvalidPayload = 1007, kPolicyViolation = 1008, kTooBig = 1009,
              kInternalError = 1011, kTryAgainLater = 1013;

constexpr std::array<Subprotocol, 4> kSubprotocols = {{{"hrana3-protobuf", 3, hrana::Encoding::Protobuf},
                                                       {"hrana3", 3, hrana::Encoding::Json},
                                                       {"hrana2", 2, hrana::Encoding::Json},
                                                       {"hrana1", 1, hrana::Encoding::Json}}};

}  // namespace

const Subprotocol* choose_subprotocol(std::string_view offered) noexcept {
  const net::Header header{"sec-websocket-protocol", offered};
  for (const Subprotocol& protocol : kSubprotocols) {
    if (net::has_token({&header, 1}, header.name, protocol.name)) return &protocol;
  }
  return nullptr;
}

const Subprotocol& first_subprotocol() noexcept { return kSubprotocols.back(); }

void accept_hrana(net::Exchange& exchange, ServerState& state, std::string name_space) {
  const net::Request& request = exchange.request();
  const auto offered = request.header("sec-websocket-protocol");
  const Subprotocol* const chosen = offered ? choose_subprotocol(*offered) : &first_subprotocol();
  if (chosen == nullptr) {
    return answer_error(exchange, 400,
                        "Only these WebSocket subprotocols are supported: hrana3-protobuf hrana3 hrana2 hrana1",
                        "UNSUPPORTED_SUBPROTOCOL");
  }
  static constexpr net::Header kKept{hrana::kBusyTimeoutHeader, hrana::kKeepsBusyTimeout};
  exchange.accept_websocket(std::make_shared<HranaWebSocket>(state, *chosen, std::move(name_space)),
                            offered ? chosen->name : std::string_view(), {&kKept, 1});
}

HranaWebSocket::HranaWebSocket(ServerState& state, const Subprotocol& protocol, std::string name_space)
    : state_(state),
      protocol_(protocol),
      name_(std::move(name_space)),
      stored_(state.options.limits.stored_sql_websocket, state.options.limits.stored_sql_websocket_bytes) {
  state_.websockets.fetch_add(1, std::memory_order_relaxed);
  if (state_.options.observer) state_.options.observer->happened(Event::WebSocketOpened, name_);
}

HranaWebSocket::~HranaWebSocket() {
  cancel_all();
  state_.websockets.fetch_sub(1, std::memory_order_relaxed);
  if (state_.options.observer) state_.options.observer->happened(Event::WebSocketClosed, name_);
}

void HranaWebSocket::cancel_all() noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, stream] : streams_) {
    if (stream != nullptr) stream->cancel();
  }
  for (const auto& closing : closing_) {
    if (const std::shared_ptr<WebSocketStream> stream = closing.lock()) stream->cancel();
  }
}

void HranaWebSocket::on_drained(net::WebSocketSession&) noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, stream] : streams_) {
    if (stream != nullptr) stream->peer_has_taken_all();
  }
  for (const auto& closing : closing_) {
    if (const std::shared_ptr<WebSocketStream> stream = closing.lock()) stream->peer_has_taken_all();
  }
}

// Counts the WebSocket against the budgets of its bearer and namespace. Throws RequestRefused.
void HranaWebSocket::count_with(const Context& context) {
  Takers takers = context.takers();
  if (place_ != nullptr && takers.bearer == counted_with_.bearer && takers.name_space == counted_with_.name_space)
    return;
  Budget& budget = state_.budgets.websockets;
  auto place = std::make_unique<BudgetShare>(budget, takers);
  if (const Whose whose = place->take(1); whose != Whose::Nobody) {
    throw RequestRefused(429, "TOO_MANY_REQUESTS",
                         "Too many WebSockets: " + std::string(to_string(whose)) + " limit is " +
                             std::to_string(budget.most_of(whose)) + " at once");
  }
  place_ = std::move(place);
  counted_with_ = std::move(takers);
}

void HranaWebSocket::on_peer_gone(net::WebSocketSession&) noexcept { cancel_all(); }

void HranaWebSocket::on_close(net::WebSocketSession&, int, std::string_view) noexcept {
  cancel_all();
  cursors_.clear();
  std::unordered_map<std::int32_t, std::shared_ptr<WebSocketStream>> ended;
  const std::lock_guard lock(mutex_);
  ended.swap(streams_);
}

void HranaWebSocket::send(net::WebSocketSession& session, std::string_view message) {
  session.send(protocol_.encoding == hrana::Encoding::Json ? net::MessageType::Text : net::MessageType::Binary,
               message);
}

void HranaWebSocket::on_message(net::WebSocketSession& session, net::MessageType type, std::string_view data) {
  const bool is_json = protocol_.encoding == hrana::Encoding::Json;
  if ((type == net::MessageType::Text) != is_json) {
    return session.close(kUnsupportedData,
                         is_json ? "Only text messages are accepted" : "Only binary messages are accepted");
  }
  try {
    std::optional<DecodingShare> memory;
    if (name_space_ == nullptr) {
      memory.emplace(state_.budgets.decoded);
    } else {
      memory.emplace(state_.budgets.decoded, *identity_, *name_space_, state_.options);
    }
    memory->add(data.size());
    auto message = hrana::decode_client_message(protocol_.encoding, core::Source(std::string(data)).within(*memory),
                                                state_.options.limits.json_depth);
    if (const auto* said = std::get_if<hrana::Hello>(&*message)) return hello(session, *said);
    if (name_space_ == nullptr) throw ProtocolViolation("The first message must be a hello");
    request(session, std::move(message), memory->take());
  } catch (const hrana::DecodeError& error) {
    const bool unknown = error.kind() == hrana::DecodeError::Kind::UnknownType;
    session.close(unknown && !is_json ? kPolicyViolation : kInvalidPayload, error.what());
  } catch (const ProtocolViolation& error) {
    session.close(kPolicyViolation, error.what());
  } catch (const RequestRefused& refused) {
    session.close(refused.status() == 413 ? kTooBig : kTryAgainLater, refused.what());
  }
}

void HranaWebSocket::hello(net::WebSocketSession& session, const hrana::Hello& hello) {
  if (name_space_ != nullptr && protocol_.version < 2) {
    throw ProtocolViolation("A second hello is only supported in protocol version hrana2 and higher");
  }
  std::string out;
  try {
    authenticate(session, hello.jwt);
    jwt_ = hello.jwt ? std::optional<std::string>(*hello.jwt) : std::nullopt;
    hrana::encode(protocol_.encoding, hrana::ServerMessage(hrana::HelloOk{}), out);
    send(session, out);
  } catch (const AuthError& error) {
    const std::string text = "Authentication failed: " + std::string(error.what());
    hrana::encode(protocol_.encoding, hrana::ServerMessage(hrana::HelloError{{text, error.code(), {}}}), out);
    send(session, out);
    session.close(kNormal, {});
  } catch (const RequestRefused& refused) {
    session.close(kInternalError, refused.what());
  } catch (const NamespaceError& error) {  // too many are in use
    session.close(kInternalError, error.what());
  }
}

// Throws what context_for() throws, and RequestRefused for too many WebSockets; nothing is changed then.
void HranaWebSocket::authenticate(net::WebSocketSession& session, std::optional<std::string_view> jwt) {
  const std::optional<std::uint64_t> rules = state_.options.authenticator->version();
  const Context context = context_for(state_, {Credentials::Source::Hello, jwt}, name_);
  count_with(context);
  session.set_known(memory_of(state_, context.identity()));
  identity_ = context.shared_identity();
  name_space_ = context.shared_namespace();
  config_ = context.shared_config();
  rules_ = rules;
}

// Whether nothing has happened since the last check that could have invalidated the credentials.
bool HranaWebSocket::is_known_good() const {
  if (!rules_ || rules_ != state_.options.authenticator->version() || config_ != name_space_->config() ||
      name_space_->is_closed()) {
    return false;
  }
  const auto until = identity_->good_until();
  return !until || core::WallClock::now() < *until;
}

// A WebSocket may outlive the credentials it was opened with. Its requests then fail until another hello brings valid
// ones, except for those that only close something.
bool HranaWebSocket::refuse(net::WebSocketSession& session, const hrana::WebSocketRequest& request) {
  using Type = hrana::RequestType;
  const Type type = hrana::type_of(request.request);
  if (type == Type::Close || type == Type::CloseCursor || type == Type::CloseSql || is_known_good()) return false;
  std::string code;
  std::string message;
  try {
    authenticate(session, jwt_);
    return false;
  } catch (const AuthError& error) {
    code = error.code();
    message = "Authentication failed: " + std::string(error.what());
  } catch (const RequestRefused& refused) {  // the namespace is gone, or the bearer has lost its rights in it
    code = refused.code();
    message = refused.what();
  }
  note_unopened(request);
  std::string out;
  hrana::ResponseWriter writer = hrana::ResponseWriter::web_socket(protocol_.encoding, out);
  writer.begin(request.request_id);
  writer.fail({message, code, {}});
  send(session, out);
  return true;
}

void HranaWebSocket::open_stream(net::WebSocketSession& session, const Context& context, std::int32_t id) {
  const std::lock_guard lock(mutex_);
  if (streams_.contains(id)) throw ProtocolViolation("Stream " + std::to_string(id) + " is already open");
  // Streams that are closing, but still run jobs, count too.
  const std::size_t most = state_.options.limits.websocket_streams;
  if (streams_.size() + closing_.size() >= most) {
    std::erase_if(closing_, [](const auto& closing) { return closing.expired(); });
  }
  if (streams_.size() + closing_.size() >= most) {
    note_unopened_stream(id);
    throw StatementFailure("TOO_MANY_STREAMS", "Too many streams are open: this WebSocket's limit is reached");
  }
  auto stream = std::make_shared<WebSocketStream>(state_, context, protocol_.encoding, session.shared_from_this());
  if (const Whose whose = stream->take_place(); whose != Whose::Nobody) {
    note_unopened_stream(id);
    throw_too_many_streams(whose);
  }
  streams_.emplace(id, std::move(stream));
}

// What could not be opened stays until its client closes it: clients go on with it, and close it, before they have seen
// the error or in answer to it. Needs the mutex.
void HranaWebSocket::note_unopened_stream(std::int32_t id) {
  if (streams_.size() >= 2 * state_.options.limits.websocket_streams) {
    throw ProtocolViolation("Too many streams are open");
  }
  streams_.emplace(id, nullptr);
}

// A stream has one such cursor at most, so that they cannot be more than the streams.
void HranaWebSocket::note_unopened_cursor(std::int32_t id, std::int32_t stream) {
  const bool has_one = std::any_of(cursors_.begin(), cursors_.end(), [&](const auto& entry) {
    return entry.second.stream == nullptr && entry.second.stream_id == stream;
  });
  if (has_one) throw ProtocolViolation("The stream already has a cursor");
  if (!cursors_.try_emplace(id, Cursor{nullptr, stream}).second) {
    throw ProtocolViolation("Cursor " + std::to_string(id) + " is already open");
  }
}

// For a request that was refused before anybody looked at what it asks.
void HranaWebSocket::note_unopened(const hrana::WebSocketRequest& request) {
  const auto* const cursor = std::get_if<hrana::OpenCursorRequest>(&request.request);
  const bool opens_stream = hrana::type_of(request.request) == hrana::RequestType::OpenStream;
  if (cursor == nullptr && !opens_stream) return;
  const std::lock_guard lock(mutex_);
  const bool is_there = streams_.contains(request.stream_id);
  if (is_there == opens_stream) {
    throw ProtocolViolation("Stream " + std::to_string(request.stream_id) + " is " + (is_there ? "already" : "not") +
                            " open");
  }
  if (opens_stream) return note_unopened_stream(request.stream_id);
  note_unopened_cursor(cursor->cursor_id, request.stream_id);
}

// For requests that belong to no stream, and the one that opens a stream. They are run at once, not queued, because the
// requests behind them may depend on them.
class HranaWebSocket::AtOnce final : public StreamHost {
 public:
  AtOnce(HranaWebSocket& socket, net::WebSocketSession& session, const Context& context, std::int32_t stream) noexcept
      : socket_(socket), session_(session), context_(context), stream_(stream) {}
  void store_sql(const hrana::StoreSqlRequest& request) override {
    socket_.stored_.store(request.sql_id, request.sql, socket_.state_.budgets.stored_sql, context_.takers());
  }
  void close_sql(std::int32_t id) override { socket_.stored_.close(id); }
  void open_stream() override { socket_.open_stream(session_, context_, stream_); }

 private:
  HranaWebSocket& socket_;
  net::WebSocketSession& session_;
  const Context& context_;
  const std::int32_t stream_;
};

void HranaWebSocket::answer_at_once(net::WebSocketSession& session, const hrana::WebSocketRequest& request) {
  std::string out;
  hrana::ResponseWriter writer = hrana::ResponseWriter::web_socket(protocol_.encoding, out);
  writer.begin(request.request_id);
  const Context context(name_space_, identity_, state_.namespaces, state_.options);
  AtOnce host(*this, session, context, request.stream_id);
  Cancellation cancellation;
  ResponseShare share(state_.budgets.responses, context);
  try {
    RequestRun(host, context, cancellation, share).answer(request.request, {}, writer);
  } catch (const StatementFailure& failure) {
    writer.fail({failure.what(), failure.code(), {}});
  }
  send(session, out);
}

// Clients send requests for a stream without waiting for the answer to its open_stream, which was an error.
void HranaWebSocket::answer_without_stream(net::WebSocketSession& session, const hrana::WebSocketRequest& request) {
  std::string out;
  hrana::ResponseWriter writer = hrana::ResponseWriter::web_socket(protocol_.encoding, out);
  writer.begin(request.request_id);
  const hrana::RequestType type = hrana::type_of(request.request);
  if (type == hrana::RequestType::Close || type == hrana::RequestType::CloseCursor) {
    writer.done(type);
  } else if (type == hrana::RequestType::FetchCursor) {
    writer.fail({"The cursor is not open", "CURSOR_NOT_OPEN", {}});
  } else {
    writer.fail({"The stream was not opened, because too many are open", "TOO_MANY_STREAMS", {}});
  }
  send(session, out);
}

std::shared_ptr<WebSocketStream> HranaWebSocket::stream_for(const hrana::WebSocketRequest& request) {
  const auto of_cursor = [&](std::int32_t id) {
    const auto found = cursors_.find(id);
    if (found == cursors_.end()) throw ProtocolViolation("Cursor " + std::to_string(id) + " is not open");
    return found;
  };
  if (const auto* fetch = std::get_if<hrana::FetchCursorRequest>(&request.request)) {
    return of_cursor(fetch->cursor_id)->second.stream;
  }
  if (const auto* close = std::get_if<hrana::CloseCursorRequest>(&request.request)) {
    const auto found = of_cursor(close->cursor_id);
    std::shared_ptr<WebSocketStream> stream = std::move(found->second.stream);
    if (stream != nullptr) stream->has_cursor = false;
    cursors_.erase(found);
    return stream;
  }
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(request.stream_id);
  if (found == streams_.end()) throw ProtocolViolation("Stream " + std::to_string(request.stream_id) + " is not open");
  std::shared_ptr<WebSocketStream> stream = found->second;
  const auto* const open = std::get_if<hrana::OpenCursorRequest>(&request.request);
  if (stream == nullptr) {
    if (open != nullptr) note_unopened_cursor(open->cursor_id, request.stream_id);
  } else if (open != nullptr) {
    if (stream->has_cursor) throw ProtocolViolation("The stream already has a cursor");
    if (!cursors_.try_emplace(open->cursor_id, Cursor{stream, request.stream_id}).second) {
      throw ProtocolViolation("Cursor " + std::to_string(open->cursor_id) + " is already open");
    }
    stream->has_cursor = true;
  }
  if (hrana::type_of(request.request) == hrana::RequestType::Close) {
    std::erase_if(cursors_, [&](const auto& entry) { return entry.second.stream_id == request.stream_id; });
    std::erase_if(closing_, [](const auto& closing) { return closing.expired(); });
    if (stream != nullptr) closing_.push_back(stream);
    streams_.erase(found);
  }
  return stream;
}

void HranaWebSocket::request(net::WebSocketSession& session, core::Decoded<hrana::ClientMessage> message,
                             std::optional<BudgetShare> memory) {
  using Type = hrana::RequestType;
  const hrana::WebSocketRequest& request = std::get<hrana::WebSocketRequest>(*message);
  const Type type = hrana::type_of(request.request);
  if (refuse(session, request)) return;
  if (type == Type::OpenStream || type == Type::StoreSql || type == Type::CloseSql) {
    return answer_at_once(session, request);
  }
  const std::shared_ptr<WebSocketStream> stream = stream_for(request);
  if (stream == nullptr) return answer_without_stream(session, request);
  WebSocketJob job{std::move(message), identity_, {}, {}, std::move(memory)};
  // A stored text's number is resolved now, because a later message may close it before the job runs.
  job.texts = RequestTexts(job.request().request, [&](const hrana::Sql& sql) {
    std::shared_ptr<const std::string> stored = stored_.share(sql);
    if (stored == nullptr) return *sql.text;
    job.stored.push_back(stored);
    return std::string_view(*stored);
  });
  stream->enqueue(std::move(job));
}

}  // namespace libsql::server

#include "remote/socket.hpp"

#include <array>

#include "core/errors.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "hrana/extensions.hpp"
#include "remote/failures.hpp"
#include "remote/http_client.hpp"

namespace libsql::remote {

SocketOptions socket_options(const Options& options, const Location& location) {
  SocketOptions socket;
  socket.location = location;
  socket.client = client_options(options, location);
  socket.headers = common_headers(options);
  socket.encoding = options.encoding;
  socket.retries = options.retries;
  return socket;
}

Socket::Socket(SocketOptions options) : options_(std::move(options)) {
  for (const auto& [name, value] : options_.headers) header_views_.push_back({name, value});
}

Socket::~Socket() {
  if (!is_open()) return;
  // The server ends all streams with the connection; this only lets it know at once and in order.
  connection_->close(1000, {}, {net::Deadline::after(std::chrono::milliseconds(50)), nullptr});
}

void Socket::drop() noexcept {
  connection_.reset();
  answers_.clear();
  ignored_.clear();
}

void Socket::ensure_open(const Call& call) {
  if (is_open()) {
    try {
      while (const auto message = connection_->try_receive(call.wait)) take(*message);
      return;
    } catch (const net::NetError& error) {
      if (error.kind() == net::ErrorKind::Interrupted || error.kind() == net::ErrorKind::Timeout) throw;
      drop();  // it was closed in the meantime
    }
  }
  connect(call);
}

void Socket::connect(const Call& call) {
  drop();
  auto connection = std::make_unique<net::WebSocketConnection>(options_.location.endpoint.origin, options_.client);
  std::vector<std::string_view> offered;
  if (options_.encoding != RemoteEncoding::Json) offered.emplace_back("hrana3-protobuf");
  if (options_.encoding != RemoteEncoding::Protobuf) {
    offered.emplace_back("hrana3");
    offered.emplace_back("hrana2");
  }
  const std::string& path = options_.location.endpoint.path;
  const auto begun = net::Deadline::Clock::now();
  const std::string chosen = connection->connect(path.empty() ? "/" : path, offered, header_views_, call.wait);
  opened_in_ = net::Deadline::Clock::now() - begun;
  keeps_busy_timeout_ = connection->header(hrana::kBusyTimeoutHeader) == hrana::kKeepsBusyTimeout;
  if (chosen == "hrana3-protobuf") {
    version_ = 3;
    encoding_ = hrana::Encoding::Protobuf;
  } else if (chosen == "hrana3" || chosen == "hrana2") {
    version_ = chosen == "hrana3" ? 3 : 2;
    encoding_ = hrana::Encoding::Json;
  } else {
    core::throw_error(ErrorCode::Protocol, chosen.empty() ? "the server speaks only the first version of the protocol"
                                                          : "the server speaks none of the protocol's versions");
  }
  connection_ = std::move(connection);
  ++generation_;
  next_request_ = next_stream_ = next_cursor_ = 0;
  // Requests follow without waiting for the answer.
  hrana::Hello hello;
  if (!options_.location.auth_token.empty()) hello.jwt = options_.location.auth_token;
  message_.clear();
  hrana::encode(encoding_, hrana::ClientMessage(hello), message_);
  connection_->send(encoding_ == hrana::Encoding::Json ? net::MessageType::Text : net::MessageType::Binary, message_,
                    call.wait);
}

std::int32_t Socket::send(const hrana::WebSocketRequest& message, const net::Wait& wait) {
  message_.clear();
  hrana::encode(encoding_, hrana::ClientMessage(message), message_);
  ++next_request_;
  if (connection_ == nullptr) throw net::NetError(net::ErrorKind::Closed, "the WebSocket is closed", false);
  connection_->send(encoding_ == hrana::Encoding::Json ? net::MessageType::Text : net::MessageType::Binary, message_,
                    wait);
  constexpr std::size_t kKept = std::size_t{1} << 20;
  if (message_.capacity() > kKept) std::string().swap(message_);
  return message.request_id;
}

void Socket::take(const net::Message& message) {
  const bool text = message.type == net::MessageType::Text;
  if (text != (encoding_ == hrana::Encoding::Json)) {
    drop();
    core::throw_error(ErrorCode::Protocol, "the server sent a message of another kind than agreed");
  }
  auto decoded = hrana::decode_server_message(encoding_, core::Source(std::string(message.data)));
  if (std::holds_alternative<hrana::HelloOk>(*decoded)) return;
  if (const auto* const refused = std::get_if<hrana::HelloError>(&*decoded)) {
    detail::ErrorData data = error_of(refused->error);
    data.code = ErrorCode::Auth;
    drop();
    core::throw_error(std::move(data));
  }
  std::int32_t id = 0;
  if (const auto* const ok = std::get_if<hrana::ResponseOk>(&*decoded)) id = ok->request_id;
  if (const auto* const failed = std::get_if<hrana::ResponseError>(&*decoded)) id = failed->request_id;
  if (id < 0 || id >= next_request_) {
    drop();
    core::throw_error(ErrorCode::Protocol, "the server answered a request that was not made");
  }
  if (ignored_.erase(id) != 0) return;
  answers_.emplace(id, std::move(decoded));
}

core::Decoded<hrana::ServerMessage> Socket::answer(std::int32_t request_id, const Call& call) {
  for (;;) {
    if (const auto found = answers_.find(request_id); found != answers_.end()) {
      auto answer = std::move(found->second);
      answers_.erase(found);
      return answer;
    }
    if (connection_ == nullptr) throw net::NetError(net::ErrorKind::Closed, "the WebSocket is closed", true);
    take(connection_->receive(call.wait));
  }
}

}  // namespace libsql::remote

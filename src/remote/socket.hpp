// One WebSocket to a server: requests by number, answers in any order.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/decoded.hpp"
#include "hrana/messages.hpp"
#include "net/websocket_client.hpp"
#include "remote/location.hpp"
#include "remote/options.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

struct SocketOptions {
  Location location;
  net::ClientOptions client;
  std::vector<std::pair<std::string, std::string>> headers;
  RemoteEncoding encoding = RemoteEncoding::Auto;
  unsigned retries = 3;
};

/// Throws Configuration.
SocketOptions socket_options(const Options& options, const Location& location);

/// Used by the thread that has the session.
class Socket {
 public:
  explicit Socket(SocketOptions options);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Connects if there is no connection, after looking whether there still is one. Throws NetError, Auth, Protocol.
  void ensure_open(const Call& call);
  bool is_open() const noexcept { return connection_ != nullptr && connection_->is_open(); }
  /// Another number means another connection: what was open at the server is gone.
  std::uint64_t generation() const noexcept { return generation_; }
  int version() const noexcept { return version_; }
  /// Whether the server waits for locks no longer than it is told; and how long it took to open the WebSocket.
  bool keeps_busy_timeout() const noexcept { return keeps_busy_timeout_; }
  std::chrono::nanoseconds opened_in() const noexcept { return opened_in_; }
  hrana::Encoding encoding() const noexcept { return encoding_; }
  unsigned retries() const noexcept { return options_.retries; }

  std::int32_t new_stream_id() noexcept { return next_stream_++; }
  std::int32_t new_cursor_id() noexcept { return next_cursor_++; }

  /// Sends a request; returns its number. Throws NetError, hrana::EncodeError.
  std::int32_t send(std::int32_t stream_id, const hrana::Request& request, const net::Wait& wait) {
    return send({next_request_, stream_id, request, {}}, wait);
  }
  /// The same for a request whose statements may wait for locks.
  std::int32_t send(std::int32_t stream_id, const hrana::Request& request, const Call& call) {
    return send({next_request_, stream_id, request, busy_timeout_of(call)}, call.wait);
  }
  /// Nobody waits for the answer to this request.
  void ignore(std::int32_t request_id) { ignored_.insert(request_id); }
  /// The answer to a request. Throws NetError; Auth if the server does not take the token; DecodeError, Protocol.
  core::Decoded<hrana::ServerMessage> answer(std::int32_t request_id, const Call& call);
  /// Gives the connection up.
  void drop() noexcept;

 private:
  std::int32_t send(const hrana::WebSocketRequest& message, const net::Wait& wait);
  void connect(const Call& call);
  void take(const net::Message& message);

  SocketOptions options_;
  std::vector<net::Header> header_views_;
  std::unique_ptr<net::WebSocketConnection> connection_;
  std::uint64_t generation_ = 0;
  int version_ = 3;
  bool keeps_busy_timeout_ = false;
  std::chrono::nanoseconds opened_in_{0};
  hrana::Encoding encoding_ = hrana::Encoding::Json;
  std::int32_t next_request_ = 0;
  std::int32_t next_stream_ = 0;
  std::int32_t next_cursor_ = 0;
  std::map<std::int32_t, core::Decoded<hrana::ServerMessage>> answers_;  // that nobody has asked for yet
  std::set<std::int32_t> ignored_;
  std::string message_;
};

}  // namespace libsql::remote

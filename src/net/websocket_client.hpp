// The client's end of a WebSocket (RFC 6455).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http_client.hpp"

namespace libsql::net {

/// A message; the view lives until the next call on its connection.
struct Message {
  MessageType type = MessageType::Text;
  std::string_view data;
};

/// Threads: one at a time; others end a waiting call through its Interrupt. After a NetError of any call the WebSocket
/// is closed; it never connects by itself.
class WebSocketConnection final {
 public:
  WebSocketConnection(Origin origin, ClientOptions options);
  ~WebSocketConnection();  ///< Closes the connection without a closing handshake.
  WebSocketConnection(WebSocketConnection&&) noexcept;
  WebSocketConnection& operator=(WebSocketConnection&&) noexcept;

  /// Connects and shakes hands. Returns the subprotocol that the server chose among `subprotocols`, empty if it chose
  /// none. Throws NetError; Refused if the server answered something else than 101 (its status and body are in the
  /// error).
  std::string connect(std::string_view target, std::span<const std::string_view> subprotocols,
                      std::span<const Header> headers, const Wait& wait);
  bool is_open() const noexcept;
  /// A field of the answer to the handshake, until the next one.
  std::optional<std::string_view> header(std::string_view name) const noexcept;

  /// Sends one message. While the peer does not take it, what the peer sends is read meanwhile and kept for receive(),
  /// so two peers that both send much do not block each other for ever. Throws NetError.
  void send(MessageType type, std::string_view data, const Wait& wait);

  /// The next message. Pings are answered in between. Throws NetError; Closed with close_code when the peer has closed.
  Message receive(const Wait& wait);
  /// The next message if one has arrived, without waiting for one to begin. An Interrupted or Timeout here or above
  /// leaves the WebSocket closed, so this is the way to look without risk.
  std::optional<Message> try_receive(const Wait& wait);

  /// Sends Close and waits for the peer's. Never throws; a failure ends the connection anyway. A code of 0 sends
  /// none.
  void close(int code, std::string_view reason, const Wait& wait) noexcept;

  const ConnectionStatistics& statistics() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace libsql::net

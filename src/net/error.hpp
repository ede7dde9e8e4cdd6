// What can go wrong between here and a peer.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace libsql::net {

enum class ErrorKind : std::uint8_t {
  Connect,      ///< no connection came about: name not found, refused, unreachable, or a proxy said no
  Tls,          ///< the handshake failed, or the certificate is not to be trusted
  Timeout,      ///< the deadline passed
  Interrupted,  ///< the Interrupt of the call was triggered
  Closed,       ///< the peer closed or reset the connection before its answer was complete
  Protocol,     ///< the peer said something that HTTP or WebSocket does not allow
  TooLarge,     ///< the answer or message exceeds the limit of this side
  Refused,      ///< the peer answered the WebSocket handshake with an HTTP answer of another kind (see status, body)
};

/// The name of the kind as written above, for logs. Valid for the program's lifetime.
const char* to_string(ErrorKind kind) noexcept;

/// What every call of this room throws; a text for users in what(). The connection that threw is closed; the next call
/// on it connects anew.
class NetError : public std::runtime_error {
 public:
  NetError(ErrorKind kind, const std::string& message, bool sent = false)
      : std::runtime_error(message), kind_(kind), sent_(sent) {}

  ErrorKind kind() const noexcept { return kind_; }
  /// Whether a byte of the request may have reached the peer. If not, sending it again is safe whatever it asks for.
  bool sent() const noexcept { return sent_; }

  /// Of Closed on a WebSocket: the code of the peer's Close frame (RFC 6455 7.4), 1005 for one without a code, 1006 if
  /// the connection ended without one. Else 0.
  int close_code = 0;
  /// The text of the peer's Close frame.
  std::string close_reason;
  /// Of Refused: the HTTP status and the beginning of the body (at most 64 KiB). Of Connect: the status with which a
  /// proxy refused, 0 if it was not that.
  int status = 0;
  std::string body;

 private:
  ErrorKind kind_;
  bool sent_;
};

}  // namespace libsql::net

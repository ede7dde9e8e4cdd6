// WebSocket frames (RFC 6455 5) without any I/O, as a server reads and writes them. Why they are not left to
// Boost.Beast, as the client's are, is in docs/architecture.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/byte_buffer.hpp"
#include "net/http.hpp"

namespace libsql::net {

enum class Opcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

/// Close codes of RFC 6455 7.4.1 that this room uses itself.
namespace close_code {
inline constexpr int kNormal = 1000;
inline constexpr int kGoingAway = 1001;
inline constexpr int kProtocolError = 1002;
inline constexpr int kNone = 1005;      ///< never sent: a Close frame without a code
inline constexpr int kAbnormal = 1006;  ///< never sent: the connection ended without a Close frame
inline constexpr int kInvalidData = 1007;
inline constexpr int kTooBig = 1009;
inline constexpr int kInternalError = 1011;
inline constexpr int kTryAgainLater = 1013;  ///< registered later (https://www.iana.org/assignments/websocket)
}  // namespace close_code

/// Whether a peer may send this code in a Close frame.
bool is_valid_close_code(int code) noexcept;

/// The header of a frame, built for sending.
struct FrameHeader {
  char bytes[14];
  std::size_t size = 0;
  std::string_view view() const noexcept { return {bytes, size}; }
};

/// Of a complete (unfragmented) frame. `mask`: null, or 4 bytes that the payload is then masked with.
FrameHeader make_frame_header(Opcode opcode, std::size_t length, const char* mask) noexcept;

/// Masks or unmasks in place (RFC 6455 5.3). `at`: where in the payload `data` begins.
void apply_mask(char* data, std::size_t size, const char mask[4], std::size_t at = 0) noexcept;

/// The payload of a Close frame; the reason is cut to 123 bytes, not within a character. Code 0: none.
std::string close_payload(int code, std::string_view reason);

/// Puts messages together from the bytes that a client sends.
class MessageReader {
 public:
  enum class Kind : std::uint8_t {
    NeedMore,  ///< nothing complete has arrived
    Message,
    Ping,
    Pong,
    Close,  ///< `code` as received, 1005 for none; `data` is the reason
    Error,  ///< the peer broke the rules: `code` is what to close with, `data` why
  };
  struct Event {
    Kind kind = Kind::NeedMore;
    MessageType type = MessageType::Text;
    std::string_view data;
    int code = 0;
  };

  explicit MessageReader(std::uint64_t max_message_bytes) noexcept : limit_(max_message_bytes) {}

  /// The next event in `in`. Its data points into `in`, or into this object, until the next call; what belongs to it is
  /// taken off `in` by that call, and `in` must be the same or hold the same bytes.
  Event next(ByteBuffer& in);
  /// Takes off what belongs to the last event.
  void release(ByteBuffer& in) noexcept;
  /// How many bytes the frame that has begun still lacks, as far as that is known.
  std::size_t missing() const noexcept { return missing_; }
  /// Within a message of several fragments.
  bool in_message() const noexcept { return in_message_; }
  /// The bytes of the fragments so far.
  std::size_t held() const noexcept { return parts_.size(); }
  void set_limit(std::uint64_t max_message_bytes) noexcept { limit_ = max_message_bytes; }

 private:
  static Event error(int code, std::string_view why) noexcept;
  Event control(Opcode opcode, std::string_view payload) const noexcept;
  Event finish(std::string_view payload) const;

  std::uint64_t limit_;
  bool in_message_ = false;
  MessageType type_ = MessageType::Text;
  ByteBuffer parts_;         // the fragments so far
  bool parts_used_ = false;  // the last event's data is in parts_
  std::size_t taken_ = 0;    // of `in`, by the last event
  std::size_t missing_ = 0;
};

}  // namespace libsql::net

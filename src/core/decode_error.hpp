// What the codecs throw at bytes that are no such message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace libsql::core {

/// How deeply JSON may be nested, unless the reader is told otherwise.
inline constexpr int kMaxJsonDepth = 128;

/// The bytes are no such message. Never leaves the library: a client makes a Protocol error of it, a server an answer.
class DecodeError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t {
    Malformed,    // not JSON or Protobuf, or not of the shape that the message has
    UnknownType,  // a request or message of a type that the protocol does not have
    TooLarge      // more than the reader may hold
  };
  DecodeError(Kind kind, std::size_t offset, const std::string& what)
      : std::runtime_error(what), offset_(offset), kind_(kind) {}

  Kind kind() const noexcept { return kind_; }
  /// Where in the bytes the fault was noticed.
  std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
  Kind kind_;
};

}  // namespace libsql::core

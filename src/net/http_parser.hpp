// Reading the heads of HTTP/1.1 messages (RFC 9112), strictly: where two readers could disagree about where a message
// ends, it is refused, because such disagreements are how requests are smuggled past a proxy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.hpp"

namespace libsql::net {

/// How the body is delimited (RFC 9112 6.3).
enum class Framing : std::uint8_t { None, Length, Chunked, UntilClose };

/// Why a head was refused; `status` is what a server answers. Text literals only.
struct HeadError {
  int status = 400;
  const char* reason = "";
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  ///< in origin form, or "*"
  std::string_view host;
  int minor_version = 1;
  std::vector<Header> headers;
  Framing framing = Framing::None;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  std::vector<Header> headers;
  Framing framing = Framing::None;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

/// More header fields than any honest peer sends.
inline constexpr std::size_t kMaxHeaders = 128;

/// The length of the head that `data` begins with, empty line included; 0 if its end has not arrived. `from` is where
/// an earlier call on a shorter `data` stopped looking; it is moved on.
std::size_t find_head_end(std::string_view data, std::size_t& from) noexcept;

/// Parses a complete head (as find_head_end() delimits it). The views of `head` point into `data`. Empty: good.
std::optional<HeadError> parse_request_head(std::string_view data, RequestHead& head);

/// The same for an answer to a request with `method`.
std::optional<HeadError> parse_response_head(std::string_view data, std::string_view method, ResponseHead& head);

/// Whether `text` may be the name of a header, or a method: one token (RFC 9110 5.6.2).
bool is_token(std::string_view text) noexcept;
/// Whether `text` may be the value of a header: no character that would end it.
bool is_field_value(std::string_view text) noexcept;

/// Takes the chunked coding (RFC 9112 7.1) off a body that arrives in pieces.
class ChunkDecoder {
 public:
  /// What one call found. `consumed` bytes of the input are done with; `data` is a piece of the body within them, maybe
  /// empty.
  struct Step {
    std::size_t consumed = 0;
    std::string_view data;
  };
  enum class State : std::uint8_t { More, Done, Bad };

  /// Looks at `input` up to the end of the first piece of data in it. To be called again with the rest, until it
  /// consumes nothing or state() is no longer More.
  Step next(std::string_view input);
  State state() const noexcept { return state_; }
  void reset() noexcept { *this = ChunkDecoder(); }

 private:
  enum class Part : std::uint8_t { Size, Data, DataEnd, Trailer };
  bool take_line(std::string_view line);

  State state_ = State::More;
  Part part_ = Part::Size;
  std::uint64_t left_ = 0;
  std::size_t overhead_ = 0;  // bytes of extensions and trailers so far
  std::string line_;          // the beginning of a line that came in pieces
};

}  // namespace libsql::net

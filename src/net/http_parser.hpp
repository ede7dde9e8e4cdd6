// Reading the heads of HTTP/1.1 messages (RFC 9112), strictly: where two readers could disagree about where a message
// ends, it is refused, because such disagreements are how requests are smuggled past a proxy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "net/field_syntax.hpp"
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

/// Reads one message at a time with Boost.Beast's parser, and refuses on top of it where that one is more lenient than
/// a peer might be. Threads: one at a time.
class HttpParser {
 public:
  /// What one call found of a body. `consumed` bytes of the input are done with; `data` is a piece of the body within
  /// them, maybe empty.
  struct Step {
    std::size_t consumed = 0;
    std::string_view data;
  };
  enum class State : std::uint8_t { More, Done, Bad };

  HttpParser() noexcept;
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  /// Begins a message with its complete head (as find_head_end() delimits it). The views of `head` point into `data`.
  /// Empty: good.
  std::optional<HeadError> take_request_head(std::string_view data, RequestHead& head);
  /// The same for an answer to a request with `method`. The views may also point into this object.
  std::optional<HeadError> take_response_head(std::string_view data, std::string_view method, ResponseHead& head);

  /// Looks at the body in `input` up to the end of its first piece. To be called again with the rest, until state() is
  /// no longer More; if it consumes nothing, with more behind the same bytes.
  Step next(std::string_view input);
  /// Nothing more comes. True if the message is complete so.
  bool end_of_input();
  /// Of the body.
  State state() const noexcept { return state_; }

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
  State state_ = State::Done;
};

}  // namespace libsql::net

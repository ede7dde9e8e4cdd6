#include "net/http_parser.hpp"

#include <cstring>
#include <string>
#include <variant>

#include <boost/beast/http/basic_parser.hpp>

namespace libsql::net {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using Text = boost::beast::string_view;

constexpr std::size_t kMaxLine = 16 * 1024;      // the size of a chunk with its extensions, or all trailer fields
constexpr std::size_t kMaxOverhead = 64 * 1024;  // all extensions of one body

std::string_view view(Text text) noexcept { return {text.data(), text.size()}; }

// Beast takes a list of equal numbers, and up to 2^64.
bool is_length(std::string_view text) noexcept {
  if (text.empty() || text.size() > 18) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

// What Beast lets through: a line of the head that continues the last one (RFC 9112 5.2), or ends with a line feed
// only.
bool has_odd_line(std::string_view head) noexcept {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return true;
    if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) return true;
  }
  return false;
}

// Beast's parser, which hands out views of what it is given instead of copying it into containers.
template <bool kIsRequest>
class Parser final : public http::basic_parser<kIsRequest> {
 public:
  explicit Parser(std::vector<Header>& headers) : headers_(&headers) {
    headers.clear();
    this->header_limit(UINT32_MAX);  // The caller's limits count, which know how long the head is.
    this->body_limit(boost::none);
  }

  // Parses a complete head. Empty: good.
  std::optional<HeadError> take_head(std::string_view data) {
    ErrorCode error;
    const std::size_t taken = this->put(boost::asio::const_buffer(data.data(), data.size()), error);
    headers_ = nullptr;
    if (refusal_) return refusal_;
    if (error) return refusal_of(error, data);
    if (taken != data.size() || !this->is_header_done()) return HeadError{400, "the head is malformed"};
    if (lengths_ > 0 && codings_ > 0) return HeadError{400, "both Transfer-Encoding and Content-Length"};
    if (codings_ > 0 && version_ == 10) return HeadError{400, "Transfer-Encoding in HTTP/1.0"};
    return std::nullopt;
  }

  HttpParser::State step(std::string_view input, HttpParser::Step& result) {
    // Asked again about a last chunk that is shorter than "0", CR LF, CR LF, Beast fails an assertion (1.74 and 1.81).
    if (chunk_left_ == 0 && this->chunked() && input.size() < 5 && input.front() == '0') return HttpParser::State::More;
    ErrorCode error;
    piece_ = {};
    result.consumed = this->put(boost::asio::const_buffer(input.data(), input.size()), error);
    result.data = piece_;
    const bool incomplete = error == http::error::need_more;
    if (error && !incomplete) return HttpParser::State::Bad;
    // Without a piece of data these are lines: the size of a chunk, or trailers.
    if (piece_.empty() && has_odd_line(incomplete ? input : input.substr(0, result.consumed))) {
      return HttpParser::State::Bad;
    }
    if (incomplete) return input.size() > kMaxLine ? HttpParser::State::Bad : HttpParser::State::More;
    return this->is_done() ? HttpParser::State::Done : HttpParser::State::More;
  }

  Framing framing() const {
    if (this->is_done()) return Framing::None;
    if (this->chunked()) return Framing::Chunked;
    return this->content_length() ? Framing::Length : Framing::UntilClose;
  }
  std::uint64_t length() const { return this->content_length().value_or(0); }
  int minor_version() const noexcept { return version_ - 10; }
  std::string_view method() const noexcept { return method_; }
  std::string_view target() const noexcept { return target_; }
  int status() const noexcept { return status_; }

 private:
  void refuse(ErrorCode& error, HeadError why) {
    refusal_ = why;
    error = http::error::bad_field;
  }

  static HeadError refusal_of(const ErrorCode& error, std::string_view data) {
    const auto is = [&](http::error code) { return error == code; };
    if (is(http::error::bad_version)) {
      const std::string_view line = data.substr(0, data.find("\r\n"));
      const std::size_t at = line.rfind(' ');
      const std::string_view version = at == std::string_view::npos ? line : line.substr(at + 1);
      if (version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' && version != "HTTP/1.0" &&
          version != "HTTP/1.1") {
        return {505, "only HTTP/1.0 and HTTP/1.1 are spoken"};
      }
    }
    if (is(http::error::bad_version) || is(http::error::bad_method) || is(http::error::bad_target)) {
      return {400, "the request line is malformed"};
    }
    if (is(http::error::bad_status) || is(http::error::bad_reason)) return {0, "the status line is malformed"};
    if (is(http::error::bad_content_length) || is(http::error::multiple_content_length)) {
      return {400, "Content-Length is not a number, or contradicts another field"};
    }
    if (is(http::error::bad_transfer_encoding)) return {400, "Transfer-Encoding contradicts another field"};
    return {400, "a header field is malformed"};
  }

  void on_request_impl(http::verb, Text method, Text target, int version, ErrorCode&) override {
    method_ = view(method);
    target_ = view(target);
    version_ = version;
  }
  void on_response_impl(int status, Text, int version, ErrorCode&) override {
    status_ = status;
    version_ = version;
  }
  void on_field_impl(http::field field, Text name, Text value, ErrorCode& error) override {
    if (headers_ == nullptr) return;  // a trailer, which is not used
    if (headers_->size() == kMaxHeaders) return refuse(error, {431, "too many header fields"});
    headers_->push_back({view(name), view(value)});
    if (field == http::field::content_length) {
      if (++lengths_ > 1) return refuse(error, {400, "more than one Content-Length"});
      if (!is_length(view(value))) return refuse(error, {400, "Content-Length is not a number"});
    } else if (field == http::field::transfer_encoding) {
      if (++codings_ > 1) return refuse(error, {400, "more than one Transfer-Encoding"});
      if (!equals_ignoring_case(view(value), "chunked")) {
        return refuse(error, {501, "the only Transfer-Encoding understood is chunked"});
      }
    }
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(Text body, ErrorCode&) override {
    piece_ = view(body);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, Text extensions, ErrorCode& error) override {
    constexpr std::uint64_t kMostChunk = std::uint64_t{1} << 62;  // Beast adds to it without looking
    if (size > kMostChunk) error = http::error::bad_chunk;
    chunk_left_ = size;
    overhead_ += extensions.size();
    if (overhead_ > kMaxOverhead) error = http::error::bad_chunk_extension;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, ErrorCode&) override {
    piece_ = view(body);
    chunk_left_ -= body.size();
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  std::vector<Header>* headers_;  // null behind the head
  std::optional<HeadError> refusal_;
  std::string_view method_;
  std::string_view target_;
  std::string_view piece_;
  std::size_t overhead_ = 0;
  std::uint64_t chunk_left_ = 0;
  int version_ = 11;
  int status_ = 0;
  int lengths_ = 0;
  int codings_ = 0;
};

constexpr HeadError kOddLine{400, "a line of the head continues another, or does not end with CR LF"};

bool is_authority(std::string_view text) noexcept {
  for (const char c : text) {
    if (detail::is_control(c) || std::string_view(" \t/?#@\\,\"<>").find(c) != std::string_view::npos) return false;
  }
  return true;
}

// "http://authority/path" is reduced to its path; the authority then counts instead of Host (RFC 9112 3.2.2).
std::optional<HeadError> reduce_target(RequestHead& head) noexcept {
  std::string_view& target = head.target;
  if (target.front() == '/') return std::nullopt;
  if (target == "*") {
    return head.method == "OPTIONS" ? std::nullopt : std::optional(HeadError{400, "the target * is for OPTIONS only"});
  }
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return HeadError{400, "the target is not a path"};
  const std::string_view scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return HeadError{400, "the target's scheme is not http or https"};
  }
  target.remove_prefix(colon + 3);
  const std::size_t end = target.find_first_of("/?");
  head.host = target.substr(0, end);
  if (head.host.empty() || !is_authority(head.host)) return HeadError{400, "the target's host is malformed"};
  target = end == std::string_view::npos ? std::string_view("/") : target.substr(end);
  // "http://host?query" has an empty path, which a request line cannot say without changing the text.
  return target.front() == '/' ? std::nullopt : std::optional(HeadError{400, "the target has no path"});
}

}  // namespace

std::size_t find_head_end(std::string_view data, std::size_t& from) noexcept {
  std::size_t at = from;
  while (at < data.size()) {
    const void* found = std::memchr(data.data() + at, '\n', data.size() - at);
    if (found == nullptr) {
      from = data.size();
      return 0;
    }
    const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - data.data());
    // A line feed without its carriage return ends a head too, so that its reader sees and refuses it.
    if (end + 1 < data.size() && data[end + 1] == '\n') return end + 2;
    if (end + 2 < data.size() && data[end + 1] == '\r' && data[end + 2] == '\n') return end + 3;
    if (end + 2 >= data.size()) {
      from = end;
      return 0;
    }
    at = end + 1;
  }
  from = at;
  return 0;
}

struct HttpParser::Memory {
  std::variant<std::monostate, Parser<true>, Parser<false>> parser;
  std::string mended;
};

HttpParser::HttpParser() noexcept = default;
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;

std::optional<HeadError> HttpParser::take_request_head(std::string_view data, RequestHead& head) {
  if (!memory_) memory_ = std::make_unique<Memory>();
  auto& parser = memory_->parser.emplace<Parser<true>>(head.headers);
  state_ = State::Bad;
  if (has_odd_line(data)) return kOddLine;
  if (auto error = parser.take_head(data)) return error;
  head.method = parser.method();
  head.target = parser.target();
  head.minor_version = parser.minor_version();
  head.host = {};
  if (head.target.find('#') != std::string_view::npos) return HeadError{400, "the target has a fragment"};
  if (head.method == "CONNECT") return HeadError{501, "CONNECT is for proxies"};

  int hosts = 0;
  head.expects_continue = false;
  for (const Header& header : head.headers) {
    if (header.name.size() == 4 && equals_ignoring_case(header.name, "host")) {
      if (++hosts > 1 || !is_authority(header.value))
        return HeadError{400, "the Host field is malformed or not the only one"};
      head.host = header.value;
    } else if (header.name.size() == 6 && equals_ignoring_case(header.name, "expect")) {
      if (!equals_ignoring_case(header.value, "100-continue")) return HeadError{417, "the expectation is unknown"};
      head.expects_continue = head.minor_version > 0;
    }
  }
  if (hosts == 0 && head.minor_version > 0) return HeadError{400, "the Host field is missing"};
  if (auto error = reduce_target(head)) return error;

  head.framing = parser.framing();
  head.content_length = parser.length();
  head.keep_alive = parser.keep_alive();
  state_ = head.framing == Framing::None ? State::Done : State::More;
  return std::nullopt;
}

std::optional<HeadError> HttpParser::take_response_head(std::string_view data, std::string_view method,
                                                        ResponseHead& head) {
  if (!memory_) memory_ = std::make_unique<Memory>();
  auto& parser = memory_->parser.emplace<Parser<false>>(head.headers);
  state_ = State::Bad;
  if (has_odd_line(data)) return kOddLine;
  parser.skip(method == "HEAD" || method == "CONNECT");
  // Some servers leave out the blank behind the status together with the reason, which Beast insists on.
  constexpr std::size_t kStatusEnd = std::string_view("HTTP/1.1 200").size();
  if (data.size() > kStatusEnd && data[kStatusEnd] == '\r') {
    memory_->mended.assign(data).insert(kStatusEnd, 1, ' ');
    data = memory_->mended;
  }
  if (auto error = parser.take_head(data)) return error;
  head.status = parser.status();
  if (head.status < 100) return HeadError{0, "the status line is malformed"};
  head.minor_version = parser.minor_version();
  head.framing = parser.framing();
  head.content_length = parser.length();
  head.keep_alive = head.framing != Framing::UntilClose && parser.keep_alive();
  state_ = head.framing == Framing::None ? State::Done : State::More;
  return std::nullopt;
}

HttpParser::Step HttpParser::next(std::string_view input) {
  Step result;
  if (state_ != State::More || input.empty()) return result;
  if (auto* answer = std::get_if<Parser<false>>(&memory_->parser)) {
    state_ = answer->step(input, result);
  } else {
    state_ = std::get<Parser<true>>(memory_->parser).step(input, result);
  }
  return result;
}

bool HttpParser::end_of_input() {
  if (state_ != State::More) return state_ == State::Done;
  ErrorCode error;
  if (auto* answer = std::get_if<Parser<false>>(&memory_->parser)) {
    answer->put_eof(error);
  } else {
    std::get<Parser<true>>(memory_->parser).put_eof(error);
  }
  state_ = error ? State::Bad : State::Done;
  return !error;
}

}  // namespace libsql::net

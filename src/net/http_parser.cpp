#include "net/http_parser.hpp"

#include <array>
#include <cstring>

namespace libsql::net {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = make_token_table();

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

constexpr HeadError kBadLine{400, "a line of the head does not end with CR LF"};
constexpr HeadError kBadRequestLine{400, "the request line is malformed"};
constexpr HeadError kBadHeader{400, "a header field is malformed"};
constexpr HeadError kTooManyHeaders{431, "too many header fields"};

// Takes the next line, without its CR LF, off `rest`. False if it does not end so.
bool take_line(std::string_view& rest, std::string_view& line) noexcept {
  const void* end = rest.empty() ? nullptr : std::memchr(rest.data(), '\n', rest.size());
  if (end == nullptr) return false;
  const auto length = static_cast<std::size_t>(static_cast<const char*>(end) - rest.data());
  if (length == 0 || rest[length - 1] != '\r') return false;
  line = rest.substr(0, length - 1);
  rest.remove_prefix(length + 1);
  return true;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "name: value". No blank before the colon and no line that continues the last one (RFC 9112 5.1, 5.2).
bool parse_field(std::string_view line, Header& header) noexcept {
  std::size_t colon = 0;
  while (colon < line.size() && kToken[static_cast<unsigned char>(line[colon])]) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return false;
  header.name = line.substr(0, colon);
  header.value = trim(line.substr(colon + 1));
  return is_field_value(header.value);
}

bool parse_length(std::string_view text, std::uint64_t& length) noexcept {
  if (text.empty() || text.size() > 18) return false;
  length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

// What the fields say about the connection and the body, the same for both directions.
struct Fields {
  int lengths = 0;
  std::uint64_t length = 0;
  int codings = 0;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
};

std::optional<HeadError> parse_fields(std::string_view rest, std::vector<Header>& headers, Fields& fields) {
  headers.clear();
  std::string_view line;
  for (;;) {
    if (!take_line(rest, line)) return kBadLine;
    if (line.empty()) return std::nullopt;
    Header header;
    if (!parse_field(line, header)) return kBadHeader;
    if (headers.size() == kMaxHeaders) return kTooManyHeaders;
    headers.push_back(header);
    switch (header.name.size()) {
      case 10:
        if (equals_ignoring_case(header.name, "connection")) {
          fields.close = fields.close || has_token({&header, 1}, "connection", "close");
          fields.keep_alive = fields.keep_alive || has_token({&header, 1}, "connection", "keep-alive");
        }
        break;
      case 14:
        if (equals_ignoring_case(header.name, "content-length")) {
          if (++fields.lengths > 1) return HeadError{400, "more than one Content-Length"};
          if (!parse_length(header.value, fields.length)) return HeadError{400, "Content-Length is no number"};
        }
        break;
      case 17:
        if (equals_ignoring_case(header.name, "transfer-encoding")) {
          if (++fields.codings > 1) return HeadError{400, "more than one Transfer-Encoding"};
          if (!equals_ignoring_case(header.value, "chunked")) {
            return HeadError{501, "the only Transfer-Encoding understood is chunked"};
          }
          fields.chunked = true;
        }
        break;
      default:
        break;
    }
  }
}

std::optional<HeadError> check_framing(const Fields& fields, int minor_version) noexcept {
  if (fields.chunked && fields.lengths > 0) return HeadError{400, "both Transfer-Encoding and Content-Length"};
  if (fields.chunked && minor_version == 0) return HeadError{400, "Transfer-Encoding in HTTP/1.0"};
  return std::nullopt;
}

bool is_authority(std::string_view text) noexcept {
  for (const char c : text) {
    if (is_control(c) || std::string_view(" \t/?#@\\,\"<>").find(c) != std::string_view::npos) return false;
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
  if (colon == std::string_view::npos) return HeadError{400, "the target is no path"};
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

std::optional<HeadError> parse_version(std::string_view text, int& minor) noexcept {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[5] < '0' || text[5] > '9' || text[6] != '.' ||
      text[7] < '0' || text[7] > '9') {
    return kBadRequestLine;
  }
  if (text[5] != '1' || text[7] > '1') return HeadError{505, "only HTTP/1.0 and HTTP/1.1 are spoken"};
  minor = text[7] - '0';
  return std::nullopt;
}

std::optional<HeadError> parse_request_line(std::string_view line, RequestHead& head) noexcept {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return kBadRequestLine;
  head.method = line.substr(0, first);
  line.remove_prefix(first + 1);
  const std::size_t second = line.find(' ');
  if (second == std::string_view::npos || !is_token(head.method)) return kBadRequestLine;
  head.target = line.substr(0, second);
  if (auto error = parse_version(line.substr(second + 1), head.minor_version)) return error;
  if (head.target.empty()) return kBadRequestLine;
  for (const char c : head.target) {
    if (is_control(c)) return kBadRequestLine;
  }
  if (head.target.find('#') != std::string_view::npos) return HeadError{400, "the target has a fragment"};
  if (head.method == "CONNECT") return HeadError{501, "CONNECT is for proxies"};
  return std::nullopt;
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!kToken[static_cast<unsigned char>(c)]) return false;
  }
  return !text.empty();
}

bool is_field_value(std::string_view text) noexcept {
  for (const char c : text) {
    if (is_control(c) && c != '\t') return false;
  }
  return true;
}

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

std::optional<HeadError> parse_request_head(std::string_view data, RequestHead& head) {
  std::string_view line;
  if (!take_line(data, line)) return kBadLine;
  head.host = {};
  if (auto error = parse_request_line(line, head)) return error;
  Fields fields;
  if (auto error = parse_fields(data, head.headers, fields)) return error;
  if (auto error = check_framing(fields, head.minor_version)) return error;

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

  head.framing = fields.chunked ? Framing::Chunked : fields.length > 0 ? Framing::Length : Framing::None;
  head.content_length = fields.length;
  head.keep_alive = !fields.close && (head.minor_version > 0 || fields.keep_alive);
  return std::nullopt;
}

std::optional<HeadError> parse_response_head(std::string_view data, std::string_view method, ResponseHead& head) {
  std::string_view line;
  if (!take_line(data, line)) return kBadLine;
  // "HTTP/1.1 200 OK"; some servers leave out the reason and even the blank before it.
  constexpr HeadError kBadStatusLine{0, "the status line is malformed"};
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) return kBadStatusLine;
  if (auto error = parse_version(line.substr(0, 8), head.minor_version)) return kBadStatusLine;
  head.status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return kBadStatusLine;
    head.status = head.status * 10 + (c - '0');
  }
  if (head.status < 100 || !is_field_value(line)) return kBadStatusLine;
  Fields fields;
  if (auto error = parse_fields(data, head.headers, fields)) return error;
  if (auto error = check_framing(fields, head.minor_version)) return error;

  if (head.status < 200 || head.status == 204 || head.status == 304 || method == "HEAD") {
    head.framing = Framing::None;
  } else if (fields.chunked) {
    head.framing = Framing::Chunked;
  } else if (fields.lengths > 0) {
    head.framing = fields.length > 0 ? Framing::Length : Framing::None;
  } else {
    head.framing = Framing::UntilClose;
  }
  head.content_length = fields.length;
  head.keep_alive =
      head.framing != Framing::UntilClose && !fields.close && (head.minor_version > 0 || fields.keep_alive);
  return std::nullopt;
}

}  // namespace libsql::net

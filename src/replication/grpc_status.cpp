#include "replication/grpc_status.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "core/server_errors.hpp"
#include "core/utf8.hpp"

namespace libsql::replication::grpc {

namespace {

constexpr std::array<std::string_view, 17> kNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// The HTTP status that means the same, so that one table says which class a failure has.
int http_status_of(const Status& status) noexcept {
  switch (status.code) {
    case Code::Unauthenticated:
      return 401;
    case Code::PermissionDenied:
      return 403;
    case Code::NotFound:
      return 404;
    case Code::DeadlineExceeded:
      return 408;
    case Code::OutOfRange:
      return 413;
    case Code::ResourceExhausted:
      return 429;
    case Code::Unavailable:
      return 503;
    case Code::Cancelled:
    case Code::Unknown:
    case Code::Internal:
    case Code::DataLoss:
      return 500;
    case Code::FailedPrecondition:
      return status.message == "NAMESPACE_DOESNT_EXIST" ? 404 : 400;
    case Code::Ok:
    case Code::InvalidArgument:
    case Code::AlreadyExists:
    case Code::Aborted:
    case Code::Unimplemented:
      return 400;
  }
  return 500;
}

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The characters that the servers of others encode, too, and `%`, which they forget.
bool is_plain(char c) noexcept {
  return c > ' ' && c < 0x7f && std::string_view("\"#%<>`?{}").find(c) == std::string_view::npos;
}

}  // namespace

std::string_view to_string(Code code) noexcept {
  const auto i = static_cast<std::size_t>(code);
  return i < kNames.size() ? kNames[i] : kNames[static_cast<std::size_t>(Code::Unknown)];
}

Code parse_code(std::string_view text) noexcept {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number >= kNames.size()) return Code::Unknown;
  return static_cast<Code>(number);
}

Code code_of_http(int http_status) noexcept {
  switch (http_status) {
    case 400:
      return Code::Internal;
    case 401:
      return Code::Unauthenticated;
    case 403:
      return Code::PermissionDenied;
    case 404:
      return Code::Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code::Unavailable;
    default:
      return Code::Unknown;
  }
}

std::optional<Status> status_of_headers(int http_status, std::optional<std::string_view> grpc_status,
                                        std::optional<std::string_view> grpc_message) {
  if (grpc_status) return Status{parse_code(*grpc_status), decode_message(grpc_message.value_or(std::string_view()))};
  if (http_status == 200) return std::nullopt;
  return Status{code_of_http(http_status), std::string("HTTP status ").append(std::to_string(http_status))};
}

std::string encode_message(std::string_view message) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  text.reserve(message.size() + 16);
  for (const char c : message) {
    if (is_plain(c)) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += '%';
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string decode_message(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && text.size() - i > 2 ? digit_of(text[i + 1]) : -1;
    const int low = high >= 0 ? digit_of(text[i + 2]) : -1;
    if (low < 0) {
      bytes += text[i];
      continue;
    }
    bytes += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (core::is_utf8(bytes)) return bytes;
  std::string message;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t valid = core::utf8_prefix(rest);
    message.append(rest.substr(0, valid));
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    message += "\xEF\xBF\xBD";
    rest.remove_prefix(1);
  }
  return message;
}

libsql::detail::ErrorData error_of(const Status& status) {
  auto data = core::http_error(http_status_of(status), status.message);
  data.message = std::string("the primary answered ").append(to_string(status.code));
  if (!status.message.empty()) data.message.append(": ").append(status.message);
  return data;
}

}  // namespace libsql::replication::grpc

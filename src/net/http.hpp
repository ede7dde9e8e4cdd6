// The words that client and server share.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace libsql::net {

/// A header field, borrowed.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// Whether two names are the same but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// The value of the first field of that name, without surrounding blanks.
std::optional<std::string_view> find_header(std::span<const Header> headers, std::string_view name) noexcept;

/// Whether a field of that name has `token` in its comma-separated list, without regard to case.
bool has_token(std::span<const Header> headers, std::string_view name, std::string_view token) noexcept;

/// The usual words for a status, such as "Not Found"; empty if it is none of RFC 9110's.
std::string_view reason_phrase(int status) noexcept;

/// What a WebSocket message carries.
enum class MessageType : unsigned char { Text, Binary };

}  // namespace libsql::net

// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5), in which tokens and raw keys are
// written.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace libsql::server {

/// The decoded bytes. None if `text` has a character outside the alphabet (padding included), an impossible length, or
/// bits set beyond the last byte.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view bytes);

}  // namespace libsql::server

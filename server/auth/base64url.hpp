// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5): how tokens and raw keys are written.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace libsql::server {

/// The bytes that `text` stands for; nothing if it has a character outside of the alphabet (padding is one), an
/// impossible length, or bits set that belong to no byte.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view bytes);

}  // namespace libsql::server

// Base64 with the standard alphabet (https://www.rfc-editor.org/rfc/rfc4648#section-4).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <libsql/value.hpp>

namespace libsql::core {

/// The characters that `bytes` bytes become, without padding.
constexpr std::size_t base64_length(std::size_t bytes) noexcept { return bytes / 3 * 4 + (bytes % 3 * 4 + 2) / 3; }
/// Appends without padding.
void append_base64(BlobView bytes, std::string& out);
/// With padding, as the headers of HTTP want it.
std::string padded_base64(std::string_view bytes);

/// The most bytes that `characters` characters can become.
constexpr std::size_t base64_capacity(std::size_t characters) noexcept { return characters / 4 * 3 + characters % 4; }
/// Decodes into `to`, which has room for base64_capacity(text.size()) bytes. Returns how many they are, or nothing for
/// other characters, a length that cannot be, or bits left over that are not zero. Padding at the end may be there or
/// not.
std::optional<std::size_t> decode_base64(std::string_view text, std::byte* to) noexcept;

}  // namespace libsql::core

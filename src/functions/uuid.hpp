#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

// UUIDs as 16 bytes in network order (RFC 9562). Knows nothing of SQLite; random bytes come from the caller.
namespace libsql::functions {

using UuidBytes = std::array<std::uint8_t, 16>;
using UuidText = std::array<char, 36>;

/// Turns 16 random bytes into a UUID of version 4.
UuidBytes make_uuid4(UuidBytes random) noexcept;

/// Turns random bytes and milliseconds since 1970 (the lower 48 bits count) into one of version 7. There is no counter:
/// those of the same millisecond have no order.
UuidBytes make_uuid7(UuidBytes random, std::uint64_t unix_milliseconds) noexcept;

/// Reads the text form: hex digits of either case in pairs, at most one hyphen before each pair, braces before and
/// after optional.
std::optional<UuidBytes> parse_uuid(std::string_view text) noexcept;

/// Lower case, 8-4-4-4-12.
UuidText format_uuid(const UuidBytes& uuid) noexcept;

/// The milliseconds since 1970 inside a version 7 UUID; nothing for other versions.
std::optional<std::int64_t> uuid7_milliseconds(const UuidBytes& uuid) noexcept;

}  // namespace libsql::functions

// UUIDs (https://www.rfc-editor.org/rfc/rfc9562) as replication knows them: the name of a log, a session token.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace libsql::replication {

/// 16 bytes in the order in which the text has them.
struct Uuid {
  std::array<std::byte, 16> bytes{};

  friend bool operator==(const Uuid&, const Uuid&) = default;
};

/// Reads "67e55044-10b1-426f-9247-bb680e5fe0c8", or the same without hyphens, in letters of any case. Nothing for
/// anything else.
std::optional<Uuid> parse_uuid(std::string_view text) noexcept;

/// With hyphens, in lower case: 36 characters.
std::string to_string(const Uuid& uuid);

// In files a UUID is a 128-bit number in little-endian order, which is the bytes backwards.

Uuid load_uuid(std::span<const std::byte, 16> number) noexcept;
void store_uuid(const Uuid& uuid, std::span<std::byte, 16> number) noexcept;

}  // namespace libsql::replication

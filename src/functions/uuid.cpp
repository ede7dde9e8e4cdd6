#include "functions/uuid.hpp"

namespace libsql::functions {

namespace {

UuidBytes stamp(UuidBytes bytes, unsigned version) noexcept {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | (version << 4U));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
  return bytes;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

UuidBytes make_uuid4(UuidBytes random) noexcept { return stamp(random, 4); }

UuidBytes make_uuid7(UuidBytes random, std::uint64_t unix_milliseconds) noexcept {
  for (unsigned i = 0; i < 6; ++i) random[i] = static_cast<std::uint8_t>(unix_milliseconds >> (40U - 8U * i));
  return stamp(random, 7);
}

std::optional<UuidBytes> parse_uuid(std::string_view text) noexcept {
  if (text.starts_with('{')) text.remove_prefix(1);
  UuidBytes uuid{};
  for (std::uint8_t& byte : uuid) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.size() < 2) return std::nullopt;
    const int high = hex_value(text[0]);
    const int low = hex_value(text[1]);
    if (high < 0 || low < 0) return std::nullopt;
    byte = static_cast<std::uint8_t>(high * 16 + low);
    text.remove_prefix(2);
  }
  if (text.starts_with('}')) text.remove_prefix(1);
  return text.empty() ? std::optional(uuid) : std::nullopt;
}

UuidText format_uuid(const UuidBytes& uuid) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  UuidText text{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    text[at++] = kDigits[uuid[i] >> 4U];
    text[at++] = kDigits[uuid[i] & 0x0FU];
  }
  return text;
}

std::optional<std::int64_t> uuid7_milliseconds(const UuidBytes& uuid) noexcept {
  if (uuid[6] >> 4U != 7) return std::nullopt;
  std::int64_t milliseconds = 0;
  for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds * 256 + uuid[i];
  return milliseconds;
}

}  // namespace libsql::functions

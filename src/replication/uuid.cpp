#include "replication/uuid.hpp"

#include <algorithm>

namespace libsql::replication {

namespace {

// Before these bytes the text has a hyphen.
constexpr bool has_hyphen(std::size_t byte) noexcept { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

constexpr int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  const bool hyphens = text.size() == 36;
  if (!hyphens && text.size() != 32) return std::nullopt;
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (hyphens && has_hyphen(i) && text[at++] != '-') return std::nullopt;
    const int high = digit_of(text[at]);
    const int low = digit_of(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<std::byte>(high * 16 + low);
    at += 2;
  }
  return uuid;
}

std::string to_string(const Uuid& uuid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (has_hyphen(i)) text += '-';
    text += kDigits[std::to_integer<std::size_t>(uuid.bytes[i] >> 4U)];
    text += kDigits[std::to_integer<std::size_t>(uuid.bytes[i] & std::byte{15})];
  }
  return text;
}

Uuid load_uuid(std::span<const std::byte, 16> number) noexcept {
  Uuid uuid;
  std::reverse_copy(number.begin(), number.end(), uuid.bytes.begin());
  return uuid;
}

void store_uuid(const Uuid& uuid, std::span<std::byte, 16> number) noexcept {
  std::reverse_copy(uuid.bytes.begin(), uuid.bytes.end(), number.begin());
}

}  // namespace libsql::replication

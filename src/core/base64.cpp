#include "core/base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace libsql::core {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Two characters for each 12 bits.
constexpr auto kPairs = [] {
  std::array<char, 8192> pairs{};
  for (std::size_t i = 0; i < 4096; ++i) {
    pairs[2 * i] = kAlphabet[i >> 6U];
    pairs[2 * i + 1] = kAlphabet[i & 63U];
  }
  return pairs;
}();

constexpr std::uint8_t kNone = 0xff;
constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNone;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint32_t byte_at(BlobView bytes, std::size_t i) noexcept { return std::to_integer<std::uint32_t>(bytes[i]); }

// The characters of at most kBlock bytes at `to`, which has room for them.
char* encode_block(BlobView bytes, char* to) noexcept {
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t bits = byte_at(bytes, i) << 16U | byte_at(bytes, i + 1) << 8U | byte_at(bytes, i + 2);
    const char* high = &kPairs[std::size_t{2} * (bits >> 12U)];
    const char* low = &kPairs[std::size_t{2} * (bits & 4095U)];
    *to++ = high[0];
    *to++ = high[1];
    *to++ = low[0];
    *to++ = low[1];
  }
  if (bytes.size() - i == 1) {
    const std::uint32_t bits = byte_at(bytes, i) << 4U;
    *to++ = kAlphabet[bits >> 6U];
    *to++ = kAlphabet[bits & 63U];
  } else if (bytes.size() - i == 2) {
    const std::uint32_t bits = byte_at(bytes, i) << 10U | byte_at(bytes, i + 1) << 2U;
    *to++ = kAlphabet[bits >> 12U];
    *to++ = kAlphabet[bits >> 6U & 63U];
    *to++ = kAlphabet[bits & 63U];
  }
  return to;
}

}  // namespace

void append_base64(BlobView bytes, std::string& out) {
  constexpr std::size_t kBlock = 3 * 256;  // A multiple of 3, so that only the last block has a remainder.
  char block[base64_length(kBlock)];
  if (bytes.size() > kBlock) out.reserve(out.size() + base64_length(bytes.size()));
  while (!bytes.empty()) {
    const BlobView part = bytes.first(std::min(bytes.size(), kBlock));
    out.append(block, static_cast<std::size_t>(encode_block(part, block) - block));
    bytes = bytes.subspan(part.size());
  }
}

std::string padded_base64(std::string_view bytes) {
  std::string text;
  append_base64(std::as_bytes(std::span(bytes)), text);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::optional<std::size_t> decode_base64(std::string_view text, std::byte* to) noexcept {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  const auto* from = reinterpret_cast<const unsigned char*>(text.data());
  const std::size_t whole = text.size() / 4 * 4;
  std::byte* const start = to;
  for (std::size_t i = 0; i < whole; i += 4) {
    const std::uint32_t a = kValues[from[i]];
    const std::uint32_t b = kValues[from[i + 1]];
    const std::uint32_t c = kValues[from[i + 2]];
    const std::uint32_t d = kValues[from[i + 3]];
    if (((a | b | c | d) & 0x80U) != 0) return std::nullopt;  // kNone is the only value with this bit.
    const std::uint32_t bits = a << 18U | b << 12U | c << 6U | d;
    *to++ = static_cast<std::byte>(bits >> 16U);
    *to++ = static_cast<std::byte>(bits >> 8U);
    *to++ = static_cast<std::byte>(bits);
  }
  const std::size_t rest = text.size() - whole;
  if (rest == 1) return std::nullopt;
  if (rest >= 2) {
    const std::uint32_t a = kValues[from[whole]];
    const std::uint32_t b = kValues[from[whole + 1]];
    const std::uint32_t c = rest == 3 ? kValues[from[whole + 2]] : 0U;
    if (((a | b | c) & 0x80U) != 0) return std::nullopt;
    const std::uint32_t bits = a << 12U | b << 6U | c;
    *to++ = static_cast<std::byte>(bits >> 10U);
    if (rest == 3) *to++ = static_cast<std::byte>(bits >> 2U);
    if ((bits & (rest == 3 ? 3U : 1023U)) != 0) return std::nullopt;
  }
  return static_cast<std::size_t>(to - start);
}

}  // namespace libsql::core

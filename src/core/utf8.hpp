// UTF-8 (https://www.rfc-editor.org/rfc/rfc3629).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace libsql::core {

/// The length of the sequence of two to four bytes that begins at `at`; 0 if there is no valid one.
std::size_t utf8_sequence(const char* at, const char* end) noexcept;

/// Where the first byte is that is no part of valid UTF-8; text.size() if there is none.
std::size_t utf8_prefix(std::string_view text) noexcept;

inline bool is_utf8(std::string_view text) noexcept { return utf8_prefix(text) == text.size(); }

/// The first character from `at` on that is not ASCII.
inline const char* skip_ascii(const char* at, const char* end) noexcept {
  for (; end - at >= 8; at += 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, 8);
    if ((bytes & 0x8080808080808080U) != 0) break;
  }
  while (at != end && static_cast<unsigned char>(*at) < 0x80) ++at;
  return at;
}

}  // namespace libsql::core

// Pieces of Protobuf (https://protobuf.dev/programming-guides/encoding/), appended to a string.
//
// In a header, so that what writes thousands of small fields has them inlined.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/utf8.hpp"

namespace libsql::core::proto {

static_assert(std::endian::native == std::endian::little, "append_real() writes the bytes as they are");

enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

/// The bytes that a varint takes.
constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

inline char* put_varint(std::uint64_t value, char* to) noexcept {
  for (; value >= 0x80; value >>= 7U) *to++ = static_cast<char>(value | 0x80U);
  *to++ = static_cast<char>(value);
  return to;
}

inline void append_varint(std::uint64_t value, std::string& out) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
    return;
  }
  char bytes[10];
  out.append(bytes, static_cast<std::size_t>(put_varint(value, bytes) - bytes));
}

inline void append_tag(std::uint32_t field, Wire wire, std::string& out) {
  if (field < 16) {
    out.push_back(static_cast<char>(field << 3U | wire));
  } else {
    append_varint(field << 3U | wire, out);
  }
}

// Fields with their tags. They are written also if the value is 0 or empty: whether a field without presence is left
// out then is for the caller to say.

inline void append_uint(std::uint32_t field, std::uint64_t value, std::string& out) {
  append_tag(field, kVarint, out);
  append_varint(value, out);
}

/// How a sint64 travels: 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
}

inline void append_sint(std::uint32_t field, std::int64_t value, std::string& out) {
  append_uint(field, zigzag(value), out);
}

/// An int64 or int32: a negative one takes ten bytes.
inline void append_int(std::uint32_t field, std::int64_t value, std::string& out) {
  append_uint(field, static_cast<std::uint64_t>(value), out);
}

inline void append_bool(std::uint32_t field, bool value, std::string& out) { append_uint(field, value ? 1 : 0, out); }

inline void append_real(std::uint32_t field, double value, std::string& out) {
  append_tag(field, kFixed64, out);
  char bytes[8];
  std::memcpy(bytes, &value, sizeof bytes);
  out.append(bytes, sizeof bytes);
}

inline void append_bytes(std::uint32_t field, std::string_view bytes, std::string& out) {
  append_tag(field, kBytes, out);
  append_varint(bytes.size(), out);
  out.append(bytes);
}

/// A message whose length is not known yet: where the room for the length is, and how much of it.
struct Gap {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// Begins a message without a tag, for a stream of messages. `expected` is a guess at its length: if the length takes
/// as many bytes, nothing has to be moved.
inline Gap open(std::string& out, std::size_t expected = 0) {
  const Gap gap{out.size(), varint_size(expected)};
  out.append(gap.size, '\0');
  return gap;
}

/// The same with its tag.
inline Gap open(std::uint32_t field, std::string& out, std::size_t expected = 0) {
  append_tag(field, kBytes, out);
  return open(out, expected);
}

inline void close(Gap gap, std::string& out) {
  const std::size_t length = out.size() - gap.at - gap.size;
  const std::size_t wanted = varint_size(length);
  if (wanted > gap.size) {
    out.insert(gap.at, wanted - gap.size, '\0');
  } else {
    out.erase(gap.at, gap.size - wanted);
  }
  put_varint(length, out.data() + gap.at);
}

/// What is not UTF-8 becomes U+FFFD.
inline void append_text(std::uint32_t field, std::string_view text, std::string& out) {
  std::size_t valid = utf8_prefix(text);
  if (valid == text.size()) {
    append_bytes(field, text, out);
    return;
  }
  const Gap gap = open(field, out, text.size());
  while (true) {
    out.append(text.substr(0, valid));
    if (valid == text.size()) break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(valid + 1);
    valid = utf8_prefix(text);
  }
  close(gap, out);
}

}  // namespace libsql::core::proto

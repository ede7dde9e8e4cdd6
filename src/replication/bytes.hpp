// Whole numbers in the byte orders that the formats of replication have.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>

namespace libsql::replication {

static_assert(std::endian::native == std::endian::little, "numbers are read and written as they lie in memory");

template <std::unsigned_integral T>
T load_le(const std::byte* bytes) noexcept {
  T value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <std::unsigned_integral T>
void store_le(std::byte* bytes, T value) noexcept {
  std::memcpy(bytes, &value, sizeof value);
}

template <std::unsigned_integral T>
T load_be(const std::byte* bytes) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = static_cast<T>(value << 8U) | std::to_integer<T>(bytes[i]);
  return value;
}

template <std::unsigned_integral T>
void store_be(std::byte* bytes, T value) noexcept {
  for (std::size_t i = sizeof value; i-- > 0; value = static_cast<T>(value >> 8U))
    bytes[i] = static_cast<std::byte>(value);
}

}  // namespace libsql::replication

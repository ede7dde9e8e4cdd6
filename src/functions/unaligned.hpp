#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Numbers at any address: a blob inside a database page starts wherever its record puts it.
namespace libsql::functions {

static_assert(std::endian::native == std::endian::little,
              "vector blobs are little-endian and are computed with in place");

template <class T>
T load(const void* address) noexcept {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

/// Element `index` of an array of T that starts at `base`.
template <class T>
T load(const void* base, std::size_t index) noexcept {
  return load<T>(static_cast<const unsigned char*>(base) + index * sizeof(T));
}

template <class T>
void store(void* address, T value) noexcept {
  std::memcpy(address, &value, sizeof(T));
}

}  // namespace libsql::functions

// The field numbers of requests and responses, which differ between the two transports.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "hrana/requests.hpp"

namespace libsql::hrana::proto {

inline constexpr std::size_t kTypes = std::variant_size_v<Request>;

/// In the order of RequestType; 0 where there is none.
using TypeFields = std::array<std::uint32_t, kTypes>;
inline constexpr TypeFields kHttpFields = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0};
inline constexpr TypeFields kWebSocketFields = {3, 4, 5, 9, 10, 11, 12, 13, 2, 6, 7, 8};

inline std::optional<RequestType> type_of_field(const TypeFields& fields, std::uint32_t field) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i] == field) return static_cast<RequestType>(i);
  }
  return std::nullopt;
}

}  // namespace libsql::hrana::proto

#pragma once

#include <bit>
#include <cstdint>

// IEEE half precision and bfloat16, to and from float, as the vector types float16 and floatb16 store them.
namespace libsql::functions {

/// The float that a half means; a NaN keeps its sign only and comes out quiet.
inline float half_to_float(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0x1FU) {
    return std::bit_cast<float>(sign | (mantissa != 0 ? 0x7FC00000U : 0x7F800000U));
  }
  if (exponent == 0) {
    if (mantissa == 0) return std::bit_cast<float>(sign);
    const int shift = std::countl_zero(mantissa) - 21;  // brings the leading one to bit 10
    mantissa = (mantissa << static_cast<unsigned>(shift)) & 0x3FFU;
    return std::bit_cast<float>(sign | (static_cast<std::uint32_t>(113 - shift) << 23U) | (mantissa << 13U));
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (mantissa << 13U));
}

/// The half nearest to a float, in libSQL's rounding: to nearest even, except that a value below the normal range loses
/// the bits shifted out before it is rounded, which decides a few ties the other way.
inline std::uint16_t float_to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  int exponent = static_cast<int>((bits >> 23U) & 0xFFU) - 127;
  std::uint32_t mantissa = bits & 0x007FFFFFU;
  if (exponent == 128) {
    exponent = 16;
    mantissa = mantissa != 0 ? 1U << 22U : 0U;
  } else if (exponent > 15) {
    exponent = 16;
    mantissa = 0;
  } else if (exponent < -14) {
    mantissa = exponent >= -25 ? (mantissa | (1U << 23U)) >> static_cast<unsigned>(-exponent - 14) : 0U;
    exponent = -15;
  }
  if ((mantissa & 0x1FFFU) > 0x1000U - ((mantissa >> 13U) & 1U)) mantissa += 0x2000U;
  const auto biased = static_cast<std::uint32_t>(exponent + 15) + (mantissa >> 23U);
  return static_cast<std::uint16_t>(sign | (biased << 10U) | ((mantissa >> 13U) & 0x3FFU));
}

inline float bfloat_to_float(std::uint16_t value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16U);
}

/// The upper half of a float: bfloat16 by truncation, as libSQL stores it.
inline std::uint16_t float_to_bfloat(float value) noexcept {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
}

}  // namespace libsql::functions

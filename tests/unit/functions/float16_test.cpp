#include "functions/float16.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace libsql::functions {
namespace {

TEST(Float16, EveryHalfRoundTrips) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) {
      EXPECT_EQ(float_to_half(value), (bits & 0x8000U) | 0x7E00U);
    } else {
      ASSERT_EQ(float_to_half(value), half) << bits;
    }
  }
}

TEST(Float16, DecodesByTheDefinition) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const unsigned exponent = bits >> 10U & 0x1FU;
    const unsigned mantissa = bits & 0x3FFU;
    if (exponent == 31) continue;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, static_cast<int>(exponent) - 25);
    ASSERT_EQ(half_to_float(static_cast<std::uint16_t>(bits)), (bits & 0x8000U) != 0 ? -magnitude : magnitude) << bits;
  }
}

TEST(Float16, RoundsToTheNearestAndTiesToEven) {
  for (std::uint32_t bits = 0x0400; bits < 0x7BFF; ++bits) {  // the normal range
    const float low = half_to_float(static_cast<std::uint16_t>(bits));
    const float high = half_to_float(static_cast<std::uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0F)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, 1e9F)), bits + 1);
    ASSERT_EQ(float_to_half(middle), bits % 2 == 0 ? bits : bits + 1);
  }
}

TEST(Float16, LosesShiftedOutBitsBelowTheNormalRange) {
  EXPECT_EQ(float_to_half(1.490167e-07F), 0x0002);  // IEEE rounding gives 3
  EXPECT_EQ(float_to_half(0x1p-25F), 0x0000);
  EXPECT_EQ(float_to_half(0x1p-24F), 0x0001);
  EXPECT_EQ(float_to_half(-0.0F), 0x8000);
}

TEST(FloatB16, EveryValueRoundTripsAndOthersAreTruncated) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    ASSERT_EQ(float_to_bfloat(bfloat_to_float(static_cast<std::uint16_t>(bits))), bits);
  }
  EXPECT_EQ(float_to_bfloat(1.0078124F), 0x3F80);
}

}  // namespace
}  // namespace libsql::functions

#include "functions/vector_codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace libsql::functions {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <class T = float>
std::string parse_error(std::string_view text) {
  std::vector<T> elements;
  std::string error;
  return parse_vector_text(text, elements, error) ? "accepted" : error;
}

template <class T>
std::vector<T> parsed(std::string_view text) {
  std::vector<T> elements;
  std::string error;
  EXPECT_TRUE(parse_vector_text(text, elements, error)) << error;
  return elements;
}

std::string read_error(const Bytes& blob) {
  VectorView view;
  std::string error;
  return read_vector(blob, view, error) ? "accepted" : error;
}

std::vector<float> elements_of(const Bytes& blob) {
  VectorView view;
  std::string error;
  EXPECT_TRUE(read_vector(blob, view, error)) << error;
  std::vector<float> elements(view.dimensions);
  widen_vector(view, elements.data());
  return elements;
}

TEST(VectorText, AcceptsEveryFormOfADecimalLiteral) {
  EXPECT_EQ(parsed<double>("[1.e5,1E5,1e+5,.5,5.,+.5,-0.25,007]"),
            (std::vector<double>{1e5, 1e5, 1e5, .5, 5, .5, -0.25, 7}));
}

TEST(VectorText, DropsWhitespaceInsideNumbers) {
  EXPECT_EQ(parsed<float>("\t [ 1\n2 , - 3\v. 5\f]\r"), (std::vector<float>{12, -3.5F}));
}

TEST(VectorText, AcceptsTheEmptyVectorOnly) {
  EXPECT_TRUE(parsed<float>("[ ]").empty());
  EXPECT_EQ(parse_error("[,]"), "vector: invalid float at position 0: ''");
  EXPECT_EQ(parse_error("[1,]"), "vector: invalid float at position 1: ''");
}

TEST(VectorText, RefusesWhatIsNoCompleteDecimalLiteral) {
  for (const char* token : {"nan", "inf", "-inf", "Infinity", "0x10", "1e",  "1e+",  "1_000", "'1'", "+-1",
                            "--1", "+",   "-",    ".",        "-.",   ".e5", "1.5.", "1e5.5", "e5",  "1f"}) {
    EXPECT_EQ(parse_error(std::string("[7,") + token + "]"),
              std::string("vector: invalid float at position 1: '") + token + "'");
  }
}

TEST(VectorText, NamesWhatIsMissingAroundTheElements) {
  EXPECT_EQ(parse_error(""), "vector: must start with '['");
  EXPECT_EQ(parse_error("  "), "vector: must start with '['");
  EXPECT_EQ(parse_error("1]"), "vector: must start with '['");
  EXPECT_EQ(parse_error("["), "vector: must end with ']'");
  EXPECT_EQ(parse_error("[1,2"), "vector: must end with ']'");
  EXPECT_EQ(parse_error("[1] x"), "vector: non-space symbols after closing ']' are forbidden");
}

TEST(VectorText, OverflowsToInfinityAndUnderflowsToZero) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(parsed<double>("[1e400,-1e400,1e-400,0e999,1e99999999999999,1e-99999999999999999999]"),
            (std::vector<double>{infinity, -infinity, 0, 0, infinity, 0}));
  EXPECT_EQ(parsed<float>("[1e39,-1e39,1e-46]"),
            (std::vector<float>{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), 0}));
  // 400 digits before the point overflow, 400 zeros after it underflow, and one exponent cancels the other.
  EXPECT_EQ(parsed<double>("[" + std::string(400, '9') + "]"), std::vector<double>{infinity});
  EXPECT_EQ(parsed<double>("[0." + std::string(400, '0') + "1]"), std::vector<double>{0});
  EXPECT_EQ(parsed<double>("[0." + std::string(400, '0') + "1e401]"), std::vector<double>{1});
  EXPECT_EQ(parsed<double>("[4.9e-324]"), std::vector<double>{std::numeric_limits<double>::denorm_min()});
}

TEST(VectorText, RoundsToDoubleBeforeFloat) {
  // Halfway between 1 and the next float, plus less than half a double's last place: nearest to the upper float, but
  // the double in between is the exact tie, which goes to the even one.
  EXPECT_EQ(parsed<float>("[1.000000059604644775390625000000001]"), std::vector<float>{1.0F});
}

TEST(VectorText, KeepsTheSignOfZero) { EXPECT_TRUE(std::signbit(parsed<float>("[-0]")[0])); }

TEST(VectorText, LimitsTheLengthOfANumber) {
  const std::string longest(kMaxNumberLength, '0');
  EXPECT_EQ(parsed<float>("[" + longest + "]"), std::vector<float>{0});
  EXPECT_EQ(parsed<float>("[0 " + std::string(2000, ' ') + longest.substr(1) + "]"), std::vector<float>{0});
  EXPECT_EQ(parse_error("[0" + longest + "]"),
            "vector: float string length exceeded 1024 characters: '" + longest + "'");
}

TEST(VectorText, LimitsTheDimensions) {
  std::string text = "[0";
  for (std::size_t i = 1; i < kMaxVectorDimensions; ++i) text += ",0";
  EXPECT_EQ(parsed<float>(text + "]").size(), kMaxVectorDimensions);
  EXPECT_EQ(parse_error(text + ",0]"), "vector: max size exceeded 65536");
}

TEST(VectorText, CountsDimensionsByCommasAndDigits) {
  EXPECT_EQ(count_text_dimensions("abc"), 0U);
  EXPECT_EQ(count_text_dimensions("[]"), 0U);
  EXPECT_EQ(count_text_dimensions("[,]"), 1U);
  EXPECT_EQ(count_text_dimensions("[1,2,3]"), 3U);
}

TEST(VectorText, ReadsBackWhatFloatsPrintTo) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    char text[64];
    std::snprintf(text, sizeof text, "[%.9g]", static_cast<double>(value));
    const float back = parsed<float>(text)[0];
    EXPECT_EQ(std::memcmp(&back, &value, sizeof value), 0) << text;
  }
}

TEST(VectorBlob, RefusesMalformedOnes) {
  const struct {
    Bytes blob;
    const char* error;
  } kCases[] = {
      {{0x00}, "vector: unexpected binary type: 0"},
      {{0x07}, "vector: unexpected binary type: 7"},
      {{0, 0, 0, 0, 0xFF}, "vector: unexpected binary type: 255"},
      {{0, 0}, "vector: unexpected data part size: type=1, dims=0, 2 != 0"},
      {{0, 0, 0, 0, 0, 0}, "vector: unexpected data part size: type=1, dims=1, 6 != 4"},
      {{0, 0, 1},
       "vector: float32 vector blob length must be divisible by 4 (excluding optional 'type'-byte): length=2"},
      {{0, 0, 0, 0, 2}, "vector: float64 vector blob length must be divisible by 8 (excluding 'type'-byte): length=4"},
      {{3},
       "vector: float1bit vector blob length must be divisible by 2 and not be empty (excluding 'type'-byte): "
       "length=0"},
      {{0x00, 0xFF, 3},
       "vector: float1bit vector trailing bits 255 exceed blob capacity (excluding 'type'-byte): length=2"},
      {{0x00, 17, 3},
       "vector: float1bit vector trailing bits 17 exceed blob capacity (excluding 'type'-byte): length=2"},
      {{4},
       "vector: float8 vector blob length must be divisible by 2 and has at least 2 bytes (excluding 'type'-byte): "
       "length=0"},
      {{0, 0, 4}, "vector: float8 vector blob is too short for 0 trailing bytes (excluding 'type'-byte): length=2"},
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4},
       "vector: float8 vector blob is too short for 1 trailing bytes (excluding 'type'-byte): length=10"},
      {{5, 6, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 4}, "vector: unexpected data part size: type=4, dims=2, 10 != 12"},
      {{5, 6, 0xAA, 0xBB, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 4, 4},
       "vector: unexpected data part size: type=4, dims=0, 12 != 8"},
      {{0, 0, 9},
       "vector: float32_sparse vector blob length must leave 4 when divided by 8 (excluding 'type'-byte): length=2"},
      {{9},
       "vector: float32_sparse vector blob length must leave 4 when divided by 8 (excluding 'type'-byte): length=0"},
      {{0, 0, 0x80, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0, 9},
       "vector: float32_sparse vector has more values than dimensions: 1 > 0"},
      {{0, 0, 0x80, 0x3F, 3, 0, 0, 0, 3, 0, 0, 0, 9}, "vector: float32_sparse vector index out of order or range: 3"},
      {{0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F, 1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 9},
       "vector: float32_sparse vector index out of order or range: 1"},
      {{1, 0, 1, 0, 9}, "vector: max size exceeded: 65537 > 65536"},
  };
  for (const auto& [blob, error] : kCases) EXPECT_EQ(read_error(blob), error);
  EXPECT_EQ(read_error(Bytes(65537 * 4)), "vector: max size exceeded: 65537 > 65536");
  Bytes halves(65537 * 2 + 1);
  halves.back() = 5;
  EXPECT_EQ(read_error(halves), "vector: max size exceeded: 65537 > 65536");
}

TEST(VectorBlob, ReadsEveryLengthOfTrailingBits) {
  for (unsigned trailing = 0; trailing <= 16; ++trailing) {
    const Bytes blob{0xFF, static_cast<std::uint8_t>(trailing), 3};
    EXPECT_EQ(elements_of(blob).size(), 16 - trailing);
  }
}

TEST(VectorBlob, IgnoresPaddingOfFloat8) {
  const Bytes clean{5, 6, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 2, 4};
  Bytes dirty = clean;
  dirty[2] = 0xAA;
  dirty[3] = 0x7F;
  EXPECT_EQ(elements_of(dirty), (std::vector<float>{12, 14}));
  VectorView view;
  std::string error;
  ASSERT_TRUE(read_vector(dirty, view, error));
  EXPECT_EQ(convert_vector(view, VectorType::Float8), clean);
}

TEST(VectorBlob, RoundTripsThroughEveryDenseType) {
  for (const VectorType type : {VectorType::Float32, VectorType::Float64, VectorType::Float1Bit, VectorType::Float8,
                                VectorType::Float16, VectorType::FloatB16}) {
    for (std::size_t n = 0; n < 70; ++n) {
      std::vector<float> elements(n);
      // Exact in every type but float8, which gets a range of 255 steps when both ends occur.
      for (std::size_t i = 0; i < n; ++i) elements[i] = i % 2 == 0 ? 1.0F : -1.0F;
      Bytes blob(encoded_vector_size(type, n));
      encode_vector(type, elements, blob.data());
      VectorView view;
      std::string error;
      ASSERT_TRUE(read_vector(blob, view, error)) << vector_type_name(type) << ' ' << n << ' ' << error;
      EXPECT_EQ(view.type, type);
      EXPECT_EQ(view.dimensions, n);
      const std::vector<float> back = elements_of(blob);
      for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(back[i], elements[i], 1e-6) << vector_type_name(type) << ' ' << n;
      EXPECT_EQ(convert_vector(view, type), blob) << vector_type_name(type) << ' ' << n;
    }
  }
}

TEST(VectorBlob, SparseRoundTripsThroughDense) {
  const std::vector<float> elements{0, 1, 0, 0, -2.5F, 0};
  const Bytes blob = encode_sparse(elements);
  EXPECT_EQ(blob.size(), 2 * 8 + 5U);
  EXPECT_EQ(elements_of(blob), elements);
  VectorView view;
  std::string error;
  ASSERT_TRUE(read_vector(blob, view, error));
  EXPECT_EQ(convert_vector(view, VectorType::Float32Sparse), blob);
}

TEST(VectorBlob, SparseSlicesAndConcatenationsMoveTheIndices) {
  const Bytes blob = encode_sparse(std::vector<float>{1, 0, 3});
  VectorView view;
  std::string error;
  ASSERT_TRUE(read_vector(blob, view, error));
  EXPECT_EQ(elements_of(slice_vector(view, 1, 3)), (std::vector<float>{0, 3}));
  EXPECT_EQ(elements_of(concat_vectors(view, view)), (std::vector<float>{1, 0, 3, 1, 0, 3}));
}

TEST(VectorBlob, Float8SaturatesInsteadOfOverflowing) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::vector<float>& elements :
       {std::vector<float>{infinity, 1}, {-infinity, 1}, {std::nanf(""), 1}, {1, std::nanf("")}, {3e38F, -3e38F, 0}}) {
    Bytes blob(encoded_vector_size(VectorType::Float8, elements.size()));
    encode_vector(VectorType::Float8, elements, blob.data());
    EXPECT_EQ(read_error(blob), "accepted");
  }
}

}  // namespace
}  // namespace libsql::functions

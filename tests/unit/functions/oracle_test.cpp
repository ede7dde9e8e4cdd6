#include "unit/functions/support.hpp"

// What libSQL 0.5.29 (and Turso for the functions only it has) answers to these statements, byte for byte.
namespace libsql::functions::test {
namespace {

struct Row {
  const char* name;
  const char* sql;
  const char* expected;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.sql; }

class Oracle : public testing::TestWithParam<Row> {};

/// The cells of an answer: a number compares by value, so that "5" and "5.0" agree but the last bit counts.
std::vector<std::string> cells(const std::string& row) {
  std::vector<std::string> result;
  std::size_t begin = 0;
  for (std::size_t end = row.find(" | "); end != std::string::npos; begin = end + 3, end = row.find(" | ", begin)) {
    result.push_back(row.substr(begin, end - begin));
  }
  result.push_back(row.substr(begin));
  return result;
}

bool same_cell(const std::string& actual, const std::string& expected) {
  if (actual == expected) return true;
  if (expected.find('.') == std::string::npos) return false;
  char* actual_end = nullptr;
  char* expected_end = nullptr;
  const double x = std::strtod(actual.c_str(), &actual_end);
  const double y = std::strtod(expected.c_str(), &expected_end);
  return *actual_end == '\0' && *expected_end == '\0' && x == y;
}

TEST_P(Oracle, Answers) {
  const Connection connection = open();
  const std::string answer = ask(connection.get(), GetParam().sql);
  const std::vector<std::string> actual = cells(answer);
  const std::vector<std::string> expected = cells(GetParam().expected);
  ASSERT_EQ(actual.size(), expected.size()) << answer;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(same_cell(actual[i], expected[i]))
        << "column " << i << ": " << actual[i] << " instead of " << expected[i];
  }
}

constexpr Row kRows[] = {
    {"Float32IsFourBytesPerElement", "select hex(vector('[1,2,3]')), typeof(vector('[1,2,3]'))",
     "0000803F0000004000004040 | blob"},
    {"Float64EndsWithItsTypeByte", "select hex(vector64('[1,2,3]'))",
     "000000000000F03F0000000000000040000000000000084002"},
    {"Float16RoundsToNearestEven", "select hex(vector16('[1,-2,0.1]'))", "003C00C0662E05"},
    {"FloatB16Truncates", "select hex(vectorb16('[1,-2,0.1]'))", "803F00C0CC3D06"},
    {"Float8QuantisesToBytes", "select hex(vector8('[1,2,3,4]'))", "0055AAFFC1C0403C0000803F000004"},
    {"Float8PadsToFourBytes", "select hex(vector8('[0,255]'))", "00FF00000000803F00000000000204"},
    {"Float8OfEqualElementsHasAlphaZero", "select hex(vector8('[7,7,7,7]'))", "00000000000000000000E040000004"},
    {"Float1BitKeepsTheSigns", "select hex(vector1bit('[1,-1,0,2]'))", "090C03"},
    {"Float1BitPadsToOddLength", "select hex(vector1bit('[1,1,1,1,1,1,1,1,1]'))", "FF01001703"},
    {"EmptyVectorsOfAllTypes",
     "select hex(vector('[]')), hex(vector64('[]')), hex(vector16('[]')), hex(vectorb16('[]')), hex(vector8('[]')), "
     "hex(vector1bit('[]'))",
     " | 02 | 05 | 06 | 0000000000000000000004 | 001003"},
    {"WhitespaceIsDroppedEvenInsideNumbers", "select hex(vector(' [ 1 , 2 ] ')), hex(vector('[1 2]'))",
     "0000803F00000040 | 00004041"},
    {"AllFormsOfDecimalLiterals", "select hex(vector('[-0,+1,.5,1.,1e-2]'))",
     "000000800000803F0000003F0000803F0AD7233C"},
    {"TheOptionalTypeByteOfFloat32IsDropped", "select hex(vector(x'0000803F01'))", "0000803F"},
    {"Float32AndFloat64Convert", "select hex(vector32(vector64('[0.1]'))), hex(vector64(vector32('[0.1]')))",
     "CDCCCC3D | 000000A09999B93F02"},
    {"Float8WidensInFloat", "select hex(vector64(vector8('[-1,0,1]')))",
     "000000000000F0BF00000000001070BF000000000000F03F02"},
    {"Float1BitWidensToSigns", "select hex(vector8(vector1bit('[1,-1,1]')))", "FF00FF008180003C000080BF000104"},
    {"Float1BitFromFloat8", "select hex(vector1bit(vector8('[-1,0,1]')))", "040D03"},
    {"Float16AtTheEdgesOfItsRange", "select hex(vector16('[65504,65519,65520,1e-8,6e-8,3e-8,2.98e-8]'))",
     "FF7BFF7B007C000001000100000005"},
    {"FloatB16NeverRoundsUp", "select hex(vectorb16('[1.0078124,1e39]'))", "803F807F06"},
    {"ExtractPrintsSixDigits", "select vector_extract(vector('[0.1,1e10,16777217,1e-5,-0.0]'))",
     "[0.1,1e+10,1.67772e+07,1e-05,0]"},
    {"ExtractRoundsTiesAwayFromZero", "select vector_extract(vector('[6622.625,999999.5,1e39,-1e39]'))",
     "[6622.63,1e+06,Inf,-Inf]"},
    {"ExtractIsLossyForFloat64Too", "select vector_extract(vector64('[0.1,1e300,123456789.123]'))",
     "[0.1,1e+300,1.23457e+08]"},
    {"ExtractOfQuantisedTypes", "select vector_extract(vector8('[1,2,3]')), vector_extract(vector1bit('[3,-3]'))",
     "[1,1.99608,3] | [1,-1]"},
    {"ExtractNormalisesTextAndBlobs",
     "select vector_extract('[1,2]'), vector_extract(x''), vector_extract(x'0000803F')", "[1,2] | [] | [1]"},
    {"ExtractPrintsNanAndInfinity", "select vector_extract(x'007e007c00fc05')", "[NaN,Inf,-Inf]"},
    {"ExtractOfFloat1BitWithoutTrailingBits", "select vector_extract(x'000003')",
     "[-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1]"},
    {"CosineOfFloat32", "select vector_distance_cos('[1,2]','[2,1]')", "0.20000000298023224"},
    {"CosineOfFloat64IsRoundedToFloat", "select vector_distance_cos(vector64('[1,2]'),vector64('[2,1]'))",
     "0.20000000298023224"},
    {"CosineOfThreeElements", "select vector_distance_cos('[1,2,3]','[4,5,6]')", "0.025368154048919678"},
    {"CosineOfParallelOrthogonalAndOpposite",
     "select vector_distance_cos('[1,1]','[1,1]'), vector_distance_cos('[1,0]','[0,1]'), "
     "vector_distance_cos('[1,0]','[-1,0]')",
     "0 | 1 | 2"},
    {"CosineIsNullWhereItIsUndefined",
     "select vector_distance_cos('[0,0]','[1,1]'), vector_distance_cos('[]','[]'), "
     "vector_distance_cos('[1e30]','[1e30]')",
     "NULL | NULL | NULL"},
    {"CosineOfFloat8", "select vector_distance_cos(vector8('[1,2,3]'),vector8('[4,5,6]'))", "0.025410164147615433"},
    {"CosineIsNotClamped", "select vector_distance_cos(vector8('[10,-10]'),vector8('[10,-10]'))",
     "-6.1035256848640529e-09"},
    {"CosineOfFloat16",
     "select vector_distance_cos(vector16('[-21,-31,0,2,2.1,2.2,105]'),vector16('[-20,-30,0,1,1.1,1.2,100]'))",
     "0.00011718201858457178"},
    {"CosineOfFloatB16",
     "select vector_distance_cos(vectorb16('[-21,-31,0,2,2.1,2.2,105]'),vectorb16('[-20,-30,0,1,1.1,1.2,100]'))",
     "0.00011673532571876422"},
    {"CosineOfFloat1BitCountsBits",
     "select vector_distance_cos(vector1bit('[1,-1,1]'),vector1bit('[-1,-1,1]')), "
     "typeof(vector_distance_cos(vector1bit('[1]'),vector1bit('[1]')))",
     "1 | real"},
    {"L2OfFloat32", "select vector_distance_l2('[1,2]','[4,6]'), vector_distance_l2('[]','[]')", "5 | 0"},
    {"L2OfFloat64IsRoundedToFloat", "select vector_distance_l2(vector64('[1,2,3]'),vector64('[4,5,6]'))",
     "5.196152210235596"},
    {"L2OfFloat16AndFloat8",
     "select vector_distance_l2(vector16('[1,2,2,3,4,1,5]'),vector16('[2,3,1,-1,2,4,5]')), "
     "vector_distance_l2(vector8('[1,2,2,3,4,1,5]'),vector8('[2,3,1,-1,2,4,5]'))",
     "5.656854152679443 | 5.654135227203369"},
    {"L2OfFloat1BitIsRefused", "select vector_distance_l2(vector1bit('[1]'),vector1bit('[1]'))",
     "ERR vector_distance: l2 distance is not supported for float1bit vectors"},
    {"LengthsMustAgree", "select vector_distance_cos('[1,2,3]','[1,2]')",
     "ERR vector_distance: vectors must have the same length: 3 != 2"},
    {"TypesMustAgree", "select vector_distance_cos('[1,2]',vector64('[1,2]'))",
     "ERR vector_distance: vectors must have the same type: 1 != 2"},
    {"DistanceOfNullIsAnError", "select vector_distance_cos(NULL,'[1]')",
     "ERR vector: unexpected value type: got NULL, expected TEXT or BLOB"},
    {"NullIsAnError", "select vector(NULL)", "ERR vector: unexpected value type: got NULL, expected TEXT or BLOB"},
    {"FloatArgumentIsAnError", "select vector(1.5)",
     "ERR vector: unexpected value type: got FLOAT, expected TEXT or BLOB"},
    {"EmptyTextIsAnError", "select vector('')", "ERR vector: must start with '['"},
    {"MissingBracketIsAnError", "select vector('[1')", "ERR vector: must end with ']'"},
    {"TextAfterTheBracketIsAnError", "select vector('[1]]')",
     "ERR vector: non-space symbols after closing ']' are forbidden"},
    {"EmptyElementIsAnError", "select vector('[1,,2]')", "ERR vector: invalid float at position 1: ''"},
    {"InfIsNoElement", "select vector('[inf]')", "ERR vector: invalid float at position 0: 'inf'"},
    {"HexIsNoElement", "select vector('[0x10]')", "ERR vector: invalid float at position 0: '0x10'"},
    {"UnknownTypeByteIsAnError", "select vector(x'00')", "ERR vector: unexpected binary type: 0"},
    {"SizeThatHoldsHalfAnElementIsAnError", "select vector(x'000000000000')",
     "ERR vector: unexpected data part size: type=1, dims=1, 6 != 4"},
    {"Float64LengthIsChecked", "select vector(x'0000000002')",
     "ERR vector: float64 vector blob length must be divisible by 8 (excluding 'type'-byte): length=4"},
    {"TooManyDimensionsAreAnError", "select vector(zeroblob(262148))", "ERR vector: max size exceeded: 65537 > 65536"},
    {"Float1BitMustNotBeEmpty", "select vector_extract(x'03')",
     "ERR vector: float1bit vector blob length must be divisible by 2 and not be empty (excluding 'type'-byte): "
     "length=0"},
    {"UuidTextIsReadLoosely",
     "select uuid_str('{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}'), "
     "hex(uuid_blob('a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11')), uuid_str('x')",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 | A0EEBC999C0B4EF8BB6D6BB9BD380A11 | NULL"},
    {"SparseKeepsNonZeroElements", "select hex(vector32_sparse('[1,0,3]')), vector_extract(vector32_sparse('[1,0,3]'))",
     "0000803F0000404000000000020000000300000009 | [1,0,3]"},
    {"DotIsNegatedAndJaccardWeighted",
     "select vector_distance_dot('[1,2,3]','[4,5,6]'), "
     "vector_distance_jaccard(vector64('[1,2,3]'),vector64('[4,5,6]'))",
     "-32 | 0.6"},
    {"ConcatAndSlice",
     "select vector_extract(vector_concat('[1,2]','[3]')), vector_extract(vector_slice('[1,2,3,4]',1,3))",
     "[1,2,3] | [2,3]"},
    {"DotAndJaccardOfFloat1Bit",
     "select vector_distance_dot(vector1bit('[1,-1,1]'),vector1bit('[1,1,1]')), "
     "vector_distance_jaccard(vector1bit('[1,-1,1]'),vector1bit('[1,1,1]'))",
     "-1 | 0.33333333333333337"},
    {"Uuid7OfSecondsAndItsTimestamp",
     "select uuid7_timestamp_ms('018ff38a-a5c9-712d-bc80-0550b3ad41a2'), substr(uuid7(1700000000),1,13), "
     "typeof(uuid4_str())",
     "1717777901001 | 018bcfe5-6800 | text"}};

INSTANTIATE_TEST_SUITE_P(Libsql, Oracle, testing::ValuesIn(kRows),
                         [](const testing::TestParamInfo<Row>& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace libsql::functions::test

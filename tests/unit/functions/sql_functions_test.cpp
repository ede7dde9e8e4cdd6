#include "unit/functions/support.hpp"

namespace libsql::functions::test {
namespace {

class SqlFunctions : public testing::Test {
 protected:
  std::string query(std::string_view sql, const std::vector<std::string>& texts = {}) {
    return ask(connection_.get(), sql, texts);
  }
  void run(const char* sql) {
    ASSERT_EQ(sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection_.get());
  }

  Connection connection_ = open();
};

TEST_F(SqlFunctions, RefuseAWrongNumberOfArguments) {
  EXPECT_EQ(query("select vector()"), "ERR wrong number of arguments to function vector()");
  EXPECT_EQ(query("select vector_distance_cos('[1]')"),
            "ERR wrong number of arguments to function vector_distance_cos()");
  EXPECT_EQ(query("select uuid_str()"), "ERR wrong number of arguments to function uuid_str()");
}

TEST_F(SqlFunctions, AreAllowedInSchemas) {
  run("create table t(e text, v blob generated always as (vector32(e)) stored, check (vector_dims(v) = 2))");
  run("create index i on t(vector_distance_l2(v, '[0,0]')) where vector_type(v) = 'float32'");
  run("insert into t(e) values('[3,4]')");
  EXPECT_EQ(query("select vector_extract(v), vector_distance_l2(v,'[0,0]') from t"), "[3,4] | 5");
}

TEST_F(SqlFunctions, ReportTheElementErrorsOfBothArguments) {
  EXPECT_EQ(query("select vector_distance_cos('[1]','[x1]')"), "ERR vector: invalid float at position 0: 'x1'");
  EXPECT_EQ(query("select vector_distance_cos('[x1]','[1]')"), "ERR vector: invalid float at position 0: 'x1'");
  EXPECT_EQ(query("select vector_distance_cos('[x]',NULL)"),
            "ERR vector: unexpected value type: got NULL, expected TEXT or BLOB");
  EXPECT_EQ(query("select vector_distance_cos(5,NULL)"),
            "ERR vector: unexpected value type: got INTEGER, expected TEXT or BLOB");
  EXPECT_EQ(query("select vector_distance_cos('abc','[1,2]')"),
            "ERR vector_distance: vectors must have the same length: 0 != 2");
}

TEST_F(SqlFunctions, RefuseHalfAnElementInsteadOfReadingPastIt) {
  EXPECT_EQ(query("select vector_extract(x'000000000000')"),
            "ERR vector: unexpected data part size: type=1, dims=1, 6 != 4");
  EXPECT_EQ(query("select vector_distance_l2(x'0000',x'0000')"),
            "ERR vector: unexpected data part size: type=1, dims=0, 2 != 0");
}

TEST_F(SqlFunctions, StopAtAZeroByteInText) {
  EXPECT_EQ(query("select vector('[1' || char(0) || ']')"), "ERR vector: must end with ']'");
}

TEST_F(SqlFunctions, ParseAConstantTextOnceAndAColumnForEachRow) {
  run("create table t(id integer primary key, e); insert into t values(1,'[1,2]'),(2,vector('[4,6]')),(3,'[7,8]')");
  EXPECT_EQ(
      query("select group_concat(round(vector_distance_l2(e,?),3), ' ') from (select e from t order by id)", {"[1,2]"}),
      "0.0 5.0 8.485");
  EXPECT_EQ(query("select group_concat(vector_distance_l2(?,e), ' ') from (select e from t order by id)", {"[7,8]"})
                .substr(0, 4),
            "8.48");
  // Bound anew, the text is parsed anew.
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(connection_.get(), "select vector_distance_l2('[0,0]',?)", -1, &statement, nullptr),
            SQLITE_OK);
  for (const auto& [text, expected] : {std::pair{"[3,4]", 5.0}, std::pair{"[0,2]", 2.0}}) {
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    EXPECT_EQ(sqlite3_column_double(statement, 0), expected);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
}

TEST_F(SqlFunctions, FastDistancesAgreeOnWhatIsExact) {
  EXPECT_EQ(query("select vector_distance_l2_fast('[1,2]','[4,6]'), vector_distance_cos_fast('[1,0]','[0,1]')"),
            "5 | 1");
  EXPECT_EQ(query("select vector_distance_cos_fast('[1e30]','[1e30]')"), "NULL");
  EXPECT_EQ(query("select vector_distance_l2_fast(vector1bit('[1]'),vector1bit('[1]'))"),
            "ERR vector_distance: l2 distance is not supported for float1bit vectors");
}

TEST_F(SqlFunctions, InnerProductIsTheDotWithoutTheMinus) {
  EXPECT_EQ(query("select vector_inner_product('[1,2,3]','[4,5,6]'), vector_distance_dot('[1,2,3]','[4,5,6]')"),
            "32 | -32");
}

TEST_F(SqlFunctions, HammingCountsBits) {
  EXPECT_EQ(query("select vector_distance_hamming(vector1bit('[1,-1,1]'),vector1bit('[-1,-1,1]'))"), "1");
  EXPECT_EQ(query("select vector_distance_hamming('[1]','[1]')"),
            "ERR vector_distance: hamming distance is supported for float1bit vectors only");
}

TEST_F(SqlFunctions, JaccardOfNothingIsNull) {
  EXPECT_EQ(query("select vector_distance_jaccard('[0,0]','[0,0]'), "
                  "vector_distance_jaccard(vector1bit('[-1]'),vector1bit('[-1]'))"),
            "NULL | NULL");
}

TEST_F(SqlFunctions, DimsAndType) {
  EXPECT_EQ(query("select vector_dims('[1,2,3]'), vector_dims(vector1bit('[1,1,1,1,1,1,1,1,1]')), vector_dims(x'')"),
            "3 | 9 | 0");
  EXPECT_EQ(query("select vector_type('[]'), vector_type(vector64('[]')), vector_type(vector1bit('[]')), "
                  "vector_type(vector8('[]')), "
                  "vector_type(vector16('[]')), vector_type(vectorb16('[]')), vector_type(vector32_sparse('[]'))"),
            "float32 | float64 | float1bit | float8 | float16 | floatb16 | float32_sparse");
}

TEST_F(SqlFunctions, ConcatKeepsTheTypeAndChecksIt) {
  EXPECT_EQ(query("select hex(vector_concat(vector16('[1]'),vector16('[-2]')))"), "003C00C005");
  EXPECT_EQ(query("select hex(vector_concat(vector64('[]'),vector64('[1]')))"), "000000000000F03F02");
  EXPECT_EQ(query("select vector_extract(vector_concat(vector32_sparse('[1,0]'),vector32_sparse('[0,3]')))"),
            "[1,0,0,3]");
  EXPECT_EQ(query("select vector_concat('[1]',vector64('[1]'))"), "ERR Conversion error: Mismatched vector types");
  EXPECT_EQ(query("select vector_concat(vector8('[1]'),vector8('[1]'))"),
            "ERR Conversion error: vector_concat is not supported for float8 vectors");
  EXPECT_EQ(query("select vector_concat(zeroblob(262144),'[1]')"), "ERR vector: max size exceeded: 65537 > 65536");
}

TEST_F(SqlFunctions, SliceChecksItsBounds) {
  EXPECT_EQ(query("select hex(vector_slice(vectorb16('[1,2,3]'),1,1)), vector_extract(vector_slice('[1,2,3]',0,3))"),
            "06 | [1,2,3]");
  EXPECT_EQ(query("select vector_extract(vector_slice(vector32_sparse('[1,0,3]'),1,3))"), "[0,3]");
  EXPECT_EQ(query("select vector_slice('[1]','0',1)"), "ERR Invalid argument supplied: start index must be an integer");
  EXPECT_EQ(query("select vector_slice('[1]',0,1.5)"), "ERR Invalid argument supplied: end_index must be an integer");
  EXPECT_EQ(query("select vector_slice('[1]',-1,1)"),
            "ERR Invalid argument supplied: start index and end_index must be non-negative");
  EXPECT_EQ(query("select vector_slice('[1]',1,0)"),
            "ERR Invalid argument supplied: start index must not be greater than end index");
  EXPECT_EQ(query("select vector_slice('[1]',0,2)"), "ERR Conversion error: vector_slice range out of bounds");
  EXPECT_EQ(query("select vector_slice(vector1bit('[1]'),0,1)"),
            "ERR Conversion error: vector_slice is not supported for float1bit vectors");
}

TEST_F(SqlFunctions, ExtractOfALongVector) {
  std::string text = "[0.25";
  for (int i = 1; i < 65536; ++i) text += ",0.25";
  text += ']';
  EXPECT_EQ(query("select vector_extract(?)", {text}), text);
}

TEST_F(SqlFunctions, UuidsHaveTheirVersionAndForm) {
  const char* kText =
      "select length(u), substr(u,15,1), substr(u,20,1) glob '[89ab]', u = lower(u) from (select %s as u)";
  for (const auto& [call, version] : {std::pair{"uuid()", '4'},
                                      {"uuid4()", '4'},
                                      {"uuid4_str()", '4'},
                                      {"gen_random_uuid()", '4'},
                                      {"uuid7()", '7'},
                                      {"uuid7_str()", '7'},
                                      {"uuid7(1700000000)", '7'},
                                      {"uuid7_str('1700000000')", '7'}}) {
    char sql[200];
    std::snprintf(sql, sizeof sql, kText, call);
    EXPECT_EQ(query(sql), std::string("36 | ") + version + " | 1 | 1") << call;
  }
}

TEST_F(SqlFunctions, UuidsDifferFromRowToRow) {
  EXPECT_EQ(query("with recursive n(i) as (select 1 union all select i+1 from n where i < 1000) "
                  "select count(distinct uuid()), count(distinct uuid7()) from n"),
            "1000 | 1000");
}

TEST_F(SqlFunctions, BlobFlavourConcernsUuid4AndUuid7Only) {
  const Connection blobs = open({UuidFlavour::Blob});
  EXPECT_EQ(ask(blobs.get(),
                "select typeof(uuid4()), typeof(uuid7()), length(uuid7(1)), typeof(uuid()), typeof(uuid4_str()), "
                "typeof(uuid7_str()), typeof(gen_random_uuid())"),
            "blob | blob | 16 | text | text | text | text");
  EXPECT_EQ(ask(blobs.get(), "select hex(substr(uuid7(1700000000),1,6))"), "018BCFE56800");
  EXPECT_EQ(query("select typeof(uuid4()), typeof(uuid7())"), "text | text");
}

TEST_F(SqlFunctions, Uuid7IsOfNow) {
  EXPECT_EQ(query("select abs(uuid7_timestamp_ms(uuid7()) - unixepoch('subsec') * 1000) < 60000"), "1");
}

TEST_F(SqlFunctions, Uuid7OfWhatIsNoTime) {
  EXPECT_EQ(query("select uuid7('1700000000'), uuid7(NULL), uuid7(1.5), uuid7(0), uuid7(-1), uuid7(281474976711)"),
            "NULL | NULL | NULL | NULL | NULL | NULL");
  EXPECT_EQ(query("select uuid7_timestamp_ms(uuid7(281474976710))"), "281474976710000");
  EXPECT_EQ(query("select uuid7_str(NULL)"), "ERR Extension error: Invalid Argument");
  EXPECT_EQ(query("select uuid7_str('x')"), "ERR Extension error: Invalid Argument");
  EXPECT_EQ(query("select uuid7_str(0)"), "ERR Extension error: Invalid timestamp");
}

TEST_F(SqlFunctions, UuidConversionsAnswerNullToWhatIsNoUuid) {
  EXPECT_EQ(query("select uuid_str(NULL), uuid_blob(5), uuid_str(x'00'), uuid_str(zeroblob(17)), uuid_str('a0eebc99'), "
                  "uuid_str('a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11'), uuid_str('a0eebc999c0b4ef8bb6d6bb9bd380a11x')"),
            "NULL | NULL | NULL | NULL | NULL | NULL | NULL");
  EXPECT_EQ(query("select uuid_str(zeroblob(16)), uuid_str(uuid_blob('A0EEBC999C0B4EF8BB6D6BB9BD380A11}'))"),
            "00000000-0000-0000-0000-000000000000 | a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  EXPECT_EQ(query("select uuid7_timestamp_ms('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), uuid7_timestamp_ms(1)"),
            "NULL | NULL");
}

}  // namespace
}  // namespace libsql::functions::test

// What an error says about SQL of libSQL's that is not here.
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "../../support/expect_error.hpp"

namespace libsql {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(Connection& conn, std::string_view sql) {
  return test::error_of<SqlError>([&] { conn.execute(sql); }).message();
}

TEST(Advice, NamesWhatStandsInThePlaceOfWhatIsNotHere) {
  Connection conn = Builder::local(":memory:").build().connect();
  conn.execute("CREATE TABLE t(v F32_BLOB(3))");
  EXPECT_THAT(refusal(conn, "CREATE INDEX i ON t(libsql_vector_idx(v))"), HasSubstr("ORDER BY vector_distance_cos"));
  EXPECT_THAT(refusal(conn, "CREATE INDEX i ON t(LIBSQL_vector_idx(v, 'metric=cosine'))"),
              HasSubstr("ORDER BY vector_distance_cos"));
  EXPECT_THAT(refusal(conn, "SELECT id FROM Vector_Top_K('i', '[1,2,3]', 5)"), HasSubstr("ORDER BY vector_distance"));
  EXPECT_THAT(refusal(conn, "SELECT libsql_server_database_name()"), HasSubstr("only a server has it"));
  EXPECT_THAT(refusal(conn, "SELECT load_extension('x')"), HasSubstr("Connection::load_extension()"));
  EXPECT_THAT(refusal(conn, "/**/ create function f LANGUAGE wasm AS x'00'"), HasSubstr("libsql::Functions"));
  EXPECT_THAT(refusal(conn, "DROP FUNCTION f"), HasSubstr("libsql::Functions"));
  for (const char* sql : {"BEGIN CONCURRENT", "begin concurrent transaction"}) {
    EXPECT_THAT(refusal(conn, sql), HasSubstr("BEGIN IMMEDIATE waits for its turn")) << sql;
  }
}

TEST(Advice, IsGivenForNothingElse) {
  Connection conn = Builder::local(":memory:").build().connect();
  EXPECT_EQ(refusal(conn, "SELECT libsql_vector_id(1)"), "no such function: libsql_vector_id");
  EXPECT_EQ(refusal(conn, "SELECT * FROM vector_top"), "no such table: vector_top");
  EXPECT_THAT(refusal(conn, "CREATE INDEX function"), Not(HasSubstr("WebAssembly")));
  EXPECT_EQ(refusal(conn, "SELECT 1 function f"), "near \"f\": syntax error");
  EXPECT_EQ(refusal(conn, "SELECT 1 FROM t concurrent concurrent"), "near \"concurrent\": syntax error");
}

}  // namespace
}  // namespace libsql

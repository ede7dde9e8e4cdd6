#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

class CommonParameters : public AllModes {};
LIBSQL_IN_ALL_MODES(CommonParameters);

TEST_P(CommonParameters, PositionalArgumentsFillAllKinds) {
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?, ?", 1, 2)), std::tuple(1, 2));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?2, ?1", 1, 2)), std::tuple(2, 1));
  EXPECT_EQ((conn_.query_row<int, int, int>("SELECT :a, @b, $c", 1, 2, 3)), std::tuple(1, 2, 3));
  EXPECT_EQ((conn_.query_row<int, int, int>("SELECT :a, ?, :a", 1, 2)), std::tuple(1, 2, 1));
}

TEST_P(CommonParameters, NamesMayLackTheirPrefix) {
  EXPECT_EQ((conn_.query_row<int, int, int>("SELECT :a, @b, $c", named("a", 1), named("@b", 2), named("c", 3))),
            std::tuple(1, 2, 3));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?2, ?1", named("1", 1), named("?2", 2))), std::tuple(2, 1));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?, :b", 1, named("b", 2))), std::tuple(1, 2));
  EXPECT_EQ((conn_.query_row<int, int>("SELECT ?3, ?1", named("?3", 3), named("?1", 1))), std::tuple(3, 1));
  EXPECT_EQ(conn_.query_value<int>("SELECT :x", Params{{"x", 5}}), 5);
}

TEST_P(CommonParameters, ParametersInStringsAndCommentsAreNone) {
  EXPECT_EQ((conn_.query_row<std::string, int>("SELECT ':a ?' /* @b */, ? -- $c\n", 7)),
            std::tuple(std::string(":a ?"), 7));
}

TEST_P(CommonParameters, MissingArgumentsAreMisuse) {
  EXPECT_THROW(conn_.execute("SELECT ?, ?", 1), Misuse);
  EXPECT_THROW(conn_.execute("SELECT :a"), Misuse);
  EXPECT_THROW(conn_.execute("SELECT :a, :b", named("a", 1)), Misuse);
  EXPECT_NE(error_of<Misuse>([&] { conn_.execute("SELECT :a, :b", named("a", 1)); }).message().find(":b"),
            std::string::npos);
}

TEST_P(CommonParameters, ArgumentsLeftOverAreMisuse) {
  EXPECT_THROW(conn_.execute("SELECT 1", 1), Misuse);
  EXPECT_THROW(conn_.execute("SELECT ?", 1, 2), Misuse);
  EXPECT_THROW(conn_.execute("SELECT :a", named("a", 1), named(":a", 2)), Misuse);
}

TEST_P(CommonParameters, UnknownAndAmbiguousNamesAreMisuse) {
  EXPECT_THROW(conn_.execute("SELECT :a", named("b", 1)), Misuse);
  EXPECT_THROW(conn_.execute("SELECT :a", named("@a", 1)), Misuse);
  EXPECT_THROW(conn_.execute("SELECT :a, @a", named("a", 1)), Misuse);
  EXPECT_EQ((conn_.query_row<int, int>("SELECT :a, @a", named(":a", 1), named("@a", 2))), std::tuple(1, 2));
}

TEST_P(CommonParameters, ManyParametersWork) {
  Params params;
  std::string sql = "SELECT ";
  for (int i = 0; i < 300; ++i) {
    params.add(i);
    sql += i == 0 ? "?" : "+?";
  }
  EXPECT_EQ(conn_.query_row<int>(sql, params), std::tuple(300 * 299 / 2));
}

}  // namespace
}  // namespace libsql::test

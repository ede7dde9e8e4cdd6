// generate_series() as SQLite's shell has it.
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>
#include <string>

#include "support/expect_error.hpp"

namespace libsql {
namespace {

class SeriesTest : public ::testing::Test {
 protected:
  std::string values(const std::string& sql) {
    std::string text;
    for (auto [value] : conn_.query<std::int64_t>(sql)) {
      if (!text.empty()) text += ',';
      text += std::to_string(value);
    }
    return text;
  }
  Connection conn_ = Builder::local(":memory:").build().connect();
};

TEST_F(SeriesTest, CountsUpAndDown) {
  EXPECT_EQ(values("SELECT value FROM generate_series(1, 5)"), "1,2,3,4,5");
  EXPECT_EQ(values("SELECT value FROM generate_series(0, 10, 4)"), "0,4,8");
  EXPECT_EQ(values("SELECT value FROM generate_series(10, 0, -4)"), "10,6,2");
  EXPECT_EQ(values("SELECT value FROM generate_series(5, 1)"), "");
  EXPECT_EQ(values("SELECT value FROM generate_series(1, 5, -1)"), "");
  EXPECT_EQ(values("SELECT value FROM generate_series(3, 5, 0)"), "3,4,5");
  EXPECT_EQ(values("SELECT value FROM generate_series(2) LIMIT 3"), "2,3,4");
  EXPECT_EQ(values("SELECT value FROM generate_series WHERE start = 1 AND stop = 3"), "1,2,3");
  for (const char* sql : {"SELECT value FROM generate_series(NULL, 5)", "SELECT value FROM generate_series(1, NULL)",
                          "SELECT value FROM generate_series(1, 5, NULL)"}) {
    EXPECT_EQ(values(sql), "") << sql;
  }
}

TEST_F(SeriesTest, IsOrderedAsWanted) {
  EXPECT_EQ(values("SELECT value FROM generate_series(1, 9, 3) ORDER BY value DESC"), "7,4,1");
  EXPECT_EQ(values("SELECT value FROM generate_series(9, 1, -3) ORDER BY value"), "3,6,9");
  EXPECT_EQ(values("SELECT value FROM generate_series(9, 1, -3) ORDER BY value DESC"), "9,6,3");
  EXPECT_EQ(conn_.query_value<std::int64_t>("SELECT max(value) FROM generate_series(9, 1, -3)"), 9);
}

TEST_F(SeriesTest, JoinsWithWhatGivesItsArguments) {
  conn_.execute_batch("CREATE TABLE t(n); INSERT INTO t VALUES (1), (3);");
  EXPECT_EQ(values("SELECT value FROM t, generate_series(1, t.n) ORDER BY n, value"), "1,1,2,3");
  EXPECT_EQ(values("SELECT a.value * 10 + b.value FROM generate_series(1, 2) a, generate_series(1, 2) b"),
            "11,12,21,22");
  EXPECT_EQ(conn_.query_value<std::int64_t>("SELECT start + stop + step FROM generate_series(1, 2, 3)"), 6);
}

TEST_F(SeriesTest, EndsAtTheEndsOfWhatAnIntegerHolds) {
  EXPECT_EQ(values("SELECT value FROM generate_series(9223372036854775806, 9223372036854775807)"),
            "9223372036854775806,9223372036854775807");
  EXPECT_EQ(values("SELECT value FROM generate_series(9223372036854775800, 9223372036854775807, 5)"),
            "9223372036854775800,9223372036854775805");
  EXPECT_EQ(values("SELECT value FROM generate_series(-9223372036854775807, -9223372036854775807 - 1, -1)"),
            "-9223372036854775807,-9223372036854775808");
  EXPECT_EQ(
      values("SELECT value FROM generate_series(-9223372036854775807 - 1, 9223372036854775807, 9223372036854775807)"),
      "-9223372036854775808,-1,9223372036854775806");
  EXPECT_EQ(values("SELECT value FROM generate_series(5, -5, -9223372036854775807 - 1)"), "5");
}

// Each condition against what the engine makes of the whole series.
TEST_F(SeriesTest, IsNarrowedByConditionsAndGivesTheSameRows) {
  for (const char* series : {"-7, 12, 1", "-7, 12, 3", "12, -7, -1", "12, -7, -5", "4, 4, 9", "0, 9, 10", "3, 1, 1"}) {
    for (const char* condition : {"= 2",
                                  "= -7",
                                  "= 2.5",
                                  "= 2.0",
                                  "< 3",
                                  "< 2.5",
                                  "<= 2.5",
                                  "<= 12",
                                  "> 2.5",
                                  "> -8",
                                  ">= -7",
                                  ">= 2.5",
                                  "> 11.5",
                                  "< -6.5",
                                  "BETWEEN -2 AND 6",
                                  "BETWEEN 6 AND -2",
                                  "BETWEEN 1.5 AND 1.7",
                                  "< 1e30",
                                  "> -1e30",
                                  "> 1e30",
                                  "< NULL",
                                  "= 'a'",
                                  "< 'a'",
                                  "= '2'",
                                  "> X'00'",
                                  "> -9223372036854775808",
                                  "< -9223372036854775808",
                                  "> 9223372036854775807"}) {
      const std::string from = std::string(" FROM generate_series(") + series + ")";
      for (const char* order : {"", " ORDER BY value", " ORDER BY value DESC"}) {
        EXPECT_EQ(values("SELECT value" + from + " WHERE value " + condition + order),
                  values("WITH s AS MATERIALIZED (SELECT value" + from + ") SELECT value FROM s WHERE value " +
                         condition + order))
            << series << " " << condition << order;
      }
    }
  }
  // Without narrowing these would take minutes.
  EXPECT_EQ(
      values(
          "SELECT value FROM generate_series(1, 9000000000000000000) WHERE value BETWEEN 5e17 AND 500000000000000001"),
      "500000000000000000,500000000000000001");
  EXPECT_EQ(conn_.query_value<std::int64_t>("SELECT min(value) FROM generate_series(1) WHERE value > 4294967290"),
            4294967291);
}

TEST_F(SeriesTest, NeedsAStartAndIsNoTable) {
  EXPECT_NE(
      test::error_of<SqlError>([&] { values("SELECT value FROM generate_series"); }).message().find("first argument"),
      std::string::npos);
  EXPECT_THROW(conn_.execute("CREATE VIRTUAL TABLE t USING generate_series"), SqlError);
  EXPECT_THROW(conn_.execute("INSERT INTO generate_series VALUES (1)"), Error);
}

TEST_F(SeriesTest, EndsWhenItIsInterruptedOrLate) {
  conn_.deadline(std::chrono::milliseconds(50));
  EXPECT_THROW(conn_.query_value<std::int64_t>("SELECT count(*) FROM generate_series(1, 9000000000000000000)"),
               Timeout);
}

}  // namespace
}  // namespace libsql

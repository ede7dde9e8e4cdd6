#include "sql/row_count.hpp"

#include <gtest/gtest.h>

namespace libsql::sql {
namespace {

TEST(RowCount, AQueryThatNamesNoTableHasFewRows) {
  for (const char* query : {"SELECT 1", "select ?, :a", "VALUES (1), (2), (3)", "SELECT 1 UNION ALL SELECT 2;",
                            "WITH a AS (SELECT 1) VALUES (2)", "SELECT \"from\", 'from', [from] -- FROM t"}) {
    EXPECT_TRUE(has_few_rows(query, 10)) << query;
  }
}

TEST(RowCount, ATableMayHaveAnyNumber) {
  for (const char* query :
       {"SELECT a FROM t", "SELECT count(*) from t", "SELECT (SELECT a FROM t)",
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 2", "SELECT value FROM json_each(?)"}) {
    EXPECT_FALSE(has_few_rows(query, 10)) << query;
  }
}

TEST(RowCount, ASmallLimitAtTheEndIsBelieved) {
  for (const char* query :
       {"SELECT a FROM t LIMIT 10", "SELECT a FROM t ORDER BY a limit 1;", "SELECT a FROM t LIMIT 5 OFFSET 1000",
        "SELECT a FROM t LIMIT 1000, 5", "SELECT a FROM t LIMIT /* few */ 5 OFFSET :skipped + 1",
        "SELECT a FROM (SELECT a FROM t LIMIT 1000) LIMIT 3"}) {
    EXPECT_TRUE(has_few_rows(query, 10)) << query;
  }
}

TEST(RowCount, OtherLimitsAreNot) {
  for (const char* query :
       {"SELECT a FROM t LIMIT 11", "SELECT a FROM t LIMIT -1", "SELECT a FROM t LIMIT ?",
        "SELECT a FROM t LIMIT 5 + 6", "SELECT a FROM t LIMIT 5, 11", "SELECT a FROM t LIMIT 5, -1",
        "SELECT a FROM t LIMIT 0x7fffffff", "SELECT a FROM t LIMIT 99999999999999999999", "SELECT a FROM t LIMIT",
        "SELECT a FROM (SELECT 1 LIMIT 1), t", "SELECT a FROM t LIMIT 5, 1 + 100"}) {
    EXPECT_FALSE(has_few_rows(query, 10)) << query;
  }
}

}  // namespace
}  // namespace libsql::sql

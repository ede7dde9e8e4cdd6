#include "engine/row_values.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "raw_sqlite.hpp"

namespace libsql::engine {
namespace {

using test::Raw;

// Every kind of value that a row can hold, and the ones that need the engine: a blob whose zeros are not in memory, a
// real column's integer, text out of a function, a JSON subtype, text that is no valid number but was asked to be one.
constexpr const char* kValues =
    "SELECT NULL, 0, -1, 9223372036854775807, -9223372036854775808, 0.0, -1.5, 1e300, '', 'text', 'with' || char(0) || "
    "'NUL',"
    "  printf('%0300d', 7), x'', x'00ff', zeroblob(5), zeroblob(0), substr('a longer text', 3, 4), json('[1]'), r, i, "
    "t, n, b,"
    "  CAST(i AS TEXT), CAST(t AS BLOB), i + 0.5, t || i, 1 = 1, max(i, 3), abs(r), hex(b), quote(t) FROM v";

void fill(Raw& raw) {
  ASSERT_EQ(raw.exec("CREATE TABLE v(r REAL, i INTEGER, t TEXT, n NUMERIC, b)"), SQLITE_OK);
  ASSERT_EQ(raw.exec("INSERT INTO v VALUES (7, 7, 7, '7', x'0102'), (NULL, NULL, NULL, NULL, NULL),"
                     " (1e10, -5, 'päron', 'x', zeroblob(9)), (0.1, 1, '', 3.0, 'text')"),
            SQLITE_OK);
}

std::string literal(const ValueRef& value) {
  return std::string(to_string(value.type())) + " " + to_sql_literal(value);
}

// What the two ways of reading see in all rows of `sql`; the one that looks into memory goes first, so that it finds
// the values as the engine left them.
void expect_same_values(Raw& raw, const char* sql) {
  sqlite3_stmt* stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(raw.db, sql, -1, &stmt, nullptr), SQLITE_OK) << sqlite3_errmsg(raw.db);
  int rows = 0;
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    ++rows;
    for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
      const char* first = first_value(stmt);
      ASSERT_NE(first, nullptr);
      const std::string seen = literal(read_value(first + static_cast<std::size_t>(i) * value_size()));
      EXPECT_EQ(seen, literal(value_ref(sqlite3_column_value(stmt, i)))) << "row " << rows << ", column " << i;
    }
  }
  EXPECT_EQ(rows, 4);
  EXPECT_EQ(first_value(stmt), nullptr) << "behind the last row";
  sqlite3_finalize(stmt);
}

class RowValues : public ::testing::Test {
 protected:
  void SetUp() override {
    if (value_size() == 0) GTEST_SKIP() << "this engine's values are asked for one by one";
  }
};

#ifndef LIBSQL_SYSTEM_SQLITE
TEST(RowValuesOfThePinnedEngine, LieAsTheyAreLookedFor) { EXPECT_NE(value_size(), 0u); }
#endif

TEST_F(RowValues, AreThoseThatTheEngineTellsWhenAskedForEach) {
  Raw raw(":memory:");
  fill(raw);
  expect_same_values(raw, kValues);
  expect_same_values(raw, "SELECT b FROM v ORDER BY b");
  expect_same_values(raw,
                     "SELECT r, count(*), sum(i), group_concat(t), total(n), max(b) FROM v GROUP BY rowid ORDER BY t");
}

TEST_F(RowValues, OfADatabaseInUtf16AreConverted) {
  for (const char* encoding : {"PRAGMA encoding='UTF-16le'", "PRAGMA encoding='UTF-16be'"}) {
    Raw raw(":memory:");
    ASSERT_EQ(raw.exec(encoding), SQLITE_OK);
    fill(raw);
    expect_same_values(raw, kValues);
  }
}

TEST_F(RowValues, AreNotThereWithoutARow) {
  Raw raw(":memory:");
  sqlite3_stmt* stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(raw.db, "SELECT 1", -1, &stmt, nullptr), SQLITE_OK);
  EXPECT_EQ(first_value(stmt), nullptr);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_NE(first_value(stmt), nullptr);
  sqlite3_reset(stmt);
  EXPECT_EQ(first_value(stmt), nullptr);
  sqlite3_finalize(stmt);
  EXPECT_EQ(first_value(nullptr), nullptr);
}

TEST(ValueRef, OfAZeroBlobThatNoMemoryHoldsStaysTooLarge) {
  EXPECT_EQ(ValueRef(ZeroBlob{5}).size(), 5u);
  EXPECT_GT(ValueRef(ZeroBlob{std::uint64_t{1} << 56}).size(), std::uint64_t{1} << 50);
  EXPECT_GT(ValueRef(ZeroBlob{~std::uint64_t{0}}).size(), std::uint64_t{1} << 50);
}

}  // namespace
}  // namespace libsql::engine

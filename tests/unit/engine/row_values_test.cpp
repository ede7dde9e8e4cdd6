#include "engine/row_values.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/argument_values.hpp"
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

// What the engine makes of an argument that was written in its place, or nothing if that was refused.
std::string written(sqlite3_stmt* stmt, const ValueRef& value, bool copy = false) {
  sqlite3_reset(stmt);
  if (!ArgumentValues(stmt, 1).write(value, copy)) return "refused";
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  return literal(value_ref(sqlite3_column_value(stmt, 0)));
}

TEST_F(RowValues, AreWrittenAsTheBindFunctionsDo) {
  Raw raw(":memory:");
  sqlite3_stmt* stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(raw.db, "SELECT ?", -1, &stmt, nullptr), SQLITE_OK);
  const std::string text("with\0NUL", 8);
  for (const ValueRef& value : {ValueRef(std::int64_t{-5}), ValueRef(2.5), ValueRef(std::string_view(text)), ValueRef(),
                                ValueRef(std::string_view("")), ValueRef(std::int64_t{0})}) {
    EXPECT_EQ(written(stmt, value), literal(value));
  }
  EXPECT_EQ(written(stmt, ValueRef(std::string_view(text)).as_borrowed(), true),
            literal(ValueRef(std::string_view(text))));
  sqlite3_finalize(stmt);
}

TEST_F(RowValues, AreLeftToTheBindFunctionsWhereTheseDoMoreThanWrite) {
  Raw raw(":memory:");
  sqlite3_stmt* stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(raw.db, "SELECT ?", -1, &stmt, nullptr), SQLITE_OK);
  const ValueRef text(std::string_view("text"));
  EXPECT_EQ(written(stmt, text, true), "refused") << "has to be copied";
  EXPECT_EQ(written(stmt, ValueRef(std::string_view())), "refused") << "has no address";
  EXPECT_EQ(written(stmt, ValueRef(std::nan(""))), "refused");
  EXPECT_EQ(written(stmt, ValueRef(ZeroBlob{3})), "refused");
  const std::string long_text(101, 'x');
  sqlite3_limit(raw.db, SQLITE_LIMIT_LENGTH, 100);
  EXPECT_EQ(written(stmt, ValueRef(std::string_view(long_text))), "refused");
  EXPECT_NE(written(stmt, ValueRef(std::string_view(long_text).substr(1))), "refused");
  sqlite3_reset(stmt);
  sqlite3_bind_text(stmt, 1, "copy", 4, SQLITE_TRANSIENT);
  EXPECT_EQ(written(stmt, text), "refused") << "the copy has to be freed";
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_FALSE(ArgumentValues(stmt, 1).write(text, false)) << "it runs";
  sqlite3_reset(stmt);
  EXPECT_FALSE(ArgumentValues(stmt, 2).write(text, false)) << "it takes one argument";
  sqlite3_finalize(stmt);

  Raw wide(":memory:");
  ASSERT_EQ(wide.exec("PRAGMA encoding='UTF-16le'; CREATE TABLE t(a)"), SQLITE_OK);
  ASSERT_EQ(sqlite3_prepare_v2(wide.db, "SELECT ?", -1, &stmt, nullptr), SQLITE_OK);
  EXPECT_EQ(written(stmt, text), "refused") << "has to be converted";
  sqlite3_finalize(stmt);
}

TEST(ValueRef, OfAZeroBlobThatNoMemoryHoldsStaysTooLarge) {
  EXPECT_EQ(ValueRef(ZeroBlob{5}).size(), 5u);
  EXPECT_GT(ValueRef(ZeroBlob{std::uint64_t{1} << 56}).size(), std::uint64_t{1} << 50);
  EXPECT_GT(ValueRef(ZeroBlob{~std::uint64_t{0}}).size(), std::uint64_t{1} << 50);
}

}  // namespace
}  // namespace libsql::engine

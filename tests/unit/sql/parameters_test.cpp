#include "sql/parameters.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sql/split.hpp"
#include "unit/sql/corpus.hpp"

namespace libsql::sql {
namespace {

// Compares with the engine; statements that it does not compile for another reason than a parameter are not compared.
void expect_same_as_engine(sqlite3* database, std::string_view statement) {
  sqlite3_stmt* raw = nullptr;
  const int rc = sqlite3_prepare_v3(database, statement.data(), static_cast<int>(statement.size()), 0, &raw, nullptr);
  const test::StatementHandle handle(raw);
  const ParameterList ours = parameters(statement);
  ASSERT_EQ(rc, SQLITE_OK) << sqlite3_errmsg(database) << ": " << statement;
  EXPECT_FALSE(ours.fault.has_value()) << statement;
  ASSERT_EQ(ours.count, sqlite3_bind_parameter_count(raw)) << statement;
  for (int number = 1; number <= ours.count; ++number) {
    const char* name = sqlite3_bind_parameter_name(raw, number);
    EXPECT_EQ(ours.name(number), std::string_view(name == nullptr ? "" : name)) << statement << " number " << number;
    if (name != nullptr && name[0] != '?') {
      EXPECT_EQ(ours.number(name), number) << statement;
    }
    if (ours.count > 100) number += 1000;
  }
}

TEST(Parameters, AreNumberedAsTheEngineNumbersThem) {
  for (const std::string_view script : test::corpus()) {
    const test::DatabaseHandle database = test::open_memory_database();
    ASSERT_EQ(sqlite3_exec(database.get(), test::kSchema, nullptr, nullptr, nullptr), SQLITE_OK);
    for (const Statement& statement : split(script)) {
      expect_same_as_engine(database.get(), statement.text);
      sqlite3_exec(database.get(), std::string(statement.text).c_str(), nullptr, nullptr, nullptr);
    }
  }
}

TEST(Parameters, AreNumberedAsTheEngineNumbersThemWhenThereAreMany) {
  const test::DatabaseHandle database = test::open_memory_database();
  std::string named = "SELECT 1 WHERE 1 IN (:first";
  for (int i = 0; i < 3000; ++i)
    named += ", :name" + std::to_string(i % 1500) + ", ?, ?" + std::to_string(1 + i * 7 % 900);
  expect_same_as_engine(database.get(), named + ")");
  std::string distinct = "SELECT 1 WHERE 1 IN (:n0";
  for (int i = 1; i < kMaxParameterNumber; ++i) distinct += ",:n" + std::to_string(i);
  const ParameterList all = parameters(distinct + ")");
  EXPECT_FALSE(all.fault);
  EXPECT_EQ(all.count, kMaxParameterNumber);
  EXPECT_EQ(parameters(distinct + ", :more)").fault, distinct.size() + 2);
}

TEST(Parameters, AreFaultyWhereTheEngineRefusesTheirNumber) {
  const test::DatabaseHandle database = test::open_memory_database();
  for (const std::string_view sql : {"SELECT 1, ?0", "SELECT 1, ?32767", "SELECT 1, ?99999999999999999999",
                                     "SELECT 1, #1", "SELECT 1, ?0000000000000000000000000000"}) {
    sqlite3_stmt* raw = nullptr;
    EXPECT_NE(sqlite3_prepare_v3(database.get(), sql.data(), static_cast<int>(sql.size()), 0, &raw, nullptr),
              SQLITE_OK);
    EXPECT_EQ(parameters(sql).fault, std::size_t{10}) << sql;
  }
  EXPECT_EQ(parameters("SELECT ?32766, ?").fault, std::size_t{15});
  EXPECT_EQ(parameters("SELECT ?32766, :a").fault, std::size_t{15});
}

TEST(Parameters, SayWhereEachOneFirstStands) {
  const ParameterList list = parameters("SELECT :a, ?, :a, @b");
  ASSERT_EQ(list.parameters.size(), 3U);
  EXPECT_EQ(list.parameters[0].text, ":a");
  EXPECT_EQ(list.parameters[0].offset, 7U);
  EXPECT_EQ(list.parameters[1].text, "?");
  EXPECT_EQ(list.parameters[1].number, 2);
  EXPECT_EQ(list.parameters[2].text, "@b");
  EXPECT_EQ(list.parameters[2].number, 3);
  EXPECT_EQ(list.number("@b"), 3);
  EXPECT_EQ(list.number("b"), 0);
  EXPECT_EQ(list.number("?"), 0);
  EXPECT_EQ(list.name(2), "");
  EXPECT_EQ(list.name(9), "");
}

TEST(Parameters, AreNotLookedForInStringsNamesAndComments) {
  EXPECT_EQ(parameters("SELECT ':a', \"@b\", [?1], `$c` -- ?\n /* :d */").count, 0);
}

}  // namespace
}  // namespace libsql::sql

#include "sql/nesting.hpp"

#include <gtest/gtest.h>

namespace libsql::sql {
namespace {

TEST(Nesting, PlainStatementsStayInside) {
  Nesting nesting;
  for (const char* text : {"SELECT 1", "INSERT INTO t VALUES ('COMMIT')", "", "-- COMMIT", "EXPLAIN ROLLBACK",
                           "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END"}) {
    EXPECT_TRUE(nesting.stays_inside(text)) << text;
  }
}

TEST(Nesting, WhatBeginsOrEndsATransactionDoesNot) {
  for (const char* text : {"BEGIN", "BEGIN IMMEDIATE", "COMMIT", "end", "ROLLBACK", "rollback transaction", ";;COMMIT",
                           "SELECT 1; COMMIT", "/**/ Commit"}) {
    EXPECT_FALSE(Nesting().stays_inside(text)) << text;
  }
}

TEST(Nesting, SavepointsOfTheBatchMayBeEndedAndNoOther) {
  Nesting nesting;
  EXPECT_FALSE(nesting.stays_inside("RELEASE a"));
  EXPECT_TRUE(nesting.stays_inside("SAVEPOINT a"));
  EXPECT_TRUE(nesting.stays_inside("ROLLBACK TO A"));
  EXPECT_TRUE(nesting.stays_inside("ROLLBACK TRANSACTION TO SAVEPOINT \"a\""));
  EXPECT_TRUE(nesting.stays_inside("SAVEPOINT [b]; SAVEPOINT a"));
  EXPECT_TRUE(nesting.stays_inside("RELEASE a"));  // the inner one
  EXPECT_TRUE(nesting.stays_inside("RELEASE SAVEPOINT a"));
  EXPECT_FALSE(nesting.stays_inside("ROLLBACK TO b")) << "it ended with the outer one";
  EXPECT_FALSE(nesting.stays_inside("RELEASE a"));
}

}  // namespace
}  // namespace libsql::sql

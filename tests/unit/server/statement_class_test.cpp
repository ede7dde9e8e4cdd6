#include "server/databases/statement_class.hpp"

#include <gtest/gtest.h>

namespace libsql::server {
namespace {

using enum StatementClass;

StatementClass class_of(std::string_view sql) { return traits_of(sql).kind; }

TEST(StatementTraits, ClassesAreThoseOfTheirFirstWords) {
  EXPECT_EQ(class_of("SELECT 1"), Read);
  EXPECT_EQ(class_of("WITH x AS (SELECT 1) DELETE FROM t"), Write);
  EXPECT_EQ(class_of("EXPLAIN DELETE FROM t"), Read);
  EXPECT_EQ(class_of("REPLACE INTO t VALUES (1)"), Write);
  EXPECT_EQ(class_of("CREATE TABLE t(a)"), Ddl);
  EXPECT_EQ(class_of("ALTER TABLE t ADD b"), Ddl);
  EXPECT_EQ(class_of("BEGIN TRANSACTION READONLY"), Begin);
  EXPECT_EQ(class_of("END"), End);
  EXPECT_EQ(class_of("ROLLBACK TO s"), Savepoint);
  EXPECT_EQ(class_of("DETACH x"), Detach);
}

TEST(StatementTraits, WhatTheServerDoesNotRunIsUnsupported) {
  for (const char* sql : {"VACUUM",
                          "VACUUM INTO 'x'",
                          "ANALYZE",
                          "CREATE TEMP TABLE t(a)",
                          "CREATE TABLE temp.t(a)",
                          "CREATE TABLE \"temp\".t(a)",
                          "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
                          "PRAGMA writable_schema",
                          "PRAGMA main.writable_schema=1",
                          "PRAGMA \"writable_schema\"=1",
                          "PRAGMA journal_mode=DELETE",
                          "PRAGMA journal_mode('DELETE')",
                          "PRAGMA key='x'",
                          "EXPLAIN PRAGMA foreign_keys=off",
                          "ATTACH 'x.db' AS x",
                          "ATTACH x AS y KEY 'z'",
                          "ATTACH x AS 'y'",
                          "BEGIN CONCURRENT",
                          "DELETE FROM _litestream_seq",
                          "INSERT INTO \"_litestream_lock\" VALUES (1)",
                          "",
                          "nonsense"}) {
    EXPECT_EQ(class_of(sql), Unsupported) << sql;
  }
}

TEST(StatementTraits, PragmasAskOrSet) {
  EXPECT_EQ(class_of("PRAGMA table_info(t)"), Read);
  for (const char* sql :
       {"PRAGMA journal_mode", "PRAGMA user_version", "PRAGMA foreign_keys", "PRAGMA main.quick_check",
        "PRAGMA integrity_check(10)", "PRAGMA encoding", "EXPLAIN PRAGMA synchronous"}) {
    EXPECT_EQ(class_of(sql), Read) << sql;
  }
  for (const char* sql : {"PRAGMA synchronous=''", "PRAGMA synchronous(\"\")", "PRAGMA encoding=''",
                          "PRAGMA 'wal_autocheckpoint'=''", "EXPLAIN PRAGMA user_version=''"}) {
    EXPECT_EQ(class_of(sql), Unsupported) << sql;
  }
  EXPECT_EQ(class_of("PRAGMA user_version=3"), Write);
  EXPECT_TRUE(traits_of("PRAGMA foreign_keys=off").changes_session);
  EXPECT_FALSE(traits_of("PRAGMA foreign_keys").changes_session);
  EXPECT_FALSE(traits_of("PRAGMA user_version=3").changes_session);
}

TEST(StatementTraits, SomeKeepWritersOutBeforeTheyWrite) {
  for (const char* sql : {"BEGIN IMMEDIATE", "begin exclusive transaction", ";BEGIN/**/IMMEDIATE"}) {
    EXPECT_TRUE(traits_of(sql).locks_out_writers()) << sql;
  }
  for (const char* sql :
       {"BEGIN", "BEGIN DEFERRED", "BEGIN READONLY", "EXPLAIN BEGIN IMMEDIATE", "SAVEPOINT immediate"}) {
    EXPECT_FALSE(traits_of(sql).locks_out_writers()) << sql;
  }
}

TEST(StatementTraits, AttachNamesANamespaceAndAnAlias) {
  const StatementTraits traits = traits_of("ATTACH DATABASE \"my-shop\" AS s");
  EXPECT_EQ(traits.kind, Attach);
  EXPECT_EQ(traits.target, "\"my-shop\"");
  EXPECT_EQ(traits.alias, "s");
  EXPECT_TRUE(traits.changes_session);
}

TEST(StatementTraits, OnlyInsertsReportARowid) {
  EXPECT_TRUE(traits_of("INSERT INTO t VALUES (1)").is_insert);
  EXPECT_TRUE(traits_of("REPLACE INTO t VALUES (1)").is_insert);
  EXPECT_FALSE(traits_of("UPDATE t SET a = 1").is_insert);
  EXPECT_TRUE(traits_of("UPDATE t SET a = 1").is_dml);
  EXPECT_FALSE(traits_of("EXPLAIN INSERT INTO t VALUES (1)").is_dml);
}

}  // namespace
}  // namespace libsql::server

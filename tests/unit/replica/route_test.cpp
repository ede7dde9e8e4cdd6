// Where statements run.
#include "replica/route.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace libsql::replica {
namespace {

TEST(Route, OfEachKindOfStatement) {
  using enum Route;
  const std::vector<std::pair<std::string, Route>> kCases = {
      {"SELECT 1", Copy},
      {"/* x */ select 1", Copy},
      {"; SELECT 1", CopyIfRead},
      {"VALUES (1)", CopyIfRead},
      {"WITH a AS (SELECT 1) SELECT * FROM a", CopyIfRead},
      {"WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", Primary},
      {"INSERT INTO t VALUES (1)", Primary},
      {"REPLACE INTO t VALUES (1)", Primary},
      {"UPDATE t SET a = 1 RETURNING a", Primary},
      {"DELETE FROM t", Primary},
      {"CREATE TABLE t(a)", Primary},
      {"CREATE TEMP TABLE t(a)", Elsewhere},
      {"CREATE TEMPORARY VIEW v AS SELECT 1", Elsewhere},
      {"CREATE VIRTUAL TABLE f USING fts5(a)", Elsewhere},
      {"CREATE UNIQUE INDEX i ON t(a)", Primary},
      {"DROP TABLE t", Primary},
      {"ALTER TABLE t ADD b", Elsewhere},
      {"ATTACH 'x' AS y", Elsewhere},
      {"DETACH y", Elsewhere},
      {"VACUUM INTO 'x'", Elsewhere},
      {"ANALYZE", Elsewhere},
      {"REINDEX", Elsewhere},
      {"nonsense", Elsewhere},
      {"BEGIN", Control},
      {"BEGIN IMMEDIATE", Control},
      {"BEGIN CONCURRENT", Control},
      {"BEGIN READONLY", Copy},
      {"BEGIN TRANSACTION READONLY", Copy},
      {"SAVEPOINT s", Control},
      {"COMMIT", Here},
      {"END", Here},
      {"ROLLBACK", Here},
      {"ROLLBACK TO s", Here},
      {"RELEASE s", Here},
      {"", Here},
      {"EXPLAIN DELETE FROM t", Copy},
      {"EXPLAIN QUERY PLAN UPDATE t SET a = 1", Copy},
      {"EXPLAIN nonsense", Elsewhere},
      {"EXPLAIN PRAGMA journal_mode = OFF", Refused},
      {"PRAGMA table_info(t)", Copy},
      {"PRAGMA user_version", Copy},
      {"PRAGMA user_version = 5", Elsewhere},
      {"PRAGMA journal_mode", Here},
      {"PRAGMA main.journal_mode = OFF", Refused},
      {"PRAGMA `Journal_Mode`(OFF)", Refused},
      {"PRAGMA wal_checkpoint", Refused},
      {"PRAGMA rekey = 'x'", Refused},
      {"PRAGMA hexkey('00')", Refused},
      {"PRAGMA cache_size = 5", Here},
      {"PRAGMA foreign_keys = OFF", Both},
      {"PRAGMA \"Foreign_Keys\" = OFF", Both},
      {"PRAGMA foreign_keys", Here},
      {"PRAGMA query_only = 0", Elsewhere},
      {"PRAGMA writable_schema = 1", Elsewhere},
      {"PRAGMA locking_mode = EXCLUSIVE", Elsewhere},
      {"PRAGMA synchronous = OFF", Elsewhere},
      {"PRAGMA optimize", Elsewhere},
      {"PRAGMA incremental_vacuum", Elsewhere},
      {"PRAGMA no_such_thing", Elsewhere},
  };
  for (const auto& [text, route] : kCases) EXPECT_EQ(route_of(text), route) << text;
}

TEST(Route, WhatWritesNeverRunsOnTheCopy) {
  for (const Route route : {Route::Primary, Route::Elsewhere, Route::Both, Route::Refused}) {
    EXPECT_FALSE(runs_on_copy(route));
    EXPECT_TRUE(may_write(route));
  }
  for (const Route route : {Route::Copy, Route::CopyIfRead}) EXPECT_FALSE(may_write(route));
}

}  // namespace
}  // namespace libsql::replica

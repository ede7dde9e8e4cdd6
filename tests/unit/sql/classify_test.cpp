#include "sql/classify.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "unit/sql/corpus.hpp"

namespace libsql::sql {
namespace {

using Kind = StatementKind;

struct Case {
  std::string_view sql;
  Kind kind;
  Access access;
  std::string_view name = {};
  std::string_view schema = {};
};

TEST(Classify, KnowsEachKindItsAccessAndItsSubject) {
  const std::vector<Case> cases = {
      {"", Kind::Empty, Access::Read},
      {" -- c\n ; /* d */", Kind::Empty, Access::Read},
      {"select 1", Kind::Select, Access::Read},
      {"/* c */ SELECT * FROM t", Kind::Select, Access::Read},
      {"VALUES (1)", Kind::Values, Access::Read},
      {"WITH a AS (SELECT 1), b(x, y) AS NOT MATERIALIZED (SELECT 2, ')') SELECT * FROM a", Kind::Select, Access::Read},
      {"WITH RECURSIVE r(n) AS MATERIALIZED (VALUES(1)) VALUES (1)", Kind::Values, Access::Read},
      {"WITH \"select\" AS (SELECT 1) DELETE FROM t", Kind::Delete, Access::Write, "t"},
      {"WITH replace AS (SELECT 1) INSERT OR IGNORE INTO main.t SELECT 1", Kind::Insert, Access::Write, "t", "main"},
      {"WITH x AS (SELECT 1) UPDATE t SET a = 1", Kind::Update, Access::Write, "t"},
      {"WITH x AS (SELECT 1", Kind::Other, Access::Write},
      {"WITH x SELECT 1", Kind::Other, Access::Write},
      {"INSERT INTO t VALUES (1)", Kind::Insert, Access::Write, "t"},
      {"INSERT OR REPLACE INTO \"a b\" VALUES (1)", Kind::Insert, Access::Write, "\"a b\""},
      {"REPLACE INTO t VALUES (1)", Kind::Replace, Access::Write, "t"},
      {"UPDATE OR FAIL x.t SET a = 1", Kind::Update, Access::Write, "t", "x"},
      {"DELETE FROM t", Kind::Delete, Access::Write, "t"},
      {"CREATE TABLE IF NOT EXISTS t(a)", Kind::CreateTable, Access::Write, "t"},
      {"CREATE TABLE if(a)", Kind::CreateTable, Access::Write, "if"},
      {"CREATE VIRTUAL TABLE v USING fts5(a)", Kind::CreateVirtualTable, Access::Write, "v"},
      {"CREATE UNIQUE INDEX i ON t(a)", Kind::CreateIndex, Access::Write, "i"},
      {"CREATE INDEX IF NOT EXISTS main.i ON t(a)", Kind::CreateIndex, Access::Write, "i", "main"},
      {"CREATE VIEW v AS SELECT 1", Kind::CreateView, Access::Write, "v"},
      {"CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", Kind::CreateTrigger, Access::Write, "r"},
      {"CREATE UNIQUE TABLE t(a)", Kind::Other, Access::Write},
      {"CREATE SEQUENCE s", Kind::Other, Access::Write},
      {"DROP TABLE IF EXISTS t", Kind::DropTable, Access::Write, "t"},
      {"DROP INDEX i", Kind::DropIndex, Access::Write, "i"},
      {"DROP VIEW main.v", Kind::DropView, Access::Write, "v", "main"},
      {"DROP TRIGGER if", Kind::DropTrigger, Access::Write, "if"},
      {"ALTER TABLE t RENAME TO u", Kind::AlterTable, Access::Write, "t"},
      {"COMMIT", Kind::Commit, Access::Transaction},
      {"END TRANSACTION", Kind::Commit, Access::Transaction},
      {"ROLLBACK", Kind::Rollback, Access::Transaction},
      {"ROLLBACK TRANSACTION TO SAVEPOINT a", Kind::RollbackTo, Access::Transaction, "a"},
      {"ROLLBACK TO a", Kind::RollbackTo, Access::Transaction, "a"},
      {"SAVEPOINT a", Kind::Savepoint, Access::Transaction, "a"},
      {"SAVEPOINT savepoint", Kind::Savepoint, Access::Transaction, "savepoint"},
      {"RELEASE a", Kind::Release, Access::Transaction, "a"},
      {"RELEASE SAVEPOINT 'a b'", Kind::Release, Access::Transaction, "'a b'"},
      {"ATTACH 'x' AS y", Kind::Attach, Access::Write},
      {"DETACH DATABASE y", Kind::Detach, Access::Write, "y"},
      {"VACUUM INTO 'x'", Kind::Vacuum, Access::Write},
      {"ANALYZE main.t", Kind::Analyze, Access::Write, "t", "main"},
      {"REINDEX t", Kind::Reindex, Access::Write, "t"},
      {"SELEC 1", Kind::Other, Access::Write},
      {"\"SELECT\" 1", Kind::Other, Access::Write},
      {"( SELECT 1 )", Kind::Other, Access::Write},
      {"'", Kind::Other, Access::Write},
  };
  for (const Case& c : cases) {
    const Classification result = classify(c.sql);
    EXPECT_EQ(result.kind, c.kind) << c.sql;
    EXPECT_EQ(result.access, c.access) << c.sql;
    EXPECT_EQ(result.name, c.name) << c.sql;
    EXPECT_EQ(result.schema, c.schema) << c.sql;
    EXPECT_EQ(result.explain, ExplainMode::None) << c.sql;
  }
  EXPECT_TRUE(classify("WITH a AS (SELECT 1) SELECT 1").with);
  EXPECT_TRUE(classify("CREATE TEMP TABLE t(a)").temporary);
  EXPECT_TRUE(classify("create temporary view v as select 1").temporary);
}

TEST(Classify, KnowsEachWayToBegin) {
  const std::vector<std::pair<std::string_view, BeginBehavior>> cases = {
      {"BEGIN", BeginBehavior::Deferred},
      {"BEGIN TRANSACTION", BeginBehavior::Deferred},
      {"BEGIN TRANSACTION name", BeginBehavior::Deferred},
      {"BEGIN DEFERRED", BeginBehavior::Deferred},
      {"begin immediate transaction", BeginBehavior::Immediate},
      {"BEGIN EXCLUSIVE", BeginBehavior::Exclusive},
      {"BEGIN READONLY", BeginBehavior::ReadOnly},
      {"BEGIN TRANSACTION READONLY", BeginBehavior::ReadOnly},
      {"BEGIN CONCURRENT", BeginBehavior::Concurrent},
  };
  for (const auto& [sql, behavior] : cases) {
    const Classification result = classify(sql);
    EXPECT_EQ(result.kind, Kind::Begin) << sql;
    EXPECT_EQ(result.access, Access::Transaction) << sql;
    EXPECT_EQ(result.begin, behavior) << sql;
  }
}

TEST(Classify, TakesPragmasApart) {
  Classification result = classify("PRAGMA main.journal_mode = wal;");
  EXPECT_EQ(result.kind, Kind::Pragma);
  EXPECT_EQ(result.schema, "main");
  EXPECT_EQ(result.name, "journal_mode");
  EXPECT_TRUE(result.has_value);
  EXPECT_EQ(result.value, "wal");
  EXPECT_EQ(result.access, Access::Write);

  result = classify("pragma cache_size(-2000)");
  EXPECT_EQ(result.name, "cache_size");
  EXPECT_EQ(result.value, "-2000");

  result = classify("PRAGMA table_info ( 'a b' ) ;");
  EXPECT_EQ(result.value, "'a b'");
  EXPECT_EQ(result.access, Access::Read);

  EXPECT_EQ(classify("PRAGMA Table_List").access, Access::Read);
  EXPECT_EQ(classify("PRAGMA user_version").access, Access::Read);
  EXPECT_EQ(classify("PRAGMA user_version = 3").access, Access::Write);
  EXPECT_EQ(classify("PRAGMA journal_mode").access, Access::Write);
  EXPECT_EQ(classify("PRAGMA something_new").access, Access::Write);
  EXPECT_EQ(classify("PRAGMA").access, Access::Write);
}

TEST(Classify, ExplainReadsWhateverItExplains) {
  Classification result = classify("EXPLAIN DELETE FROM t");
  EXPECT_EQ(result.explain, ExplainMode::Program);
  EXPECT_EQ(result.kind, Kind::Delete);
  EXPECT_EQ(result.access, Access::Read);
  result = classify("explain query plan WITH a AS (SELECT 1) SELECT 1");
  EXPECT_EQ(result.explain, ExplainMode::QueryPlan);
  EXPECT_EQ(result.kind, Kind::Select);
  // A PRAGMA may act while it is compiled.
  EXPECT_EQ(classify("EXPLAIN PRAGMA journal_mode = delete").access, Access::Write);
  EXPECT_EQ(classify("EXPLAIN nonsense").access, Access::Write);
}

TEST(Classify, NeverCallsAWriteOfTheEngineARead) {
  for (const std::string_view script : test::corpus()) {
    const test::DatabaseHandle database = test::open_memory_database();
    ASSERT_EQ(sqlite3_exec(database.get(), test::kSchema, nullptr, nullptr, nullptr), SQLITE_OK);
    const char* cursor = script.data();
    const char* const end = cursor + script.size();
    while (cursor != end) {
      sqlite3_stmt* raw = nullptr;
      const char* tail = nullptr;
      ASSERT_EQ(sqlite3_prepare_v3(database.get(), cursor, static_cast<int>(end - cursor), 0, &raw, &tail), SQLITE_OK);
      const test::StatementHandle handle(raw);
      const Classification ours = classify({cursor, static_cast<std::size_t>(tail - cursor)});
      if (raw != nullptr) {
        EXPECT_NE(ours.kind, Kind::Other) << sqlite3_sql(raw);
        if (sqlite3_stmt_readonly(raw) == 0 && sqlite3_stmt_isexplain(raw) == 0) {
          EXPECT_NE(ours.access, Access::Read) << sqlite3_sql(raw);
        }
        sqlite3_step(raw);
      }
      cursor = tail;
    }
  }
}

TEST(Classify, FindsJoinsByTheNamesOfColumns) {
  EXPECT_TRUE(joins_by_name("SELECT 1 FROM a natural JOIN b"));
  EXPECT_TRUE(joins_by_name("SELECT 1 FROM a JOIN b/**/USING(c)"));
  EXPECT_FALSE(joins_by_name("SELECT 'natural', \"using\" FROM a JOIN b ON a.c = b.c -- USING"));
}

TEST(Classify, FindsCommonTableExpressions) {
  for (const char* text :
       {"WITH v AS (SELECT 1) SELECT 1", "with /* x */ V(a, \"b\") as not materialized (select 1) select 1",
        "WITH a AS (SELECT 1), 'v' AS MATERIALIZED (SELECT 1)", "SELECT (WITH [v] AS (SELECT 1))"}) {
    EXPECT_TRUE(defines_common_table(text, "v")) << text;
  }
  for (const char* text : {"SELECT v FROM v", "SELECT 'v AS (' FROM v AS w", "WITH w AS (SELECT v) SELECT 1", "v", "v(",
                           "v AS", "SELECT v(1, 2) AS x", "-- v AS (\nSELECT 1", ""}) {
    EXPECT_FALSE(defines_common_table(text, "v")) << text;
  }
}

}  // namespace
}  // namespace libsql::sql

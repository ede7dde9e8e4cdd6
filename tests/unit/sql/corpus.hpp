// SQL that the engine accepts, for comparing the tokenizer's users with the engine, and broken SQL for the rest.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::test {

struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;

inline DatabaseHandle open_memory_database() {
  sqlite3* handle = nullptr;
  sqlite3_open(":memory:", &handle);
  return DatabaseHandle(handle);
}

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

inline const char* const kSchema =
    "CREATE TABLE t(a, b, c TEXT, \"odd;name\" INT, [x y], `back``tick`);"
    "CREATE TABLE log(message);"
    "CREATE VIEW v AS SELECT a FROM t;";

// Each entry is a script of statements that compile against kSchema.
inline const std::vector<std::string_view>& corpus() {
  static const std::vector<std::string_view> scripts = {
      "SELECT 1",
      "SELECT 1;",
      ";;; SELECT 1;; SELECT 2 ;",
      "  \n\t\f\r SELECT 1 \v; SELECT 2",
      "-- first\nSELECT 1; -- second ; not here\nSELECT 2 -- end",
      "/* a;b */ SELECT /* ' */ 1 /**/; SELECT 2 /* open",
      "SELECT 1 /*/ still a comment; */; SELECT 2",
      "SELECT 'it''s; here'; SELECT \"odd;name\" FROM t; SELECT [x y], `back``tick` FROM t;",
      "SELECT ';', ';;', '--', '/*'; SELECT x'00ff', X'', x'3B'; SELECT 1",
      "SELECT 1_000, 0xFF, 0x1_0, 1e5, .5, 5., 1.5e-3, 1_0.5_0e1_0; SELECT 2;",
      "SELECT a->'$.b', a->>'$.c', a-1, a--1\n, b FROM t; SELECT a<>b, a!=b, a==b, a<<1, a>>1, a||b, ~a, a%2 FROM t;",
      "SELECT CASE WHEN 1 THEN 2 ELSE 3 END; SELECT CASE a WHEN 1 THEN 'end;' END FROM t; SELECT 4",
      "BEGIN; SELECT 1; END; BEGIN IMMEDIATE; COMMIT; BEGIN EXCLUSIVE TRANSACTION; ROLLBACK;",
      "SAVEPOINT a; RELEASE a; SAVEPOINT \"b;c\"; ROLLBACK TO SAVEPOINT \"b;c\"; RELEASE SAVEPOINT \"b;c\";",
      "CREATE TRIGGER r1 AFTER INSERT ON t BEGIN INSERT INTO log VALUES(1); SELECT 2; END; SELECT 3;",
      "CREATE TEMP TRIGGER r2 BEFORE UPDATE OF a ON t WHEN new.a > 1 BEGIN SELECT CASE WHEN 1 THEN 2 END; "
      "DELETE FROM log; END; SELECT 1",
      "CREATE TEMPORARY TRIGGER IF NOT EXISTS r3 INSTEAD OF INSERT ON v BEGIN UPDATE t SET a = CASE new.a WHEN 1 THEN "
      "2 "
      "END; END; SELECT 1",
      "EXPLAIN CREATE TRIGGER r4 AFTER DELETE ON t BEGIN SELECT 1; SELECT 2; END; SELECT 5",
      "EXPLAIN QUERY PLAN CREATE TEMP TRIGGER r5 AFTER DELETE ON t BEGIN SELECT 1; END; SELECT 5",
      "create/**/trigger -- name\n\"begin\" after insert on t begin select 1;/* ; */ end; select 2",
      "CREATE TRIGGER begin AFTER INSERT ON t BEGIN SELECT new.a; END; SELECT 2",
      "CREATE TRIGGER r6 AFTER INSERT ON t BEGIN SELECT 1 AS 'end'; SELECT \"end\" FROM (SELECT 1 AS \"end\"); END ; "
      "SELECT 2",
      "CREATE TRIGGER r7 AFTER INSERT ON t BEGIN SELECT 1; END",
      "EXPLAIN SELECT 1; EXPLAIN QUERY PLAN SELECT a FROM t; SELECT 2;",
      "WITH x(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM x WHERE n < 3) SELECT n FROM x; WITH y AS (SELECT 1) INSERT "
      "INTO "
      "log SELECT * FROM y; SELECT 1;",
      "CREATE TABLE create_table(begin, end, trigger); DROP TABLE IF EXISTS missing; SELECT 1;",
      "INSERT INTO t(a) VALUES(1), (2) ON CONFLICT DO NOTHING RETURNING a; SELECT 2;",
      "PRAGMA user_version; PRAGMA table_info(t); PRAGMA cache_size = -2000; SELECT 1",
      "\xEF\xBB\xBFSELECT 1; \xEF\xBB\xBF SELECT 2;",
      "SELECT '\xC3\xA9\xF0\x9F\x98\x80;' AS \xC3\xBC; SELECT 2",
      "SELECT a$b FROM (SELECT 1 AS a$b); SELECT 2",
      "SELECT ?, ?, ?; SELECT ?1, ?; SELECT ?;",
      "SELECT ?2, ?, ?1, ?2, ?",
      "SELECT :a, @a, $a, :a, #a, :a",
      "SELECT :a, ?1, ?, :b, ?5, ?, :a",
      "SELECT :a, ?1, ?, :b, ?2, ?, ?02, :a",
      "SELECT ?01, ?1, ?001, ?2",
      "SELECT $a::b, $a::b(c), $a(x;y), $ns::v(k-1), $a::b",
      "SELECT :a::b, @a(1), :\xC3\xA9t\xC3\xA9, :_1, :1, $1, @2, :$",
      "SELECT ':no', \":no\" FROM (SELECT 1 AS \":no\") -- :no\n WHERE 1 = :yes /* :no */",
      "SELECT ?32766, ?1",
      "INSERT INTO t(a, b) VALUES(?, :b) ON CONFLICT DO UPDATE SET a = ?; UPDATE t SET a = ? WHERE b IN (?, ?3, :b);",
      "SELECT (SELECT ? FROM t WHERE a = ?), ? LIMIT ? OFFSET ?",
      "SELECT a, count(*) FILTER (WHERE a > ?) OVER (PARTITION BY ? ORDER BY ?) FROM t WHERE a BETWEEN ? AND ?",
      "WITH c AS (SELECT ? AS v) SELECT v, ? FROM c JOIN t ON t.a = ? GROUP BY ? HAVING ? ORDER BY ?",
      "ATTACH ? AS ?",
      "SELECT 1 WHERE ? LIKE ? ESCAPE ? AND CAST(? AS TEXT) COLLATE NOCASE IS NOT ?",
      "VALUES(?, ?), (:x, @x)",
  };
  return scripts;
}

inline const std::vector<std::string_view>& broken_sql() {
  static const std::vector<std::string_view> scripts = {
      "",
      ";",
      "   ",
      "-- only a comment",
      "/* only a comment */",
      "/* open",
      "/*",
      "'open; string",
      "\"open; identifier",
      "`open",
      "[open",
      "x'0",
      "x'00",
      "x'zz'; SELECT 1",
      "12ab; SELECT 2",
      "0x; SELECT 2",
      "@; $; :; #; SELECT 1",
      "$a(open; SELECT 1",
      "$a(x y); SELECT 1",
      "SELECT ?0",
      "SELECT ?32767",
      "SELECT ?99999999999999999999",
      "SELECT #1",
      "SELECT ?32766, ?",
      "SELECT ?32766, :a",
      "\v SELECT 1",
      "! ; \\ ; { } ; SELECT 1;",
      "CREATE TRIGGER x; SELECT 1;",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN END; SELECT 1;",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END nonsense; SELECT 1;",
      "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1;",
      "SELEC 1; SELECT 2",
      "\xFF\xFE; SELECT 1",
  };
  return scripts;
}

}  // namespace libsql::test

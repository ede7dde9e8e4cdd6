// .expert suggests indexes, .scanstats tells what a statement's loops did.
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "integration/shell/process.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE t(a,b,c, d TEXT COLLATE nocase);\nCREATE TABLE pk(a,b,c, PRIMARY KEY(a,b));\n"
    "CREATE TABLE log(m, n);\nCREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;\n"
    "CREATE TABLE g(x, y AS (x * 2), z INTEGER PRIMARY KEY);\n"
    "CREATE VIEW v AS SELECT * FROM t WHERE c > 3;\nCREATE INDEX ti ON t(c);\n"
    "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE log SET n = n+1 WHERE m = NEW.a; END;\n";

std::string expert(const std::string& statement, const std::string& options = {}, const std::string& more = {}) {
  const ProcessResult result = run_shell({}, kSchema + more + ".expert" + options + "\n" + statement + "\n");
  return result.out + result.err;
}

TEST(Expert, SuggestsWhatThePlannerThenUses) {
  EXPECT_EQ(expert("SELECT * FROM t WHERE a=1 AND b>2 ORDER BY c;"),
            "CREATE INDEX t_idx_000123a7 ON t(a, b);\n\nSEARCH t USING INDEX t_idx_000123a7 (a=? AND b>?)\n"
            "USE TEMP B-TREE FOR ORDER BY\n\n");
  EXPECT_EQ(expert("SELECT 1;"), "(no new indexes)\n\nSCAN CONSTANT ROW\n\n");
  EXPECT_EQ(expert("SELECT * FROM t WHERE c = 1;"), "(no new indexes)\n\nSEARCH t USING INDEX ti (c=?)\n\n");
  EXPECT_EQ(expert("SELECT * FROM g WHERE z = 1;"),
            "(no new indexes)\n\nSEARCH g USING INTEGER PRIMARY KEY (rowid=?)\n\n");
}

TEST(Expert, KnowsWhatVirtualTablesCannotDo) {
  EXPECT_EQ(expert("UPDATE t SET a=1 WHERE b=2 RETURNING a;"),
            "CREATE INDEX t_idx_00000062 ON t(b);\n\nSEARCH t USING COVERING INDEX t_idx_00000062 (b=?)\n\n");
  EXPECT_EQ(expert("INSERT INTO log SELECT a, b FROM t WHERE d='x' AND true ON CONFLICT DO NOTHING;"),
            "CREATE INDEX t_idx_00000064 ON t(d);\n\nSEARCH t USING INDEX t_idx_00000064 (d=?)\n\n");
  EXPECT_EQ(expert("INSERT INTO g VALUES(1, 2);"), "(no new indexes)\n\n\n");
}

TEST(Expert, LooksIntoTriggersAndTheTriggersOfTheirTables) {
  EXPECT_EQ(expert("INSERT INTO t VALUES(1,2,3,4);"),
            "CREATE INDEX log_idx_0000006d ON log(m);\n\nSEARCH log USING INDEX log_idx_0000006d (m=?)\n\n");
  const std::string deeper =
      "CREATE TRIGGER \"on\" BEFORE UPDATE OF n ON main.log WHEN NEW.n > 1 BEGIN DELETE FROM w WHERE v = NEW.m; END;\n";
  EXPECT_EQ(
      expert("INSERT INTO t VALUES(1,2,3,4);", "", deeper),
      "CREATE INDEX w_idx_00000076 ON w(v);\nCREATE INDEX log_idx_0000006d ON log(m);\n\n"
      "SEARCH log USING COVERING INDEX log_idx_0000006d (m=?)\nSEARCH w USING COVERING INDEX w_idx_00000076 (v=?)\n\n");
  EXPECT_EQ(expert("INSERT INTO v(a) VALUES(1);", "",
                   "CREATE TRIGGER i INSTEAD OF INSERT ON v BEGIN DELETE FROM log WHERE n = NEW.a; END;\n"),
            "CREATE INDEX log_idx_0000006e ON log(n);\n\nSEARCH log USING INDEX log_idx_0000006e (n=?)\n\n");
}

TEST(Expert, QuotesNamesThatNeedIt) {
  const std::string out = expert("SELECT * FROM \"odd t\" WHERE \"x y\"=1 AND \"select\" > 5;", "",
                                 "CREATE TABLE \"odd t\"(\"x y\", \"select\");\n");
  EXPECT_TRUE(std::regex_search(out, std::regex("CREATE INDEX \"odd t_idx_[0-9a-f]{8}\" ON \"odd t\"\\(\"x y\", "
                                                "\"select\"\\);\n\nSEARCH odd t USING COVERING INDEX odd t_idx_")))
      << out;
}

TEST(Expert, PrintsCandidatesAndStatementsIfItIsAsked) {
  EXPECT_EQ(expert("SELECT * FROM log WHERE m=1; SELECT n FROM log WHERE n>1;", " --verbose"),
            "-- Candidates -----------------------------\nCREATE INDEX log_idx_0000006d ON log(m);\n"
            "CREATE INDEX log_idx_0000006e ON log(n);\n\n-- Query 1 --------------------------------\n"
            "SELECT * FROM log WHERE m=1;\n\nCREATE INDEX log_idx_0000006d ON log(m);\n\n"
            "SEARCH log USING INDEX log_idx_0000006d (m=?)\n\n-- Query 2 --------------------------------\n"
            "SELECT n FROM log WHERE n>1;\n\nCREATE INDEX log_idx_0000006e ON log(n);\n\n"
            "SEARCH log USING COVERING INDEX log_idx_0000006e (n>?)\n\n");
}

TEST(Expert, RunsNothingAndSaysWhatDoesNotCompile) {
  const ProcessResult result = run_shell({},
                                         "CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n.expert\nDELETE FROM t; PRAGMA "
                                         "user_version=7; DROP TABLE t;\nSELECT count(*) FROM t;\nPRAGMA "
                                         "user_version;\n.expert\nSELECT * FROM nosuch;\n.expert\nEXPLAIN SELECT 1;\n"
                                         "SELECT 'on';\n.expert --sample 101\n.expert t\nSELECT 'goes';\n");
  EXPECT_EQ(result.out, "(no new indexes)\n\n\n(no new indexes)\n\n\n(no new indexes)\n\n\n1\n0\non\ngoes\n");
  EXPECT_NE(result.err.find("Parse error near line 8: no such table: nosuch"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("line 10: .expert needs the statement itself"), std::string::npos) << result.err;
  EXPECT_EQ(result.status, 1);
}

TEST(Expert, TakesStatisticsOfTheRowsIntoAccount) {
  // One value in nearly all rows of b: an index over it does not help, as a sample shows.
  const std::string rows =
      "CREATE TABLE t(a, b);\nWITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO t SELECT "
      "i, 7 "
      "FROM n;\n";
  const std::string query = "SELECT * FROM t WHERE b = 7 AND a > 0;\n";
  EXPECT_NE(run_shell({}, rows + ".expert\n" + query).out.find("CREATE INDEX"), std::string::npos);
  EXPECT_EQ(run_shell({}, rows + ".expert --sample 100\n" + query).out, "(no new indexes)\n\nSCAN t\n\n");
  EXPECT_NE(run_shell({}, rows + ".expert --sample 100\nSELECT * FROM t WHERE b = 7 AND a = 5;\n").out.find("t(b, a)"),
            std::string::npos);
}

TEST(Expert, SaysWhatSqlite3Says) {
  const std::string sqlite3 = SQLITE3_PROGRAM;
  if (sqlite3.empty()) GTEST_SKIP() << "there is no sqlite3 program";
  for (const char* statement :
       {"SELECT * FROM pk WHERE b=3;", "SELECT * FROM t WHERE d='x' AND a='y' COLLATE nocase ORDER BY b DESC;",
        "SELECT * FROM v WHERE b=?;", "SELECT * FROM w WHERE v=1;", "SELECT * FROM t WHERE a=1 OR b=2;",
        "SELECT * FROM t WHERE a IN (SELECT m FROM log WHERE n=3) AND b=1;", "DELETE FROM t WHERE a=1 AND b=2;",
        "SELECT * FROM t WHERE a LIKE 'x%';", "SELECT * FROM t JOIN log ON t.a=log.m WHERE n=3;",
        "WITH q AS (SELECT a FROM t WHERE b=1) SELECT * FROM q JOIN log ON q.a=log.m;",
        "SELECT max(a) FROM t WHERE b BETWEEN 1 AND 2 AND c = 4; SELECT d FROM t GROUP BY d;",
        "INSERT INTO t SELECT * FROM t WHERE b=2;"}) {
    for (const char* options : {"", " --verbose"}) {
      std::string wanted =
          run_process(sqlite3, {}, kSchema + (std::string(".expert") + options) + "\n" + statement + "\n").out;
      // It begins each statement where the one before ended.
      wanted = std::regex_replace(wanted, std::regex("\n SELECT"), "\nSELECT");
      EXPECT_EQ(expert(statement, options), wanted) << statement << options;
    }
  }
}

TEST(ScanStats, PrintWhatEachLoopDid) {
  const std::string rows =
      "CREATE TABLE t(a,b);\nCREATE INDEX i ON t(a);\nWITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<100) "
      "INSERT INTO t SELECT i%10,i FROM n;\n";
  const std::string query = "SELECT count(b) FROM t WHERE a=3;\n";
  const auto matches = [&](const std::string& script, const char* pattern) {
    const ProcessResult result = run_shell({}, rows + script);
    EXPECT_EQ(result.err, "");
    EXPECT_TRUE(std::regex_match(result.out, std::regex(pattern))) << result.out;
  };
  matches(".scanstats on\n" + query + ".scanstats off\n" + query,
          "10\nQUERY PLAN \\(cycles=[0-9]+ \\[100%\\]\\)\n`--SEARCH t USING INDEX i \\(a=\\?\\) \\(cycles=[0-9]+ "
          "\\[[0-9]+%\\] loops=1 rows=10\\)\n10\n");
  matches(".scanstats est\n" + query, "10\nQUERY PLAN [^\n]*\n[^\n]* loops=1 rows=10 rpl=10\\.0 est=10\\.0\\)\n");
  matches(".scanstats vm\n" + query,
          "10\naddr  cycles    nexec   opcode [\\s\\S]*\n[0-9]+ +[0-9.]+% +10 +(Next|IdxGT)[\\s\\S]*\nQUERY PLAN "
          "[\\s\\S]*");
  matches(".scanstats on\nEXPLAIN QUERY PLAN " + query, "QUERY PLAN\n`--SEARCH t USING INDEX i \\(a=\\?\\)\n");
  const TemporaryDirectory directory;
  matches(".scanstats on\n.open " + directory.file("other.db") + "\nCREATE TABLE u(x);\nSELECT count(x) FROM u;\n",
          "(QUERY PLAN [\\s\\S]*)?0\nQUERY PLAN [^\n]*\n`--SCAN u \\([^\n]* rows=0\\)\n");
  EXPECT_EQ(run_shell({}, ".scanstats maybe\n").status, 1);
  EXPECT_EQ(run_shell({}, ".scanstats\n").status, 1);
}

}  // namespace
}  // namespace libsql::test

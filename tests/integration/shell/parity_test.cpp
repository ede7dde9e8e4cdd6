// What users of sqlite3's shell expect to be there.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "integration/shell/process.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(FileFunctions, ReadAndWriteFiles) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("f");
  EXPECT_EQ(
      run_shell({":memory:", "SELECT writefile('" + path + "', x'00ff' || 'text'), writefile('" + path + "2', 12)"})
          .out,
      "6|2\n");
  EXPECT_EQ(content(path), std::string("\0\xfftext", 6));
  EXPECT_EQ(run_shell({":memory:", "SELECT typeof(readfile('" + path + "')), length(readfile('" + path + "'))"}).out,
            "blob|6\n");
  EXPECT_EQ(run_shell({":memory:", "SELECT quote(readfile('/nonexistent')), quote(readfile('" + directory.file("") +
                                       "')), quote(readfile(NULL))"})
                .out,
            "NULL|NULL|NULL\n");
  EXPECT_EQ(run_shell({":memory:", "SELECT writefile('" + path + "', 'short', 33024, 1000)"}).out, "5\n");
  struct stat status = {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0400U);
  EXPECT_EQ(status.st_mtime, 1000);
  EXPECT_EQ(content(path), "short");
  const ProcessResult failed = run_shell({":memory:", "SELECT writefile('/nonexistent/f', 'x')"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_TRUE(contains(failed.err, "/nonexistent/f")) << failed.err;
}

TEST(FileFunctions, AreNotForTheSchemaOfADatabase) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("f");
  const ProcessResult result =
      run_shell({}, "CREATE VIEW v AS SELECT writefile('" + path +
                        "', 'x') AS n;\nSELECT * FROM v;\n"
                        "CREATE TABLE t(a);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT writefile('" +
                        path +
                        "', 'x'); END;\n"
                        "INSERT INTO t VALUES(1);\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "unsafe use of writefile()")) << result.err;
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Functions, OfTheShellAreThere) {
  EXPECT_EQ(run_shell({":memory:", "SELECT group_concat(value) FROM generate_series(1, 10, 4)",
                       "SELECT 'abc' REGEXP '^a.c$', 'x' REGEXP 'y'"})
                .out,
            "1,5,9\n1|0\n");
}

TEST(Modes, TclPrintsStringsAndOffNothing) {
  EXPECT_EQ(run_shell({}, ".mode tcl\n.headers on\nSELECT 1 AS a, 'q\"\\\t' AS \"b c\", NULL AS n, 2.5 AS r;\n").out,
            "\"a\" \"b c\" \"n\" \"r\"\n\"1\" \"q\\\"\\\\\\t\" \"\" \"2.5\"\n");
  EXPECT_EQ(run_shell({},
                      ".mode off\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1) RETURNING a;\nSELECT 5;\n.mode "
                      "list\nSELECT a FROM t;\n")
                .out,
            "1\n");
}

TEST(Import, TakesTheDatabaseOfTheTable) {
  const TemporaryDirectory directory;
  std::ofstream(directory.file("rows.csv")) << "a,b\n1,2\n";
  const ProcessResult result =
      run_shell({}, "ATTACH ':memory:' AS other;\nCREATE TABLE t(only);\n.import --csv --schema other " +
                        directory.file("rows.csv") + " t\n.import --csv --schema other --skip 1 " +
                        directory.file("rows.csv") + " t\nSELECT * FROM other.t;\nSELECT count(*) FROM main.t;\n");
  EXPECT_EQ(result.out, "1|2\n1|2\n0\n") << result.err;
  EXPECT_EQ(run_shell({}, ".import --csv --schema nosuch " + directory.file("rows.csv") + " t\n").status, 1);
}

TEST(Sha3Sum, IsThatOfSqlite3) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("a.db");
  ASSERT_EQ(run_shell({path},
                      "CREATE TABLE t(a INTEGER PRIMARY KEY, b);\nINSERT INTO t "
                      "VALUES(1,'x'),(2,2.5),(3,NULL),(4,x'00ff'),(5,'é');\n"
                      "CREATE TABLE \"odd \"\"n\"(x);\nWITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE "
                      "i<500) INSERT INTO \"odd \"\"n\" SELECT i*i FROM n;\n")
                .err,
            "");
  // Of an empty database: SHA3-224 of nothing.
  EXPECT_EQ(run_shell({":memory:", ".sha3sum"}).out, "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7\n");
  const std::string sqlite3 = SQLITE3_PROGRAM;
  if (sqlite3.empty()) GTEST_SKIP() << "there is no sqlite3 program";
  for (const char* command :
       {".sha3sum", ".sha3sum --sha3-256", ".sha3sum --sha3-512", ".sha3sum --schema", ".sha3sum t"}) {
    EXPECT_EQ(run_shell({path, command}).out, run_process(sqlite3, {path, command}).out) << command;
  }
}

TEST(Clone, WritesANewFileAndNeverOverOne) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("a.db");
  ASSERT_EQ(
      run_shell(
          {path},
          "CREATE TABLE t(a UNIQUE);\nINSERT INTO t VALUES(1),('two\nlines');\nCREATE VIEW v AS SELECT 1 -- one\n;\n"
          "CREATE VIRTUAL TABLE f USING fts5(x);\nINSERT INTO f VALUES('word');\n.clone " +
              directory.file("b.db") + "\n")
          .err,
      "");
  EXPECT_EQ(run_shell({directory.file("b.db"), ".dump"}).out, run_shell({path, ".dump"}).out);
  EXPECT_EQ(run_shell({directory.file("b.db"), "SELECT rowid FROM f WHERE f MATCH 'word'; PRAGMA integrity_check"}).out,
            "1\nok\n");
  EXPECT_EQ(run_shell({path, ".clone " + directory.file("b.db")}).status, 1);
  EXPECT_EQ(run_shell({path, ".clone " + path}).status, 1);
  ASSERT_EQ(mkfifo(directory.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(run_shell({path, ".clone " + directory.file("pipe")}).status, 1);
}

TEST(DoubleQuotedStrings, OfOldSchemasWorkAndAreRestored) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("a.db");
  const char* const script =
      "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT DEFAULT \"new\" CHECK (s IN (\"new\",\"old\")), u TEXT);\n"
      "CREATE TABLE log(m);\nCREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES(\"inserted \" || "
      "NEW.id); "
      "END;\nCREATE VIEW v AS SELECT id, CASE s WHEN \"new\" THEN \"N\" ELSE \"O\" END AS k FROM t;\n"
      "INSERT INTO t(u) VALUES('a');\n";
  ASSERT_EQ(run_shell({"--double-quoted-strings", "on", path}, script).err, "");
  EXPECT_EQ(run_shell({path, "SELECT * FROM v", "INSERT INTO t(u) VALUES('b')", "ALTER TABLE t RENAME COLUMN u TO w",
                       "SELECT w FROM t", "SELECT m FROM log"})
                .out,
            "1|N\na\nb\ninserted 1\ninserted 2\n");
  const std::string dump = run_shell({path, ".dump"}).out;
  const ProcessResult restored = run_shell({"--bail", directory.file("b.db")}, dump);
  EXPECT_EQ(restored.err, "");
  EXPECT_EQ(run_shell({directory.file("b.db"), ".dump"}).out, dump);
  EXPECT_EQ(run_shell({directory.file("b.db"), "SELECT * FROM v"}).out, "1|N\n2|N\n");
  // In statements they are errors unless they are wanted.
  const ProcessResult refused = run_shell({path, "SELECT \"text\""});
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(contains(refused.err, "should this be a string literal")) << refused.err;
  EXPECT_EQ(run_shell({path, "--double-quoted-strings", "on", "SELECT \"text\""}).out, "text\n");
  // (Renaming a column has written the other view anew, with single quotes.)
  EXPECT_EQ(run_shell({"--double-quoted-strings", "off"}, "CREATE VIEW v AS SELECT \"text\" AS k;\nSELECT k FROM v;\n")
                .status,
            1);
  EXPECT_EQ(run_shell({path, "--double-quoted-strings", "maybe", "SELECT 1"}).status, 2);
}

TEST(Lint, NamesTheIndexesThatForeignKeysLack) {
  const ProcessResult result =
      run_shell({},
                "CREATE TABLE p(a INTEGER PRIMARY KEY, b, c, UNIQUE(b, c));\nCREATE TABLE c1(x REFERENCES p);\n"
                "CREATE TABLE c2(y, z, x, FOREIGN KEY(y, z) REFERENCES p(b, c));\nCREATE INDEX c2i ON c2(z, "
                "x);\nCREATE TABLE c5(y, z, FOREIGN KEY(y, z) REFERENCES p(b, c));\nCREATE INDEX c5i ON c5(z, y);\n"
                "CREATE TABLE c3(x INTEGER PRIMARY KEY REFERENCES p(a), w REFERENCES p(a) UNIQUE);\n"
                "CREATE TABLE c4(\"the x\" REFERENCES p(a));\nCREATE INDEX part ON c4(\"the x\") WHERE \"the x\" > "
                "1;\n.lint fkey-indexes\n");
  EXPECT_EQ(result.out,
            "CREATE INDEX c1_x ON c1(x); --> p\nCREATE INDEX c2_y_z ON c2(y, z); --> p(b, c)\n"
            "CREATE INDEX \"c4_the x\" ON c4(\"the x\"); --> p(a)\n");
  EXPECT_EQ(run_shell({}, ".lint\n").status, 1);
}

}  // namespace
}  // namespace libsql::test

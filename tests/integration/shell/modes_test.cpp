// What the output modes print: literally, and byte for byte as Debian's sqlite3 does.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "integration/shell/process.hpp"

namespace {

using libsql::test::ProcessResult;
using libsql::test::run_process;
using libsql::test::run_shell;

const char* const kRows =
    "SELECT 1 AS id, 'it''s' AS \"a name\", NULL AS nothing, 1.5 AS number, x'6162' AS bytes "
    "UNION ALL SELECT 22, 'two\nlines', '', 1e20, x'4142' UNION ALL SELECT -3, 'tab\there, \"quoted\"', 'x|y', 0.5, "
    "x'';";

std::string in_mode(const std::string& mode, const std::string& more = {}) {
  const ProcessResult result = run_shell(
      {}, ".mode " + mode + "\n" + more + "SELECT 1 AS a, 'x' AS b, NULL AS c UNION ALL SELECT 22, 'y''z', 2.5;\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(Modes, PrintRowsAsTheirNamesSay) {
  EXPECT_EQ(in_mode("list"), "1|x|\n22|y'z|2.5\n");
  EXPECT_EQ(in_mode("list", ".headers on\n.separator , ';\\n'\n.nullvalue NULL\n"),
            "a,b,c;\\n1,x,NULL;\\n22,y'z,2.5;\\n");
  EXPECT_EQ(in_mode("list", ".separator \\t ;\\n\n"), "1\tx\t;\n22\ty'z\t2.5;\n");
  EXPECT_EQ(in_mode("list", ".separator \", \" \";\\n\"\n"), "1, x, ;\n22, y'z, 2.5;\n");
  EXPECT_EQ(in_mode("csv"), "1,x,\r\n22,\"y'z\",2.5\r\n");
  EXPECT_EQ(in_mode("tabs"), "1\tx\t\n22\ty'z\t2.5\n");
  EXPECT_EQ(in_mode("ascii"),
            "1\x1Fx\x1F\x1E"
            "22\x1Fy'z\x1F"
            "2.5\x1E");
  EXPECT_EQ(in_mode("json"), "[{\"a\":1,\"b\":\"x\",\"c\":null},\n{\"a\":22,\"b\":\"y'z\",\"c\":2.5}]\n");
  EXPECT_EQ(in_mode("jsonl"), "{\"a\":1,\"b\":\"x\",\"c\":null}\n{\"a\":22,\"b\":\"y'z\",\"c\":2.5}\n");
  EXPECT_EQ(in_mode("line"), "    a = 1\n    b = x\n    c = \n\n    a = 22\n    b = y'z\n    c = 2.5\n");
  EXPECT_EQ(in_mode("quote"), "1,'x',NULL\n22,'y''z',2.5\n");
  EXPECT_EQ(in_mode("insert t"), "INSERT INTO t VALUES(1,'x',NULL);\nINSERT INTO t VALUES(22,'y''z',2.5);\n");
  EXPECT_EQ(in_mode("html"),
            "<TR><TD>1</TD>\n<TD>x</TD>\n<TD></TD>\n</TR>\n<TR><TD>22</TD>\n<TD>y&#39;z</TD>\n<TD>2.5</TD>\n</TR>\n");
  EXPECT_EQ(in_mode("markdown"), "| a  |  b  |  c  |\n|----|-----|-----|\n| 1  | x   |     |\n| 22 | y'z | 2.5 |\n");
  EXPECT_EQ(in_mode("table"),
            "+----+-----+-----+\n| a  |  b  |  c  |\n+----+-----+-----+\n| 1  | x   |     |\n| 22 | y'z | 2.5 |\n"
            "+----+-----+-----+\n");
  EXPECT_EQ(in_mode("box"),
            "┌────┬─────┬─────┐\n│ a  │  b  │  c  │\n├────┼─────┼─────┤\n│ 1  │ x   │     │\n│ 22 │ y'z │ 2.5 │\n"
            "└────┴─────┴─────┘\n");
  EXPECT_EQ(in_mode("column"), "a   b    c  \n--  ---  ---\n1   x       \n22  y'z  2.5\n");
  EXPECT_EQ(in_mode("column", ".width 4 -5\n.headers off\n"), "1         x     \n22      y'z  2.5\n");
}

TEST(Modes, AlignTextByItsWidthOnTheTerminal) {
  const ProcessResult result =
      run_shell({"-table"}, "SELECT '日本' AS a UNION ALL SELECT 'é' UNION ALL SELECT 'abc';\n");
  EXPECT_EQ(result.out, "+------+\n|  a   |\n+------+\n| 日本 |\n| é    |\n| abc  |\n+------+\n");
}

TEST(Modes, ShowControlCharactersAndWrap) {
  const ProcessResult result =
      run_shell({}, ".mode box --wrap 9 --wordwrap on\nSELECT 'red '||char(27)||'[31m and more' AS a, x'00ff' AS b;\n");
  EXPECT_EQ(result.out,
            "┌──────────┬─────────┐\n│    a     │    b    │\n├──────────┼─────────┤\n│ red      │ X'00ff' │\n"
            "│ ^[[31m   │         │\n│ and more │         │\n└──────────┴─────────┘\n");
}

TEST(Modes, PrintNothingForNoRows) {
  for (const char* mode : {"box", "csv", "json", "line", "list", "insert", "column"}) {
    const ProcessResult result =
        run_shell({":memory:", std::string(".mode ") + mode, ".headers on", "SELECT 1 WHERE 0"});
    EXPECT_EQ(result.out, "") << mode;
    EXPECT_EQ(result.status, 0);
  }
}

TEST(Modes, JsonOfBytesThatAreNoTextIsStillJson) {
  const ProcessResult result = run_shell({"-json"}, "SELECT x'41ff00' AS a;\n");
  EXPECT_EQ(result.out, "[{\"a\":\"A\\u00ff\\u0000\"}]\n");
}

class SameAsSqlite3 : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string program = SQLITE3_PROGRAM;
    if (program.empty()) GTEST_SKIP() << "there is no sqlite3 program to compare with";
    const ProcessResult version = run_process(program, {"--version"});
    if (!version.out.starts_with("3.40.")) GTEST_SKIP() << "compared with sqlite3 3.40 only, not " << version.out;
  }
};

TEST_P(SameAsSqlite3, ByteForByte) {
  const std::vector<std::string> scripts = {
      std::string(kRows),
      ".headers on\n.nullvalue NULL\n" + std::string(kRows),
      ".headers off\n" + std::string(kRows),
      ".width 4 -12 3\n" + std::string(kRows),
      "SELECT 1 AS one; SELECT 'second' AS result; SELECT 1 WHERE 0;",
      "SELECT 123456789012345678, -1, 1e15, 1e16, 100000.0, 1.0/4, 'é' AS e, '', ' ', char(9);",
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t(b) VALUES('x'), ('y') RETURNING a, b;",
      "SELECT 'long' AS \"a column whose name is longer than its values\", 2 AS b;",
  };
  for (const std::string& script : scripts) {
    const std::string input = ".mode " + std::string(GetParam()) + "\n" + script + "\n";
    const ProcessResult theirs = run_process(SQLITE3_PROGRAM, {}, input);
    const ProcessResult ours = run_shell({}, input);
    EXPECT_EQ(ours.out, theirs.out) << input;
    EXPECT_EQ(ours.status, theirs.status) << input;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, SameAsSqlite3,
                         testing::Values("list", "csv", "tabs", "ascii", "json", "line", "column", "table", "box",
                                         "markdown", "insert", "insert target", "quote", "html"),
                         [](const auto& mode) {
                           std::string name = mode.param;
                           for (char& c : name) c = c == ' ' ? '_' : c;
                           return name;
                         });

}  // namespace

// The program libsql as people use it: in a terminal.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iterator>
#include <string>

#include "integration/shell/process.hpp"
#include "support/temporary_directory.hpp"

namespace {

using libsql::test::run_shell;
using libsql::test::TemporaryDirectory;
using libsql::test::Terminal;

const std::string kPrompt = "libsql> ";
const std::string kCtrlC = "\x03";
const std::string kCtrlD = "\x04";
const std::string kEndless = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x;";

TEST(Terminal, ShowsPromptsAndRunsStatementsOfSeveralLines) {
  Terminal terminal(LIBSQL_PROGRAM, {});
  ASSERT_TRUE(terminal.expect(kPrompt)) << terminal.shown();
  terminal.type("SELECT 40 +\n");
  ASSERT_TRUE(terminal.expect("   ...> ")) << terminal.shown();
  terminal.type("2;\n");
  ASSERT_TRUE(terminal.expect("42")) << terminal.shown();
  ASSERT_TRUE(terminal.expect(kPrompt)) << terminal.shown();
  terminal.type("nonsense;\n");
  ASSERT_TRUE(terminal.expect("syntax error")) << terminal.shown();
  ASSERT_TRUE(terminal.expect(kPrompt)) << terminal.shown();
  terminal.type(".quit\n");
  EXPECT_EQ(terminal.wait(), 0) << "errors of an interactive session do not count";
}

TEST(Terminal, LeavesAtTheEndOfInput) {
  Terminal terminal(LIBSQL_PROGRAM, {});
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type(kCtrlD);
  EXPECT_EQ(terminal.wait(), 0);
}

TEST(Terminal, CtrlCEndsTheStatementAndNotTheProgram) {
  Terminal terminal(LIBSQL_PROGRAM, {});
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type("CREATE TABLE kept(a);\n");
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type("SELECT 'running'; " + kEndless + "\n");
  ASSERT_TRUE(terminal.expect("running"));  // what was typed
  ASSERT_TRUE(terminal.expect("running")) << terminal.shown();
  terminal.type(kCtrlC);
  ASSERT_TRUE(terminal.expect("interrupted")) << terminal.shown();
  ASSERT_TRUE(terminal.expect(kPrompt)) << terminal.shown();
  terminal.type(".tables\n");
  ASSERT_TRUE(terminal.expect("kept")) << terminal.shown();
  terminal.type(".exit 3\n");
  EXPECT_EQ(terminal.wait(), 3);
}

TEST(Terminal, CtrlCClearsTheLineAndTheUnfinishedStatement) {
  Terminal terminal(LIBSQL_PROGRAM, {});
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type("SELECT 'unfinished\n");
  ASSERT_TRUE(terminal.expect("   ...> "));
  terminal.type("half a li");
  ASSERT_TRUE(terminal.expect("half a li"));
  terminal.type(kCtrlC);
  ASSERT_TRUE(terminal.expect("^C")) << terminal.shown();
  ASSERT_TRUE(terminal.expect(kPrompt)) << terminal.shown();
  terminal.type("SELECT 'fine';\n");
  ASSERT_TRUE(terminal.expect("fine"));
  ASSERT_TRUE(terminal.expect("fine")) << terminal.shown();
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type(kCtrlD);
  EXPECT_EQ(terminal.wait(), 0);
}

TEST(Terminal, CtrlCEndsAScript) {
  Terminal terminal(LIBSQL_PROGRAM, {":memory:", "SELECT 'started'; " + kEndless, "SELECT 'not reached'"});
  ASSERT_TRUE(terminal.expect("started")) << terminal.shown();
  terminal.type(kCtrlC);
  EXPECT_EQ(terminal.wait(), 130) << terminal.shown();
  EXPECT_EQ(terminal.shown().find("not reached"), std::string::npos);
}

TEST(Terminal, HasColoursUnlessToldOtherwise) {
  const std::string escape = "\x1B[";
  const std::string query = "SELECT 1 AS a, NULL AS b";
  {
    Terminal terminal(LIBSQL_PROGRAM, {"-box", ":memory:", query});
    terminal.wait();
    EXPECT_NE(terminal.shown().find(escape), std::string::npos) << terminal.shown();
  }
  for (const libsql::test::Environment& environment :
       {libsql::test::Environment{{"NO_COLOR", "1"}}, libsql::test::Environment{{"TERM", "dumb"}}}) {
    Terminal terminal(LIBSQL_PROGRAM, {"-box", ":memory:", query, "SELECT nosuch"}, environment);
    terminal.wait();
    EXPECT_EQ(terminal.shown().find(escape), std::string::npos) << terminal.shown();
  }
  const auto piped = run_shell({"-box", ":memory:", query, "SELECT nosuch"}, "", {{"TERM", "xterm"}});
  EXPECT_EQ(piped.out.find(escape), std::string::npos);
  EXPECT_EQ(piped.err.find(escape), std::string::npos);
}

TEST(Terminal, SendsNoColoursToFiles) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("out");
  Terminal terminal(LIBSQL_PROGRAM, {"-box", ":memory:", ".once " + file, "SELECT 1 AS a"});
  terminal.wait();
  std::ifstream stream(file);
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  EXPECT_EQ(text, "┌───┐\n│ a │\n├───┤\n│ 1 │\n└───┘\n");
}

TEST(Terminal, ShowsTheProgressOfLongWorkOnly) {
  // Slow on purpose: longer than the 400 ms in which nothing is shown.
  const std::string slow = ".import --csv \"|printf 'a\\n1\\n'; sleep 0.5; printf '2\\n'\" t";
  const std::string fast = ".import --csv \"|printf 'a\\n1\\n2\\n'\" t";
  Terminal long_work(LIBSQL_PROGRAM, {":memory:", slow, "SELECT count(*) FROM t"});
  EXPECT_EQ(long_work.wait(), 0);
  EXPECT_NE(long_work.shown().find("\rimport "), std::string::npos) << long_work.shown();
  Terminal short_work(LIBSQL_PROGRAM, {":memory:", fast, "SELECT count(*) FROM t"});
  EXPECT_EQ(short_work.wait(), 0);
  EXPECT_EQ(short_work.shown(), "2\r\n");
  const auto piped = run_shell({":memory:", slow, "SELECT count(*) FROM t"});
  EXPECT_EQ(piped.out, "2\n");
  EXPECT_EQ(piped.err, "");
}

#ifdef LIBSQL_TEST_READLINE

TEST(Terminal, CompletesCommandsKeywordsTablesAndColumns) {
  Terminal terminal(LIBSQL_PROGRAM, {});
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type("CREATE TABLE elephants(trunk_length, \"two words\");\n");
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type("SEL\t");
  ASSERT_TRUE(terminal.expect("SELECT ")) << terminal.shown();
  terminal.type("trunk_\tFROM eleph\t");
  ASSERT_TRUE(terminal.expect("trunk_length ")) << terminal.shown();
  ASSERT_TRUE(terminal.expect("FROM elephants ")) << terminal.shown();
  terminal.type(kCtrlC);
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type(".databa\t");
  ASSERT_TRUE(terminal.expect(".databases")) << terminal.shown();
  terminal.type(kCtrlC);
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type(".mode markd\t");
  ASSERT_TRUE(terminal.expect("markdown")) << terminal.shown();
}

TEST(Terminal, RemembersLinesButNoKeys) {
  const TemporaryDirectory directory;
  const libsql::test::Environment environment = {{"LIBSQL_HISTORY", directory.file("history")}};
  {
    Terminal terminal(LIBSQL_PROGRAM, {}, environment);
    ASSERT_TRUE(terminal.expect(kPrompt));
    terminal.type("SELECT 'remember me';\n");
    ASSERT_TRUE(terminal.expect(kPrompt));
    terminal.type("PRAGMA key = 'forget me';\n");
    ASSERT_TRUE(terminal.expect(kPrompt));
    terminal.type("ATTACH 'x' AS y KEY 'forget me';\n");
    ASSERT_TRUE(terminal.expect(kPrompt));
    terminal.type(kCtrlD);
    EXPECT_EQ(terminal.wait(), 0);
  }
  std::ifstream stream(directory.file("history"));
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  EXPECT_EQ(text, "SELECT 'remember me';\n");
  Terminal terminal(LIBSQL_PROGRAM, {}, environment);
  ASSERT_TRUE(terminal.expect(kPrompt));
  terminal.type("\x1B[A");  // the up arrow
  EXPECT_TRUE(terminal.expect("remember me")) << terminal.shown();
}

#endif

TEST(Terminal, RunsTheFileOfItsUserFirst) {
  const TemporaryDirectory directory;
  std::ofstream(directory.file(".libsqlrc")) << ".mode json\n.prompt 'mine> '\n";
  Terminal terminal(LIBSQL_PROGRAM, {}, {{"HOME", directory.path().string()}});
  ASSERT_TRUE(terminal.expect("mine> ")) << terminal.shown();
  terminal.type("SELECT 1 AS a;\n");
  EXPECT_TRUE(terminal.expect("[{\"a\":1}]")) << terminal.shown();
}

}  // namespace

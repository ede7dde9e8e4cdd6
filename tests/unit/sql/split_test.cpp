#include "sql/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "unit/sql/corpus.hpp"

namespace libsql::sql {
namespace {

std::vector<std::string> texts(std::string_view script) {
  std::vector<std::string> out;
  for (const Statement& statement : split(script)) out.emplace_back(statement.text);
  return out;
}

TEST(Split, EndsStatementsWhereTheEngineDoes) {
  for (const std::string_view script : test::corpus()) {
    const test::DatabaseHandle database = test::open_memory_database();
    ASSERT_EQ(sqlite3_exec(database.get(), test::kSchema, nullptr, nullptr, nullptr), SQLITE_OK);
    const char* cursor = script.data();
    const char* const end = script.data() + script.size();
    Splitter splitter(script);
    while (true) {
      sqlite3_stmt* raw = nullptr;
      const char* tail = nullptr;
      const int rc = sqlite3_prepare_v3(database.get(), cursor, static_cast<int>(end - cursor), 0, &raw, &tail);
      const test::StatementHandle handle(raw);
      ASSERT_EQ(rc, SQLITE_OK) << sqlite3_errmsg(database.get()) << " in: " << script;
      const auto ours = splitter.next();
      if (raw == nullptr) {
        EXPECT_FALSE(ours.has_value()) << script;
        break;
      }
      ASSERT_TRUE(ours.has_value()) << script;
      EXPECT_EQ(ours->end, static_cast<std::size_t>(tail - script.data())) << script;
      EXPECT_EQ(ours->terminated, tail[-1] == ';') << script;
      // Later statements may need what this one makes.
      sqlite3_step(raw);
      cursor = tail;
    }
  }
}

TEST(Split, YieldsTheTextBetweenItsFirstAndLastToken) {
  const std::string_view script = " -- a\n SELECT 1 /* b */ ; ; SELECT 2 -- c";
  Splitter splitter(script);
  const auto first = splitter.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->text, "SELECT 1");
  EXPECT_EQ(first->offset, script.find("SELECT 1"));
  EXPECT_TRUE(first->terminated);
  const auto second = splitter.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, "SELECT 2");
  EXPECT_EQ(second->offset, script.find("SELECT 2"));
  EXPECT_EQ(second->end, script.size());
  EXPECT_FALSE(second->terminated);
  EXPECT_FALSE(splitter.next());
  EXPECT_FALSE(splitter.next());
}

TEST(Split, SkipsEmptyStatements) {
  EXPECT_TRUE(texts("").empty());
  EXPECT_TRUE(texts(" ; ;; -- c\n /* d */ ; /* open").empty());
}

TEST(Split, EndsBrokenStatementsAtTheirNextSemicolon) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(texts("SELEC 1; SELECT 2"), (Texts{"SELEC 1", "SELECT 2"}));
  EXPECT_EQ(texts("CREATE TRIGGER x; SELECT 1;"), (Texts{"CREATE TRIGGER x", "SELECT 1"}));
  EXPECT_EQ(texts("CREATE TRIGGER x AFTER INSERT ON t BEGIN END; SELECT 1;"),
            (Texts{"CREATE TRIGGER x AFTER INSERT ON t BEGIN END", "SELECT 1"}));
  EXPECT_EQ(texts("'open; string"), (Texts{"'open; string"}));
  EXPECT_EQ(texts("BEGIN; END; END;"), (Texts{"BEGIN", "END", "END"}));
}

TEST(Split, GoesOverLongScriptsOnce) {
  std::string script;
  for (int i = 0; i < 20000; ++i) script += "INSERT INTO t VALUES('a;b');\n";
  std::size_t count = 0;
  for (const Statement& statement : split(script)) count += statement.terminated ? 1 : 0;
  EXPECT_EQ(count, 20000U);
}

TEST(Split, LeavesNoNulBetweenStatements) {
  using Texts = std::vector<std::string>;
  const auto with_nul = [](std::string text) {
    std::replace(text.begin(), text.end(), '~', '\0');
    return text;
  };
  EXPECT_EQ(texts(with_nul("SELECT 1;~SELECT 2; SELECT 3")), (Texts{"SELECT 1", with_nul("~SELECT 2"), "SELECT 3"}));
  EXPECT_EQ(texts(with_nul("SELECT 1; ~ ")), (Texts{"SELECT 1", with_nul("~")}));
  EXPECT_EQ(texts(with_nul("SELECT 1; -- a~b\n; SELECT 2")), (Texts{"SELECT 1", with_nul("-- a~b"), "SELECT 2"}));
  EXPECT_EQ(texts(with_nul("/* a~b */ SELECT 1")), (Texts{with_nul("/* a~b */ SELECT 1")}));
  EXPECT_EQ(texts(with_nul("SELECT 'a~;b'; SELECT 2")), (Texts{with_nul("SELECT 'a~;b'"), "SELECT 2"}));
  EXPECT_EQ(texts(with_nul("/* open ~")), (Texts{with_nul("/* open ~")}));
}

TEST(Split, GoesOverLongRunsOfEmptyStatementsOnce) {
  std::string script(4'000'000, ';');
  for (int i = 0; i < 100'000; ++i) script += ";/**/--\n";
  EXPECT_EQ(texts(script + "SELECT 1"), std::vector<std::string>{"SELECT 1"});
}

TEST(IsComplete, AgreesWithTheEngineOnWellFormedPrefixes) {
  for (const std::string_view script : test::corpus()) {
    for (std::size_t length = 0; length <= script.size(); ++length) {
      const std::string prefix(script.substr(0, length));
      // The engine's function takes a byte order mark for a word, and so calls it the start of a statement.
      if (prefix.find('\xEF') != std::string::npos) continue;
      // Nor does it know the index of a Tcl array.
      if (prefix.ends_with("$a(x;")) continue;
      EXPECT_EQ(is_complete(prefix), sqlite3_complete(prefix.c_str()) == 1) << prefix;
    }
  }
}

TEST(IsComplete, WantsTheBodyOfATriggerClosed) {
  EXPECT_FALSE(is_complete("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1;"));
  EXPECT_FALSE(is_complete("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END"));
  EXPECT_TRUE(is_complete("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;"));
  EXPECT_TRUE(is_complete("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END; -- done"));
}

TEST(IsComplete, IsFalseForWhatIsLeftOpen) {
  EXPECT_FALSE(is_complete(""));
  EXPECT_FALSE(is_complete("-- nothing"));
  EXPECT_FALSE(is_complete("SELECT 1"));
  EXPECT_FALSE(is_complete("SELECT 1; /* open"));
  EXPECT_FALSE(is_complete("SELECT 'open;"));
  EXPECT_FALSE(is_complete("SELECT 1; SELECT 2"));
  EXPECT_TRUE(is_complete("SELECT 1; -- done"));
}

TEST(CompletionWatcher, SaysOfAGrowingTextWhatIsCompleteSays) {
  const auto check = [](std::string_view script) {
    CompletionWatcher watcher;
    std::string text;
    for (std::size_t at = 0; at < script.size();) {
      const std::size_t end = std::min(script.find('\n', at), script.size());
      text.append(script.substr(at, end - at)).append("\n");
      EXPECT_EQ(watcher.look_at(text), is_complete(text)) << text;
      at = end + 1;
    }
  };
  for (const std::string_view script : test::corpus()) check(script);
  for (const std::string_view script : test::broken_sql()) check(script);
  for (const char* script :
       {"SELECT 'a;\nb''\n''c;\n';", "SELECT \"a;\n\"\"\n\";\nSELECT [a\n]];\n];",
        "/*\n;\n*\n/*/;\nSELECT 1; /*\n*/ -- ;\n;", "CREATE TRIGGER r AFTER INSERT ON t\nBEGIN\nSELECT ';\n';\nEND\n;",
        "SELECT x'00\n11';\nSELECT `a\n``;\n`;", "SELECT 'a';\n'b;\n", "/*/\n;*/\n;"}) {
    check(script);
  }
}

TEST(CompletionWatcher, KnowsWhetherThereIsAnything) {
  CompletionWatcher watcher;
  EXPECT_TRUE(watcher.is_blank());
  watcher.look_at("-- nothing\n");
  EXPECT_TRUE(watcher.is_blank());
  watcher.look_at("-- nothing\n/* open\n");
  EXPECT_FALSE(watcher.is_blank());
  EXPECT_TRUE(watcher.is_open());
  watcher.look_at("-- nothing\n/* open\n*/\n");
  EXPECT_TRUE(watcher.is_blank());
  watcher.look_at("-- nothing\n/* open\n*/\n1\n");
  EXPECT_FALSE(watcher.is_blank());
}

TEST(EndingOf, EndsWhatTheTextLeavesOpen) {
  EXPECT_EQ(ending_of("CREATE VIEW v AS SELECT 1"), ";");
  EXPECT_EQ(ending_of("CREATE VIEW v AS SELECT '-- 1'"), ";");
  EXPECT_EQ(ending_of("CREATE VIEW v AS SELECT 1 -- one"), "\n;");
  EXPECT_EQ(ending_of("CREATE VIEW v AS SELECT 1 -- one\n"), ";");
  EXPECT_EQ(ending_of("CREATE VIEW v AS SELECT 1 /* one */"), ";");
  EXPECT_EQ(ending_of("CREATE VIEW v AS SELECT 1 /* one"), "*/;");
}

}  // namespace
}  // namespace libsql::sql

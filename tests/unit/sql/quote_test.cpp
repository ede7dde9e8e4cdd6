#include "sql/quote.hpp"

#include <gtest/gtest.h>

#include <libsql/error.hpp>
#include <string>
#include <string_view>

#include "unit/sql/corpus.hpp"

namespace libsql::sql {
namespace {

std::string select_text(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  EXPECT_EQ(sqlite3_prepare_v3(database, sql.c_str(), -1, 0, &raw, nullptr), SQLITE_OK) << sql;
  const test::StatementHandle handle(raw);
  if (raw == nullptr || sqlite3_step(raw) != SQLITE_ROW) return "(no row)";
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(raw, 0))};
}

TEST(Quote, LiteralsComeBackAsTheyWere) {
  const test::DatabaseHandle database = test::open_memory_database();
  for (const std::string_view text :
       {"", "a", "it's", "''", "\"", "--", "; DROP TABLE t", "\xF0\x9F\x98\x80", "a\nb"}) {
    EXPECT_EQ(select_text(database.get(), "SELECT " + quote_literal(text)), text);
    EXPECT_EQ(unquote(quote_literal(text)), text);
  }
}

TEST(Quote, IdentifiersComeBackAsTheyWere) {
  const test::DatabaseHandle database = test::open_memory_database();
  for (const std::string_view name : {"a", "A b", "\"", "a\"\"b", "select", "x;y", "]", "\xC3\xA9"}) {
    for (const std::string& quoted : {quote_identifier(name), quote_identifier_if_needed(name)}) {
      const std::string sql = "SELECT " + quoted + " FROM (SELECT 'found' AS " + quoted + ")";
      EXPECT_EQ(select_text(database.get(), sql), "found");
      EXPECT_EQ(unquote(quoted), name);
    }
  }
  EXPECT_EQ(quote_identifier_if_needed("plain_1"), "plain_1");
  EXPECT_EQ(quote_identifier_if_needed("Order"), "\"Order\"");
  EXPECT_EQ(quote_identifier_if_needed("1st"), "\"1st\"");
  EXPECT_EQ(quote_identifier_if_needed(""), "\"\"");
}

TEST(Quote, RefusesNulBytes) {
  const std::string_view text("a\0b", 3);
  EXPECT_THROW(quote_identifier(text), Misuse);
  EXPECT_THROW(quote_literal(text), Misuse);
}

TEST(Quote, UnquotesEveryKindOfQuotes) {
  EXPECT_EQ(unquote("[a b]"), "a b");
  EXPECT_EQ(unquote("`a``b`"), "a`b");
  EXPECT_EQ(unquote("'a''b'"), "a'b");
  EXPECT_EQ(unquote("plain"), "plain");
  EXPECT_EQ(unquote("'"), "'");
}

TEST(ReservedWords, AreThoseOfTheEngine) {
  ASSERT_EQ(reserved_words().size(), static_cast<std::size_t>(sqlite3_keyword_count()));
  for (int i = 0; i < sqlite3_keyword_count(); ++i) {
    const char* word = nullptr;
    int bytes = 0;
    ASSERT_EQ(sqlite3_keyword_name(i, &word, &bytes), SQLITE_OK);
    EXPECT_TRUE(is_reserved_word(std::string_view(word, static_cast<std::size_t>(bytes))));
  }
  EXPECT_TRUE(is_reserved_word("select"));
  EXPECT_FALSE(is_reserved_word("selec"));
  EXPECT_FALSE(is_reserved_word(""));
  EXPECT_FALSE(is_reserved_word("current_timestampx"));
}

TEST(Pragma, NamesAreOneWord) {
  EXPECT_TRUE(is_pragma_name("journal_mode"));
  for (const std::string_view name : {"", "1a", "a b", "a;b", "a=1", "a'", "\xC3\xA9", "main.a"}) {
    EXPECT_FALSE(is_pragma_name(name)) << name;
  }
}

TEST(Pragma, BareValuesAreWhatTheGrammarTakes) {
  const test::DatabaseHandle database = test::open_memory_database();
  for (const std::string_view value :
       {"1", "-2000", "+5", "1.5", "0x10", "wal", "ON", "off", "delete", "FULL", "no", "default"}) {
    EXPECT_TRUE(is_bare_pragma_value(value)) << value;
    const std::string sql = "PRAGMA user_version = " + std::string(value);
    EXPECT_EQ(sqlite3_exec(database.get(), sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  }
  for (const std::string_view value :
       {"", "-", "1 2", "a b", "a;b", "'a'", "1; DROP TABLE t", "select", "1a", "a-b", "--1"}) {
    EXPECT_FALSE(is_bare_pragma_value(value)) << value;
  }
}

}  // namespace
}  // namespace libsql::sql

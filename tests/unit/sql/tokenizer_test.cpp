#include "sql/tokenizer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/sql/corpus.hpp"

namespace libsql::sql {
namespace {

using Kind = TokenKind;

std::vector<Kind> kinds(std::string_view text) {
  std::vector<Kind> out;
  Tokenizer tokenizer(text);
  for (Token token = tokenizer.next_significant(); token.kind != Kind::End; token = tokenizer.next_significant()) {
    out.push_back(token.kind);
  }
  return out;
}

Token only_token(std::string_view text) {
  Tokenizer tokenizer(text);
  const Token token = tokenizer.next();
  EXPECT_EQ(token.text, text) << "more than one token";
  return token;
}

TEST(Tokenizer, PutsEveryByteIntoExactlyOneToken) {
  std::vector<std::string_view> texts = test::corpus();
  texts.insert(texts.end(), test::broken_sql().begin(), test::broken_sql().end());
  for (const std::string_view text : texts) {
    std::string joined;
    Tokenizer tokenizer(text);
    for (Token token = tokenizer.next(); token.kind != Kind::End; token = tokenizer.next()) {
      EXPECT_EQ(token.offset, joined.size());
      EXPECT_FALSE(token.text.empty());
      joined += token.text;
    }
    EXPECT_EQ(joined, text);
  }
}

TEST(Tokenizer, YieldsEndForEver) {
  Tokenizer tokenizer("a");
  tokenizer.next();
  for (int i = 0; i < 3; ++i) {
    const Token end = tokenizer.next();
    EXPECT_EQ(end.kind, Kind::End);
    EXPECT_EQ(end.offset, 1U);
    EXPECT_TRUE(end.text.empty());
  }
}

TEST(Tokenizer, KnowsEachKind) {
  const std::vector<std::pair<std::string_view, Kind>> cases = {
      {" \t\r\n\f\v", Kind::Space},
      {"\xEF\xBB\xBF", Kind::Space},
      {"-- text ; '", Kind::Comment},
      {"/* text ; ' */", Kind::Comment},
      {"/*/ */", Kind::Comment},
      {"select", Kind::Word},
      {"_a1$b\xC3\xA9", Kind::Word},
      {"\xC3\xA9t\xC3\xA9", Kind::Word},
      {"xyz", Kind::Word},
      {"\"a\"\"b\"", Kind::QuotedIdentifier},
      {"`a``b`", Kind::QuotedIdentifier},
      {"[a b]", Kind::QuotedIdentifier},
      {"'it''s'", Kind::String},
      {"''", Kind::String},
      {"x'00fF'", Kind::Blob},
      {"X''", Kind::Blob},
      {"0", Kind::Integer},
      {"1_000", Kind::Integer},
      {"0xDEAD_beef", Kind::Integer},
      {"1.", Kind::Float},
      {".5", Kind::Float},
      {"1e9", Kind::Float},
      {"1.5E-3", Kind::Float},
      {"?", Kind::Parameter},
      {"?123", Kind::Parameter},
      {":name", Kind::Parameter},
      {"@name", Kind::Parameter},
      {"$name", Kind::Parameter},
      {"#name", Kind::Parameter},
      {"$a::b(c-d)", Kind::Parameter},
      {";", Kind::Semicolon},
      {",", Kind::Comma},
      {".", Kind::Dot},
      {"(", Kind::LeftParen},
      {")", Kind::RightParen},
      {"->>", Kind::Operator},
      {"->", Kind::Operator},
      {"<>", Kind::Operator},
      {"!=", Kind::Operator},
      {"==", Kind::Operator},
      {"||", Kind::Operator},
      {"<<", Kind::Operator},
      {">>", Kind::Operator},
      {"12ab", Kind::Illegal},
      {"0xg", Kind::Illegal},
      {"1e5x", Kind::Illegal},
      {"@", Kind::Illegal},
      {"$::", Kind::Illegal},
      {"$a(b", Kind::Illegal},
      {"!", Kind::Illegal},
      {"\\", Kind::Illegal},
      {"{", Kind::Illegal},
      {"x'0'", Kind::Illegal},
      {"x'0g'", Kind::Illegal},
  };
  for (const auto& [text, kind] : cases) EXPECT_EQ(only_token(text).kind, kind) << text;
  EXPECT_EQ(only_token(std::string_view("\0", 1)).kind, Kind::Illegal);
}

TEST(Tokenizer, MarksWhatTheTextLeftOpen) {
  for (const std::string_view text : {"'a", "'a''", "\"a", "`a", "[a", "x'00", "/* a", "/**"}) {
    EXPECT_FALSE(only_token(text).terminated) << text;
  }
  EXPECT_TRUE(only_token("-- a").terminated);
  EXPECT_TRUE(only_token("12ab").terminated);
}

TEST(Tokenizer, CutsWhereOneTokenEndsAndTheNextBegins) {
  EXPECT_EQ(kinds("a--b\n-c"), (std::vector{Kind::Word, Kind::Operator, Kind::Word}));
  EXPECT_EQ(kinds("1.e"), (std::vector{Kind::Illegal}));
  EXPECT_EQ(kinds("1..2"), (std::vector{Kind::Float, Kind::Float}));
  EXPECT_EQ(kinds("a.b"), (std::vector{Kind::Word, Kind::Dot, Kind::Word}));
  EXPECT_EQ(kinds("?a"), (std::vector{Kind::Parameter, Kind::Word}));
  EXPECT_EQ(kinds(":a:b"), (std::vector{Kind::Parameter, Kind::Parameter}));
  EXPECT_EQ(kinds("x''y"), (std::vector{Kind::Blob, Kind::Word}));
  EXPECT_EQ(kinds("/*"), (std::vector{Kind::Operator, Kind::Operator}));
  EXPECT_EQ(kinds("/**/"), (std::vector<Kind>{}));
}

TEST(Tokenizer, RecognisesKeywordsOnlyAsBareWords) {
  EXPECT_TRUE(is_keyword(only_token("sElEcT"), "SELECT"));
  EXPECT_FALSE(is_keyword(only_token("\"SELECT\""), "SELECT"));
  EXPECT_FALSE(is_keyword(only_token("selects"), "SELECT"));
}

}  // namespace
}  // namespace libsql::sql

#include "functions/regexp.hpp"

#include <string>

#include "support/interrupter.hpp"
#include "unit/functions/support.hpp"

namespace libsql::functions::test {
namespace {

class RegexpFunctions : public testing::Test {
 protected:
  std::string query(std::string_view sql, const std::vector<std::string>& texts = {}) {
    return ask(connection_.get(), sql, texts);
  }
  // The match, with its groups behind it.
  std::string find(const std::string& text, const std::string& pattern) {
    const Regexp regexp(pattern);
    std::vector<Regexp::Span> spans;
    EXPECT_EQ(regexp.matches(text, {}), regexp.find(text, 0, spans, {}));
    if (!regexp.find(text, 0, spans, {})) return "no match";
    std::string result;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      result += (i == 0 ? "" : "|");
      result += spans[i].begin == Regexp::kNone ? "-" : text.substr(spans[i].begin, spans[i].end - spans[i].begin);
    }
    return result;
  }
  std::string fault(const std::string& pattern) {
    try {
      const Regexp regexp(pattern);
      return "compiled";
    } catch (const RegexpError& error) {
      return error.what();
    }
  }

  Connection connection_ = open();
};

TEST_F(RegexpFunctions, MatchAsPerlDoes) {
  const struct {
    const char *text, *pattern, *match;
  } cases[] = {
      {"abcdef", "b.d", "bcd"},
      {"abcdef", "b(.)d", "bcd|c"},
      {"xaaay", "a+", "aaa"},
      {"xaaay", "a+?", "a"},
      {"xaaay", "a{2}", "aa"},
      {"xaaay", "a{2,}?", "aa"},
      {"a{2", "a{2", "a{2"},
      {"foobar", "foo|foobar", "foo"},
      {"foobar", "(?:foo|foobar)$", "foobar"},
      {"foobar", "(foo|fo)(bar|obar)", "foobar|foo|bar"},
      {"aab", "(a)|b", "a|a"},
      {"b", "(a)|b", "b|-"},
      {"ab", "(a*)*b", "ab|a"},
      {"", "", ""},
      {"a", "^$", "no match"},
      {"a\n", "a$", "a"},
      {"a\n", "a\\z", "no match"},
      {"a\nb", "^b", "no match"},
      {"a\nb", "(?m)^b$", "b"},
      {"a\nb", "a.b", "no match"},
      {"a\nb", "(?s)a.b", "a\nb"},
      {"HELLO", "(?i)hel+o", "HELLO"},
      {"hello", "(?i:HE)llo", "hello"},
      {"heLLO", "(?i:HE)llo", "no match"},
      {"ÄRGER", "(?i)ärger", "ÄRGER"},
      {"Straße 12", "\\w+ \\d+", "Straße 12"},
      {"naïve", "\\bna\\wve\\b", "naïve"},
      {"a-b", "[a\\-c]+", "a-"},
      {"x]y", "[]y]+", "]y"},
      {"x^y", "[x^]+", "x^"},
      {"2024-05-06", "(?<y>\\d{4})-(?P<m>\\d\\d)-(\\d\\d)", "2024-05-06|2024|05|06"},
      {"a b", "(?x) a \\  b # comment", "a b"},
      {"a+b", "\\Qa+b\\E", "a+b"},
      {"a..b", "\\Qa.\\E+b", "a..b"},
      {"tab\there", "b\\th", "b\th"},
      {"snow ☃ man", "\\x{2603}", "☃"},
      {"snow ☃ man", "w . m", "w ☃ m"},
      {"Ünïcode 42", "[[:alpha:]]+", "Ünïcode"},
      {"Ünïcode 42", "\\p{Lu}\\p{Ll}", "Ün"},
      {"abc", "[^b-z]", "a"},
      {"ab12", "[^\\W\\d]+", "ab"},
      {"\xff\xfe", "^..$", "\xff\xfe"},
      {"aXbX", "^(.*?)X", "aX|a"},
      {"aXbX", "^(.*)X", "aXbX|aXb"},
  };
  for (const auto& one : cases) EXPECT_EQ(find(one.text, one.pattern), one.match) << one.text << " / " << one.pattern;
}

TEST_F(RegexpFunctions, TakeTheArgumentsOfSqldAndAnswerNullAlike) {
  EXPECT_EQ(query("select 'abc' regexp 'a.c', 'abd' regexp 'a.c', regexp('b', 'abc'), 'x' not regexp 'y'"),
            "1 | 0 | 1 | 1");
  EXPECT_EQ(
      query("select null regexp 'a', regexp_like(null, 'a'), regexp_substr(null, 'a'), regexp_replace(null, 'a', 'b')"),
      "0 | 0 | NULL | NULL");
  EXPECT_EQ(query("select regexp_like('abcdef', 'b.d'), regexp_substr('abcdef', 'b.d'), regexp_substr('abc', 'x')"),
            "1 | bcd | NULL");
  EXPECT_EQ(query("select regexp_capture('abcdef', 'b(.)d'), regexp_capture('abcdef', 'b(.)d', 1), "
                  "regexp_capture('abcdef', 'b(.)d', 2), regexp_capture('abcdef', 'b(.)d', -1)"),
            "bcd | c | NULL | NULL");
  EXPECT_EQ(query("select regexp_replace('the year is 2021', '([0-9]+)', '<$1/${0}/$$>')"),
            "the year is <2021/2021/$>");
  EXPECT_EQ(
      query("select regexp_replace('abc', 'x*', '-'), regexp_replace('ääb', 'ä', 'ö'), regexp_replace('a', 'a', null)"),
      "-a-b-c- | ööb | a");
  EXPECT_EQ(query("select 12345 regexp '^\\d+$', regexp_substr(x'616263', 'b.')"), "1 | bc");
}

TEST_F(RegexpFunctions, FollowAPatternThatChangesFromRowToRow) {
  EXPECT_EQ(query("select group_concat('abc' regexp column1, '') from (values ('a'), ('x'), ('^b'), ('c$'))"), "1001");
  EXPECT_EQ(query("select group_concat(column1 regexp 'b', '') from (values ('a'), ('b'), (null), (5))"), "0100");
}

TEST_F(RegexpFunctions, NameTheFaultOfAPattern) {
  EXPECT_EQ(query("select 'a' regexp '[a'"), "ERR missing terminating ] for character class (offset 2)");
  EXPECT_EQ(query("select 'a' regexp null"), "ERR missing regexp pattern");
  EXPECT_EQ(query("select regexp_replace('a', 'a', '$7')"), "ERR unknown group in the replacement string");
  EXPECT_EQ(query("select regexp_capture('a', 'a', 'x')"), "ERR group number should be integer");
  for (const char* pattern : {"(", ")", "(?<n", "a**", "*", "\\", "[b-a]", "a{3,2}", "[[:nope:]]", "\\p{Nope}", "(?",
                              "(?i", "a{2000}", "\\x{110000}", "\\y", "[z-\\d]"}) {
    EXPECT_NE(fault(pattern), "compiled") << pattern;
  }
  for (const char* pattern : {"(a)\\1", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "a++"}) {
    EXPECT_NE(fault(pattern).find("not supported"), std::string::npos) << pattern;
  }
}

TEST_F(RegexpFunctions, AreBoundedInWhatTheyCompile) {
  EXPECT_EQ(fault("(?:(?:(?:a{999}){999}){999}){999}"), "the regular expression is too large");
  EXPECT_EQ(fault("(?:(?:(?:){999}){999}){999}"), "the regular expression is too large");
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "(?:";
  EXPECT_NE(fault(deep + "a").find("nested too deeply"), std::string::npos);
  EXPECT_NE(fault(std::string(100000, 'a')).find("too long"), std::string::npos);
  std::string many;
  for (int i = 0; i < 60; ++i) many += "(a)";
  EXPECT_NE(fault(many).find("more than 50 groups"), std::string::npos);
}

// Each of these takes a matcher that goes back and tries again longer than the age of the universe.
TEST_F(RegexpFunctions, TakeTimeInProportionToTheText) {
  const std::string text(2000, 'a');
  for (const char* pattern :
       {"(a+)+$b", "(a|a)*b", "(a|aa)+$b", "(.*)*x", "(?:a?){30}a{30}b", "^(([a-z])+.)+[A-Z]([a-z])+$"}) {
    EXPECT_EQ(query("select ? regexp ?", {text, pattern}), "0") << pattern;
  }
}

TEST_F(RegexpFunctions, EndWhenTheStatementIsInterrupted) {
  libsql::test::Interrupter interrupter([connection = connection_.get()] { sqlite3_interrupt(connection); });
  const std::string answer =
      query("select regexp_like(printf('%.*c', 50000000, 'a'), '(?:a?){200}a{200}b'), count(*) from (values (1))");
  interrupter.end();
  EXPECT_EQ(answer, "ERR interrupted");
}

TEST_F(RegexpFunctions, DoNotMakeTextsBeyondTheLimit) {
  sqlite3_limit(connection_.get(), SQLITE_LIMIT_LENGTH, 10000);
  EXPECT_EQ(query("select length(regexp_replace(printf('%.1000c', 'a'), 'a', '12345678901'))"),
            "ERR string or blob too big");
  EXPECT_EQ(query("select length(regexp_replace(printf('%.1000c', 'a'), 'a', '123456789'))"), "9000");
}

}  // namespace
}  // namespace libsql::functions::test

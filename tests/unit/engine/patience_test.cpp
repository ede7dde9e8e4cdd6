// Functions of the engine that would work for minutes on one value: they end with their call, and say what they always
// said.
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "support/interrupter.hpp"

namespace {

using namespace libsql;
using namespace std::chrono_literals;

class Patience : public testing::Test {
 protected:
  Connection conn_ = Builder::local(":memory:").build().connect();
};

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

struct Slow {
  const char* sql;
  std::string first, second;
};

// Each compares tens of milliards of characters.
std::vector<Slow> slow_calls() {
  const std::string many(3'000'000, 'a');
  const std::string almost = std::string(1'500'000, 'a') + "b";
  const std::string pattern = std::string(40'000, 'a') + "b";
  return {
      {"SELECT ?1 LIKE '%' || ?2", many, pattern},
      {"SELECT ?1 LIKE '%' || ?2 || '%' ESCAPE '\\'", many, pattern},
      {"SELECT ?1 LIKE '%' || ?2", repeated("\u00e9", 1'000'000), repeated("\u00e9", 20'000) + "b"},
      {"SELECT ?1 GLOB '*' || ?2", many, pattern},
      {"SELECT ?1 GLOB '*[a-c]' || ?2", many, pattern},
      {"SELECT instr(?1, ?2)", many, almost},
      {"SELECT length(replace(?1, ?2, 'x'))", many, almost},
      {"SELECT length(trim(?1, ?2))", many, std::string(300'000, 'b') + "a"},
      {"SELECT length(ltrim(?1, ?2))", many, std::string(300'000, 'b') + "a"},
      {"SELECT length(rtrim(?1, ?2))", many, std::string(300'000, 'b') + "a"},
      {"SELECT length(unhex(?1, ?2))", std::string(3'000'000, '-'), std::string(300'000, '+') + "-"},
      {"SELECT ?1 REGEXP ?2", many, "a{1,100}b"},
      {"SELECT length(regexp_replace(?1, ?2, 'x'))", many, "a{1,100}b|a{3}c"},
      {"SELECT levenshtein(?1, ?2)", many, many},
  };
}

TEST_F(Patience, OneLongFunctionEndsAtTheDeadline) {
  conn_.deadline(20ms);
  for (const Slow& call : slow_calls()) {
    EXPECT_THROW(conn_.query_value<std::int64_t>(call.sql, call.first, call.second), Timeout) << call.sql;
  }
  conn_.deadline(std::nullopt);
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
}

TEST_F(Patience, OneLongFunctionEndsWhenItIsInterrupted) {
  const InterruptHandle handle = conn_.interrupt_handle();
  for (const Slow& call : slow_calls()) {
    test::Interrupter interrupter([handle] { handle.interrupt(); }, 5ms);
    EXPECT_THROW(conn_.query_value<std::int64_t>(call.sql, call.first, call.second), Interrupted) << call.sql;
  }
}

TEST_F(Patience, TheEndOfALargeTableEndsAtTheDeadlineAndIsUndone) {
  conn_.execute("CREATE TABLE t(a)");
  conn_.execute(
      "INSERT INTO t SELECT zeroblob(3000) FROM (WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20000) "
      "SELECT "
      "x FROM c)");
  for (const char* const sql : {"DROP TABLE t", "DELETE FROM t"}) {
    conn_.deadline(1ms);
    EXPECT_THROW(conn_.execute(sql), Timeout) << sql;
    conn_.deadline(std::nullopt);
    EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 20000) << sql;
    EXPECT_EQ(conn_.query_value<std::string>("PRAGMA integrity_check"), "ok") << sql;
  }
  conn_.execute("DELETE FROM t");
  conn_.execute("DROP TABLE t");
  EXPECT_EQ(conn_.query_value<std::string>("PRAGMA integrity_check"), "ok");
}

TEST_F(Patience, AJsonPatchOfManyLabelsEndsAtTheDeadline) {
  std::string target = "{", patch = "{";
  for (int i = 0; i < 40'000; ++i) {
    target.append(i == 0 ? "" : ",").append("\"a").append(std::to_string(i)).append("\":1");
    patch.append(i == 0 ? "" : ",").append("\"b").append(std::to_string(i)).append("\":1");
  }
  target += "}";
  patch += "}";
  conn_.deadline(50ms);
  EXPECT_THROW(conn_.query_value<std::int64_t>("SELECT length(json_patch(?, ?))", target, patch), Timeout);
  EXPECT_THROW(conn_.query_value<std::int64_t>("SELECT length(jsonb_patch(?, ?))", target, patch), Timeout);
}

TEST_F(Patience, ARowOfManyFunctionsOfLargeValuesEndsAtTheDeadline) {
  std::string hex = "SELECT length(hex(?1))", concatenated = "SELECT length(?1 || '1')";
  for (int i = 2; i < 1000; ++i) {
    hex += ", length(hex(?1))";
    concatenated += ", length(?1 || '" + std::to_string(i) + "')";
  }
  const std::string large(4'000'000, 'a');
  conn_.deadline(20ms);
  EXPECT_THROW(conn_.query(hex, large), Timeout);
  EXPECT_THROW(conn_.query(concatenated, large), Timeout);
}

TEST_F(Patience, WhatAnEndedFunctionWroteIsUndone) {
  conn_.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1), (2), (3)");
  conn_.deadline(20ms);
  const Slow call = slow_calls().at(6);
  EXPECT_THROW(conn_.execute("UPDATE t SET x = CASE x WHEN 3 THEN instr(?1, ?2) ELSE 0 END", call.first, call.second),
               Timeout);
  conn_.deadline(std::nullopt);
  EXPECT_EQ(conn_.query_value<int>("SELECT sum(x) FROM t"), 6);
}

// -- the results ------------------------------------------------------------------------------------------------------

// LIKE without case and with '%' and '_' only, by a table of all prefixes.
bool is_like(std::string_view text, std::string_view pattern) {
  std::vector<char> matches(text.size() + 1, 0);
  matches[0] = 1;
  for (const char c : pattern) {
    std::vector<char> next(text.size() + 1, 0);
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (c == '%') {
        next[i] = static_cast<char>(matches[i] != 0 || (i > 0 && next[i - 1] != 0));
      } else if (i > 0) {
        next[i] = static_cast<char>(matches[i - 1] != 0 && (c == '_' || c == text[i - 1]));
      }
    }
    matches = std::move(next);
  }
  return matches.back() != 0;
}

TEST_F(Patience, ResultsAreThoseOfADefinition) {
  std::mt19937 random(20'261'130);
  const auto text_of = [&](std::size_t size, std::string_view letters) {
    std::string text;
    while (text.size() < size) text += letters[random() % letters.size()];
    return text;
  };
  Statement like = conn_.prepare(
      "SELECT ?1 LIKE ?2, ?1 GLOB ?3, instr(?1, ?4), replace(?1, ?4, 'xyz'), "
      "ltrim(?1, ?5), rtrim(?1, ?5)");
  for (int round = 0; round < 60; ++round) {
    const std::string text = text_of(3'000 + random() % 3'000, "aab");
    std::string pattern(1, '%');
    pattern.append(text_of(random() % 60, "ab%_")).append(1, '%').append(text_of(random() % 6, "ab")).append(1, '%');
    std::string glob = pattern;
    for (char& c : glob) c = c == '%' ? '*' : c == '_' ? '?' : c;
    const std::string needle = text_of(1 + random() % 12, "ab");
    const auto [matches, globs, at, replaced, left, right] =
        like.query_row<bool, bool, std::int64_t, std::string, std::string, std::string>(text, pattern, glob, needle,
                                                                                        needle);
    EXPECT_EQ(matches, is_like(text, pattern)) << pattern;
    EXPECT_EQ(globs, matches);
    const std::size_t found = text.find(needle);
    EXPECT_EQ(at, found == std::string::npos ? 0 : static_cast<std::int64_t>(found) + 1);
    std::string expected;
    std::size_t from = 0;
    for (std::size_t next; (next = text.find(needle, from)) != std::string::npos; from = next + needle.size()) {
      expected.append(text, from, next - from).append("xyz");
    }
    EXPECT_EQ(replaced, expected.append(text, from));
    const std::size_t first = text.find_first_not_of(needle);
    EXPECT_EQ(left, first == std::string::npos ? "" : text.substr(first));
    EXPECT_EQ(right, text.substr(0, text.find_last_not_of(needle) + 1));
  }
}

TEST_F(Patience, LikeKeepsItsEscapesItsCaseAndItsIndex) {
  const std::string text = repeated("Ab%c_", 30'000);
  EXPECT_TRUE(conn_.query_value<bool>("SELECT ?1 LIKE '%aB\\%C\\_' ESCAPE '\\'", text));
  EXPECT_TRUE(conn_.query_value<bool>("SELECT ?1 LIKE '%aB%C_' ESCAPE '%'", "abcx"));
  EXPECT_TRUE(conn_.query_value<bool>("SELECT ?1 LIKE ?2", std::string_view(text), "%" + repeated("aB_c%", 9)));
  EXPECT_FALSE(conn_.query_value<bool>("SELECT ?1 GLOB ?2", text, "*" + repeated("aB?c*", 9)));
  EXPECT_FALSE(conn_.query_value<bool>("SELECT CAST(?1 AS BLOB) LIKE ?2", text, "%c_"));
  conn_.execute("PRAGMA case_sensitive_like=1");
  EXPECT_FALSE(conn_.query_value<bool>("SELECT ?1 LIKE ?2", text, "%" + repeated("aB_c%", 9)));
  conn_.execute_batch("CREATE TABLE t(x TEXT); CREATE INDEX i ON t(x)");
  EXPECT_NE(conn_.query_row("EXPLAIN QUERY PLAN SELECT x FROM t WHERE x LIKE 'ab%'")
                .get<std::string>("detail")
                .find("SEARCH"),
            std::string::npos);
  conn_.deadline(20ms);
  EXPECT_THROW(
      conn_.query_value<bool>("SELECT ?1 LIKE ?2", std::string(3'000'000, 'a'), "%" + std::string(40'000, 'a') + "b"),
      Timeout);
}

}  // namespace

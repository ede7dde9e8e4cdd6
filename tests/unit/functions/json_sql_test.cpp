// json_length(), json_depth() and json_keys(): values, paths, JSONB, what is malformed.
#include <cstdio>

#include "unit/functions/support.hpp"

namespace libsql::functions::test {
namespace {

class JsonSql : public testing::Test {
 protected:
  void SetUp() override {
    if (ask(connection_.get(), "select json_depth('1')") != "1") GTEST_SKIP() << "not with this build's SQLite";
  }
  std::string query(std::string_view sql, const std::vector<std::string>& texts = {}) {
    return ask(connection_.get(), sql, texts);
  }
  void expect_all(const std::vector<std::pair<const char*, const char*>>& cases) {
    for (const auto& [expression, value] : cases) {
      EXPECT_EQ(query("select " + std::string(expression)), value) << expression;
    }
  }

  Connection connection_ = open();
};

TEST_F(JsonSql, LengthCountsElementsAndMembers) {
  expect_all(
      {{"json_length('[1,2,[3]]')", "3"},
       {"json_length('{\"a\":1,\"b\":{\"c\":2}}')", "2"},
       {"json_length('[]') || json_length('{}')", "00"},
       {"coalesce(json_length('1'), json_length('\"x\"'), json_length('null'), json_length(null), '-')", "-"},
       {"json_length('{\"a\":[1,2,3]}', '$.a')", "3"},
       {"coalesce(json_length('{\"a\":[1]}', '$.b'), json_length('{\"a\":1}', '$.a'), json_length('[]', null), '-')",
        "-"},
       {"json_length(jsonb('{a:[1,{b:2}]}'), '$.a')", "2"},
       {"json_length('[1')", "ERR malformed JSON"},
       {"json_length('[1]', 'a')", "ERR bad JSON path: 'a'"},
       {"json_length('[]', '$', 1)", "ERR wrong number of arguments to function json_length()"}});
}

TEST_F(JsonSql, DepthCountsLevels) {
  expect_all({{"json_depth('1') || json_depth('null') || json_depth('\"x\"') || json_depth('[]') || json_depth('{}')",
               "11111"},
              {"json_depth('[1]') || json_depth('{\"a\":1}') || json_depth('[[],[]]')", "222"},
              {"json_depth('[10,{\"a\":20}]') || json_depth('{\"a\":{\"b\":[1]},\"c\":1}')", "34"},
              {"json_depth(jsonb('[[[1]]]'))", "4"},
              {"coalesce(json_depth(null), '-')", "-"},
              {"json_depth('')", "ERR malformed JSON"},
              {"json_depth(1.5)", "1"}});
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_EQ(query("select json_depth(?)", {deep}), "1000");
  EXPECT_EQ(query("select json_depth(?)", {"[" + deep + "]"}), "ERR malformed JSON");
  // A blob whose levels the engine has not counted: each is the only element of the one around it.
  std::string nested = "0b";
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = nested.size() / 2;
    char header[24];
    if (size < 12) {
      std::snprintf(header, sizeof header, "%zxb", size);
    } else {
      std::snprintf(header, sizeof header, "db%04zx", size);
    }
    nested.insert(0, header);
  }
  EXPECT_EQ(query("select json_depth(unhex(?))", {nested}), "ERR malformed JSON");
}

TEST_F(JsonSql, KeysAreInOrderAndEachOnce) {
  expect_all({{"json_keys('{\"b\":1,\"a\":{\"z\":1},\"c\":[]}')", "[\"a\",\"b\",\"c\"]"},
              {"json_keys('{\"a\":1,\"a b\":2,\"a\":3,\"\":4}')", "[\"\",\"a\",\"a b\"]"},
              {"json_keys('{}')", "[]"},
              {"json_keys('{\"a\":{\"y\":1,\"x\":2}}', '$.a')", "[\"x\",\"y\"]"},
              {"json_keys('{\"q\\\"\\u00e9\":1}')", "[\"q\\\"\\u00e9\"]"},
              {"json_keys(jsonb('{b:1, a:2}'))", "[\"a\",\"b\"]"},
              {"json_array(json_keys('{\"a\":1}'))", "[[\"a\"]]"},
              {"coalesce(json_keys('[1]'), json_keys('1'), json_keys(null), json_keys('{}', '$.a'), '-')", "-"},
              {"json_keys('{')", "ERR malformed JSON"}});
  EXPECT_EQ(query("select json_length(json_keys(?))", {[] {
                    std::string object = "{";
                    for (int i = 0; i < 5000; ++i) {
                      object.append(i > 0 ? "," : "").append("\"key ").append(std::to_string(i % 4000)).append("\":1");
                    }
                    return object + "}";
                  }()}),
            "4000");
}

// They keep what they have parsed as long as the statement uses it, and are looked at when an index is chosen.
TEST_F(JsonSql, MayStandInIndexesAndConstraints) {
  ASSERT_EQ(sqlite3_exec(connection_.get(),
                         "create table t(j check (json_length(j) < 4), n as (json_depth(j)));"
                         "create index i on t(json_keys(j)); create index k on t(j);"
                         "insert into t(j) values ('{\"b\":1,\"a\":2}'), ('[1,2]'), ('7'); analyze;",
                         nullptr, nullptr, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(connection_.get());
  EXPECT_EQ(query("select n from t where json_keys(j) = '[\"a\",\"b\"]'"), "2");
  EXPECT_EQ(query("select count(*) from t where j > json_keys('{\"c\":1}')"), "2");
  EXPECT_EQ(query("pragma integrity_check"), "ok");
  EXPECT_NE(sqlite3_exec(connection_.get(), "insert into t(j) values ('[1,2,3,4]')", nullptr, nullptr, nullptr),
            SQLITE_OK);
}

}  // namespace
}  // namespace libsql::functions::test

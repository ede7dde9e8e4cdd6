// The engine's small store of memory for short lives, which serves each statement's run. What stays must not fill it.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <string>

#include <libsql/functions.hpp>

#include "engine/connection.hpp"
#include "engine/user_functions.hpp"
#include "local/options.hpp"
#include "local/session.hpp"
#include "local/store.hpp"

#ifndef LIBSQL_SYSTEM_SQLITE

namespace libsql::engine {
namespace {

int lookaside_used(Connection& connection) {
  int now = 0;
  int most = 0;
  sqlite3_db_status(connection.handle(), SQLITE_DBSTATUS_LOOKASIDE_USED, &now, &most, 0);
  return now;
}

int lookaside_misses(Connection& connection) {
  int now = 0;
  int most = 0;
  sqlite3_db_status(connection.handle(), SQLITE_DBSTATUS_LOOKASIDE_MISS_FULL, &now, &most, 0);
  return most;
}

class Lookaside : public ::testing::Test {
 protected:
  Lookaside() : session_(make_store()) {}
  static std::shared_ptr<local::Store> make_store() {
    local::Options options;
    options.path = ":memory:";
    return std::make_shared<local::Store>(std::move(options));
  }
  Connection& connection() { return session_.connection(); }

  local::Session session_;
};

TEST_F(Lookaside, IsLeftAloneByTheFunctionsOfTheLibrary) {
  EXPECT_LT(lookaside_used(connection()), 20);
  session_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", {});
  for (int i = 0; i < 100; ++i) session_.execute("INSERT INTO t(b) VALUES ('text')", {});
  EXPECT_EQ(lookaside_misses(connection()), 0);
}

TEST_F(Lookaside, IsLeftAloneByFunctionsAndCollationsOfUsers) {
  const int before = lookaside_used(connection());
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::string("f").append(std::to_string(i));
    add_scalar(connection(), name, 0, FunctionFlags::None, [](auto, ResultSink& sink) { sink.set(1); });
    add_collation(connection(), name, [](std::string_view a, std::string_view b) { return a.compare(b); });
  }
  EXPECT_EQ(lookaside_used(connection()), before);
}

TEST_F(Lookaside, HasNoFunctionOfTheLibraryThatEachConnectionWouldPayFor) {
  EXPECT_EQ(connection().query_integer("SELECT count(*) FROM pragma_function_list WHERE NOT builtin AND name IN "
                                       "('text_upper', 'md5', 'vector_extract', 'uuid7', 'stats_median', 'regexp', "
                                       "'fuzzy_leven', 'math_sqrt')"),
            0);
  EXPECT_EQ(
      connection().query_integer("SELECT count(DISTINCT name) FROM pragma_function_list WHERE builtin AND name IN "
                                 "('text_upper', 'md5', 'vector_extract', 'uuid7', 'stats_median', 'regexp', "
                                 "'fuzzy_leven', 'math_sqrt')"),
      8);
}

}  // namespace
}  // namespace libsql::engine

#endif

// Counters of the engine that a connection reads and sets.
#include <gtest/gtest.h>

#include "engine/connection.hpp"

namespace libsql::test {
namespace {

using engine::Connection;

std::unique_ptr<Connection> open_in_memory() {
  engine::OpenOptions options;
  options.path = ":memory:";
  options.flags = engine::open_flags::kReadWrite | engine::open_flags::kCreate;
  return Connection::open(options);
}

TEST(ConnectionCounters, OfChangesMoveToAnotherConnection) {
  const auto first = open_in_memory();
  first->execute_script(
      "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (7); INSERT INTO t VALUES (8), (9)");
  const Connection::ChangeCounters counters = first->change_counters();
  EXPECT_EQ(counters, (Connection::ChangeCounters{2, 3, 9}));
  const auto second = open_in_memory();
  second->set_change_counters(counters);
  const auto told = second->query_text("SELECT changes() || ' ' || total_changes() || ' ' || last_insert_rowid()");
  EXPECT_EQ(told, Connection::can_set_changes() ? "2 3 9" : "0 0 9");
}

TEST(ConnectionCounters, TellOfForeignKeysThatAreViolated) {
  const auto connection = open_in_memory();
  connection->execute_script(
      "PRAGMA foreign_keys=ON; CREATE TABLE p(id INTEGER PRIMARY KEY);"
      "CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED); BEGIN");
  EXPECT_FALSE(connection->has_open_foreign_keys());
  connection->execute_script("INSERT INTO c VALUES (1)");
  EXPECT_TRUE(connection->has_open_foreign_keys());
  connection->execute_script("INSERT INTO p VALUES (1)");
  EXPECT_FALSE(connection->has_open_foreign_keys());
}

TEST(ConnectionCounters, OfThePageCacheBeginAnewWhenTheyAreTaken) {
  const auto connection = open_in_memory();
  connection->execute_script("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  connection->take_page_cache();
  connection->query_text("SELECT a FROM t");
  const Connection::PageCache after = connection->take_page_cache();
  EXPECT_GT(after.hits, 0U);
  EXPECT_GT(after.bytes, 0U);
  EXPECT_EQ(connection->take_page_cache().hits, 0U);
}

}  // namespace
}  // namespace libsql::test

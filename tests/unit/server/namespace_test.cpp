#include "server/databases/namespace.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "support/temporary_directory.hpp"

namespace libsql::server {
namespace {

using namespace std::chrono_literals;

int bytes_of_pages(DatabaseSession& session) {
  int now = 0;
  int most = 0;
  sqlite3_db_status(session.connection().handle(), SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
  return now;
}

std::shared_ptr<Namespace> open_namespace(const test::TemporaryDirectory& directory, const Options& options) {
  return std::make_shared<Namespace>("n", directory.file("data"), NamespaceConfig(), options,
                                     std::make_shared<ConnectionSlots>(4, 4, 4, 10s),
                                     std::make_shared<NamespaceCounters>());
}

TEST(Namespace, AVersionOfTheConfigurationDoesNotComeBackWhenItIsLoadedAgain) {
  const test::TemporaryDirectory directory;
  const Options options;
  std::set<std::uint64_t> versions;
  for (int i = 0; i < 3; ++i) {
    const auto name_space = open_namespace(directory, options);
    versions.insert(name_space->config_version());
    name_space->set_config({});
    versions.insert(name_space->config_version());
    name_space->close();
  }
  EXPECT_EQ(versions.size(), 6U);
}

TEST(Namespace, IdleSessionsGiveTheirPagesBackAndStayReady) {
  const test::TemporaryDirectory directory;
  const Options options;
  const auto name_space = open_namespace(directory, options);
  {
    const SessionLease session = name_space->lease();
    session->connection().execute_script(
        "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "INSERT INTO t SELECT i FROM n");
    EXPECT_EQ(session->connection().query_integer("SELECT count(*) FROM t"), 20000);
    EXPECT_GT(bytes_of_pages(*session), 100'000);
  }
  name_space->trim_idle_sessions(1h);
  {
    const SessionLease session = name_space->lease();
    EXPECT_GT(bytes_of_pages(*session), 100'000);
  }
  name_space->trim_idle_sessions(0ms);
  name_space->trim_idle_sessions(0ms);
  EXPECT_EQ(name_space->stats().sessions_idle, 1U);
  EXPECT_EQ(name_space->sessions_in_use(), 0U);
  const SessionLease session = name_space->lease();
  EXPECT_LT(bytes_of_pages(*session), 50'000);
  EXPECT_EQ(session->connection().query_integer("SELECT count(*) FROM t"), 20000);
  EXPECT_EQ(name_space->sessions_in_use(), 1U);
}

}  // namespace
}  // namespace libsql::server

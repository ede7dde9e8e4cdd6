#include "engine/interrupt.hpp"

#include <gtest/gtest.h>

#include "engine/connection.hpp"
#include "support/expect_error.hpp"

namespace libsql::test {
namespace {

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

std::unique_ptr<engine::Connection> open_in_memory() {
  engine::OpenOptions options;
  options.path = ":memory:";
  options.flags = engine::open_flags::kReadWrite | engine::open_flags::kCreate;
  auto connection = engine::Connection::open(options);
  connection->set_stoppable(true);
  return connection;
}

TEST(Interrupt, AStopEndsWhatStartsLater) {
  const auto connection = open_in_memory();
  const auto interrupt = connection->interrupt_state();
  interrupt->stop();
  EXPECT_THROW(connection->query_text(kEndless), Interrupted);
  EXPECT_THROW(connection->query_text(kEndless), Interrupted);
  EXPECT_TRUE(connection->is_interrupted());
}

TEST(Interrupt, AsManyResumesAsStopsLetStatementsRun) {
  const auto connection = open_in_memory();
  const auto interrupt = connection->interrupt_state();
  interrupt->stop();
  interrupt->stop();
  interrupt->resume();
  EXPECT_THROW(connection->query_text(kEndless), Interrupted);
  interrupt->resume();
  EXPECT_EQ(connection->query_text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) "
                                   "SELECT count(*) FROM n"),
            "50000");
  EXPECT_FALSE(connection->is_interrupted());
}

TEST(Interrupt, APlainInterruptDoesNotReachWhatStartsLater) {
  const auto connection = open_in_memory();
  connection->interrupt_state()->interrupt();
  EXPECT_EQ(connection->query_text("SELECT 1"), "1");
}

TEST(Interrupt, OutlivesTheConnection) {
  auto connection = open_in_memory();
  const auto interrupt = connection->interrupt_state();
  connection.reset();
  interrupt->stop();
  EXPECT_TRUE(interrupt->is_stopped());
}

}  // namespace
}  // namespace libsql::test

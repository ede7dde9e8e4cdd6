#include "engine/interrupt.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include <libsql/libsql.hpp>

#include "engine/connection.hpp"
#include "engine/statement.hpp"
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
  connection->patience().set_stoppable(true);
  return connection;
}

TEST(Interrupt, AStopEndsWhatStartsLater) {
  const auto connection = open_in_memory();
  const auto interrupt = connection->patience().interrupt_state();
  interrupt->stop();
  EXPECT_THROW(connection->query_text(kEndless), Interrupted);
  EXPECT_THROW(connection->query_text(kEndless), Interrupted);
  EXPECT_TRUE(connection->patience().is_interrupted());
}

TEST(Interrupt, AsManyResumesAsStopsLetStatementsRun) {
  const auto connection = open_in_memory();
  const auto interrupt = connection->patience().interrupt_state();
  interrupt->stop();
  interrupt->stop();
  interrupt->resume();
  EXPECT_THROW(connection->query_text(kEndless), Interrupted);
  interrupt->resume();
  EXPECT_EQ(connection->query_text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) "
                                   "SELECT count(*) FROM n"),
            "50000");
  EXPECT_FALSE(connection->patience().is_interrupted());
}

TEST(Interrupt, APlainInterruptDoesNotReachWhatStartsLater) {
  const auto connection = open_in_memory();
  connection->patience().interrupt_state()->interrupt();
  EXPECT_EQ(connection->query_text("SELECT 1"), "1");
}

// Interrupts each statement when it is about to take its first step.
class AtTheStart final : public core::StatementObserver {
 public:
  explicit AtTheStart(std::shared_ptr<engine::Interrupt> interrupt) : interrupt_(std::move(interrupt)) {}
  void started(const void*, const detail::ParamsView&) noexcept override { interrupt_->interrupt(); }
  void finished(const void*, const core::StatementRun&) noexcept override {}

 private:
  std::shared_ptr<engine::Interrupt> interrupt_;
};

TEST(Interrupt, ReachesAStatementThatIsAboutToTakeItsFirstStep) {
  const auto connection = open_in_memory();
  const auto statement = engine::Statement::prepare(*connection, "SELECT 1", engine::Statement::Persistence::Cached);
  const auto observer = std::make_shared<AtTheStart>(connection->patience().interrupt_state());
  connection->observers().add(observer, core::ObserverLife::Connection);
  EXPECT_THROW(statement->execute({}), Interrupted);
  EXPECT_THROW(statement->open({}, core::ArgumentLifetime::Copy), Interrupted);
  EXPECT_THROW(statement->open_undoable({}, detail::Wanted::One), Interrupted);
  connection->observers().remove(observer.get());
  statement->execute({});
  statement->open({}, core::ArgumentLifetime::Copy);
  EXPECT_TRUE(statement->next());
}

TEST(Interrupt, ReachesACallThatIsJustCompilingItsStatement) {
  Connection connection = Builder::local(":memory:").build().connect();
  bool interrupts = true;
  const Subscription subscription = Hooks(connection).on_authorize([&](const Authorization& what) {
    if (interrupts && what.action == Action::Select) connection.interrupt_handle().interrupt();
    return Verdict::Allow;
  });
  EXPECT_THROW(connection.execute("SELECT 1"), Interrupted);
  EXPECT_THROW(connection.query("SELECT 2"), Interrupted);
  EXPECT_THROW(connection.query_row<int>("SELECT 3"), Interrupted);
  EXPECT_THROW(connection.query_row_optional<int>("SELECT 4"), Interrupted);
  interrupts = false;
  EXPECT_EQ(std::get<0>(connection.query_row<int>("SELECT 5")), 5);
}

TEST(Interrupt, IsForgottenWhenTheNextCallBegins) {
  Connection connection = Builder::local(":memory:").build().connect();
  InterruptHandle handle = connection.interrupt_handle();
  connection.execute("CREATE TABLE t(a)");
  Statement statement = connection.prepare("INSERT INTO t VALUES (?)");
  handle.interrupt();
  statement.execute(1);
  handle.interrupt();
  connection.execute("INSERT INTO t VALUES (2)");
  handle.interrupt();
  EXPECT_EQ(std::get<0>(connection.query_row<int>("SELECT count(*) FROM t")), 2);
  handle.interrupt();
  connection.execute_batch("INSERT INTO t VALUES (3); INSERT INTO t VALUES (4)");
  handle.interrupt();
  Transaction transaction = connection.transaction();
  handle.interrupt();
  statement.execute(5);
  handle.interrupt();
  transaction.commit();
  handle.interrupt();
  EXPECT_NO_THROW(statement.columns());
  handle.interrupt();
  EXPECT_NO_THROW(connection.reset());
}

TEST(Interrupt, EndsRowsThatAreReadAndNothingAfterThem) {
  Connection connection = Builder::local(":memory:").build().connect();
  Rows rows = connection.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n");
  ASSERT_TRUE(rows.next());
  connection.interrupt_handle().interrupt();
  EXPECT_THROW(connection.execute("SELECT 1"), Interrupted) << "as of all statements while one of then is open";
  EXPECT_THROW(rows.next(), Interrupted);
  EXPECT_NO_THROW(connection.execute("SELECT 1"));
}

TEST(Interrupt, DoesNotKeepATransactionFromBeingUndone) {
  Connection connection = Builder::local(":memory:").build().connect();
  connection.execute("CREATE TABLE t(a)");
  Transaction transaction = connection.transaction();
  connection.execute("INSERT INTO t VALUES (1)");
  const Subscription subscription = Hooks(connection).on_authorize([&](const Authorization& what) {
    if (what.action == Action::Transaction) connection.interrupt_handle().interrupt();
    return Verdict::Allow;
  });
  connection.interrupt_handle().interrupt();
  transaction.rollback();
  EXPECT_TRUE(connection.is_autocommit());
  EXPECT_EQ(std::get<0>(connection.query_row<int>("SELECT count(*) FROM t")), 0);
}

TEST(Interrupt, OutlivesTheConnection) {
  auto connection = open_in_memory();
  const auto interrupt = connection->patience().interrupt_state();
  connection.reset();
  interrupt->stop();
  EXPECT_TRUE(interrupt->is_stopped());
}

}  // namespace
}  // namespace libsql::test

// Rows that come as they are read, in and outside of transactions.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/scripted_wire.hpp"

namespace libsql {
namespace {

using test::error_of;
using test::Exchange;
using test::ScriptedServer;

constexpr const char* kRows = "SELECT a FROM t";

class RemoteRows : public ::testing::Test {
 protected:
  std::shared_ptr<ScriptedServer> server_ = std::make_shared<ScriptedServer>();

  RemoteRows() { server_->statements[kRows] = {.columns = {"a"}, .rows = {{1}, {2}, {3}, {4}}}; }

  Connection connect(std::size_t row_buffer = std::size_t{1} << 20) {
    remote::Options options;
    options.row_buffer = row_buffer;
    options.default_deadline.reset();
    return server_->database(std::move(options)).connect();
  }

  static std::vector<std::int64_t> rest_of(Rows& rows) {
    std::vector<std::int64_t> values;
    while (rows.next()) values.push_back(rows.row().get<std::int64_t>(0));
    return values;
  }

  // How many exchanges of the kind there were.
  std::size_t count(Exchange::Kind kind) const {
    std::size_t n = 0;
    for (const Exchange& exchange : server_->exchanges) n += exchange.kind == kind ? 1 : 0;
    return n;
  }
};

TEST_F(RemoteRows, ComeOneByOneAndTheStreamEndsWithThem) {
  Connection conn = connect();
  Rows rows = conn.query(kRows);
  EXPECT_EQ(server_->open_streams, 1u);
  EXPECT_EQ(rest_of(rows), (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(server_->open_streams, 0u);
  EXPECT_FALSE(rows.next());
}

TEST_F(RemoteRows, ThatNobodyReadsEndTheirStream) {
  Connection conn = connect();
  {
    Rows rows = conn.query(kRows);
    ASSERT_TRUE(rows.next());
  }
  EXPECT_EQ(server_->open_streams, 0u);
  EXPECT_NO_THROW(conn.close());
}

TEST_F(RemoteRows, OfATransactionAreKeptWhenItGoesOn) {
  Connection conn = connect();
  Transaction tx = conn.transaction();
  Rows rows = tx->query(kRows);
  ASSERT_TRUE(rows.next());
  const Row current = rows.row();
  tx->execute("INSERT 1");
  EXPECT_EQ(current.get<std::int64_t>(0), 1) << "the current row stays";
  tx->execute("INSERT 2");
  EXPECT_EQ(rest_of(rows), (std::vector<std::int64_t>{2, 3, 4}));
  tx.commit();
  EXPECT_EQ(server_->committed, (std::vector<std::string>{"INSERT 1", "INSERT 2"}));
  EXPECT_EQ(server_->streams, 1u);
}

TEST_F(RemoteRows, AreKeptBeforeTheFirstOfThemWasAskedFor) {
  Connection conn = connect();
  Transaction tx = conn.transaction();
  Rows rows = tx->query(kRows);
  tx->execute("INSERT 1");
  EXPECT_EQ(rest_of(rows), (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST_F(RemoteRows, ThatAreTooManyToBeKeptStopTheNextStatementAndComeOn) {
  Connection conn = connect(0);
  Transaction tx = conn.transaction();
  Rows rows = tx->query(kRows);
  ASSERT_TRUE(rows.next());
  const auto error = error_of<ResourceError>([&] { tx->execute("INSERT 1"); });
  EXPECT_EQ(error.code(), ErrorCode::TooBig);
  EXPECT_TRUE(error.transaction_open());
  EXPECT_EQ(rest_of(rows), (std::vector<std::int64_t>{2, 3, 4}));
  tx->execute("INSERT 1");
  tx.commit();
  EXPECT_EQ(server_->committed, std::vector<std::string>{"INSERT 1"});
}

TEST_F(RemoteRows, EndWithTheirTransactionButTheCurrentOneStays) {
  Connection conn = connect();
  std::optional<Transaction> tx(conn.transaction());
  Rows rows = (*tx)->query(kRows);
  ASSERT_TRUE(rows.next());
  ASSERT_TRUE(rows.next());
  const Row current = rows.row();
  tx->rollback();
  EXPECT_EQ(current.get<std::int64_t>(0), 2);
  EXPECT_THROW(rows.next(), Interrupted);
  EXPECT_FALSE(rows.next());
  EXPECT_EQ(server_->open_streams, 0u);
  conn.execute("INSERT 1");
  EXPECT_EQ(server_->ran.back(), "1 out INSERT 1");
}

TEST_F(RemoteRows, AreKeptOrEndedByTheUndoingOfASavepoint) {
  for (const std::size_t buffer : {std::size_t{0}, std::size_t{1} << 20}) {
    Connection conn = connect(buffer);
    Transaction tx = conn.transaction();
    std::optional<Savepoint> inner(conn.savepoint("s"));
    Rows rows = conn.query(kRows);
    ASSERT_TRUE(rows.next());
    inner.reset();
    EXPECT_TRUE(conn.execute("INSERT 1") == 0);
    if (buffer == 0) {
      EXPECT_THROW(rows.next(), Interrupted);
    } else {
      EXPECT_EQ(rest_of(rows), (std::vector<std::int64_t>{2, 3, 4}));
    }
    tx.commit();
  }
}

TEST_F(RemoteRows, OfAWriteCountWhenTheServerHasRunItNotWhenTheyAreRead) {
  constexpr const char* kReturning = "INSERT INTO t DEFAULT VALUES RETURNING a";
  server_->statements[kReturning] = {.columns = {"a"}, .rows = {{7}, {8}}, .affected = 2};
  server_->statements["INSERT INTO u VALUES (1)"] = {.affected = 5};
  Connection conn = connect();
  Transaction tx = conn.transaction();
  Statement statement = conn.prepare(kReturning);
  Rows rows = statement.query();
  ASSERT_TRUE(rows.next());
  conn.execute("INSERT INTO u VALUES (1)");
  EXPECT_EQ(conn.changes(), 5u);
  EXPECT_EQ(conn.total_changes(), 7u);
  EXPECT_EQ(rest_of(rows), std::vector<std::int64_t>{8});
  EXPECT_EQ(conn.changes(), 5u) << "the older statement is not the last one";
  EXPECT_EQ(conn.total_changes(), 7u);
}

TEST_F(RemoteRows, AnErrorAmongThemLeavesTheTransactionIfTheServerDoes) {
  for (const bool ends : {false, true}) {
    server_->statements[kRows] = {.columns = {"a"}, .rows = {{1}, {2}}, .error = "it broke", .ends_transaction = ends};
    Connection conn = connect();
    Transaction tx = conn.transaction();
    Rows rows = tx->query(kRows);
    ASSERT_TRUE(rows.next());
    ASSERT_TRUE(rows.next());
    const Error error = error_of<SqlError>([&] { rows.next(); });
    EXPECT_EQ(error.transaction_open(), !ends);
    EXPECT_FALSE(rows.next());
    const std::size_t before = server_->exchanges.size();
    if (ends) {
      EXPECT_THROW(tx->execute("INSERT 1"), TransactionLost);
      EXPECT_EQ(server_->exchanges.size(), before) << "it would run outside";
      EXPECT_THROW(tx.commit(), TransactionLost);
    } else {
      tx->execute("INSERT 1");
      tx.commit();
    }
  }
}

TEST_F(RemoteRows, AnErrorAmongThoseThatAreKeptIsThrownInItsPlace) {
  server_->statements[kRows] = {.columns = {"a"}, .rows = {{1}, {2}}, .error = "it broke"};
  Connection conn = connect();
  Transaction tx = conn.transaction();
  Rows rows = tx->query(kRows);
  ASSERT_TRUE(rows.next());
  tx->execute("INSERT 1");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.row().get<std::int64_t>(0), 2);
  EXPECT_THROW(rows.next(), SqlError);
  EXPECT_FALSE(rows.next());
  tx.commit();
}

TEST_F(RemoteRows, ATransactionThatTheServerEndedRunsNothingAndIsLost) {
  Connection conn = connect();
  Transaction tx = conn.transaction();
  tx->execute("INSERT 1");
  // The server has rolled back since, which nobody has been told.
  server_->statements["SELECT 1"] = {.columns = {"a"}, .rows = {{1}}};
  server_->statements["PRAGMA x"] = {.error = "full", .code = "SQLITE_FULL", .ends_transaction = true};
  server_->change = [](const Exchange&, std::string answer) {
    const auto at = answer.find("\"is_autocommit\":true");
    return at == std::string::npos ? answer : answer.replace(at, 20, "\"is_autocommit\":false");
  };
  EXPECT_THROW(tx->query("PRAGMA x"), Error);
  server_->change = nullptr;
  EXPECT_THROW(tx->query(kRows), TransactionLost);
  EXPECT_THROW(tx->execute("INSERT 2"), TransactionLost);
  tx.rollback();
  EXPECT_TRUE(server_->committed.empty());
  EXPECT_EQ(conn.query_value<std::int64_t>("SELECT 1"), 1);
}

TEST_F(RemoteRows, NothingRunsOutsideATransactionThatIsLostWhileRowsAreKept) {
  using Use = std::function<void(Connection&)>;
  const std::vector<Use> uses = {
      [](Connection& conn) { conn.execute("INSERT 1"); },
      [](Connection& conn) { conn.query("SELECT b FROM t"); },
      [](Connection& conn) { conn.prepare("INSERT 2"); },
      [](Connection& conn) { conn.execute_batch("INSERT 1; INSERT 2"); },
      [](Connection& conn) { conn.execute_transactional_batch("INSERT 1; INSERT 2"); },
      [](Connection& conn) {
        conn.execute_many("INSERT VALUES (?)", std::vector<int>{1, 2});
      },
      [](Connection& conn) { conn.savepoint("s"); },
  };
  // The link breaks, the server ends the transaction with an error, or just says that it is gone.
  for (const char* how : {"link", "error", "probe"}) {
    for (const bool by_text : {false, true}) {
      for (std::size_t i = 0; i < uses.size(); ++i) {
        SCOPED_TRACE(std::string(how) + " " + std::to_string(i) + (by_text ? " BEGIN" : " transaction()"));
        server_ = std::make_shared<ScriptedServer>();
        server_->statements[kRows] = {.columns = {"a"}, .rows = {{1}, {2}}};
        Connection conn = connect();
        std::optional<Transaction> tx;
        if (by_text) {
          conn.execute("BEGIN");
        } else {
          tx.emplace(conn.transaction());
        }
        if (how == std::string("error")) {
          server_->statements[kRows].error = "it broke";
          server_->statements[kRows].ends_transaction = true;
        } else if (how == std::string("probe")) {
          server_->change = [](const Exchange& exchange, std::string lines) {
            if (exchange.kind != Exchange::Kind::OpenCursor) return lines;
            return lines + "{\"type\":\"step_begin\",\"step\":1,\"cols\":[]}\n";
          };
        }
        Rows rows = conn.query(kRows);
        ASSERT_TRUE(rows.next());
        if (how == std::string("link")) {
          server_->before = [](const Exchange& exchange) {
            if (exchange.kind == Exchange::Kind::Entry) {
              throw net::NetError(net::ErrorKind::Closed, "the link broke", true);
            }
          };
        }
        EXPECT_THROW(uses[i](conn), TransactionLost);
        EXPECT_EQ(rows.row().get<std::int64_t>(0), 1);
        for (const std::string& text : server_->ran) EXPECT_EQ(text.find("INSERT"), std::string::npos) << text;
        EXPECT_FALSE(conn.is_closed());
      }
    }
  }
}

TEST_F(RemoteRows, UndoingASavepointOfATransactionThatIsLostMeanwhileKeepsTheConnection) {
  Connection conn = connect();
  {
    Transaction tx = conn.transaction();
    std::optional<Savepoint> inner(conn.savepoint("s"));
    Rows rows = conn.query(kRows);
    ASSERT_TRUE(rows.next());
    server_->before = [](const Exchange&) { throw net::NetError(net::ErrorKind::Closed, "the link broke", true); };
    inner.reset();
    server_->before = nullptr;
    EXPECT_FALSE(conn.is_closed());
    EXPECT_THROW(tx->execute("INSERT 1"), TransactionLost);
  }
  conn.execute("INSERT 2");
  EXPECT_EQ(server_->committed, std::vector<std::string>{"INSERT 2"});
}

TEST_F(RemoteRows, ARefusedTextCostsNoTransaction) {
  server_->statements["SELECT nonsense FROM t"] = {.error = "no such column: nonsense"};
  Connection conn = connect();
  Transaction tx = conn.transaction();
  EXPECT_THROW(tx->query("SELECT nonsense FROM t"), SqlError);
  tx->execute("INSERT 1");
  tx.commit();
  EXPECT_EQ(server_->committed, std::vector<std::string>{"INSERT 1"});
}

TEST_F(RemoteRows, OfVersionTwoComeWithTheAnswer) {
  server_->version = 2;
  Connection conn = connect();
  Transaction tx = conn.transaction();
  Rows rows = tx->query(kRows);
  tx->execute("INSERT 1");
  EXPECT_EQ(rest_of(rows), (std::vector<std::int64_t>{1, 2, 3, 4}));
  tx.commit();
  EXPECT_EQ(count(Exchange::Kind::OpenCursor), 0u);
  EXPECT_EQ(server_->committed, std::vector<std::string>{"INSERT 1"});
}

TEST_F(RemoteRows, OfABusyDatabaseAreAskedForAgain) {
  int left = 3;
  server_->statements[kRows].error = "database is locked";
  server_->statements[kRows].code = "SQLITE_BUSY";
  server_->statements[kRows].rows.clear();
  server_->before = [&](const Exchange& exchange) {
    if (exchange.kind == Exchange::Kind::OpenCursor && --left == 0) {
      server_->statements[kRows] = {.columns = {"a"}, .rows = {{9}}};
    }
  };
  Connection conn = connect();
  conn.busy_timeout(std::chrono::hours(1));
  Rows rows = conn.query(kRows);
  EXPECT_EQ(rest_of(rows), std::vector<std::int64_t>{9});
  EXPECT_EQ(conn.statistics().busy_waits, 2u);
}

TEST_F(RemoteRows, TheReadOnlyTransactionRefusesWritesAndItsSuccessorDoesNot) {
  Connection conn = connect();
  for (const bool commits : {true, false}) {
    {
      Transaction tx = conn.transaction(TransactionBehavior::ReadOnly);
      const std::size_t before = server_->exchanges.size();
      EXPECT_THROW(tx->execute("INSERT INTO t VALUES (1)"), ReadOnly);
      EXPECT_EQ(server_->exchanges.size(), before);
      if (commits) tx.commit();
    }
    EXPECT_NO_THROW(conn.execute("INSERT INTO t VALUES (1)"));
  }
  Transaction tx = conn.transaction(TransactionBehavior::ReadOnly);
  conn.reset();
  EXPECT_NO_THROW(conn.execute("INSERT INTO t VALUES (1)"));
}

TEST_F(RemoteRows, TheConnectionEndsOpenRowsWhenItIsReset) {
  Connection conn = connect();
  Transaction tx = conn.transaction();
  Rows rows = tx->query(kRows);
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(conn.close(), Misuse);
  conn.reset();
  EXPECT_FALSE(rows.next());
  EXPECT_EQ(server_->open_streams, 0u);
  EXPECT_TRUE(conn.is_autocommit());
}

}  // namespace
}  // namespace libsql

#include "elixir/c_src/core/session.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <libsql/error.hpp>

#include "elixir/c_src/core/worker.hpp"

namespace libsql::beam {
namespace {

class Kept final : public RowSink {
 public:
  void columns(std::span<const Column> columns) override {
    for (const Column& column : columns) names.push_back(column.name);
  }
  std::size_t row(std::span<const ValueRef> cells) override {
    std::string text;
    for (const ValueRef& cell : cells) text += to_sql_literal(cell) + " ";
    rows.push_back(text);
    return text.size();
  }
  std::vector<std::string> names, rows;
};

class ElixirSession : public ::testing::Test {
 protected:
  ElixirSession() {
    OpenOptions options;
    options.database = ":memory:";
    session.open(options);
    run("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
    run("INSERT INTO t(name) VALUES ('a'), ('b'), ('c')");
  }
  Outcome run(std::string_view sql, std::vector<ValueRef> values = {}) {
    Kept sink;
    const Outcome outcome = session.run(sql, {values, {}, false}, sink);
    last = sink.rows;
    return outcome;
  }
  std::vector<std::string> fetch(std::uint64_t cursor, std::uint64_t count, bool& done) {
    Kept sink;
    session.fetch(cursor, count, 1 << 20, sink, done);
    return sink.rows;
  }

  std::shared_ptr<Worker> worker = Worker::create();
  Session session{*worker};
  std::vector<std::string> last;
};

TEST_F(ElixirSession, ARunTellsWhatItDidItself) {
  EXPECT_EQ(run("UPDATE t SET name = 'x'").changes, 3u);
  EXPECT_EQ(run("CREATE TABLE u (a)").changes, 0u);
  EXPECT_EQ(run("SELECT 1").changes, 0u);
  const Outcome returning = run("INSERT INTO t(name) VALUES ('n') RETURNING id");
  EXPECT_TRUE(returning.has_rows);
  EXPECT_EQ(returning.changes, 1u);
  EXPECT_EQ(returning.last_insert_rowid, 4);
  EXPECT_EQ(last, std::vector<std::string>{"4 "});
  EXPECT_FALSE(run("DELETE FROM t WHERE id = 99").has_rows);
}

TEST_F(ElixirSession, ArgumentsAreTakenByNameInAnyOrderAndWithAnyPrefix) {
  const std::vector<std::pair<std::string_view, ValueRef>> named{{"b", ValueRef(std::int64_t{2})},
                                                                 {":a", ValueRef(std::int64_t{1})}};
  Kept sink;
  session.run("SELECT :a, $b, :a", {{}, named, true}, sink);
  EXPECT_EQ(sink.rows, std::vector<std::string>{"1 2 1 "});
  EXPECT_THROW(session.run("SELECT :c", {{}, named, true}, sink), BadNames);
  EXPECT_THROW(session.run("SELECT ?", {{}, named, true}, sink), BadNames);
}

TEST_F(ElixirSession, ACursorKeepsTheRowsOfItsStartWhenItsConnectionWrites) {
  for (const char* write : {"DELETE FROM t", "INSERT INTO t(name) VALUES ('d')"}) {
    run("DELETE FROM t");
    run("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    const std::uint64_t cursor = session.open_cursor("SELECT id FROM t ORDER BY id", {});
    bool done = false;
    EXPECT_EQ(fetch(cursor, 1, done), std::vector<std::string>{"1 "});
    run(write);
    EXPECT_EQ(fetch(cursor, 9, done), (std::vector<std::string>{"2 ", "3 "})) << write;
    EXPECT_TRUE(done);
    EXPECT_TRUE(session.drop(cursor));
  }
}

TEST_F(ElixirSession, ACursorIsBoundedByRowsAndBytes) {
  const std::uint64_t cursor = session.open_cursor("SELECT name FROM t", {});
  Kept sink;
  bool done = false;
  EXPECT_EQ(session.fetch(cursor, 2, 1 << 20, sink, done), 2u);
  EXPECT_FALSE(done);
  EXPECT_EQ(session.fetch(cursor, 2, 1, sink, done), 1u);
  EXPECT_EQ(session.fetch(cursor, 2, 1, sink, done), 0u);
  EXPECT_TRUE(done);
  session.drop(cursor);
  EXPECT_THROW(session.fetch(cursor, 1, 1, sink, done), UnknownHandle);
}

TEST_F(ElixirSession, HandlesOfTransactionsEndWithThem) {
  const std::uint64_t first = session.begin(TransactionBehavior::Immediate);
  EXPECT_THROW(session.begin(TransactionBehavior::Deferred), SqlError);
  run("DELETE FROM t");
  session.publish();
  EXPECT_EQ(worker->transaction(), first);
  EXPECT_TRUE(worker->in_transaction());
  session.rollback(first);
  session.publish();
  EXPECT_EQ(worker->transaction(), 0u);
  EXPECT_FALSE(worker->in_transaction());
  EXPECT_THROW(session.check_transaction(first), UnknownHandle);
  EXPECT_THROW(session.commit(first), UnknownHandle);
  const std::uint64_t second = session.begin(TransactionBehavior::Deferred);
  EXPECT_NE(first, second);
  run("DELETE FROM t WHERE id = 1");
  session.drop(second);
  run("SELECT count(*) FROM t");
  EXPECT_EQ(last, std::vector<std::string>{"3 "}) << "a transaction that nobody holds is rolled back";
}

TEST_F(ElixirSession, MoreRowsThanAskedForAreAnError) {
  Kept sink;
  EXPECT_THROW(session.run("SELECT id FROM t", {}, sink, 1), UnexpectedRows);
}

TEST_F(ElixirSession, ResetEndsTransactionsStatementsAndCursors) {
  const std::uint64_t statement = session.prepare("SELECT 1");
  session.begin(TransactionBehavior::Deferred);
  run("DELETE FROM t");
  session.reset(false);
  EXPECT_THROW(session.statement(statement), UnknownHandle);
  run("SELECT count(*) FROM t");
  EXPECT_EQ(last, std::vector<std::string>{"3 "});
}

}  // namespace
}  // namespace libsql::beam

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "support/temporary_directory.hpp"

namespace {

using namespace libsql;
using testing::ElementsAre;
using testing::IsEmpty;

std::string describe(const Change& change) {
  std::string text(to_string(change.kind));
  text += " " + change.table->name + "(";
  for (const Value& value : change.old_values) text += to_sql_literal(value.ref()) + ",";
  text += ")->(";
  for (const Value& value : change.new_values) text += to_sql_literal(value.ref()) + ",";
  return text + ")";
}

std::vector<std::string> describe(const ChangeSet& set) {
  std::vector<std::string> lines;
  for (const Change& change : set.changes) lines.push_back(describe(change));
  return lines;
}

class Stream : public testing::Test {
 protected:
  Stream() : db_(Builder::local(":memory:").build()), conn_(db_.connect()) {
    conn_.execute_batch(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INT CHECK (n < 100));"
        "CREATE TABLE w(a TEXT, b INT, v, PRIMARY KEY (b, a)) WITHOUT ROWID;"
        "CREATE TABLE plain(x)");
  }
  static std::vector<std::string> next(ChangeStream& stream) {
    const auto set = stream.next();
    return set ? describe(*set) : std::vector<std::string>{"nothing"};
  }

  Database db_;
  Connection conn_;
};

TEST_F(Stream, DeliversWhatAStatementCommits) {
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
  conn_.execute("UPDATE t SET n = 3 WHERE id = 2");
  conn_.execute("DELETE FROM t");
  EXPECT_EQ(stream.queued(), 3u);
  EXPECT_THAT(next(stream), ElementsAre("INSERT t()->(1,'a',1,)", "INSERT t()->(2,'b',2,)"));
  EXPECT_THAT(next(stream), ElementsAre("UPDATE t(2,'b',2,)->(2,'b',3,)"));
  EXPECT_THAT(next(stream), ElementsAre("DELETE t(1,'a',1,)->()", "DELETE t(2,'b',3,)->()"));
  EXPECT_THAT(next(stream), ElementsAre("nothing"));
}

TEST_F(Stream, MaintenanceLeavesNothingInIt) {
  const test::TemporaryDirectory directory;
  conn_.execute_batch(
      "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, a); CREATE INDEX by_a ON counted(a);"
      "CREATE TABLE made(a, b AS (a + 1) STORED, c AS (a + 2)); CREATE VIEW v AS SELECT 1;"
      "CREATE TRIGGER tr AFTER INSERT ON plain BEGIN SELECT 1; END; CREATE VIRTUAL TABLE f USING fts5(x);"
      "INSERT INTO counted(a) VALUES (1); INSERT INTO made VALUES (1); INSERT INTO f VALUES ('word');"
      "INSERT INTO t VALUES (1, 'a', 1); INSERT INTO w VALUES ('x', 7, NULL)");
  ChangeStream stream(conn_);
  for (const std::string& sql :
       {std::string("ANALYZE"), std::string("VACUUM"), "VACUUM INTO '" + directory.file("copy.db") + "'",
        std::string("REINDEX"), std::string("PRAGMA optimize(0x10002)"),
        std::string("UPDATE sqlite_sequence SET seq=5"), std::string("ALTER TABLE counted RENAME TO renamed"),
        std::string("DROP TABLE made")}) {
    conn_.execute(sql);
    EXPECT_EQ(stream.queued(), 0u) << sql;
    while (stream.next()) {
    }
  }
  conn_.execute("INSERT INTO plain VALUES (1)");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(1,)"));
}

TEST_F(Stream, DescribesTablesKeysAndRowids) {
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO w VALUES ('x', 7, NULL)");
  const ChangeSet first = stream.next().value();
  const Change& insert = first.changes.at(0);
  EXPECT_EQ(first.number, 1u);
  EXPECT_EQ(insert.table->database, "main");
  EXPECT_THAT(insert.table->columns, ElementsAre("a", "b", "v"));
  EXPECT_THAT(insert.table->key_columns, ElementsAre(1, 0));
  EXPECT_TRUE(insert.table->without_rowid);
  EXPECT_EQ(insert.rowid, std::nullopt);
  EXPECT_THAT(insert.key(), ElementsAre(Value(7), Value("x")));
  EXPECT_EQ(*insert.new_value("B"), Value(7));
  EXPECT_EQ(insert.old_value("b"), nullptr);
  EXPECT_EQ(insert.new_value("none"), nullptr);

  conn_.execute("UPDATE w SET b = 8");
  EXPECT_THAT(next(stream), ElementsAre("UPDATE w('x',7,NULL,)->('x',8,NULL,)"));

  conn_.execute("INSERT INTO plain(rowid, x) VALUES (5, 'p')");
  conn_.execute("UPDATE plain SET rowid = 6");
  stream.next();
  const Change moved = stream.next().value().changes.at(0);
  EXPECT_EQ(moved.old_rowid, 5);
  EXPECT_EQ(moved.rowid, 6);
  EXPECT_FALSE(moved.table->without_rowid);
  EXPECT_THAT(moved.table->key_columns, IsEmpty());
  EXPECT_THAT(moved.key(), ElementsAre(Value(6)));
}

TEST_F(Stream, ATransactionIsOneSetAndARolledBackOneIsNone) {
  ChangeStream stream(conn_);
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO t VALUES (1, 'a', 1)");
    tx->execute("INSERT INTO plain VALUES (1)");
    EXPECT_EQ(stream.queued(), 0u);
    tx.commit();
  }
  EXPECT_THAT(next(stream), ElementsAre("INSERT t()->(1,'a',1,)", "INSERT plain()->(1,)"));
  {
    Transaction tx = conn_.transaction();
    tx->execute("DELETE FROM t");
  }
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (3, 'c', 3), (1, 'dup', 0)"), Constraint);
  EXPECT_EQ(stream.queued(), 0u);
  conn_.execute("INSERT INTO t VALUES (4, 'd', 4)");
  EXPECT_THAT(next(stream), ElementsAre("INSERT t()->(4,'d',4,)"));
}

TEST_F(Stream, RollbackToDropsWhatCameAfterTheSavepoint) {
  ChangeStream stream(conn_);
  conn_.execute_batch(
      "BEGIN;"
      "INSERT INTO plain VALUES (1);"
      "SAVEPOINT a; INSERT INTO plain VALUES (2);"
      "SAVEPOINT b; INSERT INTO plain VALUES (3);"
      "ROLLBACK TO b; INSERT INTO plain VALUES (4);"
      "RELEASE b; INSERT INTO plain VALUES (5);"
      "SAVEPOINT c; INSERT INTO plain VALUES (6); ROLLBACK TO c; RELEASE c;"
      "COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(1,)", "INSERT plain()->(2,)", "INSERT plain()->(4,)",
                                        "INSERT plain()->(5,)"));
  conn_.execute_batch(
      "BEGIN; SAVEPOINT a; SAVEPOINT b; INSERT INTO plain VALUES (7); ROLLBACK TO a; INSERT INTO plain VALUES (8);"
      "COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(8,)")) << "savepoints older than the first change";
  conn_.execute_batch(
      "SAVEPOINT s; INSERT INTO plain VALUES (9); ROLLBACK TO s; INSERT INTO plain VALUES (10); RELEASE s");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(10,)")) << "a savepoint that is the transaction";
  conn_.execute_batch("SAVEPOINT s; INSERT INTO plain VALUES (11); ROLLBACK TO s; RELEASE s");
  EXPECT_EQ(stream.queued(), 0u);
}

TEST_F(Stream, NestedTransactionsOfTheLibraryCount) {
  ChangeStream stream(conn_);
  Transaction outer = conn_.transaction();
  outer->execute("INSERT INTO plain VALUES (1)");
  {
    Transaction inner = conn_.transaction();
    inner->execute("INSERT INTO plain VALUES (2)");
  }
  {
    Transaction inner = conn_.transaction();
    inner->execute("INSERT INTO plain VALUES (3)");
    inner.commit();
  }
  outer.commit();
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(1,)", "INSERT plain()->(3,)"));
}

TEST_F(Stream, AFailedStatementInsideATransactionLeavesNothing) {
  ChangeStream stream(conn_);
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (2, 'b', 2), (3, 'c', 3), (1, 'dup', 0)"), Constraint);
  EXPECT_THROW(tx->execute("UPDATE t SET n = n + 99"), Constraint);
  tx->execute("INSERT INTO t VALUES (4, 'd', 4)");
  EXPECT_THROW(tx->execute("INSERT INTO t VALUES (5, 'e', 5), (6, 'a', 6)"), Constraint);
  tx.commit();
  EXPECT_THAT(next(stream), ElementsAre("INSERT t()->(1,'a',1,)", "INSERT t()->(4,'d',4,)"));
}

TEST_F(Stream, OrFailAndOrIgnoreKeepWhatTheyKeep) {
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  stream.next();
  EXPECT_THROW(conn_.execute("INSERT OR FAIL INTO t VALUES (2, 'b', 2), (1, 'dup', 0), (3, 'c', 3)"), Constraint);
  EXPECT_THAT(next(stream), ElementsAre("INSERT t()->(2,'b',2,)"));
  conn_.execute("BEGIN");
  EXPECT_THROW(conn_.execute("INSERT OR FAIL INTO t VALUES (5, 'e', 2), (1, 'dup', 0)"), Constraint);
  conn_.execute("INSERT OR IGNORE INTO t VALUES (6, 'f', 2), (1, 'dup', 0)");
  conn_.execute("COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT t()->(5,'e',2,)", "INSERT t()->(6,'f',2,)"));
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO t VALUES (7, 'g', 2)");
  EXPECT_THROW(conn_.execute("INSERT OR ROLLBACK INTO t VALUES (8, 'h', 2), (1, 'dup', 0)"), Constraint);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(stream.queued(), 0u);
  conn_.execute("REPLACE INTO t VALUES (1, 'new', 9)");
  EXPECT_THAT(next(stream), ElementsAre("DELETE t(1,'a',1,)->()", "INSERT t()->(1,'new',9,)"));
}

TEST_F(Stream, TriggersThatRaiseTakeTheirChangesBack) {
  conn_.execute_batch(
      "CREATE TRIGGER tr AFTER INSERT ON plain BEGIN "
      "  INSERT INTO w VALUES ('log', new.x, 0); SELECT RAISE(ABORT, 'too big') WHERE new.x > 10; END");
  ChangeStream stream(conn_);
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO plain VALUES (1)");
  EXPECT_THROW(conn_.execute("INSERT INTO plain VALUES (2), (11)"), Constraint);
  conn_.execute("COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(1,)", "INSERT w()->('log',1,0,)"));
}

TEST_F(Stream, AStatementThatFailsWhileAnotherIsOpenLeavesNothing) {
  ChangeStream stream(conn_);
  {
    auto rows = conn_.query("INSERT INTO plain VALUES (1), (2) RETURNING x");
    ASSERT_TRUE(rows.next());
    EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2, 'b', 2), (2, 'c', 3)"), Constraint);
    conn_.execute("INSERT INTO t VALUES (3, 'c', 3)");
    while (rows.next()) {
    }
  }
  std::vector<std::string> all;
  while (const auto set = stream.next()) {
    for (const Change& change : set->changes) all.push_back(describe(change));
  }
  EXPECT_THAT(all, ElementsAre("INSERT plain()->(1,)", "INSERT plain()->(2,)", "INSERT t()->(3,'c',3,)"));
}

TEST_F(Stream, ForeignKeyActionsAreSeenAndViolationsAreNot) {
  conn_.execute_batch(
      "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE "
      "CASCADE);"
      "INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (10, 1)");
  ChangeStream stream(conn_);
  conn_.execute("DELETE FROM p WHERE id = 1");
  EXPECT_THAT(next(stream), ElementsAre("DELETE p(1,)->()", "DELETE c(10,1,)->()"));
  conn_.execute("BEGIN");
  EXPECT_THROW(conn_.execute("INSERT INTO c VALUES (11, 2), (12, 99)"), Constraint);
  EXPECT_THROW(conn_.execute("INSERT INTO c VALUES (12, 99)"), Constraint);
  conn_.execute("COMMIT");
  EXPECT_EQ(stream.queued(), 0u);
}

TEST_F(Stream, ACommitThatIsRefusedDeliversNothing) {
  ChangeStream stream(conn_);
  Hooks hooks(conn_);
  auto sub = hooks.on_commit([] { return CommitVerdict::RollBack; });
  EXPECT_THROW(conn_.execute("INSERT INTO plain VALUES (1)"), Constraint);
  sub.detach();
  EXPECT_EQ(stream.queued(), 0u);
  conn_.execute_batch("CREATE TABLE d(p REFERENCES t DEFERRABLE INITIALLY DEFERRED)");
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO d VALUES (1)");
  EXPECT_THROW(conn_.execute("COMMIT"), Constraint) << "the deferred foreign key";
  EXPECT_EQ(stream.queued(), 0u);
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  conn_.execute("COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT d()->(1,)", "INSERT t()->(1,'a',1,)"));
}

TEST_F(Stream, FilterNamesTables) {
  ChangeStream some(conn_, ChangeStreamOptions{.tables = {"T", "temp.plain"}});
  ChangeStream all(conn_);
  conn_.execute("CREATE TEMP TABLE plain(x)");
  conn_.execute_batch(
      "BEGIN; INSERT INTO main.plain VALUES (1); INSERT INTO temp.plain VALUES (2); INSERT INTO t VALUES (1, 'a', 1);"
      "COMMIT; INSERT INTO w VALUES ('a', 1, 1)");
  EXPECT_THAT(next(some), ElementsAre("INSERT plain()->(2,)", "INSERT t()->(1,'a',1,)"));
  EXPECT_EQ(some.queued(), 0u);
  EXPECT_EQ(all.queued(), 2u);
}

TEST_F(Stream, SchemaChangesAreFollowed) {
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO plain VALUES (1)");
  conn_.execute("ALTER TABLE plain ADD COLUMN y DEFAULT 'd'");
  conn_.execute("UPDATE plain SET x = 2");
  conn_.execute("ALTER TABLE plain RENAME COLUMN x TO z");
  conn_.execute("BEGIN");
  conn_.execute("SAVEPOINT s");
  conn_.execute("ALTER TABLE plain RENAME COLUMN z TO dropped");
  conn_.execute("UPDATE plain SET dropped = 3");
  conn_.execute("ROLLBACK TO s");
  conn_.execute("UPDATE plain SET z = 4");
  conn_.execute("COMMIT");
  EXPECT_THAT(stream.next()->changes[0].table->columns, ElementsAre("x"));
  const ChangeSet second = stream.next().value();
  EXPECT_THAT(second.changes[0].table->columns, ElementsAre("x", "y"));
  EXPECT_THAT(describe(second), ElementsAre("UPDATE plain(1,'d',)->(2,'d',)"));
  const ChangeSet third = stream.next().value();
  EXPECT_THAT(third.changes[0].table->columns, ElementsAre("z", "y"));
  EXPECT_THAT(describe(third), ElementsAre("UPDATE plain(2,'d',)->(4,'d',)"));
}

TEST_F(Stream, SchemaChangesOfAnotherConnectionAreFollowed) {
  Connection other = db_.connect();
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO plain VALUES (1)");
  stream.next();
  other.execute("ALTER TABLE plain RENAME COLUMN x TO q");
  conn_.execute("INSERT INTO plain VALUES (2)");
  EXPECT_THAT(stream.next()->changes.at(0).table->columns, ElementsAre("q"));
}

TEST_F(Stream, GeneratedColumns) {
  conn_.execute("CREATE TABLE g(a INT, v INT AS (a * 2) VIRTUAL, s INT AS (a * 3) STORED, z)");
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO g(a, z) VALUES (1, 'z')");
  conn_.execute("UPDATE g SET a = 2");
  const ChangeSet set = stream.next().value();
  EXPECT_THAT(set.changes[0].table->columns, ElementsAre("a", "s", "z"));
  EXPECT_THAT(describe(set), ElementsAre("INSERT g()->(1,3,'z',)"));
  EXPECT_THAT(next(stream), ElementsAre("UPDATE g(1,3,'z',)->(2,6,'z',)"));
}

TEST_F(Stream, WritesThroughABlobHandleAreSeen) {
  conn_.execute("INSERT INTO plain VALUES (x'0000')");
  ChangeStream stream(conn_);
  const std::byte one[] = {std::byte{1}};
  {
    BlobHandle blob(conn_, {.table = "plain", .column = "x", .rowid = 1}, BlobMode::ReadWrite);
    blob.write_at(0, one);
    blob.close();
  }
  const ChangeSet set = stream.next().value();
  EXPECT_THAT(describe(set), ElementsAre("UPDATE plain(x'0000',)->()"));
  EXPECT_EQ(set.changes[0].blob_column, 0);
  conn_.execute("BEGIN");
  conn_.execute("SAVEPOINT s");
  {
    BlobHandle blob(conn_, {.table = "plain", .column = "x", .rowid = 1}, BlobMode::ReadWrite);
    blob.write_at(1, one);
    blob.close();
  }
  conn_.execute("ROLLBACK TO s");
  conn_.execute("COMMIT");
  EXPECT_EQ(stream.queued(), 0u);
}

TEST_F(Stream, AListenerThatThrowsTakesABlobWriteBack) {
  conn_.execute("INSERT INTO plain VALUES (x'0000')");
  ChangeStream stream(conn_);
  Hooks hooks(conn_);
  const auto sub = hooks.on_row_change([](const RowChange& change) {
    EXPECT_EQ(change.blob_column(), 0);
    throw std::runtime_error("hands off");
  });
  const std::byte one[] = {std::byte{1}};
  BlobHandle blob(conn_, {.table = "plain", .column = "x", .rowid = 1}, BlobMode::ReadWrite);
  EXPECT_THROW(blob.write_at(0, one), std::runtime_error);
  EXPECT_EQ(conn_.query_value<std::string>("SELECT hex(x) FROM plain"), "0000");
  EXPECT_EQ(stream.queued(), 0u);
}

TEST_F(Stream, OtherConnectionsAreNotSeen) {
  ChangeStream stream(conn_);
  db_.connect().execute("INSERT INTO plain VALUES (1)");
  EXPECT_EQ(stream.queued(), 0u);
}

TEST_F(Stream, ACallbackIsCalledAfterTheCommitAndMayUseTheConnection) {
  conn_.execute("CREATE TABLE audit(what)");
  std::vector<std::uint64_t> numbers;
  ChangeStream stream(
      conn_,
      [&](const ChangeSet& set) {
        EXPECT_TRUE(conn_.is_autocommit());
        numbers.push_back(set.number);
        conn_.execute("INSERT INTO audit VALUES (?)", describe(set.changes.at(0)));
      },
      ChangeStreamOptions{.tables = {"plain"}});
  conn_.execute("INSERT INTO plain VALUES (1)");
  conn_.execute_batch("BEGIN; INSERT INTO plain VALUES (2); COMMIT");
  for (auto rows = conn_.query("INSERT INTO plain VALUES (3) RETURNING x"); rows.next();) {
  }
  EXPECT_THAT(numbers, ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM audit"), 3);
}

TEST_F(Stream, ACallbackThatCommitsIsCalledForThatToo) {
  std::vector<std::string> seen;
  ChangeStream first(conn_, [&](const ChangeSet& set) {
    seen.push_back("first " + describe(set.changes.at(0)));
    if (seen.size() == 1) conn_.execute("INSERT INTO plain VALUES (2)");
  });
  ChangeStream second(conn_, [&](const ChangeSet& set) { seen.push_back("second " + describe(set.changes.at(0))); });
  conn_.execute("INSERT INTO plain VALUES (1)");
  EXPECT_THAT(seen, ElementsAre("first INSERT plain()->(1,)", "second INSERT plain()->(1,)",
                                "first INSERT plain()->(2,)", "second INSERT plain()->(2,)"));
}

TEST_F(Stream, AnExceptionOfTheCallbackEndsTheStreamNotTheStatement) {
  int calls = 0;
  ChangeStream stream(conn_, [&](const ChangeSet&) {
    ++calls;
    throw std::runtime_error("queue is down");
  });
  EXPECT_EQ(stream.failure(), nullptr);
  EXPECT_EQ(conn_.execute("INSERT INTO plain VALUES (1)"), 1u);
  EXPECT_FALSE(stream.is_attached());
  ASSERT_NE(stream.failure(), nullptr);
  EXPECT_THROW(std::rethrow_exception(stream.failure()), std::runtime_error);
  conn_.execute("INSERT INTO plain VALUES (2)");
  EXPECT_EQ(calls, 1);
}

TEST_F(Stream, ACallbackMayDetachItsStream) {
  std::optional<ChangeStream> stream;
  int calls = 0;
  stream.emplace(conn_, [&](const ChangeSet&) {
    ++calls;
    stream->detach();
  });
  conn_.execute("INSERT INTO plain VALUES (1)");
  conn_.execute("INSERT INTO plain VALUES (2)");
  EXPECT_EQ(calls, 1);
}

TEST_F(Stream, TooMuchForTheMemoryLimitIsMarkedOrRefused) {
  ChangeStream cut(conn_, ChangeStreamOptions{.tables = {}, .max_bytes = 20'000});
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO plain VALUES ('first')");
  conn_.execute("SAVEPOINT s");
  conn_.execute("INSERT INTO plain VALUES (randomblob(30000))");
  conn_.execute("ROLLBACK TO s");
  conn_.execute("INSERT INTO plain VALUES ('second')");
  conn_.execute("COMMIT");
  EXPECT_THAT(next(cut), ElementsAre("INSERT plain()->('first',)", "INSERT plain()->('second',)"))
      << "what broke the limit was rolled back";
  conn_.execute_batch("BEGIN; INSERT INTO plain VALUES (1); INSERT INTO plain VALUES (randomblob(30000)); COMMIT");
  const ChangeSet set = cut.next().value();
  EXPECT_TRUE(set.truncated);
  EXPECT_THAT(describe(set), ElementsAre("INSERT plain()->(1,)"));
  cut.detach();

  ChangeStream strict(conn_, ChangeStreamOptions{.tables = {}, .max_bytes = 20'000, .overflow = ChangeOverflow::Fail});
  const auto before = conn_.query_value<int>("SELECT count(*) FROM plain");
  EXPECT_THROW(conn_.execute("INSERT INTO plain VALUES (randomblob(30000))"), ResourceError);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM plain"), before);
  EXPECT_EQ(strict.queued(), 0u);
}

TEST_F(Stream, AQueueThatNobodyReadsIsBounded) {
  ChangeStream stream(conn_, ChangeStreamOptions{.tables = {}, .max_bytes = 20'000});
  for (int i = 0; i < 50; ++i) conn_.execute("INSERT INTO plain VALUES (randomblob(3000))");
  EXPECT_LT(stream.queued(), 10u);
  bool truncated = false;
  std::uint64_t last = 0;
  while (const auto set = stream.next()) {
    truncated = truncated || set->truncated;
    last = set->number;
  }
  EXPECT_TRUE(truncated);
  EXPECT_EQ(last, 50u);
}

TEST_F(Stream, AnotherThreadMayWaitForChanges) {
  ChangeStream stream(conn_);
  std::vector<std::string> seen;
  std::thread reader([&] {
    while (const auto set = stream.wait(std::chrono::seconds(30))) seen.push_back(describe(set->changes.at(0)));
  });
  conn_.execute("INSERT INTO plain VALUES (1)");
  conn_.execute("INSERT INTO plain VALUES (2)");
  stream.detach();
  reader.join();
  EXPECT_THAT(seen, ElementsAre("INSERT plain()->(1,)", "INSERT plain()->(2,)"));
}

TEST_F(Stream, ResetEndsItAndLeavesNoTrace) {
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO plain VALUES (1)");
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO plain VALUES (2)");
  conn_.reset();
  EXPECT_FALSE(stream.is_attached());
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM sqlite_temp_master"), 0);
  EXPECT_EQ(stream.queued(), 1u);
  EXPECT_EQ(stream.wait(std::chrono::seconds(30))->number, 1u);
  EXPECT_EQ(stream.wait(std::chrono::seconds(30)), std::nullopt) << "does not wait for a stream that has ended";
  ChangeStream again(conn_);
  conn_.execute_batch("BEGIN; INSERT INTO plain VALUES (3); COMMIT");
  EXPECT_EQ(again.queued(), 1u);
  conn_.close();
  EXPECT_FALSE(again.is_attached());
}

TEST_F(Stream, AttachedInsideATransactionItSeesTheRest) {
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO plain VALUES (1)");
  ChangeStream stream(conn_);
  conn_.execute("INSERT INTO plain VALUES (2)");
  conn_.execute("SAVEPOINT s");
  conn_.execute("INSERT INTO plain VALUES (3)");
  conn_.execute("ROLLBACK TO s");
  conn_.execute("COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(2,)"));
}

TEST_F(Stream, SurvivesTheLossOfItsTemporaryTable) {
  ChangeStream stream(conn_);
  conn_.execute("PRAGMA temp_store = MEMORY");  // drops all temporary tables
  conn_.execute_batch(
      "BEGIN; SAVEPOINT a; INSERT INTO plain VALUES (1); ROLLBACK TO a; INSERT INTO plain VALUES (2); COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(2,)"));
}

TEST_F(Stream, WorksUnderAStrictAuthorizer) {
  Hooks hooks(conn_);
  const auto sub = hooks.on_authorize([](const Authorization& a) {
    return a.action == Action::Pragma || a.database == "temp" || a.action == Action::CreateVirtualTable
               ? Verdict::Deny
               : Verdict::Allow;
  });
  ChangeStream stream(conn_);
  conn_.execute_batch("BEGIN; INSERT INTO plain VALUES (1); COMMIT");
  EXPECT_THAT(next(stream), ElementsAre("INSERT plain()->(1,)"));
}

TEST_F(Stream, DoesNotMakeReadersWriters) {
  ChangeStream stream(conn_);
  Connection other = db_.connect();
  conn_.execute("BEGIN");
  conn_.execute("SELECT count(*) FROM plain");
  conn_.execute("SAVEPOINT s");
  other.busy_timeout(std::chrono::milliseconds(0));
  conn_.execute("ROLLBACK");
  other.execute("INSERT INTO plain VALUES (1)");
  EXPECT_EQ(stream.queued(), 0u);
}

TEST_F(Stream, ChangesAndLastRowidStayThoseOfTheUsersStatements) {
  ChangeStream stream(conn_);
  conn_.execute("BEGIN");
  EXPECT_EQ(conn_.execute("INSERT INTO t VALUES (41, 'a', 1), (42, 'b', 2)"), 2u);
  EXPECT_EQ(conn_.changes(), 2u);
  EXPECT_EQ(conn_.last_insert_rowid(), 42);
  EXPECT_EQ(conn_.total_changes(), 2u);
  conn_.execute("COMMIT");
}

}  // namespace

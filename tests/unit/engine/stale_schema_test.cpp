// A connection that has read the schema before another one changed it.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"
#include "support/stale_schemas.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using test::error_of;
using test::stale_schemas;
using test::StaleSchema;

class StaleSchemaTest : public ::testing::Test {
 protected:
  std::string file(const char* name = "a.db") { return directory_.file(name); }

  test::TemporaryDirectory directory_;
};

// Whoever changes it: a connection of this Database, or the engine's C API as another process would use it.
class Changer {
 public:
  virtual ~Changer() = default;
  virtual void run(std::string_view sql) = 0;
};

class OwnConnection final : public Changer {
 public:
  explicit OwnConnection(Database& database) : connection_(database.connect()) {}
  void run(std::string_view sql) override { connection_.execute_batch(sql); }

 private:
  Connection connection_;
};

// Its own connections would suffer from old schemas themselves, so each run has a new one.
class PlainEngine final : public Changer {
 public:
  explicit PlainEngine(std::string file) : file_(std::move(file)) {}
  void run(std::string_view sql) override {
    sqlite3* db = nullptr;
    sqlite3_open(file_.c_str(), &db);
    EXPECT_EQ(sqlite3_exec(db, std::string(sql).c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

 private:
  const std::string file_;
};

void expect_all_run(Database& database, Changer& changer) {
  Connection connection = database.connect();
  for (const StaleSchema& kind : stale_schemas()) {
    SCOPED_TRACE(kind.name);
    for (const std::string_view sql : kind.set_up) connection.execute_batch(sql);
    for (const std::string_view sql : kind.warm_up) connection.query(sql).fetch_all();
    for (const std::string_view sql : kind.change) changer.run(sql);
    EXPECT_NO_THROW(connection.query(kind.statement).fetch_all());
  }
}

TEST_F(StaleSchemaTest, WhatIsRightByTheSchemaOfNowRuns) {
  Database database = Builder::local(file()).build();
  OwnConnection changer(database);
  expect_all_run(database, changer);
}

TEST_F(StaleSchemaTest, WhatIsRightByTheSchemaOfNowRunsWhenAnotherProgramChangedIt) {
  Database database = Builder::local(file()).build();
  PlainEngine changer(file());
  expect_all_run(database, changer);
}

TEST_F(StaleSchemaTest, WhatIsRightByTheSchemaOfNowRunsInARollbackJournal) {
  Database database = Builder::local(file()).pragma("journal_mode", "delete").pragma("synchronous", "off").build();
  OwnConnection changer(database);
  expect_all_run(database, changer);
}

TEST_F(StaleSchemaTest, WhatIsRightByTheSchemaOfNowRunsInMemory) {
  Database database = Builder::local(":memory:").build();
  OwnConnection changer(database);
  expect_all_run(database, changer);
}

TEST_F(StaleSchemaTest, ATransactionCompilesWithTheSchemaThatItSees) {
  Database database = Builder::local(file()).build();
  Connection reader = database.connect();
  Connection writer = database.connect();
  writer.execute("CREATE TABLE t(a)");
  reader.execute("BEGIN");
  reader.query("SELECT a FROM t").fetch_all();
  writer.execute("ALTER TABLE t ADD COLUMN b");
  EXPECT_THROW(reader.query("SELECT b FROM t"), SqlError);
  EXPECT_EQ(reader.query("SELECT * FROM t").columns().size(), 1u);
  reader.execute("COMMIT");
  EXPECT_NO_THROW(reader.query("SELECT b FROM t").fetch_all());
}

TEST_F(StaleSchemaTest, AStatementThatFailsDoesNotFixWhatItsTransactionSees) {
  Database database = Builder::local(file()).build();
  Connection reader = database.connect();
  Connection writer = database.connect();
  writer.execute("CREATE TABLE t(a)");
  reader.execute("BEGIN");
  EXPECT_THROW(reader.execute("INSERT INTO t VALUES (1, 2)"), SqlError);
  writer.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(reader.query_value<int>("SELECT count(*) FROM t"), 1);
}

TEST_F(StaleSchemaTest, AttachedDatabasesAreReadAgainToo) {
  Database database = Builder::local(file("main.db")).build();
  Connection connection = database.connect();
  Connection other = database.connect();
  other.execute("ATTACH '" + file("aux.db") + "' AS aux");
  other.execute_batch("CREATE TABLE m(a); CREATE TABLE aux.x(a)");
  connection.execute("ATTACH '" + file("aux.db") + "' AS aux");
  connection.execute("INSERT INTO x SELECT a FROM m");
  Statement insert = connection.prepare("INSERT INTO x SELECT * FROM m");
  insert.execute();
  // Both at once: the step finds one of them out of date, and the compilation after it the other.
  other.execute_batch("ALTER TABLE m ADD COLUMN b; ALTER TABLE aux.x ADD COLUMN b; INSERT INTO m VALUES (1, 2)");
  EXPECT_EQ(insert.execute(), 1u);
  EXPECT_EQ(connection.query_value<int>("SELECT b FROM x"), 2);
  other.execute("CREATE UNIQUE INDEX aux.ux ON x(a)");
  EXPECT_NO_THROW(connection.execute("INSERT INTO aux.x VALUES (1, 3) ON CONFLICT(a) DO UPDATE SET b = 3"));
}

TEST_F(StaleSchemaTest, QuestionsAboutTheSchemaAreAnsweredByTheOneOfNow) {
  Database database = Builder::local(file()).build();
  Connection connection = database.connect();
  Connection other = database.connect();
  connection.query("SELECT * FROM sqlite_schema").fetch_all();
  Statement asked = connection.prepare("SELECT count(*) FROM pragma_index_list('t')");
  EXPECT_EQ(std::get<0>(asked.query_row<int>()), 0);
  other.execute_batch("CREATE TABLE p(a PRIMARY KEY); CREATE TABLE t(a REFERENCES p); CREATE INDEX ix ON t(a)");
  EXPECT_EQ(connection.query("PRAGMA index_list(t)").fetch_all().size(), 1u);
  other.execute_batch("CREATE TABLE t2(a REFERENCES p); CREATE INDEX ix2 ON t2(a)");
  EXPECT_EQ(connection.query("PRAGMA foreign_key_list(t2)").fetch_all().size(), 1u);
  other.execute("CREATE INDEX ix3 ON t2(a)");
  EXPECT_EQ(connection.query("PRAGMA index_info(ix3)").fetch_all().size(), 1u);
  other.execute("CREATE INDEX ix4 ON t(a)");
  EXPECT_EQ(std::get<0>(asked.query_row<int>()), 2);
}

TEST_F(StaleSchemaTest, ABlobOfANewTableOpens) {
  Database database = Builder::local(file()).build();
  Connection connection = database.connect();
  Connection other = database.connect();
  connection.query("SELECT * FROM sqlite_schema").fetch_all();
  other.execute_batch("CREATE TABLE b(data BLOB); INSERT INTO b VALUES (x'0102')");
  EXPECT_EQ(BlobHandle(connection, {"b", "data", 1}).size(), 2u);
}

TEST_F(StaleSchemaTest, AnErrorThatIsRightStaysWhatItIs) {
  Database database = Builder::local(file()).build();
  Connection connection = database.connect();
  connection.execute("CREATE TABLE t(a)");
  const SqlError error = error_of<SqlError>([&] { connection.execute("INSERT INTO t VALUES (1, 2)"); });
  EXPECT_EQ(error.message(), "table t has 1 columns but 2 values were supplied");
  EXPECT_EQ(error_of<SqlError>([&] { connection.query("SELECT a, nothing FROM t"); }).offset(), 10u);
  EXPECT_EQ(connection.statistics().errors, 2u);
}

TEST_F(StaleSchemaTest, ColumnsAreThoseOfTheSchemaOfNow) {
  Database database = Builder::local(file()).build();
  Connection connection = database.connect();
  Connection other = database.connect();
  other.execute("CREATE TABLE t(a)");
  Statement all = connection.prepare("SELECT * FROM t");
  EXPECT_EQ(all.columns().size(), 1u);
  other.execute("ALTER TABLE t ADD COLUMN b");
  EXPECT_EQ(all.columns().size(), 2u);
  other.execute("ALTER TABLE t RENAME COLUMN b TO c");
  EXPECT_EQ(all.query().columns()[1].name, "c");
  other.execute("ALTER TABLE t RENAME COLUMN c TO d");
  EXPECT_EQ(all.columns()[1].name, "d");
}

TEST_F(StaleSchemaTest, ColumnsAreToldWithoutCompilingAnewWhileTheSchemaStays) {
  Database database = Builder::local(file()).build();
  Connection connection = database.connect();
  connection.execute("CREATE TABLE t(a INTEGER)");
  int compilations = 0;
  const Subscription subscription = Hooks(connection).on_authorize([&](const Authorization& what) {
    if (what.action == Action::Select) ++compilations;
    return Verdict::Allow;
  });
  Statement statement = connection.prepare("SELECT * FROM t");
  EXPECT_EQ(statement.columns().size(), 1U);
  EXPECT_EQ(statement.columns().size(), 1U);
  EXPECT_EQ(compilations, 1);
  PlainEngine(file()).run("ALTER TABLE t ADD COLUMN b TEXT");
  ASSERT_EQ(statement.columns().size(), 2U);
  EXPECT_EQ(statement.columns()[1].declared_type, "TEXT");
  EXPECT_EQ(compilations, 2);
  connection.execute("ALTER TABLE t ADD COLUMN c");
  EXPECT_EQ(statement.columns().size(), 3U);
}

TEST_F(StaleSchemaTest, NamesOfParametersStayThroughNewCompilations) {
  Database database = Builder::local(file()).build();
  Connection connection = database.connect();
  connection.execute("CREATE TABLE t(a INTEGER)");
  Statement statement =
      connection.prepare("SELECT * FROM t WHERE a = :a_name_that_is_too_long_to_lie_in_an_object OR a = ?");
  const std::string_view name = statement.parameter_name(1);
  PlainEngine(file()).run("ALTER TABLE t ADD COLUMN b TEXT");
  EXPECT_EQ(statement.columns().size(), 2U);  // compiles it
  connection.execute("ALTER TABLE t ADD COLUMN c");
  statement.query(1, 2).fetch_all();  // and so does the engine
  EXPECT_EQ(name, ":a_name_that_is_too_long_to_lie_in_an_object");
  EXPECT_EQ(statement.parameter_name(2), "");
}

}  // namespace
}  // namespace libsql

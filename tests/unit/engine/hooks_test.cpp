#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "support/temporary_directory.hpp"

namespace {

using namespace libsql;
using testing::ElementsAre;
using testing::HasSubstr;

class Hooked : public testing::Test {
 protected:
  Hooked() : db_(Builder::local(":memory:").build()), conn_(db_.connect()), hooks_(conn_) {
    conn_.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER)");
    conn_.execute("CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID");
  }
  std::int64_t rows(std::string_view table = "t") {
    return conn_.query_value<std::int64_t>("SELECT count(*) FROM " + std::string(table));
  }

  Database db_;
  Connection conn_;
  Hooks hooks_;
};

struct Custom : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// -- authorizer -------------------------------------------------------------------------------------------------------

TEST_F(Hooked, AuthorizerSeesActionNamesAndContext) {
  std::vector<std::string> seen;
  conn_.execute("CREATE VIEW v AS SELECT name FROM t");
  const auto sub = hooks_.on_authorize([&](const Authorization& a) {
    std::string line(to_string(a.action));
    for (const auto part : {a.table, a.column, a.name, a.database, a.inside}) line.append(":").append(part);
    seen.push_back(line);
    return Verdict::Allow;
  });
  conn_.execute("SELECT name FROM v");
  EXPECT_THAT(seen, testing::Contains("Read:t:name::main:v"));
  seen.clear();
  conn_.execute("UPDATE t SET n = abs(1)");
  EXPECT_THAT(seen, testing::Contains("Update:t:n::main:"));
  EXPECT_THAT(seen, testing::Contains("Function:::abs::"));
  seen.clear();
  conn_.execute("SAVEPOINT s");
  EXPECT_THAT(seen, ElementsAre("Savepoint:::BEGIN::"));
  conn_.execute("RELEASE s");
  seen.clear();
  conn_.execute("CREATE INDEX i ON t(n)");
  EXPECT_THAT(seen, testing::Contains("CreateIndex:t::i:main:"));
  seen.clear();
  conn_.execute("ALTER TABLE t RENAME TO t2");
  EXPECT_THAT(seen, testing::Contains("AlterTable:t:::main:"));
}

TEST_F(Hooked, AuthorizerSeesNamesInTheSpellingOfTheSchema) {
  conn_.execute("ATTACH ':memory:' AS other");
  conn_.execute("CREATE TABLE other.mixed(a)");
  conn_.execute("CREATE VIEW v AS SELECT name FROM t");
  conn_.execute("CREATE TEMP TABLE scratch(a)");
  if (conn_.query_value<int>("SELECT count(*) FROM pragma_compile_options WHERE compile_options = 'DQS=0'") == 0) {
    GTEST_SKIP() << "a system's SQLite";
  }
  std::vector<std::string> seen;
  const auto sub = hooks_.on_authorize([&](const Authorization& a) {
    std::string line(to_string(a.action));
    for (const auto part : {a.table, a.column, a.name, a.argument, a.database, a.inside}) line.append(":").append(part);
    seen.push_back(line);
    return Verdict::Allow;
  });
  const auto asked = [&](const char* sql) {
    seen.clear();
    conn_.prepare(sql);
    return seen;
  };
  using testing::Contains;
  EXPECT_THAT(asked("SELECT count(*) FROM T"), Contains("Read:t::::main:"));
  EXPECT_THAT(asked("SELECT count(*) FROM MAIN.T"), Contains("Read:t::::main:"));
  EXPECT_THAT(asked("SELECT 1 FROM \"T\" AS x"), Contains("Read:t::::main:"));
  EXPECT_THAT(asked("SELECT EXISTS (SELECT 1 FROM [MixeD])"), Contains("Read:mixed::::other:"));
  EXPECT_THAT(asked("SELECT NULL FROM Other.MIXED"), Contains("Read:mixed::::other:"));
  EXPECT_THAT(asked("SELECT name FROM V"),
              testing::AllOf(Contains("Read:v:name:::main:"), Contains("Read:t:name:::main:v")));
  EXPECT_THAT(asked("SELECT count(*) FROM SCRATCH"), Contains("Read:scratch::::temp:"));
  EXPECT_THAT(asked("SELECT count(*) FROM SQLite_Schema"), Contains("Read:sqlite_master::::main:"));
  EXPECT_THAT(asked("WITH c AS (SELECT 1 FROM T) SELECT count(*) FROM C"), Contains("Read:t::::main:"));
  EXPECT_THAT(asked("UPDATE T SET N = (SELECT count(*) FROM T)"),
              testing::AllOf(Contains("Update:t:n:::main:"), Contains("Read:t::::main:")));
  EXPECT_THAT(asked("DELETE FROM T"), Contains("Delete:t::::main:"));
  EXPECT_THAT(asked("INSERT INTO T SELECT * FROM T"), Contains("Insert:t::::main:"));
  EXPECT_THAT(asked("SELECT ABS(1)"), Contains("Function:::abs:::"));
  EXPECT_THAT(asked("PRAGMA Table_Info('T')"), Contains("Pragma:::table_info:T::"));
  EXPECT_THAT(asked("PRAGMA MAIN.User_Version"), Contains("Pragma:::user_version::main:"));
  EXPECT_THAT(asked("CREATE VIRTUAL TABLE f USING FTS5(a)"), Contains("CreateVirtualTable:f::fts5::main:"));
  EXPECT_THAT(asked("DETACH OTHER"), Contains("Detach:::other:::"));
  EXPECT_THAT(asked("DROP TABLE T"), Contains("DropTable:t::::main:"));
}

TEST_F(Hooked, ACommonTableExpressionIsNoViewToTheAuthorizer) {
  conn_.execute("CREATE VIEW v AS SELECT name FROM t");
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  const auto sub = hooks_.on_authorize([&](const Authorization& a) {
    return a.action == Action::Read && a.table == "t" && a.inside != "v" ? Verdict::Deny : Verdict::Allow;
  });
  EXPECT_EQ(conn_.query_value<std::string>("SELECT name FROM v"), "a");
  EXPECT_EQ(conn_.query_value<std::string>("WITH c AS (SELECT name FROM v) SELECT name FROM c"), "a");
  for (const char* sql :
       {"WITH v AS (SELECT n AS name FROM t) SELECT name FROM v", "WITH V AS (SELECT * FROM t) SELECT name FROM V",
        "WITH 'v' (name) AS NOT MATERIALIZED (SELECT n FROM t) SELECT name FROM \"v\"",
        "SELECT (WITH [v] AS MATERIALIZED (SELECT n FROM t) SELECT n FROM v)",
        "WITH RECURSIVE a AS (SELECT 1), v (x) AS (SELECT n FROM t UNION ALL SELECT x FROM v) SELECT x FROM v",
        "WITH other AS (SELECT n FROM t) SELECT n FROM other", "SELECT n FROM (SELECT n FROM t) AS v"}) {
    EXPECT_THROW(conn_.execute(sql), Auth) << sql;
  }
  // Compiled again by the engine itself, too.
  Statement statement = conn_.prepare("WITH c AS (SELECT 1) SELECT name FROM v");
  Connection other = db_.connect();
  other.execute("CREATE TABLE more(a)");
  EXPECT_EQ(std::get<0>(statement.query_row<std::string>()), "a");
}

TEST_F(Hooked, TablesJoinedByTheNamesOfColumnsAreAskedAbout) {
  conn_.execute("CREATE TABLE mine(id INTEGER PRIMARY KEY, name TEXT)");
  if (conn_.query_value<int>("SELECT count(*) FROM pragma_compile_options WHERE compile_options = 'DQS=0'") == 0) {
    GTEST_SKIP() << "a system's SQLite";
  }
  bool denies = true;
  const auto sub = hooks_.on_authorize([&](const Authorization& a) {
    return denies && a.action == Action::Read && a.table == "t" ? Verdict::Deny : Verdict::Allow;
  });
  for (const char* sql :
       {"SELECT 1 FROM mine NATURAL JOIN T", "SELECT count(*) FROM mine JOIN \"t\" USING (id)",
        "SELECT 1 FROM mine LEFT JOIN [T] AS x USING (id, name)", "SELECT 1 FROM mine natural /* x */ join main.t",
        "DELETE FROM mine WHERE id IN (SELECT 1 FROM mine NATURAL JOIN t)"}) {
    EXPECT_THROW(conn_.execute(sql), Auth) << sql;
    EXPECT_THROW(conn_.prepare(sql), Auth) << sql;
  }
  conn_.execute("SELECT 1 FROM mine AS a NATURAL JOIN mine AS b");
  denies = false;
  hooks_.authorize_again();
  Statement statement = conn_.prepare("SELECT count(*) FROM mine NATURAL JOIN t");
  EXPECT_EQ(std::get<0>(statement.query_row<int>()), 0);
  denies = true;
  hooks_.authorize_again();
  EXPECT_THROW(statement.query_row<int>(), Auth) << "compiled again by the engine";
}

TEST_F(Hooked, PragmasThatMayChangeSomethingAreWrites) {
  std::optional<bool> write;
  const auto sub = hooks_.on_authorize([&](const Authorization& a) {
    if (a.action == Action::Pragma) write = a.is_write();
    return Verdict::Allow;
  });
  const auto is_write = [&](const std::string& pragma) {
    write.reset();
    conn_.prepare("PRAGMA " + pragma);
    return write.value();
  };
  for (const char* text : {"user_version", "journal_mode", "table_info(t)", "Table_Info('t')", "integrity_check(1)",
                           "foreign_keys", "encoding", "foreign_key_list(t)"}) {
    EXPECT_FALSE(is_write(text)) << text;
  }
  for (const char* text : {"user_version=1", "Journal_Mode(DELETE)", "foreign_keys=''", "synchronous=''",
                           "writable_schema=1", "wal_checkpoint", "incremental_vacuum", "optimize"}) {
    EXPECT_TRUE(is_write(text)) << text;
  }
}

TEST_F(Hooked, DenyThrowsAuth) {
  const auto sub = hooks_.on_authorize(
      [](const Authorization& a) { return a.action == Action::Delete ? Verdict::Deny : Verdict::Allow; });
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_THROW(conn_.execute("DELETE FROM t"), Auth);
  EXPECT_EQ(rows(), 1);
}

TEST_F(Hooked, IgnoreMakesAColumnNull) {
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  const std::string sql = "SELECT name FROM t";
  EXPECT_EQ(conn_.query_value<std::optional<std::string>>(sql), "a");
  {
    const auto sub = hooks_.on_authorize(
        [](const Authorization& a) { return a.column == "name" ? Verdict::Ignore : Verdict::Allow; });
    EXPECT_EQ(conn_.query_value<std::optional<std::string>>(sql), std::nullopt) << "also from the statement cache";
  }
  EXPECT_EQ(conn_.query_value<std::optional<std::string>>(sql), "a") << "nothing of the authorizer stays in the cache";
}

#ifndef LIBSQL_SYSTEM_SQLITE
TEST_F(Hooked, IgnoreMakesAColumnOfReturningNull) {
  const auto sub = hooks_.on_authorize([](const Authorization& a) {
    return a.action == Action::Read && a.table == "t" && (a.column == "name" || a.column == "id") ? Verdict::Ignore
                                                                                                  : Verdict::Allow;
  });
  for (const char* const returned : {"name", "t.NAME", "upper(name)", "(SELECT name)", "name || 'x'", "id", "rowid",
                                     "(SELECT max(u.a) FROM (SELECT t.name AS a) u)"}) {
    for (const char* const write :
         {"INSERT INTO t VALUES (1, 'a', 1)", "INSERT INTO t VALUES (1, 'a', 1) ON CONFLICT DO UPDATE SET n = 2",
          "UPDATE t SET n = 3", "REPLACE INTO t VALUES (1, 'b', 1)", "UPDATE t SET n = 4 FROM (SELECT 1)",
          "DELETE FROM t"}) {
      const std::string sql = std::string(write) + " RETURNING " + returned;
      EXPECT_TRUE(conn_.query_row(sql).value(0).is_null()) << sql;
    }
  }
  const OwnedRow row = conn_.query_row("INSERT INTO t VALUES (1, 'a', 7) RETURNING *, n");
  EXPECT_TRUE(row.value(0).is_null());
  EXPECT_TRUE(row.value(1).is_null());
  EXPECT_EQ(row.value(2).integer(), 7);
  EXPECT_EQ(row.column_names()[1], "name");
}
#endif

TEST_F(Hooked, TheStrictestOfSeveralAuthorizersWins) {
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  auto verdict = Verdict::Allow;
  const auto one = hooks_.on_authorize([&](const Authorization& a) {
    return a.action == Action::Read && a.column == "name" ? verdict : Verdict::Allow;
  });
  auto two = hooks_.on_authorize([&](const Authorization& a) {
    return a.action == Action::Read && a.column == "name" ? Verdict::Ignore : Verdict::Allow;
  });
  EXPECT_EQ(conn_.query_value<std::optional<std::string>>("SELECT name FROM t"), std::nullopt);
  verdict = Verdict::Deny;
  EXPECT_EQ(conn_.query_value<std::optional<std::string>>("SELECT name FROM t"), std::nullopt) << "still compiled";
  hooks_.authorize_again();
  EXPECT_THROW(conn_.execute("SELECT name FROM t"), Auth);
  verdict = Verdict::Allow;
  two.detach();
  EXPECT_EQ(conn_.query_value<std::optional<std::string>>("SELECT name FROM t"), "a");
}

TEST_F(Hooked, AnExceptionOfAnAuthorizerIsTheErrorOfTheStatement) {
  const auto sub = hooks_.on_authorize([](const Authorization&) -> Verdict { throw Custom("no entry"); });
  EXPECT_THROW(conn_.prepare("SELECT 1"), Custom);
}

TEST_F(Hooked, ColumnsWorkUnderAnAuthorizerThatDeniesPragmas) {
  const auto sub = hooks_.on_authorize(
      [](const Authorization& a) { return a.action == Action::Pragma ? Verdict::Deny : Verdict::Allow; });
  EXPECT_EQ(conn_.prepare("SELECT id, name FROM t").columns().size(), 2u);
  EXPECT_THROW(conn_.execute("PRAGMA user_version"), Auth);
}

// -- update and row change --------------------------------------------------------------------------------------------

TEST_F(Hooked, UpdateListenersSeeEveryRowAlsoOfADeleteWithoutWhere) {
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
  conn_.execute("DELETE FROM t");  // compiled and cached before the listener came
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
  std::vector<std::string> seen;
  const auto sub = hooks_.on_update([&](const UpdateEvent& e) {
    std::string line(to_string(e.kind));
    line.append(" ").append(e.database).append(".").append(e.table).append(" ").append(std::to_string(e.rowid));
    seen.push_back(line);
  });
  conn_.execute("INSERT INTO t VALUES (7, 'x', 1)");
  conn_.execute("UPDATE t SET n = 5 WHERE id = 7");
  conn_.execute("DELETE FROM t");
  EXPECT_THAT(
      seen, ElementsAre("INSERT main.t 7", "UPDATE main.t 7", "DELETE main.t 1", "DELETE main.t 2", "DELETE main.t 7"));
}

TEST_F(Hooked, SystemTablesAreNobodysRows) {
  conn_.execute("CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, a)");
  conn_.execute("CREATE INDEX by_a ON counted(a)");
  std::vector<std::string> seen;
  const auto updates = hooks_.on_update([&](const UpdateEvent& e) { seen.emplace_back(e.table); });
  const auto changes = hooks_.on_row_change([&](const RowChange& c) { seen.emplace_back(c.table()); });
  conn_.execute("INSERT INTO counted(a) VALUES (1)");
  for (const char* sql : {"ANALYZE", "VACUUM", "CREATE VIEW late AS SELECT 1", "UPDATE sqlite_sequence SET seq = 9",
                          "DELETE FROM sqlite_stat1", "REINDEX", "DROP TABLE counted"}) {
    conn_.execute(sql);
  }
  EXPECT_THAT(seen, ElementsAre("counted", "counted"));
}

TEST_F(Hooked, RowChangeHasOldAndNewValues) {
  std::vector<std::string> seen;
  const auto sub = hooks_.on_row_change([&](const RowChange& c) {
    std::string line(to_string(c.kind()));
    line.append(" ").append(c.table()).append(" d").append(std::to_string(c.depth()));
    for (int i = 0; i < c.column_count(); ++i) {
      line.append(" ").append(c.kind() == ChangeKind::Insert ? "-" : to_sql_literal(c.old_value(i)));
      line.append(">").append(c.kind() == ChangeKind::Delete ? "-" : to_sql_literal(c.new_value(i)));
    }
    seen.push_back(line);
  });
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  conn_.execute("UPDATE t SET name = 'b', id = 9");
  conn_.execute("INSERT INTO w VALUES ('k', x'00')");
  conn_.execute("REPLACE INTO w VALUES ('k', 2.5)");
  conn_.execute("DELETE FROM t");
  EXPECT_THAT(seen, ElementsAre("INSERT t d0 ->1 ->'a' ->1", "UPDATE t d0 1>9 'a'>'b' 1>1", "INSERT w d0 ->'k' ->x'00'",
                                "DELETE w d0 'k'>- x'00'>-", "INSERT w d0 ->'k' ->2.5", "DELETE t d0 9>- 'b'>- 1>-"));
}

TEST_F(Hooked, RowChangeKnowsTriggersDepthAndChecksItsAccessors) {
  conn_.execute("CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO w VALUES (new.name, 1); END");
  std::vector<int> depths;
  std::vector<ErrorCode> errors;
  const auto sub = hooks_.on_row_change([&](const RowChange& c) {
    depths.push_back(c.depth());
    EXPECT_EQ(c.blob_column(), std::nullopt);
    for (const int column : {-1, c.column_count()}) {
      try {
        c.new_value(column);
      } catch (const Error& e) {
        errors.push_back(e.code());
      }
    }
    try {
      c.old_value(0);
    } catch (const Error& e) {
      errors.push_back(e.code());
    }
  });
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_THAT(depths, ElementsAre(0, 1));
  EXPECT_THAT(errors, ElementsAre(ErrorCode::OutOfRange, ErrorCode::OutOfRange, ErrorCode::Misuse,
                                  ErrorCode::OutOfRange, ErrorCode::OutOfRange, ErrorCode::Misuse));
}

TEST_F(Hooked, AnExceptionOfARowListenerRollsTheStatementBack) {
  auto sub = hooks_.on_update([](const UpdateEvent&) { throw Custom("not this row"); });
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1, 'a', 1)"), Custom);
  EXPECT_EQ(rows(), 0) << "a single row gives the engine no chance to notice an interrupt: the commit is refused";
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)"), Custom);
  EXPECT_EQ(rows(), 0);
  sub.detach();
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_EQ(rows(), 1);
}

TEST_F(Hooked, AnExceptionOfARowListenerRollsTheOpenTransactionBack) {
  bool on = false;
  const auto sub = hooks_.on_row_change([&](const RowChange&) {
    if (on) throw Custom("no");
  });
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  on = true;
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (2, 'b', 1)"), Custom);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_THROW(tx->execute("SELECT 1"), TransactionLost);
  tx.rollback();
  EXPECT_EQ(rows(), 0);
}

// -- commit and rollback ----------------------------------------------------------------------------------------------

TEST_F(Hooked, ACommitListenerMayRefuse) {
  auto verdict = CommitVerdict::Commit;
  int commits = 0, rollbacks = 0;
  const auto a = hooks_.on_commit([&] {
    ++commits;
    return verdict;
  });
  const auto b = hooks_.on_rollback([&] { ++rollbacks; });
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(rollbacks, 0);
  verdict = CommitVerdict::RollBack;
  try {
    conn_.execute("INSERT INTO t VALUES (2, 'a', 1)");
    FAIL();
  } catch (const Constraint& e) {
    EXPECT_EQ(e.kind(), ConstraintKind::CommitHook);
  }
  EXPECT_EQ(rollbacks, 1);
  EXPECT_EQ(rows(), 1);
}

TEST_F(Hooked, AnExceptionOfACommitListenerRollsBackAndIsThrown) {
  auto sub = hooks_.on_commit([]() -> CommitVerdict { throw Custom("disk of the other side is full"); });
  Transaction tx = conn_.transaction();
  tx->execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_THROW(tx.commit(), Custom);
  sub.detach();
  tx.rollback();
  EXPECT_EQ(rows(), 0);
}

TEST_F(Hooked, AnExceptionOfARollbackListenerIsThrownByTheRollback) {
  const auto sub = hooks_.on_rollback([] { throw Custom("told"); });
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_THROW(conn_.execute("ROLLBACK"), Custom);
  EXPECT_TRUE(conn_.is_autocommit());
  EXPECT_EQ(rows(), 0);
}

// -- WAL --------------------------------------------------------------------------------------------------------------

class HookedFile : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
};

TEST_F(HookedFile, WalListenersGetPagesAndAutomaticCheckpointsGoOn) {
  Database db = Builder::local(directory_.file("a.db")).build();
  Connection conn = db.connect();
  Hooks hooks(conn);
  conn.execute("CREATE TABLE t(x)");
  conn.execute("PRAGMA wal_autocheckpoint = 4");
  std::vector<int> pages;
  {
    const auto sub = hooks.on_wal([&](const WalEvent& e) {
      EXPECT_EQ(e.database, "main");
      pages.push_back(e.pages);
    });
    for (int i = 0; i < 12; ++i) conn.execute("INSERT INTO t VALUES (randomblob(3000))");
    ASSERT_EQ(pages.size(), 12u);
    EXPECT_LT(*std::max_element(pages.begin(), pages.end()), 12) << "the log starts again after each checkpoint";
    conn.execute("PRAGMA wal_autocheckpoint = 0");
    pages.clear();
    for (int i = 0; i < 12; ++i) conn.execute("INSERT INTO t VALUES (randomblob(3000))");
    ASSERT_EQ(pages.size(), 12u) << "the PRAGMA does not take the listener away";
    EXPECT_GE(pages.back(), 12);
    conn.execute("PRAGMA wal_autocheckpoint = 77");
    conn.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(conn.query_value<int>("PRAGMA wal_autocheckpoint"), 77);
}

TEST_F(HookedFile, AWalListenerMayUseTheConnectionAndItsExceptionComesAfterTheCommit) {
  Database db = Builder::local(directory_.file("b.db")).build();
  Connection conn = db.connect();
  Hooks hooks(conn);
  conn.execute("CREATE TABLE t(x)");
  std::int64_t seen = 0;
  auto sub = hooks.on_wal([&](const WalEvent&) { seen = conn.query_value<std::int64_t>("SELECT count(*) FROM t"); });
  conn.execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(seen, 1);
  sub = hooks.on_wal([](const WalEvent&) { throw Custom("late"); });
  EXPECT_THROW(conn.execute("INSERT INTO t VALUES (2)"), Custom);
  sub.detach();
  EXPECT_EQ(conn.query_value<int>("SELECT count(*) FROM t"), 2);
}

TEST_F(HookedFile, ACheckpointGuardRestoresTheSettingUnderAListener) {
  Database db = Builder::local(directory_.file("c.db")).pragma("wal_autocheckpoint", 50).build();
  Connection conn = db.connect();
  conn.execute("CREATE TABLE t(x)");
  Hooks hooks(conn);
  {
    const auto sub = hooks.on_wal([](const WalEvent&) {});
    { const auto guard = Wal(conn).disable_checkpoint(); }
    conn.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(conn.query_value<int>("PRAGMA wal_autocheckpoint"), 50);
}

// -- progress, statements, profile ------------------------------------------------------------------------------------

constexpr const char* kLong =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) "
    "SELECT max(x) FROM c";

TEST_F(Hooked, ProgressListenersAreAskedAndMayInterrupt) {
  int calls = 0;
  auto verdict = ProgressVerdict::GoOn;
  const auto sub = hooks_.on_progress([&] {
    ++calls;
    return verdict;
  });
  EXPECT_EQ(conn_.query_value<int>(kLong), 200000);
  EXPECT_GT(calls, 10);
  verdict = ProgressVerdict::Interrupt;
  EXPECT_THROW(conn_.execute(kLong), Interrupted);
  verdict = ProgressVerdict::GoOn;
  EXPECT_EQ(conn_.query_value<int>(kLong), 200000);
}

TEST_F(Hooked, AnExceptionOfAProgressListenerIsThrown) {
  auto sub = hooks_.on_progress([]() -> ProgressVerdict { throw Custom("stop"); });
  EXPECT_THROW(conn_.execute(kLong), Custom);
  sub.detach();
  EXPECT_EQ(conn_.query_value<int>(kLong), 200000);
}

TEST_F(Hooked, AProgressListenerMayDetachItself) {
  int calls = 0;
  Subscription sub;
  sub = hooks_.on_progress([&] {
    ++calls;
    sub.detach();
    return ProgressVerdict::GoOn;
  });
  EXPECT_EQ(conn_.query_value<int>(kLong), 200000);
  EXPECT_EQ(calls, 1);
}

TEST_F(Hooked, StatementListenersGetTheExpandedSql) {
  conn_.execute("CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO w VALUES (new.name, 1); END");
  std::vector<std::string> seen;
  int triggers = 0, rows = 0;
  const auto a = hooks_.on_statement([&](const StatementEvent& e) {
    if (e.is_trigger()) {
      ++triggers;
    } else {
      seen.push_back(e.expanded_sql());
    }
  });
  const auto b = hooks_.on_row([&](const StatementEvent&) { ++rows; });
  conn_.execute("INSERT INTO t VALUES (?, ?, NULL)", 1, "it's");
  conn_.execute("-- a note\nSELECT * FROM t, w");
  EXPECT_THAT(seen, ElementsAre("INSERT INTO t VALUES (1, 'it''s', NULL)", "-- a note\nSELECT * FROM t, w"));
  EXPECT_EQ(triggers, 2) << "the trigger, and the statement in it";
  EXPECT_EQ(rows, 1);
}

TEST_F(Hooked, ProfileTellsNanoseconds) {
  std::vector<std::chrono::nanoseconds> times;
  const auto sub = hooks_.on_profile([&](const StatementEvent& e, std::chrono::nanoseconds time) {
    EXPECT_EQ(e.sql(), kLong);
    times.push_back(time);
  });
  const auto before = std::chrono::steady_clock::now();
  conn_.execute(kLong);
  const auto passed = std::chrono::steady_clock::now() - before;
  ASSERT_EQ(times.size(), 1u);
  EXPECT_GT(times[0], std::chrono::nanoseconds(0));
  EXPECT_LE(times[0], passed);
}

TEST_F(Hooked, ExceptionsOfStatementListenersAreThrown) {
  auto sub = hooks_.on_statement([](const StatementEvent&) { throw Custom("start"); });
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1, 'a', 1)"), Custom);
  sub = hooks_.on_row([](const StatementEvent&) { throw Custom("row"); });
  EXPECT_THROW(conn_.execute("SELECT 1"), Custom);
  sub = hooks_.on_profile([](const StatementEvent&, std::chrono::nanoseconds) { throw Custom("end"); });
  EXPECT_THROW(conn_.execute("SELECT 1"), Custom);
  sub.detach();
  EXPECT_EQ(rows(), 0) << "the listener stopped the INSERT";
}

// -- subscriptions ----------------------------------------------------------------------------------------------------

TEST_F(Hooked, AListenerMayDetachItselfAndOthersAndAttachNewOnes) {
  std::vector<std::string> calls;
  Subscription first, second, third;
  first = hooks_.on_update([&](const UpdateEvent&) {
    calls.push_back("first");
    first.detach();
    second.detach();
    if (!third.is_attached()) third = hooks_.on_update([&](const UpdateEvent&) { calls.push_back("third"); });
  });
  second = hooks_.on_update([&](const UpdateEvent&) { calls.push_back("second"); });
  EXPECT_EQ(hooks_.size(), 2u);
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_THAT(calls, ElementsAre("first"));
  conn_.execute("INSERT INTO t VALUES (2, 'a', 1)");
  EXPECT_THAT(calls, ElementsAre("first", "third"));
  EXPECT_EQ(hooks_.size(), 1u);
}

TEST_F(Hooked, AnAuthorizerMayDetachItself) {
  int calls = 0;
  Subscription sub;
  sub = hooks_.on_authorize([&](const Authorization&) {
    ++calls;
    sub.detach();
    return Verdict::Deny;
  });
  EXPECT_THROW(conn_.execute("SELECT 42"), Auth);
  EXPECT_EQ(conn_.query_value<int>("SELECT 42"), 42);
  EXPECT_EQ(calls, 1);
}

TEST_F(Hooked, ReleaseKeepsTheListenerUntilReset) {
  int calls = 0;
  hooks_.on_update([&](const UpdateEvent&) { ++calls; }).release();
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  EXPECT_EQ(calls, 1);
  conn_.reset();
  EXPECT_EQ(hooks_.size(), 0u);
  conn_.execute("INSERT INTO t VALUES (2, 'a', 1)");
  EXPECT_EQ(calls, 1);
}

TEST_F(Hooked, ResetRemovesEveryListenerAndTheyCanComeAgain) {
  int calls = 0;
  const auto count = [&] { ++calls; };
  auto a = hooks_.on_authorize([&](const Authorization&) {
    count();
    return Verdict::Allow;
  });
  auto b = hooks_.on_update([&](const UpdateEvent&) { count(); });
  auto c = hooks_.on_row_change([&](const RowChange&) { count(); });
  auto d = hooks_.on_commit([&] {
    count();
    return CommitVerdict::Commit;
  });
  auto e = hooks_.on_rollback(count);
  auto f = hooks_.on_progress([&] {
    count();
    return ProgressVerdict::GoOn;
  });
  auto g = hooks_.on_statement([&](const StatementEvent&) { count(); });
  auto h = hooks_.on_row([&](const StatementEvent&) { count(); });
  auto i = hooks_.on_profile([&](const StatementEvent&, std::chrono::nanoseconds) { count(); });
  auto j = hooks_.on_wal([&](const WalEvent&) { count(); });
  auto k = hooks_.on_close(count);
  EXPECT_EQ(hooks_.size(), 11u);
  conn_.reset();
  calls = 0;
  EXPECT_EQ(hooks_.size(), 0u);
  EXPECT_FALSE(a.is_attached());
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  conn_.execute(kLong);
  EXPECT_EQ(calls, 0);
  a = hooks_.on_authorize([&](const Authorization&) {
    count();
    return Verdict::Allow;
  });
  conn_.execute("SELECT 43");
  EXPECT_GT(calls, 0);
}

TEST(Hooks, ListenersAndSubscriptionsMayOutliveTheConnection) {
  Subscription sub;
  int closes = 0;
  {
    Connection conn = Builder::local(":memory:").build().connect();
    Hooks hooks(conn);
    sub = hooks.on_close([&] { ++closes; });
    EXPECT_TRUE(sub.is_attached());
    conn.close();
    EXPECT_EQ(closes, 1);
    EXPECT_THROW(hooks.on_close([] {}).detach(), Misuse);
  }
  EXPECT_FALSE(sub.is_attached());
  sub.detach();
}

TEST(Hooks, CloseListenersHearOfEveryEndOfAConnection) {
  int closes = 0;
  const auto listened = [&] {
    Connection conn = Builder::local(":memory:").build().connect();
    Hooks(conn).on_close([&] { ++closes; }).release();
    return conn;
  };
  listened().close();
  EXPECT_EQ(closes, 1);
  { const Connection conn = listened(); }
  EXPECT_EQ(closes, 2) << "also if nobody calls close()";
  listened().reset();
  EXPECT_EQ(closes, 2) << "a reset removes the listener";
}

TEST_F(Hooked, AnEmptyFunctionIsMisuse) { EXPECT_THROW(hooks_.on_commit(nullptr).detach(), Misuse); }

// -- re-entrance ------------------------------------------------------------------------------------------------------

TEST_F(Hooked, SqlInsideAListenerIsMisuse) {
  const auto run = [&] { conn_.execute("SELECT 1"); };
  std::vector<std::string> messages;
  const auto expect_misuse = [&](auto&& call) {
    try {
      call();
      ADD_FAILURE() << "ran";
    } catch (const Misuse& e) {
      messages.push_back(e.what());
    }
  };
  const auto insert = [&] { conn_.execute("INSERT INTO t(name) VALUES ('a')"); };
  auto sub = hooks_.on_authorize([&](const Authorization&) {
    run();
    return Verdict::Allow;
  });
  expect_misuse([&] { conn_.execute("SELECT 7"); });
  sub = hooks_.on_update([&](const UpdateEvent&) { run(); });
  expect_misuse(insert);
  sub = hooks_.on_row_change([&](const RowChange&) { run(); });
  expect_misuse(insert);
  sub = hooks_.on_commit([&] {
    run();
    return CommitVerdict::Commit;
  });
  expect_misuse(insert);
  sub = hooks_.on_progress([&] {
    run();
    return ProgressVerdict::GoOn;
  });
  expect_misuse([&] { conn_.execute(kLong); });
  sub = hooks_.on_statement([&](const StatementEvent&) { run(); });
  expect_misuse(insert);
  sub = hooks_.on_profile([&](const StatementEvent&, std::chrono::nanoseconds) { run(); });
  expect_misuse([&] { conn_.execute("SELECT 7"); });
  sub.detach();
  EXPECT_EQ(rows(), 0);
  ASSERT_EQ(messages.size(), 7u);
  EXPECT_THAT(messages[1], HasSubstr("update listener"));
}

TEST_F(Hooked, ResetAndCloseInsideAListenerAreMisuse) {
  auto sub = hooks_.on_update([&](const UpdateEvent&) { conn_.reset(); });
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1, 'a', 1)"), Misuse);
  sub = hooks_.on_update([&](const UpdateEvent&) { conn_.close(); });
  EXPECT_THROW(conn_.execute("INSERT INTO t VALUES (1, 'a', 1)"), Misuse);
  sub.detach();
  EXPECT_EQ(rows(), 0);
}

TEST_F(Hooked, AListenerMayUseAnotherConnection) {
  Database other_db = Builder::local(":memory:").build();
  Connection other = other_db.connect();
  other.execute("CREATE TABLE log(x)");
  const auto sub =
      hooks_.on_update([&](const UpdateEvent& e) { other.execute("INSERT INTO log VALUES (?)", e.rowid); });
  conn_.execute("INSERT INTO t VALUES (5, 'a', 1)");
  EXPECT_EQ(other.query_value<int>("SELECT x FROM log"), 5);
}

// -- listeners that throw while something is undone -------------------------------------------------------------------

TEST_F(Hooked, AListenerThatThrowsWhileATransactionEndsByItselfCostsNoConnection) {
  const auto attach = [&](int which) {
    switch (which) {
      case 0:
        return hooks_.on_rollback([] { throw Custom("told"); });
      case 1:
        return hooks_.on_profile([](const StatementEvent&, std::chrono::nanoseconds) { throw Custom("end"); });
      case 2:
        return hooks_.on_statement([](const StatementEvent&) { throw Custom("start"); });
      case 3:
        return hooks_.on_rollback([] { throw 42; });
      default:
        return hooks_.on_authorize([](const Authorization& question) {
          return question.action == Action::Transaction || question.action == Action::Savepoint ? Verdict::Deny
                                                                                                : Verdict::Allow;
        });
    }
  };
  for (int which = 0; which < 5; ++which) {
    SCOPED_TRACE(which);
    {
      std::optional<Transaction> tx(conn_.transaction());
      conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
      const auto sub = attach(which);
      tx.reset();
    }
    EXPECT_FALSE(conn_.is_closed());
    EXPECT_TRUE(conn_.is_autocommit());
    EXPECT_EQ(rows(), 0);
    {  // savepoints
      Transaction outer = conn_.transaction();
      conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
      std::optional<Transaction> inner(conn_.transaction());
      std::optional<Savepoint> mark(conn_.savepoint("m"));
      conn_.execute("INSERT INTO t VALUES (2, 'a', 1)");
      auto sub = attach(which);
      mark.reset();
      inner.reset();
      sub.detach();
      EXPECT_EQ(rows(), 1);
      outer.commit();
    }
    EXPECT_EQ(rows(), 1);
    conn_.execute("DELETE FROM t");
  }
}

TEST_F(Hooked, AnExplicitRollbackThrowsWhatTheListenerThrewAndIsDone) {
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1)");
  {
    const auto sub = hooks_.on_rollback([] { throw Custom("told"); });
    EXPECT_THROW(tx.rollback(), Custom);
  }
  EXPECT_FALSE(tx.is_open());
  Transaction next = conn_.transaction();
  EXPECT_FALSE(next.is_nested());
  conn_.execute("INSERT INTO t VALUES (2, 'a', 1)");
  {
    const auto sub = hooks_.on_profile([](const StatementEvent&, std::chrono::nanoseconds) { throw Custom("end"); });
    EXPECT_THROW(next.commit(), Custom);
  }
  EXPECT_FALSE(next.is_open());
  EXPECT_EQ(rows(), 1) << "the listener was told of a commit that was done";
}

TEST_F(Hooked, AChangeStreamDoesNotTellOfAWriteThatQueryRowUndid) {
  std::size_t told = 0;
  const ChangeStream stream(conn_, [&](const ChangeSet& changes) { told += changes.changes.size(); });
  conn_.execute("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
  EXPECT_EQ(told, 2u);
  EXPECT_THROW(conn_.query_row<int>("DELETE FROM t RETURNING id"), UnexpectedRows);
  EXPECT_EQ(rows(), 2);
  EXPECT_EQ(told, 2u);
  Transaction tx = conn_.transaction();
  conn_.execute("INSERT INTO t VALUES (3, 'c', 3)");
  EXPECT_THROW(conn_.query_row<int>("DELETE FROM t RETURNING id"), UnexpectedRows);
  EXPECT_EQ(rows(), 3);
  tx.commit();
  EXPECT_EQ(told, 3u);
}

}  // namespace

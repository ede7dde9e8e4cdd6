#include <chrono>

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

class CommonErrors : public AllModes {
 protected:
  CommonErrors() {
    conn_.execute(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, n TEXT NOT NULL DEFAULT 'n', "
        "c INTEGER CONSTRAINT positive CHECK (c > 0))");
    conn_.execute("CREATE TABLE child(p INTEGER REFERENCES t(id))");
    conn_.execute("INSERT INTO t(id, u) VALUES (1, 'one')");
  }
};
LIBSQL_IN_ALL_MODES(CommonErrors);

TEST_P(CommonErrors, ConstraintsTellKindTableAndColumns) {
  const Constraint unique = error_of<Constraint>([&] { conn_.execute("INSERT INTO t(u) VALUES ('one')"); });
  EXPECT_EQ(unique.kind(), ConstraintKind::Unique);
  EXPECT_EQ(unique.table(), "t");
  EXPECT_EQ(unique.columns(), std::vector<std::string>{"u"});
  EXPECT_EQ(unique.sql(), "INSERT INTO t(u) VALUES ('one')");
  EXPECT_EQ(unique.sqlite_code() & 0xff, 19);
  EXPECT_EQ(unique.message(), "UNIQUE constraint failed: t.u");
  EXPECT_EQ(unique.origin(), is_remote() ? ErrorOrigin::Server : ErrorOrigin::Engine);

  const Constraint null_value = error_of<Constraint>([&] { conn_.execute("INSERT INTO t(n) VALUES (NULL)"); });
  EXPECT_EQ(null_value.kind(), ConstraintKind::NotNull);
  EXPECT_EQ(null_value.columns(), std::vector<std::string>{"n"});
  const Constraint check = error_of<Constraint>([&] { conn_.execute("INSERT INTO t(c) VALUES (-1)"); });
  EXPECT_EQ(check.kind(), ConstraintKind::Check);
  EXPECT_EQ(check.name(), "positive");
  EXPECT_EQ(error_of<Constraint>([&] { conn_.execute("INSERT INTO child VALUES (99)"); }).kind(),
            ConstraintKind::ForeignKey);
}

TEST_P(CommonErrors, ConstraintsTellNamesOfAnyCharacters) {
  conn_.execute(
      "CREATE TABLE \"a.b, c\"(\"x.y\" UNIQUE, \"p, q\" NOT NULL DEFAULT 1, r, UNIQUE (\"p, q\", r), "
      "UNIQUE (r, \"x.y\"))");
  conn_.execute("INSERT INTO \"a.b, c\" VALUES (1, 1, 1)");
  const Constraint one = error_of<Constraint>([&] { conn_.execute("INSERT INTO [A.B, C] VALUES (1, 2, 2)"); });
  EXPECT_EQ(one.table(), "a.b, c");
  EXPECT_EQ(one.columns(), std::vector<std::string>{"x.y"});
  const Constraint two = error_of<Constraint>([&] { conn_.execute("INSERT INTO \"a.b, c\" VALUES (2, 1, 1)"); });
  EXPECT_EQ(two.table(), "a.b, c");
  EXPECT_EQ(two.columns(), (std::vector<std::string>{"p, q", "r"}));
  const Constraint null_value = error_of<Constraint>([&] { conn_.execute("UPDATE \"a.b, c\" SET \"p, q\" = NULL"); });
  EXPECT_EQ(null_value.table(), "a.b, c");
  EXPECT_EQ(null_value.columns(), std::vector<std::string>{"p, q"});

  conn_.execute("CREATE UNIQUE INDEX \"it's\" ON child(abs(p))");
  conn_.execute("INSERT INTO child VALUES (1)");
  const Constraint index = error_of<Constraint>([&] { conn_.execute("INSERT INTO child VALUES (1)"); });
  EXPECT_EQ(index.name(), "it's");
  EXPECT_EQ(index.columns(), std::vector<std::string>{});
}

TEST_P(CommonErrors, WrongSqlIsAnSqlErrorInEveryVerb) {
  EXPECT_THROW(conn_.execute("SELEC 1"), SqlError);
  EXPECT_THROW(conn_.query("SELEC 1"), SqlError);
  EXPECT_THROW(conn_.query_row("SELECT FROM t"), SqlError);
  EXPECT_THROW(conn_.prepare("SELECT FROM t"), SqlError);
  EXPECT_THROW(conn_.execute("SELECT * FROM nothing"), SqlError);
  EXPECT_THROW(conn_.query("SELECT nothing FROM t"), SqlError);
  EXPECT_THROW(conn_.prepare("SELECT * FROM nothing"), SqlError);
}

TEST_P(CommonErrors, TheOffsetOfTheFaultIsKnown) {
  EXPECT_EQ(error_of<SqlError>([&] { conn_.query("  SELECT id, unheard FROM t"); }).offset(), 13u);
  EXPECT_EQ(error_of<SqlError>([&] { conn_.execute("SELECT id,\n  unheard FROM t"); }).offset(), 13u);
  EXPECT_EQ(error_of<SqlError>([&] { conn_.execute("SELECT id,\n  , FROM t"); }).offset(), 13u);
}

TEST_P(CommonErrors, ANulCharacterInATextIsAnErrorOfItInEveryVerb) {
  for (std::string text : {"~", "~SELECT 1", "  -- x\n~", "SELECT 1~", "SELECT 1;~", ";;/* a */~;",
                           "/* a~b */ SELECT 1", "SELECT 1 -- a~b", "SELECT 'a~b'", "SELECT \"a~b\"", "SELECT x'~'",
                           "PRAGMA user_version~", "BEGIN~", "SELECT 1;~SELECT 2", "SELECT 1;\n~\n"}) {
    const std::size_t at = text.find('~');
    text[at] = '\0';
    EXPECT_EQ(error_of<SqlError>([&] { conn_.execute(text); }).offset(), at) << text;
    EXPECT_THROW(conn_.query(text), SqlError) << text;
    EXPECT_THROW(conn_.query_row(text), SqlError) << text;
    EXPECT_THROW(conn_.prepare(text), SqlError) << text;
    EXPECT_THROW(conn_.execute_batch(text), SqlError) << text;
    if (text.starts_with("BEGIN")) {  // which has no place there in any case
      EXPECT_THROW(conn_.execute_transactional_batch(text), Misuse) << text;
    } else {
      EXPECT_THROW(conn_.execute_transactional_batch(text), SqlError) << text;
    }
    EXPECT_THROW(conn_.execute_many(text, std::vector<Params>{Params()}), SqlError) << text;
    EXPECT_TRUE(conn_.is_autocommit()) << text;
  }
  EXPECT_EQ(conn_.query_value<std::string>("SELECT ?", std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST_P(CommonErrors, AnyNumberOfEmptyStatementsMayComeBeforeTheOne) {
  for (const char* filling : {";", " ;\n", "/* ; */;", "-- ;\n;"}) {
    std::string text;
    while (text.size() < 300'000) text += filling;
    EXPECT_EQ(conn_.query_value<int>(text + "SELECT 1" + text), 1);
    EXPECT_THROW(conn_.query(text), Misuse);
  }
}

TEST_P(CommonErrors, ASecondStatementIsMisuse) {
  const Misuse error = error_of<Misuse>([&] { conn_.execute("SELECT 1; DELETE FROM t"); });
  EXPECT_EQ(error.offset(), 10u);
  EXPECT_THROW(conn_.prepare("SELECT 1; SELECT 2"), Misuse);
  EXPECT_EQ(conn_.query_value<int>(" ; SELECT 1; -- and no more\n"), 1);
  EXPECT_EQ(count(), 1);
}

TEST_P(CommonErrors, AnEmptyTextIsMisuse) {
  EXPECT_THROW(conn_.execute(""), Misuse);
  EXPECT_THROW(conn_.query(" -- only a comment"), Misuse);
}

TEST_P(CommonErrors, FunctionsThatFailAreSqlErrors) {
  EXPECT_THROW(conn_.query_value<int>("SELECT abs(-9223372036854775808)"), SqlError);
  EXPECT_THROW(conn_.query_value<std::string>("SELECT json('{broken')"), SqlError);
}

TEST_P(CommonErrors, AnErrorInTheMiddleOfTheRowsComesWhereItIs) {
  conn_.execute("INSERT INTO t(id, u) VALUES (2, 'two'), (3, 'three')");
  Statement statement =
      conn_.prepare("SELECT CASE id WHEN 3 THEN abs(-9223372036854775808) ELSE id END FROM t ORDER BY id");
  Rows rows = statement.query();
  EXPECT_TRUE(rows.next());
  EXPECT_TRUE(rows.next());
  EXPECT_THROW(rows.next(), SqlError);
  EXPECT_FALSE(rows.next());
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
}

TEST_P(CommonErrors, AWriterWaitsAsLongAsItsBusyTimeoutSaysAndTheHolderStays) {
  Transaction holder = conn_.transaction(TransactionBehavior::Immediate);
  holder->execute("INSERT INTO t(c) VALUES (1)");
  Connection other = db_.connect();
  const auto waited = [&](std::chrono::milliseconds timeout, const auto& write) {
    other.busy_timeout(timeout);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_THROW(write(), Busy);
    return std::chrono::steady_clock::now() - begun;
  };
  const auto insert = [&] { other.execute("INSERT INTO t(c) VALUES (2)"); };
  const auto begin = [&] { other.transaction(TransactionBehavior::Immediate); };
  const auto returning = [&] { other.query_value<int>("INSERT INTO t(c) VALUES (2) RETURNING c"); };
  const auto upgrade = [&] {
    Transaction tx = other.transaction();
    tx->query_value<int>("SELECT count(*) FROM t");
    tx->execute("INSERT INTO t(c) VALUES (2)");
  };
  const auto batch = [&] {
    other.execute_transactional_batch("INSERT INTO t(c) VALUES (2); INSERT INTO t(c) VALUES (3)");
  };
  // The server would take the lock from its holder after 5 s.
  constexpr std::chrono::milliseconds kShort(0), kLonger(150);
  EXPECT_LT(waited(kShort, insert), std::chrono::seconds(4));
  EXPECT_LT(waited(kShort, begin), std::chrono::seconds(4));
  EXPECT_LT(waited(kShort, returning), std::chrono::seconds(4));
  EXPECT_LT(waited(kShort, upgrade), std::chrono::seconds(4));
  EXPECT_LT(waited(kShort, batch), std::chrono::seconds(4));
  EXPECT_GE(waited(kLonger, insert), kLonger);
  EXPECT_GE(waited(kLonger, begin), kLonger);
  holder.commit();
  const int before = count();
  insert();
  EXPECT_EQ(count(), before + 1);
}

TEST_P(CommonErrors, AWriterThatWaitsTooLongIsBusy) {
  Connection other = db_.connect();
  Transaction transaction = other.transaction(TransactionBehavior::Immediate);
  transaction->execute("INSERT INTO t(u) VALUES ('x')");
  conn_.deadline(std::chrono::milliseconds(300));
  try {
    conn_.execute("INSERT INTO t(u) VALUES ('y')");
    FAIL() << "two writers at once";
  } catch (const Busy&) {
  } catch (const Timeout&) {  // a server lets writers stand in line
  }
  transaction.commit();
  conn_.deadline(std::nullopt);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t WHERE u = 'x'"), 1);
}

TEST_P(CommonErrors, ADeadlineEndsALongCall) {
  conn_.deadline(std::chrono::milliseconds(100));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(
      conn_.query_value<int>("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"),
      Timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  conn_.deadline(std::nullopt);
  EXPECT_EQ(conn_.query_value<int>("SELECT 1"), 1);
}

}  // namespace
}  // namespace libsql::test

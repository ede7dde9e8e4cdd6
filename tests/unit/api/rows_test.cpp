#include <libsql/libsql.hpp>

#include "support/expect_error.hpp"

namespace libsql {
namespace {

class RowsTest : public ::testing::Test {
 protected:
  RowsTest() {
    conn_.execute_batch(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, score REAL);"
        "INSERT INTO t VALUES (1, 'one', 1.5), (2, NULL, NULL), (3, 'three', 3.5)");
  }
  Connection conn_ = Builder::local(":memory:").build().connect();
};

struct Person {
  std::int64_t id = 0;
  std::optional<std::string> name;
  std::optional<double> score;
};

struct BorrowedName {
  std::int64_t id = 0;
  std::optional<std::string_view> name;
};

// query_row() and fetch_all() refuse such types, because the row is gone when they return.
static_assert(detail::holds_views_v<BorrowedName> && detail::holds_views_v<std::string_view>);
static_assert(!detail::holds_views_v<Person> && !detail::holds_views_v<std::string>);

TEST_F(RowsTest, StreamsForward) {
  int next = 1;
  for (const Row& row : conn_.query("SELECT id FROM t ORDER BY id")) EXPECT_EQ(row.get<int>(0), next++);
  EXPECT_EQ(next, 4);
}

TEST_F(RowsTest, ColumnsGoByNumberAndByName) {
  Rows rows = conn_.query("SELECT id, name AS \"Full Name\" FROM t ORDER BY id");
  ASSERT_TRUE(rows.next());
  const Row& row = rows.row();
  EXPECT_EQ(row.column_count(), 2);
  EXPECT_EQ(rows.column_count(), 2);
  EXPECT_EQ(row.get<std::string>("full name"), "one");
  EXPECT_EQ(row.column_name(1), "Full Name");
  EXPECT_EQ(row.index_of("ID"), 0);
  EXPECT_THROW(row.get<int>(2), OutOfRange);
  EXPECT_THROW(row.get<int>(-1), OutOfRange);
  EXPECT_THROW(row.get<int>("nothing"), OutOfRange);
  EXPECT_THROW(row.column_name(2), OutOfRange);
}

TEST_F(RowsTest, FirstOfSeveralEqualNamesIsFound) {
  EXPECT_EQ(conn_.query_row("SELECT 1 AS a, 2 AS A").get<int>("a"), 1);
}

TEST_F(RowsTest, StructuredBindingsAndStructs) {
  for (auto [id, name] : conn_.query<int, std::optional<std::string_view>>("SELECT id, name FROM t WHERE id = 1")) {
    EXPECT_EQ(id, 1);
    EXPECT_EQ(name, "one");
  }
  std::vector<Person> people;
  for (Person person : conn_.query<Person>("SELECT id, name, score FROM t ORDER BY id")) people.push_back(person);
  ASSERT_EQ(people.size(), 3u);
  EXPECT_EQ(people[0].name, "one");
  EXPECT_EQ(people[1].name, std::nullopt);
  EXPECT_EQ(people[2].score, 3.5);
  EXPECT_EQ(conn_.query_row<Person>("SELECT * FROM t WHERE id = ?", 3).name, "three");
}

TEST_F(RowsTest, AnotherNumberOfColumnsThrowsMisuse) {
  EXPECT_THROW(conn_.query_row<int>("SELECT 1, 2"), Misuse);
  EXPECT_THROW((conn_.query_row<int, int>("SELECT 1")), Misuse);
  EXPECT_THROW(conn_.query_row<Person>("SELECT 1"), Misuse);
}

TEST_F(RowsTest, WrongTypesThrow) {
  EXPECT_THROW(conn_.query_value<int>("SELECT 'x'"), TypeMismatch);
  EXPECT_THROW(conn_.query_value<int>("SELECT NULL"), TypeMismatch);
  EXPECT_THROW(conn_.query_value<std::int8_t>("SELECT 300"), OutOfRange);
}

TEST_F(RowsTest, ViewsLiveUntilTheNextRow) {
  Rows rows = conn_.query("SELECT name FROM t WHERE name IS NOT NULL ORDER BY id");
  ASSERT_TRUE(rows.next());
  const auto view = rows.row().get<std::string_view>(0);
  EXPECT_EQ(view, "one");
  EXPECT_EQ(rows.row().value(0).text().data(), view.data()) << "no copy";
}

TEST_F(RowsTest, FetchReadsInChunks) {
  Rows rows = conn_.query("SELECT id, name FROM t ORDER BY id");
  const std::vector<OwnedRow> first = rows.fetch(2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[1].get<int>("id"), 2);
  EXPECT_FALSE(rows.done());
  const std::vector<OwnedRow> rest = rows.fetch(5);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_TRUE(rows.done());
  EXPECT_TRUE(rows.fetch(5).empty());
  EXPECT_TRUE(rows.fetch_all().empty());
  EXPECT_EQ(first[0].column_names().data(), rest[0].column_names().data()) << "names are shared";
}

TEST_F(RowsTest, OwnedRowsChecks) {
  const OwnedRow row = conn_.query_row("SELECT 1 AS a, 'x' AS b");
  EXPECT_EQ(row.column_count(), 2);
  EXPECT_EQ(row.value("B"), Value("x"));
  EXPECT_THROW(row.value(2), OutOfRange);
  EXPECT_THROW(row.value("c"), OutOfRange);
  EXPECT_EQ(OwnedRow().column_count(), 0);
  EXPECT_TRUE(OwnedRow().column_names().empty());
}

TEST_F(RowsTest, EndIsEndForEver) {
  Rows rows = conn_.query("SELECT 1");
  EXPECT_TRUE(rows.next());
  EXPECT_FALSE(rows.next());
  EXPECT_FALSE(rows.next());
  EXPECT_TRUE(rows.done());
}

TEST_F(RowsTest, NoRowsAtAllAndNoColumnsAtAll) {
  Rows none = conn_.query("SELECT id FROM t WHERE 0");
  EXPECT_EQ(none.column_count(), 1);
  EXPECT_FALSE(none.next());
  Rows insert = conn_.query("INSERT INTO t(id) VALUES (50)");
  EXPECT_EQ(insert.column_count(), 0);
  EXPECT_FALSE(insert.next());
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t WHERE id = 50"), 1) << "it ran once";
}

TEST_F(RowsTest, ReturningRowsRunOnce) {
  const auto rows = conn_.query("INSERT INTO t(name) VALUES ('a'), ('b') RETURNING id").fetch_all();
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_EQ(conn_.changes(), 2u);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 5);
}

TEST_F(RowsTest, AbandonedReturningStillChangedEverything) {
  { conn_.query("INSERT INTO t(name) VALUES ('a'), ('b') RETURNING id").next(); }
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 5);
}

TEST_F(RowsTest, CloseGivesUpTheRest) {
  Rows rows = conn_.query("SELECT id FROM t");
  ASSERT_TRUE(rows.next());
  rows.close();
  rows.close();
  EXPECT_FALSE(rows.next());
  EXPECT_NO_THROW(conn_.execute("DROP TABLE t"));
}

TEST_F(RowsTest, ColumnsTellWhereTheyComeFrom) {
  const Rows rows = conn_.query("SELECT name AS n, 1 + 1 FROM t");
  ASSERT_EQ(rows.columns().size(), 2u);
  EXPECT_EQ(rows.columns()[0].name, "n");
  EXPECT_EQ(rows.columns()[0].origin_name, "name");
  EXPECT_EQ(rows.columns()[0].table, "t");
  EXPECT_EQ(rows.columns()[0].database, "main");
  EXPECT_EQ(rows.columns()[0].declared_type, "TEXT");
  EXPECT_EQ(rows.columns()[1].table, "");
}

TEST_F(RowsTest, ExceptionInTheMiddleLetsTheStatementGo) {
  Statement statement = conn_.prepare("SELECT id, name FROM t ORDER BY id");
  EXPECT_THROW(
      {
        for (auto [id, name] : statement.query<int, std::string>()) EXPECT_LT(id, 2);
      },
      TypeMismatch);  // the second name is NULL
  EXPECT_EQ(statement.query().fetch_all().size(), 3u);
}

TEST_F(RowsTest, ErrorInAStepEndsTheRows) {
  Rows rows = conn_.query("SELECT abs(CASE id WHEN 2 THEN -9223372036854775807 - 1 ELSE id END) FROM t ORDER BY id");
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(rows.next(), SqlError);
  EXPECT_FALSE(rows.next());
  EXPECT_TRUE(rows.done());
}

TEST_F(RowsTest, MovedFromRowsAreAtTheirEnd) {
  Rows a = conn_.query("SELECT id FROM t ORDER BY id");
  ASSERT_TRUE(a.next());
  Rows b = std::move(a);
  EXPECT_FALSE(a.next());  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(a.fetch_all().empty());
  EXPECT_THROW(a.columns(), Misuse);
  ASSERT_TRUE(b.next());
  EXPECT_EQ(b.row().get<int>(0), 2);
  a = std::move(b);
  ASSERT_TRUE(a.next());
  EXPECT_EQ(a.row().get<int>(0), 3);
}

}  // namespace
}  // namespace libsql

// The grid of the verbs: each on Connection, Statement and Writer, with arguments in each form.
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <libsql/writer.hpp>

#include "common/common_fixture.hpp"

namespace libsql::test {
namespace {

constexpr const char* kInsert = "INSERT INTO t(b) VALUES (:b)";
constexpr const char* kReturning = "INSERT INTO t(b) VALUES (:b) RETURNING a";
constexpr const char* kBoth = "SELECT a, b FROM t WHERE a = :b";
constexpr const char* kOne = "SELECT b FROM t WHERE a = :b";
constexpr const char* kFrom = "SELECT a FROM t WHERE a >= :b ORDER BY a";

struct Both {
  int a;
  std::string b;
  bool operator==(const Both&) const = default;
};

// `verb` with the one argument in each form that a template can pass on, `braces` with the one it cannot; how often the
// verb ran.
template <class Verb, class Braces, class Check>
int in_each_form(int argument, Verb verb, Braces braces, Check check) {
  check(verb(argument));
  check(verb(named(":b", argument)));
  check(verb(named("b", argument)));
  check(verb(std::tuple(argument)));
  check(verb(Params().add(argument)));
  check(verb(Params{{"b", argument}}));
  check(braces());
  return 7;
}

class CommonVerbs : public AllModes {
 protected:
  CommonVerbs() {
    conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)");
    conn_.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, NULL)");
  }

  template <class Result>
  auto expect(Result wanted) {
    return [wanted](const Result& got) { EXPECT_EQ(got, wanted); };
  }
  // The rowids of rows that are inserted one after the other.
  auto next_rowid() {
    return [this](std::int64_t got) { EXPECT_EQ(got, ++last_); };
  }

  std::int64_t last_ = 3;
};
LIBSQL_IN_ALL_MODES(CommonVerbs);

// What the three have in common, for Connection and Writer; Statement has no text in front.
template <class Target>
concept HasQuery = requires(Target target, std::string_view sql) {
  target.query(sql);
};
template <class Target>
concept HasQueryOfAny = requires(Target target) {
  target.query();
};
static_assert(HasQuery<Connection> && HasQueryOfAny<Statement>);
static_assert(!HasQuery<Writer> && !HasQueryOfAny<Writer>, "the rows would outlive the transaction");

#define LIBSQL_CONNECTION_VERBS(target)                                                                            \
  const auto rowid_of_run = [this](const RunResult& result) {                                                      \
    EXPECT_EQ(result.changes, 1u);                                                                                 \
    EXPECT_EQ(result.last_insert_rowid, ++last_);                                                                  \
  };                                                                                                               \
  last_ += in_each_form(                                                                                           \
      7, [&](const auto& form) { return target.execute(kInsert, form); },                                          \
      [&] {                                                                                                        \
        return target.execute(kInsert, {{"b", 7}});                                                                \
      },                                                                                                           \
      expect(std::uint64_t{1}));                                                                                   \
  in_each_form(                                                                                                    \
      7, [&](const auto& form) { return target.run(kInsert, form); },                                              \
      [&] {                                                                                                        \
        return target.run(kInsert, {{"b", 7}});                                                                    \
      },                                                                                                           \
      rowid_of_run);                                                                                               \
  in_each_form(                                                                                                    \
      7, [&](const auto& form) { return std::get<0>(target.template query_row<std::int64_t>(kReturning, form)); }, \
      [&] {                                                                                                        \
        return std::get<0>(target.template query_row<std::int64_t>(kReturning, {{"b", 7}}));                       \
      },                                                                                                           \
      next_rowid());                                                                                               \
  in_each_form(                                                                                                    \
      2, [&](const auto& form) { return target.template query_row<Both>(kBoth, form); },                           \
      [&] {                                                                                                        \
        return target.template query_row<Both>(kBoth, {{"b", 2}});                                                 \
      },                                                                                                           \
      expect(Both{2, "two"}));                                                                                     \
  in_each_form(                                                                                                    \
      2, [&](const auto& form) { return target.query_row(kBoth, form).template get<std::string>("b"); },           \
      [&] {                                                                                                        \
        return target.query_row(kBoth, {{"b", 2}}).template get<std::string>("b");                                 \
      },                                                                                                           \
      expect(std::string("two")));                                                                                 \
  in_each_form(                                                                                                    \
      2, [&](const auto& form) { return target.template query_row_optional<int, std::string>(kBoth, form); },      \
      [&] {                                                                                                        \
        return target.template query_row_optional<int, std::string>(kBoth, {{"b", 2}});                            \
      },                                                                                                           \
      expect(std::optional(std::tuple(2, std::string("two")))));                                                   \
  in_each_form(                                                                                                    \
      2, [&](const auto& form) { return target.template query_value<std::string>(kOne, form); },                   \
      [&] {                                                                                                        \
        return target.template query_value<std::string>(kOne, {{"b", 2}});                                         \
      },                                                                                                           \
      expect(std::string("two")));                                                                                 \
  in_each_form(                                                                                                    \
      -1, [&](const auto& form) { return target.template query_value_optional<std::string>(kOne, form); },         \
      [&] {                                                                                                        \
        return target.template query_value_optional<std::string>(kOne, {{"b", -1}});                               \
      },                                                                                                           \
      expect(std::optional<std::string>()));                                                                       \
  in_each_form(                                                                                                    \
      static_cast<int>(last_) - 1,                                                                                 \
      [&](const auto& form) { return target.template query_column<std::int64_t>(kFrom, form); },                   \
      [&] {                                                                                                        \
        return target.template query_column<std::int64_t>(kFrom, {{"b", last_ - 1}});                              \
      },                                                                                                           \
      expect(std::vector{last_ - 1, last_}))

TEST_P(CommonVerbs, OfAConnectionTakeArgumentsInEachForm) {
  LIBSQL_CONNECTION_VERBS(conn_);
  in_each_form(
      2, [&](const auto& form) { return conn_.query<Both>(kBoth, form).fetch_all(); },
      [&] {
        return conn_.query<Both>(kBoth, {{"b", 2}}).fetch_all();
      },
      expect(std::vector{Both{2, "two"}}));
  in_each_form(
      2, [&](const auto& form) { return conn_.query(kBoth, form).fetch_all().size(); },
      [&] {
        return conn_.query(kBoth, {{"b", 2}}).fetch_all().size();
      },
      expect(std::size_t{1}));
}

TEST_P(CommonVerbs, OfAWriterTakeArgumentsInEachForm) {
  if (is_remote()) {
    EXPECT_THROW(db_.writer(), Unsupported);
    return;
  }
  Writer writer = db_.writer();
  LIBSQL_CONNECTION_VERBS(writer);
}

#undef LIBSQL_CONNECTION_VERBS

TEST_P(CommonVerbs, OfAStatementTakeArgumentsInEachForm) {
  Statement insert = conn_.prepare(kInsert);
  last_ += in_each_form(
      7, [&](const auto& form) { return insert.execute(form); },
      [&] {
        return insert.execute({{"b", 7}});
      },
      expect(std::uint64_t{1}));
  in_each_form(
      7, [&](const auto& form) { return insert.run(form).last_insert_rowid; },
      [&] {
        return insert.run({{"b", 7}}).last_insert_rowid;
      },
      next_rowid());
  Statement returning = conn_.prepare(kReturning);
  in_each_form(
      7, [&](const auto& form) { return std::get<0>(returning.query_row<std::int64_t>(form)); },
      [&] {
        return std::get<0>(returning.query_row<std::int64_t>({{"b", 7}}));
      },
      next_rowid());
  Statement both = conn_.prepare(kBoth);
  in_each_form(
      2, [&](const auto& form) { return both.query<Both>(form).fetch_all(); },
      [&] {
        return both.query<Both>({{"b", 2}}).fetch_all();
      },
      expect(std::vector{Both{2, "two"}}));
  in_each_form(
      2, [&](const auto& form) { return both.query(form).fetch_all().size(); },
      [&] {
        return both.query({{"b", 2}}).fetch_all().size();
      },
      expect(std::size_t{1}));
  in_each_form(
      2, [&](const auto& form) { return both.query_row<Both>(form); },
      [&] {
        return both.query_row<Both>({{"b", 2}});
      },
      expect(Both{2, "two"}));
  in_each_form(
      2, [&](const auto& form) { return both.query_row(form).template get<std::string>(1); },
      [&] {
        return both.query_row({{"b", 2}}).get<std::string>(1);
      },
      expect(std::string("two")));
  in_each_form(
      -1, [&](const auto& form) { return both.query_row_optional<Both>(form); },
      [&] {
        return both.query_row_optional<Both>({{"b", -1}});
      },
      expect(std::optional<Both>()));
  Statement one = conn_.prepare(kOne);
  in_each_form(
      2, [&](const auto& form) { return one.query_value<std::string>(form); },
      [&] {
        return one.query_value<std::string>({{"b", 2}});
      },
      expect(std::string("two")));
  in_each_form(
      2, [&](const auto& form) { return one.query_value_optional<std::string>(form); },
      [&] {
        return one.query_value_optional<std::string>({{"b", 2}});
      },
      expect(std::optional<std::string>("two")));
  Statement from = conn_.prepare(kFrom);
  in_each_form(
      static_cast<int>(last_) - 1, [&](const auto& form) { return from.query_column<std::int64_t>(form); },
      [&] {
        return from.query_column<std::int64_t>({{"b", last_ - 1}});
      },
      expect(std::vector{last_ - 1, last_}));
}

TEST_P(CommonVerbs, TakeNoArgumentsAsNothingAndAsEmptyBraces) {
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t"), 3);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM t", {}), 3);
  EXPECT_EQ(conn_.query_column<int>("SELECT a FROM t ORDER BY a"), (std::vector{1, 2, 3}));
  EXPECT_EQ(conn_.run("DELETE FROM t", {}).changes, 3u);
  Statement statement = conn_.prepare("SELECT count(*) FROM t");
  EXPECT_EQ(statement.query_value<int>(), 0);
  EXPECT_EQ(statement.query_value<int>({}), 0);
}

TEST_P(CommonVerbs, SeveralArgumentsAreTakenInEachForm) {
  constexpr const char* kSum = "SELECT ? || :x || ?3";
  EXPECT_EQ(conn_.query_value<std::string>(kSum, "a", 1, 2.5), "a12.5");
  EXPECT_EQ(conn_.query_value<std::string>(kSum, "a", named("x", 1), named("?3", 2.5)), "a12.5");
  EXPECT_EQ(conn_.query_value<std::string>(kSum, std::tuple("a", 1, 2.5)), "a12.5");
  EXPECT_EQ(conn_.query_value<std::string>(kSum, Params().add(std::pair("a", 1)).add(named("?3", 2.5))), "a12.5");
}

TEST_P(CommonVerbs, ThatWantOneRowRefuseNoneAndMore) {
  Statement all = conn_.prepare("SELECT a FROM t");
  Statement none = conn_.prepare("SELECT a FROM t WHERE false");
  EXPECT_THROW(all.query_value<int>(), UnexpectedRows);
  EXPECT_THROW(all.query_value_optional<int>(), UnexpectedRows);
  EXPECT_THROW(none.query_value<int>(), UnexpectedRows);
  EXPECT_EQ(none.query_value_optional<int>(), std::nullopt);
  EXPECT_EQ(none.query_column<int>(), std::vector<int>());
  EXPECT_THROW(conn_.query_value_optional<int>("SELECT a FROM t"), UnexpectedRows);
  // NULL is a value: whoever expects it says so.
  EXPECT_THROW(conn_.query_value_optional<std::string>(kOne, 3), TypeMismatch);
  const auto null = conn_.query_value_optional<std::optional<std::string>>(kOne, 3);
  ASSERT_TRUE(null.has_value());
  EXPECT_EQ(*null, std::nullopt);
  EXPECT_EQ(conn_.query_value_optional<std::optional<std::string>>(kOne, 4), std::nullopt);
}

TEST_P(CommonVerbs, AColumnIsOneOfItsTypeOnly) {
  EXPECT_EQ(conn_.query_column<std::optional<std::string>>("SELECT b FROM t ORDER BY a"),
            (std::vector<std::optional<std::string>>{"one", "two", std::nullopt}));
  EXPECT_THROW(conn_.query_column<std::string>("SELECT b FROM t ORDER BY a"), TypeMismatch);
  EXPECT_THROW(conn_.query_column<int>("SELECT a, b FROM t"), Misuse);
  EXPECT_THROW(conn_.query_column<int>("SELECT a, b FROM t WHERE false"), Misuse) << "though there is no row";
}

TEST_P(CommonVerbs, AColumnThatIsNotWhatWasWantedUndoesTheWrite) {
  constexpr const char* kTwo = "INSERT INTO t(b) VALUES ('x'), ('y') RETURNING b";
  const auto throws = [&](Connection& conn) { return error_of<TypeMismatch>([&] { conn.query_column<int>(kTwo); }); };
  EXPECT_EQ(throws(conn_).write_committed(), is_remote());
  EXPECT_EQ(count(), is_remote() ? 5 : 3);
  EXPECT_EQ(conn_.query_column<std::string>(kTwo), (std::vector<std::string>{"x", "y"}));
  if (is_remote()) return;
  EXPECT_THROW(conn_.query_column<int>("INSERT INTO t(b) VALUES (1)"), Misuse);
  EXPECT_EQ(count(), 5) << "a statement that returns no rows is not run";
}

TEST_P(CommonVerbs, ADeadlineIsForAllOfAColumn) {
  conn_.deadline(std::chrono::milliseconds(100));
  EXPECT_THROW(conn_.query_column<std::int64_t>(
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"),
               Timeout);
}

TEST_P(CommonVerbs, OfAWriterUndoWhatDoesNotFit) {
  if (is_remote()) return;
  Writer writer = db_.writer();
  EXPECT_THROW(writer.query_value<std::string>(kReturning, "x"), TypeMismatch);
  EXPECT_THROW(writer.query_value<std::int64_t>("INSERT INTO t(b) VALUES (1), (2) RETURNING a"), UnexpectedRows);
  EXPECT_THROW(writer.run(kInsert), Misuse);
  EXPECT_EQ(count(), 3);
  EXPECT_EQ(writer.query_value_optional<std::int64_t>("UPDATE t SET b = 'x' WHERE a = 9 RETURNING a"), std::nullopt);
  EXPECT_EQ(writer.statistics().transactions, 4u);
}

}  // namespace
}  // namespace libsql::test

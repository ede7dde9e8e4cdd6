#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

namespace {

using namespace libsql;
using testing::ElementsAre;
using testing::HasSubstr;

class UserFunctions : public testing::Test {
 protected:
  UserFunctions() : db_(Builder::local(":memory:").build()), conn_(db_.connect()), functions_(conn_) {
    conn_.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1), (2), (3), (4), (5)");
  }
  template <class T>
  T value(std::string_view sql) {
    return conn_.query_value<T>(sql);
  }
  std::string message(std::string_view sql) {
    try {
      conn_.execute(sql);
    } catch (const Error& error) {
      return std::string(to_string(error.code())) + ": " + error.what();
    }
    return "ran";
  }

  Database db_;
  Connection conn_;
  Functions functions_;
};

int twice(int value) { return 2 * value; }

TEST_F(UserFunctions, ScalarsDeduceTheirArguments) {
  functions_.scalar("plus", [](std::int64_t a, std::int64_t b) { return a + b; });
  functions_.scalar("twice", &twice);
  functions_.scalar("greet", [](std::string_view name) { return "hello " + std::string(name); });
  functions_.scalar("pi", [] { return 3.25; });
  functions_.scalar("bytes", [](BlobView blob) { return Blob(blob.rbegin(), blob.rend()); });
  functions_.scalar("or_else", [](std::optional<int> a, int b) { return a.value_or(b); });
  functions_.scalar("maybe", [](int a) { return a > 0 ? std::optional<int>(a) : std::nullopt; });
  functions_.scalar("nothing_at_all", [](const Value&) {});
  functions_.scalar("kind", [](ValueRef v) { return to_string(v.type()); });
  EXPECT_EQ(value<int>("SELECT plus(2, 40)"), 42);
  EXPECT_EQ(value<int>("SELECT TWICE(21)"), 42);
  EXPECT_EQ(value<std::string>("SELECT greet('you')"), "hello you");
  EXPECT_EQ(value<double>("SELECT pi()"), 3.25);
  EXPECT_EQ(value<std::string>("SELECT hex(bytes(x'010203'))"), "030201");
  EXPECT_EQ(value<std::string>("SELECT typeof(bytes(x''))"), "blob");
  EXPECT_EQ(value<int>("SELECT or_else(NULL, 7)"), 7);
  EXPECT_EQ(value<std::optional<int>>("SELECT maybe(-1)"), std::nullopt);
  EXPECT_EQ(value<std::string>("SELECT typeof(nothing_at_all(1))"), "null");
  EXPECT_EQ(value<std::string>("SELECT kind(1) || kind('a') || kind(NULL) || kind(1.5) || kind(x'')"),
            "INTEGERTEXTNULLREALBLOB");
}

TEST_F(UserFunctions, ASpanTakesAnyNumberOfArguments) {
  functions_.scalar("count_args", [](std::span<const ValueRef> all) { return all.size(); });
  EXPECT_EQ(value<int>("SELECT count_args()"), 0);
  EXPECT_EQ(value<int>("SELECT count_args(1, 'b', NULL)"), 3);
  EXPECT_EQ(value<int>("SELECT count_args(1,2,3,4,5,6,7,8,9,10,11,12)"), 12);
}

TEST_F(UserFunctions, OneNameMayHaveSeveralArities) {
  functions_.scalar("f", [](int) { return "one"; });
  functions_.scalar("f", [](int, int) { return "two"; });
  EXPECT_EQ(value<std::string>("SELECT f(1) || f(1, 2)"), "onetwo");
  functions_.remove("f", 1);
  EXPECT_THAT(message("SELECT f(1)"), HasSubstr("wrong number of arguments"));
  EXPECT_EQ(value<std::string>("SELECT f(1, 2)"), "two");
}

TEST_F(UserFunctions, WrongTypesAreErrorsThatNameTheArgument) {
  functions_.scalar("plus", [](std::int64_t a, std::int8_t b) { return a + b; });
  EXPECT_THAT(message("SELECT plus(1, 'x')"), HasSubstr("TypeMismatch: argument 2: "));
  EXPECT_THAT(message("SELECT plus(NULL, 1)"), HasSubstr("TypeMismatch: argument 1: "));
  EXPECT_THAT(message("SELECT plus(1, 1000)"), HasSubstr("OutOfRange: argument 2: "));
  EXPECT_THAT(message("SELECT plus(1)"), HasSubstr("SqlError: wrong number of arguments"));
}

TEST_F(UserFunctions, ExceptionsBecomeSqlErrorsAndErrorsStayThemselves) {
  functions_.scalar("fail", [](const std::string& text) -> int { throw std::runtime_error(text); });
  functions_.scalar("odd", []() -> int { throw 42; });
  functions_.scalar("nested", [&](const std::string& sql) { conn_.execute(sql); });
  conn_.execute("CREATE TABLE u(x UNIQUE)");
  EXPECT_EQ(message("SELECT fail('my message') FROM t"), "SqlError: my message");
  EXPECT_EQ(message("SELECT odd()"), "SqlError: an exception that is not a std::exception");
  EXPECT_THAT(message("SELECT nested('INSERT INTO u VALUES (1), (1)')"), HasSubstr("Constraint: UNIQUE"));
  try {
    conn_.execute("SELECT fail('x')");
    FAIL();
  } catch (const SqlError& error) {
    EXPECT_EQ(error.sql(), "SELECT fail('x')");
  }
  EXPECT_EQ(value<int>("SELECT count(*) FROM t"), 5) << "the connection goes on";
}

TEST_F(UserFunctions, AFailingFunctionTakesItsStatementBack) {
  functions_.scalar("check_it", [](int x) {
    if (x == 3) throw std::runtime_error("three");
    return x;
  });
  conn_.execute("BEGIN");
  conn_.execute("INSERT INTO t VALUES (6)");
  EXPECT_THROW(conn_.execute("UPDATE t SET x = check_it(x) + 100"), SqlError);
  EXPECT_EQ(value<int>("SELECT max(x) FROM t"), 6);
  conn_.execute("COMMIT");
  EXPECT_EQ(value<int>("SELECT count(*) FROM t"), 6);
}

TEST_F(UserFunctions, AFunctionMayUseTheConnection) {
  functions_.scalar("lookup", [&](int x) { return conn_.query_value<int>("SELECT x * 10 FROM t WHERE x = ?", x); });
  EXPECT_EQ(value<int>("SELECT sum(lookup(x)) FROM t"), 150);
  functions_.scalar("remember", [&](int x) { return conn_.execute("INSERT INTO t VALUES (?)", x); });
  EXPECT_EQ(value<int>("SELECT remember(77)"), 1);
  EXPECT_EQ(value<int>("SELECT max(x) FROM t"), 77);
}

TEST_F(UserFunctions, AFunctionMayCompileSoMuchThatTheCacheOverflows) {
  Database db = Builder::local(":memory:").statement_cache_bytes(4000).build();
  Connection conn = db.connect();
  Functions functions(conn);
  int n = 0;
  functions.scalar("busy", [&](int x) {
    ++n;
    return conn.query_value<int>("SELECT " + std::to_string(x) + " + " + std::to_string(n));
  });
  EXPECT_EQ(conn.query_value<int>("WITH c(x) AS (VALUES (1), (2), (3), (4), (5)) SELECT sum(busy(x)) FROM c"), 30);
}

TEST_F(UserFunctions, CloseAndResetInsideAFunctionAreMisuse) {
  functions_.scalar("bad_close", [&] { conn_.close(); });
  functions_.scalar("bad_reset", [&] { conn_.reset(); });
  EXPECT_THAT(message("SELECT bad_close()"), HasSubstr("Misuse"));
  EXPECT_THAT(message("SELECT bad_reset()"), HasSubstr("Misuse"));
}

TEST_F(UserFunctions, DeterministicFunctionsMayBeIndexed) {
  functions_.scalar("plain", [](int x) { return -x; });
  functions_.scalar(
      "fixed", [](int x) { return -x; }, FunctionFlags::Deterministic);
  EXPECT_THAT(message("CREATE INDEX i ON t(plain(x))"), HasSubstr("non-deterministic"));
  conn_.execute("CREATE INDEX i ON t(fixed(x))");
  EXPECT_EQ(value<int>("SELECT x FROM t INDEXED BY i WHERE fixed(x) = -4"), 4);
}

TEST_F(UserFunctions, DirectOnlyFunctionsAreNotForViews) {
  functions_.scalar(
      "secret", [] { return 1; }, FunctionFlags::DirectOnly | FunctionFlags::Deterministic);
  EXPECT_EQ(value<int>("SELECT secret()"), 1);
  conn_.execute("CREATE VIEW v AS SELECT secret() AS s");
  EXPECT_THAT(message("SELECT * FROM v"), HasSubstr("unsafe use of secret()"));
  conn_.execute("PRAGMA trusted_schema = OFF");
  functions_.scalar(
      "harmless", [] { return 2; }, FunctionFlags::Innocuous);
  conn_.execute("CREATE VIEW w AS SELECT harmless() AS s");
  EXPECT_EQ(value<int>("SELECT s FROM w"), 2);
}

TEST_F(UserFunctions, BuiltInsCanBeReplacedAndComeBack) {
  EXPECT_EQ(value<std::string>("SELECT upper('a')"), "A");
  functions_.scalar("upper", [](std::string_view) { return "mine"; });
  EXPECT_EQ(value<std::string>("SELECT upper('a')"), "mine");
  functions_.remove("upper", 1);
  functions_.remove("never_there", 3);
}

TEST_F(UserFunctions, FunctionsSurviveReset) {
  functions_.scalar("one", [] { return 1; });
  conn_.reset();
  EXPECT_EQ(value<int>("SELECT one()"), 1);
}

TEST_F(UserFunctions, BadRegistrationsThrow) {
  EXPECT_THROW(functions_.scalar("", [] { return 1; }), Misuse);
  EXPECT_THROW(functions_.scalar(std::string(300, 'x'), [] { return 1; }), Misuse);
  EXPECT_THROW(functions_.scalar(std::string_view("a\0b", 3), [] { return 1; }), Misuse);
  EXPECT_THROW(functions_.remove("", 1), Misuse);
  auto rows = conn_.query("SELECT x FROM t");
  ASSERT_TRUE(rows.next());
  functions_.scalar("late", [] { return 1; });
  EXPECT_THROW(functions_.remove("late", 0), Busy) << "a statement runs";
}

struct Sum {
  std::int64_t total = 0;
  void step(std::int64_t value) { total += value; }
  std::int64_t finish() const { return total; }
};

struct Weighted {
  double sum = 0, weights = 0;
  void step(double value, double weight) {
    if (weight < 0) throw std::invalid_argument("a weight is negative");
    sum += value * weight;
    weights += weight;
  }
  std::optional<double> finish() const { return weights == 0 ? std::nullopt : std::optional(sum / weights); }
};

TEST_F(UserFunctions, AggregatesRunPerGroup) {
  functions_.aggregate<Sum>("my_sum");
  functions_.aggregate<Weighted>("weighted");
  EXPECT_EQ(value<int>("SELECT my_sum(x) FROM t"), 15);
  EXPECT_EQ(value<int>("SELECT my_sum(x) FROM t WHERE 0"), 0) << "no row: finish() of a new object";
  std::vector<std::int64_t> groups;
  for (auto [sum] : conn_.query<std::int64_t>("SELECT my_sum(x) FROM t GROUP BY x % 2 ORDER BY 1"))
    groups.push_back(sum);
  EXPECT_THAT(groups, ElementsAre(6, 9));
  EXPECT_DOUBLE_EQ(value<double>("SELECT weighted(x, x) FROM t"), 55.0 / 15.0);
  EXPECT_EQ(value<std::optional<double>>("SELECT weighted(x, 0) FROM t"), std::nullopt);
  EXPECT_EQ(message("SELECT weighted(x, 2 - x) FROM t"), "SqlError: a weight is negative");
  EXPECT_THAT(message("SELECT my_sum('a')"), HasSubstr("TypeMismatch: argument 1"));
  EXPECT_EQ(value<int>("SELECT my_sum(x) FROM t"), 15);
}

TEST_F(UserFunctions, AggregatesFromAFactoryAndWithAnyArguments) {
  struct Join {
    std::string separator, text;
    void step(std::span<const ValueRef> all) {
      for (const ValueRef& value : all) text += (text.empty() ? "" : separator) + to_sql_literal(value);
    }
    std::string finish() { return text; }
  };
  functions_.aggregate("join_all", [] { return Join{"+", ""}; });
  EXPECT_EQ(value<std::string>("SELECT join_all(x, 'a') FROM t WHERE x < 3"), "1+'a'+2+'a'");
}

TEST_F(UserFunctions, AggregatesLeaveNothingBehindWhenCutShort) {
  struct Counter {
    std::shared_ptr<int> alive;
    void step(int x) {
      if (x == 4) throw std::runtime_error("four");
    }
    int finish() { return 1; }
  };
  auto alive = std::make_shared<int>(0);
  functions_.aggregate("counted", [alive] { return Counter{alive}; });
  const auto idle = alive.use_count();
  EXPECT_EQ(message("SELECT counted(x) FROM t"), "SqlError: four");
  EXPECT_EQ(alive.use_count(), idle);
  EXPECT_EQ(value<int>("SELECT counted(x) FROM t WHERE x < 4"), 1);
  EXPECT_EQ(alive.use_count(), idle);
}

struct MovingSum {
  std::int64_t total = 0;
  void step(std::int64_t value) { total += value; }
  void inverse(std::int64_t value) { total -= value; }
  std::int64_t value() const { return total; }
};

TEST_F(UserFunctions, WindowFunctionsMove) {
  functions_.window<MovingSum>("moving_sum");
  std::vector<std::int64_t> sums;
  for (auto [sum] : conn_.query<std::int64_t>(
           "SELECT moving_sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t")) {
    sums.push_back(sum);
  }
  EXPECT_THAT(sums, ElementsAre(1, 3, 5, 7, 9));
  EXPECT_EQ(value<int>("SELECT moving_sum(x) FROM t"), 15) << "an aggregate too";
}

TEST_F(UserFunctions, WindowFunctionsMayFail) {
  struct Bad : MovingSum {
    void inverse(std::int64_t) { throw std::runtime_error("no way back"); }
    void step(std::int64_t v) { total += v; }
  };
  functions_.window<Bad>("bad");
  EXPECT_EQ(message("SELECT bad(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t"),
            "SqlError: no way back");
}

TEST_F(UserFunctions, CollationsOrder) {
  functions_.collation("by_length", [](std::string_view a, std::string_view b) { return a.size() <=> b.size(); });
  functions_.collation("backwards", [](std::string_view a, std::string_view b) { return b.compare(a); });
  conn_.execute_batch("CREATE TABLE w(s); INSERT INTO w VALUES ('ccc'), ('a'), ('bb')");
  std::vector<std::string> words;
  for (auto [s] : conn_.query<std::string>("SELECT s FROM w ORDER BY s COLLATE by_length")) words.push_back(s);
  for (auto [s] : conn_.query<std::string>("SELECT s FROM w ORDER BY s COLLATE backwards")) words.push_back(s);
  EXPECT_THAT(words, ElementsAre("a", "bb", "ccc", "ccc", "bb", "a"));
  functions_.remove_collation("by_length");
  EXPECT_THAT(message("SELECT s FROM w ORDER BY s COLLATE by_length"), HasSubstr("no such collation"));
}

TEST_F(UserFunctions, AThrowingCollationLeavesTheDatabaseAsItWas) {
  bool fails = false;
  functions_.collation("moody", [&](std::string_view a, std::string_view b) {
    if (fails) throw std::runtime_error("not today");
    return a.compare(b);
  });
  conn_.execute_batch("CREATE TABLE m(s TEXT COLLATE moody UNIQUE); INSERT INTO m VALUES ('a'), ('b')");
  fails = true;
  EXPECT_THROW(conn_.execute("INSERT INTO m VALUES ('c')"), std::runtime_error);
  EXPECT_THROW(conn_.execute("SELECT s FROM m WHERE s > 'a'"), std::runtime_error);
  fails = false;
  EXPECT_EQ(value<int>("SELECT count(*) FROM m"), 2);
  EXPECT_EQ(value<std::string>("PRAGMA integrity_check"), "ok");
  conn_.execute("INSERT INTO m VALUES ('c')");
  EXPECT_EQ(value<int>("SELECT count(*) FROM m"), 3);
}

TEST_F(UserFunctions, SqlInsideACollationIsMisuse) {
  functions_.collation("curious", [&](std::string_view a, std::string_view b) {
    conn_.execute("SELECT 1");
    return a.compare(b);
  });
  EXPECT_THROW(conn_.execute("SELECT 'a' < 'b' COLLATE curious"), Misuse);
}

// -- what an added name hides -----------------------------------------------------------------------------------------

void add(Functions& functions, const char* name, int arity, const std::string& says) {
  switch (arity) {
    case 1:
      return functions.scalar(name, [says](const Value&) { return says; });
    case 2:
      return functions.scalar(name, [says](const Value&, const Value&) { return says; });
    default:
      return functions.scalar(name, [says](std::span<const ValueRef>) { return says; });
  }
}

TEST_F(UserFunctions, RemovingAnOverrideBringsBackWhatItHid) {
  struct Case {
    const char* name;
    int arity;
    const char* sql;
  };
  // Of the engine, with the same number of arguments, with any number over a fixed one; and of this library.
  for (const Case& one : {Case{"upper", 1, "SELECT upper('a')"}, Case{"like", -1, "SELECT 'abc' LIKE 'A%'"},
                          Case{"like", 2, "SELECT 'abc' LIKE 'A%'"}, Case{"max", 2, "SELECT max(1, 2)"},
                          Case{"UPPER", -1, "SELECT upper('a')"}, Case{"sum", 1, "SELECT sum(2)"},
                          Case{"uuid_str", 1, "SELECT uuid_str(x'00112233445566778899aabbccddeeff')"},
                          Case{"vector_extract", 1, "SELECT vector_extract(vector32('[1,2]'))"}}) {
    SCOPED_TRACE(one.name + std::string(" ") + std::to_string(one.arity));
    Statement statement = conn_.prepare(one.sql);
    const Value before = statement.query_row().value(0);
    for (int round = 0; round < 3; ++round) {
      add(functions_, one.name, one.arity, "mine");
      EXPECT_EQ(statement.query_row().value(0), Value("mine"));
      add(functions_, one.name, one.arity, "again");
      EXPECT_EQ(statement.query_row().value(0), Value("again"));
      functions_.remove(one.name, one.arity);
      EXPECT_EQ(statement.query_row().value(0), before);
      functions_.remove(one.name, one.arity);  // there is nothing left to remove
      EXPECT_EQ(statement.query_row().value(0), before);
    }
  }
}

TEST_F(UserFunctions, RemovingWhatNobodyAddedLeavesTheEnginesOwn) {
  functions_.remove("upper", 1);
  functions_.remove("vector_extract", 1);
  functions_.remove("no_such_function", 0);
  EXPECT_EQ(value<std::string>("SELECT upper('a')"), "A");
  EXPECT_EQ(value<std::string>("SELECT vector_extract(vector32('[1]'))"), "[1]");
}

TEST_F(UserFunctions, AFunctionCannotBeReplacedWhileStatementsRun) {
  functions_.scalar("upper", [](int) { return 1; });
  Rows rows = conn_.query("SELECT x FROM t");
  ASSERT_TRUE(rows.next());
  EXPECT_THROW(functions_.remove("upper", 1), Busy);
  EXPECT_EQ(value<int>("SELECT upper(7)"), 1);
  rows.close();
  functions_.remove("upper", 1);
  EXPECT_EQ(value<std::string>("SELECT upper('a')"), "A");
}

TEST_F(UserFunctions, RemovingACollationBringsBackTheEnginesOwn) {
  for (const char* name : {"NOCASE", "RTRIM", "nocase"}) {
    functions_.collation(name, [](std::string_view, std::string_view) { return 1; });
    EXPECT_EQ(conn_.query_value<int>("SELECT 'a' = 'A' COLLATE NOCASE") +
                  conn_.query_value<int>("SELECT 'a' = 'a  ' COLLATE RTRIM"),
              1)
        << name;
    functions_.remove_collation(name);
    EXPECT_EQ(value<int>("SELECT 'a' = 'A' COLLATE NOCASE"), 1) << name;
    EXPECT_EQ(value<int>("SELECT 'a' = 'a  ' COLLATE RTRIM"), 1) << name;
  }
}

// -- functions that take long -----------------------------------------------------------------------------------------

// Works until a deadline of one millisecond has passed.
void outlast_a_millisecond() {
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun <= std::chrono::milliseconds(1)) {
  }
}

TEST_F(UserFunctions, ACallEndsAfterASlowFunctionThatOutlastedItsDeadline) {
  using namespace std::chrono_literals;
  int calls = 0;
  functions_.scalar("slow", [&](int a) {
    ++calls;
    outlast_a_millisecond();
    return a;
  });
  conn_.deadline(1ms);
  EXPECT_THROW(conn_.query_value<int>("SELECT slow(1)"), Timeout);
  EXPECT_THROW(conn_.execute("SELECT slow(x) FROM t"), Timeout);
  EXPECT_THROW(conn_.execute("INSERT INTO t SELECT slow(x) FROM t"), Timeout);
  EXPECT_LE(calls, 3) << "none was called after the deadline";
  conn_.deadline(std::nullopt);
  EXPECT_EQ(value<int>("SELECT count(*) FROM t"), 5);
}

TEST_F(UserFunctions, AnInterruptDuringAFunctionEndsItsStatement) {
  functions_.scalar("stop", [&](int a) {
    conn_.interrupt();
    return a;
  });
  EXPECT_THROW(conn_.query_value<int>("SELECT stop(1)"), Interrupted);
  EXPECT_THROW(conn_.execute_batch("INSERT INTO t VALUES (6); SELECT stop(1); INSERT INTO t VALUES (7)"), Interrupted);
  EXPECT_EQ(value<int>("SELECT max(x) FROM t"), 6);
}

TEST_F(UserFunctions, ASortWithASlowCollationEndsAtTheDeadline) {
  using namespace std::chrono_literals;
  int calls = 0;
  functions_.collation("slow", [&](std::string_view a, std::string_view b) {
    ++calls;
    outlast_a_millisecond();
    return a.compare(b);
  });
  conn_.execute(
      "INSERT INTO t SELECT value FROM json_each('[' || substr(replace(hex(zeroblob(500)), '0', ',9'), 2) || ']')");
  conn_.deadline(1ms);
  EXPECT_THROW(conn_.query("SELECT x FROM t ORDER BY CAST(x AS TEXT) COLLATE slow"), Timeout);
  EXPECT_LE(calls, 1);
}

TEST_F(UserFunctions, ASlowVirtualTableEndsAtTheDeadline) {
  using namespace std::chrono_literals;
  int read = 0;
  VirtualTables tables(conn_);
  expose(
      tables, "slow_rows", [] { return std::views::iota(0, 1000); }, source_column("n", [&](int n) {
        ++read;
        outlast_a_millisecond();
        return n;
      }));
  conn_.deadline(1ms);
  EXPECT_THROW(conn_.query_value<int>("SELECT sum(n) FROM slow_rows"), Timeout);
  EXPECT_LE(read, 1);
}

}  // namespace

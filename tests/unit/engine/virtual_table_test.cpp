#include <map>
#include <optional>
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

// Squares from 0 up to a bound; the parameter is hidden, and `n` can be looked up.
class Squares final : public VirtualTable {
 public:
  explicit Squares(std::vector<std::string>* log) : log_(log) {}
  std::string declaration() const override { return "CREATE TABLE x(n INTEGER, square INTEGER, bound HIDDEN)"; }
  void best_index(IndexPlan& plan) override {
    bool bounded = false;
    for (std::size_t i = 0; i < plan.constraints.size(); ++i) {
      const IndexConstraint& c = plan.constraints[i];
      if (c.op != ConstraintOp::Equal || (c.column != 0 && c.column != 2)) continue;
      if (!c.usable) {
        if (c.column == 2) plan.impossible = true;
        continue;
      }
      if (c.column == 2) bounded = true;
      plan.text += c.column == 2 ? 'b' : 'n';
      plan.use(i, CheckAgain::No);
    }
    if (plan.impossible) return;
    if (!bounded) throw std::runtime_error("squares() needs a bound");
    plan.number = 7;
    plan.cost = plan.text.find('n') != std::string::npos ? 1 : 1000;
    plan.at_most_one = plan.text.find('n') != std::string::npos;
    if (plan.order_by.size() == 1 && plan.order_by[0].column == 0 && !plan.order_by[0].descending) plan.ordered = true;
    if (log_ != nullptr) log_->push_back(plan.text + (plan.ordered ? " ordered" : ""));
  }
  std::unique_ptr<VirtualCursor> open() override { return std::make_unique<Cursor>(); }

 private:
  class Cursor final : public VirtualCursor {
   public:
    void filter(const TableScan& scan) override {
      EXPECT_EQ(scan.number, 7);
      at_ = 0;
      for (std::size_t i = 0; i < scan.arguments.size(); ++i) {
        const auto value = read_value<std::int64_t>(scan.arguments[i]);
        if (scan.text[i] == 'b') bound_ = value;
      }
      end_ = bound_;
      for (std::size_t i = 0; i < scan.arguments.size(); ++i) {
        if (scan.text[i] != 'n') continue;
        at_ = scan.arguments[i].integer();
        end_ = std::min(at_ + 1, bound_);
      }
    }
    bool at_end() const override { return at_ >= end_; }
    void next() override { ++at_; }
    void column(int column, ResultSink& result) override {
      if (at_ == 13) throw std::runtime_error("unlucky");
      result.set(column == 0 ? at_ : column == 1 ? at_ * at_ : bound_);
    }
    std::int64_t rowid() override { return at_; }

   private:
    std::int64_t at_ = 0, end_ = 0, bound_ = 0;
  };
  std::vector<std::string>* log_;
};

class VirtualTableTest : public testing::Test {
 protected:
  VirtualTableTest() : db_(Builder::local(":memory:").build()), conn_(db_.connect()), tables_(conn_) {}
  template <class T>
  std::vector<T> column(std::string_view sql) {
    std::vector<T> values;
    for (auto [value] : conn_.query<T>(sql)) values.push_back(value);
    return values;
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
  VirtualTables tables_;
};

TEST_F(VirtualTableTest, ATableValuedFunctionFromAClass) {
  std::vector<std::string> log;
  tables_.module("squares", [&](const TableRequest&) { return std::make_unique<Squares>(&log); });
  EXPECT_THAT(column<int>("SELECT square FROM squares(5)"), ElementsAre(0, 1, 4, 9, 16));
  EXPECT_THAT(column<int>("SELECT square FROM squares WHERE bound = 3"), ElementsAre(0, 1, 4));
  log.clear();
  EXPECT_THAT(column<int>("SELECT square FROM squares(100) WHERE n = 7"), ElementsAre(49));
  EXPECT_THAT(log, testing::Contains(testing::AnyOf("bn", "nb")));
  log.clear();
  EXPECT_THAT(column<int>("SELECT n FROM squares(3) ORDER BY n"), ElementsAre(0, 1, 2));
  EXPECT_THAT(log, testing::Contains("b ordered"));
  conn_.execute_batch("CREATE TABLE bounds(b); INSERT INTO bounds VALUES (2), (3)");
  EXPECT_THAT(column<int>("SELECT square FROM bounds, squares(b) ORDER BY b, n"), ElementsAre(0, 1, 0, 1, 4));
}

TEST_F(VirtualTableTest, ExceptionsBecomeTheErrorOfTheStatement) {
  tables_.module("squares", [&](const TableRequest&) { return std::make_unique<Squares>(nullptr); });
  EXPECT_EQ(message("SELECT * FROM squares"), "SqlError: squares() needs a bound");
  EXPECT_EQ(message("SELECT * FROM squares(20)"), "SqlError: unlucky");
  EXPECT_THAT(message("SELECT * FROM squares('x')"), HasSubstr("TypeMismatch")) << "an Error stays itself";
  EXPECT_THAT(message("DELETE FROM squares WHERE bound = 3"), HasSubstr("may not be modified"));
  tables_.module("broken", [](const TableRequest&) -> std::unique_ptr<VirtualTable> {
    throw std::runtime_error("no connection to the sensor");
  });
  EXPECT_THAT(message("SELECT * FROM broken"), HasSubstr("no connection to the sensor"));
  tables_.module("empty", [](const TableRequest&) { return std::unique_ptr<VirtualTable>(); });
  EXPECT_THAT(message("SELECT * FROM empty"), HasSubstr("Misuse"));
}

TEST_F(VirtualTableTest, ABadDeclarationIsAnError) {
  struct Bad : VirtualTable {
    std::string declaration() const override { return "CREATE TABLE"; }
    std::unique_ptr<VirtualCursor> open() override { return nullptr; }
  };
  struct NoCursor : Bad {
    std::string declaration() const override { return "CREATE TABLE x(a)"; }
  };
  tables_.module("bad", [](const TableRequest&) { return std::make_unique<Bad>(); });
  EXPECT_THAT(message("SELECT * FROM bad"), HasSubstr("SqlError"));
  tables_.module("no_cursor", [](const TableRequest&) { return std::make_unique<NoCursor>(); });
  EXPECT_THAT(message("SELECT * FROM no_cursor"), HasSubstr("Misuse"));
}

TEST_F(VirtualTableTest, ModulesCanBeRemovedAndSurviveReset) {
  tables_.module("squares", [](const TableRequest&) { return std::make_unique<Squares>(nullptr); });
  conn_.reset();
  EXPECT_EQ(column<int>("SELECT n FROM squares(2)").size(), 2u);
  tables_.remove("squares");
  EXPECT_THAT(message("SELECT n FROM squares(3)"), HasSubstr("no such table"));
  EXPECT_THROW(tables_.module("", [](const TableRequest&) { return std::make_unique<Squares>(nullptr); }), Misuse);
  EXPECT_THROW(tables_.module("x", nullptr), Misuse);
  EXPECT_THROW(tables_.writable_module("x", nullptr), Misuse);
}

struct Person {
  std::int64_t id;
  std::string name;
  std::optional<double> height;
};

TEST_F(VirtualTableTest, ExposesARange) {
  std::vector<Person> people = {{1, "Ann", 1.7}, {2, "Bob", std::nullopt}};
  expose(
      tables_, "people", [&]() -> const auto& { return people; }, source_column("id", &Person::id),
      source_column("name", &Person::name), source_column("height", &Person::height),
      source_column("the length", [](const Person& p) { return p.name.size(); }));
  EXPECT_THAT(column<std::string>("SELECT name FROM people WHERE height > 1"), ElementsAre("Ann"));
  people.push_back({3, "Charlotte", 1.8});
  EXPECT_THAT(column<int>("SELECT \"the length\" FROM people ORDER BY id DESC"), ElementsAre(9, 3, 3));
  EXPECT_THAT(column<int>("SELECT count(*) FROM people a JOIN people b ON a.id < b.id"), ElementsAre(3));
  EXPECT_THAT(column<int>("SELECT rowid FROM people"), ElementsAre(1, 2, 3));
}

TEST_F(VirtualTableTest, TableFunctionsTakeTypedArguments) {
  table_function(tables_, "words", {"word", "position"}, [](std::string_view text, std::optional<std::string> split) {
    std::vector<std::tuple<std::string, int>> words;
    const char mark = split ? split->at(0) : ' ';
    for (std::size_t at = 0; at <= text.size();) {
      const auto end = std::min(text.find(mark, at), text.size());
      words.emplace_back(std::string(text.substr(at, end - at)), static_cast<int>(at));
      at = end + 1;
    }
    return words;
  });
  EXPECT_THAT(column<std::string>("SELECT word FROM words('a bc d')"), ElementsAre("a", "bc", "d"));
  EXPECT_THAT(column<int>("SELECT position FROM words('a,bc', ',')"), ElementsAre(0, 2));
  EXPECT_THAT(column<std::string>("SELECT arg1 FROM words('x y')"), ElementsAre("x y", "x y"));
  EXPECT_THAT(message("SELECT * FROM words"), HasSubstr("TypeMismatch: argument 1"));
  table_function(tables_, "numbers", {"value"}, [](int from, int to) {
    std::vector<int> all;
    for (int i = from; i < to; ++i) all.push_back(i);
    return all;
  });
  EXPECT_THAT(column<int>("SELECT value FROM numbers(3, 6)"), ElementsAre(3, 4, 5));
  EXPECT_THAT(column<int>("SELECT b.value FROM numbers(1, 3) a, numbers(0, a.value) b"), ElementsAre(0, 0, 1));
}

// A map as a writable table with a transaction log.
struct Store {
  std::map<std::int64_t, std::pair<std::string, Value>> rows, before;
  std::map<int, std::map<std::int64_t, std::pair<std::string, Value>>> savepoints;
  std::vector<std::string> calls;
  bool refuses = false;
};

class KeyValue final : public WritableVirtualTable {
 public:
  explicit KeyValue(Store& store) : store_(store) {}
  std::string declaration() const override { return "CREATE TABLE x(key TEXT, value)"; }
  std::unique_ptr<VirtualCursor> open() override { return std::make_unique<Cursor>(store_); }
  std::int64_t insert(std::optional<std::int64_t> rowid, std::span<const ValueRef> values,
                      ConflictAction conflict) override {
    const auto key = read_value<std::string>(values[0]);
    for (auto it = store_.rows.begin(); it != store_.rows.end(); ++it) {
      if (it->second.first != key) continue;
      if (conflict != ConflictAction::Replace) constraint_failed("the key '" + key + "' is taken");
      store_.rows.erase(it);
      break;
    }
    const std::int64_t id = rowid.value_or(store_.rows.empty() ? 1 : store_.rows.rbegin()->first + 1);
    store_.rows[id] = {key, Value(values[1])};
    return id;
  }
  void update(std::int64_t rowid, std::int64_t new_rowid, std::span<const ValueRef> values, ConflictAction) override {
    store_.rows.erase(rowid);
    store_.rows[new_rowid] = {read_value<std::string>(values[0]), Value(values[1])};
  }
  void remove(std::int64_t rowid) override { store_.rows.erase(rowid); }
  void begin() override {
    store_.calls.push_back("begin");
    store_.before = store_.rows;
  }
  void sync() override {
    if (store_.refuses) throw std::runtime_error("cannot sync");
  }
  void commit() noexcept override { store_.calls.push_back("commit"); }
  void rollback() noexcept override {
    store_.calls.push_back("rollback");
    store_.rows = store_.before;
  }
  void savepoint(int number) override { store_.savepoints[number] = store_.rows; }
  void rollback_to(int number) override {
    const auto found = store_.savepoints.find(number);
    store_.rows = found == store_.savepoints.end() ? store_.before : found->second;
  }
  void rename(std::string_view name) override { store_.calls.push_back("rename " + std::string(name)); }
  void destroy() override { store_.calls.push_back("destroy"); }

 private:
  class Cursor final : public VirtualCursor {
   public:
    explicit Cursor(Store& store) : store_(store) {}
    void filter(const TableScan&) override { go_to(store_.rows.begin()); }
    bool at_end() const override { return at_ == store_.rows.end(); }
    void next() override { go_to(store_.rows.upper_bound(id_)); }
    void column(int column, ResultSink& result) override {
      if (column == 0) {
        result.set(at_->second.first);
      } else {
        result.set(at_->second.second);
      }
    }
    std::int64_t rowid() override { return id_; }

   private:
    void go_to(std::map<std::int64_t, std::pair<std::string, Value>>::iterator row) {
      at_ = row;
      if (!at_end()) id_ = row->first;  // the row may be deleted before next()
    }
    Store& store_;
    std::map<std::int64_t, std::pair<std::string, Value>>::iterator at_;
    std::int64_t id_ = 0;
  };
  Store& store_;
};

class WritableTest : public VirtualTableTest {
 protected:
  WritableTest() {
    tables_.writable_module("kv", [this](const TableRequest&) { return std::make_unique<KeyValue>(store_); });
  }
  std::vector<std::string> keys() {
    std::vector<std::string> all;
    for (const auto& [id, row] : store_.rows) all.push_back(row.first);
    return all;
  }
  Store store_;
};

TEST_F(WritableTest, InsertUpdateDelete) {
  EXPECT_EQ(conn_.execute("INSERT INTO kv VALUES ('a', 1), ('b', 'two')"), 2u);
  EXPECT_EQ(conn_.last_insert_rowid(), 2);
  conn_.execute("INSERT INTO kv(rowid, key, value) VALUES (9, 'c', x'00')");
  EXPECT_EQ(conn_.execute("UPDATE kv SET value = 5 WHERE key = 'a'"), 1u);
  EXPECT_EQ(conn_.query_value<int>("SELECT value FROM kv WHERE key = 'a'"), 5);
  EXPECT_EQ(conn_.execute("DELETE FROM kv WHERE rowid = 2"), 1u);
  EXPECT_THAT(keys(), ElementsAre("a", "c"));
}

TEST_F(WritableTest, ConstraintsFollowOnConflict) {
  conn_.execute("INSERT INTO kv VALUES ('a', 1)");
  try {
    conn_.execute("INSERT INTO kv VALUES ('a', 2)");
    FAIL();
  } catch (const Constraint& error) {
    EXPECT_EQ(error.kind(), ConstraintKind::VirtualTable);
    EXPECT_STREQ(error.what(), "the key 'a' is taken");
  }
  EXPECT_EQ(conn_.execute("INSERT OR IGNORE INTO kv VALUES ('a', 3), ('b', 1)"), 1u);
  conn_.execute("INSERT OR REPLACE INTO kv VALUES ('a', 4)");
  EXPECT_EQ(conn_.query_value<int>("SELECT value FROM kv WHERE key = 'a'"), 4);
  EXPECT_THROW(conn_.execute("INSERT INTO kv VALUES (NULL, 1)"), TypeMismatch);
}

TEST_F(WritableTest, TakesPartInTransactions) {
  {
    Transaction tx = conn_.transaction();
    tx->execute("INSERT INTO kv VALUES ('a', 1)");
    {
      Transaction inner = conn_.transaction();
      inner->execute("INSERT INTO kv VALUES ('b', 1)");
    }
    EXPECT_THAT(keys(), ElementsAre("a"));
    tx.commit();
  }
  {
    Transaction tx = conn_.transaction();
    tx->execute("DELETE FROM kv");
    EXPECT_THAT(keys(), ElementsAre());
  }
  EXPECT_THAT(keys(), ElementsAre("a"));
  EXPECT_THAT(store_.calls, ElementsAre("begin", "commit", "begin", "rollback"));
  store_.refuses = true;
  EXPECT_THAT(message("INSERT INTO kv VALUES ('z', 1)"), HasSubstr("cannot sync"));
  EXPECT_THAT(keys(), ElementsAre("a"));
}

TEST_F(WritableTest, CreatedTablesGetTheirArgumentsAndAreDestroyed) {
  std::vector<std::string> arguments;
  bool creating = false;
  tables_.writable_module(
      "made",
      [&](const TableRequest& request) {
        arguments.assign(request.arguments.begin(), request.arguments.end());
        arguments.insert(arguments.begin(), std::string(request.table));
        creating = request.creating;
        return std::make_unique<KeyValue>(store_);
      },
      ModuleKind::Created);
  EXPECT_THAT(message("SELECT * FROM made"), HasSubstr("no such table"));
  conn_.execute("CREATE VIRTUAL TABLE mine USING made(size=3, 'text')");
  EXPECT_TRUE(creating);
  EXPECT_THAT(arguments, ElementsAre("mine", "size=3", "'text'"));
  conn_.execute("INSERT INTO mine VALUES ('k', 1)");
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM mine"), 1);
  store_.calls.clear();
  conn_.execute("ALTER TABLE mine RENAME TO ours");
  conn_.execute("DROP TABLE ours");
  EXPECT_THAT(store_.calls, testing::Contains("rename ours"));
  EXPECT_THAT(store_.calls, testing::Contains("destroy"));
}

TEST_F(WritableTest, ATableMayUseTheConnection) {
  conn_.execute("CREATE TABLE real(x)");
  tables_.module("through", [&](const TableRequest&) {
    conn_.execute("INSERT INTO real VALUES (1)");
    return std::make_unique<Squares>(nullptr);
  });
  EXPECT_EQ(column<int>("SELECT n FROM through(2)").size(), 2u);
  EXPECT_EQ(conn_.query_value<int>("SELECT count(*) FROM real"), 1);
}

// Has no rows, and keeps how the texts of each condition are compared.
class Compared final : public VirtualTable {
 public:
  explicit Compared(std::vector<std::string>& collations) : collations_(collations) {}
  std::string declaration() const override { return "CREATE TABLE x(a TEXT, b TEXT COLLATE nocase)"; }
  void best_index(IndexPlan& plan) override {
    collations_.clear();
    for (const IndexConstraint& constraint : plan.constraints) {
      collations_.push_back(std::to_string(constraint.column) + " " + std::string(constraint.collation));
    }
  }
  std::unique_ptr<VirtualCursor> open() override { throw std::runtime_error("no rows"); }

 private:
  std::vector<std::string>& collations_;
};

TEST(VirtualTables, AreToldHowTextsAreCompared) {
  std::vector<std::string> collations;
  Connection conn = Builder::local(":memory:").build().connect();
  VirtualTables(conn).module("compared", [&](const TableRequest&) { return std::make_unique<Compared>(collations); });
  static_cast<void>(conn.prepare("SELECT 1 FROM compared WHERE a = 'x' AND b > 'y' AND a < 'z' COLLATE rtrim LIMIT 5"));
  EXPECT_THAT(collations, testing::UnorderedElementsAre("0 BINARY", "1 NOCASE", "0 RTRIM", "-1 "));
}

}  // namespace

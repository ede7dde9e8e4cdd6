#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libsql/libsql.hpp>

#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PragmaTest : public testing::Test {
 protected:
  libsql::test::TemporaryDirectory directory_;
  Database db_ = Builder::local(directory_.file("pragma.db")).build();
  Connection conn_ = db_.connect();
  Pragma pragma_{conn_};
};

// What the setters promise when a value does not take effect.
template <class Set>
std::string configuration_message(Set&& set) {
  try {
    set();
  } catch (const Configuration& error) {
    return error.message();
  }
  return "(no Configuration was thrown)";
}

TEST_F(PragmaTest, ReadsTheDefaultsOfTheBuilder) {
  EXPECT_EQ(pragma_.journal_mode(), JournalMode::Wal);
  EXPECT_EQ(pragma_.synchronous(), Synchronous::Normal);
  EXPECT_TRUE(pragma_.foreign_keys());
  EXPECT_EQ(pragma_.busy_timeout(), std::chrono::seconds(5));
  EXPECT_EQ(pragma_.encoding(), TextEncoding::Utf8);
  EXPECT_EQ(pragma_.locking_mode(), LockingMode::Normal);
}

TEST_F(PragmaTest, SetsEveryJournalMode) {
  for (const JournalMode mode : {JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist, JournalMode::Memory,
                                 JournalMode::Off, JournalMode::Wal}) {
    pragma_.journal_mode(mode);
    EXPECT_EQ(pragma_.journal_mode(), mode) << to_string(mode);
  }
}

TEST(Pragma, JournalModeThrowsConfigurationWhereTheDatabaseCannotUseIt) {
  auto conn = Builder::local("").build().connect();  // a temporary file has no log that others could read
  Pragma pragma(conn);
  const std::string message = configuration_message([&] { pragma.journal_mode(JournalMode::Wal); });
  EXPECT_THAT(message, HasSubstr("PRAGMA journal_mode could not be set to wal: it is "));
  EXPECT_NE(pragma.journal_mode(), JournalMode::Wal);
}

TEST_F(PragmaTest, EnumsGoRoundTrip) {
  for (const Synchronous level : {Synchronous::Off, Synchronous::Extra, Synchronous::Full, Synchronous::Normal}) {
    pragma_.synchronous(level);
    EXPECT_EQ(pragma_.synchronous(), level);
  }
  for (const TempStore store : {TempStore::File, TempStore::Memory, TempStore::Default}) {
    pragma_.temp_store(store);
    EXPECT_EQ(pragma_.temp_store(), store);
  }
  for (const LockingMode mode : {LockingMode::Exclusive, LockingMode::Normal}) {
    pragma_.locking_mode(mode);
    EXPECT_EQ(pragma_.locking_mode(), mode);
  }
  for (const SecureDelete mode : {SecureDelete::On, SecureDelete::Fast, SecureDelete::Off}) {
    pragma_.secure_delete(mode);
    EXPECT_EQ(pragma_.secure_delete(), mode);
  }
}

TEST_F(PragmaTest, FlagsGoRoundTrip) {
  using Getter = bool (Pragma::*)() const;
  using Setter = void (Pragma::*)(bool);
  const std::pair<Getter, Setter> flags[] = {
      {&Pragma::foreign_keys, &Pragma::foreign_keys},
      {&Pragma::recursive_triggers, &Pragma::recursive_triggers},
      {&Pragma::query_only, &Pragma::query_only},
      {&Pragma::defer_foreign_keys, &Pragma::defer_foreign_keys},
      {&Pragma::trusted_schema, &Pragma::trusted_schema},
      {&Pragma::cell_size_check, &Pragma::cell_size_check},
      {&Pragma::automatic_index, &Pragma::automatic_index},
      {&Pragma::ignore_check_constraints, &Pragma::ignore_check_constraints},
      {&Pragma::read_uncommitted, &Pragma::read_uncommitted},
      {&Pragma::reverse_unordered_selects, &Pragma::reverse_unordered_selects},
      {&Pragma::case_sensitive_like, &Pragma::case_sensitive_like},
  };
  int number = 0;
  for (const auto& [get, set] : flags) {
    SCOPED_TRACE(number++);
    const bool before = (pragma_.*get)();
    (pragma_.*set)(!before);
    EXPECT_EQ((pragma_.*get)(), !before);
    (pragma_.*set)(before);
    EXPECT_EQ((pragma_.*get)(), before);
    (pragma_.*set)(!before);  // a compiled PRAGMA that was kept would do nothing the second time
    EXPECT_EQ((pragma_.*get)(), !before);
    (pragma_.*set)(before);
  }
}

TEST_F(PragmaTest, CacheSizeIsInPagesOrInMemory) {
  pragma_.cache_size(CacheSize::pages(500));
  EXPECT_TRUE(pragma_.cache_size().is_in_pages());
  EXPECT_EQ(pragma_.cache_size().pragma_value(), 500);
  EXPECT_EQ(pragma_.cache_size().bytes(pragma_.page_size()), 500 * 4096);
  pragma_.cache_size(CacheSize::mib(8));
  EXPECT_FALSE(pragma_.cache_size().is_in_pages());
  EXPECT_EQ(pragma_.cache_size(), CacheSize::kib(8192));
  EXPECT_EQ(pragma_.cache_size().bytes(4096), 8 << 20);
  pragma_.cache_size(CacheSize::pages(500));
  EXPECT_EQ(pragma_.cache_size(), CacheSize::pages(500));
}

TEST_F(PragmaTest, NumbersGoRoundTrip) {
  pragma_.user_version(-7);
  EXPECT_EQ(pragma_.user_version(), -7);
  pragma_.application_id(0x7fffffff);
  EXPECT_EQ(pragma_.application_id(), 0x7fffffff);
  pragma_.wal_autocheckpoint(50);
  EXPECT_EQ(pragma_.wal_autocheckpoint(), 50);
  pragma_.journal_size_limit(1 << 20);
  EXPECT_EQ(pragma_.journal_size_limit(), 1 << 20);
  pragma_.mmap_size(1 << 20);
  EXPECT_EQ(pragma_.mmap_size(), 1 << 20);
  pragma_.max_page_count(1000);
  EXPECT_EQ(pragma_.max_page_count(), 1000);
  pragma_.analysis_limit(400);
  EXPECT_EQ(pragma_.analysis_limit(), 400);
  pragma_.busy_timeout(std::chrono::milliseconds(1234));
  EXPECT_EQ(pragma_.busy_timeout(), std::chrono::milliseconds(1234));
}

TEST_F(PragmaTest, SettersThrowConfigurationWhenTheValueDoesNotTakeEffect) {
  conn_.execute("CREATE TABLE t(a)");
  {
    Transaction tx = conn_.transaction();
    EXPECT_EQ(configuration_message([&] { pragma_.foreign_keys(false); }),
              "PRAGMA foreign_keys could not be set to 0: it is 1");
  }
  EXPECT_TRUE(pragma_.foreign_keys());
  EXPECT_THAT(configuration_message([&] { pragma_.page_size(8192); }), HasSubstr("it is 4096"));
  EXPECT_THAT(configuration_message([&] { pragma_.page_size(1000); }), HasSubstr("it is 4096"));
  EXPECT_THAT(configuration_message([&] { pragma_.auto_vacuum(AutoVacuum::Full); }), HasSubstr("it is 0"));
  EXPECT_THAT(configuration_message([&] { pragma_.encoding(TextEncoding::Utf16Le); }), HasSubstr("it is UTF-8"));
  EXPECT_THAT(configuration_message([&] { pragma_.max_page_count(1); }), HasSubstr("could not be set to 1"));
}

TEST(Pragma, LayoutCanBeChosenWhileTheDatabaseIsEmpty) {
  auto conn = Builder::local("").build().connect();
  Pragma pragma(conn);
  pragma.page_size(8192);
  pragma.encoding(TextEncoding::Utf16Be);
  pragma.auto_vacuum(AutoVacuum::Incremental);
  conn.execute("CREATE TABLE t(a)");
  EXPECT_EQ(pragma.page_size(), 8192);
  EXPECT_EQ(pragma.encoding(), TextEncoding::Utf16Be);
  EXPECT_EQ(pragma.auto_vacuum(), AutoVacuum::Incremental);
}

TEST_F(PragmaTest, SpeaksOfTheSchemaItWasMadeFor) {
  conn_.execute("ATTACH ? AS 'odd \"name\"'", directory_.file("other.db"));
  Pragma other(conn_, "odd \"name\"");
  other.user_version(9);
  EXPECT_EQ(other.user_version(), 9);
  EXPECT_EQ(pragma_.user_version(), 0);
  conn_.execute("CREATE TABLE \"odd \"\"name\"\"\".there(a)");
  EXPECT_EQ(other.table_info("there").size(), 1u);
  EXPECT_THAT(pragma_.table_info("there"), IsEmpty());
  Pragma missing(conn_, "missing");
  EXPECT_THROW(missing.user_version(), SqlError);
}

TEST_F(PragmaTest, TableXinfoTellsOfHiddenAndGeneratedColumns) {
  conn_.execute(
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x', c AS (a + 1), d AS (a + 2) STORED, \"e'f\")");
  const auto info = pragma_.table_info("t");
  ASSERT_EQ(info.size(), 3u);
  EXPECT_EQ(info[0].primary_key, 1);
  EXPECT_EQ(info[1].declared_type, "TEXT");
  EXPECT_TRUE(info[1].not_null);
  EXPECT_EQ(info[1].default_value, "'x'");
  EXPECT_EQ(info[2].name, "e'f");
  EXPECT_EQ(info[2].default_value, std::nullopt);
  const auto all = pragma_.table_xinfo("t");
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[2].kind, ColumnKind::GeneratedVirtual);
  EXPECT_EQ(all[3].kind, ColumnKind::GeneratedStored);
  conn_.execute("CREATE VIRTUAL TABLE words USING fts5(text)");
  EXPECT_EQ(pragma_.table_xinfo("words").at(1).kind, ColumnKind::Hidden);
  EXPECT_THAT(pragma_.table_xinfo("no such table"), IsEmpty());
}

TEST_F(PragmaTest, IndexesAreListedWithTheirColumns) {
  conn_.execute("CREATE TABLE t(a TEXT UNIQUE, b, c, PRIMARY KEY(b, c))");
  conn_.execute("CREATE INDEX \"my index\" ON t(a COLLATE NOCASE DESC, b + 1) WHERE c > 0");
  const auto list = pragma_.index_list("t");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].name, "my index");
  EXPECT_EQ(list[0].origin, IndexOrigin::CreateIndex);
  EXPECT_TRUE(list[0].partial);
  EXPECT_FALSE(list[0].unique);
  EXPECT_EQ(list[1].origin, IndexOrigin::PrimaryKey);
  EXPECT_EQ(list[2].origin, IndexOrigin::Unique);
  EXPECT_TRUE(list[2].unique);
  const auto columns = pragma_.index_info("my index");
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_EQ(columns[0].name, "a");
  EXPECT_EQ(columns[0].table_column, 0);
  EXPECT_EQ(columns[0].collation, "NOCASE");
  EXPECT_TRUE(columns[0].descending);
  EXPECT_EQ(columns[1].table_column, std::nullopt);
  EXPECT_FALSE(columns[1].is_rowid);
  const auto all = pragma_.index_xinfo("my index");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[2].is_rowid);
  EXPECT_FALSE(all[2].key);
}

TEST_F(PragmaTest, ForeignKeysAreGroupedByConstraint) {
  conn_.execute("CREATE TABLE parent(x, y, PRIMARY KEY(x, y))");
  conn_.execute(
      "CREATE TABLE child(a, b, c REFERENCES parent2 ON DELETE CASCADE ON UPDATE SET NULL,"
      " FOREIGN KEY(a, b) REFERENCES parent(x, y))");
  const auto keys = pragma_.foreign_key_list("child");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].parent, "parent");
  EXPECT_THAT(keys[0].columns, ElementsAre("a", "b"));
  EXPECT_THAT(keys[0].parent_columns, ElementsAre("x", "y"));
  EXPECT_EQ(keys[0].on_delete, "NO ACTION");
  EXPECT_EQ(keys[1].parent, "parent2");
  EXPECT_THAT(keys[1].parent_columns, IsEmpty());
  EXPECT_EQ(keys[1].on_delete, "CASCADE");
  EXPECT_EQ(keys[1].on_update, "SET NULL");
}

TEST_F(PragmaTest, ListsTablesDatabasesFunctionsAndTheRest) {
  conn_.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT, WITHOUT ROWID");
  conn_.execute("CREATE VIEW v AS SELECT 1");
  const auto tables = pragma_.table_list();
  const auto find = [&](const char* name) {
    for (const auto& table : tables) {
      if (table.name == name) return table;
    }
    return TableEntry{};
  };
  EXPECT_EQ(find("t").type, "table");
  EXPECT_TRUE(find("t").strict);
  EXPECT_TRUE(find("t").without_rowid);
  EXPECT_EQ(find("t").columns, 2);
  EXPECT_EQ(find("v").type, "view");
  const auto databases = pragma_.database_list();
  ASSERT_EQ(databases.size(), 1u);
  EXPECT_EQ(databases[0].name, "main");
  EXPECT_THAT(databases[0].file, HasSubstr("pragma.db"));
  EXPECT_THAT(pragma_.compile_options(), Contains("ENABLE_FTS5"));
  EXPECT_THAT(pragma_.collation_list(), Contains("NOCASE"));
  EXPECT_THAT(pragma_.module_list(), Contains("fts5"));
  EXPECT_THAT(pragma_.pragma_list(), Contains("journal_mode"));
  bool found = false;
  for (const auto& function : pragma_.function_list()) {
    found = found || (function.name == "upper" && function.builtin && function.deterministic);
  }
  EXPECT_TRUE(found);
}

TEST_F(PragmaTest, CheckpointTellsHowFarItCame) {
  conn_.execute("CREATE TABLE t(a)");
  const CheckpointResult passive = pragma_.wal_checkpoint();
  EXPECT_FALSE(passive.busy);
  EXPECT_GT(passive.log, 0);
  EXPECT_EQ(passive.checkpointed, passive.log);
  conn_.execute("INSERT INTO t VALUES (1)");
  Connection reader = db_.connect();
  reader.busy_timeout(std::chrono::milliseconds(0));
  conn_.busy_timeout(std::chrono::milliseconds(0));
  {
    Transaction tx = reader.transaction();
    reader.query_value<int>("SELECT count(*) FROM t");
    conn_.execute("INSERT INTO t VALUES (2)");
    EXPECT_TRUE(pragma_.wal_checkpoint(WalCheckpointMode::Full).busy);
  }
  const CheckpointResult truncated = pragma_.wal_checkpoint(WalCheckpointMode::Truncate);
  EXPECT_FALSE(truncated.busy);
  EXPECT_EQ(truncated.log, 0);
  reader.close();
  pragma_.journal_mode(JournalMode::Delete);
  EXPECT_EQ(pragma_.wal_checkpoint().log, -1);
}

TEST_F(PragmaTest, IntegrityCheckFindsADamagedIndex) {
  conn_.execute("CREATE TABLE t(a)");
  conn_.execute("CREATE INDEX i ON t(a) WHERE a > 1");
  conn_.execute("CREATE TABLE \"odd name\"(a CHECK (a > 0))");
  conn_.execute("INSERT INTO t VALUES (1), (2)");
  EXPECT_THAT(pragma_.integrity_check(), IsEmpty());
  EXPECT_THAT(pragma_.quick_check("t"), IsEmpty());
  // The index is made to lack what the table holds.
  conn_.execute("PRAGMA writable_schema=ON");
  ASSERT_EQ(conn_.execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a)' WHERE name = 'i'"), 1u);
  conn_ = db_.connect();
  Pragma fresh(conn_);
  EXPECT_THAT(fresh.integrity_check(), Not(IsEmpty()));
  EXPECT_THAT(fresh.integrity_check("t"), Contains(HasSubstr("index i")));
  EXPECT_THAT(fresh.integrity_check("odd name"), IsEmpty());
  EXPECT_EQ(fresh.integrity_check(1).size(), 1u);
}

TEST_F(PragmaTest, ForeignKeyCheckNamesTheRows) {
  conn_.execute("CREATE TABLE parent(a PRIMARY KEY)");
  conn_.execute("CREATE TABLE child(a REFERENCES parent)");
  EXPECT_THAT(pragma_.foreign_key_check(), IsEmpty());
  pragma_.foreign_keys(false);
  conn_.execute("INSERT INTO child(rowid, a) VALUES (7, 'x')");
  const auto violations = pragma_.foreign_key_check("child");
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].table, "child");
  EXPECT_EQ(violations[0].rowid, 7);
  EXPECT_EQ(violations[0].parent, "parent");
  EXPECT_EQ(pragma_.foreign_key_check().size(), 1u);
}

TEST(Pragma, TheBuilderShapesANewFileInWalModeToo) {
  libsql::test::TemporaryDirectory directory;
  auto db = Builder::local(directory.file("shape.db"))
                .pragma("page_size", 8192)
                .pragma("auto_vacuum", "full")
                .pragma("encoding", "UTF-16le")
                .build();
  auto conn = db.connect();
  Pragma pragma(conn);
  EXPECT_EQ(pragma.journal_mode(), JournalMode::Wal);
  EXPECT_EQ(pragma.page_size(), 8192);
  EXPECT_EQ(pragma.auto_vacuum(), AutoVacuum::Full);
  EXPECT_EQ(pragma.encoding(), TextEncoding::Utf16Le);
}

TEST(Pragma, IncrementalVacuumGivesPagesBack) {
  libsql::test::TemporaryDirectory directory;
  auto conn = Builder::local(directory.file("vacuum.db")).pragma("auto_vacuum", "incremental").build().connect();
  Pragma pragma(conn);
  ASSERT_EQ(pragma.auto_vacuum(), AutoVacuum::Incremental);
  conn.execute("CREATE TABLE t(a)");
  conn.execute("INSERT INTO t VALUES (zeroblob(100000))");
  conn.execute("DELETE FROM t");
  const std::int64_t free = pragma.freelist_count();
  ASSERT_GT(free, 10);
  EXPECT_EQ(pragma.incremental_vacuum(5), 5);
  EXPECT_EQ(pragma.incremental_vacuum(), free - 5);
  EXPECT_EQ(pragma.freelist_count(), 0);
  EXPECT_THROW(pragma.incremental_vacuum(-1), OutOfRange);
}

TEST_F(PragmaTest, OptimizeCanBePreviewed) {
  conn_.execute("CREATE TABLE t(a)");
  conn_.execute("CREATE INDEX i ON t(a)");
  conn_.execute("INSERT INTO t SELECT value FROM json_each('[1,2,3]')");
  conn_.query<>("SELECT * FROM t WHERE a = 1").fetch_all();
  EXPECT_THAT(pragma_.optimize_preview(), Contains(HasSubstr("ANALYZE")));
  pragma_.optimize();
  pragma_.shrink_memory();
}

TEST_F(PragmaTest, DataVersionChangesWithTheCommitsOfOthers) {
  conn_.execute("CREATE TABLE t(a)");
  const auto data = pragma_.data_version();
  const auto schema = pragma_.schema_version();
  EXPECT_EQ(pragma_.data_version(), data);
  db_.connect().execute("CREATE TABLE u(a)");
  EXPECT_NE(pragma_.data_version(), data);
  EXPECT_NE(pragma_.schema_version(), schema);
  EXPECT_GT(pragma_.page_count(), 1);
}

TEST_F(PragmaTest, AnyPragmaGoesByItsName) {
  EXPECT_EQ(pragma_.value("page_size"), Value(4096));
  EXPECT_EQ(pragma_.value("Journal_Mode"), Value("wal"));
  EXPECT_EQ(pragma_.set("journal_mode", "delete"), Value("delete"));
  EXPECT_EQ(pragma_.set("synchronous", "full"), std::nullopt);
  EXPECT_EQ(pragma_.synchronous(), Synchronous::Full);
  EXPECT_EQ(pragma_.set("foreign_keys", false), std::nullopt);
  EXPECT_FALSE(pragma_.foreign_keys());
  conn_.execute("CREATE TABLE \"a b'c\"(x)");
  EXPECT_EQ(pragma_.rows("table_info", "a b'c").at(0).get<std::string>("name"), "x");
  EXPECT_EQ(pragma_.rows("database_list").size(), 1u);
  EXPECT_EQ(pragma_.value("shrink_memory"), std::nullopt);
}

TEST_F(PragmaTest, UnknownNamesAndValuesThrowConfiguration) {
  EXPECT_THROW(pragma_.value("no_such_pragma"), Configuration);
  EXPECT_THROW(pragma_.value("page_size; DROP TABLE t"), Configuration);
  EXPECT_THROW(pragma_.set("key", "secret"), Configuration);  // keys go through the Builder, past every log
  EXPECT_THROW(pragma_.set("user_version", null), Configuration);
  EXPECT_THROW(pragma_.set("user_version", Blob{std::byte{1}}), Configuration);
  EXPECT_THROW(pragma_.rows("", 1), Configuration);
}

TEST_F(PragmaTest, ValuesCannotBecomeSql) {
  conn_.execute("CREATE TABLE t(a)");
  pragma_.set("user_version", "1; DROP TABLE t");  // a string, of which the engine takes the number
  EXPECT_EQ(pragma_.table_info("t").size(), 1u);
  EXPECT_THAT(pragma_.table_info("t'); DROP TABLE t; --"), IsEmpty());
  EXPECT_EQ(pragma_.table_info("t").size(), 1u);
}

TEST(Pragma, KeepsTheSessionAliveAndRefusesAClosedOne) {
  std::optional<Pragma> pragma;
  {
    auto conn = Builder::local(":memory:").build().connect();
    pragma.emplace(conn);
  }
  EXPECT_EQ(pragma->user_version(), 0);
  auto conn = Builder::local(":memory:").build().connect();
  Pragma closed(conn);
  conn.close();
  EXPECT_THROW(closed.user_version(), Misuse);
}

TEST(PragmaText, ReadsTheValueOfNowThoughStatementsAreCached) {
  auto conn = Builder::local(":memory:").build().connect();
  conn.execute("PRAGMA cache_size=100");
  EXPECT_EQ(conn.query_value<int>("PRAGMA cache_size"), 100);
  conn.execute("PRAGMA cache_size=200");
  EXPECT_EQ(conn.query_value<int>("PRAGMA cache_size"), 200);
  conn.execute("PRAGMA cache_size=100");
  EXPECT_EQ(conn.query_value<int>("PRAGMA cache_size"), 100);
}

TEST(PragmaText, BusyTimeoutIsTheConnectionsOwn) {
  auto db = Builder::local(":memory:").pragma("busy_timeout", 750).build();
  auto conn = db.connect();
  EXPECT_EQ(conn.busy_timeout(), std::chrono::milliseconds(750));
  EXPECT_EQ(conn.query_value<int>("PRAGMA busy_timeout"), 750);
  EXPECT_EQ(conn.query_value<int>("PRAGMA busy_timeout = 1500"), 1500);
  EXPECT_EQ(conn.busy_timeout(), std::chrono::milliseconds(1500));
  conn.busy_timeout(std::chrono::milliseconds(40));
  EXPECT_EQ(conn.query_value<int>("PRAGMA busy_timeout"), 40);
  EXPECT_THROW(conn.execute("PRAGMA busy_timeout = ?", 1), SqlError);
  EXPECT_EQ(conn.busy_timeout(), std::chrono::milliseconds(40));
  conn.reset();
  EXPECT_EQ(conn.busy_timeout(), std::chrono::milliseconds(750));
}

TEST(PragmaText, AReadOnlyTransactionLeavesAQueryOnlyConnectionAsItWas) {
  auto conn = Builder::local(":memory:").build().connect();
  conn.execute("CREATE TABLE t(a)");
  for (const bool on : {false, true}) {
    Pragma(conn).query_only(on);
    {
      Transaction tx = conn.transaction(TransactionBehavior::ReadOnly);
      EXPECT_THROW(conn.execute("INSERT INTO t VALUES (1)"), ReadOnly);
    }
    EXPECT_EQ(Pragma(conn).query_only(), on);
  }
}

}  // namespace
}  // namespace libsql

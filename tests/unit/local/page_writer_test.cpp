// Writing a database page by page: what readers see meanwhile, what is refused, and what is left after failures.
#include "local/page_writer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/error.hpp>

#include "local/store.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::local {
namespace {

using Pages = std::vector<std::vector<std::byte>>;  // page n is at n - 1

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

enum class Kept : std::uint8_t { Plain, Encrypted };

class PageWriterTest : public testing::TestWithParam<Kept> {
 protected:
  std::shared_ptr<Store> open(const std::string& name, bool encrypted, std::chrono::milliseconds busy = {}) {
    Options options;
    options.path = directory_.file(name);
    options.busy_timeout = busy;
    if (encrypted) options.encryption = Encryption("a secret key");
    return Store::open(std::move(options));
  }
  std::shared_ptr<Store> open_copy() { return open("copy", GetParam() == Kept::Encrypted); }

  // The database that the copy follows: its pages after some SQL.
  Pages pages_after(const std::string& sql) {
    {
      const auto store = open("source", false);
      store->borrow()->execute_script(sql);
    }
    const std::string bytes = bytes_of(directory_.file("source"));
    Pages pages;
    for (std::size_t at = 0; at + 4096 <= bytes.size(); at += 4096) {
      const auto part = std::as_bytes(std::span(bytes)).subspan(at, 4096);
      pages.emplace_back(part.begin(), part.end());
    }
    return pages;
  }

  static void put(PageWriter& writer, const Pages& pages, const Pages& before = {}) {
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (i < before.size() && before[i] == pages[i]) continue;
      writer.put(static_cast<std::uint32_t>(i + 1), pages[i]);
    }
  }
  static void apply(PageWriter& writer, const Pages& pages, const Pages& before = {}) {
    put(writer, pages, before);
    writer.commit(static_cast<std::uint32_t>(pages.size()));
  }
  static std::int64_t number(Store& store, const std::string& sql) { return store.borrow()->query_integer(sql); }
  static std::string check(Store& store) {
    return store.borrow()->query_text("PRAGMA integrity_check").value_or("no answer");
  }

  test::TemporaryDirectory directory_;
};

constexpr const char* kFirst =
    "CREATE TABLE t(a, b); INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, 50)";

TEST_P(PageWriterTest, MakesACopyOfAnotherDatabase) {
  const Pages pages = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, pages);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 50);
  EXPECT_EQ(check(*store), "ok");
  EXPECT_FALSE(writer.has_lock());
}

TEST_P(PageWriterTest, AppliesASchemaOfAnotherFormToADatabaseThatShrinks) {
  const auto tables = [](const char* verb, int count, const char* columns) {
    std::string sql;
    for (int i = 0; i < count; ++i) {
      sql.append(verb).append(" TABLE a_table_with_quite_a_long_name_").append(std::to_string(i)).append(columns);
    }
    return sql;
  };
  // A state whose page 1 has remnants of other tables, a later one with more tables and rows; and the other way round,
  // as after a restore. Then so many tables that page 1 holds only the way to them, and few again.
  const char* const columns = "(a, b, c, d, e, f, g, h);";
  const Pages old = pages_after("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 1);" + tables("CREATE", 12, columns) +
                                tables("DROP", 12, ";"));
  const Pages later = pages_after(tables("CREATE", 12, columns) +
                                  "INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(2, 300)");
  const Pages many =
      pages_after(tables("DROP", 12, ";") + "DELETE FROM t WHERE a > 1;" + tables("CREATE", 60, columns) + "VACUUM");
  const Pages few = pages_after(tables("DROP", 60, ";") + "VACUUM");
  const std::vector<Pages> states{old, later, old, later, many, few};
  const auto store = open_copy();
  PageWriter writer(store);
  for (const Pages& pages : states) {
    apply(writer, pages);
    EXPECT_FALSE(writer.is_empty());
    EXPECT_EQ(number(*store, "PRAGMA page_count"), static_cast<std::int64_t>(pages.size()));
    EXPECT_EQ(check(*store), "ok");
  }
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 1);
}

TEST_P(PageWriterTest, GoesFromAnyStateToAnyOtherWhateverTheirSchemas) {
  // Tables whose definitions are of many lengths come and go, so that each page 1 has remnants of others.
  std::vector<Pages> states{pages_after("CREATE TABLE t(a, b)")};
  std::minstd_rand random(20240607);
  for (int i = 0; i < 24; ++i) {
    std::string sql = i % 3 == 0 ? "DELETE FROM t;" : "";
    for (int k = 0; k < 4; ++k) {
      const std::string name = std::string("n").append(std::to_string(random() % 9));
      sql.append("DROP TABLE IF EXISTS ").append(name).append(";");
      if (random() % 3 == 0) continue;
      sql.append("CREATE TABLE ").append(name).append("(a, b /*").append(random() % 900, 'x').append("*/);");
    }
    sql.append("INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, ");
    sql.append(std::to_string(random() % 60)).append(");");
    if (i % 3 == 1) sql.append("VACUUM;");
    states.push_back(pages_after(sql));
  }
  const auto store = open_copy();
  PageWriter writer(store);
  for (int i = 0; i < 80; ++i) {
    const Pages& pages = states[random() % states.size()];
    ASSERT_NO_THROW(apply(writer, pages)) << i;
    ASSERT_FALSE(writer.is_empty()) << i;
    ASSERT_EQ(number(*store, "PRAGMA page_count"), static_cast<std::int64_t>(pages.size())) << i;
    ASSERT_EQ(check(*store), "ok") << i;
  }
}

TEST_P(PageWriterTest, AppliesChangesOfRowsAndSchemaThatOpenConnectionsNotice) {
  const Pages first = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, first);
  const auto session = store->connect();
  const auto count = session->prepare("SELECT count(*), max(length(b)) FROM t", core::Use::Often);
  const Pages second =
      pages_after("ALTER TABLE t ADD COLUMN c DEFAULT 7; INSERT INTO t(a) VALUES (51); CREATE TABLE u(x)");
  apply(writer, second, first);
  count->open({}, core::ArgumentLifetime::Copy);
  ASSERT_TRUE(count->next());
  EXPECT_EQ(count->cell(0).integer(), 51);
  count->close_cursor();
  EXPECT_EQ(number(*store, "SELECT sum(c) FROM t"), 51 * 7);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM u"), 0);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, LeavesReadersTheirSnapshot) {
  const Pages first = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, first);
  auto reader = store->borrow();
  reader->execute_script("BEGIN");
  ASSERT_EQ(reader->query_integer("SELECT count(*) FROM t"), 50);
  apply(writer, pages_after("DELETE FROM t WHERE a > 10"), first);
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t"), 50);
  reader->execute_script("COMMIT");
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t"), 10);
}

TEST_P(PageWriterTest, ShrinksTheDatabase) {
  const Pages first = pages_after(kFirst);
  const auto store = open_copy();
  {
    PageWriter writer(store);
    apply(writer, first);
    const Pages second = pages_after("DELETE FROM t WHERE a > 3; VACUUM");
    ASSERT_LT(second.size(), first.size());
    apply(writer, second, first);
    EXPECT_EQ(number(*store, "PRAGMA page_count"), static_cast<std::int64_t>(second.size()));
    EXPECT_EQ(check(*store), "ok");
  }
  store->checkpoints().checkpoint(Checkpoints::Extent::Cut);
  EXPECT_LT(std::filesystem::file_size(directory_.file("copy")), first.size() * 4096);
}

TEST_P(PageWriterTest, FollowsADatabaseThatVacuumsItselfAtEachCommit) {
  const Pages first = pages_after(std::string("PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=FULL; VACUUM;") + kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, first);
  const Pages second = pages_after("DELETE FROM t WHERE a < 40");
  ASSERT_LT(second.size(), first.size());
  apply(writer, second, first);
  const Pages third = pages_after("INSERT INTO t SELECT value, zeroblob(9000) FROM generate_series(100, 140)");
  apply(writer, third, second);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 52);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, WritesAPageThatComesOftenOnce) {
  const Pages pages = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  const std::vector<std::byte> older(4096, std::byte{1});
  for (int i = 0; i < 1000; ++i) writer.put(2, older);
  EXPECT_EQ(writer.held(), 1U);
  apply(writer, pages);
  EXPECT_EQ(check(*store), "ok");
  EXPECT_LT(std::filesystem::file_size(directory_.file("copy-wal")), (pages.size() + 10) * 4200);
}

TEST_P(PageWriterTest, KeepsNoneOfATransactionThatIsDropped) {
  const Pages first = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, first);
  put(writer, pages_after("DELETE FROM t"), first);
  writer.begin();
  EXPECT_TRUE(writer.has_lock());
  writer.roll_back();
  EXPECT_FALSE(writer.has_lock());
  EXPECT_EQ(writer.held(), 0U);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 50);
}

TEST_P(PageWriterTest, HandsATransactionLargerThanItsMemoryToTheEngineUnseen) {
  const Pages pages =
      pages_after("CREATE TABLE t(a, b); INSERT INTO t SELECT value, zeroblob(40000) FROM generate_series(1, 300)");
  ASSERT_GT(pages.size() * 4096, PageWriter::kHeldBytes);
  const auto store = open_copy();
  PageWriter writer(store);
  put(writer, pages);
  EXPECT_TRUE(writer.has_spilled());
  EXPECT_EQ(number(*store, "SELECT count(*) FROM sqlite_schema"), 0);
  writer.commit(static_cast<std::uint32_t>(pages.size()));
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 300);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, FillsAnEmptyDatabaseInStagesThatNobodySees) {
  const Pages pages = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  ASSERT_TRUE(writer.is_empty());
  writer.begin_staging();
  for (std::size_t i = 1; i < pages.size(); ++i) {
    writer.put(static_cast<std::uint32_t>(i + 1), pages[i]);
    if (i % 7 == 0) {
      writer.stage();
      EXPECT_FALSE(writer.has_lock());
      EXPECT_TRUE(writer.is_empty());
    }
  }
  writer.put(1, pages[0]);
  writer.commit(static_cast<std::uint32_t>(pages.size()));
  EXPECT_FALSE(writer.is_empty());
  EXPECT_EQ(writer.connection().query_integer("PRAGMA synchronous"), 2);  // the last commit waited for the disk
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 50);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, FillsADatabaseAgainWhoseStagesWereCutOff) {
  const Pages pages = pages_after(kFirst);
  {
    PageWriter writer(open_copy());
    for (std::size_t i = 1; i < pages.size(); ++i) writer.put(static_cast<std::uint32_t>(i + 1), pages[i]);
    writer.stage();
  }
  const auto store = open_copy();
  EXPECT_EQ(check(*store), "ok");
  PageWriter writer(store);
  EXPECT_TRUE(writer.is_empty());
  // Nobody knows what is left of them.
  writer.put(1, pages[0]);
  EXPECT_THROW(writer.commit(static_cast<std::uint32_t>(pages.size())), Corrupt);
  apply(writer, pages);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 50);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, RefusesPagesThatCannotBeOfTheDatabase) {
  const Pages pages = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  EXPECT_THROW(writer.put(0, pages[1]), Corrupt);
  EXPECT_THROW(writer.put(0x40000000 / 4096 + 1, pages[1]), Corrupt);
  EXPECT_THROW(writer.put(2, std::span(pages[1]).first(4095)), Corrupt);
  EXPECT_THROW(writer.put(1, pages[1]), Corrupt);
  std::vector<std::byte> other_size = pages[0];
  other_size[16] = std::byte{0x20};
  EXPECT_THROW(writer.put(1, other_size), Corrupt);
  EXPECT_EQ(writer.held(), 0U);
  apply(writer, pages);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, RefusesACommitThatLeavesPagesOut) {
  const Pages pages = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  put(writer, pages);
  EXPECT_THROW(writer.commit(static_cast<std::uint32_t>(pages.size() + 1)), Corrupt);
  EXPECT_THROW(writer.commit(0), Corrupt);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM sqlite_schema"), 0);
  apply(writer, pages);
  EXPECT_EQ(check(*store), "ok");
}

TEST_P(PageWriterTest, WaitsForTheWriteLockOnlyAsLongAsItMay) {
  const Pages first = pages_after(kFirst);
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, first);
  auto other = store->borrow();
  other->execute_script("BEGIN IMMEDIATE");
  put(writer, pages_after("DELETE FROM t"), first);
  EXPECT_THROW(writer.commit(static_cast<std::uint32_t>(first.size())), Busy);
  EXPECT_FALSE(writer.has_lock());
  other->execute_script("ROLLBACK");
  apply(writer, pages_after("SELECT 1"), first);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t"), 0);
}

TEST_P(PageWriterTest, TellsTheLineOfWritersOfItsCommits) {
  const Pages pages = pages_after(kFirst);
  const auto store = open_copy();
  std::uint32_t frames = 0;
  const auto listening =
      store->write_line()->after_write([&](const WriteLine::Write& write) { frames += write.frames; });
  PageWriter writer(store);
  apply(writer, pages);
  EXPECT_GE(frames, pages.size());
}

TEST_P(PageWriterTest, LeavesAnEncryptedFileWithoutPlainText) {
  if (GetParam() != Kept::Encrypted) GTEST_SKIP() << "of an encrypted copy alone";
  const std::string word = "a word that nobody may read";
  const Pages pages =
      pages_after("CREATE TABLE t(a); INSERT INTO t SELECT '" + word + "' FROM generate_series(1, 500)");
  const auto store = open_copy();
  PageWriter writer(store);
  apply(writer, pages);
  for (int i = 0; i < 2; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (!entry.path().filename().string().starts_with("copy")) continue;
      const std::string bytes = bytes_of(entry.path());
      EXPECT_EQ(bytes.find(word), std::string::npos) << entry.path();
      EXPECT_EQ(bytes.find("CREATE TABLE"), std::string::npos) << entry.path();
    }
    store->checkpoints().checkpoint(Checkpoints::Extent::Cut);
  }
  EXPECT_EQ(number(*store, "SELECT count(*) FROM t WHERE a = '" + word + "'"), 500);
}

INSTANTIATE_TEST_SUITE_P(Files, PageWriterTest, testing::Values(Kept::Plain, Kept::Encrypted),
                         [](const auto& kept) { return kept.param == Kept::Plain ? "Plain" : "Encrypted"; });

class PageWriterCiphers : public PageWriterTest {};

TEST_P(PageWriterCiphers, RefusesADatabaseThatUsesTheBytesWhichTheCipherNeeds) {
  const Pages pages = pages_after(kFirst);
  Options options;
  options.path = directory_.file("sealed");
  options.encryption = Encryption("a secret key", "chacha20");
  const auto store = Store::open(std::move(options));
  PageWriter writer(store);
  EXPECT_THROW(writer.put(1, pages[0]), Unsupported);
  EXPECT_EQ(number(*store, "SELECT count(*) FROM sqlite_schema"), 0);
}

INSTANTIATE_TEST_SUITE_P(Files, PageWriterCiphers, testing::Values(Kept::Encrypted));

}  // namespace
}  // namespace libsql::local

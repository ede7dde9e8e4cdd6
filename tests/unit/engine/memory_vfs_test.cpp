// Databases in memory that connections share.
#include <libsql/memory_vfs.hpp>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/vfs.hpp"
#include "support/temporary_directory.hpp"
#include "unit/engine/raw_sqlite.hpp"

namespace libsql {
namespace {

using test::Raw;

class MemoryVfsTest : public testing::Test {
 protected:
  MemoryVfsTest() { memory_vfs(); }
  static Raw open(const char* name) { return Raw(name, "libsql-memory"); }
};

TEST_F(MemoryVfsTest, ConnectionsShareADatabaseAndItsSnapshots) {
  Raw writer = open("shared");
  ASSERT_EQ(writer.open_code, SQLITE_OK);
  EXPECT_EQ(writer.text("PRAGMA journal_mode=wal"), "wal");
  ASSERT_SQL_OK(writer, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  Raw reader = open("shared");
  ASSERT_SQL_OK(reader, "BEGIN");
  EXPECT_EQ(reader.text("SELECT count(*) FROM t"), "1");
  ASSERT_SQL_OK(writer, "INSERT INTO t VALUES (2)");
  EXPECT_EQ(reader.text("SELECT count(*) FROM t"), "1") << "the reader keeps its snapshot";
  EXPECT_EQ(writer.text("PRAGMA wal_checkpoint(PASSIVE)"), "0");
  EXPECT_EQ(reader.text("SELECT count(*) FROM t"), "1");
  ASSERT_SQL_OK(reader, "COMMIT");
  EXPECT_EQ(reader.text("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(reader.text("PRAGMA integrity_check"), "ok");
}

TEST_F(MemoryVfsTest, ADatabaseVanishesWithItsLastConnection) {
  const std::uint64_t before = memory_vfs()->bytes_used();
  for (const char* mode : {"delete", "persist", "truncate", "wal"}) {
    Raw one = open("vanishing");
    ASSERT_SQL_OK(one, std::string("PRAGMA journal_mode=") + mode + "; CREATE TABLE t(a)");
    {
      Raw two = open("vanishing");
      EXPECT_EQ(two.text("SELECT count(*) FROM t"), "0");
    }
    EXPECT_GT(memory_vfs()->bytes_used(), before);
    EXPECT_EQ(one.text("SELECT count(*) FROM t"), "0");
    one.close();
    EXPECT_EQ(memory_vfs()->bytes_used(), before) << mode;
    EXPECT_FALSE(memory_vfs()->exists("vanishing"));
    EXPECT_FALSE(memory_vfs()->exists("vanishing-journal"));
    EXPECT_FALSE(memory_vfs()->exists("vanishing-wal"));
  }
}

TEST_F(MemoryVfsTest, AHoldKeepsADatabase) {
  const std::uint64_t before = memory_vfs()->bytes_used();
  {
    MemoryHold hold = memory_vfs()->hold("held");
    EXPECT_FALSE(memory_vfs()->exists("held"));
    EXPECT_EQ(Raw("held", "libsql-memory", SQLITE_OPEN_READWRITE).open_code, SQLITE_CANTOPEN);
    {
      Raw raw = open("held");
      ASSERT_SQL_OK(raw, "CREATE TABLE t(a); INSERT INTO t VALUES (7)");
    }
    const MemoryHold moved = std::move(hold);
    Raw again("held", "libsql-memory", SQLITE_OPEN_READONLY);
    EXPECT_EQ(again.text("SELECT a FROM t"), "7");
  }
  EXPECT_EQ(memory_vfs()->bytes_used(), before);
}

TEST_F(MemoryVfsTest, ShrinkingGivesMemoryBack) {
  Raw raw = open("shrinking");
  ASSERT_SQL_OK(raw, "CREATE TABLE t(a)");
  const std::uint64_t before = memory_vfs()->bytes_used();
  ASSERT_SQL_OK(raw, "INSERT INTO t VALUES (zeroblob(3000000))");
  EXPECT_GE(memory_vfs()->bytes_used(), 3000000u);
  ASSERT_SQL_OK(raw, "DELETE FROM t; VACUUM");
  EXPECT_LE(memory_vfs()->bytes_used(), before + 200000);
}

TEST_F(MemoryVfsTest, WhatGrowsAgainAfterACutReadsAsZeros) {
  MemoryVfs vfs;
  const auto file = vfs.open(VfsFileName("x"), VfsOpen::ReadWrite | VfsOpen::Create);
  const std::vector<std::byte> ones(200000, std::byte{1});
  file->write(ones, 0);
  file->truncate(100);
  EXPECT_EQ(file->size(), 100u);
  file->write(std::span(ones).first(1), 299999);
  std::vector<std::byte> all(400000, std::byte{9});
  EXPECT_EQ(file->read(all, 0), 300000u);
  for (std::size_t i = 0; i < 300000; ++i) {
    ASSERT_EQ(all[i], i < 100 || i == 299999 ? std::byte{1} : std::byte{0}) << i;
  }
  EXPECT_EQ(file->read(all, 300000), 0u);
}

TEST_F(MemoryVfsTest, PagesAreReadInPlaceAndStayThereWhileUsed) {
  MemoryVfs vfs;
  const auto file = vfs.open(VfsFileName("x"), VfsOpen::ReadWrite | VfsOpen::Create);
  const std::vector<std::byte> ones(100000, std::byte{1});
  file->write(ones, 0);
  EXPECT_EQ(file->fetch(99000, 4096), nullptr) << "beyond the end";
  EXPECT_EQ(file->fetch(64000, 4096), nullptr) << "across two pieces";
  const std::byte* page = file->fetch(69632, 4096);
  ASSERT_NE(page, nullptr);
  file->truncate(0);
  EXPECT_EQ(*page, std::byte{0});
  file->unfetch(69632, page);

  Raw raw = open("mapped");
  ASSERT_SQL_OK(raw, "PRAGMA mmap_size=100000000; CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(50000))");
  EXPECT_EQ(raw.text("SELECT length(a) FROM t"), "50000");
  EXPECT_EQ(raw.text("PRAGMA integrity_check"), "ok");
}

TEST_F(MemoryVfsTest, ExclusiveCreationAndMissingFilesFail) {
  MemoryVfs vfs;
  const auto create = VfsOpen::ReadWrite | VfsOpen::Create | VfsOpen::Exclusive;
  EXPECT_THROW(vfs.open(VfsFileName("x"), VfsOpen::ReadWrite), VfsError);
  const auto file = vfs.open(VfsFileName("x"), create);
  EXPECT_THROW(vfs.open(VfsFileName("x"), create), VfsError);
  vfs.remove("x", VfsSyncDirectory::No);
  EXPECT_THROW(vfs.remove("x", VfsSyncDirectory::No), VfsError);
}

TEST_F(MemoryVfsTest, EncryptsInMemoryToo) {
  Raw one("secret", engine::cipher_vfs_name("libsql-memory").c_str());
  ASSERT_SQL_OK(one, "PRAGMA cipher='aes256cbc'; PRAGMA key='k'; PRAGMA journal_mode=wal; CREATE TABLE t(a)");
  EXPECT_EQ(open("secret").exec("SELECT * FROM t"), SQLITE_NOTADB);
  Raw two("secret", engine::cipher_vfs_name("libsql-memory").c_str());
  ASSERT_SQL_OK(two, "PRAGMA cipher='aes256cbc'; PRAGMA key='k'");
  EXPECT_EQ(two.text("SELECT count(*) FROM t"), "0");
}

// Transfers between accounts by several threads; readers always see the same sum.
void transfer(const char* mode, const char* name) {
  Raw first(name, "libsql-memory");
  ASSERT_SQL_OK(first, std::string("PRAGMA journal_mode=") + mode +
                           "; PRAGMA wal_autocheckpoint=50; CREATE TABLE account(id INTEGER PRIMARY KEY, cents INT); "
                           "WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<200) "
                           "INSERT INTO account SELECT i, 100 FROM n");
  std::mutex mutex;
  std::string wrong;  // the first failure
  const auto fail = [&](const std::string& what) {
    const std::lock_guard guard(mutex);
    if (wrong.empty()) wrong = what;
  };
  std::atomic<int> reads{0};
  std::atomic<int> writing{2};
  std::vector<std::thread> threads;
  for (int w = 0; w < 2; ++w) {
    threads.emplace_back([&, w] {
      Raw raw(name, "libsql-memory");
      sqlite3_busy_timeout(raw.db, 20000);
      raw.exec(std::string("PRAGMA wal_autocheckpoint=50; PRAGMA journal_mode=") + mode);
      for (int i = 0; i < 150; ++i) {
        const std::string from = std::to_string((i * 7 + w) % 200 + 1);
        const std::string to = std::to_string((i * 13 + w * 31) % 200 + 1);
        if (raw.exec("BEGIN IMMEDIATE; UPDATE account SET cents=cents-1 WHERE id=" + from +
                     "; UPDATE account SET cents=cents+1 WHERE id=" + to + "; COMMIT") != SQLITE_OK) {
          fail(std::string("transfer: ") + sqlite3_errmsg(raw.db));
          raw.exec("ROLLBACK");
        }
      }
      --writing;
    });
  }
  for (int r = 0; r < 2; ++r) {
    threads.emplace_back([&] {
      Raw raw(name, "libsql-memory");
      sqlite3_busy_timeout(raw.db, 20000);
      do {
        if (const std::string sum = raw.text("SELECT sum(cents) FROM account"); sum != "20000") fail("sum: " + sum);
        ++reads;
        std::this_thread::yield();
      } while (writing > 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, "");
  EXPECT_GT(reads, 0);
  EXPECT_EQ(first.text("PRAGMA integrity_check"), "ok");
}

TEST_F(MemoryVfsTest, ThreadsSeeConsistentSnapshotsInWalMode) { transfer("wal", "threads-wal"); }
TEST_F(MemoryVfsTest, ThreadsAreSerialisedInRollbackMode) { transfer("delete", "threads-delete"); }
TEST_F(MemoryVfsTest, ThreadsAreSerialisedWhereTheJournalIsTruncated) { transfer("truncate", "threads-truncate"); }

TEST(SharedMemoryDatabase, IsOneDatabasePerObjectAndLeavesOtherFilesWhereTheyAre) {
  const engine::SharedMemoryDatabase database;
  const engine::SharedMemoryDatabase other;
  const char* const vfs = engine::SharedMemoryDatabase::vfs().c_str();
  {
    Raw one(database.path(), vfs);
    ASSERT_SQL_OK(one, "PRAGMA journal_mode=wal; CREATE TABLE t(a); INSERT INTO t VALUES (5)");
    Raw two(database.path(), vfs);
    EXPECT_EQ(two.text("SELECT a FROM t"), "5");
    Raw third(other.path(), vfs);
    EXPECT_EQ(third.text("SELECT count(*) FROM sqlite_schema"), "0");
  }
  Raw again(database.path(), vfs);
  EXPECT_EQ(again.text("SELECT a FROM t"), "5") << "the object keeps it";

  const test::TemporaryDirectory directory;
  const std::string copy = directory.file("copy.db");
  ASSERT_SQL_OK(again, "VACUUM INTO '" + copy + "'");
  EXPECT_TRUE(std::filesystem::exists(copy));
  ASSERT_SQL_OK(again, "ATTACH '" + copy + "' AS disk; INSERT INTO disk.t VALUES (6); DETACH disk");
  EXPECT_EQ(Raw(copy).text("SELECT count(*) FROM t"), "2");
  ASSERT_SQL_OK(again,
                "CREATE TEMP TABLE big AS WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<50000) "
                "SELECT i, randomblob(50) FROM n");
}

}  // namespace
}  // namespace libsql

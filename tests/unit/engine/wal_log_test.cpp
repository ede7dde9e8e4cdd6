#include "engine/wal_log.hpp"

#include <algorithm>
#include <cstring>
#include <libsql/error.hpp>
#include <new>
#include <set>
#include <string>

#include "unit/engine/wal_support.hpp"

namespace libsql::engine::wal {
namespace {

using waltest::Db;
using waltest::TemporaryDirectory;

std::vector<std::byte> page_of(const std::vector<std::byte>& file, std::uint32_t frame, std::uint32_t page_size) {
  const auto at = file.begin() + frame_offset(frame, page_size) + kFrameHeaderSize;
  return {at, at + page_size};
}

TEST(WalLog, StateIsAllZeroWithoutALog) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  db.run("CREATE TABLE t(a)");
  EXPECT_EQ(Log(db).state(), WalState{});
  EXPECT_THROW(Log(db).frame(1), Unsupported);
  EXPECT_THROW(Log(db).changed_pages_after(0), Unsupported);
  EXPECT_THROW(Log(db).page(1, std::nullopt), Unsupported);
  EXPECT_THROW(Log(db).checkpoint(WalCheckpointMode::Passive), Unsupported);
  Db memory(":memory:");
  EXPECT_EQ(Log(memory).state(), WalState{});
}

TEST(WalLog, StateIsFreshThoughThisConnectionReadNothingSince) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  Db other(dir.file("a.db"));
  const WalState before = Log(other).state();
  EXPECT_EQ(before.max_frame, 2u);
  EXPECT_EQ(before.page_size, 4096u);
  EXPECT_EQ(before.database_pages, 2u);
  db.run("INSERT INTO t VALUES(1)");
  const WalState after = Log(other).state();
  EXPECT_EQ(after.max_frame, 3u);
  EXPECT_EQ(after.salt1, before.salt1);
  EXPECT_EQ(Log(other).checkpoint(WalCheckpointMode::Passive).checkpointed, 3u);
  EXPECT_EQ(Log(db).state().backfilled, 3u);
}

TEST(WalLog, StateTellsARestartedLogByItsSaltsAndSequence) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  const WalState first = Log(db).state();
  EXPECT_TRUE(Log(db).checkpoint(WalCheckpointMode::Restart).complete());
  db.run("INSERT INTO t VALUES(1)");
  const WalState second = Log(db).state();
  EXPECT_EQ(second.max_frame, 1u);
  EXPECT_NE(second.salt1, first.salt1);
  EXPECT_EQ(second.checkpoint_sequence, first.checkpoint_sequence + 1);
}

TEST(WalLog, FrameGivesHeaderAndPageAsTheyStandInTheFile) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a); INSERT INTO t VALUES('x')");
  const auto file = waltest::read_file(dir.file("a.db-wal"));
  const Log log(db);
  const std::uint32_t last = log.state().max_frame;
  ASSERT_EQ(last, 3u);
  for (std::uint32_t number = 1; number <= last; ++number) {
    const auto begin = file.begin() + frame_offset(number, 4096);
    EXPECT_EQ(log.frame(number), std::vector<std::byte>(begin, begin + 4120));
  }
  std::vector<std::byte> buffer(4120);
  EXPECT_EQ(log.frame(3, buffer).page, 2u);
  EXPECT_EQ(log.frame(3, buffer).commit_size, 2u);
  EXPECT_EQ(log.frame(1, buffer).commit_size, 0u);
  EXPECT_THROW(log.frame(0), OutOfRange);
  EXPECT_THROW(log.frame(4), OutOfRange);
  buffer.pop_back();
  EXPECT_THROW(log.frame(1, buffer), Misuse);
}

TEST(WalLog, FrameReadsAFullyCheckpointedLogWhileAWriterWouldBeginItAnew) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  Log(db).checkpoint(WalCheckpointMode::Passive);
  Db reader(dir.file("a.db"));
  const ReadScope scope(reader);  // as held inside each reading call
  db.run("INSERT INTO t VALUES(1)");
  EXPECT_EQ(Log(reader).state().max_frame, 3u);  // appended, not begun anew
  EXPECT_EQ(Log(reader).frame(1).size(), 4120u);
}

TEST(WalLog, ChangedPagesComeOnceInTheOrderOfFirstAppearance) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db, 512);
  db.run("CREATE TABLE t(a)");
  const std::uint32_t mark = Log(db).state().max_frame;
  db.run("CREATE TABLE u(a); INSERT INTO t VALUES(1); INSERT INTO u VALUES(2); INSERT INTO t VALUES(3)");
  const Log log(db);
  const auto file = waltest::read_file(dir.file("a.db-wal"));
  std::vector<std::uint32_t> expected;
  for (std::uint32_t number = mark + 1; number <= log.state().max_frame; ++number) {
    const std::uint32_t page = load_be32(file.data() + frame_offset(number, 512));
    if (std::find(expected.begin(), expected.end(), page) == expected.end()) expected.push_back(page);
  }
  EXPECT_EQ(log.changed_pages_after(mark), expected);
  EXPECT_GE(expected.size(), 3u);
  EXPECT_TRUE(log.changed_pages_after(log.state().max_frame).empty());
  EXPECT_THROW(log.changed_pages_after(log.state().max_frame + 1), OutOfRange);
}

TEST(WalLog, IndexOfManyFramesAgreesWithTheFile) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db, 512);
  db.run("CREATE TABLE t(a)");
  for (int round = 0; round < 3; ++round) {
    db.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) "
        "INSERT INTO t SELECT randomblob(400) FROM n");
  }
  const Log log(db);
  const WalState state = log.state();
  ASSERT_GT(state.max_frame, 4062u + 2 * 4096u);  // three regions and more
  const auto file = waltest::read_file(dir.file("a.db-wal"));
  Index index(ReadScope(db).files().database);
  for (std::uint32_t number = 1; number <= state.max_frame; number += 7) {
    ASSERT_EQ(index.page_of(number), load_be32(file.data() + frame_offset(number, 512))) << number;
  }
  for (const std::uint32_t edge : {4062u, 4063u, 4064u, 8158u, 8159u}) {
    const std::uint32_t page = index.page_of(edge);
    std::uint32_t newest = 0;
    for (std::uint32_t number = 1; number <= state.max_frame; ++number) {
      if (load_be32(file.data() + frame_offset(number, 512)) == page) newest = number;
    }
    EXPECT_EQ(index.find(page, state.max_frame), newest);
    EXPECT_EQ(*log.page(page, std::nullopt), page_of(file, newest, 512));
  }
}

TEST(WalLog, PageGivesEveryStateSinceTheLastCheckpoint) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  Log(db).checkpoint(WalCheckpointMode::Truncate);
  const Log log(db);
  const auto base = log.page(2, 0);  // the log is empty: the main file
  ASSERT_TRUE(base);
  std::vector<std::pair<std::uint32_t, std::vector<std::byte>>> states;
  for (int i = 0; i < 5; ++i) {
    db.run(std::string("INSERT INTO t VALUES(").append(std::to_string(i)).append(")"));
    states.emplace_back(log.state().max_frame, *log.page(2, std::nullopt));
  }
  EXPECT_EQ(log.page(2, 0), base);
  for (const auto& [at, bytes] : states) EXPECT_EQ(log.page(2, at), bytes) << at;
  EXPECT_NE(states.front().second, states.back().second);
  EXPECT_FALSE(log.page(3, std::nullopt));
  EXPECT_FALSE(log.page(0, std::nullopt));
  EXPECT_THROW(log.page(2, 6), OutOfRange);
  std::vector<std::byte> small(512);
  EXPECT_THROW(log.page(2, small, 0), Misuse);
}

TEST(WalLog, PageThatWasAddedLaterDoesNotExistAtAnEarlierFrame) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  const Log log(db);
  const std::uint32_t before = log.state().max_frame;
  db.run("CREATE TABLE u(a)");
  EXPECT_FALSE(log.page(3, before));
  EXPECT_TRUE(log.page(3, log.state().max_frame));
}

TEST(WalLog, PageThrowsSnapshotTooOldOnceACheckpointWentBeyond) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  const Log log(db);
  const std::uint32_t old = log.state().max_frame;
  db.run("INSERT INTO t VALUES(2)");
  EXPECT_TRUE(log.page(2, old));
  EXPECT_TRUE(log.checkpoint(WalCheckpointMode::Full).complete());
  EXPECT_THROW(log.page(2, old), SnapshotTooOld);
  EXPECT_TRUE(log.page(2, old + 1));
  EXPECT_TRUE(log.page(2, std::nullopt));
}

TEST(WalLog, CheckpointWaitsForNoReaderButSaysThatItIsNotComplete) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  Db reader(dir.file("a.db"));
  reader.run("BEGIN");
  EXPECT_EQ(reader.number("SELECT count(*) FROM t"), 1);
  db.run("INSERT INTO t VALUES(2)");
  const auto passive = Log(db).checkpoint(WalCheckpointMode::Passive);
  EXPECT_EQ(passive.log_frames, 4u);
  EXPECT_EQ(passive.checkpointed, 3u);
  EXPECT_FALSE(passive.complete());
  EXPECT_THROW(Log(db).checkpoint(WalCheckpointMode::Full), Busy);
  db.run("BEGIN");
  EXPECT_THROW(Log(db).checkpoint(WalCheckpointMode::Passive), Misuse);
  db.run("COMMIT");
  reader.run("COMMIT");
  const auto truncated = Log(db).checkpoint(WalCheckpointMode::Truncate);
  EXPECT_EQ(truncated.log_frames, 0u);
  EXPECT_TRUE(waltest::read_file(dir.file("a.db-wal")).empty());
}

TEST(WalLog, ConnectionThatHasReadNothingYetCanCheckpoint) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  Db fresh(dir.file("a.db"));
  EXPECT_EQ(Log(fresh).checkpoint(WalCheckpointMode::Passive).checkpointed, 2u);
}

TEST(WalLog, CheckpointHoldKeepsTheLogAndRestoresTheSwitches) {
  const TemporaryDirectory dir;
  const std::string path = dir.file("a.db");
  {
    Db db(path);
    db.run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=2; CREATE TABLE t(a)");
    {
      const CheckpointHold hold(db);
      EXPECT_EQ(db.number("PRAGMA wal_autocheckpoint"), 0);
      for (int i = 0; i < 5; ++i) db.run("INSERT INTO t VALUES(1)");
      EXPECT_EQ(Log(db).state().max_frame, 5u);  // in a new log, as the CREATE was checkpointed
      EXPECT_EQ(Log(db).state().backfilled, 0u);
    }
    EXPECT_EQ(db.number("PRAGMA wal_autocheckpoint"), 2);
    int on = -1;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    EXPECT_EQ(on, 0);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &on);
    EXPECT_EQ(on, 0);
    db.run("INSERT INTO t VALUES(1)");
    EXPECT_EQ(Log(db).state().backfilled, 6u);
  }
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
  {
    Db db(path);
    db.run("INSERT INTO t VALUES(1)");
    db.run("PRAGMA wal_autocheckpoint=0");
    alignas(CheckpointHold) std::byte place[sizeof(CheckpointHold)];
    new (place) CheckpointHold(db);  // still held when the connection closes
  }
  EXPECT_GT(waltest::read_file(path + "-wal").size(), 32u);
}

TEST(WalLog, ExclusiveLockingIsUnsupported) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  db.run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  EXPECT_THROW(Log(db).state(), Unsupported);
}

TEST(WalLog, EncryptedPagesAreGivenDecrypted) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  if (db.text("PRAGMA key='secret'") != "ok") GTEST_SKIP() << "this engine has no encryption";
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a); INSERT INTO t VALUES('plain text')");
  const Log log(db);
  const auto frame = log.frame(log.state().max_frame);
  const std::string bytes(reinterpret_cast<const char*>(frame.data()), frame.size());
  EXPECT_NE(bytes.find("plain text"), std::string::npos);
  const auto page = *log.page(1, std::nullopt);
  EXPECT_EQ(std::memcmp(page.data(), "SQLite format 3", 16), 0);
  const auto file = waltest::read_file(dir.file("a.db-wal"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.data()), file.size()).find("plain text"), std::string::npos);
}

TEST(WalLog, ReadingDisturbsNoTransactionAndCallsNoHook) {
  const TemporaryDirectory dir;
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a)");
  int rollbacks = 0;
  int commits = 0;
  sqlite3_rollback_hook(
      db, [](void* n) { ++*static_cast<int*>(n); }, &rollbacks);
  sqlite3_commit_hook(
      db,
      [](void* n) {
        ++*static_cast<int*>(n);
        return 0;
      },
      &commits);
  Log(db).state();
  Log(db).frame(1);
  EXPECT_EQ(rollbacks + commits, 0);
  db.run("BEGIN; INSERT INTO t VALUES(1)");
  EXPECT_EQ(Log(db).state().max_frame, 2u);
  EXPECT_EQ(sqlite3_get_autocommit(db), 0);
  db.run("COMMIT");
  EXPECT_EQ(db.number("SELECT count(*) FROM t"), 1);
}

}  // namespace
}  // namespace libsql::engine::wal

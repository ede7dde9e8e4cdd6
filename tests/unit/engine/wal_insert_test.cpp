#include "engine/wal_insert.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <libsql/error.hpp>
#include <libsql/memory_vfs.hpp>
#include <memory>
#include <string>
#include <thread>

#include "unit/engine/wal_support.hpp"

namespace libsql::engine::wal {
namespace {

using waltest::Db;
using waltest::sqlite3_command;
using waltest::TemporaryDirectory;

constexpr const char* kCount = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<400) ";

// A database under test that is the source of frames: `steps` are run one by one.
const std::vector<std::string>& mixed_steps() {
  static const std::vector<std::string> steps = {
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB)",
      "CREATE INDEX t_a ON t(a)",
      std::string(kCount) + "INSERT INTO t SELECT i, 'row ' || i, zeroblob(i * 7) FROM n",
      "UPDATE t SET a = a || '!' WHERE id % 3 = 0",
      "CREATE TABLE u(x, y, PRIMARY KEY(x, y)) WITHOUT ROWID",
      std::string(kCount) + "INSERT INTO u SELECT i, hex(randomblob(20)) FROM n",
      "BEGIN; DELETE FROM t WHERE id > 50; INSERT INTO t(a) VALUES('last'); COMMIT",
      "CREATE VIEW v AS SELECT a FROM t",
      "ALTER TABLE t ADD COLUMN c DEFAULT 7",
      "CREATE TRIGGER tr AFTER INSERT ON u BEGIN DELETE FROM t WHERE id = NEW.x; END",
      "INSERT INTO u VALUES(5, 'five')",
      "VACUUM",
      std::string(kCount) + "INSERT INTO t(a, b) SELECT 'again', randomblob(3000) FROM n",
      "DROP TABLE u",
      "DELETE FROM t",
      "VACUUM",
      "INSERT INTO t(a) VALUES('end')",
  };
  return steps;
}

// Copies the frames of `source` that `target` lacks.
void copy_frames(sqlite3* source, sqlite3* target, const WalInsertOptions& options = {}) {
  const Log log(source);
  Inserter insert(target, options);
  for (std::uint32_t number = insert.max_frame() + 1; number <= log.state().max_frame; ++number) {
    insert.frame(number, log.frame(number));
  }
  insert.end();
}

std::string integrity(Db& db) { return db.text("PRAGMA integrity_check"); }

class WalInsertPages : public testing::TestWithParam<int> {};

TEST_P(WalInsertPages, ReplicatesEveryStepOfADatabase) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source, GetParam());
  Db target(dir.file("target.db"));
  waltest::set_wal(target, GetParam());
  Db reader(dir.file("target.db"));
  for (const std::string& step : mixed_steps()) {
    source.run(step);
    copy_frames(source, target);
    ASSERT_EQ(integrity(reader), "ok") << step;
    ASSERT_EQ(waltest::content(reader), waltest::content(source)) << step;
    ASSERT_EQ(waltest::content(target), waltest::content(source)) << step;
    ASSERT_EQ(Log(target).state().max_frame, Log(source).state().max_frame) << step;
    ASSERT_EQ(target.number("PRAGMA page_count"), source.number("PRAGMA page_count")) << step;
  }
  EXPECT_EQ(sqlite3_command(dir.file("target.db"), "SELECT a FROM t; PRAGMA integrity_check"), "end\nok");
  EXPECT_TRUE(Log(target).checkpoint(WalCheckpointMode::Truncate).complete());
  EXPECT_TRUE(Log(source).checkpoint(WalCheckpointMode::Truncate).complete());
  EXPECT_EQ(waltest::read_file(dir.file("target.db")), waltest::read_file(dir.file("source.db")));
}

INSTANTIATE_TEST_SUITE_P(PageSizes, WalInsertPages, testing::Values(512, 4096, 65536));

TEST(WalInsert, CopyOfALogIsTheSameToTheByte) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source);
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  for (int log = 0; log < 3; ++log) {
    for (const std::string& step : mixed_steps()) {
      if (log == 0 || step.find("CREATE") == std::string::npos) source.try_run(step);
    }
    WalInsertOptions options;
    options.as_copy_of = Log(source).state();
    copy_frames(source, target, options);
    ASSERT_EQ(waltest::read_file(dir.file("target.db-wal")), waltest::read_file(dir.file("source.db-wal"))) << log;
    ASSERT_EQ(waltest::content(target), waltest::content(source)) << log;
    source.run("CREATE TABLE IF NOT EXISTS more(a); INSERT INTO more VALUES(1)");
    copy_frames(source, target, options);  // goes on in the same log
    ASSERT_EQ(waltest::read_file(dir.file("target.db-wal")), waltest::read_file(dir.file("source.db-wal"))) << log;
    Log(source).checkpoint(WalCheckpointMode::Truncate);
    Log(target).checkpoint(log == 0 ? WalCheckpointMode::Truncate : WalCheckpointMode::Passive);
  }
  source.run("INSERT INTO more VALUES(2)");
  target.run("INSERT INTO more VALUES(3)");
  WalInsertOptions options;
  options.as_copy_of = Log(source).state();
  EXPECT_THROW(Inserter(target, options), Conflict);
  EXPECT_EQ(target.number("SELECT count(*) FROM more"), 4);
}

TEST(WalInsert, CheckpointedLogIsContinuedOrBegunAnewAsAsked) {
  struct Case {
    WalCheckpointMode mode;
    WalInsertStart start;
    std::uint32_t base;
  };
  const Case cases[] = {{WalCheckpointMode::Passive, WalInsertStart::EndOfLog, 2},
                        {WalCheckpointMode::Restart, WalInsertStart::EndOfLog, 2},
                        {WalCheckpointMode::Truncate, WalInsertStart::EndOfLog, 0},
                        {WalCheckpointMode::Passive, WalInsertStart::NewLog, 0},
                        {WalCheckpointMode::Truncate, WalInsertStart::NewLog, 0}};
  for (const Case& c : cases) {
    const TemporaryDirectory dir;
    Db source(dir.file("source.db"));
    waltest::set_wal(source);
    Db target(dir.file("target.db"));
    waltest::set_wal(target);
    source.run("CREATE TABLE t(a)");
    copy_frames(source, target);
    const std::uint32_t salt = Log(target).state().salt1;
    Log(target).checkpoint(c.mode);
    Log(source).checkpoint(WalCheckpointMode::Truncate);
    for (std::uint32_t i = 0; i < 3; ++i) {
      source.run(std::string("INSERT INTO t VALUES(").append(std::to_string(i)).append(")"));
      const Log log(source);
      WalInsertOptions options;
      if (i == 0) options.start = c.start;
      Inserter insert(target, options);
      const std::uint32_t base = insert.max_frame();
      EXPECT_EQ(base, c.base + i);
      insert.frame(base + 1, log.frame(log.state().max_frame));
      insert.end();
      ASSERT_EQ(waltest::content(target), waltest::content(source));
    }
    EXPECT_EQ(Log(target).state().salt1 == salt, c.base == 2);
    EXPECT_EQ(sqlite3_command(dir.file("target.db"), "SELECT group_concat(a) FROM t; PRAGMA integrity_check"),
              "0,1,2\nok");
    target.run("INSERT INTO t VALUES(99)");  // the engine goes on where we stopped
    EXPECT_EQ(sqlite3_command(dir.file("target.db"), "SELECT group_concat(a) FROM t; PRAGMA integrity_check"),
              "0,1,2,99\nok");
  }
}

TEST(WalInsert, NewLogIsRefusedWhileFramesOfTheOldOneAreNeeded) {
  const TemporaryDirectory dir;
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  target.run("CREATE TABLE t(a)");
  WalInsertOptions options;
  options.start = WalInsertStart::NewLog;
  EXPECT_THROW(Inserter(target, options), Conflict);
  Db reader(dir.file("target.db"));
  reader.run("BEGIN; SELECT * FROM t");
  Log(target).checkpoint(WalCheckpointMode::Passive);
  EXPECT_THROW(Inserter(target, options), Busy);
  reader.run("COMMIT");
  Inserter insert(target, options);
  EXPECT_EQ(insert.max_frame(), 0u);
  insert.end();
  EXPECT_EQ(Log(target).state().max_frame, 0u);
  EXPECT_EQ(target.try_run("INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_EQ(integrity(reader), "ok");
}

TEST(WalInsert, CommitsThatArePublishedAtOnceAreSeenTogetherOrNotAtAll) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source);
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  Db reader(dir.file("target.db"));
  source.run("CREATE TABLE t(a)");
  source.run("INSERT INTO t VALUES(1)");
  source.run("INSERT INTO t VALUES(2)");
  const Log log(source);
  const std::uint32_t last = log.state().max_frame;
  {
    Inserter insert(target, {}, Publishing::AtOnce);
    for (std::uint32_t number = 1; number <= last; ++number) insert.frame(number, log.frame(number));
    EXPECT_EQ(insert.committed_frame(), 0u);
    EXPECT_EQ(reader.text("SELECT count(*) FROM sqlite_schema"), "0");
  }
  EXPECT_EQ(reader.text("SELECT count(*) FROM sqlite_schema"), "0") << "never published";
  Inserter insert(target, {}, Publishing::AtOnce);
  for (std::uint32_t number = 1; number <= last; ++number) insert.frame(number, log.frame(number));
  source.run("BEGIN; INSERT INTO t VALUES(3); CREATE TABLE u(x); COMMIT");
  insert.frame(last + 1, log.frame(last + 1));  // no commit
  insert.publish();
  EXPECT_EQ(insert.committed_frame(), last);
  EXPECT_EQ(reader.text("SELECT group_concat(a) FROM t"), "1,2");
  for (std::uint32_t number = last + 2; number <= log.state().max_frame; ++number) {
    insert.frame(number, log.frame(number));
  }
  insert.publish();
  insert.end();
  EXPECT_EQ(waltest::content(reader), waltest::content(source));
  EXPECT_EQ(integrity(reader), "ok");
}

TEST(WalInsert, ReadersKeepTheirSnapshotAndNewOnesSeeTheCommit) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source);
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  source.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  copy_frames(source, target);
  Db pinned(dir.file("target.db"));
  pinned.run("BEGIN");
  EXPECT_EQ(pinned.number("SELECT count(*) FROM t"), 1);
  Db fresh(dir.file("target.db"));
  EXPECT_EQ(fresh.number("SELECT count(*) FROM t"), 1);

  source.run("BEGIN; ALTER TABLE t ADD COLUMN b DEFAULT 5; INSERT INTO t VALUES(2, 2); COMMIT");
  const Log log(source);
  const std::uint32_t last = log.state().max_frame;
  Inserter insert(target, {});
  for (std::uint32_t number = insert.max_frame() + 1; number < last; ++number) insert.frame(number, log.frame(number));
  EXPECT_LT(insert.committed_frame(), insert.max_frame());
  EXPECT_EQ(fresh.number("SELECT count(*) FROM t"), 1);  // not committed yet
  EXPECT_EQ(fresh.try_run("INSERT INTO t VALUES(3)"), SQLITE_BUSY);
  EXPECT_EQ(target.number("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(target.try_run("INSERT INTO t VALUES(3)"), SQLITE_READONLY);
  insert.frame(last, log.frame(last));
  EXPECT_EQ(fresh.text("SELECT * FROM t ORDER BY a"), "1|5\n2|2");
  EXPECT_EQ(sqlite3_command(dir.file("target.db"), "SELECT sum(b) FROM t"), "7");
  EXPECT_EQ(pinned.number("SELECT count(*) FROM t"), 1);
  insert.end();
  EXPECT_EQ(target.text("SELECT * FROM t ORDER BY a"), "1|5\n2|2");
  EXPECT_EQ(target.try_run("INSERT INTO t VALUES(3, 3)"), SQLITE_OK);
  EXPECT_EQ(pinned.number("SELECT count(*) FROM t"), 1);
  pinned.run("COMMIT");
  EXPECT_EQ(pinned.number("SELECT count(*) FROM t"), 3);
  EXPECT_EQ(integrity(pinned), "ok");
}

TEST(WalInsert, FramesAfterTheLastCommitAreDroppedAtTheEnd) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source);
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  source.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  copy_frames(source, target);
  source.run(std::string("BEGIN; ") + kCount + "INSERT INTO t SELECT zeroblob(900) FROM n; COMMIT");
  const Log log(source);
  const std::uint32_t last = log.state().max_frame;
  ASSERT_GT(last, 80u);
  {
    Inserter insert(target, {});
    for (std::uint32_t number = insert.max_frame() + 1; number < last; ++number) {
      insert.frame(number, log.frame(number));
    }
  }
  EXPECT_EQ(Log(target).state().max_frame, 3u);
  EXPECT_EQ(target.number("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(sqlite3_command(dir.file("target.db"), "SELECT count(*) FROM t; PRAGMA integrity_check"), "1\nok");
  copy_frames(source, target);  // and once more, over what was left in the file
  EXPECT_EQ(target.number("SELECT count(*) FROM t"), 401);
  EXPECT_EQ(integrity(target), "ok");
}

TEST(WalInsert, EqualPageAtATakenPositionIsAcceptedAndAnotherOneIsAConflict) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source);
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  source.run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  copy_frames(source, target);
  const Log log(source);
  const std::uint32_t last = log.state().max_frame;
  Inserter insert(target, {});
  for (std::uint32_t number = 1; number <= last; ++number) insert.frame(number, log.frame(number));
  EXPECT_EQ(insert.max_frame(), last);
  auto other = log.frame(last);
  other[4000] ^= std::byte{1};
  EXPECT_THROW(insert.frame(last, other), Conflict);
  auto elsewhere = log.frame(last);
  elsewhere[3] ^= std::byte{1};
  EXPECT_THROW(insert.frame(last, elsewhere), Conflict);
  // The same for a position that this session filled and has not committed.
  auto next = log.frame(last);
  store_be32(&next[4], 0);
  insert.frame(last + 1, next);
  insert.frame(last + 1, next);
  store_be32(&next[4], 2);
  EXPECT_THROW(insert.frame(last + 1, next), Conflict);
  EXPECT_EQ(insert.max_frame(), last + 1);
  EXPECT_EQ(insert.committed_frame(), last);
}

TEST(WalInsert, GapIsOutOfRange) {
  const TemporaryDirectory dir;
  Db target(dir.file("target.db"));
  waltest::set_wal(target);
  target.run("CREATE TABLE t(a)");
  const auto frame = Log(target).frame(2);
  Inserter insert(target, {});
  EXPECT_THROW(insert.frame(0, frame), OutOfRange);
  EXPECT_THROW(insert.frame(4, frame), OutOfRange);
  EXPECT_THROW(insert.frame(0xffffffff, frame), OutOfRange);
  EXPECT_EQ(insert.max_frame(), 2u);
}

// A frame written out by hand: header fields, then a page of 512 bytes with the given start.
std::vector<std::byte> hand_made(std::uint32_t page, std::uint32_t commit, std::vector<std::uint8_t> start = {}) {
  std::vector<std::byte> frame(kFrameHeaderSize + 512);
  store_be32(&frame[0], page);
  store_be32(&frame[4], commit);
  std::transform(start.begin(), start.end(), frame.begin() + kFrameHeaderSize,
                 [](std::uint8_t byte) { return std::byte{byte}; });
  return frame;
}

TEST(WalInsert, MalformedFramesAreRefusedAndChangeNothing) {
  const TemporaryDirectory dir;
  Db target(dir.file("target.db"));
  waltest::set_wal(target, 512);
  target.run("CREATE TABLE t(a)");
  const auto page1_start = [](std::uint8_t size_high, std::uint8_t size_low, std::uint8_t write, std::uint8_t read) {
    std::vector<std::uint8_t> start = {'S', 'Q', 'L', 'i', 't', 'e', ' ', 'f', 'o', 'r', 'm', 'a', 't', ' ', '3', 0};
    start.insert(start.end(), {size_high, size_low, write, read});
    return start;
  };
  Inserter insert(target, {});
  const std::uint32_t next = insert.max_frame() + 1;
  EXPECT_THROW(insert.frame(next, {}), Misuse);
  EXPECT_THROW(insert.frame(next, std::vector<std::byte>(23)), Misuse);
  EXPECT_THROW(insert.frame(next, std::vector<std::byte>(512)), Misuse);
  EXPECT_THROW(insert.frame(next, std::vector<std::byte>(kFrameHeaderSize + 4096)), Misuse);
  EXPECT_THROW(insert.frame(next, {2, 2}, std::vector<std::byte>(511)), Misuse);
  EXPECT_THROW(insert.frame(next, hand_made(0, 2)), Corrupt);                              // page 0
  EXPECT_THROW(insert.frame(next, hand_made(0x40000000 / 512 + 1, 2)), Corrupt);           // the lock bytes
  EXPECT_THROW(insert.frame(next, hand_made(2, 0xffffffff)), Corrupt);                     // a database of 2 TiB
  EXPECT_THROW(insert.frame(next, hand_made(1, 2)), Corrupt);                              // no magic string
  EXPECT_THROW(insert.frame(next, hand_made(1, 2, page1_start(0x10, 0, 2, 2))), Corrupt);  // pages of 4096 bytes
  EXPECT_THROW(insert.frame(next, hand_made(1, 2, page1_start(2, 0, 1, 1))), Corrupt);     // not in WAL mode
  EXPECT_EQ(insert.max_frame(), next - 1);
  insert.end();
  EXPECT_EQ(integrity(target), "ok");
  EXPECT_EQ(Log(target).state().max_frame, next - 1);
}

TEST(WalInsert, IsRefusedWhereItCannotWork) {
  const TemporaryDirectory dir;
  {
    Db db(dir.file("delete.db"));
    db.run("CREATE TABLE t(a)");
    EXPECT_THROW(Inserter(db, {}), Unsupported);
    EXPECT_EQ(sqlite3_get_autocommit(db), 1);
    EXPECT_EQ(db.try_run("INSERT INTO t VALUES(1)"), SQLITE_OK);
  }
  Db db(dir.file("a.db"));
  waltest::set_wal(db);
  db.run("CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
  {
    db.run("BEGIN");
    EXPECT_THROW(Inserter(db, {}), Misuse);
    db.run("COMMIT");
    sqlite3_stmt* rows = nullptr;
    sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &rows, nullptr);
    sqlite3_step(rows);
    EXPECT_THROW(Inserter(db, {}), Misuse);
    sqlite3_finalize(rows);
  }
  {
    Db readonly(dir.file("a.db"), SQLITE_OPEN_READONLY);
    EXPECT_THROW(Inserter(readonly, {}), ReadOnly);
    db.run("PRAGMA query_only=1");
    EXPECT_THROW(Inserter(db, {}), ReadOnly);
    EXPECT_EQ(db.number("PRAGMA query_only"), 1);
    db.run("PRAGMA query_only=0");
  }
  {
    Db writer(dir.file("a.db"));
    writer.run("BEGIN IMMEDIATE");
    EXPECT_THROW(Inserter(db, {}), Busy);
    writer.run("ROLLBACK");
  }
  {
    Db big(dir.file("big.db"));
    waltest::set_wal(big, 8192);
    WalInsertOptions options;
    options.as_copy_of = Log(db).state();
    EXPECT_THROW(Inserter(big, options), Misuse);
  }
  Inserter insert(db, {});
  db.run("ROLLBACK");
  EXPECT_THROW(insert.frame(insert.max_frame() + 1, Log(db).frame(1)), TransactionLost);
  EXPECT_THROW(insert.end(), TransactionLost);
  EXPECT_EQ(db.try_run("INSERT INTO t VALUES(3)"), SQLITE_OK);
}

TEST(WalInsert, EncryptedDatabaseIsUnsupported) {
  const TemporaryDirectory dir;
  for (const std::string cipher : {"aes256cbc", "chacha20", "sqlcipher"}) {
    Db db(dir.file(cipher + ".db"));
    db.run("PRAGMA cipher='" + cipher + "'");
    if (cipher == "sqlcipher") db.run("PRAGMA plaintext_header_size=32");
    if (db.text("PRAGMA key='secret'") != "ok") GTEST_SKIP() << "this engine has no encryption";
    waltest::set_wal(db);
    db.run("CREATE TABLE t(a)");
    EXPECT_THROW(Inserter(db, {}), Unsupported) << cipher;
    Log(db).checkpoint(WalCheckpointMode::Truncate);
    EXPECT_THROW(Inserter(db, {}), Unsupported) << cipher;
  }
}

TEST(WalInsert, KilledProcessLeavesAValidDatabase) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source);
  source.run("CREATE TABLE t(a)");
  for (int i = 0; i < 3; ++i) source.run(std::string(kCount) + "INSERT INTO t SELECT zeroblob(900) FROM n");
  const std::uint32_t last = Log(source).state().max_frame;
  for (std::uint32_t killed_at = 1; killed_at <= last; killed_at += 37) {
    const std::string path = dir.file("target" + std::to_string(killed_at) + ".db");
    {
      Db target(path);
      waltest::set_wal(target);
    }
    std::vector<std::vector<std::byte>> frames;
    for (std::uint32_t number = 1; number <= killed_at; ++number) frames.push_back(Log(source).frame(number));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        Db target(path);
        Inserter insert(target, {});
        for (std::uint32_t number = 1; number <= killed_at; ++number) insert.frame(number, frames[number - 1]);
        ::kill(::getpid(), SIGKILL);
      } catch (...) {
      }
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << killed_at;
    std::uint32_t committed = 0;
    for (std::uint32_t number = 1; number <= killed_at; ++number) {
      if (load_be32(&frames[number - 1][4]) != 0) committed = number;
    }
    Db target(path);
    ASSERT_EQ(integrity(target), "ok");
    ASSERT_EQ(Log(target).state().max_frame, committed);
    copy_frames(source, target);
    ASSERT_EQ(waltest::content(target), waltest::content(source));
    ASSERT_EQ(integrity(target), "ok");
  }
}

TEST(WalInsert, IndexRegionsAreCrossedAndRemnantsOfADeadWriterRemoved) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source, 512);
  source.run("CREATE TABLE t(a)");
  for (int i = 0; i < 2; ++i) {
    source.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) "
        "INSERT INTO t SELECT zeroblob(400) FROM n");
  }
  Db target(dir.file("target.db"));
  waltest::set_wal(target, 512);
  copy_frames(source, target);
  ASSERT_GT(Log(target).state().max_frame, 4062u + 4096u);
  EXPECT_EQ(integrity(target), "ok");
  // A writer of the engine spills pages into the log and its index, then dies; we must not trip over its entries.
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      Db writer(dir.file("target.db"));
      writer.run("PRAGMA cache_size=5; BEGIN; UPDATE t SET a = zeroblob(399)");
      ::kill(::getpid(), SIGKILL);
    } catch (...) {
    }
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  source.run("UPDATE t SET a = 'short' WHERE rowid % 100 = 0");
  copy_frames(source, target);
  EXPECT_EQ(waltest::content(target), waltest::content(source));
  EXPECT_EQ(integrity(target), "ok");
  EXPECT_EQ(sqlite3_command(dir.file("target.db"), "SELECT count(*) FROM t WHERE a='short'; PRAGMA integrity_check"),
            "100\nok");
}

TEST(WalInsert, ReadersAndCheckpointsMeanwhileSeeWholeTransactionsOnly) {
  const TemporaryDirectory dir;
  Db source(dir.file("source.db"));
  waltest::set_wal(source, 512);
  source.run("CREATE TABLE account(id INTEGER PRIMARY KEY, n, pad)");
  source.run(std::string(kCount) + "INSERT INTO account SELECT i, 100, zeroblob(300) FROM n");
  Db target(dir.file("target.db"));
  waltest::set_wal(target, 512);
  copy_frames(source, target);
  std::atomic<bool> done = false;
  std::atomic<int> reads = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      Db reader(dir.file("target.db"));
      reader.run("PRAGMA cache_size=20");
      while (!done) {
        EXPECT_EQ(reader.text("SELECT sum(n), count(*) FROM account"), "40000|400");
        ++reads;
      }
      EXPECT_EQ(integrity(reader), "ok");
    });
  }
  threads.emplace_back([&] {
    Db checkpointer(dir.file("target.db"));
    while (!done) {
      try {
        Log(checkpointer).checkpoint(WalCheckpointMode::Passive);
      } catch (const Busy&) {  // another connection reads the log at the wrong moment: next time
      }
      std::this_thread::yield();
    }
  });
  for (int round = 0; round < 300 || reads < 20; ++round) {
    source.run(
        "BEGIN; UPDATE account SET n = n - 7 WHERE id = abs(random()) % 400 + 1;"
        "UPDATE account SET n = n + 7 WHERE id = (SELECT id FROM account ORDER BY n LIMIT 1);"
        "UPDATE account SET n = n + 40000 - (SELECT sum(n) FROM account) WHERE id = 1; COMMIT");
    const Log log(source);
    Inserter insert(target, {});
    ASSERT_LE(insert.max_frame(), log.state().max_frame);
    for (std::uint32_t number = insert.max_frame() + 1; number <= log.state().max_frame; ++number) {
      insert.frame(number, log.frame(number));
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(waltest::content(target), waltest::content(source));
}

TEST(WalInsert, WorksInAMemoryFileSystem) {
  const auto vfs = memory_vfs();
  Db source("source.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "libsql-memory");
  waltest::set_wal(source);
  Db target("target.db", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "libsql-memory");
  waltest::set_wal(target);
  Db reader("target.db", SQLITE_OPEN_READWRITE, "libsql-memory");
  for (const std::string& step : mixed_steps()) {
    source.run(step);
    copy_frames(source, target);
    ASSERT_EQ(waltest::content(reader), waltest::content(source)) << step;
    ASSERT_EQ(integrity(reader), "ok") << step;
  }
}

}  // namespace
}  // namespace libsql::engine::wal

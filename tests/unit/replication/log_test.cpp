#include "replication/log/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/wal_insert.hpp"
#include "engine/watched_log.h"
#include "local/frame_writer.hpp"
#include "local/session.hpp"
#include "replication/frame.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::replication {
namespace {

namespace fs = std::filesystem;

using Pragmas = std::vector<std::pair<std::string, Value>>;

std::shared_ptr<local::Store> store_of(const std::string& file, Pragmas pragmas = {},
                                       std::optional<Encryption> encryption = {}) {
  local::Options options;
  options.encryption = std::move(encryption);
  options.path = file;
  options.pragmas = std::move(pragmas);
  return local::Store::open(std::move(options));
}

std::shared_ptr<Log> log_of(const std::string& database, LogOptions options, Pragmas pragmas = {},
                            std::optional<Encryption> encryption = {}) {
  return Log::open(
      database, [&] { return store_of(database, std::move(pragmas), std::move(encryption)); }, std::move(options));
}

// Where nothing waits for a disk, if there is such a place.
fs::path memory() { return fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path(); }

// A replica that knows nothing but pages: each commit in turn, and what must hold of a log.
class Follower {
 public:
  explicit Follower(const Log::State& state) : id_(state.id), next_(state.first) {}

  Log::Reading follow(Log& log) {
    std::map<std::uint32_t, std::vector<std::byte>> pending;
    return log.read(id_, next_, [&](const LoggedFrame& frame) {
      EXPECT_EQ(frame.number, next_) << "a gap";
      if (checksum_) {
        EXPECT_EQ(frame.checksum, chain_checksum(*checksum_, frame.page));
      }
      checksum_ = frame.checksum;
      EXPECT_GT(frame.committed_ms, 0);
      ++next_;
      pending[frame.page_no].assign(frame.page.begin(), frame.page.end());
      if (frame.size_after == 0) return true;
      ++commits_;
      for (auto& [page, image] : pending) pages_[page] = std::move(image);
      pending.clear();
      pages_.erase(pages_.upper_bound(frame.size_after), pages_.end());
      return true;
    });
  }
  // Takes a copy of the database file as it is now, when nobody writes.
  void take(const std::string& database, std::size_t page_size = 4096) {
    std::ifstream file(database, std::ios::binary);
    std::vector<char> bytes(page_size);
    for (std::uint32_t page = 1; file.read(bytes.data(), static_cast<std::streamsize>(page_size)); ++page) {
      const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
      pages_[page].assign(begin, begin + page_size);
    }
  }
  // What a query on the replica says.
  std::string ask(const std::string& sql) const {
    const test::TemporaryDirectory directory(memory());
    {
      std::ofstream file(directory.file("replica.db"), std::ios::binary);
      std::uint32_t expected = 1;
      for (const auto& [page, image] : pages_) {
        EXPECT_EQ(page, expected++) << "a page is missing";
        file.write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
      }
    }
    const auto store = store_of(directory.file("replica.db"));
    const auto connection = store->open_connection();
    EXPECT_EQ(connection->query_text("PRAGMA integrity_check"), "ok");
    return connection->query_text(sql).value_or("");
  }
  FrameNo next() const { return next_; }
  int commits() const { return commits_; }
  const Uuid& id() const { return id_; }

 private:
  Uuid id_;
  FrameNo next_;
  std::optional<std::uint64_t> checksum_;
  int commits_ = 0;
  std::map<std::uint32_t, std::vector<std::byte>> pages_;
};

bool fail_on_frame(const LoggedFrame& frame) {
  ADD_FAILURE() << "frame " << frame.number;
  return true;
}

constexpr const char* kDigest = "SELECT group_concat(id || ':' || length(a) || ':' || hex(substr(a, 1, 4))) FROM t";

class ReplicationLog : public testing::Test {
 protected:
  void SetUp() override {
    if (!engine::wal::Watch::is_supported()) GTEST_SKIP() << "the engine does not tell of its log";
  }
  LogOptions options() const {
    LogOptions options;
    options.folder = directory_.file("log");
    return options;
  }
  void open() { open(options()); }
  void open(const LogOptions& log_options) {
    log_ = log_of(database_, log_options, pragmas_, encryption_);
    store_ = log_->store();
    session_ = std::make_unique<local::Session>(store_);
  }
  void close() {
    session_.reset();
    log_.reset();
    store_.reset();
  }
  void run(const std::string& sql) { session_->execute(sql, {}); }
  std::string ask(const std::string& sql) { return session_->connection().query_text(sql).value_or(""); }
  // One after the other, so that SQLite's log begins anew often.
  void write_rows(int count, int bytes = 3000) {
    for (int i = 0; i < count; ++i) run("INSERT INTO t(a) VALUES (randomblob(" + std::to_string(bytes) + "))");
  }
  void expect_equal(Follower& follower) {
    ASSERT_EQ(follower.follow(*log_), Log::Reading::Done);
    EXPECT_EQ(follower.next(), log_->state().end);
    EXPECT_EQ(follower.ask(kDigest), ask(kDigest));
  }

  test::TemporaryDirectory directory_{memory()};
  std::string database_ = directory_.file("a.db");
  Pragmas pragmas_;
  std::optional<Encryption> encryption_;
  std::shared_ptr<local::Store> store_;
  std::shared_ptr<Log> log_;
  std::unique_ptr<local::Session> session_;
};

TEST_F(ReplicationLog, AnEmptyDatabaseBeginsAtFrameNull) {
  open();
  EXPECT_EQ(log_->last_frame(), std::nullopt);
  EXPECT_EQ(log_->state().first, 0u);
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  EXPECT_EQ(log_->last_frame(), 1u) << "the schema and the table's root";
  run("INSERT INTO t(a) VALUES (x'01')");
  EXPECT_EQ(log_->last_frame(), 2u);
  Follower follower(log_->state());
  expect_equal(follower);
  EXPECT_EQ(follower.commits(), 2);
}

TEST_F(ReplicationLog, CommitsAreCountedWithoutBeingCopied) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(10);
  EXPECT_EQ(log_->figures().copied_frames, 0u);
  const auto last = log_->last_frame();
  EXPECT_EQ(log_->catch_up().last(), last);
  EXPECT_EQ(log_->figures().copied_frames, *last + 1);
}

TEST_F(ReplicationLog, FollowsThroughManyBeginningsOfSQLitesLog) {
  pragmas_ = {{"wal_autocheckpoint", Value(10)}};
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  for (int round = 0; round < 20; ++round) {
    write_rows(25);
    if (round % 3 == 0) run("DELETE FROM t WHERE id % 2");
    if (round % 5 == 0) run("PRAGMA wal_checkpoint(TRUNCATE)");
    if (round % 7 == 0) expect_equal(follower);
  }
  run("VACUUM");
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

TEST_F(ReplicationLog, FramesThatAreAddedAsTheyAreGetNumbersOneByOne) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(3);
  Follower follower(log_->state());
  expect_equal(follower);
  // A commit of three frames, of which two hold the same page.
  const auto page_of = [&](std::uint32_t number) {
    const auto connection = store_->open_connection();
    return *engine::wal::Log(connection->handle()).page(number, std::nullopt);
  };
  const auto pages = static_cast<std::uint32_t>(std::stoul(ask("PRAGMA page_count")));
  const auto same = page_of(pages);
  const FrameNo before = log_->state().end;
  local::FrameWriter writer(store_);
  writer.begin();
  EXPECT_EQ(writer.database_pages(), pages);
  for (const std::uint32_t end : {0u, 0u, pages, pages}) writer.add({pages, end}, same);
  writer.publish();
  EXPECT_EQ(log_->last_frame(), before + 3);
  expect_equal(follower);
  writer.begin();
  writer.add({pages, pages}, same);
  writer.roll_back();
  write_rows(1);
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

TEST_F(ReplicationLog, FramesThatAreAddedBeginSQLitesLogAnewWhenItIsLong) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  local::FrameWriter writer(store_);
  const auto one = [&] {
    const auto connection = store_->open_connection();
    return *engine::wal::Log(connection->handle()).page(2, std::nullopt);
  }();
  for (int round = 0; round < 8; ++round) {
    writer.begin();
    for (int i = 0; i < 600; ++i) writer.add({2, 2}, one);
    writer.publish();
    if (round % 3 == 0) write_rows(1, 10);
    run("DELETE FROM t");
  }
  EXPECT_LT(fs::file_size(database_ + "-wal"), 2'000u * 4120) << "it has begun again";
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u) << "and the log was asked";
  close();
  open();
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

TEST_F(ReplicationLog, ANewLogOfAnInsertSessionIsAskedFor) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(4);
  Follower follower(log_->state());
  run("PRAGMA wal_checkpoint(FULL)");
  {
    const auto connection = store_->open_connection();
    const auto page = *engine::wal::Log(connection->handle()).page(2, std::nullopt);
    const auto pages = static_cast<std::uint32_t>(connection->query_integer("PRAGMA page_count"));
    engine::wal::Inserter insert(connection->handle(), {WalInsertStart::NewLog, {}});
    EXPECT_EQ(insert.max_frame(), 0u);
    insert.frame(1, {2, pages}, page);
    insert.end();
  }
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

TEST_F(ReplicationLog, TransactionsAndSavepointsAndRollbacks) {
  pragmas_ = {{"wal_autocheckpoint", Value(20)}, {"cache_size", Value(5)}};
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  session_->begin(TransactionBehavior::Immediate);
  write_rows(40);
  session_->rollback();
  const auto before = log_->last_frame();
  session_->begin(TransactionBehavior::Immediate);
  write_rows(40);  // spilled to the log before the commit
  EXPECT_EQ(log_->last_frame(), before);
  session_->commit();
  EXPECT_GT(log_->last_frame(), before);
  expect_equal(follower);
  EXPECT_EQ(log_->last_frame(), log_->state().last());
}

TEST_F(ReplicationLog, ALargeCommitIsOneCommit) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  run("INSERT INTO t(a) SELECT randomblob(4000) FROM generate_series(1, 2000)");
  Follower follower(log_->state());
  expect_equal(follower);
  EXPECT_EQ(follower.commits(), 2);
  write_rows(3);
  expect_equal(follower);
}

TEST_F(ReplicationLog, GoesOnAfterACleanEnd) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  write_rows(5);
  for (int round = 0; round < 4; ++round) {
    const auto last = log_->last_frame();
    close();
    EXPECT_LT(fs::file_size(database_ + "-wal"), 100u) << "what stays of SQLite's log is its next salts";
    open();
    EXPECT_EQ(log_->state().id, follower.id());
    EXPECT_EQ(log_->last_frame(), last);
    if (round == 2) continue;  // a life without a write
    write_rows(5);
    expect_equal(follower);
  }
}

// A server's store keeps a connection to its end. It is the last one then, and what it copies may need a new segment.
TEST_F(ReplicationLog, CopiesIntoNewSegmentsAsTheLastOfItsStoreGoes) {
  LogOptions small = options();
  small.max_bytes = 1 << 20;
  const auto open_kept = [&] {
    log_ = Log::open(
        database_,
        [&] {
          local::Options options;
          options.path = database_;
          options.encryption = encryption_;
          options.writers_in_line = true;
          return local::Store::open(std::move(options));
        },
        small);
    session_ = std::make_unique<local::Session>(log_->store());
  };
  for (const bool is_encrypted : {false, true}) {
    database_ = directory_.file(is_encrypted ? "b.db" : "a.db");
    small.folder = database_ + "-log";
    if (is_encrypted) encryption_ = Encryption("kept");
    open_kept();
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
    write_rows(100);
    const auto last = log_->last_frame();
    EXPECT_EQ(log_->figures().segments, 1u);
    session_.reset();
    log_.reset();
    open_kept();
    EXPECT_EQ(log_->last_frame(), last);
    EXPECT_GT(log_->figures().segments, 1u);
    session_.reset();
    log_.reset();
  }
}

// The state of a machine whose process was killed: all that was written to files.
class Killed {
 public:
  explicit Killed(const test::TemporaryDirectory& directory) {
    for (const char* name : {"a.db", "a.db-wal", "log"}) {
      if (fs::exists(directory.path() / name)) {
        fs::copy(directory.path() / name, copy_.path() / name, fs::copy_options::recursive);
      }
    }
  }
  std::string database() const { return copy_.file("a.db"); }
  std::string folder() const { return copy_.file("log"); }

 private:
  test::TemporaryDirectory copy_{memory()};
};

TEST_F(ReplicationLog, GoesOnAfterAKillAtAnyCommit) {
  pragmas_ = {{"wal_autocheckpoint", Value(8)}};
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  for (int round = 0; round < 30; ++round) {
    write_rows(1, 1 + round * 400);
    if (round % 4 == 0) {
      ASSERT_EQ(follower.follow(*log_), Log::Reading::Done);
    }
    const Killed killed(directory_);
    LogOptions log_options;
    log_options.folder = killed.folder();
    const auto log = log_of(killed.database(), log_options, pragmas_);
    const auto& store = log->store();
    ASSERT_EQ(log->state().id, follower.id()) << "round " << round;
    ASSERT_EQ(log->last_frame(), log_->last_frame());
    Follower other = follower;
    ASSERT_EQ(other.follow(*log), Log::Reading::Done);
    ASSERT_EQ(other.ask(kDigest), ask(kDigest));
    local::Session session(store);
    session.execute("INSERT INTO t(a) VALUES ('after')", {});
    ASSERT_EQ(other.follow(*log), Log::Reading::Done);
    ASSERT_EQ(other.ask("SELECT a FROM t ORDER BY id DESC LIMIT 1"), "after");
  }
}

TEST_F(ReplicationLog, WhatACrashCutOffIsCopiedAgain) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(6);
  Follower whole(log_->state());
  ASSERT_EQ(whole.follow(*log_), Log::Reading::Done);
  const std::string expected = whole.ask(kDigest);
  for (const std::uintmax_t from_end : {1U, 5U, 4000U, 4096U, 4100U, 9000U, 20000U, 33000U}) {
    for (const bool garbage : {false, true}) {
      const Killed killed(directory_);
      fs::path newest;
      for (const auto& entry : fs::directory_iterator(killed.folder())) newest = entry.path();
      const std::uintmax_t size = fs::file_size(newest);
      if (from_end >= size) continue;
      fs::resize_file(newest, size - from_end);
      if (garbage) fs::resize_file(newest, size);  // zeroes
      LogOptions log_options;
      log_options.folder = killed.folder();
      const auto log = log_of(killed.database(), log_options);
      EXPECT_EQ(log->state().id, whole.id()) << from_end << garbage;
      Follower follower(log->state());
      EXPECT_EQ(follower.follow(*log), Log::Reading::Done);
      EXPECT_EQ(follower.next(), whole.next());
      EXPECT_EQ(follower.ask(kDigest), expected) << from_end << garbage;
    }
  }
}

TEST_F(ReplicationLog, LostCommitsBeginAnotherLog) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(3);
  const Killed before(directory_);
  write_rows(3);
  log_->catch_up();
  const Log::State state = log_->state();
  const Killed after(directory_);
  // The log is ahead of the database, as where the machine failed before the database's frames were durable.
  LogOptions log_options;
  log_options.folder = after.folder();
  const auto log = log_of(before.database(), log_options);
  EXPECT_NE(log->state().id, state.id);
  EXPECT_EQ(log->figures().incarnation, 2u);
  EXPECT_EQ(log->read(state.id, state.first, fail_on_frame), Log::Reading::OtherLog);
  EXPECT_GE(log->state().first, 2u) << "frames of before the beginning are those of a snapshot";
}

TEST_F(ReplicationLog, AnotherFileInItsPlaceBeginsAnotherLog) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(3);
  const Log::State state = log_->state();
  close();
  fs::remove(database_);
  fs::remove(database_ + "-wal");
  const auto other = store_of(database_);
  other->open_connection()->execute_script("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t(a) VALUES ('x')");
  open();
  EXPECT_NE(log_->state().id, state.id);
  Follower follower(log_->state());
  close();
  follower.take(database_);
  open();
  write_rows(2);
  expect_equal(follower);
}

// Runs in another process, which asks nobody here.
void in_another_process(const std::string& database, const std::string& script) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int failed = 1;
    try {
      libsql_engine_watch_logs(nullptr);
      const auto store = store_of(database);
      store->open_connection()->execute_script(script);
      failed = 0;
    } catch (const std::exception& error) {
      std::fputs(error.what(), stderr);
    }
    ::_exit(failed);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST_F(ReplicationLog, CommitsOfOtherProcessesBelongToIt) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  write_rows(2);
  in_another_process(database_, "INSERT INTO t(a) VALUES ('stranger'); INSERT INTO t(a) VALUES ('again')");
  expect_equal(follower);
  in_another_process(database_, "INSERT INTO t(a) VALUES ('stranger')");
  write_rows(2);
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

TEST_F(ReplicationLog, AnotherProcessThatBeginsSQLitesLogAnewBeginsAnotherLog) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  write_rows(2);
  in_another_process(
      database_,
      "INSERT INTO t(a) VALUES ('lost to the log'); PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t(a) VALUES (1)");
  write_rows(1);
  EXPECT_EQ(follower.follow(*log_), Log::Reading::OtherLog);
  EXPECT_EQ(log_->figures().incarnation, 2u);
  write_rows(2);
  EXPECT_EQ(log_->last_frame(), log_->catch_up().last());
}

TEST_F(ReplicationLog, OldFramesLeaveAndTheirReadersAreTold) {
  pragmas_ = {{"wal_autocheckpoint", Value(20)}};
  LogOptions small = options();
  small.max_bytes = 1 << 20;
  open(small);
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower late(log_->state());
  run("INSERT INTO t(a) SELECT zeroblob(3000) FROM generate_series(1, 10)");
  for (int i = 0; i < 100; ++i) run("UPDATE t SET a = randomblob(3000)");
  log_->catch_up();
  EXPECT_LE(log_->figures().bytes, small.max_bytes + (1 << 18));
  EXPECT_EQ(late.follow(*log_), Log::Reading::TooOld);
  const Log::State state = log_->state();
  EXPECT_GT(state.first, 0u);
  // What is left is in order.
  FrameNo next = state.first;
  EXPECT_EQ(log_->read(state.id, state.first,
                       [&](const LoggedFrame& frame) {
                         EXPECT_EQ(frame.number, next++);
                         return true;
                       }),
            Log::Reading::Done);
  EXPECT_EQ(next, state.end);
  close();
  open(small);
  EXPECT_EQ(log_->state().id, state.id);
  EXPECT_EQ(log_->state().first, state.first);
}

TEST_F(ReplicationLog, KeepsNothingIfItMayTakeNothing) {
  LogOptions none = options();
  none.max_bytes = 0;
  open(none);
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(3);
  const Log::State state = log_->catch_up();
  EXPECT_EQ(state.first, state.end);
  EXPECT_EQ(log_->read(state.id, 0, fail_on_frame), Log::Reading::TooOld);
  close();
  open(none);
  EXPECT_EQ(log_->state().id, state.id);
  EXPECT_EQ(log_->state().end, state.end);
}

TEST_F(ReplicationLog, TellsWhichPagesHaveChanged) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  run("INSERT INTO t(a) SELECT zeroblob(3000) FROM generate_series(1, 50)");
  const Log::State state = log_->catch_up();
  run("UPDATE t SET a = zeroblob(2999) WHERE id = 7");
  for (int round = 0; round < 2; ++round) {
    const auto pages = log_->pages_changed_since(state.id, state.end);
    ASSERT_TRUE(pages.has_value());
    EXPECT_EQ(pages->size(), 1u);
    EXPECT_GT(log_->pages_changed_since(state.id, state.first)->size(), 40u);
    close();
    open();
  }
  EXPECT_EQ(log_->pages_changed_since(Uuid{}, 0), std::nullopt);
}

TEST_F(ReplicationLog, NamesTheFrameOfAState) {
  pragmas_ = {{"wal_autocheckpoint", Value(5)}};
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  for (int i = 0; i < 20; ++i) {
    write_rows(1);
    EXPECT_EQ(log_->frame_of(*session_->connection().log_end()), log_->last_frame());
  }
  engine::LogEnd unknown;
  unknown.salt = {1, 2};
  EXPECT_EQ(log_->frame_of(unknown), std::nullopt);
}

TEST_F(ReplicationLog, WritesGoOnWhileNothingCanBeCopied) {
  pragmas_ = {{"wal_autocheckpoint", Value(10)}};
  LogOptions small = options();
  small.max_bytes = 4 << 20;
  open(small);
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  expect_equal(follower);
  fs::rename(directory_.path() / "log", directory_.path() / "away");
  write_rows(200, 3900);  // a new segment is due long since
  EXPECT_GT(fs::file_size(database_ + "-wal"), 50u * 4096) << "the frames are kept where they are";
  fs::rename(directory_.path() / "away", directory_.path() / "log");
  expect_equal(follower);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

TEST_F(ReplicationLog, WhatCannotBeCopiedForLongIsGivenUp) {
  pragmas_ = {{"wal_autocheckpoint", Value(10)}};
  LogOptions small = options();
  small.max_bytes = 8 * (64 << 10);
  small.max_uncopied_bytes = 1 << 19;
  open(small);
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const Log::State state = log_->state();
  fs::rename(directory_.path() / "log", directory_.path() / "away");
  write_rows(300, 3900);
  EXPECT_LT(fs::file_size(database_ + "-wal"), 2u << 20);
  fs::rename(directory_.path() / "away", directory_.path() / "log");
  EXPECT_NE(log_->catch_up().id, state.id);
  write_rows(3);
  EXPECT_EQ(log_->catch_up().last(), log_->last_frame());
}

TEST_F(ReplicationLog, ADamagedPageIsAnErrorOfWhoReadsIt) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  write_rows(3);
  log_->catch_up();
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(options().folder)) newest = entry.path();
  const int file = ::open(newest.c_str(), O_RDWR | O_CLOEXEC);
  const auto middle = static_cast<off_t>(fs::file_size(newest) / 2);
  char byte = 0;
  ASSERT_EQ(::pread(file, &byte, 1, middle), 1);
  byte = static_cast<char>(byte ^ 1);
  ASSERT_EQ(::pwrite(file, &byte, 1, middle), 1);
  ::close(file);
  Follower follower(log_->state());
  EXPECT_THROW(follower.follow(*log_), Corrupt);
  run("INSERT INTO t(a) VALUES (1)");  // which does not concern who writes
}

std::string contents(const fs::path& folder) {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

TEST_F(ReplicationLog, IsEncryptedWhereItsDatabaseIs) {
  const std::string secret = "a sentence that nobody else may read";
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  run("INSERT INTO t(a) VALUES ('" + secret + "')");
  log_->catch_up();
  EXPECT_NE(contents(directory_.path()).find(secret), std::string::npos) << "the search must be able to find it";
  close();
  for (const auto& entry : fs::directory_iterator(directory_.path())) fs::remove_all(entry.path());

  encryption_ = Encryption("key");
  pragmas_ = {{"wal_autocheckpoint", Value(10)}};
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  Follower follower(log_->state());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) run("INSERT INTO t(a) VALUES ('" + secret + std::to_string(i) + "')");
    run("INSERT INTO t(a) SELECT '" + secret + "' || hex(randomblob(2000)) FROM generate_series(1, 100)");
    expect_equal(follower);
    EXPECT_EQ(contents(directory_.path()).find(secret), std::string::npos);
    const Killed killed(directory_);
    close();
    LogOptions log_options;
    log_options.folder = killed.folder();
    auto log = log_of(killed.database(), log_options, {}, encryption_);
    EXPECT_EQ(log->state().id, follower.id());
    EXPECT_EQ(log->state().end, follower.next());
    log.reset();
    log = log_of(killed.database() + "x", log_options, {}, Encryption("other"));
    EXPECT_NE(log->state().id, follower.id()) << "nothing of it can be read with that key";
    open();
  }
  EXPECT_EQ(log_->figures().incarnation, 1u);
  close();
  // With another key than the segments', nothing of them can be used.
  encryption_ = Encryption("another key");
  EXPECT_THROW(open(), NotADatabase);
  encryption_ = Encryption("key");
  open();
  EXPECT_EQ(log_->state().id, follower.id());
}

TEST_F(ReplicationLog, ADatabaseWithALogStaysInItsMode) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  EXPECT_THROW(run("PRAGMA journal_mode=DELETE"), Busy);
  run("INSERT INTO t(a) VALUES (1)");
  EXPECT_EQ(ask("PRAGMA journal_mode"), "wal");
}

TEST_F(ReplicationLog, IsOneForAllWhoOpenIt) {
  open();
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  EXPECT_EQ(log_of(directory_.file("./a.db"), options()), log_);
  const Uuid id = log_->state().id;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {  // the last one to let go, and the next one to come
    threads.emplace_back([&] {
      while (!done) EXPECT_EQ(log_of(database_, options())->state().id, id);
    });
  }
  for (int i = 0; i < 30; ++i) {
    close();
    open();
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ReplicationLog, HasNoRoomInMemory) { EXPECT_THROW(log_of(":memory:", options()), Unsupported); }

TEST_F(ReplicationLog, WritersReadersAndCheckpointsAtOnce) {
  pragmas_ = {{"wal_autocheckpoint", Value(15)}};
  LogOptions small = options();
  small.max_bytes = 64 << 20;
  open(small);
  run("CREATE TABLE t(id INTEGER PRIMARY KEY, a)");
  const Log::State begin = log_->state();
  std::atomic<bool> done = false;
  std::atomic<int> grown = 0;
  const auto listening = log_->on_growth([&] { ++grown; });
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 3; ++writer) {
    threads.emplace_back([&] {
      local::Session session(store_);
      for (int i = 0; i < 60; ++i) session.execute("INSERT INTO t(a) VALUES (randomblob(3000))", {});
    });
  }
  std::vector<std::thread> others;
  others.emplace_back([&] {
    const auto connection = store_->open_connection();
    while (!done) connection->query_text("PRAGMA wal_checkpoint(PASSIVE)");
  });
  for (int reader = 0; reader < 2; ++reader) {
    others.emplace_back([&] {
      Follower follower(begin);
      while (!done) EXPECT_EQ(follower.follow(*log_), Log::Reading::Done);
    });
  }
  for (std::thread& thread : threads) thread.join();
  done = true;
  for (std::thread& thread : others) thread.join();
  EXPECT_GE(grown, 180);
  Follower follower(begin);
  expect_equal(follower);
  EXPECT_GE(follower.commits(), 181);
  EXPECT_EQ(log_->figures().incarnation, 1u);
}

}  // namespace
}  // namespace libsql::replication

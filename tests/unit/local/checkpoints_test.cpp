// When the log is copied back, what holds it, and on whose thread a database is closed.
#include "local/checkpoints.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/connection.hpp>
#include <libsql/database.hpp>
#include <libsql/transaction.hpp>
#include <libsql/vfs_wrapper.hpp>
#include <libsql/wal.hpp>

#include "local/background.hpp"
#include "local/store.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::local {
namespace {

using Extent = Checkpoints::Extent;

class CheckpointsTest : public testing::Test {
 protected:
  std::shared_ptr<Store> open(CheckpointPolicy policy = {},
                              std::chrono::milliseconds busy_timeout = std::chrono::milliseconds(0)) {
    Options options;
    options.path = path();
    options.checkpoints = policy;
    options.busy_timeout = busy_timeout;
    return Store::open(std::move(options));
  }
  std::string path() const { return directory_.file("data"); }
  std::uintmax_t log_size() const {
    std::error_code missing;
    const std::uintmax_t size = std::filesystem::file_size(path() + "-wal", missing);
    return missing ? 0 : size;
  }
  static void write(core::Session& session, int rows = 10) {
    session.execute("CREATE TABLE IF NOT EXISTS t(a, b)", {});
    for (int i = 0; i < rows; ++i) session.execute("INSERT INTO t VALUES (1, zeroblob(4000))", {});
  }
  static WalState state(Store& store) { return engine::wal::Log(store.borrow()->handle()).state(); }
  static std::int64_t count(Store& store) { return store.borrow()->query_integer("SELECT count(*) FROM t"); }

  test::TemporaryDirectory directory_;
};

TEST_F(CheckpointsTest, CutsALogThatNobodyReads) {
  const auto store = open();
  const auto session = store->connect();
  write(*session);
  EXPECT_GT(log_size(), 40'000U);
  store->checkpoints().checkpoint(Extent::Cut);
  EXPECT_EQ(log_size(), 0U);
  EXPECT_EQ(count(*store), 10);
}

TEST_F(CheckpointsTest, LeavesASmallLogWhereItIsAndCutsALargeOne) {
  const auto store = open({.cut_from_bytes = 1'000'000});
  const auto session = store->connect();
  write(*session);
  store->checkpoints().checkpoint(Extent::CutIfLarge);
  EXPECT_GT(log_size(), 40'000U);
  EXPECT_EQ(state(*store).backfilled, state(*store).max_frame);
  session->execute("INSERT INTO t SELECT 1, zeroblob(1500000)", {});
  store->checkpoints().checkpoint(Extent::CutIfLarge);
  EXPECT_EQ(log_size(), 0U);
}

TEST_F(CheckpointsTest, CopiesWhatItCanBesideAReaderAndDoesNotWait) {
  const auto store = open({}, std::chrono::hours(1));
  const auto session = store->connect();
  write(*session);
  const BorrowedConnection reader = store->borrow();
  reader->execute_script("BEGIN; SELECT count(*) FROM t");
  write(*session, 1);
  const std::uint32_t seen = state(*store).max_frame;
  store->checkpoints().checkpoint(Extent::Cut);
  EXPECT_GT(log_size(), 40'000U);
  EXPECT_GT(state(*store).backfilled, 0U);
  EXPECT_LT(state(*store).backfilled, seen);
}

TEST_F(CheckpointsTest, AHeldLogIsCopiedButNotBegunAnew) {
  const auto store = open();
  const auto session = store->connect();
  write(*session);
  std::unique_ptr<LogHold> hold = store->checkpoints().hold();
  const WalState since = hold->since();
  EXPECT_EQ(since.max_frame, state(*store).max_frame);
  const std::vector<std::byte> first = engine::wal::Log(store->borrow()->handle()).frame(1);
  for (int round = 0; round < 3; ++round) {
    store->checkpoints().checkpoint(Extent::CutAndWait);
    EXPECT_EQ(state(*store).backfilled, state(*store).max_frame);  // all of it is in the file
    write(*session, 2);                                            // else this would begin it anew
  }
  const WalState now = state(*store);
  EXPECT_EQ(now.salt1, since.salt1);
  EXPECT_EQ(now.salt2, since.salt2);
  EXPECT_GT(now.max_frame, since.max_frame);
  EXPECT_EQ(engine::wal::Log(store->borrow()->handle()).frame(1), first);
  EXPECT_FALSE(hold->is_broken());

  hold.reset();
  store->checkpoints().checkpoint(Extent::Cut);
  EXPECT_EQ(log_size(), 0U);
  EXPECT_EQ(count(*store), 16);
}

TEST_F(CheckpointsTest, ALogThatIsAllCopiedCanBeHeldToo) {
  const auto store = open({.cut_from_bytes = 1'000'000'000});
  const auto session = store->connect();
  write(*session);
  store->checkpoints().checkpoint(Extent::CutIfLarge);
  const std::unique_ptr<LogHold> hold = store->checkpoints().hold();
  write(*session, 1);
  EXPECT_EQ(state(*store).salt1, hold->since().salt1);
  EXPECT_GT(state(*store).max_frame, hold->since().max_frame);
}

TEST_F(CheckpointsTest, AnEmptyLogIsHeldFromItsFirstFrameOn) {
  const auto store = open();
  const auto session = store->connect();
  const std::unique_ptr<LogHold> hold = store->checkpoints().hold();
  EXPECT_EQ(hold->since().max_frame, 0U);
  write(*session);
  const WalState begun = state(*store);
  store->checkpoints().checkpoint(Extent::Cut);
  write(*session, 1);
  EXPECT_EQ(state(*store).salt1, begun.salt1);
  EXPECT_GT(state(*store).max_frame, begun.max_frame);
}

TEST_F(CheckpointsTest, HoldsOfADatabaseShareOnePlaceAndLeaveOneToReaders) {
  const auto first = open();
  write(*first->connect());
  const auto second = open();
  const auto third = open();
  const auto fourth = open();
  std::vector<std::unique_ptr<LogHold>> holds;
  for (int i = 0; i < 10; ++i) holds.push_back(first->checkpoints().hold());
  holds.push_back(second->checkpoints().hold());
  holds.push_back(third->checkpoints().hold());
  EXPECT_THROW(fourth->checkpoints().hold(), Busy);
  const auto session = fourth->connect();
  write(*session, 1);
  EXPECT_EQ(count(*fourth), 11);
  holds.erase(holds.begin(), holds.begin() + 10);
  EXPECT_NO_THROW(fourth->checkpoints().hold());
}

TEST_F(CheckpointsTest, AHoldThatIsNeverReleasedBreaksWhereItsLimitIs) {
  const auto store = open({.max_held_bytes = 200'000});
  const auto session = store->connect();
  write(*session);
  const std::unique_ptr<LogHold> hold = store->checkpoints().hold();
  background::drain();
  EXPECT_FALSE(hold->is_broken());
  write(*session, 60);
  background::drain();  // which looks at once
  EXPECT_TRUE(hold->is_broken());
  store->checkpoints().checkpoint(Extent::Cut);
  EXPECT_EQ(log_size(), 0U);

  const std::unique_ptr<LogHold> next = store->checkpoints().hold();
  EXPECT_FALSE(next->is_broken());
  EXPECT_TRUE(hold->is_broken());
}

// Readers take and mark places while holds come and go, and somebody tries to begin the log anew all the time.
TEST_F(CheckpointsTest, HoldsKeepTheirLogBesideReadersWritersAndCheckpoints) {
  const auto store = open();
  write(*store->connect(), 1);
  std::atomic<bool> stop = false;
  std::vector<std::thread> others;
  others.emplace_back([&] {
    const auto session = store->connect();
    while (!stop) {
      try {
        session->execute("UPDATE t SET a = a + 1", {});
      } catch (const Busy&) {  // the checkpoint has the lock
      }
    }
  });
  others.emplace_back([&] {
    while (!stop) store->checkpoints().checkpoint(Extent::Cut);
  });
  others.emplace_back([&] {
    while (!stop) {
      const BorrowedConnection reader = store->borrow();
      reader->execute_script("BEGIN; SELECT count(*) FROM t; COMMIT");
    }
  });
  int held = 0;
  for (int round = 0; round < 200; ++round) {
    try {
      const std::unique_ptr<LogHold> hold = store->checkpoints().hold();
      const WalState since = hold->since();
      for (int look = 0; look < 5; ++look) {
        std::this_thread::yield();
        const WalState now = state(*store);
        if (since.max_frame == 0 && now.max_frame == 0) continue;
        EXPECT_GE(now.max_frame, since.max_frame);
        if (since.max_frame != 0) {
          EXPECT_EQ(now.salt1, since.salt1);
        }
      }
      ++held;
    } catch (const Busy&) {
    }
  }
  stop = true;
  for (std::thread& other : others) other.join();
  EXPECT_GT(held, 0);
}

TEST_F(CheckpointsTest, WhatIsBorrowedIsOpenedOnceAndFoundAsNew) {
  const auto store = open();
  const auto session = store->connect();
  write(*session);
  store->checkpoints().checkpoint(Extent::Cut);
  const std::uint64_t opened = store->connections_opened();
  for (int i = 0; i < 3; ++i) {
    store->checkpoints().checkpoint(Extent::Cut);
    EXPECT_EQ(store->pages().free, 0U);
    const auto lent = store->lend_session();
    EXPECT_EQ(lent->settings().busy_timeout, std::chrono::milliseconds(0));
    EXPECT_THROW(lent->execute("SELECT * FROM left_behind", {}), SqlError);
    lent->execute("CREATE TEMP TABLE left_behind(a)", {});
    lent->execute("PRAGMA query_only=1", {});
    lent->execute("BEGIN", {});
    lent->interrupt_state()->interrupt();
  }
  EXPECT_EQ(store->connections_opened(), opened);
  write(*store->lend_session(), 1);
  EXPECT_EQ(count(*store), 11);
}

// -- Whose thread ----------------------------------------------------------------------------------------------------

// Remembers which threads have synced a file, and which have written the database itself.
class WatchedVfs final : public VfsWrapper {
 public:
  class File final : public VfsFileWrapper {
   public:
    File(std::unique_ptr<VfsFile> file, WatchedVfs& vfs, bool is_database)
        : VfsFileWrapper(std::move(file)), vfs_(vfs), is_database_(is_database) {}
    void sync(VfsSync how) override {
      vfs_.note(vfs_.syncs_);
      VfsFileWrapper::sync(how);
    }
    void write(std::span<const std::byte> data, std::uint64_t offset) override {
      if (is_database_) vfs_.note(vfs_.copies_);
      VfsFileWrapper::write(data, offset);
    }

   private:
    WatchedVfs& vfs_;
    const bool is_database_;
  };

  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override {
    return std::make_unique<File>(VfsWrapper::open(name, flags), *this, has(flags, VfsOpen::MainDb));
  }
  struct Counts {
    int here = 0;
    int elsewhere = 0;
  };
  Counts syncs() const { return counts(syncs_); }
  Counts copies() const { return counts(copies_); }
  void forget() {
    const std::lock_guard lock(mutex_);
    syncs_.clear();
    copies_.clear();
  }

 private:
  void note(std::multiset<std::thread::id>& threads) {
    const std::lock_guard lock(mutex_);
    threads.insert(std::this_thread::get_id());
  }
  Counts counts(const std::multiset<std::thread::id>& threads) const {
    const std::lock_guard lock(mutex_);
    const auto here = static_cast<int>(threads.count(std::this_thread::get_id()));
    return {here, static_cast<int>(threads.size()) - here};
  }
  mutable std::mutex mutex_;
  std::multiset<std::thread::id> syncs_, copies_;
};

class ClosingTest : public CheckpointsTest {
 protected:
  LocalBuilder builder() { return Builder::local(path()).vfs(registration_.name()); }
  static void fill(Connection& connection, int rows) {
    connection.execute("CREATE TABLE IF NOT EXISTS t(a, b)");
    for (int i = 0; i < rows; ++i) connection.execute("INSERT INTO t VALUES (1, zeroblob(4000))");
  }
  std::int64_t rows_in_the_file_alone() const {
    const std::string copy = directory_.file("copy");
    std::filesystem::copy_file(path(), copy, std::filesystem::copy_options::overwrite_existing);
    return Builder::local(copy).build().connect().query_value<std::int64_t>("SELECT count(*) FROM t");
  }

  std::shared_ptr<WatchedVfs> vfs_ = std::make_shared<WatchedVfs>();
  VfsRegistration registration_ = register_vfs("watched", vfs_);
};

TEST_F(ClosingTest, TheLastConnectionCopiesTheLogWhereItClosesUnlessTheBackgroundDoes) {
  {
    Connection connection = builder().build().connect();
    fill(connection, 10);
    vfs_->forget();
  }
  EXPECT_GT(vfs_->syncs().here, 0);
  EXPECT_GT(vfs_->copies().here, 0);
  {
    Connection connection = builder().background_checkpoints().build().connect();
    fill(connection, 10);
    vfs_->forget();
  }
  EXPECT_EQ(vfs_->syncs().here, 0);
  EXPECT_EQ(vfs_->copies().here, 0);
  background::drain();
  EXPECT_EQ(vfs_->syncs().here, 0);
  EXPECT_GT(vfs_->syncs().elsewhere, 0);
  EXPECT_EQ(log_size(), 0U);
  EXPECT_EQ(rows_in_the_file_alone(), 20);
  EXPECT_EQ(registration_.open_files(), 0U);
}

TEST_F(ClosingTest, WhateverHandleIsTheLastOneClosesInTheBackground) {
  for (int which = 0; which < 4; ++which) {
    std::optional<Database> database(builder().background_checkpoints().build());
    std::optional<Connection> connection(database->connect());
    fill(*connection, 5);
    std::optional<Statement> statement(connection->prepare("SELECT count(*) FROM t"));
    vfs_->forget();
    if (which == 0) database.reset();
    statement.reset();
    if (which == 3) connection->close();
    if (which == 1) connection->interrupt_handle().interrupt();
    connection.reset();
    database.reset();
    EXPECT_EQ(vfs_->syncs().here, 0) << which;
    EXPECT_EQ(vfs_->copies().here, 0) << which;
    background::drain();
    EXPECT_EQ(log_size(), 0U) << which;
  }
  EXPECT_EQ(rows_in_the_file_alone(), 20);
}

TEST_F(ClosingTest, CommitsThatFillTheLogLeaveItToTheBackground) {
  const Database database = builder().pragma("wal_autocheckpoint", 20).background_checkpoints().build();
  Connection connection = database.connect();
  fill(connection, 1);
  background::drain();
  vfs_->forget();
  fill(connection, 60);
  EXPECT_EQ(vfs_->copies().here, 0);
  background::drain();
  EXPECT_GT(vfs_->copies().elsewhere, 0);
  const WalState state = Wal(connection).state();
  EXPECT_EQ(state.backfilled, state.max_frame);
  connection.reset();
  EXPECT_EQ(connection.query_value<int>("PRAGMA wal_autocheckpoint"), 0);
}

TEST_F(ClosingTest, WithoutAutomaticCheckpointsTheBackgroundCopiesAtTheEndOnly) {
  {
    Connection connection = builder().pragma("wal_autocheckpoint", 0).background_checkpoints().build().connect();
    vfs_->forget();
    connection.execute(
        "CREATE TABLE t AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
        "SELECT zeroblob(3500) AS b FROM n");
    EXPECT_GT(Wal(connection).frame_count(), 1000U);
    background::drain();
    EXPECT_EQ(vfs_->copies().elsewhere, 0);
  }
  background::drain();
  EXPECT_EQ(rows_in_the_file_alone(), 1200);
}

TEST_F(ClosingTest, ADatabaseOfTheSameNameIsSafeFromTheOneThatIsBeingClosed) {
  for (int round = 0; round < 20; ++round) {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path() + suffix);
    Connection connection = builder().background_checkpoints().build().connect();
    fill(connection, 5);
    EXPECT_EQ(connection.query_value<std::int64_t>("SELECT count(*) FROM t"), 5);
    EXPECT_EQ(builder().build().connect().query_value<std::int64_t>("SELECT count(*) FROM t"), 5);
  }
  background::drain();
  EXPECT_EQ(builder().build().connect().query_value<std::int64_t>("SELECT count(*) FROM t"), 5);
}

TEST_F(ClosingTest, WhatIsRemovedAfterTheCloseDoesNotComeBack) {
  for (int round = 0; round < 20; ++round) {
    {
      Connection connection = builder().background_checkpoints().build().connect();
      fill(connection, 5);
    }
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path() + suffix);
    background::drain();
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path())) << round;
  }
}

TEST_F(ClosingTest, ADatabaseIsOpenedAgainWhileItIsBeingClosed) {
  for (int round = 1; round <= 20; ++round) {
    Connection connection = builder().background_checkpoints().build().connect();
    fill(connection, 1);
    EXPECT_EQ(connection.query_value<std::int64_t>("SELECT count(*) FROM t"), round);
  }
  background::drain();
  EXPECT_EQ(rows_in_the_file_alone(), 20);
}

TEST_F(ClosingTest, AHoldKeepsTheDatabaseOpenAndItsEndClosesItInTheBackground) {
  std::optional<WalHold> hold;
  {
    Connection connection = builder().background_checkpoints().build().connect();
    fill(connection, 5);
    hold.emplace(Wal(connection).hold());
  }
  background::drain();
  EXPECT_GT(log_size(), 20'000U);
  EXPECT_FALSE(hold->is_broken());
  vfs_->forget();
  hold.reset();
  EXPECT_EQ(vfs_->syncs().here, 0);
  background::drain();
  EXPECT_EQ(log_size(), 0U);
  EXPECT_EQ(rows_in_the_file_alone(), 5);
}

TEST_F(ClosingTest, TheBackgroundNeedsALog) {
  EXPECT_THROW(Builder::local("").background_checkpoints().build(), Configuration);
  EXPECT_THROW(builder().pragma("journal_mode", "delete").background_checkpoints().build(), Configuration);
  Connection memory = Builder::local(":memory:").background_checkpoints().build().connect();
  fill(memory, 5);
  EXPECT_EQ(memory.query_value<std::int64_t>("SELECT count(*) FROM t"), 5);
  const Connection connection = builder().pragma("journal_mode", "delete").build().connect();
  EXPECT_THROW(static_cast<void>(Wal(connection).hold()), Unsupported);
}

TEST_F(ClosingTest, RestartAndTruncateEndWithBusyWhileTheLogIsHeld) {
  Connection connection = builder().busy_timeout(std::chrono::milliseconds(0)).build().connect();
  fill(connection, 5);
  Wal wal(connection);
  const WalHold hold = wal.hold();
  EXPECT_EQ(hold.since(), wal.state());
  EXPECT_TRUE(wal.checkpoint(WalCheckpointMode::Full).complete());
  EXPECT_THROW(wal.checkpoint(WalCheckpointMode::Restart), Busy);
  EXPECT_THROW(wal.checkpoint(WalCheckpointMode::Truncate), Busy);
  WalInsertOptions new_log;
  new_log.start = WalInsertStart::NewLog;
  EXPECT_THROW(static_cast<void>(wal.insert(new_log)), Busy);
}

}  // namespace
}  // namespace libsql::local

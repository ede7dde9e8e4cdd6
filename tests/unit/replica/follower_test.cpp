// A follower and a scripted primary: what is applied, in which steps, and what a replica survives.
#include "replica/follower.hpp"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/error.hpp>
#include <libsql/testing/fault_vfs.hpp>
#include <libsql/vfs.hpp>

#include "core/errors.hpp"
#include "replication/bytes.hpp"
#include "replication/metadata_file.hpp"
#include "replication/snapshot_format.hpp"
#include "support/hostile_primary.hpp"
#include "support/primary_log.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::replica {
namespace {

namespace fs = std::filesystem;
using test::PrimaryLog;
using test::PrimaryScript;
using test::ScriptedPrimary;

constexpr const char* kTable = "CREATE TABLE t(a, b)";
constexpr const char* kRow = "INSERT INTO t VALUES (1, zeroblob(500))";

class FollowerTest : public ::testing::Test {
 protected:
  FollowerTest() {
    script_->log->commit(kTable);
    script_->log->commit(kRow);
  }
  FollowerOptions options() const {
    FollowerOptions options;
    options.local.path = path();
    options.local.busy_timeout = std::chrono::milliseconds(50);
    options.local.encryption = encryption_;
    return options;
  }
  std::shared_ptr<Follower> open() { return Follower::open(options(), std::make_unique<ScriptedPrimary>(script_)); }
  std::shared_ptr<Follower> open_by_hand() { return Follower::open(options()); }
  std::string path() const { return directory_.file("replica"); }
  fs::path metadata() const { return path() + "-client_wal_index"; }
  fs::path damaged() const { return path() + "-damaged"; }

  static std::int64_t number(const Follower& follower, const std::string& sql = "SELECT count(*) FROM t") {
    return follower.store()->borrow()->query_integer(sql);
  }
  static std::string check(const Follower& follower) {
    return follower.store()->borrow()->query_text("PRAGMA integrity_check").value_or("no answer");
  }
  // The replica has what the primary has, and one more commit arrives there as well.
  void expect_in_step(Follower& follower) {
    EXPECT_EQ(follower.applied(), script_->log->last());
    EXPECT_EQ(check(follower), "ok");
    script_->log->commit(kRow);
    const std::int64_t before = number(follower);
    follower.sync();
    EXPECT_EQ(number(follower), before + 1);
    EXPECT_EQ(check(follower), "ok");
  }
  void write_file(const fs::path& file, const std::string& bytes) const {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  static std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void write_as_somebody_else(const std::string& sql) const {
    local::Options options;
    options.path = path();
    options.encryption = encryption_;
    local::Store::open(std::move(options))->borrow()->execute_script(sql);
  }
  static std::vector<Repair::Kind> kinds(const SyncReport& report) {
    std::vector<Repair::Kind> all;
    for (const Repair& repair : report.repairs) all.push_back(repair.kind);
    return all;
  }

  test::TemporaryDirectory directory_;
  std::shared_ptr<PrimaryScript> script_ = std::make_shared<PrimaryScript>();
  std::optional<Encryption> encryption_;
};

using Kinds = std::vector<Repair::Kind>;

// ---- Following ------------------------------------------------------------------------------------------------------

TEST_F(FollowerTest, BringsAnEmptyFileUpToThePrimary) {
  const auto follower = open();
  EXPECT_EQ(follower->applied(), std::nullopt);
  EXPECT_EQ(follower->health().state, Health::State::Empty);
  const SyncReport report = follower->sync();
  EXPECT_EQ(report.frame_no, script_->log->last());
  EXPECT_EQ(report.frames_applied, script_->log->frames.size());
  EXPECT_GE(report.bytes_received, report.frames_applied * 4120);
  EXPECT_FALSE(report.took_snapshot);
  EXPECT_TRUE(report.repairs.empty());
  EXPECT_EQ(follower->health().state, Health::State::Following);
  EXPECT_EQ(number(*follower), 1);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, AsksForNothingTwice) {
  const auto follower = open();
  follower->sync();
  script_->calls.clear();
  const SyncReport report = follower->sync();
  EXPECT_EQ(report.frames_applied, 0U);
  EXPECT_EQ(script_->calls,
            std::vector<std::string>{std::string("frames ").append(std::to_string(script_->log->frames.size()))});
}

TEST_F(FollowerTest, SucceedsAtOnceIfTheFrameIsThere) {
  const auto follower = open();
  follower->sync();
  script_->calls.clear();
  SyncRequest request;
  request.until = script_->log->last();
  follower->sync(request);
  EXPECT_TRUE(script_->calls.empty());
}

TEST_F(FollowerTest, NeedsOneRequestForAFrameThatIsKnownToBeThere) {
  const auto follower = open();
  follower->sync();
  script_->log->commit(kRow);
  script_->calls.clear();
  SyncRequest request;
  request.until = script_->log->last();
  follower->sync(request);
  EXPECT_EQ(script_->calls.size(), 1U);
  EXPECT_EQ(number(*follower), 2);
}

TEST_F(FollowerTest, DoesNotWaitForAFrameThatThePrimaryDoesNotHave) {
  const auto follower = open();
  SyncRequest request;
  request.until = 1000;
  EXPECT_EQ(follower->sync(request).frame_no, script_->log->last());
  script_->log->commit(kRow);
  EXPECT_EQ(follower->sync(request).frame_no, script_->log->last());
}

TEST_F(FollowerTest, JoinsTheSmallTransactionsOfABatchIntoOne) {
  for (int i = 0; i < 30; ++i) script_->log->commit(kRow);
  const auto follower = open();
  int commits = 0;
  const auto listening = follower->on_applied([&](const Follower::Applied&) { ++commits; });
  follower->sync();
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(number(*follower), 31);
}

TEST_F(FollowerTest, GoesOnFromBatchToBatch) {
  for (int i = 0; i < 10; ++i) script_->log->commit(kRow);
  script_->batch = 3;
  const auto follower = open();
  std::vector<std::optional<FrameNo>> seen;
  const auto listening =
      follower->on_applied([&](const Follower::Applied& applied) { seen.push_back(applied.frame_no); });
  follower->sync();
  EXPECT_GT(seen.size(), 3U);
  EXPECT_EQ(seen.back(), script_->log->last());
  EXPECT_EQ(number(*follower), 11);
}

TEST_F(FollowerTest, TakesWhatAnEmptyPrimaryGetsLater) {
  script_->log = std::make_shared<PrimaryLog>();
  const auto follower = open();
  EXPECT_EQ(follower->sync().frame_no, std::nullopt);
  script_->log->commit(kTable);
  EXPECT_EQ(follower->sync().frame_no, script_->log->last());
  EXPECT_EQ(number(*follower), 0);
}

TEST_F(FollowerTest, TakesASnapshotIfTheLogDoesNotGoBack) {
  script_->first = script_->log->frames.size();
  const auto follower = open();
  const SyncReport report = follower->sync();
  EXPECT_TRUE(report.took_snapshot);
  EXPECT_EQ(report.frame_no, script_->log->last());
  EXPECT_EQ(number(*follower), 1);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, TakesASnapshotOnTopOfWhatItHas) {
  const auto follower = open();
  follower->sync();
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(2000) FROM generate_series(1, 100)");
  script_->first = script_->log->frames.size();
  EXPECT_TRUE(follower->sync().took_snapshot);
  EXPECT_EQ(number(*follower), 101);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, KeepsTheLogSmallWhileALargeSnapshotComes) {
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(4000) FROM generate_series(1, 6000)");
  script_->first = script_->log->frames.size();
  const auto follower = open();
  std::uintmax_t largest = 0;
  SyncRequest request;
  request.progress = [&](const SyncProgress&) { largest = std::max(largest, fs::file_size(path() + "-wal")); };
  follower->sync(request);
  EXPECT_EQ(number(*follower), 6001);
  EXPECT_GT(largest, 0U);
  EXPECT_LT(largest, std::uintmax_t{12} << 20U);  // of 24 MB
}

TEST_F(FollowerTest, TakesASnapshotWhosePagesComeInAnyOrder) {
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(4000) FROM generate_series(1, 3000)");
  script_->first = script_->log->frames.size();
  script_->on_snapshot = [](std::vector<PrimaryLog::Frame>& stream) {
    // Downwards, and page 1 in the middle.
    std::vector<std::vector<std::byte>> rests;
    for (const auto& frame : stream) {
      std::vector<std::byte> rest(frame.begin() + 16, frame.begin() + 20);
      rest.insert(rest.end(), frame.begin() + 24, frame.end());
      rests.push_back(std::move(rest));
    }
    std::swap(rests.back(), rests[rests.size() / 2]);
    std::reverse(rests.begin(), rests.end());
    for (std::size_t i = 0; i < stream.size(); ++i) {
      std::copy_n(rests[i].begin(), 4, stream[i].begin() + 16);
      std::copy(rests[i].begin() + 4, rests[i].end(), stream[i].begin() + 24);
    }
  };
  const auto follower = open();
  EXPECT_TRUE(follower->sync().took_snapshot);
  EXPECT_EQ(number(*follower), 3001);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, TellsHowFarItIs) {
  const auto follower = open();
  std::optional<SyncProgress> last;
  SyncRequest request;
  request.progress = [&](const SyncProgress& progress) { last = progress; };
  follower->sync(request);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->frame_no, script_->log->last());
  EXPECT_EQ(last->primary_frame_no, script_->log->last());
  EXPECT_EQ(last->frames_received, script_->log->frames.size());
}

TEST_F(FollowerTest, EndsWhenTheProgressCallbackThrows) {
  const auto follower = open();
  SyncRequest request;
  request.progress = [](const SyncProgress&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(follower->sync(request), std::runtime_error);
  EXPECT_EQ(follower->health().last_error, "enough");
  follower->sync();
  expect_in_step(*follower);
}

TEST_F(FollowerTest, EndsAtAnInterrupt) {
  net::Interrupt interrupt;
  interrupt.trigger();
  SyncRequest request;
  request.wait.interrupt = &interrupt;
  EXPECT_THROW(open()->sync(request), Interrupted);
}

TEST_F(FollowerTest, LetsReadersKeepTheirSnapshot) {
  const auto follower = open();
  follower->sync();
  auto reader = follower->store()->borrow();
  reader->execute_script("BEGIN");
  ASSERT_EQ(reader->query_integer("SELECT count(*) FROM t"), 1);
  script_->log->commit(kRow);
  follower->sync();
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t"), 1);
  reader->execute_script("COMMIT");
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t"), 2);
}

TEST_F(FollowerTest, IsOneForEachFileOfTheProcess) {
  const auto follower = open();
  EXPECT_EQ(follower, open());
  fs::create_symlink(path(), directory_.file("other"));
  FollowerOptions other = options();
  other.local.path = directory_.file("other");
  EXPECT_EQ(follower, Follower::open(other, std::make_unique<ScriptedPrimary>(script_)));
  other.primary.emplace().url = "http://example.org";
  EXPECT_THROW(Follower::open(other), Misuse);
}

TEST_F(FollowerTest, SyncsFromSeveralThreads) {
  const auto follower = open();
  for (int i = 0; i < 20; ++i) script_->log->commit(kRow);
  script_->batch = 2;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(follower->sync().frame_no, script_->log->last()); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number(*follower), 21);
}

TEST_F(FollowerTest, RefusesPathsThatAreNoFiles) {
  for (const char* const path : {"", ":memory:", "file:x"}) {
    FollowerOptions wrong = options();
    wrong.local.path = path;
    EXPECT_THROW(Follower::open(wrong), Error) << path;
  }
}

// ---- Failures on the way --------------------------------------------------------------------------------------------

[[noreturn]] void cut() {
  detail::ErrorData data;
  data.code = ErrorCode::Network;
  data.message = "the connection was cut";
  data.retryable = true;
  core::throw_error(std::move(data));
}

TEST_F(FollowerTest, AsksAgainAfterAConnectionWasCutAtAnyFrame) {
  for (std::uint64_t at = 0; at < script_->log->frames.size(); ++at) {
    test::TemporaryDirectory directory;
    FollowerOptions own = options();
    own.local.path = directory.file("replica");
    bool was_cut = false;
    script_->session = false;
    script_->on_frame = [&](std::uint64_t number, PrimaryLog::Frame&) {
      if (number == at && !std::exchange(was_cut, true)) cut();
    };
    const auto follower = Follower::open(own, std::make_unique<ScriptedPrimary>(script_));
    EXPECT_EQ(follower->sync().frame_no, script_->log->last());
    EXPECT_EQ(check(*follower), "ok");
  }
}

TEST_F(FollowerTest, ThrowsWhatGoesOnAndKeepsWhatItHas) {
  const auto follower = open();
  follower->sync();
  script_->log->commit(kRow);
  script_->before = [](const std::string&) { cut(); };
  EXPECT_THROW(follower->sync(), Network);
  EXPECT_EQ(follower->health().state, Health::State::Failing);
  EXPECT_EQ(follower->health().failures, 1U);
  EXPECT_EQ(follower->health().last_error, "the connection was cut");
  EXPECT_EQ(number(*follower), 1);
  script_->before = nullptr;
  follower->sync();
  EXPECT_EQ(follower->health().last_error, "");
  EXPECT_EQ(number(*follower), 2);
}

TEST_F(FollowerTest, SaysHelloAgainWhenItsSessionIsOver) {
  const auto follower = open();
  follower->sync();
  script_->session = false;
  script_->log->commit(kRow);
  follower->sync();
  EXPECT_EQ(number(*follower), 2);
}

TEST_F(FollowerTest, EndsWithAPrimaryThatEndsEachSession) {
  script_->before = [&](const std::string& call) {
    if (call.starts_with("frames")) script_->session = false;
  };
  EXPECT_THROW(open()->sync(), Protocol);
}

TEST_F(FollowerTest, EndsWithAPrimaryThatDoesNotSendWhatItHas) {
  script_->claims = 1000;
  const auto follower = open();
  EXPECT_THROW(follower->sync(), Protocol);
  EXPECT_EQ(number(*follower), 1);  // what came is there
}

TEST_F(FollowerTest, RefusesFramesThatAreDamagedAndKeepsWhatItHas) {
  using Change = std::function<void(PrimaryLog::Frame&)>;
  const std::vector<std::pair<const char*, Change>> changes = {
      {"a byte of the page", [](PrimaryLog::Frame& frame) { frame[2000] ^= std::byte{1}; }},
      {"page 0", [](PrimaryLog::Frame& frame) { replication::store_le<std::uint32_t>(&frame[16], 0); }},
      {"the page of the lock bytes",
       [](PrimaryLog::Frame& frame) { replication::store_le<std::uint32_t>(&frame[16], 0x40000000 / 4096 + 1); }},
      {"a page that cannot be",
       [](PrimaryLog::Frame& frame) { replication::store_le<std::uint32_t>(&frame[16], 0xffffffff); }},
      {"a gap", [](PrimaryLog::Frame& frame) { frame[0] ^= std::byte{4}; }},
      {"a size with pages that nobody sent",
       [](PrimaryLog::Frame& frame) { replication::store_le<std::uint32_t>(&frame[20], 4000); }},
      {"a size that cannot be",
       [](PrimaryLog::Frame& frame) { replication::store_le<std::uint32_t>(&frame[20], 0xffffffff); }}};
  const auto follower = open();
  follower->sync();
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(2000) FROM generate_series(1, 10)");
  for (const auto& [what, change] : changes) {
    script_->on_frame = [&, last = *script_->log->last(), change = change](std::uint64_t number,
                                                                           PrimaryLog::Frame& frame) {
      if (number == last) change(frame);
    };
    EXPECT_THROW(follower->sync(), Protocol) << what;
    EXPECT_EQ(number(*follower), 1) << what;
    EXPECT_FALSE(fs::exists(damaged())) << what;
  }
  script_->on_frame = nullptr;
  follower->sync();
  EXPECT_EQ(number(*follower), 11);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, RefusesAPageOneOfAnotherKindOfDatabase) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{16}}) {
    test::TemporaryDirectory directory;
    FollowerOptions own = options();
    own.local.path = directory.file("replica");
    script_->session = false;
    script_->on_frame = [&](std::uint64_t, PrimaryLog::Frame& frame) {
      const auto header = replication::decode_frame(frame)->header;
      for (std::size_t i = 8; i < 16; ++i) frame[i] = std::byte{0};  // no checksum, so that it is not that
      if (header.page_no == 1) frame[24 + at] = std::byte{0x20};
    };
    const auto follower = Follower::open(own, std::make_unique<ScriptedPrimary>(script_));
    EXPECT_THROW(follower->sync(), Protocol);
    EXPECT_EQ(follower->applied(), std::nullopt);
  }
}

TEST_F(FollowerTest, AcceptsFramesWithoutChecksums) {
  script_->on_frame = [](std::uint64_t, PrimaryLog::Frame& frame) {
    for (std::size_t i = 8; i < 16; ++i) frame[i] = std::byte{0};
  };
  const auto follower = open();
  follower->sync();
  expect_in_step(*follower);
}

TEST_F(FollowerTest, RefusesABatchThatEndsWithinATransaction) {
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(2000) FROM generate_series(1, 10)");
  const auto follower = open();
  const auto whole = script_->log->frames;
  script_->log->frames.pop_back();
  EXPECT_THROW(follower->sync(), Protocol);
  script_->log->frames = whole;
  follower->sync();
  expect_in_step(*follower);
}

TEST_F(FollowerTest, RefusesSnapshotsThatAreNotWhole) {
  using Stream = std::vector<PrimaryLog::Frame>;
  const std::vector<std::pair<const char*, std::function<void(Stream&)>>> changes = {
      {"without its end", [](Stream& stream) { stream.pop_back(); }},
      {"without a page", [](Stream& stream) { stream.erase(stream.end() - 2); }},
      {"with a page twice", [](Stream& stream) { stream.insert(stream.begin(), stream.front()); }},
      {"with more behind its end", [](Stream& stream) { stream.push_back(stream.front()); }},
      {"of no frames", [](Stream& stream) { stream.clear(); }},
      {"with a later frame behind its first", [](Stream& stream) { stream[1][0] = std::byte{0xff}; }},
      {"with page 0", [](Stream& stream) { replication::store_le<std::uint32_t>(&stream[1][16], 0); }}};
  for (const bool has_some : {false, true}) {
    for (const auto& [what, change] : changes) {
      test::TemporaryDirectory directory;
      FollowerOptions own = options();
      own.local.path = directory.file("replica");
      script_->session = false;
      script_->first = 0;
      const auto follower = Follower::open(own, std::make_unique<ScriptedPrimary>(script_));
      if (has_some) {
        follower->sync();
        script_->log->commit("INSERT INTO t SELECT value, zeroblob(2000) FROM generate_series(1, 20)");
      }
      const std::int64_t before = has_some ? number(*follower) : 0;
      script_->first = script_->log->frames.size();
      script_->on_snapshot = change;
      EXPECT_THROW(follower->sync(), Protocol) << what;
      EXPECT_EQ(has_some ? number(*follower) : number(*follower, "SELECT count(*) FROM sqlite_schema"), before) << what;
      script_->on_snapshot = nullptr;
      follower->sync();
      EXPECT_EQ(follower->applied(), script_->log->last());
      EXPECT_EQ(check(*follower), "ok") << what;
    }
  }
}

TEST_F(FollowerTest, IsBusyWhileSomebodyElseHoldsTheWriteLock) {
  const auto follower = open();
  follower->sync();
  script_->log->commit(kRow);
  {
    auto other = follower->store()->borrow();
    other->execute_script("BEGIN IMMEDIATE");
    EXPECT_THROW(follower->sync(), Busy);
    other->execute_script("ROLLBACK");
  }
  follower->sync();
  expect_in_step(*follower);
}

// ---- What the file survives -----------------------------------------------------------------------------------------

TEST_F(FollowerTest, GoesOnWhereItWasAfterAReopening) {
  open()->sync();
  script_->log->commit(kRow);
  const auto follower = open();
  EXPECT_EQ(follower->health().state, Health::State::Following);
  EXPECT_EQ(number(*follower), 1);  // without the primary
  const SyncReport report = follower->sync();
  EXPECT_LT(report.frames_applied, 4U);
  EXPECT_TRUE(report.repairs.empty());
  expect_in_step(*follower);
}

TEST_F(FollowerTest, WritesMetadataAsLibsqlDoes) {
  open()->sync();
  const std::string bytes = read_file(metadata());
  const auto decoded = replication::decode_client_wal_index(std::as_bytes(std::span(bytes)));
  const auto& index = std::get<replication::ClientWalIndex>(decoded);
  EXPECT_EQ(index.log_id, script_->log->log_id);
  EXPECT_EQ(index.committed_frame_no, script_->log->last());
}

TEST_F(FollowerTest, TakesOverAReplicaOfLibsql) {
  open()->sync();
  fs::remove(path() + "-replica");  // which libSQL does not know
  script_->log->commit(kRow);
  const auto follower = open();
  const SyncReport report = follower->sync();
  EXPECT_TRUE(report.repairs.empty());
  EXPECT_LT(report.frames_applied, 4U);
  expect_in_step(*follower);
}

// A process that ends at a certain point, as if it was killed there. The file must then go on as if nothing had been.
class FollowerKilled : public FollowerTest, public ::testing::WithParamInterface<bool> {
 protected:
  template <class Work>
  static void in_a_process(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        work();
      } catch (...) {
        ::_exit(2);
      }
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);  // it came to the point
  }
};

TEST_P(FollowerKilled, LeavesAReplicaThatGoesOn) {
  if (GetParam()) encryption_ = Encryption("a secret key");
  open()->sync();
  for (int i = 0; i < 3; ++i) script_->log->commit(kRow);
  in_a_process([&] {
    const auto follower = open();
    // Applied, but nothing beside the file says so.
    const auto listening = follower->on_applied([](const Follower::Applied&) { ::_exit(0); });
    follower->sync();
  });
  in_a_process([&] {
    script_->on_frame = [](std::uint64_t, PrimaryLog::Frame&) { ::_exit(0); };
    open()->sync();
  });
  const auto follower = open();
  const SyncReport report = follower->sync();
  EXPECT_TRUE(report.repairs.empty());
  EXPECT_EQ(number(*follower), 4);
  expect_in_step(*follower);
}

TEST_P(FollowerKilled, WithinASnapshotLeavesAFileThatIsFilledAgain) {
  if (GetParam()) encryption_ = Encryption("a secret key");
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(4000) FROM generate_series(1, 3000)");
  script_->first = script_->log->frames.size();
  in_a_process([&] {
    SyncRequest request;
    request.progress = [&](const SyncProgress& progress) {
      if (progress.frames_received > 2000) ::_exit(0);
    };
    open()->sync(request);
  });
  const auto follower = open();
  const SyncReport report = follower->sync();
  EXPECT_TRUE(report.repairs.empty());
  EXPECT_EQ(number(*follower), 3001);
  expect_in_step(*follower);
}

TEST_P(FollowerKilled, AfterASyncKeepsItsSeal) {
  if (GetParam()) encryption_ = Encryption("a secret key");
  in_a_process([&] {
    open()->sync();
    ::_exit(0);
  });
  script_->log->commit(kRow);
  const auto follower = open();
  EXPECT_EQ(number(*follower), 1);
  EXPECT_TRUE(follower->sync().repairs.empty());
  expect_in_step(*follower);
}

INSTANTIATE_TEST_SUITE_P(Files, FollowerKilled, ::testing::Bool(),
                         [](const auto& is) { return is.param ? "Encrypted" : "Plain"; });

TEST_F(FollowerTest, ShowsNoStateBetweenTwoThatItIsKnownToHaveHad) {
  // The file has all, but the metadata was lost with the machine: it is at the first commit.
  for (int i = 0; i < 5; ++i) script_->log->commit(kRow);
  const std::string before = [&] {
    script_->batch = 1;
    const auto follower = open();
    SyncRequest first;
    first.until = 0;
    follower->sync(first);
    return read_file(metadata());
  }();
  open()->sync();
  write_file(metadata(), before);
  {
    const auto follower = open();
    follower->sync();
    expect_in_step(*follower);
  }
}

// ---- Damage ---------------------------------------------------------------------------------------------------------

struct Damage {
  const char* name;
  std::function<void(const fs::path& database)> inflict;
  Repair::Kind kind;
  bool keeps;
};

class FollowerDamage : public FollowerTest, public ::testing::WithParamInterface<Damage> {};

TEST_P(FollowerDamage, IsPutAsideAndTheFileFilledAgain) {
  for (int i = 0; i < 5; ++i)
    script_->log->commit("INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, 20)");
  open()->sync();
  GetParam().inflict(path());
  const auto follower = open();
  EXPECT_EQ(follower->applied(), std::nullopt);
  ASSERT_EQ(follower->health().repairs.size(), 1U);
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{GetParam().kind});
  EXPECT_EQ(fs::exists(damaged()), GetParam().keeps);
  EXPECT_EQ(report.repairs[0].kept_at, GetParam().keeps ? damaged() : fs::path());
  EXPECT_EQ(number(*follower), 101);
  EXPECT_TRUE(follower->sync().repairs.empty());
  expect_in_step(*follower);
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void overwrite(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}
fs::path metadata_of(const fs::path& database) { return database.string() + "-client_wal_index"; }

const Damage kDamages[] = {
    {"MetadataMissing", [](const fs::path& file) { fs::remove(metadata_of(file)); }, Repair::Kind::MetadataMissing,
     true},
    {"MetadataEmpty", [](const fs::path& file) { overwrite(metadata_of(file), ""); }, Repair::Kind::MetadataDamaged,
     true},
    {"MetadataTorn",
     [](const fs::path& file) { overwrite(metadata_of(file), content(metadata_of(file)).substr(0, 20)); },
     Repair::Kind::MetadataDamaged, true},
    {"MetadataTooLong", [](const fs::path& file) { overwrite(metadata_of(file), content(metadata_of(file)) + "x"); },
     Repair::Kind::MetadataDamaged, true},
    {"MetadataWithGarbage",
     [](const fs::path& file) { overwrite(metadata_of(file), content(metadata_of(file)).substr(0, 24) + "12345678"); },
     Repair::Kind::MetadataDamaged, true},
    {"DatabaseMissing", [](const fs::path& file) { fs::remove(file); }, Repair::Kind::DatabaseMissing, false},
    {"DatabaseEmpty", [](const fs::path& file) { overwrite(file, ""); }, Repair::Kind::DatabaseMissing, true},
    {"DatabaseNoDatabase", [](const fs::path& file) { overwrite(file, std::string(50'000, 'x')); },
     Repair::Kind::DatabaseDamaged, true},
    {"DatabaseReplaced",
     [](const fs::path& file) {
       fs::remove(file);
       local::Options options;
       options.path = file;
       local::Store::open(std::move(options))->borrow()->execute_script("CREATE TABLE other(x)");
     },
     Repair::Kind::ForeignWrite, true},
    {"DatabaseCutToOnePage", [](const fs::path& file) { fs::resize_file(file, 4096); }, Repair::Kind::DatabaseDamaged,
     true},
    {"ForeignWrite",
     [](const fs::path& file) {
       local::Options options;
       options.path = file;
       local::Store::open(std::move(options))->borrow()->execute_script("INSERT INTO t VALUES ('foreign', 1)");
     },
     Repair::Kind::ForeignWrite, true},
    {"ForeignWriteThatStaysInTheLog",
     [](const fs::path& file) {
       local::Options options;
       options.path = file;
       const pid_t child = ::fork();
       if (child == 0) {
         const auto store = local::Store::open(std::move(options));
         store->borrow()->execute_script("INSERT INTO t VALUES ('foreign', 1)");
         ::_exit(0);
       }
       int status = 0;
       ::waitpid(child, &status, 0);
     },
     Repair::Kind::ForeignWrite, true},
};

INSTANTIATE_TEST_SUITE_P(Each, FollowerDamage, ::testing::ValuesIn(kDamages),
                         [](const auto& damage) { return damage.param.name; });

// libSQL's format has no checksum: a wrong number would leave frames out.
TEST_P(FollowerKilled, BeforeItsMetadataIsDamagedSeesThatItNamesAnotherFrame) {
  if (GetParam()) encryption_ = Encryption("a secret key");
  for (int i = 0; i < 30; ++i) script_->log->commit(kRow);
  open()->sync();
  const std::string right = content(metadata());
  for (const bool is_killed : {false, true}) {
    for (const char flip : {0x01, 0x10, 0x40}) {
      if (is_killed) {
        in_a_process([&] {
          open()->sync();
          ::_exit(0);
        });
      }
      std::string wrong = content(metadata());
      wrong[16] = static_cast<char>(wrong[16] ^ flip);
      overwrite(metadata(), wrong);
      script_->log->commit(kRow);
      const auto follower = open();
      const SyncReport report = follower->sync();
      EXPECT_EQ(kinds(report), Kinds{Repair::Kind::MetadataDamaged});
      EXPECT_TRUE(report.repairs[0].kept_at.empty());
      expect_in_step(*follower);
    }
  }
  EXPECT_NE(content(metadata()), right);
}

TEST_F(FollowerTest, SeesThatAFileIsCutWhoseLogWasNotYetCopied) {
  const char* const rows = "INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, 20)";
  for (int i = 0; i < 3; ++i) script_->log->commit(rows);
  const std::array<fs::path, 4> files{path(), path() + "-wal", metadata(), path() + "-replica"};
  std::array<std::string, 4> left;  // by a process that was killed
  {
    const auto follower = open();
    follower->sync();
    follower->store()->borrow()->query_integer("PRAGMA wal_checkpoint(FULL)");
    script_->log->commit(rows);
    follower->sync();
    for (std::size_t i = 0; i < files.size(); ++i) left[i] = content(files[i]);
  }
  ASSERT_GT(left[1].size(), 0U);
  ASSERT_GT(left[0].size(), 40U * 4096);
  for (const bool cut : {false, true}) {
    for (std::size_t i = 0; i < files.size(); ++i) overwrite(files[i], left[i]);
    fs::remove(path() + "-shm");
    if (cut) fs::resize_file(path(), left[0].size() / 2 + 100);
    const auto follower = open();
    const SyncReport report = follower->sync();
    EXPECT_EQ(kinds(report), cut ? Kinds{Repair::Kind::DatabaseDamaged} : Kinds{});
    EXPECT_EQ(number(*follower), cut ? 82 : 81);
    expect_in_step(*follower);  // which adds a row
  }
}

TEST_F(FollowerTest, RefusesADatabaseThatWasNeverAReplica) {
  {
    local::Options options;
    options.path = path();
    local::Store::open(std::move(options))
        ->borrow()
        ->execute_script("CREATE TABLE mine(x); INSERT INTO mine VALUES (1)");
  }
  EXPECT_THROW(open(), Misuse);
  EXPECT_FALSE(fs::exists(metadata()));
  EXPECT_FALSE(fs::exists(damaged()));
  local::Options options;
  options.path = path();
  EXPECT_EQ(local::Store::open(std::move(options))->borrow()->query_integer("SELECT x FROM mine"), 1);
}

TEST_F(FollowerTest, TakesAWrongKeyForNoDamage) {
  encryption_ = Encryption("a secret key");
  open()->sync();
  encryption_ = Encryption("another key");
  EXPECT_THROW(open(), NotADatabase);
  encryption_.reset();
  EXPECT_THROW(open(), NotADatabase);
  EXPECT_FALSE(fs::exists(damaged()));
  encryption_ = Encryption("a secret key");
  const auto follower = open();
  EXPECT_EQ(number(*follower), 1);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, NoticesAForeignWriteWhileItIsOpen) {
  const auto follower = open();
  follower->sync();
  write_as_somebody_else("INSERT INTO t VALUES ('foreign', 1)");
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{Repair::Kind::ForeignWrite});
  EXPECT_TRUE(fs::exists(damaged()));
  EXPECT_EQ(number(*follower), 1);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, BeginsAgainWithAnotherLogWhileReadersReadTheOldState) {
  const auto follower = open();
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, 50)");
  follower->sync();
  auto reader = follower->store()->borrow();
  reader->execute_script("BEGIN");
  ASSERT_EQ(reader->query_integer("SELECT count(*) FROM t"), 51);
  script_->log = std::make_shared<PrimaryLog>(std::uint8_t{2});
  script_->log->commit(kTable);
  script_->log->commit(kRow);
  script_->session = false;
  bool rebuilt = false;
  int commits = 0;
  const auto listening = follower->on_applied([&](const Follower::Applied& applied) {
    ++commits;
    rebuilt = applied.rebuilt;
  });
  script_->batch = 1;
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{Repair::Kind::OtherLog});
  EXPECT_EQ(commits, 1);  // and nothing of its past is shown
  EXPECT_TRUE(rebuilt);
  EXPECT_EQ(reader->query_integer("SELECT count(*) FROM t"), 51);
  reader->execute_script("COMMIT");
  EXPECT_EQ(number(*follower), 1);
  // What was there before is aside.
  local::Options kept;
  kept.path = damaged();
  EXPECT_EQ(local::Store::open(std::move(kept))->borrow()->query_integer("SELECT count(*) FROM t"), 51);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, BeginsAgainWithAnotherLogByASnapshot) {
  const auto follower = open();
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, 50)");
  follower->sync();
  script_->log = std::make_shared<PrimaryLog>(std::uint8_t{2});
  script_->log->commit(kTable);
  script_->first = script_->log->frames.size();
  script_->session = false;
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{Repair::Kind::OtherLog});
  EXPECT_TRUE(report.took_snapshot);
  EXPECT_EQ(number(*follower), 0);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, KeepsTheOldStateUntilTheNewOneIsWhole) {
  const auto follower = open();
  follower->sync();
  script_->log = std::make_shared<PrimaryLog>(std::uint8_t{2});
  script_->log->commit("CREATE TABLE t(a, b); INSERT INTO t SELECT value, zeroblob(3000) FROM generate_series(1, 50)");
  script_->session = false;
  script_->on_frame = [](std::uint64_t number, PrimaryLog::Frame&) {
    if (number == 20) cut();
  };
  EXPECT_THROW(follower->sync(), Network);
  EXPECT_EQ(number(*follower), 1);
  script_->on_frame = nullptr;
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{Repair::Kind::OtherLog});
  EXPECT_EQ(number(*follower), 50);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, BeginsAgainWithAPrimaryThatWasRestoredFromABackup) {
  const auto follower = open();
  const auto backup = std::make_pair(script_->log->frames, script_->log->pages);
  script_->log->commit("INSERT INTO t VALUES ('lost', 1)");
  follower->sync();
  ASSERT_EQ(number(*follower), 2);
  script_->log->frames = backup.first;
  script_->log->pages = backup.second;
  script_->session = false;
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{Repair::Kind::PrimaryWentBack});
  EXPECT_EQ(number(*follower), 1);
  EXPECT_EQ(check(*follower), "ok");
}

TEST_F(FollowerTest, BeginsAgainWithAPrimaryThatWasRestoredAndHasWrittenMoreSince) {
  script_->log->commit("INSERT INTO t VALUES ('lost', 1)");
  open()->sync();
  script_->log = std::make_shared<PrimaryLog>();  // the same log id, and another past
  script_->log->commit(kTable);
  for (int i = 0; i < 10; ++i) script_->log->commit("INSERT INTO t VALUES ('new', 2)");
  const auto follower = open();
  const SyncReport report = follower->sync();
  EXPECT_EQ(kinds(report), Kinds{Repair::Kind::HistoryDiverged});
  EXPECT_EQ(number(*follower, "SELECT count(*) FROM t WHERE a = 'lost'"), 0);
  EXPECT_EQ(number(*follower), 10);
  expect_in_step(*follower);
}

// ---- Joined commits -------------------------------------------------------------------------------------------------

TEST_F(FollowerTest, TakesJoinedCommitsInOneStep) {
  script_->joined = true;
  for (int i = 0; i < 100; ++i) script_->log->commit(kRow);
  const auto follower = open();
  int commits = 0;
  const auto listening = follower->on_applied([&](const Follower::Applied&) { ++commits; });
  const SyncReport report = follower->sync();
  EXPECT_EQ(report.frame_no, script_->log->last());
  EXPECT_EQ(report.frames_applied, script_->log->frames.size()) << "those that it stands for";
  EXPECT_LT(report.bytes_received, report.frames_applied * 4120 / 2);
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(number(*follower), 101);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, GoesOnFromJoinedCommitsWithSingleOnesAndBack) {
  for (int i = 0; i < 6; ++i) {
    script_->joined = !script_->joined;
    script_->session = false;
    for (int j = 0; j < 3; ++j) script_->log->commit(kRow);
    const auto follower = open();
    follower->sync();
    expect_in_step(*follower);
  }
}

TEST_F(FollowerTest, FollowsJoinedCommitsWhenTheDatabaseShrinks) {
  script_->joined = true;
  for (int i = 0; i < 60; ++i) script_->log->commit(kRow);
  const auto follower = open();
  follower->sync();
  script_->log->commit("DELETE FROM t");
  script_->log->commit("VACUUM");
  follower->sync();
  EXPECT_EQ(number(*follower, "PRAGMA page_count"), static_cast<std::int64_t>(script_->log->pages.size()));
  expect_in_step(*follower);
}

TEST_F(FollowerTest, NoticesByJoinedCommitsThatThePrimaryHasAnotherPast) {
  script_->joined = true;
  script_->log->commit("INSERT INTO t VALUES ('lost', 1)");
  open()->sync();
  script_->log = std::make_shared<PrimaryLog>();  // the same log id
  script_->log->commit(kTable);
  for (int i = 0; i < 10; ++i) script_->log->commit("INSERT INTO t VALUES ('new', 2)");
  const auto follower = open();
  EXPECT_EQ(kinds(follower->sync()), Kinds{Repair::Kind::HistoryDiverged});
  EXPECT_EQ(number(*follower, "SELECT count(*) FROM t WHERE a = 'lost'"), 0);
  EXPECT_EQ(number(*follower), 10);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, RefusesJoinedCommitsThatMakeNoSense) {
  using Joined = std::vector<PrimaryLog::Frame>;
  const auto set_number = [](PrimaryLog::Frame& frame, std::uint64_t number) {
    auto header = replication::decode_frame(frame)->header;
    header.frame_no = number;
    replication::encode_frame_header(header, std::span(frame).first<replication::kFrameHeaderSize>());
  };
  const std::function<void(Joined&)> wrongs[] = {
      [](Joined& joined) { joined.pop_back(); },                             // the end of the transaction
      [](Joined& joined) { std::swap(joined.front(), joined.back()); },      // numbers that fall
      [&](Joined& joined) { set_number(joined.front(), 0); },                // a number that was there
      [&](Joined& joined) { set_number(joined.back(), ~std::uint64_t{0}); }  // one that cannot be
  };
  open()->sync();
  script_->joined = true;
  for (int i = 0; i < 5; ++i) script_->log->commit("INSERT INTO t VALUES (zeroblob(5000), 1)");
  for (const auto& wrong : wrongs) {
    script_->on_joined = wrong;
    const auto follower = open();
    const auto before = follower->applied();
    EXPECT_THROW(follower->sync(), Protocol);
    EXPECT_EQ(follower->applied(), before);
    EXPECT_EQ(number(*follower), 1);
    EXPECT_EQ(check(*follower), "ok");
  }
  script_->on_joined = nullptr;
  const auto follower = open();
  follower->sync();
  EXPECT_EQ(number(*follower), 6);
  expect_in_step(*follower);
}

TEST_F(FollowerTest, TakesNothingAwayForAPrimaryThatIsEmpty) {
  const auto follower = open();
  follower->sync();
  script_->log = std::make_shared<PrimaryLog>(std::uint8_t{2});
  script_->session = false;
  EXPECT_THROW(follower->sync(), Error);
  EXPECT_EQ(number(*follower), 1);
  EXPECT_FALSE(fs::exists(damaged()));
  script_->log->commit(kTable);
  EXPECT_EQ(kinds(follower->sync()), Kinds{Repair::Kind::OtherLog});
  EXPECT_EQ(number(*follower), 0);
}

TEST_F(FollowerTest, LeavesTheFileAloneWhileAnotherProcessFollowsWithIt) {
  open()->sync();
  const int descriptor = ::open(metadata().c_str(), O_RDWR);
  ASSERT_EQ(::flock(descriptor, LOCK_EX | LOCK_NB), 0);
  const auto follower = open();
  EXPECT_EQ(number(*follower), 1);
  EXPECT_EQ(follower->applied(), script_->log->last());
  EXPECT_THROW(follower->sync(), Busy);
  ::close(descriptor);
  follower->sync();
  expect_in_step(*follower);
}

TEST_F(FollowerTest, LeavesNoPlainTextInAnyFileOfAnEncryptedReplica) {
  encryption_ = Encryption("a secret key");
  const std::string word = "a word that nobody may read";
  script_->log->commit("INSERT INTO t SELECT value, '" + word + "' FROM generate_series(1, 500)");
  const auto grep = [&] {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      ++files;
      const std::string bytes = read_file(entry.path());
      EXPECT_EQ(bytes.find(word), std::string::npos) << entry.path();
      EXPECT_EQ(bytes.find("CREATE TABLE"), std::string::npos) << entry.path();
    }
    return files;
  };
  {
    const auto follower = open();
    follower->sync();
    EXPECT_EQ(number(*follower, "SELECT count(*) FROM t WHERE b = '" + word + "'"), 500);
    EXPECT_GE(grep(), 4);
  }
  // Also where the old file is kept.
  script_->log = std::make_shared<PrimaryLog>(std::uint8_t{2});
  script_->log->commit(kTable);
  script_->session = false;
  const auto follower = open();
  EXPECT_EQ(kinds(follower->sync()), Kinds{Repair::Kind::OtherLog});
  EXPECT_TRUE(fs::exists(damaged()));
  EXPECT_GE(grep(), 5);
}

// ---- By hand --------------------------------------------------------------------------------------------------------

TEST_F(FollowerTest, AppliesFramesThatAreHandedOver) {
  const auto follower = open_by_hand();
  const SyncReport report = follower->apply(script_->log->bytes());
  EXPECT_EQ(report.frame_no, script_->log->last());
  EXPECT_EQ(number(*follower), 1);
  const std::size_t before = script_->log->frames.size();
  script_->log->commit(kRow);
  EXPECT_EQ(follower->apply(script_->log->bytes()).frames_applied, script_->log->frames.size() - before);
  EXPECT_EQ(number(*follower), 2);
  EXPECT_EQ(check(*follower), "ok");
  EXPECT_THROW(follower->sync(), Misuse);
}

TEST_F(FollowerTest, LeavesATransactionThatIsNotWholeForTheNextCall) {
  const auto follower = open_by_hand();
  follower->apply(script_->log->bytes());
  script_->log->commit("INSERT INTO t SELECT value, zeroblob(2000) FROM generate_series(1, 10)");
  auto bytes = script_->log->bytes();
  bytes.resize(bytes.size() - 4120);
  EXPECT_EQ(follower->apply(bytes).frames_applied, 0U);
  EXPECT_EQ(number(*follower), 1);
  follower->apply(script_->log->bytes());
  EXPECT_EQ(number(*follower), 11);
}

TEST_F(FollowerTest, RefusesFramesByHandThatLeaveAGap) {
  const auto follower = open_by_hand();
  EXPECT_THROW(follower->apply(script_->log->bytes(1)), Protocol);
  EXPECT_THROW(follower->apply(std::vector<std::byte>(4119)), Misuse);
  follower->apply(script_->log->bytes());
  EXPECT_EQ(number(*follower), 1);
}

TEST_F(FollowerTest, AppliesASnapshotFile) {
  auto stream = script_->log->snapshot();
  replication::SnapshotHeader header;
  header.log_id = script_->log->log_id;
  header.end_frame_no = *script_->log->last();
  header.frame_count = stream.size();
  header.size_after = static_cast<std::uint32_t>(stream.size());
  std::vector<std::byte> file(replication::kSnapshotHeaderSize);
  replication::encode_snapshot_header(header, std::span(file).first<replication::kSnapshotHeaderSize>());
  for (auto& frame : stream) {
    replication::store_le<std::uint32_t>(&frame[20], 0);
    file.insert(file.end(), frame.begin(), frame.end());
  }
  const auto follower = open_by_hand();
  EXPECT_TRUE(follower->apply_snapshot(file).took_snapshot);
  EXPECT_EQ(follower->applied(), script_->log->last());
  EXPECT_EQ(number(*follower), 1);
  file.pop_back();
  EXPECT_THROW(follower->apply_snapshot(file), Protocol);
  script_->log->commit(kRow);
  follower->apply(script_->log->bytes(header.end_frame_no + 1));
  EXPECT_EQ(number(*follower), 2);
}

TEST_F(FollowerTest, BecomesAPlainDatabaseWhenItIsFrozen) {
  {
    const auto follower = open();
    follower->sync();
    follower->freeze();
    EXPECT_EQ(follower->health().state, Health::State::Frozen);
    EXPECT_THROW(follower->sync(), Misuse);
    EXPECT_THROW(follower->freeze(), Misuse);
    write_as_somebody_else("INSERT INTO t VALUES (2, 2)");
    EXPECT_EQ(number(*follower), 2);
  }
  EXPECT_FALSE(fs::exists(metadata()));
  EXPECT_FALSE(fs::exists(path() + "-replica"));
  EXPECT_THROW(open(), Misuse);  // it is somebody's data now
}

TEST_F(FollowerTest, SurvivesTheFailureOfEachOperationOfItsDatabaseFile) {
  const auto vfs = std::make_shared<testing::FaultVfs>("");
  const VfsRegistration registration = register_vfs("follower-faults", vfs);
  const auto log = script_->log;
  int failures = 0;
  for (const auto kind : {testing::FaultKind::Error, testing::FaultKind::ShortWrite, testing::FaultKind::Full}) {
    const bool writes = kind != testing::FaultKind::Error;
    for (std::uint64_t nth = 1;; nth += writes ? 1 : 3) {
      test::TemporaryDirectory directory;
      FollowerOptions own = options();
      own.local.path = directory.file("replica");
      own.local.vfs = "follower-faults";
      const auto follower = Follower::open(own, std::make_unique<ScriptedPrimary>(script_));
      SyncRequest first;
      first.until = 0;
      script_->batch = 1;
      follower->sync(first);
      script_->batch = 1024;
      vfs->inject({.on = writes ? testing::FaultOn::Write : testing::FaultOn::Any, .kind = kind, .nth = nth});
      try {
        follower->sync();
      } catch (const Error&) {
        ++failures;
      }
      const bool was_hit = vfs->hits() != 0;
      vfs->clear();
      const SyncReport report = follower->sync();
      EXPECT_TRUE(report.repairs.empty()) << nth;
      EXPECT_EQ(follower->applied(), log->last()) << nth;
      EXPECT_EQ(number(*follower), 1) << nth;
      EXPECT_EQ(check(*follower), "ok") << nth;
      if (!was_hit) break;
    }
  }
  EXPECT_GT(failures, 5);
}

TEST(HostilePrimary, LeavesAReplicaThatAnHonestOneCanFill) {
  std::mt19937 random(20261201);
  for (int round = 0; round < 25; ++round) {
    std::vector<std::uint8_t> script(20 + random() % 150);
    for (std::uint8_t& byte : script) byte = static_cast<std::uint8_t>(random() % 5 == 0 ? random() : random() % 48);
    EXPECT_NO_THROW(test::survive(script)) << round;
  }
}

}  // namespace
}  // namespace libsql::replica

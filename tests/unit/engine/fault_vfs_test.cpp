// Every kind of fault, then sweeps: whatever fails, and whenever the power goes, the database is old or new and whole.
#include <libsql/testing/fault_vfs.hpp>

#include <string>
#include <vector>

#include "engine/vfs.hpp"
#include "support/temporary_directory.hpp"
#include "unit/engine/raw_sqlite.hpp"

namespace libsql::testing {
namespace {

using test::Raw;

std::vector<std::byte> bytes(std::size_t count, int value) { return std::vector<std::byte>(count, std::byte(value)); }

constexpr auto kCreate = VfsOpen::ReadWrite | VfsOpen::Create | VfsOpen::MainDb;

// ---- each fault by itself

TEST(FaultVfs, CountsOperationsAndHitsTheNthOne) {
  FaultVfs vfs;
  const auto file = vfs.open(VfsFileName("f"), kCreate);
  vfs.inject({.on = FaultOn::Write, .nth = 2, .times = 2});
  file->write(bytes(10, 1), 0);
  EXPECT_THROW(file->write(bytes(10, 2), 0), VfsError);
  EXPECT_THROW(file->write(bytes(10, 3), 0), VfsError);
  file->write(bytes(10, 4), 0);
  EXPECT_EQ(vfs.hits(), 2u);
  EXPECT_EQ(vfs.count(FaultOn::Write), 4u);
  EXPECT_EQ(vfs.count(FaultOn::Open), 1u);
  EXPECT_EQ(vfs.count(FaultOn::Change), 4u);
  EXPECT_EQ(vfs.count(FaultOn::Any), 5u);
  EXPECT_EQ(vfs.contents("f"), bytes(10, 4));
  EXPECT_THROW(vfs.inject({.nth = 0}), Misuse);
}

int code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.sqlite_code();
  }
  return SQLITE_OK;
}

TEST(FaultVfs, EachOperationFailsWithTheErrorOfItsKind) {
  FaultVfs vfs;
  const auto file = vfs.open(VfsFileName("f"), kCreate);
  std::byte buffer[4];
  const struct {
    FaultOn on;
    int code;
    std::function<void()> call;
  } cases[] = {
      {FaultOn::Open, SQLITE_CANTOPEN, [&] { vfs.open(VfsFileName("g"), kCreate); }},
      {FaultOn::Read, SQLITE_IOERR_READ, [&] { file->read(buffer, 0); }},
      {FaultOn::Write, SQLITE_IOERR_WRITE, [&] { file->write(buffer, 0); }},
      {FaultOn::Truncate, SQLITE_IOERR_TRUNCATE, [&] { file->truncate(0); }},
      {FaultOn::Sync, SQLITE_IOERR_FSYNC, [&] { file->sync(VfsSync::Full); }},
      {FaultOn::Size, SQLITE_IOERR_FSTAT, [&] { file->size(); }},
      {FaultOn::Lock, SQLITE_IOERR_LOCK, [&] { file->lock(VfsLock::Shared); }},
      {FaultOn::Delete, SQLITE_IOERR_DELETE, [&] { vfs.remove("f", VfsSyncDirectory::No); }},
      {FaultOn::Exists, SQLITE_IOERR_ACCESS, [&] { (void)vfs.exists("f"); }},
      {FaultOn::ShmMap, SQLITE_IOERR_SHMMAP, [&] { file->shm_map(0, 32768, VfsShmCreate::IfMissing); }},
      {FaultOn::ShmLock, SQLITE_IOERR_SHMLOCK, [&] { file->shm_lock(0, 1, VfsShmLock::LockExclusive); }},
      {FaultOn::Map, SQLITE_IOERR_MMAP, [&] { file->fetch(0, 1); }},
  };
  for (const auto& each : cases) {
    vfs.clear();
    vfs.inject({.on = each.on});
    EXPECT_EQ(code_of(each.call), each.code) << static_cast<int>(each.on);
    for (const auto& [kind, code] :
         {std::pair(FaultKind::Full, SQLITE_FULL), {FaultKind::NoMemory, SQLITE_IOERR_NOMEM}}) {
      vfs.clear();
      vfs.inject({.on = each.on, .kind = kind});
      EXPECT_EQ(code_of(each.call), code) << static_cast<int>(each.on);
    }
    vfs.clear();
    EXPECT_EQ(code_of(each.on == FaultOn::Delete ? [] {} : each.call), SQLITE_OK) << static_cast<int>(each.on);
    if (each.on == FaultOn::ShmLock) file->shm_lock(0, 1, VfsShmLock::UnlockExclusive);
  }
}

TEST(FaultVfs, ShortReadsAndWritesDoHalfOfTheWork) {
  FaultVfs vfs;
  const auto file = vfs.open(VfsFileName("f"), kCreate);
  file->write(bytes(8, 1), 0);
  vfs.inject({.on = FaultOn::Read, .kind = FaultKind::ShortRead});
  auto buffer = bytes(8, 9);
  EXPECT_EQ(file->read(buffer, 0), 4u);
  vfs.inject({.on = FaultOn::Write, .kind = FaultKind::ShortWrite});
  EXPECT_EQ(code_of([&] { file->write(bytes(8, 2), 0); }), SQLITE_IOERR_WRITE);
  const auto left = vfs.contents("f");
  ASSERT_EQ(left.size(), 8u);
  EXPECT_EQ(left[3], std::byte{2});
  EXPECT_EQ(left[4], std::byte{1});
}

TEST(FaultVfs, BusyIsALockThatIsNotToBeHad) {
  FaultVfs vfs;
  const auto file = vfs.open(VfsFileName("f"), kCreate);
  vfs.inject({.on = FaultOn::Lock, .kind = FaultKind::Busy});
  EXPECT_FALSE(file->lock(VfsLock::Shared));
  EXPECT_TRUE(file->lock(VfsLock::Shared));
  vfs.inject({.on = FaultOn::Write, .kind = FaultKind::Busy});
  EXPECT_EQ(code_of([&] { file->write(bytes(1, 1), 0); }), SQLITE_BUSY);
}

TEST(FaultVfs, AFaultMayConcernOneKindOfFileOnly) {
  auto vfs = std::make_shared<FaultVfs>();
  const VfsRegistration registration = register_vfs("fault", vfs);
  Raw raw("db", "fault");
  ASSERT_SQL_OK(raw, "PRAGMA journal_mode=wal; CREATE TABLE t(a); PRAGMA wal_checkpoint");
  vfs->inject({.on = FaultOn::Write, .times = Fault::kForever, .files = VfsOpen::MainDb});
  EXPECT_SQL_OK(raw, "INSERT INTO t VALUES (1)");
  EXPECT_EQ(raw.exec("PRAGMA wal_checkpoint"), SQLITE_IOERR_WRITE);
  vfs->clear();
  vfs->inject({.on = FaultOn::Write, .kind = FaultKind::Full, .files = VfsOpen::Wal});
  EXPECT_EQ(raw.exec("INSERT INTO t VALUES (2)"), SQLITE_FULL);
  EXPECT_EQ(engine::take_vfs_error_text(SQLITE_FULL), "an injected fault: the disk is full");
  EXPECT_EQ(raw.text("SELECT count(*) FROM t"), "1");
}

TEST(FaultVfs, MayStandOnRealFiles) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("fault.db");
  auto vfs = std::make_shared<FaultVfs>("unix");
  {
    const VfsRegistration registration = register_vfs("fault", vfs);
    Raw raw(path, "fault");
    ASSERT_SQL_OK(raw, "PRAGMA journal_mode=wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    vfs->inject({.on = FaultOn::Write, .kind = FaultKind::Full});
    EXPECT_EQ(raw.exec("INSERT INTO t VALUES (2)"), SQLITE_FULL);
    EXPECT_EQ(Raw(path).text("SELECT count(*) FROM t"), "1");
  }
  EXPECT_THROW(vfs->power_cut(1), Misuse);
  EXPECT_THROW(vfs->inject({.kind = FaultKind::PowerCut}), Misuse);
  EXPECT_THROW(FaultVfs("no such vfs"), Configuration);
}

// ---- the disk

TEST(FaultVfsDisk, KeepsWhatWasSyncedAndOnlyThat) {
  FaultVfs vfs;
  {
    const auto file = vfs.open(VfsFileName("synced"), kCreate);
    file->write(bytes(1024, 1), 0);
    file->sync(VfsSync::Full);
    file->write(bytes(2048, 2), 0);
    EXPECT_EQ(vfs.contents("synced"), bytes(2048, 2));
    EXPECT_EQ(vfs.durable_contents("synced"), bytes(1024, 1));
    vfs.open(VfsFileName("new"), kCreate)->write(bytes(1, 1), 0);
  }
  vfs.power_cut(1, Unsynced::Lost);
  EXPECT_EQ(vfs.contents("synced"), bytes(1024, 1));
  EXPECT_FALSE(vfs.exists("new"));
}

TEST(FaultVfsDisk, ADeletionIsDurableWhenItSaysSo) {
  FaultVfs vfs;
  for (const char* name : {"forgotten", "gone"}) vfs.open(VfsFileName(name), kCreate)->sync(VfsSync::Full);
  vfs.remove("gone", VfsSyncDirectory::Yes);
  vfs.remove("forgotten", VfsSyncDirectory::No);
  EXPECT_FALSE(vfs.exists("forgotten"));
  vfs.power_cut(1, Unsynced::Lost);
  EXPECT_TRUE(vfs.exists("forgotten"));
  EXPECT_FALSE(vfs.exists("gone"));
  vfs.remove("forgotten", VfsSyncDirectory::No);
  vfs.open(VfsFileName("new"), kCreate)->sync(VfsSync::Full);
  vfs.power_cut(1, Unsynced::Lost);
  EXPECT_FALSE(vfs.exists("forgotten")) << "the first sync of a new file syncs the directory";
  EXPECT_TRUE(vfs.exists("new"));
}

TEST(FaultVfsDisk, ASeedChoosesAmongTheSectorsAndIsRepeatable) {
  std::vector<std::vector<std::byte>> first;
  bool mixed = false;
  bool reordered = false;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      FaultVfs vfs;
      const auto file = vfs.open(VfsFileName("f"), kCreate);
      file->write(bytes(4096, 1), 0);
      file->sync(VfsSync::Full);
      for (int sector = 0; sector < 8; ++sector) file->write(bytes(512, 2), static_cast<std::uint64_t>(sector) * 512);
      vfs.power_cut(seed);
      const auto left = vfs.contents("f");
      ASSERT_EQ(left.size(), 4096u);
      const auto kept = [&](std::size_t sector) { return left[sector * 512] == std::byte{2}; };
      for (std::size_t sector = 0; sector < 7; ++sector) {
        mixed = mixed || kept(sector) != kept(sector + 1);
        reordered = reordered || (!kept(sector) && kept(sector + 1));
      }
      if (round == 0) {
        first.push_back(left);
      } else {
        EXPECT_EQ(left, first[seed]);
      }
    }
  }
  EXPECT_TRUE(mixed);
  EXPECT_TRUE(reordered);
}

TEST(FaultVfsDisk, WithoutPowersafeOverwriteATornSectorTakesItsNeighboursAlong) {
  bool damaged = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    FaultVfs vfs({.sector_size = 512, .characteristics = VfsDevice::None});
    const auto file = vfs.open(VfsFileName("f"), kCreate);
    file->write(bytes(512, 1), 0);
    file->sync(VfsSync::Full);
    file->write(bytes(16, 2), 0);
    vfs.power_cut(seed);
    damaged = damaged || vfs.contents("f").at(500) != std::byte{1};
  }
  EXPECT_TRUE(damaged);
}

TEST(FaultVfsDisk, FilesThatWereOpenAreDeadAfterARestart) {
  auto vfs = std::make_shared<FaultVfs>();
  const VfsRegistration registration = register_vfs("fault", vfs);
  Raw before("db", "fault");
  ASSERT_SQL_OK(before, "PRAGMA synchronous=extra; CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
  vfs->inject({.on = FaultOn::Sync, .kind = FaultKind::PowerCut});
  EXPECT_EQ(before.exec("COMMIT") & 0xff, SQLITE_IOERR);
  EXPECT_TRUE(vfs->power_is_off());
  EXPECT_EQ(Raw("db", "fault").open_code, SQLITE_CANTOPEN);
  vfs->restart(1, Unsynced::Lost);
  Raw after("db", "fault");
  EXPECT_SQL_OK(after, "INSERT INTO t VALUES (2)");  // the locks of the dead do not count
  EXPECT_NE(before.exec("SELECT * FROM t"), SQLITE_OK);
  EXPECT_EQ(before.close(), SQLITE_OK);
  EXPECT_EQ(after.text("SELECT group_concat(a) FROM t"), "2");
}

// ---- sweeps

struct Mode {
  const char* name;
  const char* pragmas;
};

constexpr Mode kDelete{"delete", "PRAGMA journal_mode=delete; PRAGMA synchronous=extra"};
constexpr Mode kTruncate{"truncate", "PRAGMA journal_mode=truncate; PRAGMA synchronous=full"};
constexpr Mode kPersist{"persist", "PRAGMA journal_mode=persist; PRAGMA synchronous=full"};
constexpr Mode kWal{"wal", "PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA wal_autocheckpoint=12"};

class Workload {
 public:
  static constexpr int kTransactions = 5;

  // Creates the database: state 0, in which all rows say 0 and the log is empty.
  Workload(std::shared_ptr<FaultVfs> vfs, const char* pragmas, const char* key = nullptr)
      : vfs_(std::move(vfs)), pragmas_(pragmas), key_(key) {
    Raw raw = open();
    EXPECT_SQL_OK(
        raw,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v INT, pad BLOB); CREATE INDEX i ON t(v); CREATE TABLE log(k, "
        "pad); WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<30) "
        "INSERT INTO t SELECT i, 0, zeroblob(300) FROM n");
  }

  Raw open() const {
    Raw raw("db", key_ == nullptr ? "fault" : "multipleciphers-fault");
    if (key_ != nullptr)
      raw.exec(std::string("PRAGMA cipher='aes256cbc'; PRAGMA kdf_iter=1; PRAGMA key='") + key_ + "'");
    raw.exec(std::string(pragmas_) + "; PRAGMA cache_size=8");
    return raw;
  }

  // Takes the database from state to state until something fails. Returns the last state that was acknowledged.
  int run(Raw& raw) const {
    for (int k = 1; k <= kTransactions; ++k) {
      const std::string number = std::to_string(k);
      if (raw.exec("BEGIN IMMEDIATE; UPDATE t SET v=" + number + "; INSERT INTO log VALUES(" + number +
                   ", zeroblob(1500)); COMMIT") != SQLITE_OK) {
        return k - 1;
      }
    }
    return kTransactions;
  }

  // The state that the database is in, or what is wrong with it.
  static std::string state(Raw& raw) {
    const std::string integrity = raw.text("PRAGMA integrity_check");
    if (integrity != "ok") return "integrity: " + integrity;
    return raw.text(
        "SELECT CASE WHEN min(v)=max(v) AND max(v)=(SELECT count(*) FROM log) AND count(*)=30 "
        "THEN max(v) ELSE 'mixed ' || min(v) || ' ' || max(v) || ' ' || (SELECT count(*) FROM log) END FROM t");
  }

  static bool is_old_or_new(const std::string& state, int acknowledged) {
    return state == std::to_string(acknowledged) ||
           (acknowledged < kTransactions && state == std::to_string(acknowledged + 1));
  }

 private:
  std::shared_ptr<FaultVfs> vfs_;
  const char* pragmas_;
  const char* key_;
};

class FaultSweep : public ::testing::TestWithParam<Mode> {
 protected:
  // Fails the n-th operation for every n there is. Returns how many there were.
  std::uint64_t sweep(Fault fault, const char* key = nullptr) {
    for (std::uint64_t n = 1;; ++n) {
      auto vfs = std::make_shared<FaultVfs>();
      const VfsRegistration registration = register_vfs("fault", vfs);
      const Workload workload(vfs, GetParam().pragmas, key);
      fault.nth = n;
      int acknowledged = 0;
      std::uint64_t hits = 0;
      {
        vfs->clear();
        vfs->inject(fault);
        Raw raw = workload.open();
        acknowledged = workload.run(raw);
        hits = vfs->hits();
        vfs->clear();
        // The same connection, if it came to be, goes on as soon as the disk does.
        if (sqlite3_get_autocommit(raw.db) == 0) raw.exec("ROLLBACK");
        const std::string state = raw.open_code == SQLITE_OK ? Workload::state(raw) : "0";
        EXPECT_TRUE(Workload::is_old_or_new(state, acknowledged))
            << "n=" << n << ": " << acknowledged << " -> " << state;
      }
      Raw again = workload.open();
      const std::string state = Workload::state(again);
      EXPECT_TRUE(Workload::is_old_or_new(state, acknowledged)) << "n=" << n << ": " << acknowledged << " -> " << state;
      EXPECT_SQL_OK(again, "UPDATE t SET v=v+1; INSERT INTO log VALUES(0, 0)");
      if (HasFailure()) return n;
      if (hits == 0) return n - 1;
    }
  }
};

TEST_P(FaultSweep, OneErrorAnywhereLeavesTheOldOrTheNewState) { EXPECT_GT(sweep({.kind = FaultKind::Error}), 60u); }
TEST_P(FaultSweep, ADiskThatStaysBrokenLeavesTheOldOrTheNewState) {
  EXPECT_GT(sweep({.kind = FaultKind::Error, .times = Fault::kForever}), 60u);
}
TEST_P(FaultSweep, AFullDiskLeavesTheOldOrTheNewState) {
  EXPECT_GT(sweep({.on = FaultOn::Write, .kind = FaultKind::Full, .times = Fault::kForever}), 20u);
}
TEST_P(FaultSweep, AShortWriteLeavesTheOldOrTheNewState) {
  EXPECT_GT(sweep({.on = FaultOn::Write, .kind = FaultKind::ShortWrite}), 20u);
}
TEST_P(FaultSweep, AFailingSyncLeavesTheOldOrTheNewState) {
  EXPECT_GT(sweep({.on = FaultOn::Sync, .kind = FaultKind::Error}), 4u);
}
TEST_P(FaultSweep, OneErrorInAnEncryptedDatabaseLeavesTheOldOrTheNewState) {
  if (!engine::vfs_exists("multipleciphers-unix")) GTEST_SKIP() << "an engine without ciphers";
  EXPECT_GT(sweep({.on = FaultOn::Change, .kind = FaultKind::Error}, "k"), 20u);
}

struct Outcome {
  std::uint64_t cuts = 0;
  std::uint64_t lost = 0;     // an acknowledged commit was gone
  std::uint64_t damaged = 0;  // the database was no state at all
};

// Cuts the power at every change there is, with several seeds.
Outcome cut_everywhere(const char* pragmas, FaultDevice device = {}, const char* key = nullptr,
                       std::uint64_t seeds = 4) {
  Outcome outcome;
  for (std::uint64_t n = 1;; ++n) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      auto vfs = std::make_shared<FaultVfs>(device);
      const VfsRegistration registration = register_vfs("fault", vfs);
      const Workload workload(vfs, pragmas, key);
      vfs->power_cut(0, Unsynced::Kept);
      int acknowledged = 0;
      bool cut = false;
      {
        vfs->inject({.on = FaultOn::Change, .kind = FaultKind::PowerCut, .nth = n});
        Raw raw = workload.open();
        acknowledged = workload.run(raw);
        cut = vfs->power_is_off();
      }
      if (!cut && seed == 0 && !vfs->power_is_off()) return outcome;
      vfs->restart(seed * 1000 + n, seed == 0 ? Unsynced::Lost : Unsynced::Random);
      Raw raw = workload.open();
      const std::string state = Workload::state(raw);
      ++outcome.cuts;
      if (state.size() != 1) {
        ++outcome.damaged;
      } else if (!Workload::is_old_or_new(state, acknowledged)) {
        ++outcome.lost;
      }
    }
  }
}

class PowerCutSweep : public ::testing::TestWithParam<Mode> {};

TEST_P(PowerCutSweep, LosesNoAcknowledgedCommit) {
  const Outcome outcome = cut_everywhere(GetParam().pragmas);
  EXPECT_GT(outcome.cuts, 100u);
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_EQ(outcome.damaged, 0u);
}

TEST_P(PowerCutSweep, LosesNoneOnADiskWithLargeSectorsThatTearWholly) {
  const Outcome outcome = cut_everywhere(GetParam().pragmas, {.sector_size = 4096, .characteristics = VfsDevice::None});
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_EQ(outcome.damaged, 0u);
}

TEST_P(PowerCutSweep, LosesNoneOfAnEncryptedDatabase) {
  if (!engine::vfs_exists("multipleciphers-unix")) GTEST_SKIP() << "an engine without ciphers";
  const Outcome outcome = cut_everywhere(GetParam().pragmas, {}, "k", 2);
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_EQ(outcome.damaged, 0u);
}

// A database that is new: its first commits, the switch to WAL mode included, are safe as soon as they are
// acknowledged.
TEST_P(PowerCutSweep, LosesNoneOfANewDatabase) {
  for (std::uint64_t n = 1;; ++n) {
    bool cut = false;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      auto vfs = std::make_shared<FaultVfs>();
      const VfsRegistration registration = register_vfs("fault", vfs);
      vfs->inject({.on = FaultOn::Change, .kind = FaultKind::PowerCut, .nth = n});
      int acknowledged = 0;
      {
        Raw raw("db", "fault");
        raw.exec(GetParam().pragmas);
        for (const char* sql : {"CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"}) {
          if (raw.exec(sql) != SQLITE_OK) break;
          ++acknowledged;
        }
        cut = vfs->power_is_off();
      }
      if (!cut && !vfs->power_is_off()) return;
      vfs->restart(seed * 1000 + n, seed == 0 ? Unsynced::Lost : Unsynced::Random);
      Raw raw("db", "fault");
      EXPECT_EQ(raw.text("PRAGMA integrity_check"), "ok");
      const int found = std::stoi(raw.text("SELECT count(*) FROM sqlite_master")) == 0
                            ? 0
                            : 1 + std::stoi(raw.text("SELECT count(*) FROM t"));
      ASSERT_TRUE(found == acknowledged || found == acknowledged + 1)
          << "n=" << n << " seed=" << seed << ": " << acknowledged << " -> " << found;
    }
  }
}

// The sweep would find a fault if there were one.
TEST(PowerCutSweepItself, FindsTheDamageOfSynchronousOff) {
  const Outcome outcome = cut_everywhere("PRAGMA journal_mode=truncate; PRAGMA synchronous=off");
  EXPECT_GT(outcome.damaged, 0u);
}
// The engine syncs the deletion of the journal, which is the commit, only with EXTRA.
TEST(PowerCutSweepItself, FindsTheLossButNoDamageOfDeleteModeWithSynchronousFull) {
  const Outcome outcome = cut_everywhere("PRAGMA journal_mode=delete; PRAGMA synchronous=full");
  EXPECT_GT(outcome.lost, 0u);
  EXPECT_EQ(outcome.damaged, 0u);
}
TEST(PowerCutSweepItself, FindsTheLossButNoDamageOfWalWithSynchronousNormal) {
  const Outcome outcome =
      cut_everywhere("PRAGMA journal_mode=wal; PRAGMA synchronous=normal; PRAGMA wal_autocheckpoint=12");
  EXPECT_GT(outcome.lost, 0u);
  EXPECT_EQ(outcome.damaged, 0u);
}

constexpr auto kName = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Modes, FaultSweep, ::testing::Values(kDelete, kTruncate, kPersist, kWal), kName);
INSTANTIATE_TEST_SUITE_P(Modes, PowerCutSweep, ::testing::Values(kDelete, kTruncate, kPersist, kWal), kName);

}  // namespace
}  // namespace libsql::testing

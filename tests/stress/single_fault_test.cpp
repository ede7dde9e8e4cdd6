// Every single I/O operation of a workload fails once: what was acknowledged is there afterwards, what was not is there
// wholly or not at all, and the file is in order. LIBSQL_FAULTS=all tries more kinds of failure and larger workloads.
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <libsql/libsql.hpp>
#include <libsql/testing/fault_vfs.hpp>

#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using testing::Fault;
using testing::FaultKind;
using testing::FaultOn;
using testing::FaultVfs;
using testing::Unsynced;

constexpr const char* kPath = "db";
constexpr const char* kCopy = "copy";
constexpr int kRows = 8;

bool thorough() {
  const char* const wanted = std::getenv("LIBSQL_FAULTS");
  return wanted != nullptr && std::string_view(wanted) == "all";
}

struct Setting {
  const char* name;
  const char* mode;
  const char* key;  // "": a plain file
  int page_size = 1024;
  const char* cipher = "aes256cbc";
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

// The disk that a run begins with: the same bytes for each.
using Disk = std::map<std::string, std::vector<std::byte>>;

Disk contents_of(const FaultVfs& vfs) {
  Disk disk;
  for (const char* suffix : {"", "-wal", "-journal"}) {
    const std::string name = std::string(kPath) + suffix;
    std::vector<std::byte> bytes = vfs.contents(name);
    if (!bytes.empty()) disk.emplace(name, std::move(bytes));
  }
  return disk;
}

// One machine: a disk, and a database on it.
class Machine {
 public:
  explicit Machine(const Setting& setting, const Disk& disk = {}) : setting_(setting), key_(setting.key) {
    for (const auto& [name, bytes] : disk) {
      const auto file = vfs_->open(VfsFileName(name.c_str()), VfsOpen::ReadWrite | VfsOpen::Create);
      file->write(bytes, 0);
      file->sync(VfsSync::Full);
    }
  }

  Connection open(const std::string& path = kPath) const { return open(path, key_); }
  Connection open(const std::string& path, const std::string& key) const {
    LocalBuilder builder = Builder::local(path);
    builder.vfs("single-fault").pragma("journal_mode", setting_.mode).pragma("page_size", setting_.page_size);
    builder.pragma("synchronous", "FULL").pragma("cache_size", 3).pragma("wal_autocheckpoint", 0);
    if (!key.empty()) builder.encryption(encryption(key));
    return builder.build().connect();
  }
  Encryption encryption(const std::string& key) const {
    Encryption encryption(std::string_view(key), setting_.cipher);
    encryption.parameters.emplace_back("kdf_iter", 1);
    return encryption;
  }

  FaultVfs& disk() const { return *vfs_; }
  const Setting& setting() const { return setting_; }
  void set_key(std::string key) { key_ = std::move(key); }
  const std::string& key() const { return key_; }

 private:
  const Setting& setting_;
  std::string key_;
  std::shared_ptr<FaultVfs> vfs_ = std::make_shared<FaultVfs>();
  VfsRegistration registration_ = register_vfs("single-fault", vfs_);
};

// Transaction k brings the database from state k - 1 to k: rows are changed, added and deleted, more pages than the
// cache holds, and a part is undone, so that the statement journal is read.
void transaction(Connection& conn, int k) {
  const std::string number = std::to_string(k);
  conn.execute_batch("BEGIN IMMEDIATE; UPDATE t SET v = " + number + ", pad = zeroblob(300 + " + number +
                     "); SAVEPOINT s; DELETE FROM t WHERE id % 2; UPDATE t SET pad = randomblob(300); ROLLBACK TO s;"
                     "INSERT INTO log VALUES(" +
                     number + ", zeroblob(900)); COMMIT");
}

void make(Connection& conn, int rows = kRows) {
  conn.execute_batch(
      "BEGIN; CREATE TABLE t(id INTEGER PRIMARY KEY, v INT, pad BLOB); CREATE INDEX i ON t(v); CREATE TABLE log(k, "
      "pad);"
      "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(rows) + ") INSERT INTO t SELECT i, 0, zeroblob(300) FROM n; COMMIT");
}

// The number of the state that the database is in, or what is wrong with it.
std::string state_of(Connection& conn) {
  auto integrity = conn.query_value<std::string>("PRAGMA integrity_check");
  if (integrity != "ok") return "integrity: " + integrity;
  if (conn.query_value<std::int64_t>("SELECT count(*) FROM sqlite_master") == 0) return "empty";
  return conn.query_value<std::string>(
      "SELECT CASE WHEN min(v) = max(v) AND max(v) = (SELECT count(*) FROM log) AND sum(length(pad)) = count(*) * (300 "
      "+ "
      "max(v)) AND count(*) >= 8 THEN '' || max(v) ELSE 'mixed ' || min(v) || ' ' || max(v) || ' ' || (SELECT count(*) "
      "FROM log) END FROM t");
}

std::string state_of(Connection&& conn) { return state_of(conn); }

// What a run was told.
struct Told {
  int state = 0;          // the last that was acknowledged
  bool pending = false;   // a transaction was begun that was not acknowledged
  bool given_up = false;  // the connection says that it cannot go on
  bool done = false;      // the backup or change of the key was acknowledged
};

using Work = std::function<void(Machine&, Connection&, Told&)>;
using Verify = std::function<void(Machine&, const Told&)>;

void commit(Connection& conn, Told& told) {
  told.pending = true;
  transaction(conn, told.state + 1);
  ++told.state;
  told.pending = false;
}

class SingleFault : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    const Setting& setting = GetParam();
    if (*setting.key == '\0') return;
    try {
      Machine(setting).open();
    } catch (const Unsupported&) {
      GTEST_SKIP() << "an engine without ciphers";
    }
  }

  // A disk with a database in `state`.
  Disk made(int state = 0) const {
    const Machine machine(GetParam());
    {
      Connection conn = machine.open();
      make(conn);
      for (int k = 1; k <= state; ++k) transaction(conn, k);
    }
    return contents_of(machine.disk());
  }

  // A disk whose machine stopped while it committed state 2, at its change `at`: what it did not sync is there too.
  Disk crashed(std::uint64_t at) const {
    const Machine machine(GetParam(), made(1));
    {
      Connection conn = machine.open();
      machine.disk().inject({.on = FaultOn::Change, .kind = FaultKind::PowerCut, .nth = at});
      try {
        transaction(conn, 2);
      } catch (const Error&) {  // the machine is off
      }
    }
    EXPECT_TRUE(machine.disk().power_is_off()) << "there was no change " << at;
    machine.disk().restart(0, Unsynced::Kept);
    return contents_of(machine.disk());
  }

  // Runs `work` on `disk` for each operation that it makes, and lets that one fail.
  void sweep(const Disk& disk, int state, const Work& work, const Verify& verify = {}) {
    std::vector<Fault> faults{{.kind = FaultKind::Error}};
    if (thorough()) {
      faults.push_back({.kind = FaultKind::Error, .times = Fault::kForever});
      faults.push_back({.kind = FaultKind::NoMemory});
      faults.push_back({.on = FaultOn::Read, .kind = FaultKind::Error, .times = 2});
      faults.push_back({.on = FaultOn::Write, .kind = FaultKind::ShortWrite});
      faults.push_back({.on = FaultOn::Write, .kind = FaultKind::Full, .times = Fault::kForever});
    }
    for (const Fault& fault : faults) {
      std::uint64_t operations = 0;
      while (run(disk, state, fault, operations + 1, work, verify)) ++operations;
      if (::testing::Test::HasFailure()) return;
      EXPECT_GT(operations, fault.on == FaultOn::Any ? 20u : 2u) << "the workload is too small to tell anything";
    }
  }

 private:
  // Returns whether there was an n-th operation.
  static bool run(const Disk& disk, int state, Fault fault, std::uint64_t n, const Work& work, const Verify& verify) {
    Machine machine(GetParam(), disk);
    Told told{state};
    std::string error = "no error";
    fault.nth = n;
    machine.disk().inject(fault);
    std::uint64_t hits = 0;
    const auto is_right = [&](const std::string& found) {
      return found == std::to_string(told.state) || (told.pending && found == std::to_string(told.state + 1));
    };
    const auto described = [&] {
      return std::string(GetParam().name) + ", operation " + std::to_string(n) + ": acknowledged " +
             std::to_string(told.state) + (told.pending ? " and not the next" : "") + ", told: " + error;
    };
    try {
      Connection conn = machine.open();
      try {
        work(machine, conn, told);
      } catch (const Error& failure) {
        error = failure.what();
      }
      hits = machine.disk().hits();
      machine.disk().clear();
      // The same connection goes on as soon as the disk does.
      if (!told.given_up) {
        if (!conn.is_autocommit()) conn.execute("ROLLBACK");
        const std::string found = state_of(conn);
        EXPECT_TRUE(is_right(found)) << described() << ", the connection sees: " << found;
      }
    } catch (const Error& failure) {
      if (hits == 0) hits = machine.disk().hits();
      EXPECT_EQ(error, "no error") << described() << ", and then: " << failure.what();
      error = failure.what();
      machine.disk().clear();
    }
    EXPECT_TRUE(hits > 0 || error == "no error") << described() << ", but nothing failed";
    try {
      if (verify) verify(machine, told);
      Connection again = machine.open();
      const std::string found = state_of(again);
      EXPECT_TRUE(is_right(found)) << described() << ", afterwards: " << found;
      if (is_right(found)) {
        const int next = std::stoi(found) + 1;
        transaction(again, next);
        EXPECT_EQ(state_of(again), std::to_string(next)) << described();
      }
    } catch (const Error& failure) {
      ADD_FAILURE() << described() << ", afterwards: " << failure.what();
    }
    return hits > 0 && !::testing::Test::HasFailure();
  }
};

TEST_P(SingleFault, InCommitsLeavesTheOldOrTheNewState) {
  sweep(made(), 0, [](Machine&, Connection& conn, Told& told) {
    for (int i = 0; i < (thorough() ? 4 : 1); ++i) commit(conn, told);
  });
}

TEST_P(SingleFault, InARollbackLeavesTheOldState) {
  sweep(made(1), 1, [](Machine&, Connection& conn, Told& told) {
    conn.execute_batch("BEGIN; UPDATE t SET v = 99, pad = randomblob(500); DELETE FROM t WHERE id > 4");
    conn.execute("ROLLBACK");
    commit(conn, told);
  });
}

TEST_P(SingleFault, InACheckpointLosesNothing) {
  if (std::string_view(GetParam().mode) != "wal") GTEST_SKIP() << "there is no log";
  sweep(made(), 0, [](Machine&, Connection& conn, Told& told) {
    commit(conn, told);
    for (const char* mode : {"PASSIVE", "RESTART", "TRUNCATE"}) {
      conn.execute_batch("PRAGMA wal_checkpoint(" + std::string(mode) + ")");
      if (mode[0] != 'T' || thorough()) commit(conn, told);
    }
  });
}

TEST_P(SingleFault, InARecoveryLeavesTheOldOrTheNewState) {
  // Early, in the middle, and where only the last write or the deletion of the journal is missing.
  std::uint64_t last = 0;
  {
    const Machine machine(GetParam(), made(1));
    Connection conn = machine.open();
    const std::uint64_t before = machine.disk().count(FaultOn::Change);
    transaction(conn, 2);
    last = machine.disk().count(FaultOn::Change) - before;
  }
  std::vector<std::uint64_t> places{last / 2, last};
  if (thorough()) places.insert(places.end(), {2, last / 4, 3 * last / 4, last - 1});
  for (const std::uint64_t place : places) {
    SCOPED_TRACE("stopped at change " + std::to_string(place) + " of " + std::to_string(last));
    const Disk disk = crashed(place);
    // Which of the two it is, is decided when the machine stops.
    const int state = std::stoi(state_of(Machine(GetParam(), disk).open()));
    sweep(disk, state, [](Machine&, Connection& conn, Told& told) {
      state_of(conn);
      commit(conn, told);
    });
  }
}

TEST_P(SingleFault, InABackupLeavesTheSourceAndNoHalfCopy) {
  sweep(
      made(1), 1,
      [](Machine&, Connection& conn, Told& told) {
        BackupOptions options;
        options.vfs = "single-fault";
        options.pages_per_step = 4;
        told.done = backup(conn, std::filesystem::path(kCopy), options) == BackupOutcome::Completed;
      },
      [](Machine& machine, const Told& told) {
        if (!told.done && machine.disk().contents(kCopy).empty()) return;
        const std::string copy = state_of(machine.open(kCopy));
        EXPECT_TRUE(copy == "1" || (!told.done && copy == "empty")) << "the copy: " << copy;
      });
}

TEST_P(SingleFault, InABackupOverAnotherDatabaseLeavesTheOldOrTheNewOne) {
  sweep(
      made(1), 1,
      [](Machine& machine, Connection& conn, Told& told) {
        Connection target = machine.open(kCopy);
        make(target, kRows + 2);
        told.done = backup(conn, target) == BackupOutcome::Completed;
      },
      [](Machine& machine, const Told& told) {
        if (!told.done && machine.disk().contents(kCopy).empty()) return;
        const std::string copy = state_of(machine.open(kCopy));
        EXPECT_TRUE(copy == "1" || (!told.done && (copy == "empty" || copy == "0"))) << "the target: " << copy;
      });
}

TEST_P(SingleFault, InAVacuumChangesNothing) {
  sweep(made(1), 1, [](Machine&, Connection& conn, Told& told) {
    conn.execute("VACUUM");
    commit(conn, told);
  });
}

TEST_P(SingleFault, InARekeyLeavesOneKeyThatOpensAll) {
  struct Change {
    const char* from;
    const char* to;
  };
  std::vector<Change> changes;
  if (*GetParam().key == '\0') {
    changes = {{"", "new"}};
  } else {
    changes = {{GetParam().key, "new"}, {GetParam().key, ""}};
  }
  for (const auto& [from, to] : changes) {
    SCOPED_TRACE(std::string("from '") + from + "' to '" + to + "'");
    sweep(
        made(1), 1,
        [to = std::string(to)](Machine& machine, Connection& conn, Told& told) {
          try {
            conn.rekey(to);
          } catch (const Error&) {
            told.given_up = conn.is_closed();
            throw;
          }
          told.done = true;
          machine.set_key(to);
          commit(conn, told);
        },
        [from = std::string(from), to = std::string(to)](Machine& machine, const Told& told) {
          if (told.done) return;
          // Not acknowledged: either key may be the one, but one is.
          try {
            machine.open(kPath, from);
          } catch (const NotADatabase&) {
            machine.set_key(to);
          }
        });
  }
}

// Only real files can be mapped. A page that cannot be is an error of the statement, or read.
TEST(SingleFaultOfAMapping, LeavesTheOldOrTheNewState) {
  for (const char* mode : {"wal", "delete"}) {
    std::uint64_t n = 0;
    for (std::uint64_t hits = 1; hits > 0;) {
      ++n;
      const test::TemporaryDirectory directory;
      const std::string path = directory.file("db");
      {
        Connection conn = Builder::local(path).pragma("journal_mode", mode).build().connect();
        make(conn);
      }
      const auto vfs = std::make_shared<FaultVfs>("");
      const VfsRegistration registration = register_vfs("single-fault", vfs);
      vfs->inject({.on = FaultOn::Map, .kind = FaultKind::Error, .nth = n});
      int acknowledged = 0;
      try {
        Connection conn = Builder::local(path)
                              .vfs("single-fault")
                              .pragma("journal_mode", mode)
                              .pragma("mmap_size", 1 << 20)
                              .pragma("cache_size", 3)
                              .build()
                              .connect();
        state_of(conn);  // only readers use mappings, of pages that are not in the log
        transaction(conn, 1);
        acknowledged = 1;
        state_of(conn);
        transaction(conn, 2);
        acknowledged = 2;
      } catch (const Error&) {  // told
      }
      hits = vfs->hits();
      const std::string found = state_of(Builder::local(path).build().connect());
      EXPECT_TRUE(found == std::to_string(acknowledged) || found == std::to_string(acknowledged + 1))
          << mode << ", mapping " << n << ": acknowledged " << acknowledged << ", found " << found;
    }
    EXPECT_GT(n, 2u) << "nothing was mapped";
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, SingleFault,
                         ::testing::Values(Setting{"wal", "wal", ""}, Setting{"delete", "delete", ""},
                                           Setting{"encrypted_wal", "wal", "old"},
                                           Setting{"encrypted_persist", "persist", "old", 512},
                                           Setting{"chacha20_delete", "delete", "old", 1024, "chacha20"}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace libsql

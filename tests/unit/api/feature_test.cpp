// Every feature in every mode: what the table offers works, what it does not is refused by name before anything
// happens.
#include "core/feature.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <libsql/libsql.hpp>

#include "api/access.hpp"
#include "api/local_session.hpp"
#include "support/expect_error.hpp"
#include "support/scripted_wire.hpp"
#include "support/temporary_directory.hpp"

namespace libsql {
namespace {

using core::Feature;
using core::Features;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class FeatureTest : public ::testing::Test {
 protected:
  Database local_ = Builder::local(dir().file("local.db")).build();

  static test::TemporaryDirectory& dir() {
    static test::TemporaryDirectory directory;
    return directory;
  }

  void SetUp() override {
    Connection conn = local_.connect();
    conn.execute_batch("DROP TABLE IF EXISTS t; CREATE TABLE t (a); INSERT INTO t VALUES (x'0102')");
  }

  using Use = std::function<void(Connection&)>;

  // One use of each feature that has a gate.
  std::map<Feature, Use> uses() {
    std::map<Feature, Use> uses;
    const auto hook = [&uses](Feature feature, auto attach) {
      uses[feature] = [attach](Connection& conn) {
        Hooks hooks(conn);
        attach(hooks).release();
      };
    };
    uses[Feature::Hooks] = [](Connection& conn) { Hooks hooks(conn); };
    hook(Feature::Authorizer,
         [](Hooks& h) { return h.on_authorize([](const Authorization&) { return Verdict::Allow; }); });
    hook(Feature::UpdateHook, [](Hooks& h) { return h.on_update([](const UpdateEvent&) {}); });
    hook(Feature::RowChangeHook, [](Hooks& h) { return h.on_row_change([](const RowChange&) {}); });
    hook(Feature::CommitHook, [](Hooks& h) { return h.on_commit([] { return CommitVerdict::Commit; }); });
    hook(Feature::RollbackHook, [](Hooks& h) { return h.on_rollback([] {}); });
    hook(Feature::WalHook, [](Hooks& h) { return h.on_wal([](const WalEvent&) {}); });
    hook(Feature::ProgressHook, [](Hooks& h) { return h.on_progress([] { return ProgressVerdict::GoOn; }); });
    hook(Feature::TraceHook, [](Hooks& h) { return h.on_statement([](const StatementEvent&) {}); });
    hook(Feature::ProfileHook,
         [](Hooks& h) { return h.on_profile([](const StatementEvent&, std::chrono::nanoseconds) {}); });
    hook(Feature::CloseHook, [](Hooks& h) { return h.on_close([] {}); });
    uses[Feature::ChangeStream] = [](Connection& conn) { ChangeStream stream(conn, [](const ChangeSet&) {}); };
    uses[Feature::UserFunctions] = [](Connection& conn) { Functions functions(conn); };
    uses[Feature::VirtualTables] = [](Connection& conn) { VirtualTables tables(conn); };
    uses[Feature::LoadExtension] = [](Connection& conn) { static_cast<void>(conn.enable_load_extension()); };
    uses[Feature::Wal] = [](Connection& conn) { static_cast<void>(Wal(conn).state()); };
    uses[Feature::WalCheckpoint] = [](Connection& conn) {
      Wal wal(conn);
      if (conn.capabilities().mode == Mode::Replica) {  // each of its two doors
        EXPECT_THROW(static_cast<void>(wal.disable_checkpoint()), Unsupported);
      }
      wal.checkpoint(WalCheckpointMode::Passive);
    };
    uses[Feature::WalInsert] = [](Connection& conn) { Wal(conn).insert().end(); };
    uses[Feature::Snapshots] = [](Connection& conn) { conn.snapshot(); };
    uses[Feature::BlobRead] = [](Connection& conn) {
      BlobHandle(conn, {.table = "t", .column = "a", .rowid = 1}).read_all();
    };
    uses[Feature::BlobWrite] = [](Connection& conn) {
      BlobHandle(conn, {.table = "t", .column = "a", .rowid = 1}, BlobMode::ReadWrite).close();
    };
    uses[Feature::Backup] = [](Connection& conn) {
      Connection other = Builder::local(":memory:").build().connect();
      EXPECT_EQ(backup(conn, other), BackupOutcome::Completed);
    };
    uses[Feature::BackupInto] = [](Connection& conn) {
      Connection other = Builder::local(":memory:").build().connect();
      other.execute("CREATE TABLE t AS SELECT x'0102' AS a");
      EXPECT_EQ(backup(other, conn), BackupOutcome::Completed);
    };
    uses[Feature::Serialize] = [](Connection& conn) { static_cast<void>(serialize(conn)); };
    uses[Feature::Deserialize] = [this](Connection& conn) { deserialize(conn, serialize(local_.connect()).bytes()); };
    uses[Feature::Restore] = [this](Connection& conn) { restore(conn, serialize(local_.connect()).bytes()); };
    uses[Feature::Rekey] = [](Connection& conn) { conn.rekey(""); };
    uses[Feature::ReservedBytes] = [](Connection& conn) { static_cast<void>(conn.reserved_bytes()); };
    uses[Feature::SetReservedBytes] = [](Connection& conn) { conn.set_reserved_bytes(16); };
    uses[Feature::CacheFlush] = [](Connection& conn) { conn.cacheflush(); };
    uses[Feature::Limits] = [](Connection& conn) { conn.limit(Limit::Attached, conn.limit(Limit::Attached)); };
    uses[Feature::StatementCounters] = [](Connection& conn) {
      Statement statement = conn.prepare("SELECT 1");
      statement.reset_status();
      static_cast<void>(statement.status());
    };
    uses[Feature::PlanCounters] = [](Connection& conn) { PlanCounters counters(conn); };
    uses[Feature::WriterService] = [](Connection& conn) { detail::local_session(conn, Feature::WriterService); };
    return uses;
  }

  static void expect_use(const Use& use, Connection& conn, Feature feature, Mode mode) {
    SCOPED_TRACE(std::string(to_string(feature)) + " in " + std::string(to_string(mode)) + " mode");
    if (core::is_offered(feature, mode)) {
      EXPECT_NO_THROW(use(conn));
    } else {
      const Unsupported error = test::error_of<Unsupported>([&] { use(conn); });
      EXPECT_EQ(error.mode(), to_string(mode));
      // Where the whole interface is missing, its name is that of its first door.
      if (mode == Mode::Replica) {
        EXPECT_EQ(error.feature(), to_string(feature));
      }
    }
  }
};

// These are options of a builder (a mode without them has no such function) or answers that stay empty.
template <class Any>
constexpr bool kHasVfs = requires(Any builder) {
  builder.vfs("name");
};
template <class Any>
constexpr bool kHasEncryption = requires(Any builder) {
  builder.encryption({"key"});
};
static_assert(kHasVfs<LocalBuilder> && !kHasVfs<RemoteBuilder>);
static_assert(kHasEncryption<LocalBuilder> && !kHasEncryption<RemoteBuilder>);
const std::vector<Feature> kWithoutGate = {Feature::Vfs, Feature::Encryption, Feature::ColumnOrigins};

TEST_F(FeatureTest, EachOneIsUsedByThisTest) {
  const auto all = uses();
  for (int i = 0; i < core::kFeatureCount; ++i) {
    const auto feature = static_cast<Feature>(i);
    const bool without_gate = std::find(kWithoutGate.begin(), kWithoutGate.end(), feature) != kWithoutGate.end();
    EXPECT_NE(without_gate, all.contains(feature)) << to_string(feature);
  }
}

TEST_F(FeatureTest, AFileAndADatabaseInMemoryOfferAll) {
  for (const auto& [feature, use] : uses()) {
    Connection of_file = local_.connect();
    expect_use(use, of_file, feature, Mode::Local);
    Connection in_memory = Builder::local(":memory:").build().connect();
    in_memory.execute("CREATE TABLE t AS SELECT x'0102' AS a");
    if (feature == Feature::Rekey) {  // which has no file whose key could change
      EXPECT_THROW(use(in_memory), Unsupported);
      continue;
    }
    expect_use(use, in_memory, feature, Mode::Local);
  }
}

TEST_F(FeatureTest, ARemoteConnectionRefusesWithoutAskingTheServer) {
  const auto server = std::make_shared<test::ScriptedServer>();
  Connection conn = server->database().connect();
  for (const auto& [feature, use] : uses()) expect_use(use, conn, feature, Mode::Remote);
  EXPECT_TRUE(server->ran.empty());
}

TEST_F(FeatureTest, AReplicaRefusesWhatWritesItsFileAlthoughItHasAnEngine) {
  static const Features kReplica(Mode::Replica);
  local_.connect().execute("PRAGMA wal_checkpoint(TRUNCATE)");
  const std::string before = bytes_of(dir().file("local.db"));
  for (const auto& [feature, use] : uses()) {
    if (feature == Feature::Backup) continue;  // asks the target as well, see below
    Connection conn = local_.connect();
    detail::Access::session(conn)->restrict_to(kReplica);
    expect_use(use, conn, feature, Mode::Replica);
  }
  Connection source = local_.connect();
  detail::Access::session(source)->restrict_to(kReplica);
  EXPECT_EQ(backup(source, std::filesystem::path(dir().file("copy.db"))), BackupOutcome::Completed);
  EXPECT_EQ(bytes_of(dir().file("local.db")), before);
  EXPECT_EQ(bytes_of(dir().file("local.db-wal")), "");
}

TEST_F(FeatureTest, CapabilitiesFollowFromTheTable) {
  const Capabilities replica = Features(Mode::Replica).capabilities();
  EXPECT_EQ(replica.mode, Mode::Replica);
  EXPECT_TRUE(replica.user_functions);
  EXPECT_FALSE(replica.hooks) << "hooks of writes would not see what runs at the primary";
  EXPECT_FALSE(replica.wal_api);
  EXPECT_FALSE(replica.incremental_blobs);
  EXPECT_FALSE(replica.backup);
  EXPECT_FALSE(replica.encryption);
  const Capabilities remote = Features(Mode::Remote).capabilities();
  EXPECT_FALSE(remote.hooks || remote.user_functions || remote.load_extension || remote.wal_api || remote.snapshots ||
               remote.incremental_blobs || remote.backup || remote.encryption || remote.column_origins || remote.vfs);
}

TEST_F(FeatureTest, WhatTheEngineLacksIsNeitherOfferedNorBlamedOnTheMode) {
  const std::vector<Feature> lacking = {Feature::Rekey, Feature::Snapshots};
  const Features features(Mode::Local, lacking);
  EXPECT_FALSE(features.capabilities().encryption);
  EXPECT_FALSE(features.capabilities().snapshots);
  EXPECT_TRUE(features.capabilities().backup);
  const Unsupported error = test::error_of<Unsupported>([&] { features.require(Feature::Snapshots); });
  EXPECT_EQ(error.mode(), "engine");
  EXPECT_EQ(error.feature(), "snapshots");
  const Features remote(Mode::Remote, lacking);
  EXPECT_EQ(test::error_of<Unsupported>([&] { remote.require(Feature::Snapshots); }).mode(), "remote");
}

TEST_F(FeatureTest, OriginsOfColumnsAreThereWhereTheyAreOffered) {
  EXPECT_EQ(local_.connect().prepare("SELECT a FROM t").columns()[0].table, "t");
}

}  // namespace
}  // namespace libsql

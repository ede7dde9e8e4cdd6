#include "core/feature.hpp"

#include <array>
#include <initializer_list>
#include <string>

#include "core/errors.hpp"

namespace libsql {

std::string_view to_string(Mode mode) noexcept {
  switch (mode) {
    case Mode::Local:
      return "local";
    case Mode::Remote:
      return "remote";
    case Mode::Replica:
      return "replica";
  }
  return "local";
}

}  // namespace libsql

namespace libsql::core {
namespace {

struct Row {
  Feature feature;
  std::string_view name;
  bool local;
  bool remote;
  // The file is a copy that only the primary's frames may change, and statements that write run at the primary: what
  // writes the file, or would have to see each row that is written, is not offered. Authorizers are asked here about
  // what runs there, and change streams are told of what comes from there.
  bool replica;
};

constexpr bool kYes = true;
constexpr bool kNo = false;

// clang-format off
constexpr std::array<Row, kFeatureCount> kTable{{
    {Feature::Hooks,             "hooks",                          kYes, kNo, kYes},
    {Feature::Authorizer,        "authorizer",                     kYes, kNo, kYes},
    {Feature::UpdateHook,        "update hook",                    kYes, kNo, kNo},
    {Feature::RowChangeHook,     "row change hook",                kYes, kNo, kNo},
    {Feature::CommitHook,        "commit hook",                    kYes, kNo, kNo},
    {Feature::RollbackHook,      "rollback hook",                  kYes, kNo, kNo},
    {Feature::WalHook,           "WAL hook",                       kYes, kNo, kNo},
    {Feature::ProgressHook,      "progress hook",                  kYes, kNo, kYes},
    {Feature::TraceHook,         "trace hook",                     kYes, kNo, kYes},
    {Feature::ProfileHook,       "profile hook",                   kYes, kNo, kYes},
    {Feature::CloseHook,         "close hook",                     kYes, kNo, kYes},
    {Feature::ChangeStream,      "change stream",                  kYes, kNo, kYes},
    {Feature::UserFunctions,     "user functions",                 kYes, kNo, kYes},
    {Feature::VirtualTables,     "virtual tables",                 kYes, kNo, kYes},
    {Feature::LoadExtension,     "loading extensions",             kYes, kNo, kYes},
    {Feature::Vfs,               "user-defined VFS",     kYes, kNo, kNo},
    {Feature::Wal,               "WAL API",                        kYes, kNo, kYes},
    {Feature::WalCheckpoint,     "checkpointing the WAL",          kYes, kNo, kNo},
    {Feature::WalInsert,         "inserting WAL frames",           kYes, kNo, kNo},
    {Feature::Snapshots,         "snapshots",                      kYes, kNo, kNo},
    {Feature::BlobRead,          "incremental blob I/O",           kYes, kNo, kYes},
    {Feature::BlobWrite,         "incremental blob writes",        kYes, kNo, kNo},
    {Feature::Backup,            "backup",                         kYes, kNo, kYes},
    {Feature::BackupInto,        "backup into a connection",       kYes, kNo, kNo},
    {Feature::Serialize,         "serialize",                      kYes, kNo, kYes},
    {Feature::Deserialize,       "deserialize",                    kYes, kNo, kNo},
    {Feature::Restore,           "restore",                        kYes, kNo, kNo},
    {Feature::Encryption,        "encryption",                     kYes, kNo, kYes},
    {Feature::Rekey,             "changing the encryption key",    kYes, kNo, kNo},
    {Feature::ReservedBytes,     "reserved bytes",                 kYes, kNo, kYes},
    {Feature::SetReservedBytes,  "setting reserved bytes",         kYes, kNo, kNo},
    {Feature::CacheFlush,        "flushing the page cache",        kYes, kNo, kNo},
    {Feature::Limits,            "limits",                         kYes, kNo, kYes},
    {Feature::StatementCounters, "statement counters",    kYes, kNo, kYes},
    {Feature::PlanCounters,      "plan counters",         kYes, kNo, kYes},
    {Feature::ColumnOrigins,     "column origins",             kYes, kNo, kYes},
    {Feature::WriterService,     "the writer service",             kYes, kNo, kNo},
}};
// clang-format on

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].feature) != i) return false;
  }
  return true;
}
static_assert(is_in_order(), "the table has a row for each feature, in their order");
static_assert(kFeatureCount <= 64, "Features keeps a bit for each");

const Row& row_of(Feature feature) noexcept { return kTable[static_cast<std::size_t>(feature)]; }
std::uint64_t bit_of(Feature feature) noexcept { return std::uint64_t{1} << static_cast<unsigned>(feature); }

}  // namespace

std::string_view to_string(Feature feature) noexcept { return row_of(feature).name; }

bool is_offered(Feature feature, Mode mode) noexcept {
  switch (mode) {
    case Mode::Local:
      return row_of(feature).local;
    case Mode::Remote:
      return row_of(feature).remote;
    case Mode::Replica:
      return row_of(feature).replica;
  }
  return false;
}

Features::Features(Mode mode, std::span<const Feature> lacking) {
  for (const Feature feature : lacking) lacking_ |= bit_of(feature);
  capabilities_.mode = mode;
  const auto all = [this](std::initializer_list<Feature> features) {
    for (const Feature feature : features) {
      if (!has(feature)) return false;
    }
    return true;
  };
  using enum Feature;
  capabilities_.hooks = all({Hooks, Authorizer, UpdateHook, RowChangeHook, CommitHook, RollbackHook, WalHook,
                             ProgressHook, TraceHook, ProfileHook, CloseHook, ChangeStream});
  capabilities_.user_functions = all({UserFunctions, VirtualTables});
  capabilities_.load_extension = has(LoadExtension);
  capabilities_.wal_api = all({Wal, WalCheckpoint, WalInsert});
  capabilities_.snapshots = has(Snapshots);
  capabilities_.incremental_blobs = all({BlobRead, BlobWrite});
  capabilities_.backup = all({Backup, BackupInto, Serialize, Deserialize, Restore});
  capabilities_.encryption = all({Encryption, Rekey});
  capabilities_.column_origins = has(ColumnOrigins);
  capabilities_.vfs = has(Vfs);
}

bool Features::has(Feature feature) const noexcept {
  return is_offered(feature, mode()) && (lacking_ & bit_of(feature)) == 0;
}

void Features::refuse(Feature feature) const {
  throw_unsupported(to_string(feature), is_offered(feature, mode()) ? "engine" : to_string(mode()));
}

}  // namespace libsql::core

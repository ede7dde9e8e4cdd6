// What a session can do. One table says it for every feature and mode; gates ask it before they touch anything, and the
// public Capabilities follow from it. That a session has an engine's connection says nothing: a replica has one,
// and must not have its file written behind its back.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <libsql/connection_info.hpp>

namespace libsql::core {

/// What some modes cannot do, in the order of the table.
enum class Feature : std::uint8_t {
  // Listeners that see work on its way
  Hooks,
  Authorizer,
  UpdateHook,
  RowChangeHook,
  CommitHook,
  RollbackHook,
  WalHook,
  ProgressHook,
  TraceHook,
  ProfileHook,
  CloseHook,
  ChangeStream,
  // Code of the program inside the engine
  UserFunctions,
  VirtualTables,
  LoadExtension,
  Vfs,
  // The log
  Wal,
  WalCheckpoint,
  WalInsert,
  Snapshots,
  // Values in pieces
  BlobRead,
  BlobWrite,
  // Whole databases
  Backup,
  BackupInto,
  Serialize,
  Deserialize,
  Restore,
  // The file
  Encryption,
  Rekey,
  ReservedBytes,
  SetReservedBytes,
  CacheFlush,
  // Figures, limits and the like
  Limits,
  StatementCounters,
  PlanCounters,
  ColumnOrigins,
  WriterService,
};
inline constexpr int kFeatureCount = static_cast<int>(Feature::WriterService) + 1;

/// As errors name it. Valid for the program's lifetime.
std::string_view to_string(Feature feature) noexcept;
/// What the table says.
bool is_offered(Feature feature, Mode mode) noexcept;

/// What one kind of session can do: the table's column for its mode, less what its build of the engine lacks.
class Features {
 public:
  explicit Features(Mode mode, std::span<const Feature> lacking = {});

  Mode mode() const noexcept { return capabilities_.mode; }
  bool has(Feature feature) const noexcept;
  /// Throws Unsupported, which names the feature and the mode, or the engine if that is what cannot do it.
  void require(Feature feature) const {
    if (!has(feature)) refuse(feature);
  }
  [[noreturn]] void refuse(Feature feature) const;
  const Capabilities& capabilities() const noexcept { return capabilities_; }

 private:
  std::uint64_t lacking_ = 0;  // by the engine's build, a bit each
  Capabilities capabilities_;
};

}  // namespace libsql::core

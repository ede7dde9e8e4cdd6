/// \file
/// Facts about a connection: its capabilities, counters and limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <libsql/export.hpp>

namespace libsql {

/// The ways to reach a database.
enum class Mode : std::uint8_t { Local, Remote, Replica };
/// "local", "remote" or "replica". Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(Mode mode) noexcept;

/// What a connection can do. Calling a missing feature throws Unsupported, which names feature and mode.
struct Capabilities {
  Mode mode = Mode::Local;
  bool hooks = false;           ///< authorizer, update, commit and other hooks, change stream
  bool user_functions = false;  ///< functions, collations and virtual tables from C++
  bool load_extension = false;
  bool wal_api = false;
  bool snapshots = false;
  bool incremental_blobs = false;
  bool backup = false;          ///< backup, serialize, deserialize
  bool encryption = false;      ///< encryption of the local file
  bool column_origins = false;  ///< Column's origin fields
  bool vfs = false;
};

/// Counters of one connection since it was made (or since its last reset_statistics()).
struct ConnectionStatistics {
  std::uint64_t statements = 0;    ///< runs that were started
  std::uint64_t rows = 0;          ///< rows read
  std::uint64_t changes = 0;       ///< rows changed
  std::uint64_t transactions = 0;  ///< begun by transaction()
  std::uint64_t commits = 0;
  std::uint64_t rollbacks = 0;
  std::uint64_t errors = 0;      ///< statements that failed
  std::uint64_t cache_hits = 0;  ///< statements found in the cache, by prepare() and by verbs with SQL text
  std::uint64_t cache_misses = 0;
  std::uint64_t cache_evictions = 0;
  std::size_t cached_statements = 0;  ///< now
  std::size_t cached_bytes = 0;       ///< now
  std::uint64_t busy_waits = 0;       ///< times the busy handler slept
};

/// Run-time limits of a connection (https://www.sqlite.org/c3ref/c_limit_attached.html). The numbers are the engine's.
enum class Limit : int {
  Length = 0,
  SqlLength = 1,
  Column = 2,
  ExprDepth = 3,
  CompoundSelect = 4,
  VdbeOp = 5,
  FunctionArg = 6,
  Attached = 7,
  LikePatternLength = 8,
  VariableNumber = 9,
  TriggerDepth = 10,
  WorkerThreads = 11
};

}  // namespace libsql

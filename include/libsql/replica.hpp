/// \file
/// A replica: a local copy of a primary's database, and what brings it up to date.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/database.hpp>
#include <libsql/export.hpp>
#include <libsql/interrupt.hpp>
#include <libsql/value.hpp>

namespace libsql {

namespace replica {
class Replicated;
}

/// The number of a frame in the primary's log. The first is 0; a copy of nothing has none.
using FrameNumber = std::uint64_t;

/// How far a sync has come. Given to its progress callback after each step.
struct SyncProgress {
  std::optional<FrameNumber> frame_no;  ///< the last frame that the copy has
  std::optional<FrameNumber> target;    ///< the primary's last frame when the sync began, as soon as it is known
  std::uint64_t frames_received = 0;    ///< by this sync
  std::uint64_t bytes_received = 0;     ///< by this sync, as they came over the network
};

/// What a sync did.
struct SyncReport {
  std::optional<FrameNumber> frame_no;  ///< the last frame that the copy has now; none if the primary is empty
  std::uint64_t frames_synced = 0;      ///< applied by this call
  std::uint64_t bytes_received = 0;     ///< as they came over the network
  bool took_snapshot = false;           ///< a whole copy was downloaded
  /// What was found damaged or foreign and was repaired, one sentence each, with the names of files put aside.
  std::vector<std::string> repairs;
};

/// Ends the calls that were given it. Copies are the same one. Threads: any.
class LIBSQL_EXPORT Cancellation final {
 public:
  Cancellation();
  /// Those calls, running or to come, throw Interrupted. It cannot be taken back.
  void cancel() const noexcept;
  bool is_cancelled() const noexcept;
  /// A handle whose interrupt() does the same, for who ends calls of connections as well.
  InterruptHandle interrupt_handle() const noexcept;

  struct State;
  /// Internal.
  const std::shared_ptr<State>& state() const noexcept;

 private:
  std::shared_ptr<State> state_;
};

/// How a sync is watched and ended.
struct SyncOptions {
  /// Timeout after it; none: the database's default.
  std::optional<std::chrono::milliseconds> deadline = std::nullopt;
  /// Called on the thread that syncs, which may be that of another call that does the work for both. What it throws
  /// ends the sync.
  std::function<void(const SyncProgress&)> progress = nullptr;
  std::optional<Cancellation> cancellation = std::nullopt;
};

/// How old the copy is.
struct Freshness {
  std::optional<FrameNumber> frame_no;  ///< the last frame that the copy has
  /// When the copy was last known to be all that the primary had; none: not since the database was opened.
  std::optional<std::chrono::system_clock::time_point> synced_at;
  /// The time since then, by a clock that nobody sets.
  std::optional<std::chrono::milliseconds> age;
};

/// What a replica is doing.
enum class ReplicaState : std::uint8_t {
  Empty,    ///< it has no complete copy yet
  Ready,    ///< it has a copy, and the last sync, if there was one, succeeded
  Syncing,  ///< a sync is under way
  Failing,  ///< the last sync failed; what was copied before can be read
  Frozen,   ///< freeze() made it an ordinary database
};
/// "empty", "ready", "syncing", "failing" or "frozen". Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(ReplicaState state) noexcept;

/// For a monitor.
struct ReplicaHealth {
  ReplicaState state = ReplicaState::Empty;
  std::uint64_t syncs = 0;              ///< that succeeded since the database was opened
  std::uint64_t failures = 0;           ///< that failed
  std::uint64_t failures_in_a_row = 0;  ///< since the last that succeeded
  std::string last_error;               ///< of the last that failed; empty: none has
  std::optional<std::chrono::system_clock::time_point> last_success;
  std::optional<std::chrono::system_clock::time_point> last_failure;
  std::vector<std::string> repairs;  ///< the latest, at most 16
};

/// A sync in the background has ended. Given to its observer, on the background's thread.
struct SyncEvent {
  SyncReport report;
  std::exception_ptr failure;  ///< why it failed; null if it did not
};

/// The replication of a database that Builder::remote_replica() or Builder::local_replica() opened; see
/// Database::replica(). Keeps the database open.
/// Threads: may be copied to and used by several threads at once; syncs that come together share one.
class LIBSQL_EXPORT Replica final {
 public:
  Replica(const Replica&) noexcept;
  Replica(Replica&&) noexcept;
  Replica& operator=(const Replica&) noexcept;
  Replica& operator=(Replica&&) noexcept;
  ~Replica();

  /// Copies everything that the primary had committed when the call began. Readers keep what they read.
  /// Throws Network, Auth, Timeout, Interrupted, Protocol, Corrupt, Busy (another process wrote to the file),
  /// ResourceError; then what was applied so far is kept. Misuse for a replica that has no primary.
  SyncReport sync(const SyncOptions& options = {}) const;
  /// As sync(), until the copy has that frame; returns at once if it has. Throws OutOfRange if the primary does not
  /// have it either.
  SyncReport sync_until(FrameNumber frame_no, const SyncOptions& options = {}) const;
  /// Returns how far the copy is, and asks nobody. Every sync ends with the file complete and nothing held back, so
  /// there is nothing to do; it is here because libSQL's clients have it.
  SyncReport flush_replicator() const;
  /// Applies frames of 4120 bytes each, as libSQL's `sync_frames` takes them: in their order, whole transactions or
  /// parts of them, which show once their last frame is there. Only for a replica that has no primary, else Misuse.
  /// Throws Misuse for what is not made of frames, Protocol for a gap or a wrong checksum.
  SyncReport sync_frames(BlobView frames) const;
  /// The same for a snapshot file of a libSQL server, as one transaction.
  SyncReport sync_snapshot(BlobView file) const;

  /// The last frame that the copy has.
  std::optional<FrameNumber> replication_index() const noexcept;
  /// The highest frame that a write of this database's connections got at the primary; none before the first, or if
  /// the server does not tell it. Another replica that has this frame has these writes.
  std::optional<FrameNumber> max_write_replication_index() const noexcept;
  Freshness freshness() const;
  ReplicaHealth health() const;

  /// Ends the replication: the file becomes an ordinary database, with the same encryption, which the returned Database
  /// has open. Connections made before keep reading; their writes, and syncs, throw Misuse.
  Database freeze() const;

 private:
  friend class Database;
  explicit Replica(std::shared_ptr<replica::Replicated> replicated) noexcept;
  std::shared_ptr<replica::Replicated> replicated_;
};

}  // namespace libsql

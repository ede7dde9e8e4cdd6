// A local file that follows a primary. It gets the primary's frames over libSQL's first replication protocol, or by
// hand, and applies them; whoever reads the file sees one committed state of the primary after the other.
//
// Beside FILE there are FILE-client_wal_index, which says in libSQL's own format how far the file has come, and
// FILE-replica, by which foreign writes are noticed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local/options.hpp"
#include "local/store.hpp"
#include "net/interrupt.hpp"
#include "remote/options.hpp"
#include "replica/primary.hpp"

namespace libsql::replica {

/// The number of a frame of the primary's log. Counts from 0.
using FrameNo = std::uint64_t;

struct FollowerOptions {
  /// The file, and its encryption. Path, encryption, VFS and so on are those of a local database.
  local::Options local;
  /// The primary; none: the frames are handed over by apply(). Its request hook is called on the thread that syncs.
  std::optional<remote::Options> primary;
  /// A message of the primary may not be longer. One commit is one message in this protocol.
  std::uint32_t max_message_bytes = 1U << 30U;
};

/// What a sync found wrong and put right.
struct Repair {
  enum class Kind : std::uint8_t {
    MetadataMissing,  // the file was there without its metadata
    MetadataDamaged,  // torn, or not in the known format
    DatabaseMissing,  // the metadata was there without the file
    DatabaseDamaged,  // the file is no database, or another one
    ForeignWrite,     // somebody else wrote to the file
    OtherLog,         // the primary has another log: it was replaced, or lost commits
    PrimaryWentBack,  // the primary's log ends before what it had sent: it was restored from a backup
    HistoryDiverged   // the primary's next frame does not continue those that it had sent
  };
  Kind kind = Kind::MetadataMissing;
  std::string what;               // in words
  std::filesystem::path kept_at;  // where the old file is now; empty if there was nothing worth keeping
};

/// "foreign-write" and so on. Valid for the program's lifetime.
std::string_view to_string(Repair::Kind kind) noexcept;

struct SyncProgress {
  std::optional<FrameNo> frame_no;          // up to which everything is applied
  std::optional<FrameNo> primary_frame_no;  // the last one of the primary, as far as it is known
  std::uint64_t frames_received = 0;        // by this sync
  std::uint64_t bytes_received = 0;         // by this sync, of HTTP bodies
};

struct SyncRequest {
  net::Wait wait;
  /// Ends as soon as this frame is there: without a request if it is already, and without the rest if the primary has
  /// more. If the primary has less, all that it has.
  std::optional<FrameNo> until;
  /// Called now and then on the thread that syncs. Throws what should end the sync.
  std::function<void(const SyncProgress&)> progress;
};

struct SyncReport {
  std::optional<FrameNo> frame_no;  // up to which everything is applied; none: the primary is empty
  std::uint64_t frames_applied = 0;
  std::uint64_t bytes_received = 0;
  bool took_snapshot = false;
  std::vector<Repair> repairs;  // since the last report
};

struct Health {
  enum class State : std::uint8_t {
    Empty,      // nothing was synced yet
    Following,  // the last sync succeeded
    Failing,    // the last sync failed; what is there is a committed state
    Frozen      // freeze()
  };
  State state = State::Empty;
  std::optional<FrameNo> applied;
  std::optional<FrameNo> primary_frame_no;  // when the primary was asked last
  std::string last_error;                   // of the last sync; empty if it succeeded
  std::optional<std::chrono::system_clock::time_point> last_success;
  std::uint64_t syncs = 0;      // that succeeded, in this process
  std::uint64_t failures = 0;   // the others
  std::vector<Repair> repairs;  // the latest, at most 16
};

/// "following" and so on. Valid for the program's lifetime.
std::string_view to_string(Health::State state) noexcept;

/// One object for each replica file of the process, whoever opens it. Threads: any number at once.
class Follower {
 public:
  /// The follower of that file, opened if no one in the process has it. Does not contact the primary. What is damaged
  /// is put aside here; the next sync fills the file again and reports it. Throws Misuse if it is open with another
  /// primary, and what opening a local database throws.
  static std::shared_ptr<Follower> open(FollowerOptions options);
  /// The same with another way to the primary than that of options.primary.
  static std::shared_ptr<Follower> open(FollowerOptions options, std::unique_ptr<Primary> primary);
  virtual ~Follower() = default;

  /// Brings the file up to the primary's last commit. One sync runs at a time; a second one waits for it and then asks
  /// for itself. Readers are never blocked and keep their snapshots.
  /// Throws Timeout, Interrupted, Network, Auth, Protocol, Busy (another process follows the same file, or holds its
  /// write lock), Misuse (no primary, frozen), and what the engine throws. What was applied before a failure stays.
  virtual SyncReport sync(const SyncRequest& request = {}) = 0;

  /// Applies frames of a log, of 4120 bytes each, as libSQL's local replicas do: they continue what is there, or begin
  /// anew at frame 0. Commits at the last frame that ends a transaction; what follows that waits for the next call.
  virtual SyncReport apply(std::span<const std::byte> frames) = 0;
  /// The same for a snapshot file of a libSQL server.
  virtual SyncReport apply_snapshot(std::span<const std::byte> file) = 0;

  /// The last frame up to which everything is applied and durable; none: nothing. Never waits.
  virtual std::optional<FrameNo> applied() const noexcept = 0;
  virtual Health health() const = 0;

  /// The state that was applied is visible to readers when a listener is called, on the thread that applied it. The
  /// listener must not throw, nor call the follower but for applied() and health(). It is told as long as the handle is
  /// kept.
  struct Applied {
    std::optional<FrameNo> frame_no;
    std::uint64_t frames = 0;
    bool rebuilt = false;  // the file was filled anew: nothing of the old state need be there
  };
  using Listener = std::function<void(const Applied&)>;
  [[nodiscard]] virtual std::shared_ptr<const void> on_applied(Listener listener) = 0;

  /// Ends the following for good: the metadata goes, and the file is a plain database that may be written. Throws Busy
  /// while a sync runs that does not end within the local busy timeout.
  virtual void freeze() = 0;

  /// The local database. Its sessions must not write.
  virtual const std::shared_ptr<local::Store>& store() const noexcept = 0;
  virtual const FollowerOptions& options() const noexcept = 0;
};

}  // namespace libsql::replica

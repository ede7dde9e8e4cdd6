/// \file
/// The write-ahead log of a local database, frame by frame: what replication is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>

namespace libsql {

class Connection;

/// Bytes of a frame before its page.
inline constexpr std::size_t kWalFrameHeaderSize = 24;

/// The state of a database's log. Once all of a log is in the main file, a new log begins, with new salts.
struct WalState {
  std::uint32_t max_frame = 0;            ///< the last committed frame, counted from 1; 0: the log is empty
  std::uint32_t backfilled = 0;           ///< frames that checkpoints have copied into the main file
  std::uint32_t database_pages = 0;       ///< the size of the database after max_frame
  std::uint32_t page_size = 0;            ///< in bytes; 0 if nothing was ever logged
  std::uint32_t checkpoint_sequence = 0;  ///< as written in the log; of the next log while this one is empty
  std::uint32_t salt1 = 0;                ///< the two salts tell one log from the next
  std::uint32_t salt2 = 0;

  bool operator==(const WalState&) const = default;
};

/// What the header of a frame says.
struct WalFrameInfo {
  std::uint32_t page = 0;         ///< the page that the frame holds, from 1
  std::uint32_t commit_size = 0;  ///< 0, or on the last frame of a transaction the size of the database in pages
};

/// How far a checkpoint goes (https://www.sqlite.org/c3ref/wal_checkpoint_v2.html).
enum class WalCheckpointMode : std::uint8_t {
  Passive,   ///< as far as possible without waiting
  Full,      ///< waits for writers and for readers of older states, then copies everything
  Restart,   ///< and waits until no reader needs the log, so that the next writer restarts it
  Truncate,  ///< and truncates the log file to zero bytes
};

struct WalCheckpointResult {
  std::uint32_t log_frames = 0;    ///< frames in the log afterwards; 0 after Truncate
  std::uint32_t checkpointed = 0;  ///< of these, how many are in the main file
  bool complete() const noexcept { return log_frames == checkpointed; }
};

/// Where an insert session begins.
enum class WalInsertStart : std::uint8_t {
  EndOfLog,  ///< after the last committed frame, even if the whole log is in the main file: positions go on
  NewLog,    ///< at frame 1 of a new log; Conflict if frames are not checkpointed, Busy while somebody reads the log
};

struct WalInsertOptions {
  WalInsertStart start = WalInsertStart::EndOfLog;
  /// Makes the log file an exact copy of another one: a new log gets that log's checkpoint sequence and salts, and an
  /// existing one must have them. (Only these and the page size matter in the state.) If the existing log is a
  /// different one, and all of it is in the main file, a new one begins as with NewLog.
  std::optional<WalState> as_copy_of;
};

/// A session that adds frames to the log of a database. It holds the write lock: others can read the state before or
/// after a whole transaction, but not write.
///
/// Until the session ends, its connection can only read; everything else throws.
/// Ownership: moves; keeps the session of its connection alive. Threads: as Connection.
class LIBSQL_EXPORT WalInsert final {
 public:
  WalInsert(WalInsert&&) noexcept;
  WalInsert& operator=(WalInsert&&) noexcept;
  /// Drops the frames after the last commit and releases the write lock. Never throws.
  ~WalInsert();

  /// Puts a frame at position `number`: 24 bytes of header, of which page (at 0) and commit size (at 4) count, both
  /// big-endian, and the page. Checksums and salts are made here. A commit size other than 0 commits everything since
  /// the last commit: durable as `PRAGMA synchronous` says, and visible to all when the call returns.
  /// A position that is taken already must hold the same page. Nothing changes if the call throws.
  /// Throws Conflict if it holds another one, OutOfRange for a position after the next free one, Misuse for a frame of
  /// another size than 24 bytes plus the page size, Corrupt for a frame that cannot belong to a database.
  void frame(std::uint32_t number, std::span<const std::byte> bytes);
  /// The same from parts.
  void frame(std::uint32_t number, WalFrameInfo info, std::span<const std::byte> page);

  /// The last position written, committed or not; the next frame follows it. 0 once the connection is closed or reset.
  std::uint32_t max_frame() const noexcept;
  /// The last committed position.
  std::uint32_t committed_frame() const noexcept;

  /// Ends the session as the destructor does, but throws if something fails; then the session has ended too.
  void end();

 private:
  friend class Wal;
  class Impl;
  explicit WalInsert(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// While it lives, its connection does not checkpoint automatically, nor checkpoint or remove the log when it closes.
/// Other connections are not affected, and Wal::checkpoint() still works. Its destructor restores the settings.
class LIBSQL_EXPORT WalCheckpointGuard final {
 public:
  WalCheckpointGuard(WalCheckpointGuard&&) noexcept;
  WalCheckpointGuard& operator=(WalCheckpointGuard&&) noexcept;
  ~WalCheckpointGuard();

 private:
  friend class Wal;
  class Impl;
  explicit WalCheckpointGuard(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Holds the log: its frames, and those added later, stay until the hold ends, so they can be copied. Checkpoints still
/// copy frames into the main file, but no connection of any process restarts or truncates the log: Restart and Truncate
/// throw Busy. The log grows meanwhile. When it reaches LocalBuilder::max_held_log_bytes(), which is checked once a
/// second, the hold breaks, and the log may restart.
///
/// At most three Database objects, over all processes, can hold the same log at the same time; each may have any number
/// of holds. Ownership: moves; keeps the database open, but not its connection. Threads: may be used, and may end, on
/// any thread.
class LIBSQL_EXPORT WalHold final {
 public:
  WalHold(WalHold&&) noexcept;
  WalHold& operator=(WalHold&&) noexcept;
  ~WalHold();

  /// The log when the hold began. Frames 1 to max_frame are held, and all later ones of the log with these salts.
  const WalState& since() const noexcept;
  /// Whether the hold broke because the log grew too large: frames may be gone.
  bool is_broken() const noexcept;

 private:
  friend class Wal;
  explicit WalHold(std::unique_ptr<const local::LogHold> hold) noexcept;
  std::unique_ptr<const local::LogHold> hold_;
};

/// The write-ahead log of the main database of a connection.
///
/// Frames are the bytes of the file `-wal` (https://www.sqlite.org/walformat.html). Of an encrypted database they are
/// given decrypted; inserting into one throws Unsupported. Ownership: keeps the session alive. Threads: as Connection.
/// Errors: Unsupported if the database has no log (another journal mode, a temporary database) or a log that only one
/// connection sees (locking_mode=EXCLUSIVE).
class LIBSQL_EXPORT Wal final {
 public:
  /// Throws Unsupported for a remote connection.
  explicit Wal(const Connection& connection);
  Wal(Wal&&) noexcept;
  Wal& operator=(Wal&&) noexcept;
  ~Wal();

  /// The current state of the log, whatever this connection last saw. All zeros if there is no log.
  WalState state() const;
  /// state().max_frame.
  std::uint32_t frame_count() const;

  /// The header and the page of a committed frame, page size + 24 bytes. Throws OutOfRange if there is no such frame.
  std::vector<std::byte> frame(std::uint32_t number) const;
  /// The same into `out`, which must have that size (else Misuse).
  WalFrameInfo frame(std::uint32_t number, std::span<std::byte> out) const;

  /// The pages that frames after `number` hold, each once, in the order of their first appearance.
  /// Throws OutOfRange if there is no frame `number` (0 is before the first).
  std::vector<std::uint32_t> changed_pages_after(std::uint32_t number) const;

  /// The page as it was at frame `watermark`, or now; nothing if the database had no such page. Past the caches.
  /// Throws OutOfRange if there is no frame `watermark`, SnapshotTooOld if a checkpoint has gone beyond it.
  std::optional<std::vector<std::byte>> page(std::uint32_t page,
                                             std::optional<std::uint32_t> watermark = std::nullopt) const;
  /// The same into `out`, of the page size (else Misuse); false if there is no such page.
  bool page(std::uint32_t page, std::span<std::byte> out, std::optional<std::uint32_t> watermark = std::nullopt) const;

  /// Begins to insert frames. Throws Busy if another connection writes, ReadOnly, Misuse if the connection is in a
  /// transaction or has rows open, Unsupported for an encrypted database.
  WalInsert insert(const WalInsertOptions& options = {});

  /// Copies frames into the main file. Throws Busy if it could not finish within the busy timeout, ReadOnly, Misuse
  /// inside a transaction.
  WalCheckpointResult checkpoint(WalCheckpointMode mode = WalCheckpointMode::Passive);

  /// Holds the log from now on. Throws Busy (retryable) while readers of older states or other holds take all places,
  /// Unsupported as described above.
  [[nodiscard]] WalHold hold() const;

  /// Turns off the automatic checkpoints of this connection.
  [[nodiscard]] WalCheckpointGuard disable_checkpoint();

 private:
  std::shared_ptr<core::Session> session_;
};

}  // namespace libsql

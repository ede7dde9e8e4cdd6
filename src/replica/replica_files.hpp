// The files beside a replica: how far it has come, in libSQL's own format (FILE-client_wal_index), and a seal by which
// it is known again (FILE-replica).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/connection.hpp"
#include "replication/metadata_file.hpp"
#include "replication/uuid.hpp"

namespace libsql::replica {

/// What tells whether a file changed: a copy that keeps its times is the same.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
};
/// Nothing if there is no such file. Throws Io.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

/// What a replica looked like when the follower was done with it: whoever else writes to it breaks the seal. Where the
/// metadata has gone further than the seal, the machine stopped between the two, and the seal says nothing.
struct Seal {
  replication::Uuid log_id;
  std::optional<std::uint64_t> frame_no;
  /// A commit up to this frame is under way, and may be there or not. Until it is surely there, no state before it may
  /// be shown.
  std::optional<std::uint64_t> applying_to;
  /// Of frame_no, in the primary's log; none: not known.
  std::optional<std::uint64_t> checksum;
  FileStamp database;
  /// The end of SQLite's log; none: there is no frame in it.
  std::optional<engine::LogEnd> log;
  /// Whether all of that log is in the database.
  bool is_copied = false;

  bool operator==(const Seal&) const = default;
};

/// Threads: one at a time.
class ReplicaFiles final {
 public:
  /// `database` is the full path.
  explicit ReplicaFiles(std::filesystem::path database);
  ~ReplicaFiles();
  ReplicaFiles(const ReplicaFiles&) = delete;
  ReplicaFiles& operator=(const ReplicaFiles&) = delete;

  const std::filesystem::path& database() const noexcept { return database_; }

  /// Makes this process the only one that follows the file, until release() or the end of this object; makes the
  /// metadata file. False if another process is. Throws CannotOpen, Io.
  bool lock();
  bool is_locked() const noexcept { return descriptor_ >= 0; }
  void release() noexcept;

  struct Missing {};
  using Metadata = std::variant<replication::ClientWalIndex, replication::MetadataFault, Missing>;
  /// Throws Io.
  Metadata read_metadata() const;
  /// Durable when it returns. Requires: is_locked(). Throws Io, Full.
  void write_metadata(const replication::ClientWalIndex& index);

  /// Nothing if there is none that is whole.
  std::optional<Seal> read_seal() const noexcept;
  /// Not durable: a seal that is lost says nothing. Throws Io, Full.
  void write_seal(const Seal& seal);
  bool has_seal() const noexcept;

  /// Removes both, and the lock with them.
  void remove();

  /// Puts database, log and metadata aside by renaming, in place of what was put aside before. Requires that nobody in
  /// this process has the database open. Returns where the database is now; nothing if there was none.
  std::optional<std::filesystem::path> put_aside();
  /// The same by copying the database and its log; requires that nobody writes to it meanwhile.
  std::filesystem::path copy_aside() const;

 private:
  std::filesystem::path beside(const char* suffix) const;

  std::filesystem::path database_;
  std::filesystem::path metadata_;
  std::filesystem::path seal_;
  int descriptor_ = -1;  // of the metadata, locked
  int seal_descriptor_ = -1;
};

}  // namespace libsql::replica

/// \file
/// Copies of whole databases: online backup to another database or file, and a database as bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <libsql/builder.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

class Connection;

/// How far a backup is, in pages.
struct BackupProgress {
  std::uint64_t remaining = 0;
  std::uint64_t total = 0;
};

/// What a progress callback wants.
enum class BackupNext : std::uint8_t { Continue, Cancel };

enum class BackupOutcome : std::uint8_t { Completed, Cancelled };

struct BackupOptions {
  /// Pages copied in one step; progress, interrupts and the deadline are checked between steps. 0: all pages at once.
  std::uint32_t pages_per_step = 1024;
  /// A pause between two steps, to leave the disk to others.
  std::chrono::milliseconds pause{0};
  /// How long to retry while one of the databases is locked; nullopt: the busy timeout of the source connection.
  std::optional<std::chrono::milliseconds> busy_timeout;
  /// Called after every step on the calling thread. It must not use the two connections. An exception from it cancels
  /// the backup and is thrown by it.
  std::function<BackupNext(const BackupProgress&)> progress;
  std::string source_schema = "main";
  std::string target_schema = "main";  ///< with a Connection as the target
  /// With a file as the target: its encryption. nullopt: that of the source, key included, if the Builder or rekey()
  /// set it; Configuration if SQL text did.
  std::optional<Encryption> encryption;
  std::string vfs;  ///< for a file as the target: its VFS
};

/// Replaces the content of `target` with that of `source`, all or nothing. The source can be read and written
/// meanwhile. In WAL mode the copy is the state at the start; in other modes a write by another connection restarts it.
///
/// Encrypted databases are copied if cipher and page size are the same; each keeps its own key. An encrypted and a
/// plain one cannot be mixed (Unsupported). A target in WAL mode keeps its page size; if the source has another one,
/// its pages are rebuilt in a temporary file first. Threads: both connections belong to the caller;
/// InterruptHandle::interrupt() of the source ends it. Throws Busy, Interrupted, Timeout, ReadOnly, ResourceError,
/// NotADatabase, SqlError for an unknown schema, Misuse if the source has uncommitted changes, the target is in a
/// transaction, or both are one connection or one file.
[[nodiscard]] LIBSQL_EXPORT BackupOutcome backup(const Connection& source, const Connection& target,
                                                 const BackupOptions& options = {});
/// The same to a file, which is created if it does not exist, and removed again if the backup then fails. Symbolic
/// links are followed. Throws CannotOpen, also for a device, a pipe or a directory.
[[nodiscard]] LIBSQL_EXPORT BackupOutcome backup(const Connection& source, const std::filesystem::path& target,
                                                 const BackupOptions& options = {});

/// The bytes of a database, as in its file. Ownership: moves.
class LIBSQL_EXPORT SerializedDatabase final {
 public:
  SerializedDatabase(SerializedDatabase&&) noexcept;
  SerializedDatabase& operator=(SerializedDatabase&&) noexcept;
  ~SerializedDatabase();

  std::size_t size() const noexcept { return size_; }
  /// Valid as long as this object.
  BlobView bytes() const noexcept { return {data_, size_}; }
  Blob to_blob() const { return Blob(data_, data_ + size_); }

 private:
  friend struct detail::Access;
  SerializedDatabase(std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// What serialize() does with an encrypted database, whose bytes it can only return decrypted.
enum class SerializeEncrypted : std::uint8_t { Refuse, Decrypt };

/// The committed content of a database, and uncommitted changes of the connection itself, as bytes.
/// Throws SqlError for an unknown schema, Unsupported for an encrypted database unless told to decrypt, Busy,
/// ResourceError.
LIBSQL_EXPORT SerializedDatabase serialize(const Connection& connection, std::string_view schema = "main",
                                           SerializeEncrypted encrypted = SerializeEncrypted::Refuse);

enum class DeserializeMode : std::uint8_t { ReadOnly, Resizable };

struct DeserializeOptions {
  DeserializeMode mode = DeserializeMode::Resizable;
  std::string schema = "main";
  /// The size it may grow to, in bytes.
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
};

/// Replaces a schema of this connection with a copy of `bytes`: a database in memory that no other connection sees. The
/// file or shared memory behind the schema stays as it is. Unless the schema is an attached one, the connection can no
/// longer be reset(), so a Pool replaces it. Throws NotADatabase or Corrupt if `bytes` is no database, before anything
/// changes; Busy while the schema is in use, SqlError for an unknown schema.
LIBSQL_EXPORT void deserialize(Connection& connection, BlobView bytes, const DeserializeOptions& options = {});

/// Replaces the content of a database, on disk and for all its connections, with `bytes`: a backup() from bytes. Throws
/// as backup() and deserialize().
LIBSQL_EXPORT void restore(const Connection& target, BlobView bytes, std::string_view schema = "main");

}  // namespace libsql

/// \file
/// The small types of a file system: flags, lock levels, file names and its error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <libsql/error.hpp>

namespace libsql {

/// How and as what a file is opened. The values are those of https://www.sqlite.org/c3ref/c_open_autoproxy.html.
enum class VfsOpen : std::uint32_t {
  None = 0,
  ReadOnly = 0x1,
  ReadWrite = 0x2,
  Create = 0x4,
  DeleteOnClose = 0x8,
  Exclusive = 0x10,  ///< with Create: fail if the file exists
  Uri = 0x40,
  Memory = 0x80,
  MainDb = 0x100,
  TempDb = 0x200,
  TransientDb = 0x400,
  MainJournal = 0x800,
  TempJournal = 0x1000,
  SubJournal = 0x2000,
  SuperJournal = 0x4000,
  Wal = 0x80000,
  NoFollow = 0x1000000,
};

/// What a device promises. The values are those of https://www.sqlite.org/c3ref/c_iocap_atomic.html.
enum class VfsDevice : std::uint32_t {
  None = 0,
  Atomic = 0x1,        ///< a write of any size happens wholly or not at all
  Atomic512 = 0x2,     ///< the same for aligned writes of 512 bytes
  Atomic4K = 0x10,     ///< the same for aligned writes of 4096 bytes
  SafeAppend = 0x200,  ///< appended data arrives before the file's new size
  Sequential = 0x400,  ///< writes arrive in the order in which they were made
  UndeletableWhenOpen = 0x800,
  PowersafeOverwrite = 0x1000,  ///< a power cut damages no byte beside those being written
  Immutable = 0x2000,
};

constexpr VfsOpen operator|(VfsOpen a, VfsOpen b) noexcept {
  return static_cast<VfsOpen>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr VfsOpen operator&(VfsOpen a, VfsOpen b) noexcept {
  return static_cast<VfsOpen>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
constexpr VfsDevice operator|(VfsDevice a, VfsDevice b) noexcept {
  return static_cast<VfsDevice>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// True if `set` has one of the flags of `flags`.
constexpr bool has(VfsOpen set, VfsOpen flags) noexcept { return (set & flags) != VfsOpen::None; }

/// The five locks of a database file, in rising order.
enum class VfsLock : std::uint8_t { None, Shared, Reserved, Pending, Exclusive };

/// How much a sync has to do: Full is F_FULLFSYNC on systems that have it; DataOnly may skip metadata but the size.
enum class VfsSync : std::uint8_t { Normal, Full, NormalDataOnly, FullDataOnly };

enum class VfsSyncDirectory : std::uint8_t { No, Yes };
enum class VfsShmCreate : std::uint8_t { Never, IfMissing };
enum class VfsShmDelete : std::uint8_t { Keep, Delete };
enum class VfsShmLock : std::uint8_t { LockShared, LockExclusive, UnlockShared, UnlockExclusive };

/// A piece of the WAL index.
struct VfsShmRegion {
  void* address = nullptr;
  bool read_only = false;  ///< it may be read, but the WAL cannot be written through it
};

/// The one name by which a file is known.
struct VfsPath {
  VfsPath(std::string name) : path(std::move(name)) {}  // NOLINT(google-explicit-constructor): a name is a path
  std::string path;
  bool symbolic_link = false;  ///< the name asked for leads through a symbolic link; VfsOpen::NoFollow forbids that
};

/// Which optional functions of a VfsFile work.
enum class VfsFeatures : std::uint8_t {
  Basic,                   ///< neither WAL mode nor reading in place
  SharedMemory,            ///< WAL mode
  SharedMemoryAndMapping,  ///< WAL mode, and fetch()
};

/// The name of a file as the engine gives it: a view, valid as long as the file is open.
class LIBSQL_EXPORT VfsFileName final {
 public:
  /// `name` may be null. Only names that come from the engine have URI parameters and a database.
  explicit VfsFileName(const char* name) noexcept : name_(name) {}
  bool empty() const noexcept { return name_ == nullptr || *name_ == '\0'; }
  std::string_view view() const noexcept { return name_ == nullptr ? std::string_view() : std::string_view(name_); }
  const char* c_str() const noexcept { return name_; }
  /// The value of a parameter of the URI that the database was opened with. Requires: a main database, its rollback
  /// journal or its WAL.
  std::optional<std::string_view> uri_parameter(const char* key) const;
  /// The name of the database that a journal or WAL belongs to. Requires: as uri_parameter().
  std::string_view database() const;

 private:
  const char* name_;
};

/// What failed in a file system; each value stands for one extended result code of the engine.
enum class VfsFailure : std::uint8_t {
  Io,
  Read,
  Write,
  Sync,
  Truncate,
  Size,
  Lock,
  Unlock,
  Delete,
  DeleteMissing,  ///< there is no such file; the engine takes it for success where that is right
  Access,
  SharedMemory,
  Mapping,
  FileSystemCorrupt,
  DataChecksum,
  Full,
  NoMemory,
  ReadOnly,
  CannotOpen,
  Busy,
};

/// A failure of a file operation, thrown by a Vfs or VfsFile to the engine. Its sqlite_code() is the extended result
/// code (https://www.sqlite.org/rescode.html) that the engine then acts on.
class LIBSQL_EXPORT VfsError : public Error {
 public:
  VfsError(VfsFailure failure, std::string message);
  /// With an extended result code of the engine.
  static VfsError with_code(int sqlite_code, std::string message);

 private:
  explicit VfsError(detail::ErrorData data);
};

}  // namespace libsql

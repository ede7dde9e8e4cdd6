/// \file
/// A file system for the engine, written in C++: derive from Vfs and VfsFile, then call register_vfs(). See
/// docs/vfs.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/error.hpp>
#include <libsql/vfs_types.hpp>

namespace libsql {

namespace detail {
struct VfsAdapter;
struct VfsFileLocks;
struct VfsLockTable;
struct VfsAccess;
}  // namespace detail

/// One open file. Only the five pure functions must be written; locks and WAL shared memory work by default among the
/// connections of this process, so a file that other processes open too must override lock() to shm_unmap().
///
/// Lifetime: destroyed when the engine closes the file; the destructor must not throw.
/// Threads: one at a time, but two files of the same name may be in use at once.
/// Errors: throw VfsError. Another exception becomes the error code of the operation that failed, std::bad_alloc
/// becomes out of memory, and a libsql::Error keeps its engine code; its text goes to vfs_last_error().
class LIBSQL_EXPORT VfsFile {
 public:
  VfsFile();
  virtual ~VfsFile();
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  /// Fills `out` from byte `offset` on. Returns the bytes read: fewer than asked for only at the end of the file.
  virtual std::size_t read(std::span<std::byte> out, std::uint64_t offset) = 0;
  /// Writes all of `data` at byte `offset`; extends the file if need be.
  virtual void write(std::span<const std::byte> data, std::uint64_t offset) = 0;
  /// Cuts the file to `size` bytes.
  virtual void truncate(std::uint64_t size) = 0;
  /// Returns once everything written before is on stable storage.
  virtual void sync(VfsSync how) = 0;
  /// The size in bytes.
  virtual std::uint64_t size() = 0;

  /// Raises the lock to `level` (https://www.sqlite.org/lockingv3.html). False if another file object holds a lock that
  /// forbids it; a refused Exclusive may leave Pending held.
  virtual bool lock(VfsLock level);
  /// Lowers the lock to Shared or None.
  virtual void unlock(VfsLock level);
  /// True if anyone, this file included, holds Reserved or more.
  virtual bool reserved_lock_held();

  /// Answers `PRAGMA name = value` (no value: nullopt) for this file; nullopt leaves the PRAGMA to the engine. What it
  /// throws becomes the error of the statement.
  virtual std::optional<std::string> pragma(std::string_view name, std::optional<std::string_view> value);
  /// Handles a file control by its number and argument as https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html
  /// lists them. Returns false for what it does not know, which is never an error.
  virtual bool file_control(int op, void* argument);
  /// The unit that a power cut may damage, in bytes: a power of two from 32 to 65536. Default 4096.
  virtual int sector_size();
  /// What the device promises beyond the minimum. Default: VfsDevice::PowersafeOverwrite, as on any current disk.
  virtual VfsDevice device_characteristics();
  /// True if the file was opened for reading though the flags allowed writing. Default false.
  virtual bool read_only();

  /// Which of the optional functions below work. Default: all.
  virtual VfsFeatures features();
  /// The WAL index region number `region` of `size` bytes, shared by all files of that name; a null address if it does
  /// not exist and `create` is Never. It stays where it is until shm_unmap().
  virtual VfsShmRegion shm_map(int region, int size, VfsShmCreate create);
  /// Takes or gives up the locks `first` to `first + count - 1` of the eight of the WAL index. False if one is taken.
  virtual bool shm_lock(int first, int count, VfsShmLock how);
  /// A full memory barrier between users of the WAL index.
  virtual void shm_barrier();
  /// Detaches from the WAL index, and deletes it if asked to and nobody else is attached.
  virtual void shm_unmap(VfsShmDelete how);
  /// The address of `size` bytes of the file at `offset` if they can be read in place, else nullptr (the default).
  virtual const std::byte* fetch(std::uint64_t offset, std::size_t size);
  /// Gives back what fetch() returned; nullptr: nothing beyond `offset` may stay mapped.
  virtual void unfetch(std::uint64_t offset, const std::byte* address);

 private:
  friend struct detail::VfsAccess;
  std::unique_ptr<detail::VfsFileLocks> locks_;
};

/// A file system. Only open(), remove() and exists() must be written.
///
/// Threads: every function may be called by several threads at once.
/// Errors: as VfsFile.
class LIBSQL_EXPORT Vfs {
 public:
  Vfs();
  virtual ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  /// Opens a file; `name` is what full_path() returned, or empty for a temporary file, which is deleted when it is
  /// closed.
  virtual std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) = 0;
  /// Deletes a file; with VfsSyncDirectory::Yes the deletion must survive a power cut. Throws VfsError with
  /// VfsFailure::DeleteMissing if there is none.
  virtual void remove(std::string_view path, VfsSyncDirectory sync) = 0;
  /// Whether a file of that name exists.
  virtual bool exists(std::string_view path) = 0;

  /// Whether an existing file may be written. Default: whether it exists.
  virtual bool writable(std::string_view path);
  /// The one name by which the file is known, in at most max_path() bytes. Default: the name itself.
  virtual VfsPath full_path(std::string_view path);
  /// The longest file name in bytes. Default 1024.
  virtual int max_path();
  /// Fills `out` with random bytes. Default: from the operating system.
  virtual void randomness(std::span<std::byte> out);
  /// Sleeps; the busy timeout uses it. Default: the thread sleeps.
  virtual void sleep(std::chrono::microseconds time);
  /// The time that SQL's datetime('now') shows. Default: the system clock.
  virtual std::chrono::system_clock::time_point now();

 protected:
  /// Forgets all default locks and WAL indexes: files opened from now on do not see those of files opened before, as
  /// after a restart of the machine.
  void forget_locks();

 private:
  friend struct detail::VfsAccess;
  std::shared_ptr<detail::VfsLockTable> lock_table_;
};

/// Whether a registration becomes the default file system.
enum class MakeDefault : std::uint8_t { No, Yes };

/// A registered Vfs. Its destructor removes the name; the Vfs itself lives until the last file opened through it is
/// closed, so open connections stay safe, but they cannot open further files (a rollback journal, ATTACH).
/// Threads: any, one at a time.
class LIBSQL_EXPORT VfsRegistration final {
 public:
  VfsRegistration() noexcept;
  VfsRegistration(VfsRegistration&&) noexcept;
  VfsRegistration& operator=(VfsRegistration&&) noexcept;
  ~VfsRegistration();

  /// The name to open databases with. Empty after unregister().
  const std::string& name() const noexcept;
  /// How many files are open through it, over all connections.
  std::size_t open_files() const noexcept;
  /// Removes the name. Throws Misuse, and changes nothing, while files are open.
  void unregister();
  /// Leaves the Vfs registered until the program ends.
  void release() noexcept;

 private:
  friend LIBSQL_EXPORT VfsRegistration register_vfs(std::string_view, std::shared_ptr<Vfs>, MakeDefault);
  explicit VfsRegistration(detail::VfsAdapter* adapter) noexcept : adapter_(adapter) {}
  detail::VfsAdapter* adapter_ = nullptr;
};

/// Registers `vfs` under `name`, for the whole process. Where the engine has encryption, "multipleciphers-" + name is
/// registered with it: the same file system with encrypted pages, which is what a Builder uses for vfs(name).
/// With MakeDefault::Yes it serves every connection that names no VFS and is opened from then on.
/// Throws Misuse if the name is taken or empty, or `vfs` is null.
[[nodiscard]] LIBSQL_EXPORT VfsRegistration register_vfs(std::string_view name, std::shared_ptr<Vfs> vfs,
                                                         MakeDefault make_default = MakeDefault::No);

/// The text of the last exception that a Vfs or VfsFile threw into the engine on this thread; empty if none has.
/// Also what xGetLastError reports.
LIBSQL_EXPORT std::string vfs_last_error();

}  // namespace libsql

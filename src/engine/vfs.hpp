// How the rest of the library finds file systems, and what the file systems of this room share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <libsql/vfs.hpp>

struct sqlite3;
struct sqlite3_vfs;

namespace libsql::engine {

// The name under which `name` serves encrypted and plain files alike: "multipleciphers-" + name where the engine has
// ciphers and there is such a VFS, else `name` itself. Encryption, also of an attached database, needs that one.
std::string cipher_vfs_name(std::string_view name);

// Whether a VFS of that name is registered.
bool vfs_exists(std::string_view name);

// The operating system's VFS, without encryption, whatever the default of the moment is.
sqlite3_vfs* system_vfs();

// The text of the exception that made the last VFS call of this thread fail with `extended_code`; empty if none did, or
// if it was taken already: a later failure with the same code may have another cause.
std::string_view take_vfs_error_text(int extended_code) noexcept;
// Lets the next error of this thread with that code say why.
void remember_vfs_error(int code, std::string_view text) noexcept;

// One shared in-memory database, alive as long as this object: every connection opened with path() and vfs() sees it.
// Other names opened through that VFS (ATTACH, VACUUM INTO, temporary files) are ordinary files of the system.
class SharedMemoryDatabase final {
 public:
  SharedMemoryDatabase();
  SharedMemoryDatabase(const SharedMemoryDatabase&) = delete;
  SharedMemoryDatabase& operator=(const SharedMemoryDatabase&) = delete;
  ~SharedMemoryDatabase();
  const std::string& path() const noexcept { return path_; }
  static const std::string& vfs();

 private:
  std::string path_;
  struct Hold;
  std::unique_ptr<Hold> hold_;
};

}  // namespace libsql::engine

namespace libsql::detail {

// Who holds which lock of one database file, and its WAL index: what all open files of one name share.
struct VfsLockNode {
  std::mutex mutex;
  int readers = 0;
  const void* reserved = nullptr;  // the holder of Reserved or more
  const void* pending = nullptr;   // the holder of Pending or Exclusive: no new readers

  std::mutex shm_mutex;
  std::vector<std::unique_ptr<std::byte[]>> regions;
  int shm_users = 0;
  alignas(64) std::array<std::atomic<int>, 8> shm_locks{};  // -1: exclusive, else the number of sharers
  alignas(64) std::atomic<unsigned> fence{0};
};

struct VfsLockTable {
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<VfsLockNode>> nodes;
};

// What one open file holds.
struct VfsFileLocks {
  VfsFileLocks(std::shared_ptr<VfsLockTable> table, std::string name);
  ~VfsFileLocks();
  bool lock(VfsLock wanted);
  void unlock(VfsLock wanted);
  bool reserved_lock_held();
  void* shm_map(int region, int size, VfsShmCreate create);
  bool shm_lock(int first, int count, VfsShmLock how);
  void shm_unmap(VfsShmDelete how);

  std::shared_ptr<VfsLockTable> table;
  std::string name;
  std::shared_ptr<VfsLockNode> node;
  VfsLock level = VfsLock::None;
  bool shm_attached = false;
  unsigned shm_shared = 0;
  unsigned shm_exclusive = 0;
};

struct VfsAccess {
  // Gives the innermost file of a stack of wrappers the default locks of `name` in `vfs`, if it has none yet.
  static void attach_locks(VfsFile& file, Vfs& vfs, std::string_view name);
};

}  // namespace libsql::detail

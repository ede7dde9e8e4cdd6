// The functions that the engine calls of a file system written in C++, and what becomes of exceptions.
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "engine/vfs_adapter.hpp"

namespace libsql::engine {
namespace {

using detail::VfsAdapter;

static_assert(static_cast<int>(VfsOpen::Wal) == SQLITE_OPEN_WAL &&
              static_cast<int>(VfsOpen::MainDb) == SQLITE_OPEN_MAIN_DB &&
              static_cast<int>(VfsOpen::NoFollow) == SQLITE_OPEN_NOFOLLOW &&
              static_cast<int>(VfsOpen::SuperJournal) == SQLITE_OPEN_SUPER_JOURNAL);
static_assert(static_cast<int>(VfsDevice::PowersafeOverwrite) == SQLITE_IOCAP_POWERSAFE_OVERWRITE &&
              static_cast<int>(VfsDevice::Atomic4K) == SQLITE_IOCAP_ATOMIC4K &&
              static_cast<int>(VfsDevice::SafeAppend) == SQLITE_IOCAP_SAFE_APPEND);
static_assert(static_cast<int>(VfsLock::Exclusive) == SQLITE_LOCK_EXCLUSIVE);

// Milliseconds from the start of the Julian calendar, noon of 24 November 4714 BC, to 1970.
constexpr std::int64_t kJulianEpochMs = 210866760000000;

// ---- what becomes of exceptions

// Trivial to destroy, so it may be used while a thread ends.
struct LastError {
  int code;
  bool told;
  std::size_t length;
  char text[512];
};
thread_local LastError last_error{};

void remember(int code, std::string_view text) noexcept {
  last_error.code = code;
  last_error.told = false;
  last_error.length = std::min(text.size(), sizeof last_error.text);
  std::memcpy(last_error.text, text.data(), last_error.length);
}

// The code for an error that names no engine code: that of its kind, if the engine acts on it, else `fallback`.
int code_of(const Error& error, int fallback) noexcept {
  if (error.sqlite_code() != SQLITE_OK) return error.sqlite_code();
  switch (error.code()) {
    case ErrorCode::Busy:
      return SQLITE_BUSY;
    case ErrorCode::Interrupted:
      return SQLITE_INTERRUPT;
    case ErrorCode::Corrupt:
      return SQLITE_CORRUPT;
    case ErrorCode::NotADatabase:
      return SQLITE_NOTADB;
    case ErrorCode::CannotOpen:
      return SQLITE_CANTOPEN;
    case ErrorCode::ReadOnly:
      return SQLITE_READONLY;
    case ErrorCode::Full:
      return SQLITE_FULL;
    case ErrorCode::NoMemory:
      return SQLITE_IOERR_NOMEM;
    case ErrorCode::Auth:
      return SQLITE_AUTH;
    default:
      return fallback;
  }
}

// Runs `call`, which returns a result code or nothing; an exception becomes its code or `fallback`.
template <class Call>
int guarded(int fallback, Call&& call) noexcept {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
      call();
      return SQLITE_OK;
    } else {
      return call();
    }
  } catch (const Error& error) {
    const int code = code_of(error, fallback);
    remember(code, error.message());
    return code;
  } catch (const std::bad_alloc&) {
    remember(SQLITE_IOERR_NOMEM, "out of memory");
    return SQLITE_IOERR_NOMEM;
  } catch (const std::exception& error) {
    remember(fallback, error.what());
    return fallback;
  } catch (...) {
    remember(fallback, "an exception of unknown type");
    return fallback;
  }
}

// ---- one open file: what the engine allocates for us and what hangs on it

struct OpenFile {
  sqlite3_file base;
  VfsFile* file;
  VfsAdapter* adapter;
  int persist_wal;
};
static_assert(std::is_trivially_destructible_v<OpenFile>);

OpenFile& open_file(sqlite3_file* file) noexcept { return *reinterpret_cast<OpenFile*>(file); }
VfsFile& file_of(sqlite3_file* file) noexcept { return *open_file(file).file; }

void leave(VfsAdapter& adapter) noexcept {
  std::shared_ptr<Vfs> last;  // released outside the lock
  const std::lock_guard guard(adapter.mutex);
  if (--adapter.open_files == 0 && !adapter.registered) last.swap(adapter.vfs);
}

int io_close(sqlite3_file* file) noexcept {
  OpenFile& open = open_file(file);
  delete std::exchange(open.file, nullptr);
  leave(*open.adapter);
  return SQLITE_OK;
}

int io_read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) noexcept {
  return guarded(SQLITE_IOERR_READ, [&] {
    const std::span<std::byte> wanted(static_cast<std::byte*>(out), static_cast<std::size_t>(amount));
    const std::size_t got = file_of(file).read(wanted, static_cast<std::uint64_t>(offset));
    if (got >= wanted.size()) return SQLITE_OK;
    std::memset(wanted.data() + got, 0, wanted.size() - got);  // the engine relies on it
    return SQLITE_IOERR_SHORT_READ;
  });
}

int io_write(sqlite3_file* file, const void* data, int amount, sqlite3_int64 offset) noexcept {
  return guarded(SQLITE_IOERR_WRITE, [&] {
    file_of(file).write({static_cast<const std::byte*>(data), static_cast<std::size_t>(amount)},
                        static_cast<std::uint64_t>(offset));
  });
}

int io_truncate(sqlite3_file* file, sqlite3_int64 size) noexcept {
  return guarded(SQLITE_IOERR_TRUNCATE, [&] { file_of(file).truncate(static_cast<std::uint64_t>(size)); });
}

int io_sync(sqlite3_file* file, int flags) noexcept {
  return guarded(SQLITE_IOERR_FSYNC, [&] {
    const bool full = (flags & 0x0f) == SQLITE_SYNC_FULL;
    const bool data_only = (flags & SQLITE_SYNC_DATAONLY) != 0;
    file_of(file).sync(data_only ? (full ? VfsSync::FullDataOnly : VfsSync::NormalDataOnly)
                                 : (full ? VfsSync::Full : VfsSync::Normal));
  });
}

int io_size(sqlite3_file* file, sqlite3_int64* size) noexcept {
  return guarded(SQLITE_IOERR_FSTAT, [&] { *size = static_cast<sqlite3_int64>(file_of(file).size()); });
}

int io_lock(sqlite3_file* file, int level) noexcept {
  return guarded(SQLITE_IOERR_LOCK,
                 [&] { return file_of(file).lock(static_cast<VfsLock>(level)) ? SQLITE_OK : SQLITE_BUSY; });
}

int io_unlock(sqlite3_file* file, int level) noexcept {
  return guarded(SQLITE_IOERR_UNLOCK, [&] { file_of(file).unlock(static_cast<VfsLock>(level)); });
}

int io_check_reserved_lock(sqlite3_file* file, int* held) noexcept {
  return guarded(SQLITE_IOERR_CHECKRESERVEDLOCK, [&] { *held = file_of(file).reserved_lock_held() ? 1 : 0; });
}

char* engine_string(const std::string& text) {
  char* copy = sqlite3_mprintf("%s", text.c_str());
  if (copy == nullptr) throw std::bad_alloc();
  return copy;
}

int control_pragma(VfsFile& file, char** arguments) noexcept {
  const int code = guarded(SQLITE_ERROR, [&] {
    const auto value = arguments[2] == nullptr ? std::nullopt : std::optional<std::string_view>(arguments[2]);
    const std::optional<std::string> answer = file.pragma(arguments[1], value);
    if (answer.has_value()) {
      arguments[0] = engine_string(*answer);
      return SQLITE_OK;
    }
    return file.file_control(SQLITE_FCNTL_PRAGMA, arguments) ? SQLITE_OK : SQLITE_NOTFOUND;
  });
  if (code != SQLITE_OK && code != SQLITE_NOTFOUND && arguments[0] == nullptr) {
    arguments[0] = sqlite3_mprintf("%.*s", static_cast<int>(last_error.length), last_error.text);
  }
  return code;
}

int io_file_control(sqlite3_file* file, int op, void* argument) noexcept {
  OpenFile& open = open_file(file);
  if (op == SQLITE_FCNTL_PRAGMA) return control_pragma(*open.file, static_cast<char**>(argument));
  return guarded(SQLITE_ERROR, [&] {
    if (op == SQLITE_FCNTL_VFSNAME) {
      char* below = nullptr;
      const bool known = open.file->file_control(op, &below) && below != nullptr;
      char* name = known ? sqlite3_mprintf("%s/%z", open.adapter->name.c_str(), below)
                         : sqlite3_mprintf("%s", open.adapter->name.c_str());
      if (name == nullptr) throw std::bad_alloc();
      *static_cast<char**>(argument) = name;
      return SQLITE_OK;
    }
    if (open.file->file_control(op, argument)) return SQLITE_OK;
    if (op == SQLITE_FCNTL_PERSIST_WAL) {
      int& wanted = *static_cast<int*>(argument);
      if (wanted < 0) {
        wanted = open.persist_wal;
      } else {
        open.persist_wal = wanted;
      }
      return SQLITE_OK;
    }
    return SQLITE_NOTFOUND;
  });
}

int io_sector_size(sqlite3_file* file) noexcept {
  int size = 4096;
  guarded(SQLITE_IOERR, [&] { size = file_of(file).sector_size(); });
  return size;
}

int io_device_characteristics(sqlite3_file* file) noexcept {
  auto device = VfsDevice::None;
  guarded(SQLITE_IOERR, [&] { device = file_of(file).device_characteristics(); });
  return static_cast<int>(device);
}

int io_shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** address) noexcept {
  *address = nullptr;
  return guarded(SQLITE_IOERR_SHMMAP, [&] {
    const VfsShmRegion mapped =
        file_of(file).shm_map(region, size, extend != 0 ? VfsShmCreate::IfMissing : VfsShmCreate::Never);
    *address = mapped.address;
    return mapped.read_only ? SQLITE_READONLY : SQLITE_OK;
  });
}

int io_shm_lock(sqlite3_file* file, int first, int count, int flags) noexcept {
  return guarded(SQLITE_IOERR_SHMLOCK, [&] {
    const bool shared = (flags & SQLITE_SHM_SHARED) != 0;
    const VfsShmLock how = (flags & SQLITE_SHM_LOCK) != 0
                               ? (shared ? VfsShmLock::LockShared : VfsShmLock::LockExclusive)
                               : (shared ? VfsShmLock::UnlockShared : VfsShmLock::UnlockExclusive);
    return file_of(file).shm_lock(first, count, how) ? SQLITE_OK : SQLITE_BUSY;
  });
}

void io_shm_barrier(sqlite3_file* file) noexcept {
  guarded(SQLITE_IOERR, [&] { file_of(file).shm_barrier(); });
}

int io_shm_unmap(sqlite3_file* file, int remove) noexcept {
  return guarded(SQLITE_IOERR_SHMMAP,
                 [&] { file_of(file).shm_unmap(remove != 0 ? VfsShmDelete::Delete : VfsShmDelete::Keep); });
}

int io_fetch(sqlite3_file* file, sqlite3_int64 offset, int amount, void** address) noexcept {
  *address = nullptr;
  return guarded(SQLITE_IOERR_MMAP, [&] {
    const std::byte* bytes = file_of(file).fetch(static_cast<std::uint64_t>(offset), static_cast<std::size_t>(amount));
    *address = const_cast<std::byte*>(bytes);  // the engine does not write there
  });
}

int io_unfetch(sqlite3_file* file, sqlite3_int64 offset, void* address) noexcept {
  return guarded(SQLITE_IOERR_MMAP, [&] {
    file_of(file).unfetch(static_cast<std::uint64_t>(offset), static_cast<const std::byte*>(address));
  });
}

constexpr sqlite3_io_methods io_methods(VfsFeatures features) noexcept {
  const bool shm = features != VfsFeatures::Basic;
  const bool map = features == VfsFeatures::SharedMemoryAndMapping;
  return {map   ? 3
          : shm ? 2
                : 1,
          io_close,
          io_read,
          io_write,
          io_truncate,
          io_sync,
          io_size,
          io_lock,
          io_unlock,
          io_check_reserved_lock,
          io_file_control,
          io_sector_size,
          io_device_characteristics,
          shm ? io_shm_map : nullptr,
          shm ? io_shm_lock : nullptr,
          shm ? io_shm_barrier : nullptr,
          shm ? io_shm_unmap : nullptr,
          map ? io_fetch : nullptr,
          map ? io_unfetch : nullptr};
}
constexpr sqlite3_io_methods kMethods[] = {io_methods(VfsFeatures::Basic), io_methods(VfsFeatures::SharedMemory),
                                           io_methods(VfsFeatures::SharedMemoryAndMapping)};

// ---- the file system itself

VfsAdapter& adapter_of(sqlite3_vfs* vfs) noexcept { return *static_cast<VfsAdapter*>(vfs->pAppData); }

// A registration that ended serves no more files; those who still hold it get the system's clock and sleep.
[[noreturn]] void throw_unregistered(const VfsAdapter& adapter) {
  throw VfsError(VfsFailure::CannotOpen, "the VFS \"" + adapter.name + "\" is no longer registered");
}

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* granted) noexcept {
  OpenFile& open = open_file(file);
  open.base.pMethods = nullptr;  // tells the engine not to close what could not be opened
  VfsAdapter& adapter = adapter_of(vfs);
  return guarded(SQLITE_CANTOPEN, [&] {
    std::shared_ptr<Vfs> target;
    {
      const std::lock_guard guard(adapter.mutex);
      if (!adapter.registered || adapter.vfs == nullptr) throw_unregistered(adapter);
      target = adapter.vfs;
      ++adapter.open_files;
    }
    try {
      std::unique_ptr<VfsFile> opened = target->open(VfsFileName(name), static_cast<VfsOpen>(flags));
      if (opened == nullptr) throw VfsError(VfsFailure::CannotOpen, "Vfs::open() returned nothing");
      if (name != nullptr && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        detail::VfsAccess::attach_locks(*opened, *target, name);
      }
      const auto features = static_cast<std::size_t>(opened->features());
      if (granted != nullptr) {
        *granted = flags;
        if (opened->read_only()) *granted = (flags & ~SQLITE_OPEN_READWRITE) | SQLITE_OPEN_READONLY;
      }
      open.adapter = &adapter;
      open.persist_wal = 0;
      open.file = opened.release();
      open.base.pMethods = &kMethods[features];
    } catch (...) {
      leave(adapter);
      throw;
    }
  });
}

template <class Call>
int with_vfs(sqlite3_vfs* vfs, int fallback, Call&& call) noexcept {
  VfsAdapter& adapter = adapter_of(vfs);
  return guarded(fallback, [&] {
    const std::shared_ptr<Vfs> target = adapter.acquire();
    if (target == nullptr) throw_unregistered(adapter);
    return call(*target);
  });
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync) noexcept {
  return with_vfs(vfs, SQLITE_IOERR_DELETE, [&](Vfs& target) {
    target.remove(name, sync != 0 ? VfsSyncDirectory::Yes : VfsSyncDirectory::No);
    return SQLITE_OK;
  });
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int flags, int* result) noexcept {
  return with_vfs(vfs, SQLITE_IOERR_ACCESS, [&](Vfs& target) {
    *result = (flags == SQLITE_ACCESS_READWRITE ? target.writable(name) : target.exists(name)) ? 1 : 0;
    return SQLITE_OK;
  });
}

int vfs_full_path(sqlite3_vfs* vfs, const char* name, int room, char* out) noexcept {
  return with_vfs(vfs, SQLITE_CANTOPEN_FULLPATH, [&](Vfs& target) {
    const auto [path, symbolic_link] = target.full_path(name);
    if (path.size() >= static_cast<std::size_t>(room)) {
      throw VfsError::with_code(SQLITE_CANTOPEN_FULLPATH, "the file name is too long");
    }
    std::memcpy(out, path.c_str(), path.size() + 1);
    return symbolic_link ? SQLITE_OK_SYMLINK : SQLITE_OK;
  });
}

void* vfs_dl_open(sqlite3_vfs*, const char* name) noexcept { return system_vfs()->xDlOpen(system_vfs(), name); }
void vfs_dl_error(sqlite3_vfs*, int room, char* out) noexcept { system_vfs()->xDlError(system_vfs(), room, out); }
void (*vfs_dl_sym(sqlite3_vfs*, void* library, const char* symbol) noexcept)() {
  return system_vfs()->xDlSym(system_vfs(), library, symbol);
}
void vfs_dl_close(sqlite3_vfs*, void* library) noexcept { system_vfs()->xDlClose(system_vfs(), library); }

int vfs_randomness(sqlite3_vfs* vfs, int amount, char* out) noexcept {
  bool filled = false;  // a code could be mistaken for an amount
  with_vfs(vfs, SQLITE_IOERR, [&](Vfs& target) {
    target.randomness({reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(amount)});
    filled = true;
    return SQLITE_OK;
  });
  return filled ? amount : system_vfs()->xRandomness(system_vfs(), amount, out);
}

int vfs_sleep(sqlite3_vfs* vfs, int microseconds) noexcept {
  const int code = with_vfs(vfs, SQLITE_IOERR, [&](Vfs& target) {
    target.sleep(std::chrono::microseconds(microseconds));
    return SQLITE_OK;
  });
  return code == SQLITE_OK ? microseconds : system_vfs()->xSleep(system_vfs(), microseconds);
}

int vfs_now(sqlite3_vfs* vfs, sqlite3_int64* out) noexcept {
  const int code = with_vfs(vfs, SQLITE_IOERR, [&](Vfs& target) {
    const auto since = target.now().time_since_epoch();
    *out = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() + kJulianEpochMs;
    return SQLITE_OK;
  });
  return code == SQLITE_OK ? SQLITE_OK : system_vfs()->xCurrentTimeInt64(system_vfs(), out);
}

int vfs_now_days(sqlite3_vfs* vfs, double* out) noexcept {
  sqlite3_int64 ms = 0;
  const int code = vfs_now(vfs, &ms);
  *out = static_cast<double>(ms) / 86400000.0;
  return code;
}

int vfs_last_error(sqlite3_vfs*, int room, char* out) noexcept {
  if (out != nullptr && room > 0) {
    const std::size_t length = std::min(last_error.length, static_cast<std::size_t>(room) - 1);
    std::memcpy(out, last_error.text, length);
    out[length] = '\0';
  }
  return last_error.code;
}

}  // namespace

void set_callbacks(VfsAdapter& adapter) {
  sqlite3_vfs& base = adapter.base;
  base = {};
  base.iVersion = 2;
  base.szOsFile = sizeof(OpenFile);
  base.mxPathname = adapter.vfs->max_path();
  base.zName = adapter.name.c_str();
  base.pAppData = &adapter;
  base.xOpen = vfs_open;
  base.xDelete = vfs_delete;
  base.xAccess = vfs_access;
  base.xFullPathname = vfs_full_path;
  base.xDlOpen = vfs_dl_open;
  base.xDlError = vfs_dl_error;
  base.xDlSym = vfs_dl_sym;
  base.xDlClose = vfs_dl_close;
  base.xRandomness = vfs_randomness;
  base.xSleep = vfs_sleep;
  base.xCurrentTime = vfs_now_days;
  base.xGetLastError = vfs_last_error;
  base.xCurrentTimeInt64 = vfs_now;
}

void remember_vfs_error(int code, std::string_view text) noexcept { remember(code, text); }

std::string_view take_vfs_error_text(int extended_code) noexcept {
  if (extended_code == SQLITE_OK || last_error.code != extended_code || last_error.told) return {};
  last_error.told = true;
  return {last_error.text, last_error.length};
}

}  // namespace libsql::engine

namespace libsql {

std::string vfs_last_error() { return {engine::last_error.text, engine::last_error.length}; }

}  // namespace libsql

// Passing file operations on to a VFS that is registered with the engine.
#include <libsql/vfs_wrapper.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/errors.hpp"
#include "engine/vfs.hpp"

namespace libsql {

namespace detail {
struct VfsBase {
  sqlite3_vfs* vfs;
};
}  // namespace detail

namespace {

constexpr std::int64_t kJulianEpochMs = 210866760000000;

// The text says what the VFS below said, if that one is written in C++ too.
[[noreturn]] void throw_code(int code, const char* what) {
  const std::string_view below = engine::take_vfs_error_text(code);
  throw VfsError::with_code(code, below.empty() ? std::string(what) + ": " + sqlite3_errstr(code) : std::string(below));
}

void check(int code, const char* what) {
  if (code != SQLITE_OK) throw_code(code, what);
}

// True for a lock that was got, false for one that others hold.
bool got(int code, const char* what) {
  if (code == SQLITE_BUSY) return false;
  check(code, what);
  return true;
}

struct Free {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

class BaseFile final : public VfsFile {
 public:
  BaseFile(sqlite3_vfs* vfs, const char* name, int flags)
      : file_(static_cast<sqlite3_file*>(std::calloc(1, static_cast<std::size_t>(vfs->szOsFile)))) {
    if (file_ == nullptr) throw std::bad_alloc();
    int granted = flags;
    const int code = vfs->xOpen(vfs, name, file_.get(), flags, &granted);
    if (code != SQLITE_OK) {
      close();
      throw_code(code, "open");
    }
    read_only_ = (granted & SQLITE_OPEN_READONLY) != 0 && (flags & SQLITE_OPEN_READWRITE) != 0;
  }
  ~BaseFile() override { close(); }

  std::size_t read(std::span<std::byte> out, std::uint64_t offset) override {
    const int code = methods().xRead(file_.get(), out.data(), static_cast<int>(out.size()), signed_of(offset));
    if (code == SQLITE_OK) return out.size();
    if (code != SQLITE_IOERR_SHORT_READ) throw_code(code, "read");
    const std::uint64_t end = size();
    return end <= offset ? 0 : std::min<std::size_t>(out.size(), static_cast<std::size_t>(end - offset));
  }
  void write(std::span<const std::byte> data, std::uint64_t offset) override {
    check(methods().xWrite(file_.get(), data.data(), static_cast<int>(data.size()), signed_of(offset)), "write");
  }
  void truncate(std::uint64_t size) override { check(methods().xTruncate(file_.get(), signed_of(size)), "truncate"); }
  void sync(VfsSync how) override {
    int flags = how == VfsSync::Full || how == VfsSync::FullDataOnly ? SQLITE_SYNC_FULL : SQLITE_SYNC_NORMAL;
    if (how == VfsSync::NormalDataOnly || how == VfsSync::FullDataOnly) flags |= SQLITE_SYNC_DATAONLY;
    check(methods().xSync(file_.get(), flags), "sync");
  }
  std::uint64_t size() override {
    sqlite3_int64 bytes = 0;
    check(methods().xFileSize(file_.get(), &bytes), "file size");
    return static_cast<std::uint64_t>(bytes);
  }

  bool lock(VfsLock level) override { return got(methods().xLock(file_.get(), static_cast<int>(level)), "lock"); }
  void unlock(VfsLock level) override { check(methods().xUnlock(file_.get(), static_cast<int>(level)), "unlock"); }
  bool reserved_lock_held() override {
    int held = 0;
    check(methods().xCheckReservedLock(file_.get(), &held), "check lock");
    return held != 0;
  }

  bool file_control(int op, void* argument) override {
    const int code = methods().xFileControl(file_.get(), op, argument);
    if (code == SQLITE_NOTFOUND) return false;
    check(code, "file control");
    return true;
  }
  int sector_size() override {
    return methods().xSectorSize == nullptr ? VfsFile::sector_size() : methods().xSectorSize(file_.get());
  }
  VfsDevice device_characteristics() override {
    return static_cast<VfsDevice>(methods().xDeviceCharacteristics(file_.get()));
  }
  bool read_only() override { return read_only_; }

  VfsFeatures features() override {
    if (methods().iVersion < 2 || methods().xShmMap == nullptr) return VfsFeatures::Basic;
    if (methods().iVersion < 3 || methods().xFetch == nullptr) return VfsFeatures::SharedMemory;
    return VfsFeatures::SharedMemoryAndMapping;
  }
  VfsShmRegion shm_map(int region, int size, VfsShmCreate create) override {
    void volatile* address = nullptr;
    const int code = methods().xShmMap(file_.get(), region, size, create == VfsShmCreate::IfMissing ? 1 : 0, &address);
    if (code != SQLITE_OK && code != SQLITE_READONLY) throw_code(code, "WAL index");
    return {const_cast<void*>(address), code == SQLITE_READONLY};
  }
  bool shm_lock(int first, int count, VfsShmLock how) override {
    const bool lock = how == VfsShmLock::LockShared || how == VfsShmLock::LockExclusive;
    const bool shared = how == VfsShmLock::LockShared || how == VfsShmLock::UnlockShared;
    const int flags =
        (lock ? SQLITE_SHM_LOCK : SQLITE_SHM_UNLOCK) | (shared ? SQLITE_SHM_SHARED : SQLITE_SHM_EXCLUSIVE);
    return got(methods().xShmLock(file_.get(), first, count, flags), "WAL index lock");
  }
  void shm_barrier() override { methods().xShmBarrier(file_.get()); }
  void shm_unmap(VfsShmDelete how) override {
    check(methods().xShmUnmap(file_.get(), how == VfsShmDelete::Delete ? 1 : 0), "WAL index");
  }
  const std::byte* fetch(std::uint64_t offset, std::size_t size) override {
    void* address = nullptr;
    check(methods().xFetch(file_.get(), signed_of(offset), static_cast<int>(size), &address), "mapping");
    return static_cast<const std::byte*>(address);
  }
  void unfetch(std::uint64_t offset, const std::byte* address) override {
    check(methods().xUnfetch(file_.get(), signed_of(offset), const_cast<std::byte*>(address)), "mapping");
  }

 private:
  static sqlite3_int64 signed_of(std::uint64_t value) noexcept { return static_cast<sqlite3_int64>(value); }
  const sqlite3_io_methods& methods() const noexcept { return *file_->pMethods; }
  void close() noexcept {
    if (file_->pMethods != nullptr) file_->pMethods->xClose(file_.get());
    file_->pMethods = nullptr;
  }

  std::unique_ptr<sqlite3_file, Free> file_;
  bool read_only_ = false;
};

sqlite3_vfs* find_base(std::string_view name) {
  if (name.empty()) return engine::system_vfs();
  sqlite3_vfs* const found = sqlite3_vfs_find(std::string(name).c_str());
  if (found == nullptr) {
    core::throw_error(ErrorCode::Configuration, "there is no VFS of the name \"" + std::string(name) + "\"");
  }
  return found;
}

}  // namespace

VfsWrapper::VfsWrapper(std::string_view base)
    : base_(std::make_unique<detail::VfsBase>(detail::VfsBase{find_base(base)})) {}
VfsWrapper::~VfsWrapper() = default;

std::unique_ptr<VfsFile> VfsWrapper::open(const VfsFileName& name, VfsOpen flags) {
  return std::make_unique<BaseFile>(base_->vfs, name.c_str(), static_cast<int>(flags));
}

void VfsWrapper::remove(std::string_view path, VfsSyncDirectory sync) {
  check(base_->vfs->xDelete(base_->vfs, std::string(path).c_str(), sync == VfsSyncDirectory::Yes ? 1 : 0), "delete");
}

bool VfsWrapper::exists(std::string_view path) {
  int found = 0;
  check(base_->vfs->xAccess(base_->vfs, std::string(path).c_str(), SQLITE_ACCESS_EXISTS, &found), "access");
  return found != 0;
}

bool VfsWrapper::writable(std::string_view path) {
  int found = 0;
  check(base_->vfs->xAccess(base_->vfs, std::string(path).c_str(), SQLITE_ACCESS_READWRITE, &found), "access");
  return found != 0;
}

VfsPath VfsWrapper::full_path(std::string_view path) {
  std::string out(static_cast<std::size_t>(base_->vfs->mxPathname) + 1, '\0');
  const int code =
      base_->vfs->xFullPathname(base_->vfs, std::string(path).c_str(), static_cast<int>(out.size()), out.data());
  if (code != SQLITE_OK && code != SQLITE_OK_SYMLINK) throw_code(code, "file name");
  out.resize(std::strlen(out.c_str()));
  VfsPath full(std::move(out));
  full.symbolic_link = code == SQLITE_OK_SYMLINK;
  return full;
}

int VfsWrapper::max_path() { return base_->vfs->mxPathname; }

void VfsWrapper::randomness(std::span<std::byte> out) {
  base_->vfs->xRandomness(base_->vfs, static_cast<int>(out.size()), reinterpret_cast<char*>(out.data()));
}

void VfsWrapper::sleep(std::chrono::microseconds time) {
  base_->vfs->xSleep(base_->vfs, static_cast<int>(time.count()));
}

std::chrono::system_clock::time_point VfsWrapper::now() {
  sqlite3_int64 ms = 0;
  if (base_->vfs->iVersion >= 2 && base_->vfs->xCurrentTimeInt64 != nullptr) {
    base_->vfs->xCurrentTimeInt64(base_->vfs, &ms);
  } else {
    double days = 0;
    base_->vfs->xCurrentTime(base_->vfs, &days);
    ms = static_cast<sqlite3_int64>(days * 86400000.0);
  }
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms - kJulianEpochMs));
}

VfsFileWrapper::VfsFileWrapper(std::unique_ptr<VfsFile> file) : file_(std::move(file)) {}
VfsFileWrapper::~VfsFileWrapper() = default;

std::size_t VfsFileWrapper::read(std::span<std::byte> out, std::uint64_t offset) { return file_->read(out, offset); }
void VfsFileWrapper::write(std::span<const std::byte> data, std::uint64_t offset) { file_->write(data, offset); }
void VfsFileWrapper::truncate(std::uint64_t size) { file_->truncate(size); }
void VfsFileWrapper::sync(VfsSync how) { file_->sync(how); }
std::uint64_t VfsFileWrapper::size() { return file_->size(); }
bool VfsFileWrapper::lock(VfsLock level) { return file_->lock(level); }
void VfsFileWrapper::unlock(VfsLock level) { file_->unlock(level); }
bool VfsFileWrapper::reserved_lock_held() { return file_->reserved_lock_held(); }
std::optional<std::string> VfsFileWrapper::pragma(std::string_view name, std::optional<std::string_view> value) {
  return file_->pragma(name, value);
}
bool VfsFileWrapper::file_control(int op, void* argument) { return file_->file_control(op, argument); }
int VfsFileWrapper::sector_size() { return file_->sector_size(); }
VfsDevice VfsFileWrapper::device_characteristics() { return file_->device_characteristics(); }
bool VfsFileWrapper::read_only() { return file_->read_only(); }
VfsFeatures VfsFileWrapper::features() { return file_->features(); }
VfsShmRegion VfsFileWrapper::shm_map(int region, int size, VfsShmCreate create) {
  return file_->shm_map(region, size, create);
}
bool VfsFileWrapper::shm_lock(int first, int count, VfsShmLock how) { return file_->shm_lock(first, count, how); }
void VfsFileWrapper::shm_barrier() { file_->shm_barrier(); }
void VfsFileWrapper::shm_unmap(VfsShmDelete how) { file_->shm_unmap(how); }
const std::byte* VfsFileWrapper::fetch(std::uint64_t offset, std::size_t size) { return file_->fetch(offset, size); }
void VfsFileWrapper::unfetch(std::uint64_t offset, const std::byte* address) { file_->unfetch(offset, address); }

}  // namespace libsql

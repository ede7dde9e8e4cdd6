// A VFS for temporary files alone.
#include "engine/temporary_files.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/errors.hpp"
#include "engine/connection_state.h"
#include "engine/vfs.hpp"

namespace libsql::engine {

const TemporarySpace* TemporarySpace::take(std::uint64_t bytes) noexcept {
  std::uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_ || used > limit_ - bytes) return this;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  const TemporarySpace* const refused = whole_ == nullptr ? nullptr : whole_->take(bytes);
  if (refused != nullptr) used_.fetch_sub(bytes, std::memory_order_relaxed);
  return refused;
}

void TemporarySpace::give_back(std::uint64_t bytes) noexcept {
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  if (whole_ != nullptr) whole_->give_back(bytes);
}

// One registered name and its encrypting twin. Never freed, but used again: a connection that is a zombie may point to
// it.
struct TemporaryFiles::Slot {
  sqlite3_vfs base{};  // first: the engine hands it back
  sqlite3_vfs* below = nullptr;
  sqlite3_vfs* twin = nullptr;
  std::string name;
  std::mutex mutex;
  std::shared_ptr<TemporarySpace> space;
  std::atomic<bool> encrypts{false};
  bool in_use = false;
};

namespace {

using Slot = TemporaryFiles::Slot;

constexpr std::size_t kBlock = 4096;
constexpr int kMappedMethods = 3;

// What the engine keeps for us, in front of the file below.
struct TemporaryFile;
struct OpenTemporary {
  sqlite3_file base;
  TemporaryFile* file;
};

sqlite3_file* below_of(sqlite3_file* file) noexcept {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<std::byte*>(file) + sizeof(OpenTemporary));
}

// Bytes of a block beyond `valid` are zeros, whatever is on the disk; up to `used` the block's stream has been used.
struct Block {
  static constexpr std::uint64_t kPlain = 0;  // a hole too
  static constexpr std::uint64_t kBroken = ~std::uint64_t{0};
  std::uint64_t number = kPlain;
  std::uint32_t valid = 0;
  std::uint32_t used = 0;
};

// Blocks are encrypted one by one with a key that nobody but this object knows. A block that is written again gets
// another number, so that no part of a stream of the cipher is used twice.
struct TemporaryFile {
  Slot& slot;
  std::shared_ptr<TemporarySpace> space;
  std::uint64_t size = 0;     // what is in it
  std::uint64_t charged = 0;  // what was taken from the space for it
  std::uint64_t last_number = 0;
  std::vector<Block> blocks{};  // those that were written encrypted, and others between them
  std::array<unsigned char, 32> key{};
  std::vector<unsigned char> scratch{};

  bool has_encrypted() const noexcept { return last_number != 0; }

  bool encrypts() noexcept {
#ifdef SQLITE3MC_VERSION_STRING
    if (slot.encrypts.load(std::memory_order_relaxed)) return true;
    if (slot.twin == nullptr || libsql_engine_holds_key(slot.twin) == 0) return false;
    slot.encrypts.store(true, std::memory_order_relaxed);
    return true;
#else
    return false;
#endif
  }

  // Encrypts or decrypts bytes that begin at `inside` of a block.
  void apply([[maybe_unused]] std::uint64_t number, [[maybe_unused]] std::size_t inside,
             [[maybe_unused]] unsigned char* bytes, [[maybe_unused]] std::size_t count) const noexcept {
#ifdef SQLITE3MC_VERSION_STRING
    std::array<unsigned char, 12> nonce{};
    std::memcpy(nonce.data(), &number, sizeof number);
    auto counter = static_cast<std::uint32_t>(1 + inside / 64);
    if (const std::size_t skipped = inside % 64; skipped != 0) {
      std::array<unsigned char, 64> stream{};
      libsql_engine_stream_cipher(stream.data(), stream.size(), key.data(), nonce.data(), counter++);
      const std::size_t part = std::min(count, stream.size() - skipped);
      for (std::size_t i = 0; i < part; ++i) bytes[i] ^= stream[skipped + i];
      bytes += part;
      count -= part;
    }
    if (count > 0) libsql_engine_stream_cipher(bytes, count, key.data(), nonce.data(), counter);
#endif
  }
};

TemporaryFile& file_of(sqlite3_file* file) noexcept { return *reinterpret_cast<OpenTemporary*>(file)->file; }

int io_close(sqlite3_file* file) noexcept {
  TemporaryFile* const temporary = std::exchange(reinterpret_cast<OpenTemporary*>(file)->file, nullptr);
  sqlite3_file* const below = below_of(file);
  const int rc = below->pMethods->xClose(below);
  temporary->space->give_back(temporary->charged);
  delete temporary;
  return rc;
}

int io_read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) noexcept {
  const TemporaryFile& temporary = file_of(file);
  sqlite3_file* const below = below_of(file);
  const int rc = below->pMethods->xRead(below, out, amount, offset);
  if (!temporary.has_encrypted() || (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)) return rc;
  auto* bytes = static_cast<unsigned char*>(out);
  auto at = static_cast<std::uint64_t>(offset);
  const std::uint64_t until = std::min(at + static_cast<std::uint64_t>(amount), temporary.size);
  while (at < until) {
    const std::uint64_t index = at / kBlock;
    const std::size_t inside = at % kBlock;
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock - inside, until - at));
    if (index < temporary.blocks.size() && temporary.blocks[index].number != Block::kPlain) {
      const Block& block = temporary.blocks[index];
      if (block.number == Block::kBroken) return SQLITE_IOERR_READ;
      const std::size_t valid = std::min<std::size_t>(part, block.valid > inside ? block.valid - inside : 0);
      temporary.apply(block.number, inside, bytes, valid);
      std::memset(bytes + valid, 0, part - valid);
    }
    bytes += part;
    at += part;
  }
  return rc;
}

// Takes room up to `size`, or remembers whose bound is in the way.
int charge(TemporaryFile& temporary, std::uint64_t size) noexcept {
  if (size <= temporary.charged) return SQLITE_OK;
  const TemporarySpace* const refused = temporary.space->take(size - temporary.charged);
  if (refused == nullptr) {
    temporary.charged = size;
    return SQLITE_OK;
  }
  std::array<char, 200> text{};
  sqlite3_snprintf(static_cast<int>(text.size()), text.data(),
                   "the temporary files of %s have reached their limit of %llu bytes", refused->owner().c_str(),
                   static_cast<unsigned long long>(refused->limit()));
  remember_vfs_error(SQLITE_FULL, text.data());
  return SQLITE_FULL;
}

// Writes a part of one block, encrypted.
int write_block(TemporaryFile& temporary, sqlite3_file* below, const unsigned char* bytes, std::size_t count,
                std::uint64_t at) {
  const std::uint64_t index = at / kBlock;
  const std::uint64_t start = index * kBlock;
  const std::size_t inside = at % kBlock;
  if (index >= temporary.blocks.size()) temporary.blocks.resize(index + 1);
  Block& block = temporary.blocks[index];
  std::vector<unsigned char>& scratch = temporary.scratch;
  scratch.assign(kBlock, 0);
  const bool plain = block.number == Block::kPlain;
  const bool appends = !plain && block.number != Block::kBroken && inside >= block.used && block.valid == block.used;
  std::size_t from = 0;  // of the block's bytes, those that are written
  std::size_t length = inside + count;
  if (appends) {
    from = block.used;  // what lies between is zeros
  } else {
    // The content is kept, and all of it is written anew.
    const std::size_t kept =
        plain ? static_cast<std::size_t>(
                    temporary.size <= start ? 0 : std::min<std::uint64_t>(kBlock, temporary.size - start))
              : block.valid;
    length = std::max(length, kept);
    if (kept > 0 && (inside > 0 || count < kept)) {
      if (block.number == Block::kBroken) return SQLITE_IOERR_WRITE;
      const int rc =
          below->pMethods->xRead(below, scratch.data(), static_cast<int>(kept), static_cast<sqlite3_int64>(start));
      if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return rc;
      if (!plain) temporary.apply(block.number, 0, scratch.data(), kept);
    }
    block.number = ++temporary.last_number;
  }
  std::memcpy(scratch.data() + inside, bytes, count);
  temporary.apply(block.number, from, scratch.data() + from, length - from);
  block.used = block.valid = static_cast<std::uint32_t>(length);
  const int rc = below->pMethods->xWrite(below, scratch.data() + from, static_cast<int>(length - from),
                                         static_cast<sqlite3_int64>(start + from));
  if (rc == SQLITE_OK) return rc;
  if (appends) {
    block.valid = static_cast<std::uint32_t>(from);
  } else {
    block.number = Block::kBroken;
  }
  return rc;
}

int io_write(sqlite3_file* file, const void* data, int amount, sqlite3_int64 offset) noexcept {
  TemporaryFile& temporary = file_of(file);
  sqlite3_file* const below = below_of(file);
  const auto begin = static_cast<std::uint64_t>(offset);
  const std::uint64_t until = begin + static_cast<std::uint64_t>(amount);
  if (const int rc = charge(temporary, until); rc != SQLITE_OK) return rc;
  if (!temporary.has_encrypted() && !temporary.encrypts()) {
    const int rc = below->pMethods->xWrite(below, data, amount, offset);
    if (rc == SQLITE_OK) temporary.size = std::max(temporary.size, until);
    return rc;
  }
  try {
    if (temporary.last_number == 0) sqlite3_randomness(static_cast<int>(temporary.key.size()), temporary.key.data());
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::uint64_t at = begin; at < until;) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock - at % kBlock, until - at));
      if (const int rc = write_block(temporary, below, bytes, part, at); rc != SQLITE_OK) return rc;
      bytes += part;
      at += part;
      temporary.size = std::max(temporary.size, at);
    }
    return SQLITE_OK;
  } catch (const std::bad_alloc&) {
    return SQLITE_IOERR_NOMEM;
  }
}

int io_truncate(sqlite3_file* file, sqlite3_int64 size) noexcept {
  TemporaryFile& temporary = file_of(file);
  sqlite3_file* const below = below_of(file);
  const int rc = below->pMethods->xTruncate(below, size);
  if (rc != SQLITE_OK) return rc;
  const auto wanted = static_cast<std::uint64_t>(size);
  temporary.size = std::min(temporary.size, wanted);
  if (wanted < temporary.charged) temporary.space->give_back(std::exchange(temporary.charged, wanted) - wanted);
  for (std::uint64_t index = wanted / kBlock; index < temporary.blocks.size(); ++index) {
    const std::uint64_t start = index * kBlock;
    Block& block = temporary.blocks[index];
    block.valid = std::min(block.valid, static_cast<std::uint32_t>(wanted > start ? wanted - start : 0));
  }
  return SQLITE_OK;
}

int io_file_control(sqlite3_file* file, int op, void* argument) noexcept {
  TemporaryFile& temporary = file_of(file);
  sqlite3_file* const below = below_of(file);
  if (op == SQLITE_FCNTL_SIZE_HINT) {  // makes the file that large now
    if (temporary.encrypts()) return SQLITE_NOTFOUND;
    const sqlite3_int64 hint = *static_cast<const sqlite3_int64*>(argument);
    if (hint > 0 && charge(temporary, static_cast<std::uint64_t>(hint)) != SQLITE_OK) return SQLITE_FULL;
  }
  return below->pMethods->xFileControl(below, op, argument);
}

int io_sync(sqlite3_file* file, int flags) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xSync(below, flags);
}
int io_size(sqlite3_file* file, sqlite3_int64* size) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xFileSize(below, size);
}
int io_lock(sqlite3_file* file, int level) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xLock(below, level);
}
int io_unlock(sqlite3_file* file, int level) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xUnlock(below, level);
}
int io_check_reserved_lock(sqlite3_file* file, int* held) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xCheckReservedLock(below, held);
}
int io_sector_size(sqlite3_file* file) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xSectorSize == nullptr ? 4096 : below->pMethods->xSectorSize(below);
}
int io_device_characteristics(sqlite3_file* file) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xDeviceCharacteristics(below);
}
// Nobody shares a temporary file.
int io_shm_map(sqlite3_file*, int, int, int, void volatile**) noexcept { return SQLITE_IOERR_SHMMAP; }
int io_shm_lock(sqlite3_file*, int, int, int) noexcept { return SQLITE_IOERR_SHMLOCK; }
void io_shm_barrier(sqlite3_file*) noexcept {}
int io_shm_unmap(sqlite3_file*, int) noexcept { return SQLITE_OK; }
int io_fetch(sqlite3_file* file, sqlite3_int64 offset, int amount, void** address) noexcept {
  *address = nullptr;
  if (file_of(file).has_encrypted() || file_of(file).encrypts()) return SQLITE_OK;  // it is read instead
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xFetch(below, offset, amount, address);
}
int io_unfetch(sqlite3_file* file, sqlite3_int64 offset, void* address) noexcept {
  sqlite3_file* const below = below_of(file);
  return below->pMethods->xUnfetch(below, offset, address);
}

constexpr sqlite3_io_methods methods(int version) noexcept {
  const bool mapped = version >= kMappedMethods;
  return {version,
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
          mapped ? io_shm_map : nullptr,
          mapped ? io_shm_lock : nullptr,
          mapped ? io_shm_barrier : nullptr,
          mapped ? io_shm_unmap : nullptr,
          mapped ? io_fetch : nullptr,
          mapped ? io_unfetch : nullptr};
}
constexpr sqlite3_io_methods kMethods = methods(1);
constexpr sqlite3_io_methods kMethodsWithMapping = methods(kMappedMethods);

// ---- the file system

Slot& slot_of(sqlite3_vfs* vfs) noexcept { return *static_cast<Slot*>(vfs->pAppData); }
sqlite3_vfs* below_of(sqlite3_vfs* vfs) noexcept { return slot_of(vfs).below; }

// The system's VFS would wait for ever for what comes out of a pipe.
bool is_pipe(const Slot& slot, const char* name) noexcept {
  struct stat status;
  return std::string_view(slot.below->zName).starts_with("unix") && ::stat(name, &status) == 0 &&
         S_ISFIFO(status.st_mode);
}

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* granted) noexcept {
  constexpr int kTemporary =
      SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_SUBJOURNAL;
  Slot& slot = slot_of(vfs);
  if (name != nullptr && (flags & kTemporary) == 0) {
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && is_pipe(slot, name)) {
      remember_vfs_error(SQLITE_CANTOPEN, "it is a pipe, not a file");
      return SQLITE_CANTOPEN;
    }
    return slot.below->xOpen(slot.below, name, file, flags, granted);
  }
  auto& open = *reinterpret_cast<OpenTemporary*>(file);
  open.base.pMethods = nullptr;
  try {
    std::shared_ptr<TemporarySpace> space;
    {
      const std::lock_guard guard(slot.mutex);
      space = slot.space;
    }
    auto temporary = std::unique_ptr<TemporaryFile>(new TemporaryFile{slot, std::move(space)});
    sqlite3_file* const below = below_of(file);
    below->pMethods = nullptr;
    const int rc = slot.below->xOpen(slot.below, name, below, flags, granted);
    if (rc != SQLITE_OK) {
      if (below->pMethods != nullptr) below->pMethods->xClose(below);
      return rc;
    }
    open.file = temporary.release();
    open.base.pMethods = below->pMethods->iVersion >= kMappedMethods ? &kMethodsWithMapping : &kMethods;
    return SQLITE_OK;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync) noexcept {
  return below_of(vfs)->xDelete(below_of(vfs), name, sync);
}
int vfs_access(sqlite3_vfs* vfs, const char* name, int flags, int* result) noexcept {
  return below_of(vfs)->xAccess(below_of(vfs), name, flags, result);
}
int vfs_full_path(sqlite3_vfs* vfs, const char* name, int room, char* out) noexcept {
  return below_of(vfs)->xFullPathname(below_of(vfs), name, room, out);
}
void* vfs_dl_open(sqlite3_vfs* vfs, const char* name) noexcept { return below_of(vfs)->xDlOpen(below_of(vfs), name); }
void vfs_dl_error(sqlite3_vfs* vfs, int room, char* out) noexcept { below_of(vfs)->xDlError(below_of(vfs), room, out); }
void (*vfs_dl_sym(sqlite3_vfs* vfs, void* library, const char* symbol) noexcept)() {
  return below_of(vfs)->xDlSym(below_of(vfs), library, symbol);
}
void vfs_dl_close(sqlite3_vfs* vfs, void* library) noexcept { below_of(vfs)->xDlClose(below_of(vfs), library); }
int vfs_randomness(sqlite3_vfs* vfs, int amount, char* out) noexcept {
  return below_of(vfs)->xRandomness(below_of(vfs), amount, out);
}
int vfs_sleep(sqlite3_vfs* vfs, int microseconds) noexcept {
  return below_of(vfs)->xSleep(below_of(vfs), microseconds);
}
int vfs_now(sqlite3_vfs* vfs, double* out) noexcept { return below_of(vfs)->xCurrentTime(below_of(vfs), out); }
int vfs_last_error(sqlite3_vfs* vfs, int room, char* out) noexcept {
  return below_of(vfs)->xGetLastError(below_of(vfs), room, out);
}
int vfs_now_ms(sqlite3_vfs* vfs, sqlite3_int64* out) noexcept {
  return below_of(vfs)->xCurrentTimeInt64(below_of(vfs), out);
}
int vfs_set_system_call(sqlite3_vfs* vfs, const char* name, sqlite3_syscall_ptr call) noexcept {
  return below_of(vfs)->xSetSystemCall(below_of(vfs), name, call);
}
sqlite3_syscall_ptr vfs_get_system_call(sqlite3_vfs* vfs, const char* name) noexcept {
  return below_of(vfs)->xGetSystemCall(below_of(vfs), name);
}
const char* vfs_next_system_call(sqlite3_vfs* vfs, const char* name) noexcept {
  return below_of(vfs)->xNextSystemCall(below_of(vfs), name);
}

void fill(Slot& slot) {
  sqlite3_vfs& base = slot.base;
  base = {};
  base.iVersion = slot.below->iVersion;
  base.szOsFile = static_cast<int>(sizeof(OpenTemporary)) + slot.below->szOsFile;
  base.mxPathname = slot.below->mxPathname;
  base.zName = slot.name.c_str();
  base.pAppData = &slot;
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
  base.xCurrentTime = vfs_now;
  base.xGetLastError = vfs_last_error;
  if (base.iVersion >= 2) base.xCurrentTimeInt64 = vfs_now_ms;
  if (base.iVersion >= 3) {
    base.xSetSystemCall = vfs_set_system_call;
    base.xGetSystemCall = vfs_get_system_call;
    base.xNextSystemCall = vfs_next_system_call;
  }
}

// Never destroyed: connections may be closed after the end of main().
struct Slots {
  std::mutex mutex;
  std::vector<std::unique_ptr<Slot>> all;
};
Slots& slots() {
  static auto* const instance = new Slots;
  return *instance;
}

sqlite3_vfs* find_below(std::string_view name) {
  constexpr std::string_view kCiphers = "multipleciphers-";
  const sqlite3_vfs* const given = sqlite3_vfs_find(name.empty() ? nullptr : std::string(name).c_str());
  if (given == nullptr) {
    core::throw_error(ErrorCode::Configuration, "there is no VFS named '" + std::string(name) + "'");
  }
  std::string plain = given->zName;
  if (plain.starts_with(kCiphers)) plain.erase(0, kCiphers.size());
  return sqlite3_vfs_find(plain.c_str());
}

}  // namespace

TemporaryFiles::TemporaryFiles(std::string_view below, std::shared_ptr<TemporarySpace> space) : slot_(nullptr) {
  sqlite3_vfs* const under = find_below(below);
  if (under == nullptr) core::throw_error(ErrorCode::Configuration, "the VFS that this one wraps is gone");
  {
    Slots& known = slots();
    const std::lock_guard guard(known.mutex);
    for (const auto& slot : known.all) {
      if (!slot->in_use && slot->below == under && slot->base.mxPathname == under->mxPathname) slot_ = slot.get();
    }
    if (slot_ == nullptr) {
      auto fresh = std::make_unique<Slot>();
      fresh->below = under;
      fresh->name = "libsql-" + std::to_string(known.all.size() + 1) + "-" + under->zName;
      fill(*fresh);
      if (sqlite3_vfs_register(&fresh->base, 0) != SQLITE_OK) throw std::bad_alloc();
      slot_ = fresh.get();
      known.all.push_back(std::move(fresh));
    }
    slot_->in_use = true;
  }
  {
    const std::lock_guard guard(slot_->mutex);
    slot_->space = std::move(space);
  }
  slot_->encrypts.store(false, std::memory_order_relaxed);
  vfs_ = cipher_vfs_name(slot_->name);
  if (slot_->twin == nullptr && vfs_ != slot_->name) slot_->twin = sqlite3_vfs_find(vfs_.c_str());
}

TemporaryFiles::~TemporaryFiles() {
  const std::lock_guard guard(slots().mutex);
  slot_->in_use = false;
}

void TemporaryFiles::encrypt() noexcept {
  if (slot_->twin != nullptr) slot_->encrypts.store(true, std::memory_order_relaxed);
}

}  // namespace libsql::engine

// The default locks and WAL index of a VfsFile: right among the connections of this process.
#include <libsql/vfs_wrapper.hpp>

#include "engine/vfs.hpp"

namespace libsql::detail {

VfsFileLocks::VfsFileLocks(std::shared_ptr<VfsLockTable> lock_table, std::string file_name)
    : table(std::move(lock_table)), name(std::move(file_name)) {
  const std::lock_guard guard(table->mutex);
  std::weak_ptr<VfsLockNode>& entry = table->nodes[name];
  node = entry.lock();
  if (node == nullptr) {
    node = std::make_shared<VfsLockNode>();
    entry = node;
  }
}

VfsFileLocks::~VfsFileLocks() {
  shm_unmap(VfsShmDelete::Keep);
  unlock(VfsLock::None);
  const std::lock_guard guard(table->mutex);
  node.reset();
  const auto entry = table->nodes.find(name);
  if (entry != table->nodes.end() && entry->second.expired()) table->nodes.erase(entry);
}

bool VfsFileLocks::lock(VfsLock wanted) {
  if (level >= wanted) return true;
  const std::lock_guard guard(node->mutex);
  if (level == VfsLock::None) {
    if (node->pending != nullptr) return false;
    ++node->readers;
    level = VfsLock::Shared;
    if (wanted == VfsLock::Shared) return true;
  }
  if (node->reserved != nullptr && node->reserved != this) return false;
  node->reserved = this;
  if (wanted == VfsLock::Reserved) {
    level = VfsLock::Reserved;
    return true;
  }
  // From here on no new reader comes in, so the ones that are there run out and the next attempt succeeds.
  node->pending = this;
  level = VfsLock::Pending;
  if (wanted == VfsLock::Pending) return true;
  if (node->readers > 1) return false;
  level = VfsLock::Exclusive;
  return true;
}

void VfsFileLocks::unlock(VfsLock wanted) {
  if (level <= wanted) return;
  const std::lock_guard guard(node->mutex);
  if (node->reserved == this) node->reserved = nullptr;
  if (node->pending == this) node->pending = nullptr;
  if (wanted == VfsLock::None) --node->readers;
  level = wanted;
}

bool VfsFileLocks::reserved_lock_held() {
  const std::lock_guard guard(node->mutex);
  return node->reserved != nullptr;
}

void* VfsFileLocks::shm_map(int region, int size, VfsShmCreate create) {
  const std::lock_guard guard(node->shm_mutex);
  if (!shm_attached) {
    shm_attached = true;
    ++node->shm_users;
  }
  const auto index = static_cast<std::size_t>(region);
  if (node->regions.size() <= index) {
    if (create == VfsShmCreate::Never) return nullptr;
    node->regions.reserve(index + 1);
    while (node->regions.size() <= index) {
      node->regions.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(size)));
    }
  }
  return node->regions[index].get();
}

bool VfsFileLocks::shm_lock(int first, int count, VfsShmLock how) {
  const unsigned mask = ((1U << count) - 1U) << first;
  switch (how) {
    case VfsShmLock::LockShared: {
      // The engine shares one slot at a time, and asks for none that it holds.
      std::atomic<int>& slot = node->shm_locks[static_cast<std::size_t>(first)];
      int holders = slot.load(std::memory_order_relaxed);
      do {
        if (holders < 0) return false;
      } while (!slot.compare_exchange_weak(holders, holders + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
      shm_shared |= mask;
      return true;
    }
    case VfsShmLock::UnlockShared:
      if ((shm_shared & mask) != 0) {
        node->shm_locks[static_cast<std::size_t>(first)].fetch_sub(1, std::memory_order_acq_rel);
        shm_shared &= ~mask;
      }
      return true;
    case VfsShmLock::LockExclusive:
      for (int i = first; i < first + count; ++i) {
        int free = 0;
        if (!node->shm_locks[static_cast<std::size_t>(i)].compare_exchange_strong(free, -1, std::memory_order_acq_rel,
                                                                                  std::memory_order_relaxed)) {
          while (--i >= first) node->shm_locks[static_cast<std::size_t>(i)].store(0, std::memory_order_release);
          return false;
        }
      }
      shm_exclusive |= mask;
      return true;
    case VfsShmLock::UnlockExclusive:
      for (int i = first; i < first + count; ++i) {
        if ((shm_exclusive & (1U << i)) == 0) continue;
        node->shm_locks[static_cast<std::size_t>(i)].store(0, std::memory_order_release);
      }
      shm_exclusive &= ~mask;
      return true;
  }
  return false;
}

void VfsFileLocks::shm_unmap(VfsShmDelete) {
  if (!shm_attached) return;
  for (int i = 0; i < 8; ++i) {
    shm_lock(i, 1, VfsShmLock::UnlockShared);
    shm_lock(i, 1, VfsShmLock::UnlockExclusive);
  }
  const std::lock_guard guard(node->shm_mutex);
  shm_attached = false;
  // Kept or not, an index that nobody is attached to is rebuilt from the WAL by whoever comes next.
  if (--node->shm_users == 0) node->regions.clear();
}

void VfsAccess::attach_locks(VfsFile& file, Vfs& vfs, std::string_view name) {
  VfsFile* innermost = &file;
  while (auto* wrapper = dynamic_cast<VfsFileWrapper*>(innermost)) innermost = wrapper->file_.get();
  if (innermost->locks_ == nullptr) {
    innermost->locks_ = std::make_unique<VfsFileLocks>(vfs.lock_table_, std::string(name));
  }
}

}  // namespace libsql::detail

namespace libsql {

// A file without a name has one connection and needs no locks.

VfsFile::VfsFile() = default;
VfsFile::~VfsFile() = default;

bool VfsFile::lock(VfsLock level) { return locks_ == nullptr || locks_->lock(level); }
void VfsFile::unlock(VfsLock level) {
  if (locks_ != nullptr) locks_->unlock(level);
}
bool VfsFile::reserved_lock_held() { return locks_ != nullptr && locks_->reserved_lock_held(); }

std::optional<std::string> VfsFile::pragma(std::string_view, std::optional<std::string_view>) { return std::nullopt; }
bool VfsFile::file_control(int, void*) { return false; }
int VfsFile::sector_size() { return 4096; }
VfsDevice VfsFile::device_characteristics() { return VfsDevice::PowersafeOverwrite; }
bool VfsFile::read_only() { return false; }
VfsFeatures VfsFile::features() { return VfsFeatures::SharedMemoryAndMapping; }

VfsShmRegion VfsFile::shm_map(int region, int size, VfsShmCreate create) {
  if (locks_ == nullptr) throw VfsError(VfsFailure::SharedMemory, "a file without a name has no WAL index");
  return {locks_->shm_map(region, size, create), false};
}
bool VfsFile::shm_lock(int first, int count, VfsShmLock how) {
  return locks_ == nullptr || locks_->shm_lock(first, count, how);
}
void VfsFile::shm_barrier() {
  // A read-modify-write rather than a fence: it orders the same, and ThreadSanitizer understands it.
  if (locks_ != nullptr) locks_->node->fence.fetch_add(1, std::memory_order_seq_cst);
}
void VfsFile::shm_unmap(VfsShmDelete how) {
  if (locks_ != nullptr) locks_->shm_unmap(how);
}
const std::byte* VfsFile::fetch(std::uint64_t, std::size_t) { return nullptr; }
void VfsFile::unfetch(std::uint64_t, const std::byte*) {}

Vfs::Vfs() : lock_table_(std::make_shared<detail::VfsLockTable>()) {}
Vfs::~Vfs() = default;

void Vfs::forget_locks() {
  const std::lock_guard guard(lock_table_->mutex);
  lock_table_->nodes.clear();
}

}  // namespace libsql

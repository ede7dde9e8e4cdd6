// Files in memory that all connections of the process share.
#include <libsql/memory_vfs.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include <libsql/vfs_wrapper.hpp>

#include "engine/vfs.hpp"

namespace libsql {
namespace {

// The bytes of one file, in pieces that never move, so readers need no lock against a writer that extends the file. The
// engine's own locks see to it that nobody reads bytes that are being written.
class Content final {
 public:
  explicit Content(std::atomic<std::uint64_t>& used) noexcept : used_(used) {}
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() {
    for (std::atomic<Table*>& entry : tables_) {
      Table* const table = entry.load(std::memory_order_relaxed);
      if (table == nullptr) continue;
      for (std::atomic<std::byte*>& piece : *table) drop(piece);
      delete table;
    }
  }

  std::uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }

  std::size_t read(std::span<std::byte> out, std::uint64_t offset) const noexcept {
    std::unique_lock peek(peeking_, std::defer_lock);
    if (offset == 0 && out.size() < kSmallestPage) peek.lock();
    const std::uint64_t end = size();
    if (offset >= end) return 0;
    const std::size_t count = std::min<std::size_t>(out.size(), static_cast<std::size_t>(end - offset));
    for (std::size_t done = 0; done < count;) {
      const auto [within, part] = place(offset + done, count - done);
      const std::byte* const piece = find(offset + done);
      if (piece == nullptr) {
        std::memset(out.data() + done, 0, part);
      } else {
        std::memcpy(out.data() + done, piece + within, part);
      }
      done += part;
    }
    return count;
  }

  void write(std::span<const std::byte> data, std::uint64_t offset) {
    if (offset + data.size() > kLargest) throw VfsError(VfsFailure::Full, "a file in memory is limited to 64 GiB");
    std::unique_lock peek(peeking_, std::defer_lock);
    if (offset == 0) peek.lock();
    for (std::size_t done = 0; done < data.size();) {
      const auto [within, part] = place(offset + done, data.size() - done);
      std::memcpy(make(offset + done) + within, data.data() + done, part);
      done += part;
    }
    // Always a read-modify-write, even if the size stays: it hands the bytes over to whoever reads the size next.
    const std::uint64_t end = offset + data.size();
    std::uint64_t now = size_.load(std::memory_order_relaxed);
    while (
        !size_.compare_exchange_weak(now, std::max(now, end), std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
  }

  void truncate(std::uint64_t size) {
    std::unique_lock peek(peeking_, std::defer_lock);
    if (size == 0) peek.lock();
    std::uint64_t now = size_.load(std::memory_order_acquire);
    if (size >= now) return;
    size_.store(size, std::memory_order_release);
    // What is cut off must read as zeros if the file grows again.
    if (const auto within = static_cast<std::size_t>(size % kPiece); within != 0) {
      if (std::byte* const piece = find(size)) std::memset(piece + within, 0, kPiece - within);
      size += kPiece - within;
    }
    const bool free = fetched_.load(std::memory_order_acquire) == 0;
    for (; size < now; size += kPiece) {
      std::atomic<std::byte*>* const slot = slot_of(size);
      if (slot == nullptr) continue;
      if (free) {
        drop(*slot);
      } else if (std::byte* const piece = slot->load(std::memory_order_relaxed)) {
        std::memset(piece, 0, kPiece);
      }
    }
  }

  // In place if it lies in one piece, which a page of the engine always does.
  const std::byte* fetch(std::uint64_t offset, std::size_t count) noexcept {
    if (offset + count > size() || offset % kPiece + count > kPiece) return nullptr;
    fetched_.fetch_add(1, std::memory_order_acq_rel);
    if (const std::byte* const piece = find(offset)) return piece + offset % kPiece;
    unfetch();
    return nullptr;
  }
  void unfetch() noexcept { fetched_.fetch_sub(1, std::memory_order_acq_rel); }

 private:
  static constexpr std::uint64_t kPiece = 64 * 1024;  // the largest page
  static constexpr std::size_t kSmallestPage = 512;
  static constexpr std::uint64_t kPerTable = 1024;
  static constexpr std::uint64_t kTables = 1024;
  static constexpr std::uint64_t kLargest = kPiece * kPerTable * kTables;
  using Table = std::array<std::atomic<std::byte*>, kPerTable>;

  struct Part {
    std::size_t within;
    std::size_t count;
  };
  static Part place(std::uint64_t offset, std::size_t count) noexcept {
    const auto within = static_cast<std::size_t>(offset % kPiece);
    return {within, std::min<std::size_t>(count, kPiece - within)};
  }

  std::atomic<std::byte*>* slot_of(std::uint64_t offset) const noexcept {
    const std::uint64_t index = offset / kPiece;
    Table* const table = tables_[index / kPerTable].load(std::memory_order_acquire);
    return table == nullptr ? nullptr : &(*table)[index % kPerTable];
  }
  std::byte* find(std::uint64_t offset) const noexcept {
    std::atomic<std::byte*>* const slot = slot_of(offset);
    return slot == nullptr ? nullptr : slot->load(std::memory_order_acquire);
  }
  std::byte* make(std::uint64_t offset) {
    if (std::byte* const piece = find(offset)) return piece;
    const std::lock_guard guard(growing_);
    const std::uint64_t index = offset / kPiece;
    std::atomic<Table*>& entry = tables_[index / kPerTable];
    Table* table = entry.load(std::memory_order_acquire);
    if (table == nullptr) {
      table = new Table{};
      entry.store(table, std::memory_order_release);
    }
    std::atomic<std::byte*>& slot = (*table)[index % kPerTable];
    std::byte* piece = slot.load(std::memory_order_acquire);
    if (piece == nullptr) {
      piece = static_cast<std::byte*>(std::calloc(1, kPiece));
      if (piece == nullptr) throw VfsError(VfsFailure::Full, "no memory for a file in memory");
      used_.fetch_add(kPiece, std::memory_order_relaxed);
      slot.store(piece, std::memory_order_release);
    }
    return piece;
  }
  void drop(std::atomic<std::byte*>& slot) noexcept {
    std::byte* const piece = slot.exchange(nullptr, std::memory_order_acq_rel);
    if (piece == nullptr) return;
    std::free(piece);
    used_.fetch_sub(kPiece, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t>& used_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<int> fetched_{0};
  std::mutex growing_;
  // For what the engine reads without a lock of its own: the header of a database while it is opened, and the first
  // byte of the journal before every transaction, to tell whether a crash left it. The connection that writes the file
  // may be at it.
  mutable std::mutex peeking_;
  std::array<std::atomic<Table*>, kTables> tables_{};
};

}  // namespace

namespace detail {

struct MemoryVfsState {
  struct Entry {
    std::shared_ptr<Content> content;  // null for a name that is held but has no file yet
    std::size_t keepers = 0;           // open handles of a main database, and holds
  };
  std::atomic<std::uint64_t> used{0};
  std::mutex mutex;
  std::map<std::string, Entry, std::less<>> entries;

  void keep(std::string_view name) {
    const std::lock_guard guard(mutex);
    const auto entry = entries.find(name);
    ++(entry == entries.end() ? entries.emplace(std::string(name), Entry{}).first : entry)->second.keepers;
  }

  void unkeep(const std::string& name) noexcept {
    std::array<std::shared_ptr<Content>, 3> dropped;  // released outside the lock
    const std::lock_guard guard(mutex);
    const auto entry = entries.find(name);
    if (entry == entries.end() || --entry->second.keepers > 0) return;
    dropped[0] = std::move(entry->second.content);
    entries.erase(entry);
    for (const std::size_t which : {1, 2}) {
      const auto companion = entries.find(name + (which == 1 ? "-journal" : "-wal"));
      if (companion == entries.end() || companion->second.keepers > 0) continue;
      dropped[which] = std::move(companion->second.content);
      entries.erase(companion);
    }
  }
};

}  // namespace detail

namespace {

class MemoryFile final : public VfsFile {
 public:
  // `name` is that of a database to keep alive, else empty.
  MemoryFile(std::shared_ptr<detail::MemoryVfsState> state, std::shared_ptr<Content> content, std::string name)
      : state_(std::move(state)), content_(std::move(content)), name_(std::move(name)) {}
  ~MemoryFile() override {
    content_.reset();
    if (!name_.empty()) state_->unkeep(name_);
  }

  std::size_t read(std::span<std::byte> out, std::uint64_t offset) override { return content_->read(out, offset); }
  void write(std::span<const std::byte> data, std::uint64_t offset) override { content_->write(data, offset); }
  void truncate(std::uint64_t size) override { content_->truncate(size); }
  void sync(VfsSync) override {}
  std::uint64_t size() override { return content_->size(); }
  VfsDevice device_characteristics() override {
    // There is no crash that memory survives, so no order or unit of writing needs care.
    return VfsDevice::Atomic | VfsDevice::SafeAppend | VfsDevice::Sequential | VfsDevice::PowersafeOverwrite;
  }
  const std::byte* fetch(std::uint64_t offset, std::size_t size) override { return content_->fetch(offset, size); }
  void unfetch(std::uint64_t, const std::byte* address) override {
    if (address != nullptr) content_->unfetch();
  }

 private:
  std::shared_ptr<detail::MemoryVfsState> state_;
  std::shared_ptr<Content> content_;
  std::string name_;
};

}  // namespace

MemoryHold::MemoryHold() noexcept = default;
MemoryHold::MemoryHold(std::shared_ptr<detail::MemoryVfsState> state, std::string name) noexcept
    : state_(std::move(state)), name_(std::move(name)) {}
MemoryHold::MemoryHold(MemoryHold&&) noexcept = default;
MemoryHold& MemoryHold::operator=(MemoryHold&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(name_, other.name_);
  return *this;
}
MemoryHold::~MemoryHold() {
  if (state_ != nullptr) state_->unkeep(name_);
}

MemoryVfs::MemoryVfs() : state_(std::make_shared<detail::MemoryVfsState>()) {}
MemoryVfs::~MemoryVfs() = default;

MemoryHold MemoryVfs::hold(std::string_view name) {
  std::string copy(name);
  state_->keep(name);
  return MemoryHold(state_, std::move(copy));
}

std::uint64_t MemoryVfs::bytes_used() const noexcept { return state_->used.load(std::memory_order_relaxed); }

std::unique_ptr<VfsFile> MemoryVfs::open(const VfsFileName& name, VfsOpen flags) {
  if (name.empty()) {
    return std::make_unique<MemoryFile>(state_, std::make_shared<Content>(state_->used), std::string());
  }
  const bool database = has(flags, VfsOpen::MainDb);
  std::shared_ptr<Content> content;
  {
    const std::lock_guard guard(state_->mutex);
    auto entry = state_->entries.find(name.view());
    const bool exists = entry != state_->entries.end() && entry->second.content != nullptr;
    if (!exists && !has(flags, VfsOpen::Create)) {
      throw VfsError(VfsFailure::CannotOpen, "there is no file \"" + std::string(name.view()) + "\" in memory");
    }
    if (exists && has(flags, VfsOpen::Create) && has(flags, VfsOpen::Exclusive)) {
      throw VfsError(VfsFailure::CannotOpen, "there is a file \"" + std::string(name.view()) + "\" in memory already");
    }
    if (!exists) {
      auto fresh = std::make_shared<Content>(state_->used);
      if (entry == state_->entries.end()) {
        entry = state_->entries.emplace(std::string(name.view()), detail::MemoryVfsState::Entry{}).first;
      }
      entry->second.content = std::move(fresh);
    }
    content = entry->second.content;
    if (database) ++entry->second.keepers;
  }
  std::unique_ptr<VfsFile> file;
  try {
    file =
        std::make_unique<MemoryFile>(state_, std::move(content), database ? std::string(name.view()) : std::string());
  } catch (...) {
    if (database) state_->unkeep(std::string(name.view()));
    throw;
  }
  // Attached here rather than by whoever registered, so that a VFS that uses this one shares locks as it shares files.
  if (database) detail::VfsAccess::attach_locks(*file, *this, name.view());
  return file;
}

void MemoryVfs::remove(std::string_view path, VfsSyncDirectory) {
  std::shared_ptr<Content> dropped;
  const std::lock_guard guard(state_->mutex);
  const auto entry = state_->entries.find(path);
  if (entry == state_->entries.end() || entry->second.content == nullptr) {
    throw VfsError(VfsFailure::DeleteMissing, "there is no file \"" + std::string(path) + "\" in memory");
  }
  // Files that are open keep their content; the name is free for a new one.
  dropped = std::move(entry->second.content);
  if (entry->second.keepers == 0) state_->entries.erase(entry);
}

bool MemoryVfs::exists(std::string_view path) {
  const std::lock_guard guard(state_->mutex);
  const auto entry = state_->entries.find(path);
  return entry != state_->entries.end() && entry->second.content != nullptr;
}

std::shared_ptr<MemoryVfs> memory_vfs() {
  // Never destroyed: connections may be closed after the end of main().
  static const auto* const shared = [] {
    auto vfs = std::make_shared<MemoryVfs>();
    register_vfs("libsql-memory", vfs).release();
    return new std::shared_ptr<MemoryVfs>(std::move(vfs));
  }();
  return *shared;
}

}  // namespace libsql

namespace libsql::engine {
namespace {

constexpr std::string_view kMemoryPrefix = ":memory:";

// What a database opened as ":memory:" runs on: its own file is in memory, and all others are where they always are.
class PrivateMemoryVfs final : public VfsWrapper {
 public:
  MemoryVfs& memory() noexcept { return memory_; }

  std::unique_ptr<VfsFile> open(const VfsFileName& name, VfsOpen flags) override {
    return in_memory(name.view()) ? memory_.open(name, flags) : VfsWrapper::open(name, flags);
  }
  void remove(std::string_view path, VfsSyncDirectory sync) override {
    in_memory(path) ? memory_.remove(path, sync) : VfsWrapper::remove(path, sync);
  }
  bool exists(std::string_view path) override {
    return in_memory(path) ? memory_.exists(path) : VfsWrapper::exists(path);
  }
  bool writable(std::string_view path) override {
    return in_memory(path) ? memory_.writable(path) : VfsWrapper::writable(path);
  }
  VfsPath full_path(std::string_view path) override {
    return in_memory(path) ? memory_.full_path(path) : VfsWrapper::full_path(path);
  }

 private:
  static bool in_memory(std::string_view path) noexcept { return path.starts_with(kMemoryPrefix); }
  MemoryVfs memory_;
};

PrivateMemoryVfs& private_memory() {
  static auto* const shared = [] {
    auto vfs = std::make_shared<PrivateMemoryVfs>();
    PrivateMemoryVfs* const address = vfs.get();
    register_vfs("libsql-private-memory", std::move(vfs)).release();
    return address;
  }();
  return *shared;
}

}  // namespace

struct SharedMemoryDatabase::Hold {
  MemoryHold hold;
};

SharedMemoryDatabase::SharedMemoryDatabase() {
  static std::atomic<std::uint64_t> next{1};
  path_ = std::string(kMemoryPrefix) + std::to_string(next.fetch_add(1, std::memory_order_relaxed));
  hold_ = std::make_unique<Hold>(Hold{private_memory().memory().hold(path_)});
}
SharedMemoryDatabase::~SharedMemoryDatabase() = default;

const std::string& SharedMemoryDatabase::vfs() {
  static const auto* const name = [] {
    private_memory();
    return new std::string(cipher_vfs_name("libsql-private-memory"));
  }();
  return *name;
}

}  // namespace libsql::engine

// The file system that fails on purpose, and the disk it plays.
#include <libsql/testing/fault_vfs.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <libsql/vfs_wrapper.hpp>

#include "core/errors.hpp"
#include "engine/vfs.hpp"

namespace libsql::testing {
namespace {

using Bytes = std::vector<std::byte>;

// Chance, the same on every machine: the standard's distributions are not.
class Dice final {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : engine_() % limit; }
  bool percent(unsigned chance) { return below(100) < chance; }
  std::byte byte() { return static_cast<std::byte>(engine_() & 0xff); }

 private:
  std::mt19937_64 engine_;
};

// One file of the disk in memory.
struct Node {
  struct Change {
    std::uint64_t offset;       // of a write; the new size of a truncation
    std::optional<Bytes> data;  // none: a truncation
  };
  Bytes now;      // what programs see
  Bytes durable;  // what the last sync left
  std::vector<Change> unsynced;

  static void apply(Bytes& bytes, const Change& change) {
    if (!change.data.has_value()) {
      bytes.resize(std::min<std::size_t>(bytes.size(), change.offset));
      return;
    }
    if (bytes.size() < change.offset + change.data->size()) bytes.resize(change.offset + change.data->size());
    std::copy(change.data->begin(), change.data->end(), bytes.begin() + static_cast<std::ptrdiff_t>(change.offset));
  }
  void change(Change made) {
    apply(now, made);
    unsynced.push_back(std::move(made));
  }
  void sync() {
    for (const Change& made : unsynced) apply(durable, made);
    unsynced.clear();
  }
};

using Directory = std::map<std::string, std::shared_ptr<Node>, std::less<>>;

struct Planned {
  Fault fault;
  std::uint64_t seen = 0;
};

bool concerns(FaultOn planned, FaultOn operation) noexcept {
  if (planned == FaultOn::Any || planned == operation) return true;
  return planned == FaultOn::Change && (operation == FaultOn::Write || operation == FaultOn::Truncate ||
                                        operation == FaultOn::Sync || operation == FaultOn::Delete);
}

constexpr int kShmLockFailed = 10 | (20 << 8);  // SQLITE_IOERR_SHMLOCK

[[noreturn]] void fail(FaultOn operation, const char* why) {
  switch (operation) {
    case FaultOn::Open:
      throw VfsError(VfsFailure::CannotOpen, why);
    case FaultOn::Read:
      throw VfsError(VfsFailure::Read, why);
    case FaultOn::Write:
      throw VfsError(VfsFailure::Write, why);
    case FaultOn::Truncate:
      throw VfsError(VfsFailure::Truncate, why);
    case FaultOn::Sync:
      throw VfsError(VfsFailure::Sync, why);
    case FaultOn::Size:
      throw VfsError(VfsFailure::Size, why);
    case FaultOn::Lock:
      throw VfsError(VfsFailure::Lock, why);
    case FaultOn::Delete:
      throw VfsError(VfsFailure::Delete, why);
    case FaultOn::Exists:
      throw VfsError(VfsFailure::Access, why);
    case FaultOn::ShmMap:
      throw VfsError(VfsFailure::SharedMemory, why);
    case FaultOn::ShmLock:
      throw VfsError::with_code(kShmLockFailed, why);
    case FaultOn::Map:
      throw VfsError(VfsFailure::Mapping, why);
    case FaultOn::Any:
    case FaultOn::Change:
      break;
  }
  throw VfsError(VfsFailure::Io, why);
}

}  // namespace

namespace detail {

struct FaultState {
  explicit FaultState(FaultDevice disk) : device(disk) {}
  explicit FaultState(std::string_view name) : base(std::make_unique<VfsWrapper>(name)) {}

  const FaultDevice device{};
  const std::unique_ptr<VfsWrapper> base;  // null: the disk is in memory

  std::mutex mutex;
  std::vector<Planned> planned;
  std::array<std::uint64_t, static_cast<std::size_t>(FaultOn::Map) + 1> counts{};
  std::uint64_t hits = 0;
  bool power_off = false;
  std::uint64_t boot = 0;  // files opened before the last restart are dead
  Directory now;
  Directory durable;

  // Counts an operation, on a file opened with `flags` in the boot `born` if it is on an open one. Returns what else is
  // to happen to it: ShortRead, ShortWrite, Busy for a lock, or PowerCut for a change that may yet reach the disk. All
  // else is thrown.
  std::optional<FaultKind> meet(FaultOn operation, VfsOpen flags, std::optional<std::uint64_t> born) {
    const std::lock_guard guard(mutex);
    if (power_off || born.value_or(boot) != boot) fail(operation, "the power is off");
    ++counts[static_cast<std::size_t>(operation)];
    std::optional<FaultKind> hit;
    for (Planned& plan : planned) {
      if (!concerns(plan.fault.on, operation)) continue;
      if (plan.fault.files != VfsOpen::None && !has(flags, plan.fault.files)) continue;
      const std::uint64_t seen = ++plan.seen;
      if (seen >= plan.fault.nth && seen - plan.fault.nth < plan.fault.times) hit = plan.fault.kind;
    }
    if (!hit.has_value()) return hit;
    ++hits;
    switch (*hit) {
      case FaultKind::ShortRead:
        if (operation == FaultOn::Read) return hit;
        break;
      case FaultKind::ShortWrite:
        if (operation == FaultOn::Write) return hit;
        break;
      case FaultKind::Busy:
        if (operation == FaultOn::Lock || operation == FaultOn::ShmLock) return hit;
        throw VfsError(VfsFailure::Busy, "an injected fault: busy");
      case FaultKind::Full:
        throw VfsError(VfsFailure::Full, "an injected fault: the disk is full");
      case FaultKind::NoMemory:
        throw VfsError(VfsFailure::NoMemory, "an injected fault: no memory");
      case FaultKind::PowerCut:
        power_off = true;
        if (operation == FaultOn::Write || operation == FaultOn::Truncate || operation == FaultOn::Delete) return hit;
        fail(operation, "an injected fault: the power was cut");
      case FaultKind::Error:
        break;
    }
    fail(operation, "an injected fault");
  }

  // The bytes that survive of a file.
  Bytes survivors(const Node& node, Unsynced unsynced, Dice& dice) const {
    if (unsynced == Unsynced::Lost) return node.durable;
    if (unsynced == Unsynced::Kept) return node.now;
    constexpr std::array<unsigned, 5> kChances{0, 15, 50, 85, 100};
    const unsigned chance = kChances[dice.below(kChances.size())];
    Bytes bytes = node.durable;
    for (const Node::Change& change : node.unsynced) {
      if (!change.data.has_value()) {
        if (dice.percent(chance)) Node::apply(bytes, change);
      } else {
        keep_sectors(bytes, change, chance, dice);
      }
    }
    return bytes;
  }

  void keep_sectors(Bytes& bytes, const Node::Change& change, unsigned chance, Dice& dice) const {
    const auto sector = static_cast<std::uint64_t>(device.sector_size);
    const std::uint64_t end = change.offset + change.data->size();
    const bool safe_append = has_device(VfsDevice::SafeAppend);
    // The new size of the file may reach the disk though the bytes do not.
    if (!safe_append && end > bytes.size() && dice.percent(chance)) grow(bytes, end, dice);
    for (std::uint64_t at = change.offset; at < end;) {
      const std::uint64_t next = std::min(end, (at / sector + 1) * sector);
      const std::uint64_t fate = dice.below(100);
      const bool torn = dice.percent(10) && !has_device(VfsDevice::Atomic);
      if (fate < chance || torn) {
        std::uint64_t until = next;
        if (torn && has_device(VfsDevice::PowersafeOverwrite)) until = at + dice.below(next - at + 1);
        if (until > bytes.size()) grow(bytes, until, dice);
        const auto from = change.data->begin() + static_cast<std::ptrdiff_t>(at - change.offset);
        std::copy(from, from + static_cast<std::ptrdiff_t>(until - at),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
        if (torn && !has_device(VfsDevice::PowersafeOverwrite)) {
          const std::uint64_t first = at / sector * sector;
          const std::uint64_t last = std::min<std::uint64_t>(first + sector, bytes.size());
          for (std::uint64_t i = first; i < last; ++i) bytes[i] = dice.byte();
        }
      }
      at = next;
    }
  }

  void restart(std::uint64_t seed, Unsynced unsynced) {
    Dice dice(seed);
    const std::lock_guard guard(mutex);
    Directory next = unsynced == Unsynced::Lost ? durable : now;
    if (unsynced == Unsynced::Random) {
      for (const auto& [name, node] : durable) {
        const auto there = now.find(name);
        if (there != now.end() && there->second == node) continue;
        if (dice.percent(50)) next[name] = node;  // the deletion or replacement was lost
      }
      for (const auto& [name, node] : now) {
        const auto there = durable.find(name);
        if (there == durable.end() && dice.percent(50)) next.erase(name);  // the creation was lost
      }
    }
    for (auto& [name, node] : next) {
      // A fresh node: dead files may still hold the old one.
      auto fresh = std::make_shared<Node>();
      fresh->durable = survivors(*node, unsynced, dice);
      fresh->now = fresh->durable;
      node = std::move(fresh);
    }
    durable = next;
    now = std::move(next);
    planned.clear();
    hits = 0;
    power_off = false;
    ++boot;
  }

 private:
  bool has_device(VfsDevice flag) const noexcept {
    return (static_cast<std::uint32_t>(device.characteristics) & static_cast<std::uint32_t>(flag)) != 0;
  }
  // Space that nothing was written to holds zeros on one disk and what was there before on another.
  static void grow(Bytes& bytes, std::uint64_t size, Dice& dice) {
    const std::size_t before = bytes.size();
    bytes.resize(size);
    if (dice.percent(50)) return;
    for (std::size_t i = before; i < bytes.size(); ++i) bytes[i] = dice.byte();
  }
};

}  // namespace detail

namespace {

using detail::FaultState;

// A file of the disk in memory.
class ModelFile final : public VfsFile {
 public:
  ModelFile(std::shared_ptr<FaultState> state, std::shared_ptr<Node> node, std::string name)
      : state_(std::move(state)), node_(std::move(node)), name_(std::move(name)) {}

  std::size_t read(std::span<std::byte> out, std::uint64_t offset) override {
    const std::lock_guard guard(state_->mutex);
    const Bytes& bytes = node_->now;
    if (offset >= bytes.size()) return 0;
    const std::size_t count = std::min<std::size_t>(out.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  void write(std::span<const std::byte> data, std::uint64_t offset) override {
    const std::lock_guard guard(state_->mutex);
    node_->change({offset, Bytes(data.begin(), data.end())});
  }
  void truncate(std::uint64_t size) override {
    const std::lock_guard guard(state_->mutex);
    if (size < node_->now.size()) node_->change({size, std::nullopt});
  }
  void sync(VfsSync) override {
    const std::lock_guard guard(state_->mutex);
    node_->sync();
    // The engine's own VFS syncs the directory with the first sync of a new file, and so all changes to it.
    const auto entry = state_->now.find(name_);
    if (entry == state_->now.end() || entry->second != node_) return;
    const auto known = state_->durable.find(name_);
    if (known == state_->durable.end() || known->second != node_) state_->durable = state_->now;
  }
  std::uint64_t size() override {
    const std::lock_guard guard(state_->mutex);
    return node_->now.size();
  }
  int sector_size() override { return state_->device.sector_size; }
  VfsDevice device_characteristics() override { return state_->device.characteristics; }

 private:
  std::shared_ptr<FaultState> state_;
  std::shared_ptr<Node> node_;
  std::string name_;
};

// Asks before each operation whether it is to fail.
class FaultFile final : public VfsFileWrapper {
 public:
  FaultFile(std::shared_ptr<FaultState> state, std::unique_ptr<VfsFile> file, VfsOpen flags, std::uint64_t born)
      : VfsFileWrapper(std::move(file)), state_(std::move(state)), flags_(flags), born_(born) {}

  std::size_t read(std::span<std::byte> out, std::uint64_t offset) override {
    const std::optional<FaultKind> hit = meet(FaultOn::Read);
    return inner().read(hit.has_value() ? out.first(out.size() / 2) : out, offset);
  }
  void write(std::span<const std::byte> data, std::uint64_t offset) override {
    const std::optional<FaultKind> hit = meet(FaultOn::Write);
    if (hit == FaultKind::ShortWrite) {
      inner().write(data.first(data.size() / 2), offset);
      throw VfsError(VfsFailure::Write, "an injected fault: only half was written");
    }
    inner().write(data, offset);
    power_check(hit, FaultOn::Write);
  }
  void truncate(std::uint64_t size) override {
    const std::optional<FaultKind> hit = meet(FaultOn::Truncate);
    inner().truncate(size);
    power_check(hit, FaultOn::Truncate);
  }
  void sync(VfsSync how) override {
    meet(FaultOn::Sync);
    inner().sync(how);
  }
  std::uint64_t size() override {
    meet(FaultOn::Size);
    return inner().size();
  }
  bool lock(VfsLock level) override { return !meet(FaultOn::Lock).has_value() && inner().lock(level); }
  VfsShmRegion shm_map(int region, int size, VfsShmCreate create) override {
    meet(FaultOn::ShmMap);
    return inner().shm_map(region, size, create);
  }
  bool shm_lock(int first, int count, VfsShmLock how) override {
    // The engine has no answer to an unlock that fails, so none does.
    const bool locks = how == VfsShmLock::LockShared || how == VfsShmLock::LockExclusive;
    return !(locks && meet(FaultOn::ShmLock).has_value()) && inner().shm_lock(first, count, how);
  }
  const std::byte* fetch(std::uint64_t offset, std::size_t size) override {
    meet(FaultOn::Map);
    return inner().fetch(offset, size);
  }

 private:
  std::optional<FaultKind> meet(FaultOn operation) { return state_->meet(operation, flags_, born_); }
  static void power_check(const std::optional<FaultKind>& hit, FaultOn operation) {
    if (hit == FaultKind::PowerCut) fail(operation, "an injected fault: the power was cut");
  }

  std::shared_ptr<FaultState> state_;
  VfsOpen flags_;
  std::uint64_t born_;
};

}  // namespace

FaultVfs::FaultVfs(FaultDevice device) : state_(std::make_shared<detail::FaultState>(device)) {}
FaultVfs::FaultVfs(std::string_view base) : state_(std::make_shared<detail::FaultState>(base)) {}
FaultVfs::~FaultVfs() = default;

void FaultVfs::inject(const Fault& fault) {
  if (fault.nth == 0) core::throw_error(ErrorCode::Misuse, "a fault counts operations from 1");
  if (fault.kind == FaultKind::PowerCut && state_->base != nullptr) {
    core::throw_error(ErrorCode::Misuse, "only a FaultVfs in memory can cut the power");
  }
  const std::lock_guard guard(state_->mutex);
  state_->planned.push_back({fault, 0});
}

void FaultVfs::clear() {
  const std::lock_guard guard(state_->mutex);
  state_->planned.clear();
  state_->hits = 0;
}

std::uint64_t FaultVfs::hits() const {
  const std::lock_guard guard(state_->mutex);
  return state_->hits;
}

std::uint64_t FaultVfs::count(FaultOn on) const {
  const std::lock_guard guard(state_->mutex);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < state_->counts.size(); ++i) {
    if (concerns(on, static_cast<FaultOn>(i))) sum += state_->counts[i];
  }
  return sum;
}

bool FaultVfs::power_is_off() const {
  const std::lock_guard guard(state_->mutex);
  return state_->power_off;
}

void FaultVfs::restart(std::uint64_t seed, Unsynced unsynced) {
  if (state_->base != nullptr) core::throw_error(ErrorCode::Misuse, "only a FaultVfs in memory can cut the power");
  state_->restart(seed, unsynced);
  forget_locks();
}

void FaultVfs::power_cut(std::uint64_t seed, Unsynced unsynced) { restart(seed, unsynced); }

std::vector<std::byte> FaultVfs::contents(std::string_view path) const {
  const std::lock_guard guard(state_->mutex);
  const auto entry = state_->now.find(path);
  return entry == state_->now.end() ? std::vector<std::byte>() : entry->second->now;
}

std::vector<std::byte> FaultVfs::durable_contents(std::string_view path) const {
  const std::lock_guard guard(state_->mutex);
  const auto entry = state_->durable.find(path);
  return entry == state_->durable.end() ? std::vector<std::byte>() : entry->second->durable;
}

std::unique_ptr<VfsFile> FaultVfs::open(const VfsFileName& name, VfsOpen flags) {
  std::uint64_t born = 0;
  {
    const std::lock_guard guard(state_->mutex);
    born = state_->boot;
  }
  state_->meet(FaultOn::Open, flags, born);
  std::unique_ptr<VfsFile> file;
  if (state_->base != nullptr) {
    file = state_->base->open(name, flags);
  } else {
    auto node = std::make_shared<Node>();
    if (!name.empty()) {
      const std::lock_guard guard(state_->mutex);
      const auto entry = state_->now.find(name.view());
      const bool exists = entry != state_->now.end();
      if (exists ? has(flags, VfsOpen::Create) && has(flags, VfsOpen::Exclusive) : !has(flags, VfsOpen::Create)) {
        throw VfsError(VfsFailure::CannotOpen, exists ? "the file exists" : "there is no such file");
      }
      if (exists) {
        node = entry->second;
      } else {
        state_->now.emplace(std::string(name.view()), node);
      }
    }
    file = std::make_unique<ModelFile>(state_, std::move(node), std::string(name.view()));
  }
  auto faulty = std::make_unique<FaultFile>(state_, std::move(file), flags, born);
  if (state_->base == nullptr && !name.empty() && has(flags, VfsOpen::MainDb)) {
    libsql::detail::VfsAccess::attach_locks(*faulty, *this, name.view());
  }
  return faulty;
}

void FaultVfs::remove(std::string_view path, VfsSyncDirectory sync) {
  const std::optional<FaultKind> hit = state_->meet(FaultOn::Delete, VfsOpen::None, std::nullopt);
  if (state_->base != nullptr) {
    state_->base->remove(path, sync);
    return;
  }
  const std::lock_guard guard(state_->mutex);
  const auto entry = state_->now.find(path);
  if (entry == state_->now.end()) throw VfsError(VfsFailure::DeleteMissing, "there is no such file");
  state_->now.erase(entry);
  if (hit == FaultKind::PowerCut) fail(FaultOn::Delete, "an injected fault: the power was cut");
  if (sync == VfsSyncDirectory::Yes) state_->durable = state_->now;
}

bool FaultVfs::exists(std::string_view path) {
  state_->meet(FaultOn::Exists, VfsOpen::None, std::nullopt);
  if (state_->base != nullptr) return state_->base->exists(path);
  const std::lock_guard guard(state_->mutex);
  return state_->now.contains(path);
}

bool FaultVfs::writable(std::string_view path) {
  return state_->base != nullptr ? state_->base->writable(path) : Vfs::writable(path);
}
VfsPath FaultVfs::full_path(std::string_view path) {
  return state_->base != nullptr ? state_->base->full_path(path) : Vfs::full_path(path);
}
int FaultVfs::max_path() { return state_->base != nullptr ? state_->base->max_path() : Vfs::max_path(); }

}  // namespace libsql::testing

#include "server/namespaces.hpp"

#include <algorithm>
#include <atomic>

#include "core/errors.hpp"
#include "engine/backup.hpp"
#include "local/store.hpp"

namespace libsql::server {
namespace {

[[noreturn]] void throw_not_found(std::string_view name) {
  throw NamespaceError(NamespaceError::Kind::NotFound, "Namespace `" + std::string(name) + "` doesn't exist");
}

// A name beside the namespaces that cannot be one.
std::string side_name(std::string_view purpose, std::string_view name) {
  static std::atomic<unsigned> last = 0;
  std::string side(1, '.');
  side.append(purpose).append("-").append(name).append("-").append(std::to_string(++last));
  return side;
}

void copy_to(Namespace& from, const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) {
    core::throw_error(ErrorCode::Conflict, "'" + file.string() + "' exists already");
  }
  const std::shared_ptr<core::Session> session = from.connect();
  engine::backup(*session->engine_connection(), file, {});
}

}  // namespace

struct Namespaces::Slot {
  explicit Slot(std::string name_of) : name(std::move(name_of)) {}
  const std::string name;
  std::mutex mutex;  // of what follows; held while the namespace is loaded, made or removed
  std::shared_ptr<Namespace> loaded;
  bool gone = false;  // not in the map any more
};

// A slot that is in the map, with its mutex.
class Namespaces::Locked {
 public:
  Locked(std::shared_ptr<Slot> slot, std::unique_lock<std::mutex> lock)
      : slot_(std::move(slot)), lock_(std::move(lock)) {}
  Slot* operator->() const noexcept { return slot_.get(); }
  Slot& operator*() const noexcept { return *slot_; }

 private:
  std::shared_ptr<Slot> slot_;
  std::unique_lock<std::mutex> lock_;
};

Namespaces::Namespaces(const Options& options, std::shared_ptr<ConnectionSlots> slots)
    : options_(options), slots_(std::move(slots)) {
  if (options_.database.empty() == options_.data_directory.empty()) {
    core::throw_error(ErrorCode::Configuration, "a server needs either one database or a data directory");
  }
  if (!has_many()) {
    if (options_.namespaces) {
      core::throw_error(ErrorCode::Configuration, "namespaces need a data directory, not one database");
    }
    if (options_.database != ":memory:") lock_.take_database(options_.database);
    get(kDefaultNamespace);  // opening it shows what is wrong now
    return;
  }
  std::filesystem::create_directories(options_.data_directory / "dbs");
  lock_.take_directory(options_.data_directory);
  for (const auto& entry : std::filesystem::directory_iterator(options_.data_directory / "dbs")) {
    if (entry.path().filename().string().starts_with(".")) std::filesystem::remove_all(entry.path());  // half made
  }
  if (!exists(kDefaultNamespace)) make(kDefaultNamespace, {}, nullptr);
}

Namespaces::~Namespaces() = default;

bool Namespaces::is_valid_name(std::string_view name) noexcept {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void Namespaces::require_many() const {
  if (has_many()) return;
  throw NamespaceError(NamespaceError::Kind::Unsupported, "this server has one database, so there are no namespaces");
}

void Namespaces::require_name(std::string_view name) const {
  if (is_valid_name(name)) return;
  throw NamespaceError(NamespaceError::Kind::InvalidName,
                       "a namespace has a name of 1 to 64 letters, digits, '-' and '_'");
}

std::filesystem::path Namespaces::directory_of(std::string_view name) const {
  return options_.data_directory / "dbs" / std::string(name);
}

std::filesystem::path Namespaces::config_of(std::string_view name) const {
  if (has_many()) return directory_of(name) / "config.json";
  return options_.database == ":memory:" ? std::string() : options_.database + "-config.json";
}

std::string Namespaces::database_of(std::string_view name) const {
  return has_many() ? (directory_of(name) / "data").string() : options_.database;
}

bool Namespaces::exists(std::string_view name) const {
  if (!has_many()) return name == kDefaultNamespace;
  return is_valid_name(name) && std::filesystem::is_directory(directory_of(name));
}

std::vector<std::string> Namespaces::list() const {
  std::vector<std::string> names;
  if (!has_many()) return {std::string(kDefaultNamespace)};
  for (const auto& entry : std::filesystem::directory_iterator(options_.data_directory / "dbs")) {
    std::string name = entry.path().filename().string();
    if (is_valid_name(name) && entry.is_directory()) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Namespaces::Locked Namespaces::lock(std::string_view name) {
  for (;;) {
    std::shared_ptr<Slot> slot;
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(name);
      if (found != entries_.end()) {
        slot = found->second;
      } else {
        slot = std::make_shared<Slot>(std::string(name));
        entries_.emplace(slot->name, slot);
      }
    }
    std::unique_lock lock(slot->mutex);
    if (!slot->gone) return {std::move(slot), std::move(lock)};
  }
}

std::shared_ptr<NamespaceCounters> Namespaces::counters_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<NamespaceCounters>& counters = counters_[name];
  if (counters == nullptr) counters = std::make_shared<NamespaceCounters>();
  return counters;
}

void Namespaces::load(Slot& slot) {
  const std::filesystem::path config = config_of(slot.name);
  slot.loaded = std::make_shared<Namespace>(slot.name, database_of(slot.name),
                                            config.empty() ? NamespaceConfig{} : read_namespace_config(config),
                                            options_, slots_, counters_of(slot.name));
  if (options_.observer) options_.observer->happened(Event::NamespaceLoaded, slot.name);
}

std::shared_ptr<Namespace> Namespaces::get(std::string_view name) {
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    known = found != entries_.end();
    if (known) {  // Nearly always it is loaded and nobody does anything to it.
      const std::unique_lock slot(found->second->mutex, std::try_to_lock);
      if (slot && found->second->loaded != nullptr) return found->second->loaded;
    }
  }
  if (!known && !exists(name)) throw_not_found(name);  // before a slot is made for any name that somebody sends
  const Locked slot = lock(name);
  if (slot->loaded == nullptr) {
    if (!exists(name)) throw_not_found(name);
    load(*slot);
  }
  return slot->loaded;
}

void Namespaces::make(std::string_view name, const NamespaceConfig& config, Namespace* content) {
  const std::filesystem::path building = options_.data_directory / "dbs" / side_name("new", name);
  std::filesystem::create_directory(building);
  try {
    if (content != nullptr) copy_to(*content, building / "data");
    write_namespace_config(building / "config.json", config);
    std::filesystem::rename(building, directory_of(name));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(building, ignored);
    throw;
  }
}

std::shared_ptr<Namespace> Namespaces::create(std::string_view name, const NamespaceConfig& config) {
  require_many();
  require_name(name);
  const Locked slot = lock(name);
  if (exists(name))
    throw NamespaceError(NamespaceError::Kind::Exists, "Namespace `" + std::string(name) + "` already exists");
  make(name, config, nullptr);
  load(*slot);
  return slot->loaded;
}

std::shared_ptr<Namespace> Namespaces::fork(std::string_view from, std::string_view to) {
  require_many();
  require_name(to);
  const std::shared_ptr<Namespace> source = get(from);
  const Locked slot = lock(to);
  if (exists(to))
    throw NamespaceError(NamespaceError::Kind::Exists, "Namespace `" + std::string(to) + "` already exists");
  make(to, *source->config(), source.get());
  load(*slot);
  return slot->loaded;
}

void Namespaces::remove(std::string_view name) {
  require_many();
  if (name == kDefaultNamespace) {
    throw NamespaceError(NamespaceError::Kind::Unsupported, "the namespace `default` always exists");
  }
  if (!exists(name)) throw_not_found(name);
  std::shared_ptr<Namespace> closing;
  const std::filesystem::path doomed = options_.data_directory / "dbs" / side_name("gone", name);
  {
    const Locked slot = lock(name);
    if (!exists(name)) throw_not_found(name);
    std::filesystem::rename(directory_of(name), doomed);
    closing = std::move(slot->loaded);
    slot->gone = true;
    const std::lock_guard maps(mutex_);
    counters_.erase(slot->name);
    entries_.erase(slot->name);
  }
  if (closing != nullptr) closing->close();
  std::filesystem::remove_all(doomed);
}

NamespaceConfig Namespaces::config(std::string_view name) { return *get(name)->config(); }

void Namespaces::set_config(std::string_view name, const NamespaceConfig& config) {
  if (!exists(name)) throw_not_found(name);
  const Locked slot = lock(name);
  if (slot->loaded == nullptr) {
    if (!exists(name)) throw_not_found(name);
    load(*slot);
  }
  if (const std::filesystem::path file = config_of(name); !file.empty()) write_namespace_config(file, config);
  slot->loaded->set_config(config);
}

void Namespaces::checkpoint(std::string_view name) { get(name)->checkpoint(); }

void Namespaces::backup(std::string_view name, const std::filesystem::path& file) { copy_to(*get(name), file); }

NamespaceStats Namespaces::stats(std::string_view name) { return get(name)->stats(); }

std::vector<std::shared_ptr<Namespace>> Namespaces::loaded() const {
  std::vector<std::shared_ptr<Slot>> slots;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, slot] : entries_) slots.push_back(slot);
  }
  std::vector<std::shared_ptr<Namespace>> loaded;
  for (const auto& slot : slots) {
    const std::lock_guard lock(slot->mutex);
    if (slot->loaded != nullptr) loaded.push_back(slot->loaded);
  }
  return loaded;
}

bool Namespaces::unload_if_idle(Slot& slot, std::chrono::milliseconds idle_for) {
  std::shared_ptr<Namespace> unloading;
  {
    const std::unique_lock lock(slot.mutex, std::try_to_lock);
    if (!lock || slot.gone) return false;
    if (slot.loaded != nullptr) {
      // Whoever has it took it under this mutex, so the count is exact in the direction that matters.
      if (slot.loaded.use_count() != 1 || slot.loaded->sessions_in_use() != 0 ||
          std::chrono::steady_clock::now() - slot.loaded->last_used() < idle_for) {
        return false;
      }
      unloading = std::move(slot.loaded);
    }
    slot.gone = true;
    const std::lock_guard map(mutex_);
    entries_.erase(slot.name);
  }
  if (unloading == nullptr) return false;
  if (options_.observer) options_.observer->happened(Event::NamespaceUnloaded, slot.name);
  return true;
}

void Namespaces::tidy() {
  std::vector<std::shared_ptr<Slot>> slots;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, slot] : entries_) slots.push_back(slot);
  }
  std::size_t count = slots.size();
  const bool many = has_many();
  for (const auto& slot : slots) {
    // With too many loaded, what is idle at all goes.
    const bool crowded = count > options_.max_loaded_namespaces;
    if (many && unload_if_idle(*slot, crowded ? std::chrono::milliseconds(1000) : options_.timeouts.namespace_idle)) {
      --count;
      continue;
    }
    std::shared_ptr<Namespace> loaded;
    {
      const std::unique_lock lock(slot->mutex, std::try_to_lock);
      if (lock) loaded = slot->loaded;
    }
    if (loaded == nullptr) continue;
    loaded->close_idle_sessions(options_.timeouts.session_idle);
    loaded->trim_idle_sessions(std::chrono::seconds(1));
  }
}

}  // namespace libsql::server

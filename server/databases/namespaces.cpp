#include "server/databases/namespaces.hpp"

#include <algorithm>
#include <atomic>

#include "core/clock.hpp"
#include "core/errors.hpp"
#include "engine/backup.hpp"
#include "local/store.hpp"

namespace libsql::server {
namespace {

[[noreturn]] void throw_not_found(std::string_view name) {
  throw NamespaceError(NamespaceError::Kind::NotFound, "Namespace `" + std::string(name) + "` doesn't exist");
}

// A name for a directory beside the namespaces: no namespace's name begins with a dot.
std::string side_name(std::string_view purpose, std::string_view name) {
  static std::atomic<unsigned> last = 0;
  std::string side(1, '.');
  side.append(purpose).append("-").append(name).append("-").append(std::to_string(++last));
  return side;
}

void copy_to(Namespace& from, const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) {
    core::throw_error(ErrorCode::Conflict, "'" + file.string() + "' already exists");
  }
  const std::shared_ptr<core::Session> session = from.borrow();
  engine::backup(*session->engine_connection(), file, {});
}

}  // namespace

struct Namespaces::Slot {
  explicit Slot(std::string name_of) : name(std::move(name_of)) {}
  const std::string name;
  std::mutex mutex;  // guards what follows; held while the namespace is loaded, created or removed
  std::shared_ptr<Namespace> loaded;
  bool gone = false;  // no longer in the map
};

// A slot that is in the map, with its mutex locked.
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
    : options_(options),
      slots_(std::move(slots)),
      temporary_files_(std::make_shared<engine::TemporarySpace>(options.limits.total_temporary_bytes,
                                                                "all databases of the server")) {
  if (options_.database.empty() == options_.data_directory.empty()) {
    core::throw_error(ErrorCode::Configuration, "a server needs either one database or a data directory");
  }
  if (!has_many()) {
    if (options_.namespaces) {
      core::throw_error(ErrorCode::Configuration, "namespaces need a data directory, not one database");
    }
    if (options_.database != ":memory:") lock_.take_database(options_.database);
    get(kDefaultNamespace);  // opened now, so that a bad file is reported at the start
    return;
  }
  std::filesystem::create_directories(options_.data_directory / "dbs");
  lock_.take_directory(options_.data_directory);
  for (const auto& entry : std::filesystem::directory_iterator(options_.data_directory / "dbs")) {
    if (entry.path().filename().string().starts_with("."))
      std::filesystem::remove_all(entry.path());  // left by a process that ended while creating or removing it
  }
  if (!exists(kDefaultNamespace)) make(kDefaultNamespace, {}, {});
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
  throw NamespaceError(NamespaceError::Kind::InvalidName, "a namespace's name is 1 to 64 letters, digits, '-' and '_'");
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

// The right to open one more database, which passes to the namespace that uses it.
class Namespaces::Place {
 public:
  explicit Place(std::shared_ptr<std::atomic<std::size_t>> open) noexcept : open_(std::move(open)) {}
  Place(Place&&) noexcept = default;
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (open_ != nullptr) open_->fetch_sub(1);
  }
  /// The right is given back once the namespace has closed its database, by whichever of its owners is the last.
  std::shared_ptr<Namespace> give_to(std::unique_ptr<Namespace> name_space) {
    // If the pointer's control block cannot be allocated, this deleter runs at once.
    return std::shared_ptr<Namespace>(name_space.release(), [open = std::move(open_)](Namespace* closing) {
      delete closing;
      open->fetch_sub(1);
    });
  }

 private:
  std::shared_ptr<std::atomic<std::size_t>> open_;
};

// `own` is the slot that the caller has locked, if any.
Namespaces::Place Namespaces::make_room(const Slot* own) {
  const std::size_t most = has_many() ? std::max<std::size_t>(options_.max_loaded_namespaces, 1) : 1;
  while (open_->fetch_add(1) >= most) {
    open_->fetch_sub(1);
    if (unload_an_idle_one(own)) continue;
    throw NamespaceError(NamespaceError::Kind::TooMany,
                         "The server's limit of " + std::to_string(most) +
                             " namespaces at once is reached (--max-loaded-namespaces), and all are in use; try again");
  }
  return Place(open_);
}

std::shared_ptr<Namespace> Namespaces::open(const std::string& name, const std::string& database,
                                            const NamespaceConfig& config, std::shared_ptr<NamespaceCounters> counters,
                                            const Slot* own) {
  Place place = make_room(own);
  return place.give_to(
      std::make_unique<Namespace>(name, database, config, options_, slots_, std::move(counters), temporary_files_));
}

void Namespaces::load(Slot& slot) {
  const std::filesystem::path config = config_of(slot.name);
  slot.loaded = open(slot.name, database_of(slot.name),
                     config.empty() ? NamespaceConfig{} : read_namespace_config(config), counters_of(slot.name), &slot);
  if (options_.observer) options_.observer->happened(Event::NamespaceLoaded, slot.name);
}

std::shared_ptr<Namespace> Namespaces::find_loaded(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  // The mutex is nearly always free: it is held only while the namespace is loaded, created or removed.
  const std::unique_lock slot(found->second->mutex, std::try_to_lock);
  return slot ? found->second->loaded : nullptr;
}

std::shared_ptr<const NamespaceConfig> Namespaces::config_if_there(std::string_view name) {
  if (const auto loaded = find_loaded(name)) return loaded->config();
  if (!exists(name)) return nullptr;
  const std::filesystem::path file = config_of(name);
  return std::make_shared<const NamespaceConfig>(file.empty() ? NamespaceConfig{} : read_namespace_config(file));
}

std::shared_ptr<Namespace> Namespaces::get(std::string_view name) {
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    known = found != entries_.end();
    if (known) {  // Nearly always it is loaded, and its mutex is free.
      const std::unique_lock slot(found->second->mutex, std::try_to_lock);
      if (slot && found->second->loaded != nullptr) return found->second->loaded;
    }
  }
  if (!known && !exists(name)) throw_not_found(name);  // or else a client could add a slot for any name it makes up
  const Locked slot = lock(name);
  if (slot->loaded == nullptr) {
    if (!exists(name)) throw_not_found(name);
    load(*slot);
  }
  return slot->loaded;
}

void Namespaces::require_absent(std::string_view name) const {
  if (!exists(name)) return;
  throw NamespaceError(NamespaceError::Kind::Exists, "Namespace `" + std::string(name) + "` already exists");
}

// The directory gets its name only when it is complete. Until then nobody waits for it, and if the process ends, the
// next one deletes it.
void Namespaces::make(std::string_view name, const NamespaceConfig& config,
                      const std::function<void(const std::filesystem::path&)>& fill) {
  const std::filesystem::path building = options_.data_directory / "dbs" / side_name("new", name);
  std::filesystem::create_directory(building);
  try {
    if (fill) fill(building / "data");
    write_namespace_config(building / "config.json", config);
    const Locked slot = lock(name);
    require_absent(name);
    std::filesystem::rename(building, directory_of(name));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(building, ignored);
    throw;
  }
  sync_directory(options_.data_directory / "dbs");
}

void Namespaces::create(std::string_view name, const NamespaceConfig& config, const Fill& fill) {
  require_many();
  require_name(name);
  require_absent(name);
  if (!fill) return make(name, config, {});
  make(name, config, [&](const std::filesystem::path& database) {
    fill(*open(std::string(name), database.string(), config, std::make_shared<NamespaceCounters>(), nullptr));
  });
}

void Namespaces::fork(std::string_view from, std::string_view to) {
  require_many();
  require_name(to);
  const std::shared_ptr<Namespace> source = get(from);
  require_absent(to);
  make(to, *source->config(), [&](const std::filesystem::path& database) { copy_to(*source, database); });
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
    // Closed before its files go, so that its users are told that the namespace is gone, not that a file is missing.
    closing = std::move(slot->loaded);
    if (closing != nullptr) {
      closing->close();
      closing->wake_followers();
    }
    std::filesystem::rename(directory_of(name), doomed);
    slot->gone = true;
    const std::lock_guard maps(mutex_);
    counters_.erase(slot->name);
    entries_.erase(slot->name);
  }
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
  slot->loaded->wake_followers();
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
      // References are only handed out under this mutex, so the count may fall meanwhile, but not rise.
      if (slot.loaded.use_count() != 1 || slot.loaded->sessions_in_use() != 0 ||
          core::SteadyClock::now() - slot.loaded->last_used() < idle_for) {
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

// Unloads the namespace that has been idle longest.
bool Namespaces::unload_an_idle_one(const Slot* own) {
  std::vector<std::shared_ptr<Slot>> slots;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, slot] : entries_) slots.push_back(slot);
  }
  std::vector<std::pair<std::chrono::steady_clock::time_point, Slot*>> idle;
  for (const auto& slot : slots) {
    if (slot.get() == own) continue;
    const std::unique_lock lock(slot->mutex, std::try_to_lock);
    if (!lock || slot->loaded == nullptr || slot->loaded.use_count() != 1) continue;
    idle.emplace_back(slot->loaded->last_used(), slot.get());
  }
  std::sort(idle.begin(), idle.end());
  return std::any_of(idle.begin(), idle.end(),
                     [&](const auto& each) { return unload_if_idle(*each.second, std::chrono::milliseconds(0)); });
}

void Namespaces::tidy() {
  std::vector<std::shared_ptr<Slot>> slots;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, slot] : entries_) slots.push_back(slot);
  }
  const bool many = has_many();
  for (const auto& slot : slots) {
    if (many && unload_if_idle(*slot, options_.timeouts.namespace_idle)) continue;
    std::shared_ptr<Namespace> loaded;
    {
      const std::unique_lock lock(slot->mutex, std::try_to_lock);
      if (lock) loaded = slot->loaded;
    }
    if (loaded == nullptr) continue;
    loaded->close_idle_sessions(options_.timeouts.session_idle);
    loaded->trim_idle_sessions(std::chrono::seconds(1));
    loaded->writers_room().tidy(std::chrono::steady_clock::now());
  }
}

}  // namespace libsql::server

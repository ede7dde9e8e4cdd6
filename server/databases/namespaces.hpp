// The databases of a server by their names.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/base/options.hpp"
#include "server/base/string_hash.hpp"
#include "server/databases/namespace.hpp"
#include "server/databases/server_lock.hpp"

namespace libsql::server {

/// A failure of the registry with the HTTP status that belongs to it.
class NamespaceError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t { NotFound = 0, Exists, InvalidName, Unsupported, TooMany };
  NamespaceError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }
  std::string_view code() const noexcept {
    return kind_ == Kind::NotFound  ? "NAMESPACE_NOT_FOUND"
           : kind_ == Kind::TooMany ? "TOO_MANY_NAMESPACES"
                                    : "NAMESPACE_INVALID";
  }
  int status() const noexcept { return kind_ == Kind::NotFound ? 404 : kind_ == Kind::TooMany ? 503 : 400; }

 private:
  Kind kind_;
};

inline constexpr std::string_view kDefaultNamespace = "default";

/// Threads: all members may be called by several at once. No lock is held while a file is read or written, but that of
/// the one namespace it belongs to.
class Namespaces {
 public:
  Namespaces(const Options& options, std::shared_ptr<ConnectionSlots> slots);
  ~Namespaces();
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  /// The namespace, loaded if need be, for which another one may be unloaded. Throws NamespaceError NotFound, TooMany
  /// if all that are loaded are in use, and what opening a database throws.
  std::shared_ptr<Namespace> get(std::string_view name);
  /// The same, but null if it is not loaded now, or somebody does something to it.
  std::shared_ptr<Namespace> find_loaded(std::string_view name);
  /// Its configuration, for which nothing is opened but a small file; null if there is no such namespace.
  std::shared_ptr<const NamespaceConfig> config_if_there(std::string_view name);
  bool exists(std::string_view name) const;
  /// The names in alphabetical order, loaded or not.
  std::vector<std::string> list() const;

  /// Puts the content into a database that no client sees yet.
  using Fill = std::function<void(Namespace&)>;
  /// Makes an empty one, or one with that content, which is there when it is complete. Throws NamespaceError Exists,
  /// InvalidName, Unsupported (with one database), TooMany, and what `fill` throws; then nothing is left of it.
  void create(std::string_view name, const NamespaceConfig& config, const Fill& fill = {});
  /// Makes `to` with the content and configuration that `from` has now; writers of `from` do not wait for it.
  void fork(std::string_view from, std::string_view to);
  /// Ends its sessions and deletes its files. Throws NamespaceError NotFound, Unsupported (for `default`).
  void remove(std::string_view name);

  NamespaceConfig config(std::string_view name);
  /// Takes effect for the next statement; what belongs to a connection, when the sessions that are in use have ended.
  void set_config(std::string_view name, const NamespaceConfig& config);

  /// Writes the log into the database file and truncates it.
  void checkpoint(std::string_view name);
  /// Copies the database, as it is now, to a new file while it is in use.
  void backup(std::string_view name, const std::filesystem::path& file);
  NamespaceStats stats(std::string_view name);

  /// Those that are loaded now.
  std::vector<std::shared_ptr<Namespace>> loaded() const;
  /// Unloads what nobody has used for long, and closes sessions that are idle.
  void tidy();

  /// Whether a name can be one: 1 to 64 letters, digits, `-` and `_`.
  static bool is_valid_name(std::string_view name) noexcept;

 private:
  struct Slot;
  class Locked;

  bool has_many() const noexcept { return options_.database.empty(); }
  void require_many() const;
  void require_name(std::string_view name) const;
  Locked lock(std::string_view name);
  void load(Slot& slot);
  class Place;
  Place make_room(const Slot* own);
  bool unload_an_idle_one(const Slot* own);
  std::shared_ptr<Namespace> open(const std::string& name, const std::string& database, const NamespaceConfig& config,
                                  std::shared_ptr<NamespaceCounters> counters, const Slot* own);
  void require_absent(std::string_view name) const;
  std::shared_ptr<NamespaceCounters> counters_of(const std::string& name);
  std::filesystem::path directory_of(std::string_view name) const;
  std::filesystem::path config_of(std::string_view name) const;
  std::string database_of(std::string_view name) const;
  void make(std::string_view name, const NamespaceConfig& config,
            const std::function<void(const std::filesystem::path&)>& fill);
  bool unload_if_idle(Slot& slot, std::chrono::milliseconds idle_for);

  const Options& options_;
  std::shared_ptr<ConnectionSlots> slots_;
  ServerLock lock_;                                          // until all databases are closed
  std::shared_ptr<engine::TemporarySpace> temporary_files_;  // of all databases
  template <class Value>
  using ByName = std::unordered_map<std::string, std::shared_ptr<Value>, StringHash, std::equal_to<>>;
  mutable std::mutex mutex_;  // of the maps only
  ByName<Slot> entries_;
  ByName<NamespaceCounters> counters_;  // of those that were ever loaded and are not removed
  const std::shared_ptr<std::atomic<std::size_t>> open_ = std::make_shared<std::atomic<std::size_t>>(0);  // databases
};

}  // namespace libsql::server

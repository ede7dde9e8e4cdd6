// The databases of a server, by name.
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

/// An error about namespaces, with its HTTP status.
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

/// Threads: all members may be called by several at once. While files are read or written, only the lock of their own
/// namespace is held.
class Namespaces {
 public:
  Namespaces(const Options& options, std::shared_ptr<ConnectionSlots> slots);
  ~Namespaces();
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  /// The namespace, loaded if need be; another, idle one may be unloaded for it. Throws NamespaceError NotFound,
  /// TooMany if all loaded ones are in use, and what opening a database throws.
  std::shared_ptr<Namespace> get(std::string_view name);
  /// The same, but null if it is not loaded, or is being loaded, created or removed at the moment.
  std::shared_ptr<Namespace> find_loaded(std::string_view name);
  /// The configuration of a namespace. Opens nothing but its small file, and not even that if it is loaded. Null if
  /// there is no such namespace.
  std::shared_ptr<const NamespaceConfig> config_if_there(std::string_view name);
  bool exists(std::string_view name) const;
  /// All names in alphabetical order, of loaded namespaces and of others.
  std::vector<std::string> list() const;

  /// Fills a database that no client can see yet.
  using Fill = std::function<void(Namespace&)>;
  /// Creates an empty namespace, or one with content. It becomes visible when it is complete. Throws NamespaceError
  /// Exists, InvalidName, Unsupported (for a server with one database), TooMany, and what `fill` throws; then nothing
  /// is left of it.
  void create(std::string_view name, const NamespaceConfig& config, const Fill& fill = {});
  /// Creates `to` with the current content and configuration of `from`, without holding up its writers.
  void fork(std::string_view from, std::string_view to);
  /// Interrupts its sessions and deletes its files. Throws NamespaceError NotFound, Unsupported (for `default`).
  void remove(std::string_view name);

  NamespaceConfig config(std::string_view name);
  /// Applies from the next statement on, except for settings of connections, which sessions in use keep until they are
  /// given back.
  void set_config(std::string_view name, const NamespaceConfig& config);

  /// Copies the write-ahead log into the database file and truncates it.
  void checkpoint(std::string_view name);
  /// Copies the current state of the database to a new file, while it may be in use.
  void backup(std::string_view name, const std::filesystem::path& file);
  NamespaceStats stats(std::string_view name);

  /// The namespaces loaded now.
  std::vector<std::shared_ptr<Namespace>> loaded() const;
  /// Unloads namespaces that have been idle for long, and closes idle sessions.
  void tidy();

  /// Whether the name is valid: 1 to 64 letters, digits, `-` and `_`.
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
  ServerLock lock_;                                          // held until all databases are closed
  std::shared_ptr<engine::TemporarySpace> temporary_files_;  // shared by all databases
  template <class Value>
  using ByName = std::unordered_map<std::string, std::shared_ptr<Value>, StringHash, std::equal_to<>>;
  mutable std::mutex mutex_;  // guards the maps only
  ByName<Slot> entries_;
  ByName<NamespaceCounters> counters_;  // of namespaces that were loaded at some time and not removed since
  const std::shared_ptr<std::atomic<std::size_t>> open_ =
      std::make_shared<std::atomic<std::size_t>>(0);  // open databases
};

}  // namespace libsql::server

// Keeps a second server from serving the same data.
#pragma once

#include <filesystem>
#include <vector>

namespace libsql::server {

/// Holds lock files until it is destroyed; the system releases them if the process is killed. They only keep servers
/// apart. Programs that open a database with SQLite are kept apart by its own locks, but those would not tell one
/// server that another renames, deletes or unloads what it has open.
class ServerLock final {
 public:
  ServerLock() = default;
  ~ServerLock();
  ServerLock(const ServerLock&) = delete;
  ServerLock& operator=(const ServerLock&) = delete;

  /// Locks a directory of namespaces. Throws CannotOpen, naming the other process, if another server has it.
  void take_directory(const std::filesystem::path& directory);
  /// Locks one database file and, if it lies in a directory of namespaces, that directory. Throws as take_directory()
  /// does.
  void take_database(const std::filesystem::path& file);

 private:
  struct Held {
    std::filesystem::path file;
    int descriptor;
  };
  void take(const std::filesystem::path& lock, const std::filesystem::path& what);

  std::vector<Held> held_;
};

}  // namespace libsql::server

// Keeps a second server away from the same data.
#pragma once

#include <filesystem>
#include <vector>

namespace libsql::server {

/// Holds lock files as long as this lives; a process that is killed leaves them free. They are for servers among
/// themselves: programs that open a database with SQLite are kept apart by its own locks, but nothing of those would
/// tell a server that another one renames, deletes or unloads what it has open.
class ServerLock final {
 public:
  ServerLock() = default;
  ~ServerLock();
  ServerLock(const ServerLock&) = delete;
  ServerLock& operator=(const ServerLock&) = delete;

  /// For a directory of namespaces. Throws CannotOpen if a server has it, and names its process.
  void take_directory(const std::filesystem::path& directory);
  /// For one database file, and for the directory of namespaces that it lies in, if it does.
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

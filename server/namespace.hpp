// One database of a server while it is loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.hpp"
#include "server/metrics.hpp"
#include "server/namespace_config.hpp"
#include "server/options.hpp"

namespace libsql::local {
class Store;
}

namespace libsql::server {

class ConnectionSlots;
class DatabaseSession;
class SessionLease;
class WriteLock;

struct NamespaceStats {
  std::uint64_t storage_bytes = 0;  // pages in use
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t queries = 0, failed = 0, rows_read = 0, rows_written = 0, microseconds = 0;
  std::size_t sessions_in_use = 0, sessions_idle = 0, writers_waiting = 0;
};

/// Threads: all members may be called by several at once.
class Namespace : public std::enable_shared_from_this<Namespace> {
 public:
  Namespace(std::string name, std::string database, NamespaceConfig config, const Options& options,
            std::shared_ptr<ConnectionSlots> slots);
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  const std::string& name() const noexcept { return name_; }
  std::filesystem::path file() const;
  /// As it is now; a change makes another object.
  std::shared_ptr<const NamespaceConfig> config() const;

  /// A session of its own, past the pool and without the rules for clients: for dumps, loads and backups.
  std::shared_ptr<core::Session> connect();

  NamespaceCounters& counters() noexcept { return counters_; }
  NamespaceStats stats();

 private:
  std::string name_;
  NamespaceCounters counters_;
};

}  // namespace libsql::server

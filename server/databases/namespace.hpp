// One database of a server, while it is loaded.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.hpp"
#include "engine/temporary_files.hpp"
#include "local/checkpoints.hpp"
#include "local/runners.hpp"
#include "server/base/metrics.hpp"
#include "server/base/namespace_config.hpp"
#include "server/base/options.hpp"
#include "server/databases/connection_slots.hpp"
#include "server/databases/database_session.hpp"
#include "server/databases/followers.hpp"

namespace libsql::local {
class Store;
}
namespace libsql::replication {
class Log;
}

namespace libsql::server {

class GroupWriter;
class SessionLease;
class WritersRoom;

struct NamespaceStats {
  std::uint64_t storage_bytes = 0;  // pages in use; free pages are not counted
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t queries = 0, failed = 0, rows_read = 0, rows_written = 0, microseconds = 0;
  std::uint64_t grouped_writes = 0, group_commits = 0;
  std::uint64_t connections_opened = 0;
  std::uint64_t replication_index = 0, log_bytes = 0, frames_replicated = 0, writes_delegated = 0;
  std::uint64_t replicas = 0, replica_lag = 0;  // of the slowest, in frames
  std::uint64_t pulls = 0, snapshots = 0, pushes = 0;
  std::size_t sessions_in_use = 0, sessions_idle = 0, writers_waiting = 0;
  CacheFigures caches;
};

/// Threads: all members may be called by several at once.
class Namespace : public std::enable_shared_from_this<Namespace> {
 public:
  /// `database` is the path of the file, or ":memory:".
  Namespace(std::string name, const std::string& database, const NamespaceConfig& config, const Options& options,
            std::shared_ptr<ConnectionSlots> slots, std::shared_ptr<NamespaceCounters> counters,
            std::shared_ptr<engine::TemporarySpace> all_temporary_files = nullptr);
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  const std::string& name() const noexcept { return name_; }
  /// Empty for a database in memory.
  const std::filesystem::path& file() const noexcept { return file_; }
  /// The URI with which ATTACH can read the database. Empty for one in memory.
  std::string attachable() const;
  /// The current configuration. A change replaces the object.
  std::shared_ptr<const NamespaceConfig> config() const;
  void set_config(const NamespaceConfig& config);

  /// A session for a client, reused if one is idle. Throws RequestRefused 429, and 404 once closed.
  SessionLease lease(Takers takers = {});
  /// Whether commits wait for the disk under that configuration, so that single writes should share them.
  bool shares_commits(const NamespaceConfig& config) const noexcept {
    return config.durability.value_or(options_.durability) >= Durability::Strong;
  }
  /// The writer in which single writes share their commits. Null once closed, or if commits do not wait for the disk.
  std::shared_ptr<GroupWriter> group_writer();
  /// A new session outside the pool, without the rules for clients, for loading content. Like borrow(), checkpoint()
  /// and stats() it throws RequestRefused 404 once closed.
  std::shared_ptr<core::Session> connect();
  /// The same for dumps and backups, on one of the spare connections that the database keeps for such work.
  std::shared_ptr<core::Session> borrow();

  /// The waiting room of this database's writers.
  WritersRoom& writers_room() noexcept;

  /// The log for replicas. Null if none is kept.
  const std::shared_ptr<replication::Log>& log() const noexcept { return log_; }
  /// The replication index for an answer: the number of the commit that ended there, else of the newest one. None if no
  /// log is kept.
  std::optional<std::uint64_t> replication_index(const std::optional<engine::LogEnd>& commit) const;
  /// The same after using a session, on which something may have been committed.
  std::optional<std::uint64_t> replication_index(DatabaseSession& session, bool may_have_written) const {
    if (log_ == nullptr) return std::nullopt;
    const bool own = may_have_written && session.is_autocommit();
    return replication_index(own ? session.connection().log_end() : std::nullopt);
  }
  /// Those who follow the log.
  const std::shared_ptr<Followers>& followers() const noexcept { return followers_; }
  /// Makes those who follow the log check whether they still may.
  void wake_followers() noexcept;
  /// Changes with each change of the configuration and each time the namespace is loaded; never used twice by one
  /// process.
  std::uint64_t config_version() const;

  /// Copies the write-ahead log into the database file and truncates it. checkpoint() waits for readers to finish;
  /// checkpoint_now() does what it can without waiting.
  void checkpoint() { checkpoint(local::Checkpoints::Extent::CutAndWait); }
  void checkpoint_now() { checkpoint(local::Checkpoints::Extent::Cut); }
  /// For the server's end: rewrites the file if it is large and more than half free, then checkpoint().
  void compact();
  NamespaceCounters& counters() noexcept { return *counters_; }
  const std::shared_ptr<NamespaceCounters>& shared_counters() const noexcept { return counters_; }
  NamespaceStats stats();
  std::size_t sessions_in_use() const noexcept;

  /// Closes sessions that have been idle for `idle_for`.
  void close_idle_sessions(std::chrono::milliseconds idle_for);
  /// Frees the cached pages of sessions that have been idle for `idle_for`.
  void trim_idle_sessions(std::chrono::milliseconds idle_for);
  /// From now on no session is handed out. Those in use are interrupted.
  void close() noexcept;
  bool is_closed() const noexcept;
  std::chrono::steady_clock::time_point last_used() const;

 private:
  friend class SessionLease;
  static std::uint64_t new_version() noexcept;
  std::unique_ptr<DatabaseSession> take();
  [[noreturn]] void throw_gone() const;
  void checkpoint(local::Checkpoints::Extent extent);
  template <class Open>
  auto unless_gone(Open&& open) const;
  void limit_transactions(const NamespaceConfig& config) noexcept;
  void give(std::unique_ptr<DatabaseSession> session, const Takers& takers) noexcept;
  void forget(DatabaseSession& session) noexcept;
  bool may_keep(const DatabaseSession& session) const noexcept;
  void forget(GroupWriter* writer) noexcept;
  CacheFigures cache_figures();

  const std::string name_;
  std::filesystem::path file_;
  const Options& options_;
  std::shared_ptr<ConnectionSlots> slots_;
  const std::shared_ptr<Followers> followers_ = std::make_shared<Followers>();
  std::shared_ptr<replication::Log> log_;  // must outlive all connections
  std::shared_ptr<local::Store> store_;
  const std::shared_ptr<WritersRoom> writers_room_;
  const std::shared_ptr<NamespaceCounters> counters_;

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const NamespaceConfig> config_;
  std::uint64_t config_version_ = new_version();
  local::Runners<DatabaseSession> sessions_;
  std::shared_ptr<GroupWriter> group_writer_;
  std::chrono::steady_clock::time_point last_used_;
  bool closed_ = false;
};

/// A session on loan. The destructor returns it.
class SessionLease {
 public:
  SessionLease() noexcept = default;
  SessionLease(SessionLease&&) noexcept = default;
  SessionLease& operator=(SessionLease&& other) noexcept {
    release();
    owner_ = std::move(other.owner_);
    takers_ = std::move(other.takers_);
    session_ = std::move(other.session_);
    return *this;
  }
  ~SessionLease() { release(); }

  explicit operator bool() const noexcept { return session_ != nullptr; }
  DatabaseSession& operator*() const noexcept { return *session_; }
  DatabaseSession* operator->() const noexcept { return session_.get(); }
  void release() noexcept;

 private:
  friend class Namespace;
  SessionLease(std::shared_ptr<Namespace> owner, Takers takers, std::unique_ptr<DatabaseSession> session) noexcept
      : owner_(std::move(owner)), takers_(std::move(takers)), session_(std::move(session)) {}

  std::shared_ptr<Namespace> owner_;
  Takers takers_;
  std::unique_ptr<DatabaseSession> session_;
};

}  // namespace libsql::server

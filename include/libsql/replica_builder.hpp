/// \file
/// How a replica is opened: a local file that follows a primary.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <libsql/database.hpp>
#include <libsql/export.hpp>
#include <libsql/query_log.hpp>
#include <libsql/remote_builder.hpp>
#include <libsql/replica.hpp>

namespace libsql {

struct Encryption;

/// How a replica and its primary speak.
enum class SyncProtocol : std::uint8_t {
  Auto,  ///< V1
  V1,    ///< the primary's log, over gRPC-web: `libsql serve --replication-log`, sqld, Turso Cloud
  V2,    ///< the frames of a log that is written at both ends: Unsupported so far
};

/// Whether build() syncs.
enum class FirstSync : std::uint8_t {
  IfNeeded,  ///< if there is no copy yet; otherwise it works without a network
  Always,    ///< and fails if it cannot
  Later,     ///< never: until the first sync the database is as it was left, or empty
};

namespace detail {
struct ReplicaOptions;
}

/// Opens a local file that follows a primary: reads are local, writes go to the primary.
///
/// Defaults: what a connection has written can be read by all connections of the Database (read_your_writes), nothing
/// is synced in the background, 60 s for a request to the primary and for a sync, none for a local read. Threads: one
/// at a time.
class LIBSQL_EXPORT ReplicaBuilder final {
 public:
  /// `path`: the copy's file, UTF-8, which is created if it does not exist; beside it are `-wal`, `-shm` and
  /// `-client_wal_index`, as libSQL's own clients make them. `url`: libsql:, https: or http:, as RemoteBuilder takes
  /// it; with ws: or wss: writes go over a WebSocket for each Connection, which takes a third of the bytes of requests
  /// over HTTP, and a sync over HTTP as always. An empty token sends none.
  ReplicaBuilder(std::string path, std::string url, std::string auth_token);
  ReplicaBuilder(const ReplicaBuilder&);
  ReplicaBuilder(ReplicaBuilder&&) noexcept;
  ReplicaBuilder& operator=(const ReplicaBuilder&);
  ReplicaBuilder& operator=(ReplicaBuilder&&) noexcept;
  ~ReplicaBuilder();

  /// Whether a read waits for what any connection of this Database had written before it began. It waits for those
  /// frames alone, and asks for them once for all that wait. If they cannot be had, the read throws what sync() throws.
  ReplicaBuilder& read_your_writes(bool on = true);
  /// Syncs in the background, at once and then so long after each sync. Positive, else build() throws Configuration.
  ReplicaBuilder& sync_interval(std::chrono::milliseconds interval);
  /// Told of each sync in the background, on its thread; it may use the Database, not keep it. Errors are also in
  /// Replica::health(). What it throws is dropped.
  ReplicaBuilder& on_sync(std::function<void(const SyncEvent&)> observer);
  ReplicaBuilder& first_sync(FirstSync when);
  /// How long a sync may take; nullopt: as long as it needs.
  ReplicaBuilder& sync_deadline(std::optional<std::chrono::milliseconds> limit);
  ReplicaBuilder& protocol(SyncProtocol protocol);

  /// The copy's encryption. It applies to each file of the copy; the primary knows nothing of it.
  ReplicaBuilder& encryption(Encryption encryption);
  /// The limit of each connection's statement cache in bytes; 0 turns it off.
  ReplicaBuilder& statement_cache_bytes(std::size_t bytes);

  // As in RemoteBuilder, for writes and for syncs.
  ReplicaBuilder& name_space(std::string name);
  ReplicaBuilder& remote_encryption_key(std::string base64_key);
  ReplicaBuilder& header(std::string name, std::string value);
  /// Called with the headers of each request to the primary, for syncs and for writes, before it is sent; may change
  /// them, such as a token that expires. By any thread that syncs or writes. What it throws ends the call.
  ReplicaBuilder& request_hook(std::function<void(std::vector<std::pair<std::string, std::string>>& headers)> hook);
  ReplicaBuilder& tls(RemoteTls tls);
  ReplicaBuilder& proxy(std::optional<std::string> url);
  ReplicaBuilder& connect_timeout(std::chrono::milliseconds timeout);

  /// How long any one call may take before it throws Timeout, waits for own writes included.
  ReplicaBuilder& default_deadline(std::chrono::milliseconds limit);
  /// How long a statement waits for another connection's lock, at the primary and here, before it throws Busy.
  ReplicaBuilder& busy_timeout(std::chrono::milliseconds timeout);
  /// As RemoteBuilder::batch_limits(), for writes.
  ReplicaBuilder& batch_limits(std::size_t statements, std::size_t bytes);
  /// As RemoteBuilder::row_buffer(), for transactions at the primary.
  ReplicaBuilder& row_buffer(std::size_t bytes);
  /// As LocalBuilder::query_log(): what runs here and at the primary.
  ReplicaBuilder& query_log(QueryLog log);

  /// Opens the copy, and syncs if it has to. Throws what LocalBuilder::build(), RemoteBuilder::build() and
  /// Replica::sync() throw; Unsupported for V2.
  Database build() const;

 private:
  friend struct detail::Access;
  std::unique_ptr<detail::ReplicaOptions> options_;
};

/// Opens a replica that is fed by hand, by Replica::sync_frames(): for programs that bring frames in their own way.
/// Statements that write throw ReadOnly. Threads: one at a time.
class LIBSQL_EXPORT LocalReplicaBuilder final {
 public:
  /// `path`: as ReplicaBuilder.
  explicit LocalReplicaBuilder(std::string path);
  LocalReplicaBuilder(const LocalReplicaBuilder&);
  LocalReplicaBuilder(LocalReplicaBuilder&&) noexcept;
  LocalReplicaBuilder& operator=(const LocalReplicaBuilder&);
  LocalReplicaBuilder& operator=(LocalReplicaBuilder&&) noexcept;
  ~LocalReplicaBuilder();

  LocalReplicaBuilder& encryption(Encryption encryption);
  LocalReplicaBuilder& default_deadline(std::chrono::milliseconds limit);
  LocalReplicaBuilder& busy_timeout(std::chrono::milliseconds timeout);
  LocalReplicaBuilder& query_log(QueryLog log);

  /// Throws what LocalBuilder::build() throws.
  Database build() const;

 private:
  std::unique_ptr<detail::ReplicaOptions> options_;
};

}  // namespace libsql

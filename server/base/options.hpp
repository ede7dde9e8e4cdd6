// Everything that can be configured on a server.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libsql/builder.hpp>

#include "server/base/auth.hpp"
#include "server/base/metrics.hpp"
#include "server/base/namespace_config.hpp"

namespace libsql::server {

/// Files in PEM format for a TLS listener.
struct TlsFiles {
  std::filesystem::path certificate_chain;
  std::filesystem::path private_key;
};

/// Where to listen. Port 0 picks a free one.
struct Listen {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::optional<TlsFiles> tls;
};

/// How rows_read is counted.
enum class RowsRead : std::uint8_t {
  /// Rows that loops visited in tables and indexes, from the engine's scan status. Exact, but scans take a third
  /// longer.
  Exact,
  /// Steps of full scans plus rows returned, which the engine counts anyway. Misses rows that an index search skips.
  Estimate,
};

struct Limits {
  std::size_t request_bytes = std::size_t{64} << 20;  // of a body or a WebSocket message
  std::size_t legacy_request_bytes = std::size_t{2} << 20;
  std::size_t response_bytes = 10'000'000;                       // of one request; cursors are exempt
  std::size_t total_request_bytes = std::size_t{96} << 20;       // of all requests and answers in transit
  std::size_t dumps = 8;                                         // at once
  std::size_t total_response_bytes = 40'000'000;                 // of all answers under construction
  std::size_t cursor_fetch_bytes = 1'250'000;                    // of the entries in one fetch_cursor
  std::uint64_t rows = 0;                                        // returned by one statement; 0: no limit
  std::size_t stored_sql_http = 50, stored_sql_websocket = 150;  // texts per stream
  std::size_t stored_sql_bytes = 5'000;                          // of one text, over HTTP
  std::size_t stored_sql_websocket_bytes = std::size_t{64} << 10;
  std::size_t total_stored_sql_bytes = std::size_t{64} << 20;  // of all clients' texts
  std::size_t http_streams = 4096;                             // with stored texts, of all clients
  std::size_t websocket_streams = 4096;                        // open on one WebSocket
  std::size_t total_websocket_streams = 32'768;
  unsigned tenant_share = 75;  // per cent of each total that one bearer may take, or one namespace if there are several
  std::size_t max_row_size = 5'000'000;   // of a text or blob, unless the namespace's configuration says otherwise
  std::size_t websocket_jobs = 8;         // waiting in one stream
  std::size_t connections = 128;          // to databases, of all namespaces together
  std::size_t connections_waiting = 128;  // requests waiting for a connection
  std::size_t http_connections = 4096;    // of clients
  std::size_t statement_memory = std::size_t{128} << 20;  // large blocks of all statements; for the whole process
  std::uint64_t connection_temporary_bytes = std::uint64_t{256} << 20;  // temporary files of one connection
  std::uint64_t temporary_bytes = std::uint64_t{1} << 30;               // temporary files of one database
  std::uint64_t total_temporary_bytes = std::uint64_t{4} << 30;
  std::size_t idle_sessions = 16;                            // kept open for reuse, per namespace
  std::size_t statement_cache_bytes = std::size_t{1} << 20;  // per session
  int json_depth = 128;

  /// How much of `total` one bearer or namespace may take; rounded up, so that a small total may go to one alone.
  std::size_t share_of(std::size_t total) const noexcept {
    return total / 100 * tenant_share + (total % 100 * tenant_share + 99) / 100;
  }
  /// total_request_bytes, or more if one bearer's share of that could not hold a request of the largest size plus an
  /// eighth for what it needs besides.
  std::size_t request_memory() const noexcept {
    const std::size_t largest = request_bytes + request_bytes / 8;
    return std::max(total_request_bytes, largest / tenant_share * 100 + largest % tenant_share * 100 / tenant_share);
  }
};

struct Timeouts {
  std::chrono::milliseconds stream_idle{10'000};
  std::chrono::milliseconds stream_tombstone{300'000};
  std::chrono::milliseconds transaction{5'000};                  // how long a writer may go on once another one waits
  std::chrono::milliseconds write_wait{600'000};                 // for the write lock
  std::chrono::milliseconds connection_wait{1'000};              // for one of Limits::connections
  std::optional<std::chrono::milliseconds> statement{300'000};   // none: no limit
  std::chrono::milliseconds namespace_idle{300'000};             // after which it is unloaded
  std::chrono::milliseconds session_idle{60'000};                // after which a session kept for reuse is closed
  std::chrono::milliseconds http_idle{75'000};                   // of a kept-alive connection
  std::chrono::milliseconds http_slow{30'000};                   // for one request or answer to be transferred
  std::optional<std::chrono::milliseconds> checkpoint_interval;  // none: by PRAGMA wal_autocheckpoint
};

/// The log from which replicas are fed.
struct Replication {
  bool log = false;                                        // whether it is kept
  std::uint64_t max_log_bytes = std::uint64_t{200} << 20;  // of each database's log; 0: commits are dropped at once
  std::optional<std::chrono::milliseconds> max_log_age;    // none: while they fit
  bool snapshot_at_shutdown = false;                       // see Namespace::compact()
  // Smaller files are not worth rewriting then (observed: sqld 0.24.33).
  std::uint64_t rewrite_from_bytes = std::uint64_t{256} << 20;
  bool offline_sync = false;  // of namespaces whose configuration does not say: whether clients may push their frames
};

struct Options {
  /// Either one database file, served as the namespace `default`,
  std::string database;
  /// or a directory with any number of namespaces.
  std::filesystem::path data_directory;
  bool namespaces = false;        // whether requests choose a namespace; otherwise all use `default`
  bool default_namespace = true;  // whether a request that names none uses `default`

  Listen http;
  std::optional<Listen> hrana;  // an extra listener for WebSocket clients, on any path
  std::optional<Listen> admin;
  std::string self_url;  // sent to clients as base_url; empty: not sent

  std::optional<Encryption> encryption;
  std::vector<std::filesystem::path> extensions;  // loaded into every connection
  Durability durability = Durability::Relaxed;    // of namespaces whose configuration sets none
  DoubleQuotedStrings double_quoted_strings = DoubleQuotedStrings::Schema;
  bool recursive_triggers = false;  // PRAGMA recursive_triggers of every connection
  RowsRead rows_read = RowsRead::Estimate;
  std::size_t max_loaded_namespaces = 100;  // beyond it, an idle one is unloaded for each new one

  Replication replication;
  Limits limits;
  Timeouts timeouts;
  std::size_t threads = 0;  // requests that may run at once; 0: Limits::connections + 16

  std::shared_ptr<Authenticator> authenticator;  // null: open_authenticator()
  std::shared_ptr<Observer> observer;            // null: none
  std::string version;                           // for GET /version; empty: the library's version
};

/// How many requests may run at once.
inline std::size_t places_of(const Options& options) noexcept {
  return options.threads != 0 ? options.threads : options.limits.connections + 16;
}

}  // namespace libsql::server

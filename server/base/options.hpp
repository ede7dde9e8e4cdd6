// Everything that can be set on a server.
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

/// Where to listen. Port 0 takes a free one.
struct Listen {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::optional<TlsFiles> tls;
};

/// How rows_read is counted.
enum class RowsRead : std::uint8_t {
  /// Rows that loops visited in tables and indexes, from the engine's scan status: exact, and a third slower in scans.
  Exact,
  /// Steps of full scans plus rows returned: what the engine counts anyway. Misses rows that an index search passes
  /// over.
  Estimate,
};

struct Limits {
  std::size_t request_bytes = std::size_t{64} << 20;  // of a body or a WebSocket message
  std::size_t legacy_request_bytes = std::size_t{2} << 20;
  std::size_t response_bytes = 10'000'000;                       // of one request; not of cursors
  std::size_t total_request_bytes = std::size_t{96} << 20;       // of all requests and answers on their way
  std::size_t dumps = 8;                                         // for clients, at once
  std::size_t total_response_bytes = 40'000'000;                 // of all answers being built
  std::size_t cursor_fetch_bytes = 1'250'000;                    // of the entries in one fetch_cursor
  std::uint64_t rows = 0;                                        // of one statement; 0: no limit
  std::size_t stored_sql_http = 50, stored_sql_websocket = 150;  // texts
  std::size_t stored_sql_bytes = 5'000;                          // of one, over HTTP
  std::size_t stored_sql_websocket_bytes = std::size_t{64} << 10;
  std::size_t total_stored_sql_bytes = std::size_t{64} << 20;  // of all clients
  std::size_t http_streams = 4096;                             // that keep texts, of all clients
  std::size_t websocket_streams = 4096;                        // open on one WebSocket
  std::size_t total_websocket_streams = 32'768;
  unsigned tenant_share = 75;  // per cent of each total that one bearer, or one of several namespaces, may have
  std::size_t max_row_size = 5'000'000;                   // of a text or blob, unless the namespace says otherwise
  std::size_t websocket_jobs = 8;                         // that wait in one stream
  std::size_t connections = 128;                          // to databases, all namespaces together
  std::size_t connections_waiting = 128;                  // in line for one
  std::size_t http_connections = 4096;                    // of clients
  std::size_t statement_memory = std::size_t{128} << 20;  // of large blocks of all statements; of the process
  std::uint64_t connection_temporary_bytes = std::uint64_t{256} << 20;  // of one connection's temporary files
  std::uint64_t temporary_bytes = std::uint64_t{1} << 30;               // of one database's
  std::uint64_t total_temporary_bytes = std::uint64_t{4} << 30;
  std::size_t idle_sessions = 16;                            // kept ready for a namespace
  std::size_t statement_cache_bytes = std::size_t{1} << 20;  // of a session
  int json_depth = 128;

  /// Of very little one may have everything.
  std::size_t share_of(std::size_t total) const noexcept {
    return total / 100 * tenant_share + (total % 100 * tenant_share + 99) / 100;
  }
  /// total_request_bytes, or what makes sure that one request of the largest size fits into one bearer's share, with an
  /// eighth for what goes with it.
  std::size_t request_memory() const noexcept {
    const std::size_t largest = request_bytes + request_bytes / 8;
    return std::max(total_request_bytes, largest / tenant_share * 100 + largest % tenant_share * 100 / tenant_share);
  }
};

struct Timeouts {
  std::chrono::milliseconds stream_idle{10'000};
  std::chrono::milliseconds stream_tombstone{300'000};
  std::chrono::milliseconds transaction{5'000};                  // of a writer, once another one waits
  std::chrono::milliseconds write_wait{600'000};                 // for the write lock
  std::chrono::milliseconds connection_wait{1'000};              // for a place among Limits::connections
  std::optional<std::chrono::milliseconds> statement{300'000};   // none: no limit
  std::chrono::milliseconds namespace_idle{300'000};             // then it is unloaded
  std::chrono::milliseconds session_idle{60'000};                // then a session kept ready is closed
  std::chrono::milliseconds http_idle{75'000};                   // of a kept-alive connection
  std::chrono::milliseconds http_slow{30'000};                   // for a request or answer to pass
  std::optional<std::chrono::milliseconds> checkpoint_interval;  // none: the engine's own rule
};

/// The log that replicas follow.
struct Replication {
  bool log = false;                                        // whether one is kept
  std::uint64_t max_log_bytes = std::uint64_t{200} << 20;  // of each database's; 0: commits leave at once
  std::optional<std::chrono::milliseconds> max_log_age;    // none: as long as there is room
};

struct Options {
  /// Either one database file, which is the namespace `default`...
  std::string database;
  /// ... or a directory with any number of them.
  std::filesystem::path data_directory;
  bool namespaces = false;        // whether requests choose one; else all are for `default`
  bool default_namespace = true;  // whether a request that names none gets `default`

  Listen http;
  std::optional<Listen> hrana;  // for WebSocket clients that connect to any path
  std::optional<Listen> admin;
  std::string self_url;  // told to clients as base_url; empty: none

  std::optional<Encryption> encryption;
  std::vector<std::filesystem::path> extensions;  // loaded into every connection
  Durability durability = Durability::Relaxed;    // of namespaces that set none
  DoubleQuotedStrings double_quoted_strings = DoubleQuotedStrings::Schema;
  RowsRead rows_read = RowsRead::Estimate;
  std::size_t max_loaded_namespaces = 100;  // for one more, an idle one is unloaded

  Replication replication;
  Limits limits;
  Timeouts timeouts;
  std::size_t threads = 0;  // of the workers when all wait; 0: 16 more than Limits::connections

  std::shared_ptr<Authenticator> authenticator;  // null: open_authenticator()
  std::shared_ptr<Observer> observer;            // null: none
  std::string version;                           // the answer to GET /version; empty: the library's
};

/// How many requests may run at once.
inline std::size_t places_of(const Options& options) noexcept {
  return options.threads != 0 ? options.threads : options.limits.connections + 16;
}

}  // namespace libsql::server

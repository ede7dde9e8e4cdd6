#include <array>

#include "server/config/setting.hpp"
#include "server/config/values.hpp"

namespace libsql::server {
namespace {

template <auto Member>
void set_size(Config& config, std::string_view text) {
  config.options.limits.*Member = parse_size(text);
}

template <auto Member>
void set_count(Config& config, std::string_view text) {
  config.options.limits.*Member = parse_count(text);
}

// For limits that must be at least 1.
template <auto Member>
void set_positive(Config& config, std::string_view text) {
  const std::uint64_t count = parse_count(text);
  if (count == 0) throw ConfigError("it must be at least 1");
  config.options.limits.*Member = count;
}

constexpr std::array kSettings = {
    Setting{"max-request-size", "SIZE", "A request's body or a WebSocket message.", "64MiB",
            set_size<&Limits::request_bytes>},
    Setting{"max-legacy-request-size", "SIZE", "A request to the legacy API at /.", "2MiB",
            set_size<&Limits::legacy_request_bytes>},
    Setting{"max-total-request-size", "SIZE",
            "All incoming requests and outgoing answers together. A request of --max-request-size must fit into one "
            "bearer's share.",
            "96MiB",
            [](Config& config, std::string_view text) {
              const std::uint64_t size = parse_size(text);
              if (size == 0) throw ConfigError("it must be at least 1");
              config.options.limits.total_request_bytes = size;
            }},
    Setting{"max-dumps", "N", "Concurrent dumps for clients.", "8", set_positive<&Limits::dumps>},
    Setting{"max-response-size", "SIZE", "One answer; cursors have no limit.", "10MB",
            set_size<&Limits::response_bytes>},
    Setting{"max-total-response-size", "SIZE", "All answers under construction together.", "40MB",
            set_size<&Limits::total_response_bytes>},
    Setting{"max-rows", "N", "Rows that a statement may return; 0: no limit.", "0", set_count<&Limits::rows>},
    Setting{"max-row-size", "SIZE", "A text or blob, unless its namespace says otherwise.", "5MB",
            set_size<&Limits::max_row_size>},
    Setting{"max-statement-memory", "SIZE",
            "Texts, blobs and sorts of the running statements of all clients, in pieces of 64 KiB and more. One "
            "statement gets half.",
            "128MiB", set_size<&Limits::statement_memory>},
    Setting{
        "max-connection-temp-size", "SIZE",
        "Temporary files of one connection to a database, that is, of the statements that one client runs on it at a "
        "time: sorts, CREATE INDEX.",
        "256MiB", set_size<&Limits::connection_temporary_bytes>},
    Setting{"max-temp-size", "SIZE", "Temporary files of all connections to one database.", "1GiB",
            set_size<&Limits::temporary_bytes>},
    Setting{"max-total-temp-size", "SIZE", "Temporary files of all databases.", "4GiB",
            set_size<&Limits::total_temporary_bytes>},
    Setting{"max-connections", "N",
            "Database connections of all clients together. An open stream or transaction holds one.", "128",
            set_positive<&Limits::connections>},
    Setting{"max-waiting", "N", "Requests waiting for a connection; further ones are answered 429.", "128",
            set_count<&Limits::connections_waiting>},
    Setting{"max-http-connections", "N", "TCP connections of clients.", "4096",
            set_positive<&Limits::http_connections>},
    Setting{"max-stored-sql", "N", "SQL texts that an HTTP stream may store.", "50",
            set_count<&Limits::stored_sql_http>},
    Setting{"max-stored-sql-size", "SIZE", "One such text.", "5000B", set_size<&Limits::stored_sql_bytes>},
    Setting{"max-websocket-stored-sql", "N", "SQL texts that a WebSocket may store.", "150",
            set_count<&Limits::stored_sql_websocket>},
    Setting{"max-websocket-stored-sql-size", "SIZE", "One such text.", "64KiB",
            set_size<&Limits::stored_sql_websocket_bytes>},
    Setting{"max-total-stored-sql-size", "SIZE", "SQL texts stored by all clients together.", "64MiB",
            set_size<&Limits::total_stored_sql_bytes>},
    Setting{"max-http-streams", "N", "HTTP streams with stored SQL, of all clients together.", "4096",
            set_positive<&Limits::http_streams>},
    Setting{"max-websocket-streams", "N", "Open streams of one WebSocket.", "4096",
            set_positive<&Limits::websocket_streams>},
    Setting{"max-total-websocket-streams", "N", "Open streams of all WebSockets together.", "32768",
            set_positive<&Limits::total_websocket_streams>},
    Setting{"max-tenant-share", "PERCENT",
            "Largest share of each total (running requests, connections, WebSockets, dumps, streams, stored SQL, "
            "responses) for the bearer of one token, or for one of several namespaces. The total size of requests is "
            "shared among bearers only.",
            "75",
            [](Config& config, std::string_view text) {
              const std::uint64_t share = parse_count(text);
              if (share == 0 || share > 100) throw ConfigError("it must be between 1 and 100");
              config.options.limits.tenant_share = static_cast<unsigned>(share);
            }},
    Setting{"max-json-depth", "N", "Nesting of JSON in a request.", "128",
            [](Config& config, std::string_view text) {
              const std::uint64_t depth = parse_count(text);
              if (depth == 0 || depth > 1000) throw ConfigError("it must be between 1 and 1000");
              config.options.limits.json_depth = static_cast<int>(depth);
            }},
    Setting{"max-loaded-namespaces", "N",
            "Open databases. Another one replaces an idle one; if none is idle, the answer is 503.", "100",
            [](Config& config, std::string_view text) {
              const std::uint64_t count = parse_count(text);
              if (count == 0) throw ConfigError("it must be at least 1");
              config.options.max_loaded_namespaces = count;
            }},
    Setting{"statement-cache-size", "SIZE", "Compiled statements of one connection.", "1MiB",
            set_size<&Limits::statement_cache_bytes>},
};

}  // namespace

SettingGroup limit_settings() noexcept { return {"LIMITS", kSettings}; }

}  // namespace libsql::server

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

// For what there must be at least one of.
template <auto Member>
void set_positive(Config& config, std::string_view text) {
  const std::uint64_t count = parse_count(text);
  if (count == 0) throw ConfigError("it must be at least 1");
  config.options.limits.*Member = count;
}

constexpr std::array kSettings = {
    Setting{"max-request-size", "SIZE", "Of a request's body or a WebSocket message.", "64MiB",
            set_size<&Limits::request_bytes>},
    Setting{"max-legacy-request-size", "SIZE", "Of a request to the legacy API at /.", "2MiB",
            set_size<&Limits::legacy_request_bytes>},
    Setting{"max-total-request-size", "SIZE",
            "Of all requests that arrive and answers that leave. At least so much that a request of --max-request-size "
            "fits "
            "into one bearer's share.",
            "96MiB",
            [](Config& config, std::string_view text) {
              const std::uint64_t size = parse_size(text);
              if (size == 0) throw ConfigError("it must be at least 1");
              config.options.limits.total_request_bytes = size;
            }},
    Setting{"max-dumps", "N", "Dumps for clients at once.", "8", set_positive<&Limits::dumps>},
    Setting{"max-response-size", "SIZE", "Of one answer; cursors have none.", "10MB",
            set_size<&Limits::response_bytes>},
    Setting{"max-total-response-size", "SIZE", "Of all answers that are being put together.", "40MB",
            set_size<&Limits::total_response_bytes>},
    Setting{"max-rows", "N", "That one statement may return; 0: no limit.", "0", set_count<&Limits::rows>},
    Setting{"max-row-size", "SIZE", "Of a text or blob, unless its namespace says otherwise.", "5MB",
            set_size<&Limits::max_row_size>},
    Setting{"max-statement-memory", "SIZE",
            "Of the texts, blobs and sorts that the statements of all clients hold at a time, in pieces of 64 KiB and "
            "more. "
            "One statement gets half.",
            "128MiB", set_size<&Limits::statement_memory>},
    Setting{
        "max-connection-temp-size", "SIZE",
        "Of the temporary files of one connection to a database, that is, of the statements that one client runs on "
        "it at a time: sorts, CREATE INDEX.",
        "256MiB", set_size<&Limits::connection_temporary_bytes>},
    Setting{"max-temp-size", "SIZE", "Of the temporary files of all connections to one database.", "1GiB",
            set_size<&Limits::temporary_bytes>},
    Setting{"max-total-temp-size", "SIZE", "Of the temporary files of all databases.", "4GiB",
            set_size<&Limits::total_temporary_bytes>},
    Setting{"max-connections", "N", "To databases, of all clients together. An open stream or transaction keeps one.",
            "128", set_positive<&Limits::connections>},
    Setting{"max-waiting", "N", "Requests that wait for such a connection; more are answered 429.", "128",
            set_count<&Limits::connections_waiting>},
    Setting{"max-http-connections", "N", "Of clients, over TCP.", "4096", set_positive<&Limits::http_connections>},
    Setting{"max-stored-sql", "N", "SQL texts that an HTTP stream may store.", "50",
            set_count<&Limits::stored_sql_http>},
    Setting{"max-stored-sql-size", "SIZE", "Of such a text.", "5000B", set_size<&Limits::stored_sql_bytes>},
    Setting{"max-websocket-stored-sql", "N", "SQL texts that a WebSocket may store.", "150",
            set_count<&Limits::stored_sql_websocket>},
    Setting{"max-websocket-stored-sql-size", "SIZE", "Of such a text.", "64KiB",
            set_size<&Limits::stored_sql_websocket_bytes>},
    Setting{"max-total-stored-sql-size", "SIZE", "Of the SQL texts that all clients have stored.", "64MiB",
            set_size<&Limits::total_stored_sql_bytes>},
    Setting{"max-http-streams", "N", "HTTP streams that keep stored SQL, of all clients together.", "4096",
            set_positive<&Limits::http_streams>},
    Setting{"max-websocket-streams", "N", "Streams that one WebSocket may have open.", "4096",
            set_positive<&Limits::websocket_streams>},
    Setting{"max-total-websocket-streams", "N", "Streams that are open on all WebSockets together.", "32768",
            set_positive<&Limits::total_websocket_streams>},
    Setting{
        "max-tenant-share", "PERCENT",
        "Of each such total (requests that run, connections, WebSockets, dumps, streams, stored SQL, responses) that "
        "the bearer of one token, or one of several namespaces, may have; of the size of requests only the bearer.",
        "75",
        [](Config& config, std::string_view text) {
          const std::uint64_t share = parse_count(text);
          if (share == 0 || share > 100) throw ConfigError("it must be between 1 and 100");
          config.options.limits.tenant_share = static_cast<unsigned>(share);
        }},
    Setting{"max-json-depth", "N", "Of a request.", "128",
            [](Config& config, std::string_view text) {
              const std::uint64_t depth = parse_count(text);
              if (depth == 0 || depth > 1000) throw ConfigError("it must be between 1 and 1000");
              config.options.limits.json_depth = static_cast<int>(depth);
            }},
    Setting{"max-loaded-namespaces", "N",
            "Databases that are open at once. For one more, an idle one is closed; while none is, the answer is 503.",
            "100",
            [](Config& config, std::string_view text) {
              const std::uint64_t count = parse_count(text);
              if (count == 0) throw ConfigError("it must be at least 1");
              config.options.max_loaded_namespaces = count;
            }},
    Setting{"statement-cache-size", "SIZE", "Of the compiled statements of one connection.", "1MiB",
            set_size<&Limits::statement_cache_bytes>},
};

}  // namespace

SettingGroup limit_settings() noexcept { return {"LIMITS", kSettings}; }

}  // namespace libsql::server

#include "server/metrics/server_metrics.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <libsql/version.hpp>

#include "server/databases/namespaces.hpp"
#include "server/metrics/exposition.hpp"
#include "server/metrics/monitor.hpp"
#include "server/server.hpp"

namespace libsql::server {
namespace {

using Kind = Exposition::Kind;

/// A family with one sample per namespace, and the member that holds the value.
template <class Figures, class Number>
struct Metric {
  std::string_view name;
  Kind kind;
  std::string_view help;
  Number Figures::*value;
};
using NamespaceMetric = Metric<NamespaceStats, std::uint64_t>;
using CacheMetric = Metric<CacheFigures, std::uint64_t>;
using SessionMetric = Metric<NamespaceStats, std::size_t>;

constexpr std::array kCounters = {
    NamespaceMetric{"libsql_server_query_count", Kind::Counter, "Statements run.", &NamespaceStats::queries},
    NamespaceMetric{"libsql_server_query_failed", Kind::Counter, "Statements that failed.", &NamespaceStats::failed},
    NamespaceMetric{"libsql_server_rows_read", Kind::Counter, "Rows read.", &NamespaceStats::rows_read},
    NamespaceMetric{"libsql_server_rows_written", Kind::Counter, "Rows written.", &NamespaceStats::rows_written},
    NamespaceMetric{"libsql_server_grouped_writes_total", Kind::Counter, "Single writes that shared commits.",
                    &NamespaceStats::grouped_writes},
    NamespaceMetric{"libsql_server_group_commits_total", Kind::Counter, "Commits shared by several writes.",
                    &NamespaceStats::group_commits},
    NamespaceMetric{"libsql_server_connections_opened_total", Kind::Counter, "Connections opened to the database.",
                    &NamespaceStats::connections_opened},
    NamespaceMetric{"libsql_server_replicated_frames_total", Kind::Counter, "Frames sent to replicas.",
                    &NamespaceStats::frames_replicated},
    NamespaceMetric{"libsql_server_delegated_writes_total", Kind::Counter, "Writes run for replicas.",
                    &NamespaceStats::writes_delegated},
    NamespaceMetric{"libsql_server_replica_pulls_total", Kind::Counter, "Requests of replicas for frames or pages.",
                    &NamespaceStats::pulls},
    NamespaceMetric{"libsql_server_replica_snapshots_total", Kind::Counter, "Snapshots sent to replicas.",
                    &NamespaceStats::snapshots},
    NamespaceMetric{"libsql_server_replica_pushes_total", Kind::Counter, "Offline writes taken from replicas.",
                    &NamespaceStats::pushes},
    NamespaceMetric{"libsql_server_replicas", Kind::Gauge, "Replicas that asked in the last five minutes.",
                    &NamespaceStats::replicas},
    NamespaceMetric{"libsql_server_replica_lag_frames", Kind::Gauge, "Frames that the slowest of them lacks.",
                    &NamespaceStats::replica_lag},
    NamespaceMetric{"libsql_server_current_frame_no", Kind::Gauge, "The newest frame of the replication log.",
                    &NamespaceStats::replication_index},
    NamespaceMetric{"libsql_server_replication_log_bytes", Kind::Gauge, "Bytes of the replication log.",
                    &NamespaceStats::log_bytes},
    NamespaceMetric{"libsql_server_storage", Kind::Gauge, "Bytes of the pages in use.", &NamespaceStats::storage_bytes},
    NamespaceMetric{"libsql_server_file_bytes", Kind::Gauge, "Bytes of the database file.",
                    &NamespaceStats::file_bytes},
    NamespaceMetric{"libsql_server_wal_bytes", Kind::Gauge, "Bytes of the write-ahead log.",
                    &NamespaceStats::wal_bytes},
};

constexpr std::array kCaches = {
    CacheMetric{"libsql_server_statement_cache_hits_total", Kind::Counter,
                "Statements found compiled in their connection's cache.", &CacheFigures::statement_hits},
    CacheMetric{"libsql_server_statement_cache_misses_total", Kind::Counter, "Statements that had to be compiled.",
                &CacheFigures::statement_misses},
    CacheMetric{"libsql_server_statement_cache_entries", Kind::Gauge, "Compiled statements in the caches.",
                &CacheFigures::statements},
    CacheMetric{"libsql_server_statement_cache_bytes", Kind::Gauge, "Memory of the compiled statements.",
                &CacheFigures::statement_bytes},
    CacheMetric{"libsql_server_page_cache_hits_total", Kind::Counter, "Pages found in their connection's cache.",
                &CacheFigures::page_hits},
    CacheMetric{"libsql_server_page_cache_misses_total", Kind::Counter, "Pages that had to be read.",
                &CacheFigures::page_misses},
    CacheMetric{"libsql_server_page_cache_bytes", Kind::Gauge, "Memory of the page caches.", &CacheFigures::page_bytes},
};

constexpr std::array kSessions = {
    SessionMetric{"libsql_server_sessions_in_use", Kind::Gauge, "Database connections in use.",
                  &NamespaceStats::sessions_in_use},
    SessionMetric{"libsql_server_sessions_idle", Kind::Gauge, "Idle database connections.",
                  &NamespaceStats::sessions_idle},
    SessionMetric{"libsql_server_writers_waiting", Kind::Gauge, "Writers waiting for their turn.",
                  &NamespaceStats::writers_waiting},
};

void expose_gauges(Exposition& out, const ServerGauges& gauges) {
  out.gauge("libsql_server_stream_handles", "HTTP streams waiting for their client.", gauges.http_streams);
  out.gauge("libsql_server_websockets", "Open WebSockets.", gauges.websockets);
  out.gauge("libsql_server_concurrent_connections", "Connections to databases in use.", gauges.connections_in_use);
  out.gauge("libsql_server_connections_waiting", "Requests waiting for a database connection.",
            gauges.connections_waiting);
  out.gauge("libsql_server_count", "Loaded namespaces.", gauges.namespaces_loaded);
  out.gauge("libsql_server_response_bytes_held", "Bytes of answers under construction.", gauges.response_bytes_held);
}

// The format wants all samples of a family together.
void expose_namespaces(Exposition& out, Namespaces& namespaces) {
  std::vector<std::pair<std::string, NamespaceStats>> all;
  for (const auto& name_space : namespaces.loaded()) all.emplace_back(name_space->name(), name_space->stats());
  const auto expose = [&](const auto& metrics, const auto& figures_of) {
    for (const auto& metric : metrics) {
      out.begin(metric.name, metric.kind, metric.help);
      for (const auto& [name, stats] : all) {
        out.sample(std::uint64_t{figures_of(stats).*metric.value}, {{"namespace", name}});
      }
    }
  };
  const auto own = [](const NamespaceStats& stats) -> const NamespaceStats& { return stats; };
  expose(kCounters, own);
  out.begin("libsql_server_query_latency", Kind::Counter, "Time in statements, in milliseconds.");
  for (const auto& [name, stats] : all) {
    out.sample(static_cast<double>(stats.microseconds) / 1000, {{"namespace", name}});
  }
  expose(kCaches, [](const NamespaceStats& stats) -> const CacheFigures& { return stats.caches; });
  expose(kSessions, own);
}

}  // namespace

std::string render_metrics(const Monitor& monitor, Server& server) {
  Exposition out;
  out.begin("libsql_server_build_info", Kind::Gauge, "Always 1; the labels give the versions.");
  out.sample(std::uint64_t{1}, {{"version", version()}, {"sqlite", sqlite_version()}});
  monitor.expose(out);
  expose_gauges(out, server.gauges());
  expose_namespaces(out, server.namespaces());
  return out.take();
}

}  // namespace libsql::server

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/clock.hpp"
#include "server/admin/admin_error.hpp"
#include "server/admin/admin_handler.hpp"
#include "server/databases/namespaces.hpp"
#include "server/metrics/monitor.hpp"
#include "server/server.hpp"

namespace libsql::server {
namespace {

using Json = nlohmann::json;

double milliseconds(std::chrono::nanoseconds time) noexcept { return static_cast<double>(time.count()) / 1e6; }

Json query_json(const RankedQuery& query) {
  return {{"query", query.sql}, {"rows_read", query.rows_read}, {"rows_written", query.rows_written}};
}

Json hour_json(const std::optional<HourOfQueries>& hour) {
  if (!hour) return nullptr;
  constexpr std::array<const char*, HourOfQueries::kParts.size()> kNames = {"p50", "p75", "p90", "p95", "p99", "p999"};
  Json elapsed = {{"sum", milliseconds(hour->elapsed)}};
  for (std::size_t i = 0; i < kNames.size(); ++i) elapsed[kNames[i]] = milliseconds(hour->percentiles[i]);
  Json stats = Json::array();
  for (const QueryTotals& query : hour->queries) {
    stats.push_back({{"query", query.sql},
                     {"elapsed_ms", milliseconds(query.elapsed)},
                     {"count", query.count},
                     {"rows_written", query.rows_written},
                     {"rows_read", query.rows_read}});
  }
  return {{"id", hour->id.to_string()},
          {"created_at", std::chrono::duration_cast<std::chrono::seconds>(hour->begun.time_since_epoch()).count()},
          {"count", hour->count},
          {"stats", std::move(stats)},
          {"elapsed", std::move(elapsed)}};
}

void get_stats(Exchange& exchange, const AdminContext& context) {
  const std::string name(exchange.parameter("namespace"));
  const NamespaceStats stats = context.server.namespaces().stats(name);
  const std::shared_ptr<NamespaceQueries> queries = context.monitor.queries(name);
  Json top = Json::array();
  Json slowest = Json::array();
  for (const RankedQuery& query : queries->ranking.by_rows()) top.push_back(query_json(query));
  for (const RankedQuery& query : queries->ranking.by_time()) {
    Json entry = query_json(query);
    entry["elapsed_ms"] = query.elapsed.count();
    slowest.push_back(std::move(entry));
  }
  const Json answer = {{"id", queries->id.to_string()},
                       {"rows_read_count", stats.rows_read},
                       {"rows_written_count", stats.rows_written},
                       {"storage_bytes_used", stats.storage_bytes},
                       {"write_requests_delegated", stats.writes_delegated},
                       {"replication_index", stats.replication_index},
                       {"top_queries", std::move(top)},
                       {"slowest_queries", std::move(slowest)},
                       {"embedded_replica_frames_replicated", stats.frames_replicated},
                       {"query_count", stats.queries},
                       {"elapsed_ms", static_cast<double>(stats.microseconds) / 1000},
                       {"queries", hour_json(queries->hourly.report(core::WallClock::now()))},
                       {"file_bytes", stats.file_bytes},
                       {"wal_bytes", stats.wal_bytes},
                       {"failed_count", stats.failed},
                       {"sessions_in_use", stats.sessions_in_use},
                       {"sessions_idle", stats.sessions_idle},
                       {"writers_waiting", stats.writers_waiting}};
  // SQL text is stored as the client sent it, so it need not be UTF-8.
  answer_json(exchange, answer.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void reset_stats(Exchange& exchange, const AdminContext& context) {
  const std::string name(exchange.parameter("namespace"));
  const std::string_view list = exchange.parameter("list");
  if (list != "top" && list != "slowest") throw AdminError("The lists are \"top\" and \"slowest\"");
  static_cast<void>(context.server.namespaces().config(name));  // throws if there is no such namespace
  QueryRanking& ranking = context.monitor.queries(name)->ranking;
  list == "top" ? ranking.reset_by_rows() : ranking.reset_by_time();
  answer_done(exchange);
}

void get_diagnostics(Exchange& exchange, const AdminContext& context) {
  answer_json(exchange, Json(context.server.describe_streams()).dump());
}

}  // namespace

void add_stats_routes(Router& router, const AdminContext& context) {
  add_admin_route(router, context, "GET", "/v1/namespaces/{namespace}/stats", get_stats);
  add_admin_route(router, context, "DELETE", "/v1/namespaces/{namespace}/stats/{list}", reset_stats);
  add_admin_route(router, context, "GET", "/v1/diagnostics", get_diagnostics);
}

}  // namespace libsql::server

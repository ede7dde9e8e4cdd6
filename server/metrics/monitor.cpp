#include "server/metrics/monitor.hpp"

#include <mutex>
#include <new>

#include "core/clock.hpp"
#include "server/metrics/exposition.hpp"

namespace libsql::server {
namespace {

void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount = 1) noexcept {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

struct EventMetric {
  Event event;
  std::string_view name;
  std::string_view help;
};

constexpr std::array kEventMetrics = {
    EventMetric{Event::StreamOpened, "libsql_server_streams_opened_total", "Streams opened for more than one request."},
    EventMetric{Event::StreamClosed, "libsql_server_streams_closed_total", "Such streams closed."},
    EventMetric{Event::StreamExpired, "libsql_server_streams_expired_total",
                "Streams ended because their client was idle too long."},
    EventMetric{Event::WebSocketOpened, "libsql_server_websockets_opened_total", "WebSockets opened."},
    EventMetric{Event::WebSocketClosed, "libsql_server_websockets_closed_total", "WebSockets closed."},
    EventMetric{Event::TransactionTimedOut, "libsql_server_transactions_timed_out_total",
                "Transactions rolled back because another writer had waited long enough."},
    EventMetric{Event::StatementInterrupted, "libsql_server_query_canceled",
                "Statements interrupted because their client had gone or their time was up."},
    EventMetric{Event::NamespaceLoaded, "libsql_server_namespaces_loaded_total", "Namespaces loaded."},
    EventMetric{Event::NamespaceUnloaded, "libsql_server_namespaces_unloaded_total", "Namespaces unloaded."},
    EventMetric{Event::TooManyConnections, "libsql_server_connections_refused_total",
                "Requests that did not get a database connection in time."},
    EventMetric{Event::ResponseTooLarge, "libsql_server_responses_too_large_total",
                "Answers that exceeded the size limit."},
};

}  // namespace

Monitor::Monitor(std::unique_ptr<AccessLog> access_log, std::unique_ptr<SlowLog> slow_log)
    : access_log_(std::move(access_log)), slow_log_(std::move(slow_log)) {}

void Monitor::request_finished(const RequestRecord& record) noexcept {
  const std::string_view path = record.target.substr(0, record.target.find('?'));
  if (path != "/health") mark_activity();
  const auto status = static_cast<std::size_t>(record.status);
  add(responses_[status < kStatuses ? status : 0]);
  request_time_.add(record.duration);
  add(request_bytes_, record.request_bytes);
  add(response_bytes_, record.response_bytes);
  if (access_log_ != nullptr) {
    AccessRecord access;
    access.time =
        core::WallClock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(record.duration);
    access.peer = record.peer;
    access.method = record.method;
    access.target = record.target;
    access.name_space = record.name_space;
    access.status = static_cast<unsigned>(record.status);
    access.request_bytes = record.request_bytes;
    access.response_bytes = record.response_bytes;
    access.duration = record.duration;
    access.rows_read = record.rows.read;
    access.rows_written = record.rows.written;
    access_log_->write(access);
  }
}

void Monitor::statement_finished(const StatementRecord& record) noexcept {
  mark_activity();
  add(record.is_write ? writes_ : reads_);
  if (!record.error_code.empty()) add(failures_);
  add(rows_read_, record.rows_read);
  add(rows_written_, record.rows_written);
  statement_time_.add(record.duration);
  if (slow_log_ != nullptr && record.duration >= slow_log_->threshold()) {
    SlowRecord slow;
    slow.name_space = record.name_space;
    slow.sql = record.sql;
    slow.duration = record.duration;
    slow.rows_read = record.rows_read;
    slow.rows_written = record.rows_written;
    slow.failed = !record.error_code.empty();
    slow_log_->write(slow);
  }
  try {
    const std::shared_ptr<NamespaceQueries> queries = this->queries(record.name_space);
    queries->ranking.add(record.sql, record.rows_read, record.rows_written, record.duration);
    queries->hourly.add(record.sql, record.rows_read, record.rows_written, record.duration, core::WallClock::now());
  } catch (const std::exception&) {  // a missing entry is better than a failing request
  }
}

void Monitor::happened(Event event, std::string_view) noexcept {
  if (event == Event::WebSocketOpened || event == Event::StreamOpened) mark_activity();
  add(events_[static_cast<std::size_t>(event)]);
}

std::chrono::steady_clock::time_point Monitor::last_activity() const noexcept {
  return std::chrono::steady_clock::time_point(
      std::chrono::steady_clock::duration(last_activity_.load(std::memory_order_relaxed)));
}

void Monitor::mark_activity() noexcept {
  last_activity_.store(core::SteadyClock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

std::shared_ptr<NamespaceQueries> Monitor::queries(std::string_view name_space) {
  {
    const std::shared_lock lock(queries_mutex_);
    const auto found = queries_.find(name_space);
    if (found != queries_.end()) return found->second;
  }
  const std::unique_lock lock(queries_mutex_);
  auto& entry = queries_[std::string(name_space)];
  if (entry == nullptr) entry = std::make_shared<NamespaceQueries>();
  return entry;
}

void Monitor::forget(std::string_view name_space) {
  const std::unique_lock lock(queries_mutex_);
  if (const auto found = queries_.find(name_space); found != queries_.end()) queries_.erase(found);
}

void Monitor::expose(Exposition& out) const {
  const auto now = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  out.begin("libsql_server_user_http_response", Exposition::Kind::Counter, "Answers to clients, by HTTP status.");
  for (std::size_t status = 0; status < kStatuses; ++status) {
    const std::uint64_t count = now(responses_[status]);
    if (count != 0) out.sample(count, {{"status", std::to_string(status)}});
  }
  out.begin("libsql_server_request_duration_seconds", Exposition::Kind::Histogram,
            "From a request's arrival to the end of its answer.");
  out.histogram(LatencyHistogram::kSeconds, request_time_.counts(), request_time_.seconds());
  out.counter("libsql_server_request_bytes_total", "Bytes of request bodies.", now(request_bytes_));
  out.counter("libsql_server_returned_bytes_total", "Bytes of response bodies.", now(response_bytes_));
  out.counter("libsql_server_reads_count", "Statements that only read.", now(reads_));
  out.counter("libsql_server_writes_count", "Statements that may write.", now(writes_));
  out.counter("libsql_server_hrana_step_errors", "Statements that failed.", now(failures_));
  out.begin("libsql_server_statement_execution_time", Exposition::Kind::Histogram, "Time of a statement, in seconds.");
  out.histogram(LatencyHistogram::kSeconds, statement_time_.counts(), statement_time_.seconds());
  out.counter("libsql_server_query_rows_read", "Rows read by statements.", now(rows_read_));
  out.counter("libsql_server_query_rows_written", "Rows written by statements.", now(rows_written_));
  for (const EventMetric& metric : kEventMetrics) {
    out.counter(metric.name, metric.help, now(events_[static_cast<std::size_t>(metric.event)]));
  }
}

}  // namespace libsql::server

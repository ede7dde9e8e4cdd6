// Counts what the server does, and writes the logs of requests and of slow statements.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/base/metrics.hpp"
#include "server/base/string_hash.hpp"
#include "server/log/access_log.hpp"
#include "server/metrics/histogram.hpp"
#include "server/metrics/hourly_queries.hpp"
#include "server/metrics/query_ranking.hpp"

namespace libsql::server {

class Exposition;

/// What is recorded about the statements of one namespace.
struct NamespaceQueries {
  const uuid::Uuid id = uuid::Uuid::v4();
  QueryRanking ranking;
  HourlyQueries hourly;
};

/// Threads: any number at once.
class Monitor final : public Observer {
 public:
  /// Either log may be null.
  Monitor(std::unique_ptr<AccessLog> access_log, std::unique_ptr<SlowLog> slow_log);

  void request_finished(const RequestRecord& record) noexcept override;
  void statement_finished(const StatementRecord& record) noexcept override;
  void happened(Event event, std::string_view name_space) noexcept override;

  /// When something other than GET /health was last requested. The clock's epoch if never.
  std::chrono::steady_clock::time_point last_activity() const noexcept;

  /// The statements of a namespace.
  std::shared_ptr<NamespaceQueries> queries(std::string_view name_space);
  /// Drops everything recorded about a namespace that was removed.
  void forget(std::string_view name_space);

  AccessLog* access_log() const noexcept { return access_log_.get(); }
  SlowLog* slow_log() const noexcept { return slow_log_.get(); }

  /// Writes all counters in Prometheus's format.
  void expose(Exposition& out) const;

 private:
  static constexpr std::size_t kStatuses = 600;
  static constexpr std::size_t kEvents = static_cast<std::size_t>(Event::ResponseTooLarge) + 1;
  using Counter = std::atomic<std::uint64_t>;

  void mark_activity() noexcept;

  std::unique_ptr<AccessLog> access_log_;
  std::unique_ptr<SlowLog> slow_log_;

  std::atomic<std::chrono::steady_clock::rep> last_activity_ = 0;
  std::array<Counter, kStatuses> responses_{};
  LatencyHistogram request_time_;
  LatencyHistogram statement_time_;
  Counter reads_ = 0, writes_ = 0, failures_ = 0;
  Counter rows_read_ = 0, rows_written_ = 0;
  Counter request_bytes_ = 0, response_bytes_ = 0;
  std::array<Counter, kEvents> events_{};

  std::shared_mutex queries_mutex_;
  std::unordered_map<std::string, std::shared_ptr<NamespaceQueries>, StringHash, std::equal_to<>> queries_;
};

}  // namespace libsql::server

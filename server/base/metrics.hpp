// What the server reports to its metrics: a call for each request and statement, and figures when asked.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/base/budget.hpp"

namespace libsql::server {

/// The rows that one request's statements have read and written so far. Owned by whatever answers the request. Its
/// statements run one after the other, though perhaps on different threads, so nothing here is atomic.
struct RowTally {
  std::uint64_t read = 0, written = 0;
};

/// An HTTP request that has been answered. Views are valid for the call.
struct RequestRecord {
  std::string_view method;
  std::string_view target;
  std::string_view peer;
  std::string_view name_space;  // empty if the request chose none
  std::string_view client;      // `x-libsql-client-version` or `User-Agent`
  int status = 0;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;
  RowTally rows;
  std::chrono::nanoseconds duration{0};
};

/// A statement that has finished or failed. Views are valid for the call.
struct StatementRecord {
  std::string_view name_space;
  std::string_view sql;
  std::string_view error_code;  // empty if it succeeded
  bool is_write = false;
  std::uint64_t rows_returned = 0;
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  std::chrono::nanoseconds duration{0};
};

/// Rarer events.
enum class Event : std::uint8_t {
  StreamOpened,
  StreamClosed,
  StreamExpired,
  WebSocketOpened,
  WebSocketClosed,
  TransactionTimedOut,   // it lost its turn to write
  StatementInterrupted,  // because its client has gone or its time was up
  NamespaceLoaded,
  NamespaceUnloaded,
  TooManyConnections,
  ResponseTooLarge,
};

/// Threads: called by all workers at once; must not throw and should not wait.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void request_finished(const RequestRecord&) noexcept {}
  virtual void statement_finished(const StatementRecord&) noexcept {}
  virtual void happened(Event, std::string_view /*name_space*/) noexcept {}
  /// Whether statement_finished() wants to be called. Read before every statement.
  virtual bool wants_statements() const noexcept { return true; }
};

/// Reports the beginning and end of a stream that its client can come back to.
class StreamLife {
 public:
  /// `observer` may be null; otherwise it must outlive this object.
  explicit StreamLife(Observer* observer) noexcept : observer_(observer) {
    if (observer_ != nullptr) observer_->happened(Event::StreamOpened, {});
  }
  ~StreamLife() {
    if (observer_ != nullptr) observer_->happened(Event::StreamClosed, {});
  }
  StreamLife(const StreamLife&) = delete;
  StreamLife& operator=(const StreamLife&) = delete;

 private:
  Observer* const observer_;
};

/// What a namespace has done since this process first loaded it. Kept when it is unloaded.
struct NamespaceCounters {
  std::atomic<std::uint64_t> queries{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> rows_read{0};
  std::atomic<std::uint64_t> rows_written{0};
  std::atomic<std::uint64_t> microseconds{0};                      // spent in statements
  std::atomic<std::uint64_t> grouped_writes{0}, group_commits{0};  // see GroupWriter
  // From connections that are closed now; see CacheFigures.
  std::atomic<std::uint64_t> statement_hits{0}, statement_misses{0};
  std::atomic<std::uint64_t> page_hits{0}, page_misses{0};
  std::atomic<std::uint64_t> frames_replicated{0}, writes_delegated{0};  // sent to replicas, and done for them
  std::atomic<std::uint64_t> pulls{0}, snapshots{0}, pushes{0};          // by replicas
  Taken taken;                                                           // what is counted against the budgets now
};

/// What the caches of one or more connections have done, and what they hold now.
struct CacheFigures {
  std::uint64_t statement_hits = 0, statement_misses = 0;  // texts found compiled, and others
  std::uint64_t statements = 0, statement_bytes = 0;
  std::uint64_t page_hits = 0, page_misses = 0;
  std::uint64_t page_bytes = 0;
};

/// Current values.
struct ServerGauges {
  std::size_t http_streams = 0;  // whose connection waits for the client
  std::size_t websockets = 0;
  std::size_t connections_in_use = 0;  // to databases
  std::size_t connections_waiting = 0;
  std::size_t namespaces_loaded = 0;
  std::uint64_t response_bytes_held = 0;        // by answers under construction
  std::size_t clients = 0;                      // connections of them
  std::size_t transit_bytes = 0;                // of requests that are not complete, and answers that were not taken
  std::size_t requests_waiting = 0;             // for a place to run
  std::array<std::size_t, kResources> taken{};  // by all clients together, of each Resource
};

}  // namespace libsql::server

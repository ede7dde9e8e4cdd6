// What the server reports to its metrics: one call per request and per statement, and figures on request.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/base/budget.hpp"

namespace libsql::server {

/// The rows of the statements of one request so far. Whoever answers the request has it; its statements run one after
/// the other, on whatever threads.
struct RowTally {
  std::uint64_t read = 0, written = 0;
};

/// One HTTP request that has been answered. Views are valid for the call.
struct RequestRecord {
  std::string_view method;
  std::string_view target;
  std::string_view peer;
  std::string_view name_space;  // empty if none was chosen
  std::string_view client;      // `x-libsql-client-version` or `User-Agent`
  int status = 0;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;
  RowTally rows;
  std::chrono::nanoseconds duration{0};
};

/// One statement that has run to its end or failed. Views are valid for the call.
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

/// Things that happen now and then.
enum class Event : std::uint8_t {
  StreamOpened,
  StreamClosed,
  StreamExpired,
  WebSocketOpened,
  WebSocketClosed,
  TransactionTimedOut,   // its turn to write was taken away
  StatementInterrupted,  // because its client went away or its time was over
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
  /// Whether statement_finished() wants to be called. Asked before every statement.
  virtual bool wants_statements() const noexcept { return true; }
};

/// Tells of a stream that its client can come back to, as long as it lives.
class StreamLife {
 public:
  /// `observer` may be null, and outlives this.
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

/// What a namespace has done since it was first loaded by this process. Outlives its being unloaded.
struct NamespaceCounters {
  std::atomic<std::uint64_t> queries{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> rows_read{0};
  std::atomic<std::uint64_t> rows_written{0};
  std::atomic<std::uint64_t> microseconds{0};                      // in statements
  std::atomic<std::uint64_t> grouped_writes{0}, group_commits{0};  // see GroupWriter
  // Of the connections that are closed; see CacheFigures.
  std::atomic<std::uint64_t> statement_hits{0}, statement_misses{0};
  std::atomic<std::uint64_t> page_hits{0}, page_misses{0};
  std::atomic<std::uint64_t> frames_replicated{0}, writes_delegated{0};  // to and for replicas
  Taken taken;                                                           // of what is shared out, now
};

/// What the caches of one connection or several have done, and what they hold now.
struct CacheFigures {
  std::uint64_t statement_hits = 0, statement_misses = 0;  // texts that were compiled already, and others
  std::uint64_t statements = 0, statement_bytes = 0;
  std::uint64_t page_hits = 0, page_misses = 0;
  std::uint64_t page_bytes = 0;
};

/// Numbers of now.
struct ServerGauges {
  std::size_t http_streams = 0;  // with a connection that waits for its client
  std::size_t websockets = 0;
  std::size_t connections_in_use = 0;  // of the databases
  std::size_t connections_waiting = 0;
  std::size_t namespaces_loaded = 0;
  std::uint64_t response_bytes_held = 0;  // of answers being built
};

}  // namespace libsql::server

/// \file
/// Reports to a callback what was run, how long it took and what it cost.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <libsql/detail/backend_fwd.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

class Connection;

namespace core {
class StatementObserver;
}

/// How much of the arguments a log may see.
enum class LoggedParameters : std::uint8_t {
  None,   ///< nothing: the default, as they may be secrets
  Types,  ///< names, types and sizes
  Values  ///< and the values themselves
};

/// An argument of a statement.
struct LoggedParameter {
  std::string name;  ///< as the caller gave it; empty for a positional one
  ValueType type = ValueType::Null;
  std::size_t size = 0;       ///< bytes of a text or blob
  Value value;                ///< NULL unless values are logged
  bool is_shortened = false;  ///< whether `value` is only the first bytes of it
};

/// One run of a statement, or a text that did not compile. Valid for the call of the callback.
struct QueryEvent {
  std::string_view sql;                         ///< with its parameters as placeholders
  std::span<const LoggedParameter> parameters;  ///< positional ones first
  std::chrono::system_clock::time_point started_at;
  /// From before the first step to the last row, or to the early end of its rows. It includes what the program did
  /// between two rows, and waits for locks.
  std::chrono::nanoseconds duration{0};
  std::uint64_t rows = 0;     ///< that it returned
  std::uint64_t changes = 0;  ///< rows that it changed itself
  /// Steps in full table scans: many mean that an index is missing.
  std::uint64_t fullscan_steps = 0;
  /// Rows that its loops visited in tables and indexes, whether or not they reached the result, without those of
  /// triggers; count(*) over a whole table visits pages, not rows. nullopt unless QueryLogOptions::rows_scanned is set.
  std::optional<std::uint64_t> rows_scanned;
  bool failed = false;
  const Error* error = nullptr;  ///< why it failed; null also if a hook threw something that is no Error
  std::uint64_t connection = 0;  ///< the number of the connection in this log, from 1
};

/// One line: "2.1 ms, 1 row of 1000 scanned, 0 changes: SELECT ... [1, 'x']".
LIBSQL_EXPORT std::string to_string(const QueryEvent& event);

struct QueryLogOptions {
  /// Only runs that took at least this long are reported: 100ms makes a log of slow queries.
  std::chrono::nanoseconds slower_than{0};
  /// Failures are reported however quick they were.
  bool failures = true;
  LoggedParameters parameters = LoggedParameters::None;
  /// Texts and blobs are copied up to this many bytes.
  std::size_t max_value_bytes = 256;
  /// Counts QueryEvent::rows_scanned. The engine then reads the clock at every step of every statement of the logged
  /// connections, and scans take two to three times as long: use it to investigate a problem. fullscan_steps is free.
  bool rows_scanned = false;
};

/// A callback and what is reported to it. Connections without a log run at full speed.
///
/// The callback runs in the thread that uses the connection, at the end of each statement; the log of several
/// connections may be called by several threads at once. It must not use the connection. Its exceptions are caught and
/// counted, and do not affect the statement. Copies share the counters.
class LIBSQL_EXPORT QueryLog final {
 public:
  using Callback = std::function<void(const QueryEvent&)>;

  /// Throws Misuse for an empty callback, OutOfRange for a negative duration.
  explicit QueryLog(Callback callback, QueryLogOptions options = {});
  QueryLog(const QueryLog&);
  QueryLog(QueryLog&&) noexcept;
  QueryLog& operator=(const QueryLog&);
  QueryLog& operator=(QueryLog&&) noexcept;
  ~QueryLog();

  const QueryLogOptions& options() const noexcept;
  /// How often the callback was called, and how often it threw.
  std::uint64_t reported() const noexcept;
  std::uint64_t callback_failures() const noexcept;

  struct State;
  const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
};

/// Detaches a log from a connection when it ends. Ownership: moves; keeps nothing alive. Threads: as the connection.
class LIBSQL_EXPORT QueryLogGuard final {
 public:
  QueryLogGuard(QueryLogGuard&&) noexcept;
  QueryLogGuard& operator=(QueryLogGuard&&) noexcept;
  ~QueryLogGuard();
  void stop() noexcept;

 private:
  friend LIBSQL_EXPORT QueryLogGuard log_queries(const Connection& connection, const QueryLog& log);
  QueryLogGuard(std::weak_ptr<core::Session> session, std::weak_ptr<core::StatementObserver> observer) noexcept;
  std::weak_ptr<core::Session> session_;
  std::weak_ptr<core::StatementObserver> observer_;
};

/// Logs the connection until the guard ends, or Connection::reset() or close(). A connection may have several logs. For
/// all connections of a Database, see LocalBuilder::query_log().
[[nodiscard]] LIBSQL_EXPORT QueryLogGuard log_queries(const Connection& connection, const QueryLog& log);

}  // namespace libsql

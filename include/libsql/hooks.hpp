/// \file
/// Listeners of a connection: what it is about to do, what it changes, when it commits, what its statements cost.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <libsql/authorizer.hpp>
#include <libsql/connection.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

namespace detail {
class ListenerOwner;
struct HookAccess;
struct SubscriptionAccess;
}  // namespace detail

/// Keeps a listener attached: its destructor detaches the listener, and may run inside the listener itself. It may
/// outlive the connection. Threads: as Connection.
class LIBSQL_EXPORT Subscription final {
 public:
  Subscription() noexcept;
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();

  void detach() noexcept;
  /// Leaves the listener attached until the connection is reset or closed.
  void release() noexcept;
  /// False after detach() and release(), and once the connection was reset or closed.
  bool is_attached() const noexcept;

 private:
  friend struct detail::SubscriptionAccess;
  std::weak_ptr<detail::ListenerOwner> owner_;
  std::uint64_t id_ = 0;
};

enum class ChangeKind : std::uint8_t { Insert, Update, Delete };
/// "INSERT", "UPDATE" or "DELETE".
LIBSQL_EXPORT std::string_view to_string(ChangeKind kind) noexcept;

/// A row of a rowid table was changed. All views are valid for the call only.
struct UpdateEvent {
  ChangeKind kind = ChangeKind::Insert;
  std::string_view database;
  std::string_view table;
  std::int64_t rowid = 0;
};

/// A row is about to change: its values before and after. Valid for the call only.
class LIBSQL_EXPORT RowChange final {
 public:
  ChangeKind kind() const noexcept { return kind_; }
  std::string_view database() const noexcept { return database_; }
  std::string_view table() const noexcept { return table_; }
  /// The rowid before (not for Insert) and after (not for Delete). Meaningless for a WITHOUT ROWID table.
  std::int64_t old_rowid() const noexcept { return old_rowid_; }
  std::int64_t new_rowid() const noexcept { return new_rowid_; }
  int column_count() const noexcept;
  /// The value of a column, counted from 0 as in CREATE TABLE. A virtual generated column reads as NULL. Throws
  /// OutOfRange; Misuse for the old value of an Insert, the new one of a Delete or of a write through a blob handle.
  ValueRef old_value(int column) const;
  ValueRef new_value(int column) const;
  /// 0 for a change by the statement itself, 1 by a trigger, 2 by a trigger of that trigger, ...
  int depth() const noexcept;
  /// The column that a blob handle writes. Then kind() is Update and no new value is known.
  std::optional<int> blob_column() const noexcept;

 private:
  friend struct detail::HookAccess;
  void* handle_ = nullptr;
  ChangeKind kind_ = ChangeKind::Insert;
  std::string_view database_, table_;
  std::int64_t old_rowid_ = 0, new_rowid_ = 0;
};

/// A transaction was committed to a write-ahead log.
struct WalEvent {
  std::string_view database;
  int pages = 0;  ///< in the log now
};

/// What a commit listener answers.
enum class CommitVerdict : std::uint8_t { Commit, RollBack };
/// What a progress listener answers.
enum class ProgressVerdict : std::uint8_t { GoOn, Interrupt };

/// A statement that starts, yields a row or has ended. Valid for the call only.
class LIBSQL_EXPORT StatementEvent final {
 public:
  /// The text as it was compiled; for a trigger that fires and each statement in it, "-- " and its name or text.
  std::string_view sql() const noexcept { return sql_; }
  /// The text with the arguments in it, as SQL literals. Throws TooBig (ResourceError).
  std::string expanded_sql() const;
  /// Whether a trigger or a statement in one starts, not the statement itself.
  bool is_trigger() const noexcept { return is_trigger_; }

 private:
  friend struct detail::HookAccess;
  void* handle_ = nullptr;
  std::string_view sql_;
  bool is_trigger_ = false;
};

/// The listeners of one connection. Any number of each kind can be attached and detached at any time, also inside a
/// listener; they are called in the order they were attached. All are detached when the connection is reset or closed.
///
/// Lifetime: a Hooks is a handle; listeners live as long as their Subscription says, not as long as the Hooks.
/// Threads: as Connection; listeners run on the thread that uses the connection.
/// Errors: attaching throws Misuse for an empty function, Unsupported. An exception from a listener, of any type, ends
/// the running statement, which throws it; later listeners are not called. docs/hooks.md says for each kind what
/// happens to the transaction. Inside a listener the connection cannot run SQL (Misuse); only on_wal() listeners may.
class LIBSQL_EXPORT Hooks final {
 public:
  explicit Hooks(const Connection& connection);
  Hooks(const Hooks&) noexcept;
  Hooks(Hooks&&) noexcept;
  Hooks& operator=(const Hooks&) noexcept;
  Hooks& operator=(Hooks&&) noexcept;
  ~Hooks();

  /// Is asked about everything a statement does, when it is compiled. Of several answers the strictest counts.
  [[nodiscard]] Subscription on_authorize(std::function<Verdict(const Authorization&)> listener);
  /// Recompiles every statement before its next run, so that it is authorised again: for rules that have changed.
  void authorize_again();

  /// Is called for every row changed in a rowid table. Rows of WITHOUT ROWID and virtual tables, and rows deleted by
  /// REPLACE, are reported to on_row_change() only; rows of system tables (sqlite_...) never.
  [[nodiscard]] Subscription on_update(std::function<void(const UpdateEvent&)> listener);
  /// Is called with every row before it changes, in rowid and WITHOUT ROWID tables; not for system tables, nor for
  /// virtual tables, whose underlying tables are reported instead. Throws Unsupported if the engine lacks it.
  [[nodiscard]] Subscription on_row_change(std::function<void(const RowChange&)> listener);

  /// Is asked before the commit of a transaction that has written. RollBack rolls it back; COMMIT then throws
  /// Constraint with ConstraintKind::CommitHook.
  [[nodiscard]] Subscription on_commit(std::function<CommitVerdict()> listener);
  /// Is called when a transaction is rolled back, for any reason except the end of the connection.
  [[nodiscard]] Subscription on_rollback(std::function<void()> listener);
  /// Is called after every commit to a write-ahead log. Automatic checkpoints still run, after the listeners; while one
  /// is attached, `PRAGMA wal_autocheckpoint` can be set as usual but reads 0.
  [[nodiscard]] Subscription on_wal(std::function<void(const WalEvent&)> listener);

  /// Is asked about every 1000 operations of the virtual machine. Interrupt ends the statement, which throws
  /// Interrupted.
  [[nodiscard]] Subscription on_progress(std::function<ProgressVerdict()> listener);

  /// Is called when a statement starts, triggers included.
  [[nodiscard]] Subscription on_statement(std::function<void(const StatementEvent&)> listener);
  /// Is called for every row that a statement returns.
  [[nodiscard]] Subscription on_row(std::function<void(const StatementEvent&)> listener);
  /// Is called when a statement has ended, with the time it took.
  [[nodiscard]] Subscription on_profile(std::function<void(const StatementEvent&, std::chrono::nanoseconds)> listener);
  /// Is called when the connection closes, by close() or with its last handle.
  [[nodiscard]] Subscription on_close(std::function<void()> listener);

  /// How many listeners of all kinds are attached.
  std::size_t size() const noexcept;

 private:
  std::shared_ptr<core::Session> session_;
};

}  // namespace libsql

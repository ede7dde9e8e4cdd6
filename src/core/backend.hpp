// The private interface that the three backends (local, remote, replica) implement and that the public classes call.
// Arguments come as views on the caller's stack; cells go out as views into the engine or the network buffer. Nothing
// on the path of a bind, a step or a cell allocates.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/column.hpp>
#include <libsql/connection_info.hpp>
#include <libsql/params.hpp>
#include <libsql/value.hpp>

#include "core/feature.hpp"
#include "core/observer.hpp"

namespace libsql {
enum class TransactionBehavior : std::uint8_t;
enum class ExplainKind : std::uint8_t;
struct StatementStatus;
struct StatementResult;
struct BatchStatement;

namespace detail {
enum class Wanted : std::uint8_t;
}
namespace engine {
class Connection;
}
}  // namespace libsql

namespace libsql::core {

using detail::NamedRef;
using detail::ParamsView;

/// Ends a running call from any thread. Outlives the session.
class InterruptState {
 public:
  virtual ~InterruptState() = default;
  virtual void interrupt() noexcept = 0;
};

/// Whether arguments must outlive the call that binds them: rows may be read later, or only within the call.
enum class ArgumentLifetime : std::uint8_t { Copy, Borrow };

/// A compiled statement and, while it is open, the cursor over its rows.
class Stmt {
 public:
  virtual ~Stmt() = default;

  /// Runs it to its end; arguments are borrowed. Returns the rows changed.
  virtual std::uint64_t execute(const ParamsView& params) = 0;
  /// Binds the arguments and takes the first step, so that what is wrong shows here and the columns are those
  /// of the current schema. Raises `cursor_id`.
  virtual void open(const ParamsView& params, ArgumentLifetime lifetime = ArgumentLifetime::Copy) = 0;
  /// As open() with borrowed arguments, for a caller who may find the rows to be others than it wants: until the last
  /// of them was read, undo_cursor() ends the cursor and takes back what the statement wrote.
  /// False, and nothing is done, if one row is wanted and it is known that there is none.
  virtual bool open_undoable(const ParamsView& params, detail::Wanted) {
    open(params, ArgumentLifetime::Borrow);
    return true;
  }
  virtual void undo_cursor() noexcept { close_cursor(); }
  /// Whether what a statement opened that way wrote is committed already.
  virtual bool has_committed() const noexcept { return false; }
  /// Goes to the first row (after open) or the next. At the end the statement is reset by itself.
  virtual bool next() = 0;
  /// The cell of the current row; the column must exist.
  virtual ValueRef cell(int column) noexcept = 0;
  /// The first cells of the current row, as many as `cells` has room for; the columns must exist.
  virtual void read_cells(std::span<ValueRef> cells) noexcept = 0;
  /// Ends the cursor, if one is open, and forgets the arguments.
  virtual void close_cursor() noexcept = 0;
  /// The same for whoever wants to know: what a statement that writes says at its end, or at its commit, is thrown.
  virtual void finish_cursor() = 0;

  virtual int cursor_column_count() const noexcept = 0;
  virtual std::string_view column_name(int column) const = 0;
  /// The columns as the schema is now; while a cursor is open, the cursor's.
  virtual std::span<const Column> columns() = 0;

  virtual int parameter_count() const = 0;
  virtual std::string_view parameter_name(int number) const = 0;
  virtual std::optional<int> parameter_number(std::string_view name) const = 0;
  virtual bool is_readonly() const = 0;
  virtual ExplainKind explain_kind() const = 0;
  virtual std::string_view sql() const = 0;
  virtual std::string expanded_sql(const ParamsView& params) = 0;
  virtual StatementStatus status(bool reset) = 0;
  virtual void finalize() = 0;

  /// How many Statement objects of users hold it. Without one, and without an open cursor, nobody can use it any more.
  std::uint32_t handles = 0;

  /// Changes whenever a cursor is opened or closed: a Rows whose number is another has ended.
  std::uint32_t cursor_id() const noexcept { return cursor_id_; }

 protected:
  std::uint32_t cursor_id_ = 0;
};

/// One statement that runs once for each set of arguments, all or nothing. Its end without finish() leaves nothing.
class Bulk {
 public:
  virtual ~Bulk() = default;
  /// Takes the next set, and runs it now or later together with others. The error of an earlier set carries its index.
  virtual void add(const ParamsView& params) = 0;
  /// Runs what is left and makes all of it lasting. Returns the rows changed.
  virtual std::uint64_t finish() = 0;
};

/// One session. Used by one thread at a time.
class Session {
 public:
  /// `features` must outlive it.
  explicit Session(const Features& features) noexcept : features_(&features) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  /// What it can do. Asked before anything that a mode may not offer, and before engine_connection() is used.
  const Features& features() const noexcept { return *features_; }
  /// As if it were of another kind; `features` must outlive it. A replica's local session is told so.
  void restrict_to(const Features& features) noexcept { features_ = &features; }
  /// The engine's connection where the mode has one, else null. Having one permits nothing: see features().
  virtual engine::Connection* engine_connection() noexcept = 0;

  virtual std::uint64_t execute(std::string_view sql, const ParamsView& params) = 0;
  virtual std::shared_ptr<Stmt> prepare(std::string_view sql) = 0;
  /// A statement for one use right away: where compiling is a call of its own, it is spared.
  virtual std::shared_ptr<Stmt> prepare_once(std::string_view sql) { return prepare(sql); }
  /// prepare_once() and Stmt::open(), as one call: its deadline and its interrupts are for both.
  virtual std::shared_ptr<Stmt> open(std::string_view sql, const ParamsView& params);
  /// The same with Stmt::open_undoable(); null if that is false.
  virtual std::shared_ptr<Stmt> open_undoable(std::string_view sql, const ParamsView& params, detail::Wanted wanted);
  virtual std::vector<StatementResult> execute_batch(std::string_view script) = 0;
  virtual std::vector<StatementResult> execute_batch(std::span<const BatchStatement> statements) = 0;
  /// All or nothing in one call, where the mode has a way; else none: the caller puts a transaction around
  /// execute_batch().
  virtual std::optional<std::vector<StatementResult>> execute_atomically(std::string_view script);
  virtual std::optional<std::vector<StatementResult>> execute_atomically(std::span<const BatchStatement> statements);
  /// The same for one statement with many sets of arguments; else null.
  virtual std::unique_ptr<Bulk> bulk(std::string_view sql);

  virtual void begin(TransactionBehavior behavior) = 0;
  virtual void commit() = 0;
  virtual void rollback() = 0;
  /// Whether a transaction() is open, also if the engine has lost it.
  virtual bool in_transaction() const noexcept = 0;
  /// Outside a transaction it opens one, which is watched like that of begin() until release or rollback end it.
  virtual void savepoint(std::string_view name) = 0;
  virtual void release_savepoint(std::string_view name) = 0;
  virtual void rollback_to_savepoint(std::string_view name) = 0;
  /// Undoes what followed a savepoint and removes it.
  virtual void undo_savepoint(std::string_view name) {
    rollback_to_savepoint(name);
    release_savepoint(name);
  }
  /// Whether the end of a transaction or savepoint that threw last was done all the same: what failed was somebody who
  /// was told of it.
  virtual bool was_done() const noexcept { return false; }
  /// Until the next reset(), a statement that writes throws ReadOnly.
  virtual void refuse_writes() = 0;
  /// Gives the session up after a rollback failed in a destructor; its next use says why.
  virtual void abandon(std::string reason) noexcept = 0;

  virtual void ping() = 0;
  virtual void close() = 0;
  virtual bool is_closed() const noexcept = 0;
  virtual void reset() = 0;
  /// As reset(), but may keep what the next user cannot notice: compiled statements, for one.
  enum class Recycled : std::uint8_t { Traces, Everything };
  virtual Recycled recycle() {
    reset();
    return Recycled::Everything;
  }
  /// What was set until now is the connection's own: recycle() undoes only what comes after.
  virtual void mark_clean() {}
  virtual void release_memory() = 0;
  virtual std::shared_ptr<InterruptState> interrupt_state() noexcept = 0;
  virtual void set_busy_timeout(std::chrono::milliseconds timeout) = 0;
  virtual std::chrono::milliseconds busy_timeout() const noexcept = 0;
  virtual void set_deadline(std::optional<std::chrono::milliseconds> limit) = 0;
  virtual std::optional<std::chrono::milliseconds> deadline() const noexcept = 0;

  /// Changes the encryption key of the file, also for the connections that its database gives from now on.
  virtual void rekey(std::span<const std::byte>) { features_->refuse(Feature::Rekey); }

  virtual std::uint64_t changes() = 0;
  virtual std::uint64_t total_changes() = 0;
  virtual std::int64_t last_insert_rowid() = 0;
  virtual bool is_autocommit() = 0;
  virtual bool is_readonly() = 0;
  virtual std::string path() = 0;
  /// While on, a statement throws TransactionLost if the transaction that was open then is gone.
  virtual void watch(bool on) noexcept = 0;

  /// What handles of this session have begun. The handle of what is not here any more has ended, with an outer one, by
  /// reset() or by who had the session before.
  struct Mark {
    std::uint64_t id;
    std::string name;      // the engine's
    bool watches = false;  // its transaction was begun by SQL text, and is watched as long as it is here
  };
  std::uint64_t transaction = 0;  // that a handle has begun; 0: none
  std::vector<Mark> marks;        // savepoints, the innermost last
  std::uint64_t last_handle = 0;  // never used twice
  void forget_handles() noexcept {
    transaction = 0;
    marks.clear();
  }

  /// One call of the public API that runs several statements: deadline and interrupts are for the call, not for each of
  /// them. Calls nest.
  virtual void begin_call() noexcept = 0;
  virtual void end_call() noexcept = 0;
  /// What must not fail for the sake of an interrupt, or of a deadline that has passed: undoing.
  virtual void begin_undo() noexcept = 0;
  virtual void end_undo() noexcept = 0;
  /// A destructor could not throw this: the next statement of the session does, before it runs.
  virtual void report_later(std::exception_ptr failure) noexcept = 0;
  /// The interrupt handles given out until now do nothing any more.
  virtual void renew_interrupts() = 0;

  /// Throws Misuse if the session is closed.
  virtual void add_observer(std::shared_ptr<StatementObserver> observer, ObserverLife life) = 0;
  /// Does nothing if it is not here (any more). May be called by an observer.
  virtual void remove_observer(const StatementObserver* observer) noexcept = 0;

  virtual ConnectionStatistics statistics() const = 0;
  virtual void reset_statistics() = 0;

 private:
  const Features* features_;
};

/// The time of one call that runs several statements.
class CallScope {
 public:
  explicit CallScope(Session& session) noexcept : session_(session) { session_.begin_call(); }
  ~CallScope() { session_.end_call(); }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  Session& session_;
};

/// The time in which something is undone.
class UndoScope {
 public:
  explicit UndoScope(Session& session) noexcept : session_(session) { session_.begin_undo(); }
  ~UndoScope() { session_.end_undo(); }
  UndoScope(const UndoScope&) = delete;
  UndoScope& operator=(const UndoScope&) = delete;

 private:
  Session& session_;
};

/// A database that gives sessions. Used by several threads at once.
class Store {
 public:
  virtual ~Store() = default;
  virtual Mode mode() const noexcept = 0;
  virtual std::shared_ptr<Session> connect() = 0;
  /// What new sessions have for a deadline.
  virtual std::optional<std::chrono::milliseconds> default_deadline() const noexcept = 0;
};

}  // namespace libsql::core

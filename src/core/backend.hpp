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
#include <utility>
#include <variant>
#include <vector>

#include <libsql/column.hpp>
#include <libsql/connection_info.hpp>
#include <libsql/params.hpp>
#include <libsql/value.hpp>

#include "core/observer.hpp"
#include "core/session_base.hpp"
#include "core/standing.hpp"
#include "core/statistics.hpp"

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
  /// False, and nothing is done, if rows are wanted and it is known that the statement yields none.
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

/// Several statements: a script, or texts with their arguments. A view.
using Batch = std::variant<std::string_view, std::span<const BatchStatement>>;

/// Whether a statement is for one use right away: where compiling is a call of its own, it is spared.
enum class Use : std::uint8_t { Often, Once };

/// What is done to a savepoint.
enum class SavepointStep : std::uint8_t {
  Set,
  Release,
  RollBackTo,
  Undo,  // rolls back to it, and removes it
};

/// A time that a session is told of. Such times nest.
enum class Span : std::uint8_t {
  Call,  // one call of the public API that runs several statements: it has one deadline, and an interrupt ends all of
         // it
  Undo,  // something is undone, which must not fail for the sake of an interrupt, or of a deadline that has passed
};

/// How far a session goes back to what it was when it was new.
enum class Reset : std::uint8_t {
  Traces,  // for its next user, who must not notice the last one: may keep compiled statements, for one
  Everything,
};

struct TransactionState {
  bool is_open = false;     // for the engine
  bool is_watched = false;  // for the handles, also if the engine has lost it: then a statement throws TransactionLost
  bool is_lost = false;     // a server has lost it, and nobody has ended it since
};

struct ChangeCounters {
  std::uint64_t changes = 0;
  std::uint64_t total_changes = 0;
  std::int64_t last_insert_rowid = 0;
  bool operator==(const ChangeCounters&) const = default;
};

struct DatabaseFacts {
  std::string path;  // empty if it has no file here
  bool is_readonly = false;
};

/// One session. Used by one thread at a time.
class Session : public SessionBase {
 public:
  virtual ~Session() = default;

  /// The engine's connection where the mode has one, else null. Having one permits nothing: see features().
  virtual engine::Connection* engine_connection() noexcept = 0;

  // -- statements

  virtual std::uint64_t execute(std::string_view sql, const ParamsView& params) = 0;
  virtual std::shared_ptr<Stmt> prepare(std::string_view sql, Use use) = 0;
  std::shared_ptr<Stmt> prepare(std::string_view sql) { return prepare(sql, Use::Often); }
  /// Use::Once and Stmt::open(), or open_undoable() if few rows are wanted, as one call: its deadline and its
  /// interrupts are for both. Null if open_undoable() is false.
  virtual std::shared_ptr<Stmt> open(std::string_view sql, const ParamsView& params,
                                     std::optional<detail::Wanted> few = std::nullopt);
  virtual std::vector<StatementResult> execute_batch(const Batch& batch) = 0;
  /// All or nothing in one call, where the mode has a way; else none: the caller puts a transaction around
  /// execute_batch().
  virtual std::optional<std::vector<StatementResult>> execute_atomically(const Batch& batch);
  /// The same for one statement with many sets of arguments; else null.
  virtual std::unique_ptr<Bulk> bulk(std::string_view sql);

  // -- transactions

  virtual void begin(TransactionBehavior behavior) = 0;
  /// The end of the transaction also ends its handles and its watch.
  virtual void commit() = 0;
  virtual void rollback() = 0;
  /// Sets was_done() if it throws.
  virtual void savepoint(SavepointStep step, std::string_view name) = 0;
  /// While on, a statement throws TransactionLost if the transaction that was open then is gone.
  virtual void watch(bool on) noexcept = 0;
  /// While on, the open transaction is ended by whoever began it: SQL text that begins or ends one, close() and a reset
  /// throw Misuse.
  virtual void guard_transaction(bool on) noexcept = 0;
  virtual TransactionState transaction_state() const noexcept = 0;
  bool in_transaction() const noexcept { return transaction_state().is_watched; }
  /// Throws Misuse if the session is closed.
  bool is_autocommit() const {
    require_open();
    return !transaction_state().is_open;
  }

  // -- life

  virtual const Standing& standing() const noexcept = 0;
  bool is_closed() const noexcept { return !standing().is_good(); }
  void require_open() const { standing().require(); }
  virtual void ping() = 0;
  virtual void close() = 0;
  /// Gives the session up after a rollback failed in a destructor; its next use says why.
  virtual void abandon(std::string reason) noexcept = 0;
  /// Undoes what was done to it, at least as far as that; returns how far. After Traces the interrupt handles given out
  /// until now do nothing any more.
  virtual Reset undo_use(Reset least) = 0;
  void reset() { undo_use(Reset::Everything); }
  /// What was set until now is the connection's own: Reset::Traces undoes only what comes after.
  virtual void mark_clean() = 0;
  virtual void release_memory() = 0;

  // -- waiting

  virtual std::shared_ptr<InterruptState> interrupt_state() noexcept = 0;
  virtual void enter(Span span) noexcept = 0;
  virtual void leave(Span span) noexcept = 0;
  /// Waits, as a part of the call. Throws Interrupted and Timeout.
  virtual void pause(std::chrono::nanoseconds time) = 0;
  /// A destructor could not throw this: the next statement of the session does, before it runs.
  virtual void report_later(std::exception_ptr failure) noexcept = 0;
  virtual SessionSettings settings() const noexcept = 0;
  virtual void apply(const SessionSettings& settings) = 0;
  /// Applies the settings as `change` leaves them.
  template <class Change>
  void change_settings(Change&& change) {
    SessionSettings changed = settings();
    change(changed);
    apply(changed);
  }

  // -- what is known of it

  /// Throws Misuse if the session is closed, as facts() does.
  virtual ChangeCounters counters() const = 0;
  virtual DatabaseFacts facts() const = 0;
  /// Those who watch its statements.
  virtual ObserverList& observers() noexcept = 0;
  /// Throws Misuse if the session is closed.
  void add_observer(std::shared_ptr<StatementObserver> observer, ObserverLife life) {
    require_open();
    observers().add(std::move(observer), life);
  }
  /// Since it was made, but for what reset_statistics() has put behind it.
  ConnectionStatistics statistics() const { return since(figures(), baseline()); }
  void reset_statistics() { set_baseline(figures()); }

 protected:
  using SessionBase::SessionBase;
  /// Its counters since it was made.
  virtual ConnectionStatistics figures() const = 0;
};

/// The time of one call that runs several statements.
class CallScope {
 public:
  explicit CallScope(Session& session) noexcept : session_(session) { session_.enter(Span::Call); }
  ~CallScope() { session_.leave(Span::Call); }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  Session& session_;
};

/// The time in which something is undone.
class UndoScope {
 public:
  explicit UndoScope(Session& session) noexcept : session_(session) { session_.enter(Span::Undo); }
  ~UndoScope() { session_.leave(Span::Undo); }
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

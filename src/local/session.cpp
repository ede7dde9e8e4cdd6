#include "local/session.hpp"

#include <libsql/batch.hpp>
#include <libsql/transaction.hpp>

#include "core/errors.hpp"
#include "core/query_log.hpp"
#include "local/snapshot.hpp"
#include "local/store.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"

namespace libsql::local {

Session::Session(std::shared_ptr<Store> store)
    : store_(std::move(store)),
      connection_(store_->open_connection()),
      cache_(*connection_, store_->options().statement_cache_bytes) {
  if (const std::shared_ptr<WriteLine>& line = store_->write_line()) {
    turn_.emplace(*connection_, line,
                  store_->options().mvcc ? WriteTurn::Scope::AllWrites : WriteTurn::Scope::Transactions);
  }
  for (const QueryLog& log : store_->options().query_logs) {
    connection_->add_observer(core::make_query_log_observer(log), core::ObserverLife::Connection);
  }
}

Session::~Session() {
  cache_.clear();
  connection_->close_all();
  if (turn_) turn_->give_up();
}

const Capabilities& Session::capabilities() const noexcept {
  static const Capabilities kLocal = [] {
    Capabilities all;
    all.mode = Mode::Local;
    all.hooks = all.user_functions = all.load_extension = all.wal_api = all.snapshots = all.incremental_blobs =
        all.backup = all.column_origins = all.vfs = true;
    all.encryption = engine::Connection::has_encryption();
    return all;
  }();
  return kLocal;
}

std::uint64_t Session::execute(std::string_view sql, const core::ParamsView& params) {
  connection_->require_open();
  if (connection_->deadline() && !connection_->is_in_call()) [[unlikely]] {
    const core::CallScope call(*this);  // compiling is a part of it
    return execute(sql, params);
  }
  return cache_.with(sql, [&](engine::Statement& statement) { return statement.execute(params); });
}

std::shared_ptr<core::Stmt> Session::prepare(std::string_view sql) {
  connection_->require_open();
  return cache_.take(sql);
}

void Session::run(std::string_view sql) { execute(sql, {}); }

StatementResult Session::run_statement(engine::Statement& statement, const core::ParamsView& params) {
  StatementResult result;
  const std::uint64_t total_before = connection_->total_changes();
  statement.open(params, core::ArgumentLifetime::Borrow);
  const int count = statement.cursor_column_count();
  if (count > 0) {
    for (int i = 0; i < count; ++i) result.columns.emplace_back(statement.column_name(i));
    const auto names = std::make_shared<const std::vector<std::string>>(result.columns);
    while (statement.next()) {
      std::vector<Value> values;
      values.reserve(static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i) values.emplace_back(statement.cell(i));
      result.rows.emplace_back(std::move(values), names);
    }
  } else {
    statement.next();
  }
  if (connection_->total_changes() != total_before) result.changes = connection_->changes();
  result.last_insert_rowid = connection_->last_insert_rowid();
  return result;
}

std::vector<StatementResult> Session::execute_batch(std::string_view script) {
  connection_->require_open();
  const core::CallScope call(*this);
  std::vector<StatementResult> results;
  for (const sql::Statement& entry : sql::split(script)) {
    try {
      cache_.with(entry.text, [&](engine::Statement& statement) { results.push_back(run_statement(statement, {})); });
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, results.size());
    }
  }
  return results;
}

std::vector<StatementResult> Session::execute_batch(std::span<const BatchStatement> statements) {
  connection_->require_open();
  const core::CallScope call(*this);
  std::vector<StatementResult> results;
  results.reserve(statements.size());
  for (const BatchStatement& entry : statements) {
    try {
      const detail::ParamsRefs params(entry.params);
      cache_.with(entry.sql,
                  [&](engine::Statement& statement) { results.push_back(run_statement(statement, params.view())); });
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, results.size());
    }
  }
  return results;
}

void Session::begin(TransactionBehavior behavior) {
  switch (behavior) {
    case TransactionBehavior::Deferred:
      cache_.run(Control::Begin);
      break;
    case TransactionBehavior::Immediate:
      begin_writing(Control::BeginImmediate);
      break;
    case TransactionBehavior::Exclusive:
      begin_writing(Control::BeginExclusive);
      break;
    case TransactionBehavior::ReadOnly:
      cache_.run(Control::Begin);
      enter_read_only();
      break;
  }
  connection_->set_in_transaction(true);
  ++connection_->statistics.transactions;
}

void Session::begin_writing(Control begin) {
  connection_->require_open();
  const core::CallScope call(*this);  // the wait in line is a part of it
  if (!turn_) return cache_.run(begin);
  turn_->take();
  try {
    cache_.run(begin);
  } catch (...) {
    turn_->settle();
    throw;
  }
  turn_->settle();
}

std::shared_ptr<const HeldSnapshot> Session::snapshot() {
  connection_->require_open();
  const core::CallScope call(*this);
  if (!connection_->is_autocommit()) return std::make_shared<const HeldSnapshot>(store_, *connection_);
  // The log may be emptied between two steps, but not again and again: then something else is wrong.
  for (int attempts = 0; attempts < 100; ++attempts) {
    cache_.run(Control::Begin);
    std::shared_ptr<const HeldSnapshot> held;
    try {
      held = std::make_shared<const HeldSnapshot>(store_, *connection_);
    } catch (const SnapshotTooOld&) {  // the log is empty, or was emptied between two steps
    } catch (...) {
      const core::UndoScope undo(*this);
      cache_.run(Control::Rollback);
      throw;
    }
    cache_.run(Control::Commit);
    if (held) return held;
    if (connection_->is_readonly()) {
      core::throw_unsupported("a snapshot of a database whose log is empty", "local",
                              "the connection may not write to it");
    }
    // Rewrites one field with its own value: now the log has a frame.
    begin_writing(Control::BeginImmediate);
    try {
      connection_->execute_script("PRAGMA main.user_version=" +
                                  std::to_string(connection_->query_integer("PRAGMA main.user_version")));
      cache_.run(Control::Commit);
    } catch (...) {
      const core::UndoScope undo(*this);
      if (!connection_->is_autocommit()) cache_.run(Control::Rollback);
      throw;
    }
  }
  core::throw_error(ErrorCode::SnapshotTooOld,
                    "no snapshot could be held: the log was emptied each time, or the file has been replaced");
}

void Session::begin_at(const HeldSnapshot& snapshot) {
  connection_->require_open();
  if (snapshot.store().write_line() != store_->write_line() || store_->write_line() == nullptr) {
    core::throw_error(ErrorCode::Misuse, "the snapshot is of another database");
  }
  if (!connection_->is_autocommit()) {
    core::throw_error(ErrorCode::Misuse, "a transaction at a snapshot cannot begin inside another one");
  }
  const core::CallScope call(*this);
  cache_.run(Control::Begin);
  try {
    snapshot.state().open_on(*connection_);
    enter_read_only();
  } catch (...) {
    const core::UndoScope undo(*this);
    if (!connection_->is_autocommit()) cache_.run(Control::Rollback);
    throw;
  }
  connection_->set_in_transaction(true);
  ++connection_->statistics.transactions;
}

void Session::enter_read_only() {
  // A connection that may only read stays so afterwards.
  restore_writing_ = connection_->query_integer("PRAGMA query_only") == 0;
  connection_->refuse_writes(engine::Connection::ReadOnlyReason::Transaction);
  read_only_transaction_ = true;
}

void Session::commit() {
  connection_->forget_last_run();
  std::exception_ptr failure;  // a listener's, who was told of the end
  try {
    cache_.run(Control::Commit);
  } catch (...) {
    if (!connection_->last_run_was_done()) throw;
    failure = std::current_exception();
  }
  connection_->set_in_transaction(false);
  forget_handles();
  ++connection_->statistics.commits;
  leave_read_only();
  if (failure != nullptr) std::rethrow_exception(failure);
}

// Undoes, whatever listeners, an authorizer or an interrupt have against it; then the listeners' exception is thrown.
// An interrupt lasts while any statement runs, rows that are being read included: they are to end with it.
template <class Undo>
void Session::undo_surely(const std::string& text, Undo&& undo) {
  const core::UndoScope scope(*this);
  connection_->forget_last_run();
  std::exception_ptr failure;
  try {
    undo();
    return;
  } catch (const TransactionLost&) {
    throw;
  } catch (const Interrupted&) {
    connection_->cut_cursors();
  } catch (...) {
    failure = std::current_exception();
  }
  if (!connection_->last_run_was_done()) connection_->execute_unheard(text);
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Session::rollback() {
  std::exception_ptr failure;
  if (!connection_->is_autocommit()) {
    try {
      undo_surely("ROLLBACK", [&] { cache_.run(Control::Rollback); });
    } catch (...) {
      if (!connection_->is_autocommit()) throw;
      failure = std::current_exception();
    }
  }
  connection_->set_in_transaction(false);
  forget_handles();
  leave_read_only();
  ++connection_->statistics.rollbacks;
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Session::leave_read_only() noexcept {
  if (!read_only_transaction_) return;
  read_only_transaction_ = false;
  connection_->allow_writes(engine::Connection::ReadOnlyReason::Transaction);
  if (!restore_writing_) return;
  const core::UndoScope undo(*this);
  try {
    connection_->execute_script("PRAGMA query_only=0");
  } catch (const std::exception& error) {
    abandon(std::string("the connection could not leave its read-only transaction: ") + error.what());
  }
}

void Session::savepoint(std::string_view name) {
  if (name.empty()) core::throw_error(ErrorCode::Misuse, "a savepoint needs a name");
  const bool opens = !in_transaction() && connection_->is_autocommit();
  run("SAVEPOINT " + sql::quote_identifier(name));
  if (opens) connection_->set_in_transaction(true);
}

void Session::release_savepoint(std::string_view name) {
  connection_->forget_last_run();
  const auto note_end = [&] {
    if (connection_->is_autocommit()) connection_->set_in_transaction(false);  // it was the outermost
  };
  try {
    run("RELEASE " + sql::quote_identifier(name));
  } catch (...) {
    if (connection_->last_run_was_done()) note_end();
    throw;
  }
  note_end();
}

void Session::rollback_to_savepoint(std::string_view name) {
  const std::string text = "ROLLBACK TO " + sql::quote_identifier(name);
  undo_surely(text, [&] { run(text); });
}

void Session::undo_savepoint(std::string_view name) {
  std::exception_ptr failure;
  try {
    rollback_to_savepoint(name);
  } catch (...) {
    if (!connection_->last_run_was_done()) throw;
    failure = std::current_exception();
  }
  undo_surely("RELEASE " + sql::quote_identifier(name), [&] { release_savepoint(name); });
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Session::abandon(std::string reason) noexcept {
  forget_handles();
  if (!connection_->is_stepping()) {  // else a callback gives it up, and it is closed when it ends
    cache_.clear();
    connection_->close_all();
    if (turn_) turn_->give_up();
  }
  connection_->abandon(std::move(reason));
}

void Session::ping() {
  connection_->require_open();
  const core::CallScope call(*this);
  run("PRAGMA schema_version");  // through the engine, with its locks and its deadline
  connection_->probe_file();
}

void Session::require_unguarded(const char* what) const {
  if (!connection_->has_transaction_guard()) return;
  core::throw_error(ErrorCode::Misuse, std::string("the connection cannot be ") + what +
                                           ": the transaction that is open here belongs to somebody else, who ends it");
}

void Session::close() {
  if (connection_->is_closed()) return;
  require_unguarded("closed");
  connection_->require_outside_callbacks("close()");
  cache_.clear();
  connection_->close();
  if (turn_) turn_->give_up();
}

void Session::reset() {
  connection_->require_open();
  require_unguarded("reset");
  connection_->require_outside_callbacks("reset()");
  connection_->end_cursors();
  connection_->run_cleanups();
  end_transactions();
  connection_->allow_writes(engine::Connection::ReadOnlyReason::Session);
  cache_.clear();
  store_->restore_pragmas(*connection_);  // first: with query_only=1, for one, nothing could be dropped
  connection_->drop_temporary_objects();
  connection_->detach_databases();
  connection_->restore_limits();
  connection_->set_busy_timeout(store_->options().busy_timeout);
  connection_->set_deadline(store_->options().default_deadline);
  connection_->set_change_counters({});
  mark_clean();
}

void Session::end_transactions() {
  if (in_transaction()) rollback();
  if (!connection_->is_autocommit()) connection_->execute_script("ROLLBACK");
  forget_handles();
  if (turn_) turn_->settle();
}

Session::Recycled Session::recycle() {
  connection_->require_outside_callbacks("reset()");
  if (is_soiled()) {
    reset();
    return Recycled::Everything;
  }
  connection_->require_open();
  connection_->end_cursors();
  end_transactions();
  connection_->set_change_counters({});
  return Recycled::Traces;
}

std::optional<std::chrono::milliseconds> Session::default_deadline() const noexcept {
  return store_->options().default_deadline;
}

void Session::mark_clean() {
  cache_.forget_traces();
  touched_ = false;
  temporary_version_ = connection_->temporary_version();
}

void Session::release_memory() {
  connection_->require_open();
  connection_->require_outside_callbacks("release_memory()");
  cache_.clear();
  connection_->release_memory();
}

void Session::rekey(std::span<const std::byte> key) {
  try {
    connection_->rekey(key);
  } catch (const Error&) {
    if (connection_->is_abandoned()) abandon(connection_->unusable_reason());  // which ends its transaction and locks
    throw;
  }
  store_->key_changed(key);
}

std::uint64_t Session::changes() {
  connection_->require_open();
  return connection_->changes();
}
std::uint64_t Session::total_changes() {
  connection_->require_open();
  return connection_->total_changes();
}
std::int64_t Session::last_insert_rowid() {
  connection_->require_open();
  return connection_->last_insert_rowid();
}
std::string Session::path() { return store_->is_memory() ? std::string() : connection_->path(); }

bool Session::is_autocommit() {
  connection_->require_open();
  return connection_->is_autocommit();
}

void Session::add_observer(std::shared_ptr<core::StatementObserver> observer, core::ObserverLife life) {
  connection_->require_open();
  touched_ = true;  // a reset removes it
  connection_->add_observer(std::move(observer), life);
}

ConnectionStatistics Session::statistics() const {
  ConnectionStatistics statistics = connection_->statistics;
  statistics.cached_statements = cache_.size();
  statistics.cached_bytes = cache_.bytes();
  statistics.busy_waits = connection_->busy_waits();
  return statistics;
}

void Session::reset_statistics() {
  connection_->statistics = {};
  connection_->reset_busy_waits();
}

}  // namespace libsql::local

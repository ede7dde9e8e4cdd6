#include "local/session.hpp"

#include <libsql/batch.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "core/errors.hpp"
#include "core/query_log.hpp"
#include "engine/hooks.hpp"
#include "engine/plan_counts.hpp"
#include "engine/snapshot.hpp"
#include "local/snapshot.hpp"
#include "local/store.hpp"
#include "sql/quote.hpp"
#include "sql/split.hpp"

namespace libsql::local {
namespace {

const core::Features& local_features() {
  using enum core::Feature;
  static const core::Features kFeatures = [] {
    std::vector<core::Feature> lacking;
    if (!engine::Connection::has_encryption()) lacking.insert(lacking.end(), {Encryption, Rekey});
    if (!engine::Hooks::has_row_changes()) lacking.insert(lacking.end(), {RowChangeHook, ChangeStream});
    if (!engine::Snapshot::is_supported()) lacking.push_back(Snapshots);
    if (!engine::counts_plans()) lacking.push_back(PlanCounters);
    return core::Features(Mode::Local, lacking);
  }();
  return kFeatures;
}

}  // namespace

Session::Session(std::shared_ptr<Store> store)
    : core::Session(local_features()),
      runner_(store, store->options().statement_cache_bytes,
              store->options().writers_in_line ? WriteTurn::Scope::AllWrites : WriteTurn::Scope::Transactions) {
  set_initial_settings(settings());
  for (const QueryLog& log : this->store().options().query_logs) {
    connection().observers().add(core::make_query_log_observer(log), core::ObserverLife::Connection);
  }
}

Session::Session(std::shared_ptr<Store> store, BorrowedConnection lent)
    : core::Session(local_features()),
      runner_(store, std::move(lent), store->options().statement_cache_bytes,
              store->options().writers_in_line ? WriteTurn::Scope::AllWrites : WriteTurn::Scope::Transactions),
      is_lent_(true) {
  set_initial_settings(settings());
  mark_clean();
}

// A lent connection goes back in the state in which it came, or is not used again.
Session::~Session() {
  if (!is_lent_ || is_closed()) return;
  try {
    undo_use(core::Reset::Traces);
  } catch (const std::exception& error) {
    abandon(std::string("the connection could not be reset: ") + error.what());
  }
}

// Compiling is part of the call, so both have one deadline.
template <class Body>
inline auto Session::in_one_call(Body&& body) {
  connection().require_open();
  if (patience().deadline() && !patience().is_in_call()) [[unlikely]] {
    const core::CallScope call(*this);
    return body();
  }
  const engine::Patience::OneCall call(patience());
  return body();
}

std::uint64_t Session::execute(std::string_view sql, const core::ParamsView& params) {
  return in_one_call(
      [&] { return texts().with(sql, [&](engine::Statement& statement) { return statement.execute(params); }); });
}

std::shared_ptr<core::Stmt> Session::open(std::string_view sql, const core::ParamsView& params,
                                          std::optional<detail::Wanted> few) {
  return in_one_call([&] {
    std::shared_ptr<engine::Statement> statement = texts().take(sql);
    if (!few) {
      statement->open(params, core::ArgumentLifetime::Copy);
    } else if (!statement->open_undoable(params, *few)) {
      statement = nullptr;
    }
    return statement;
  });
}

std::shared_ptr<core::Stmt> Session::prepare(std::string_view sql, core::Use) {
  require_open();
  return texts().take(sql);
}

void Session::run(std::string_view sql) { execute(sql, {}); }

StatementResult Session::run_statement(engine::Statement& statement, const core::ParamsView& params) {
  StatementResult result;
  const std::uint64_t total_before = connection().total_changes();
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
  if (connection().total_changes() != total_before) result.changes = connection().changes();
  result.last_insert_rowid = connection().last_insert_rowid();
  return result;
}

namespace {

// Calls `run` with the text and arguments of each statement.
template <class Run>
void for_each_statement(const core::Batch& batch, Run&& run) {
  if (const auto* const script = std::get_if<std::string_view>(&batch)) {
    for (const sql::Statement& entry : sql::split(*script)) run(entry.text, core::ParamsView{});
    return;
  }
  for (const BatchStatement& entry : std::get<std::span<const BatchStatement>>(batch)) {
    const detail::ParamsRefs params(entry.params);
    run(entry.sql, params.view());
  }
}

}  // namespace

std::vector<StatementResult> Session::execute_batch(const core::Batch& batch) {
  require_open();
  const core::CallScope call(*this);
  std::vector<StatementResult> results;
  for_each_statement(batch, [&](std::string_view sql, const core::ParamsView& params) {
    try {
      texts().with(sql, [&](engine::Statement& statement) { results.push_back(run_statement(statement, params)); });
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, results.size());
    }
  });
  return results;
}

void Session::begin(TransactionBehavior behavior) {
  switch (behavior) {
    case TransactionBehavior::Deferred:
      texts().run(Control::Begin);
      break;
    case TransactionBehavior::Immediate:
      begin_writing(Control::BeginImmediate);
      break;
    case TransactionBehavior::Exclusive:
      begin_writing(Control::BeginExclusive);
      break;
    case TransactionBehavior::ReadOnly:
      texts().run(Control::Begin);
      enter_read_only();
      break;
  }
  connection().set_in_transaction(true);
  ++connection().statistics.transactions;
}

void Session::begin_writing(Control begin) {
  connection().require_open();
  const core::CallScope call(*this);  // waiting for the turn is part of the call
  WriteTurn* const turn = runner_.turn();
  if (turn == nullptr) return texts().run(begin);
  turn->take();
  try {
    texts().run(begin);
  } catch (...) {
    turn->settle();
    throw;
  }
  turn->settle();
}

std::shared_ptr<const HeldSnapshot> Session::snapshot() {
  connection().require_open();
  const core::CallScope call(*this);
  if (!connection().is_autocommit()) return std::make_shared<const HeldSnapshot>(runner_.shared_store(), connection());
  // Another connection may empty the log between two steps. If that happens again and again, something else is wrong.
  for (int attempts = 0; attempts < 100; ++attempts) {
    texts().run(Control::Begin);
    std::shared_ptr<const HeldSnapshot> held;
    try {
      held = std::make_shared<const HeldSnapshot>(runner_.shared_store(), connection());
    } catch (const SnapshotTooOld&) {  // the log is empty, or was emptied between two steps
    } catch (...) {
      const core::UndoScope undo(*this);
      texts().run(Control::Rollback);
      throw;
    }
    texts().run(Control::Commit);
    if (held) return held;
    if (connection().is_readonly()) {
      core::throw_unsupported("a snapshot of a database whose log is empty", "local",
                              "the connection may not write to it");
    }
    // Rewrites a field with its own value, so that the log has a frame.
    begin_writing(Control::BeginImmediate);
    try {
      connection().execute_script("PRAGMA main.user_version=" +
                                  std::to_string(connection().query_integer("PRAGMA main.user_version")));
      texts().run(Control::Commit);
    } catch (...) {
      const core::UndoScope undo(*this);
      if (!connection().is_autocommit()) texts().run(Control::Rollback);
      throw;
    }
  }
  core::throw_error(ErrorCode::SnapshotTooOld,
                    "no snapshot could be held: the log was emptied each time, or the file has been replaced");
}

void Session::begin_at(const HeldSnapshot& snapshot) {
  connection().require_open();
  if (snapshot.store().write_line() != store().write_line() || store().write_line() == nullptr) {
    core::throw_error(ErrorCode::Misuse, "the snapshot is of another database");
  }
  if (!connection().is_autocommit()) {
    core::throw_error(ErrorCode::Misuse, "a transaction at a snapshot cannot begin inside another one");
  }
  const core::CallScope call(*this);
  texts().run(Control::Begin);
  try {
    snapshot.state().open_on(connection());
    enter_read_only();
  } catch (...) {
    const core::UndoScope undo(*this);
    if (!connection().is_autocommit()) texts().run(Control::Rollback);
    throw;
  }
  connection().set_in_transaction(true);
  ++connection().statistics.transactions;
}

void Session::enter_read_only() {
  // A connection that was read-only before stays so afterwards.
  restore_writing_ = connection().query_integer("PRAGMA query_only") == 0;
  connection().refuse_writes(engine::Connection::ReadOnlyReason::Transaction);
  read_only_transaction_ = true;
}

void Session::commit() {
  connection().forget_last_run();
  std::exception_ptr failure;  // from a listener that was told of the commit
  try {
    texts().run(Control::Commit);
  } catch (...) {
    if (!connection().last_run_was_done()) throw;
    failure = std::current_exception();
  }
  connection().set_in_transaction(false);
  forget_handles();
  ++connection().statistics.commits;
  leave_read_only();
  if (failure != nullptr) std::rethrow_exception(failure);
}

// Undoes even if listeners, an authorizer or an interrupt object. An exception of a listener is thrown at the end.
// An interrupt stays in force while any statement is running, including cursors, so these are ended with it.
template <class Undo>
void Session::undo_surely(const std::string& text, Undo&& undo) {
  const core::UndoScope scope(*this);
  connection().forget_last_run();
  std::exception_ptr failure;
  try {
    undo();
    return;
  } catch (const TransactionLost&) {
    throw;
  } catch (const Interrupted&) {
    connection().cut_cursors();
  } catch (...) {
    failure = std::current_exception();
  }
  if (!connection().last_run_was_done()) connection().execute_unheard(text);
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Session::rollback() {
  std::exception_ptr failure;
  if (!connection().is_autocommit()) {
    try {
      undo_surely("ROLLBACK", [&] { texts().run(Control::Rollback); });
    } catch (...) {
      if (!connection().is_autocommit()) throw;
      failure = std::current_exception();
    }
  }
  connection().set_in_transaction(false);
  forget_handles();
  leave_read_only();
  ++connection().statistics.rollbacks;
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Session::leave_read_only() noexcept {
  if (!read_only_transaction_) return;
  read_only_transaction_ = false;
  connection().allow_writes(engine::Connection::ReadOnlyReason::Transaction);
  if (!restore_writing_) return;
  const core::UndoScope undo(*this);
  try {
    connection().execute_script("PRAGMA query_only=0");
  } catch (const std::exception& error) {
    abandon(std::string("the connection could not leave its read-only transaction: ") + error.what());
  }
}

void Session::savepoint(core::SavepointStep step, std::string_view name) {
  std::string quoted = sql::quote_identifier(name);
  connection().forget_last_run();
  try {
    switch (step) {
      case core::SavepointStep::Set:
        return run("SAVEPOINT " + std::move(quoted));
      case core::SavepointStep::Release:
        return run("RELEASE " + std::move(quoted));
      case core::SavepointStep::RollBackTo:
        return roll_back_to_savepoint(quoted);
      case core::SavepointStep::Undo:
        return undo_savepoint(quoted);
    }
  } catch (...) {
    set_was_done(connection().last_run_was_done());
    throw;
  }
}

void Session::roll_back_to_savepoint(const std::string& quoted) {
  const std::string text = "ROLLBACK TO " + quoted;
  undo_surely(text, [&] { run(text); });
}

void Session::undo_savepoint(const std::string& quoted) {
  std::exception_ptr failure;
  try {
    roll_back_to_savepoint(quoted);
  } catch (...) {
    if (!connection().last_run_was_done()) throw;
    failure = std::current_exception();
  }
  const std::string text = "RELEASE " + quoted;
  undo_surely(text, [&] { run(text); });
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Session::abandon(std::string reason) noexcept {
  forget_handles();
  if (!connection().is_stepping()) {  // otherwise this is a callback of the running statement, and the connection is
                                      // closed later
    runner_.close_all();
  }
  connection().abandon(std::move(reason));
}

void Session::pause(std::chrono::nanoseconds time) {
  constexpr std::chrono::milliseconds kUnnoticed{5};  // longest delay until an interrupt is noticed
  const engine::Clock::time_point until = engine::Clock::now() + time;
  for (;;) {
    patience().check_call();
    const auto left = until - engine::Clock::now();
    if (left <= engine::Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<engine::Clock::duration>(left, kUnnoticed));
  }
}

void Session::ping() {
  connection().require_open();
  const core::CallScope call(*this);
  run("PRAGMA schema_version");  // through the engine, with its locks and deadline
  connection().probe_file();
}

void Session::require_unguarded(const char* what) const {
  if (connection().has_transaction_guard()) core::throw_foreign_transaction(what);
}

void Session::close() {
  if (connection().is_closed()) return;
  require_unguarded("the connection cannot be closed");
  connection().require_outside_callbacks("close()");
  runner_.close();
}

core::Reset Session::undo_use(core::Reset least) {
  require_open();
  require_unguarded("the connection cannot be reset");
  connection().require_outside_callbacks("reset()");
  if (least == core::Reset::Traces) patience().renew_interrupts();
  if (least == core::Reset::Everything || is_soiled()) {
    restore();
    return core::Reset::Everything;
  }
  connection().end_cursors();
  end_transactions();
  connection().set_change_counters({});
  return core::Reset::Traces;
}

void Session::restore() {
  connection().end_cursors();
  connection().run_cleanups();
  end_transactions();
  connection().allow_writes(engine::Connection::ReadOnlyReason::Session);
  texts().clear();
  store().restore_pragmas(connection());  // first, because with query_only=1, for example, nothing could be dropped
  connection().drop_temporary_objects();
  connection().detach_databases();
  connection().restore_limits();
  apply(initial_settings());
  connection().set_change_counters({});
  mark_clean();
}

void Session::end_transactions() {
  connection().report_later(nullptr);  // the user who should get it has gone
  if (in_transaction()) rollback();
  if (!connection().is_autocommit()) connection().execute_script("ROLLBACK");
  forget_handles();
  runner_.settle();
}

core::SessionSettings Session::settings() const noexcept {
  return {patience().busy_timeout(), patience().deadline(),
          connection().has_read_only_reason(engine::Connection::ReadOnlyReason::Session)};
}

void Session::apply(const core::SessionSettings& settings) {
  touched_ = true;
  const core::SessionSettings before = this->settings();
  patience().set_busy_timeout(settings.busy_timeout);
  if (settings.deadline != before.deadline) patience().set_deadline(settings.deadline);
  if (settings.refuses_writes == before.refuses_writes) return;
  if (settings.refuses_writes) {
    connection().refuse_writes(engine::Connection::ReadOnlyReason::Session);
  } else {
    connection().allow_writes(engine::Connection::ReadOnlyReason::Session);
  }
}

void Session::enter(core::Span span) noexcept {
  if (span == core::Span::Call) {
    patience().begin_call();
  } else {
    patience().begin_undo();
  }
}

void Session::leave(core::Span span) noexcept {
  if (span == core::Span::Call) {
    patience().end_call();
  } else {
    patience().end_undo();
  }
}

void Session::mark_clean() {
  texts().forget_traces();
  touched_ = false;
  temporary_version_ = connection().temporary_version();
}

void Session::release_memory() {
  connection().require_open();
  connection().require_outside_callbacks("release_memory()");
  texts().clear();
  connection().release_memory();
}

void Session::rekey(std::span<const std::byte> key) {
  connection().require_open();
  if (store().is_memory()) {
    core::throw_unsupported(to_string(core::Feature::Rekey), to_string(Mode::Local),
                            "a database in memory has no file, and is in use as long as it lives");
  }
  store().spares().close();  // they would be in the way, and have the old key
  try {
    connection().rekey(key);
  } catch (const Error&) {
    if (is_closed()) abandon(standing().reason());  // which ends its transaction and locks
    throw;
  }
  store().key_changed(key);
}

core::ChangeCounters Session::counters() const {
  require_open();
  return connection().change_counters();
}

core::DatabaseFacts Session::facts() const {
  require_open();
  return {store().is_memory() ? std::string() : connection().path(), connection().is_readonly()};
}

ConnectionStatistics Session::figures() const {
  ConnectionStatistics figures = connection().statistics;
  figures.cached_statements = texts().size();
  figures.cached_bytes = texts().bytes();
  figures.busy_waits = patience().busy_waits();
  return figures;
}

}  // namespace libsql::local

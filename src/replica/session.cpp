#include "replica/session.hpp"

#include <algorithm>
#include <utility>

#include <libsql/batch.hpp>
#include <libsql/transaction.hpp>

#include "core/errors.hpp"
#include "core/query_log.hpp"
#include "core/statistics.hpp"
#include "engine/hooks.hpp"
#include "engine/plan_counts.hpp"
#include "replica/statement.hpp"
#include "sql/classify.hpp"
#include "sql/split.hpp"

namespace libsql::replica {
namespace {

const core::Features& replica_features() {
  using enum core::Feature;
  static const core::Features kFeatures = [] {
    std::vector<core::Feature> lacking;
    if (!engine::Connection::has_encryption()) lacking.push_back(Encryption);
    if (!engine::counts_plans()) lacking.push_back(PlanCounters);
    return core::Features(Mode::Replica, lacking);
  }();
  return kFeatures;
}

// Tells the observers of the session what those of the two below are told.
class Relay final : public core::StatementObserver {
 public:
  explicit Relay(core::ObserverList& to) : to_(to), wants_scans_(to.wants_rows_scanned()) {}
  bool wants_rows_scanned() const noexcept override { return wants_scans_; }
  void started(const void* run, const core::ParamsView& params) noexcept override { to_.started(run, params); }
  void finished(const void* run, const core::StatementRun& ended) noexcept override { to_.finished(run, ended); }
  void refused(std::string_view sql, const Error& error) noexcept override { to_.refused(sql, error); }

 private:
  core::ObserverList& to_;
  const bool wants_scans_;
};

[[noreturn]] void throw_read_only(const char* message, std::string_view sql, bool transaction_open) {
  detail::ErrorData data;
  data.code = ErrorCode::ReadOnly;
  data.message = message;
  data.sql = sql;
  data.transaction_open = transaction_open;
  core::throw_error(std::move(data));
}

[[noreturn]] void throw_refused() {
  core::throw_unsupported("changing the file", to_string(Mode::Replica),
                          "it belongs to the frames of the primary, and no key is sent there");
}

bool is_open_or_watched(const core::TransactionState& state) noexcept { return state.is_open || state.is_watched; }

// The statements of a batch, in the words of sql::split() or as they were given.
struct Entry {
  std::string_view sql;
  const BatchStatement* given = nullptr;
};

std::vector<Entry> entries_of(const core::Batch& batch) {
  std::vector<Entry> entries;
  if (const auto* const script = std::get_if<std::string_view>(&batch)) {
    for (const sql::Statement& statement : sql::split(*script)) entries.push_back({statement.text, nullptr});
  } else {
    for (const BatchStatement& statement : std::get<std::span<const BatchStatement>>(batch)) {
      entries.push_back({statement.sql, &statement});
    }
  }
  return entries;
}

core::Batch batch_of(const Entry& entry) {
  if (entry.given == nullptr) return entry.sql;
  return std::span<const BatchStatement>(entry.given, 1);
}

// What is left from an entry on.
core::Batch rest_of(const core::Batch& batch, const std::vector<Entry>& entries, std::size_t from) {
  if (const auto* const script = std::get_if<std::string_view>(&batch)) {
    return script->substr(static_cast<std::size_t>(entries[from].sql.data() - script->data()));
  }
  return std::get<std::span<const BatchStatement>>(batch).subspan(from);
}

}  // namespace

// What interrupts all that the session may be waiting for.
class Session::Interrupts final : public core::InterruptState {
 public:
  Interrupts(std::vector<std::shared_ptr<core::InterruptState>> all) : all_(std::move(all)) {}
  void interrupt() noexcept override {
    for (const auto& one : all_) one->interrupt();
  }

 private:
  const std::vector<std::shared_ptr<core::InterruptState>> all_;
};

Session::Session(std::shared_ptr<Store> store)
    : core::Session(replica_features()),
      store_(std::move(store)),
      copy_(std::make_shared<local::Session>(store_->source().store())),
      observers_([this] { relay_observers(); }) {
  if (store_->options().primary != nullptr) primary_ = store_->options().primary->connect();
  copy_->restrict_to(replica_features());
  if (primary_ != nullptr) primary_->restrict_to(replica_features());
  // Whatever a text is taken for, it cannot write the file.
  copy_->connection().refuse_writes(engine::Connection::ReadOnlyReason::Copy);
  copy_->connection().set_change_feed(feed_);
  copy_->mark_clean();
  settings_ = copy_->settings();
  set_initial_settings(settings_);
  for (const QueryLog& log : store_->options().query_logs) {
    observers_.add(core::make_query_log_observer(log), core::ObserverLife::Connection);
  }
  store_->add(*this);
}

Session::~Session() { store_->remove(*this); }

// -- where things are ------------------------------------------------------------------------------------------------

bool Session::is_at_primary() const noexcept {
  if (primary_ == nullptr) return false;
  const core::TransactionState state = primary_->transaction_state();
  return is_open_or_watched(state) || state.is_lost;
}

bool Session::is_at_copy() const noexcept { return is_open_or_watched(copy_->transaction_state()); }

core::Session& Session::holder() noexcept {
  return primary_ == nullptr || (is_at_copy() && !is_at_primary()) ? static_cast<core::Session&>(*copy_) : *primary_;
}

core::Session& Session::primary(std::string_view sql) {
  if (primary_ == nullptr) throw_read_only("the replica has no primary that could be written to", sql, is_at_copy());
  if (store_->is_frozen()) {
    core::throw_error(ErrorCode::Misuse, "the replica is frozen: open its file as a local database to write to it",
                      sql);
  }
  return *primary_;
}

void Session::require_usable(std::string_view) {
  require_open();
  if (to_report_ != nullptr) [[unlikely]]
    std::rethrow_exception(std::exchange(to_report_, nullptr));
  if (feed_->has_waiting()) [[unlikely]]
    feed_->deliver();
}

Place Session::place(Route route, std::string_view sql) {
  require_usable(sql);
  if (route == Route::Refused) throw_refused();
  if (is_at_primary()) {
    authorize(route, sql);
    return Place::Primary;
  }
  if (is_at_copy()) {
    if (runs_on_copy(route)) return Place::Copy;
    throw_read_only("the transaction is read-only", sql, true);
  }
  switch (route) {
    case Route::Copy:
    case Route::CopyIfRead:
      read_own_writes();
      return Place::Copy;
    case Route::Here:
    case Route::Both:
      return Place::Copy;
    case Route::Control:
      if (primary_ == nullptr) return Place::Copy;
      break;
    default:
      break;
  }
  static_cast<void>(primary(sql));
  authorize(route, sql);
  return Place::Primary;
}

bool Session::has_authorizer() const noexcept {
  const engine::Hooks* const hooks = copy_->connection().existing_hooks();
  return hooks != nullptr && !hooks->authorizers.empty();
}

void Session::authorize(Route route, std::string_view sql) {
  if (!has_authorizer()) [[likely]]
    return;
  // A PRAGMA acts while it is compiled.
  if (route != Route::Copy && sql::classify(sql).kind == sql::StatementKind::Pragma) {
    core::throw_error(ErrorCode::Auth, "the authorizer cannot be asked about a PRAGMA for the primary", sql);
  }
  const engine::Hooks::Strict strict(copy_->connection().hooks());
  const auto compile = [&] {
    static_cast<void>(engine::Statement::prepare(copy_->connection(), sql, engine::Statement::Persistence::Once));
  };
  try {
    compile();
  } catch (const SqlError&) {  // perhaps it names what was made a moment ago
    if (is_at_primary()) throw;
    read_own_writes();
    compile();
  }
}

void Session::read_own_writes() {
  if (store_->has_writes() || is_at_copy()) [[likely]]
    return;
  const remote::CallInterrupt::Running running(*waits_);
  net::Wait wait;
  wait.interrupt = &waits_->waits();
  if (calls_ > 0) wait.deadline = call_deadline_;
  const std::optional<std::chrono::milliseconds> limit =
      settings_.deadline ? settings_.deadline : store_->options().sync_deadline;
  if (wait.deadline.is_never() && limit) wait.deadline = net::Deadline::after(*limit);
  store_->copy_writes(wait);
}

void Session::note_primary(Wrote wrote) noexcept {
  if (primary_->is_closed() || copy_->is_closed()) return;
  const std::optional<FrameNumber> told =
      store_->options().told_index ? store_->options().told_index(*primary_) : std::nullopt;
  // So that changes() and last_insert_rowid() in SQL say on the copy what they say elsewhere.
  copy_->connection().set_change_counters(primary_->counters());
  if (wrote == Wrote::Nothing || primary_->transaction_state().is_open) return;
  if (wrote == Wrote::IfTold && !told) return;
  store_->note_write(told);
}

void Session::set_at_primary(std::string_view sql) {
  if (primary_ == nullptr) return;
  if (has_authorizer()) {
    static_cast<void>(engine::Statement::prepare(copy_->connection(), sql, engine::Statement::Persistence::Once));
  }
  primary(sql).execute(sql, {});
}

void Session::remove(Statement& statement) noexcept { std::erase(live_, &statement); }

// -- statements ------------------------------------------------------------------------------------------------------

std::uint64_t Session::execute(std::string_view sql, const core::ParamsView& params) {
  Route route = route_of(sql);
  if (place(route, sql) == Place::Copy) {
    if (route == Route::Both) set_at_primary(sql);
    if (route != Route::CopyIfRead) return copy_->execute(sql, params);
    return prepare(sql, core::Use::Once)->execute(params);
  }
  return at_primary(may_write(route), [&] { return primary_->execute(sql, params); });
}

std::shared_ptr<core::Stmt> Session::prepare(std::string_view sql, core::Use use) {
  Route route = route_of(sql);
  std::shared_ptr<core::Stmt> copy;
  std::shared_ptr<core::Stmt> there;
  const auto ask_primary = [&] {
    core::Session& asked = primary(sql);
    there = at_primary(false, [&] { return asked.prepare(sql, use); });
  };
  require_usable(sql);
  // A statement that writes only describes itself here; where it runs is decided when it does.
  const bool describes = route == Route::Primary && !is_at_primary();
  if (describes) {
    if (primary_ != nullptr && (use == core::Use::Once || !store_->has_writes())) {
      ask_primary();
    } else {
      try {
        copy = copy_->prepare(sql, use);
      } catch (const Error&) {  // the copy may be older than the statement
        if (primary_ == nullptr) throw;
        ask_primary();
      }
    }
  } else if (place(route, sql) == Place::Copy) {
    if (route == Route::Both) set_at_primary(sql);
    copy = copy_->prepare(sql, use);
    if (route == Route::CopyIfRead && copy->explain_kind() == ExplainKind::None && !copy->is_readonly()) {
      route = Route::Primary;
    }
  } else {
    ask_primary();
  }
  return std::make_shared<Statement>(*this, sql, route, std::move(copy), std::move(there));
}

std::shared_ptr<core::Stmt> Session::open(std::string_view sql, const core::ParamsView& params,
                                          std::optional<detail::Wanted> few) {
  const Route route = route_of(sql);
  if (route == Route::Copy && place(route, sql) == Place::Copy) return copy_->open(sql, params, few);
  return core::Session::open(sql, params, few);
}

// Before any is sent: a part of them must not have been done when one is refused.
void Session::authorize(const core::Batch& batch) {
  if (!has_authorizer()) return;
  std::size_t i = 0;
  for (const Entry& entry : entries_of(batch)) {
    try {
      authorize(route_of(entry.sql), entry.sql);
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, i);
    }
    ++i;
  }
}

std::vector<StatementResult> Session::execute_batch(const core::Batch& batch) {
  require_usable({});
  const core::CallScope call(*this);
  const std::vector<Entry> entries = entries_of(batch);
  bool reads = true;
  bool begins_here = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Route route = route_of(entries[i].sql);
    reads &= route == Route::Copy || route == Route::CopyIfRead;
    if (i == 0) begins_here = route == Route::Copy && sql::classify(entries[i].sql).kind == sql::StatementKind::Begin;
    if (route != Route::Refused) continue;
    try {
      throw_refused();
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, i);
    }
  }
  if (!is_at_primary()) {
    if (is_at_copy() || begins_here || primary_ == nullptr) return run_one_by_one(batch);
    if (reads) {
      read_own_writes();
      return copy_->execute_batch(batch);
    }
  }
  core::Session& there = primary({});
  authorize(batch);
  return at_primary(true, [&] { return there.execute_batch(batch); });
}

// As long as each may be somewhere else; what is left when that is clear goes in one piece.
std::vector<StatementResult> Session::run_one_by_one(const core::Batch& batch) {
  const std::vector<Entry> entries = entries_of(batch);
  std::vector<StatementResult> results;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    try {
      if (i > 0 && primary_ != nullptr && !is_at_copy()) {
        for (StatementResult& result : execute_batch(rest_of(batch, entries, i))) results.push_back(std::move(result));
        return results;
      }
      static_cast<void>(place(route_of(entries[i].sql), entries[i].sql));
      for (StatementResult& result : copy_->execute_batch(batch_of(entries[i]))) results.push_back(std::move(result));
    } catch (const Error& error) {
      core::rethrow_with_statement_index(error, i + error.statement_index().value_or(0));
    }
  }
  return results;
}

std::optional<std::vector<StatementResult>> Session::execute_atomically(const core::Batch& batch) {
  require_usable({});
  const std::vector<Entry> entries = entries_of(batch);
  const bool reads = std::all_of(entries.begin(), entries.end(), [](const Entry& entry) {
    const Route route = route_of(entry.sql);
    return route == Route::Copy || route == Route::CopyIfRead;
  });
  if (!is_at_primary() && (is_at_copy() || primary_ == nullptr || reads)) {
    if (is_at_copy()) return std::nullopt;
    // Nothing is written: all or nothing is to see one state.
    const core::CallScope call(*this);
    begin(TransactionBehavior::ReadOnly);
    try {
      std::vector<StatementResult> results = execute_batch(batch);
      commit();
      return results;
    } catch (...) {
      rollback();
      throw;
    }
  }
  core::Session& there = primary({});
  authorize(batch);
  return at_primary(true, [&] { return there.execute_atomically(batch); });
}

namespace {

// Notes the writes of the one that it holds.
template <class Note>
class NotingBulk final : public core::Bulk {
 public:
  NotingBulk(std::unique_ptr<core::Bulk> held, Note note) : held_(std::move(held)), note_(std::move(note)) {}
  void add(const core::ParamsView& params) override {
    note_([&] { held_->add(params); });
  }
  std::uint64_t finish() override {
    std::uint64_t changes = 0;
    note_([&] { changes = held_->finish(); });
    return changes;
  }

 private:
  std::unique_ptr<core::Bulk> held_;
  Note note_;
};

}  // namespace

std::unique_ptr<core::Bulk> Session::bulk(std::string_view sql) {
  require_usable(sql);
  if (primary_ == nullptr || (is_at_copy() && !is_at_primary())) return nullptr;
  if (route_of(sql) == Route::Refused) throw_refused();
  core::Session& there = primary(sql);
  authorize(route_of(sql), sql);
  std::unique_ptr<core::Bulk> held = there.bulk(sql);
  if (held == nullptr) return nullptr;
  auto note = [this](const auto& run) { at_primary(true, run); };
  return std::make_unique<NotingBulk<decltype(note)>>(std::move(held), std::move(note));
}

// -- transactions ----------------------------------------------------------------------------------------------------

void Session::begin(TransactionBehavior behavior) {
  require_usable("BEGIN");
  const bool here = behavior == TransactionBehavior::ReadOnly || primary_ == nullptr;
  if (!is_at_primary() && (here || is_at_copy())) {
    if (behavior == TransactionBehavior::Immediate || behavior == TransactionBehavior::Exclusive) {
      static_cast<void>(primary("BEGIN IMMEDIATE"));
    }
    read_own_writes();
    copy_->begin(TransactionBehavior::ReadOnly);
    return;
  }
  core::Session& there = primary("BEGIN");
  authorize(Route::Control, "BEGIN");
  at_primary(false, [&] { there.begin(behavior); });
}

void Session::commit() {
  if (&holder() == copy_.get()) {
    try {
      copy_->commit();
    } catch (...) {
      if (!is_at_copy()) forget_handles();
      throw;
    }
  } else {
    authorize(Route::Here, "COMMIT");
    at_primary(true, [&] { primary_->commit(); });
  }
  forget_handles();
}

void Session::rollback() {
  if (&holder() == copy_.get()) {
    try {
      copy_->rollback();
    } catch (...) {
      if (!is_at_copy()) forget_handles();
      throw;
    }
  } else {
    at_primary(false, [&] { primary_->rollback(); });
  }
  forget_handles();
}

void Session::savepoint(core::SavepointStep step, std::string_view name) {
  core::Session& where = holder();
  try {
    if (&where == copy_.get()) {
      copy_->savepoint(step, name);
    } else {
      at_primary(true, [&] { primary("SAVEPOINT").savepoint(step, name); });
    }
  } catch (...) {
    set_was_done(where.was_done());
    throw;
  }
}

void Session::watch(bool on) noexcept { holder().watch(on); }

void Session::guard_transaction(bool on) noexcept {
  copy_->guard_transaction(on);
  if (primary_ != nullptr) primary_->guard_transaction(on);
}

core::TransactionState Session::transaction_state() const noexcept {
  return is_at_primary() ? primary_->transaction_state() : copy_->transaction_state();
}

// -- life ------------------------------------------------------------------------------------------------------------

const core::Standing& Session::standing() const noexcept {
  if (!standing_.is_good() || primary_ == nullptr) return standing_.is_good() ? copy_->standing() : standing_;
  return copy_->is_closed() ? copy_->standing() : primary_->standing();
}

void Session::ping() {
  require_open();
  copy_->ping();
}

void Session::close() {
  if (is_closed()) return;
  core::StatementsInUse in_use;
  for (const Statement* const statement : live_) {
    if (statement->is_in_use()) in_use.add(statement->sql());
  }
  in_use.require_none();
  copy_->close();
  if (primary_ != nullptr) primary_->close();
  standing_.end("the connection is closed");
}

void Session::abandon(std::string reason) noexcept {
  forget_handles();
  for (Statement* const statement : live_) statement->close_cursor();
  copy_->abandon(reason);
  if (primary_ != nullptr) primary_->abandon(reason);
  standing_.end(std::move(reason));
}

core::Reset Session::undo_use(core::Reset least) {
  require_open();
  const core::Reset done = copy_->undo_use(least);
  for (Statement* const statement : live_) statement->close_cursor();
  if (primary_ != nullptr) primary_->undo_use(done);
  forget_handles();
  if (least == core::Reset::Traces) waits_ = std::make_shared<remote::CallInterrupt>();
  observers_.end_until_reset();
  to_report_ = nullptr;
  settings_ = copy_->settings();
  return done;
}

void Session::mark_clean() {
  copy_->mark_clean();
  if (primary_ != nullptr) primary_->mark_clean();
}

void Session::release_memory() {
  copy_->release_memory();
  if (primary_ != nullptr) primary_->release_memory();
}

// -- waiting ---------------------------------------------------------------------------------------------------------

std::shared_ptr<core::InterruptState> Session::interrupt_state() noexcept {
  std::vector<std::shared_ptr<core::InterruptState>> all = {copy_->interrupt_state(), waits_};
  if (primary_ != nullptr) all.push_back(primary_->interrupt_state());
  return std::make_shared<Interrupts>(std::move(all));
}

void Session::enter(core::Span span) noexcept {
  copy_->enter(span);
  if (primary_ != nullptr) primary_->enter(span);
  if (span == core::Span::Undo) return waits_->suspend();
  waits_->begin();
  if (calls_++ == 0) call_deadline_ = settings_.deadline ? net::Deadline::after(*settings_.deadline) : net::Deadline();
}

void Session::leave(core::Span span) noexcept {
  if (span == core::Span::Undo) {
    waits_->resume();
  } else {
    --calls_;
    waits_->end();
  }
  if (primary_ != nullptr) primary_->leave(span);
  copy_->leave(span);
}

void Session::pause(std::chrono::nanoseconds time) {
  if (primary_ != nullptr) return primary_->pause(time);
  copy_->pause(time);
}

void Session::apply(const core::SessionSettings& settings) {
  copy_->apply(settings);
  if (primary_ != nullptr) {
    core::SessionSettings there = settings;
    // Without a deadline of its own the session keeps that of requests.
    if (!there.deadline) there.deadline = store_->options().primary->default_deadline();
    primary_->apply(there);
  }
  settings_ = settings;
}

// -- facts -----------------------------------------------------------------------------------------------------------

core::ChangeCounters Session::counters() const {
  require_open();
  return primary_ != nullptr ? primary_->counters() : copy_->counters();
}

core::DatabaseFacts Session::facts() const {
  require_open();
  core::DatabaseFacts facts = copy_->facts();
  facts.is_readonly = settings_.refuses_writes || primary_ == nullptr;
  return facts;
}

ConnectionStatistics Session::figures() const {
  ConnectionStatistics sum = copy_->statistics();
  if (primary_ == nullptr) return sum;
  const ConnectionStatistics there = primary_->statistics();
  core::add(sum, there);
  sum.cached_statements += there.cached_statements;
  sum.cached_bytes += there.cached_bytes;
  return sum;
}

// Whoever watches the statements of one session pays for it, so nobody watches these two for nobody.
void Session::relay_observers() {
  const bool wanted = !observers_.empty();
  if (wanted && relay_ != nullptr && relay_->wants_rows_scanned() == observers_.wants_rows_scanned()) return;
  if (relay_ != nullptr) {
    copy_->observers().remove(relay_.get());
    if (primary_ != nullptr) primary_->observers().remove(relay_.get());
    relay_ = nullptr;
  }
  if (!wanted) return;
  relay_ = std::make_shared<Relay>(observers_);
  copy_->observers().add(relay_, core::ObserverLife::Connection);
  if (primary_ != nullptr) primary_->observers().add(relay_, core::ObserverLife::Connection);
}

}  // namespace libsql::replica

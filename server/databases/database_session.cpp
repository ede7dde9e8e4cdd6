#include "server/databases/database_session.hpp"

#include <algorithm>
#include <array>

#include <libsql/virtual_table.hpp>
#include "core/observer.hpp"

#include "engine/hooks.hpp"
#include "engine/virtual_table.hpp"
#include "local/store.hpp"
#include "server/base/failure.hpp"
#include "server/databases/syntax.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::server {
namespace {

// Bytes that the note of a statement takes beside its texts.
constexpr std::size_t kNoteBytes = 700;

// Page cache sizes in KiB. The small one is for times when many sessions are in use: each of 128 clients may hold one
// in a transaction.
constexpr const char* kLargeCache = "PRAGMA cache_size=-4000";
constexpr const char* kSmallCache = "PRAGMA cache_size=-500";

constexpr std::string_view synchronous_of(Durability durability) noexcept {
  switch (durability) {
    case Durability::Off:
      return "OFF";
    case Durability::Relaxed:
      return "NORMAL";
    case Durability::Strong:
      return "FULL";
    case Durability::Extra:
      return "EXTRA";
  }
  return "FULL";
}

// Makes the engine count the rows that loops visit.
class ScanCounter final : public core::StatementObserver {
 public:
  bool wants_rows_scanned() const noexcept override { return true; }
  void started(const void*, const core::ParamsView&) noexcept override {}
  void finished(const void*, const core::StatementRun&) noexcept override {}
};

bool is_forbidden_function(std::string_view name) noexcept {
  return sql::equals_ignoring_case(name, "load_extension") || sql::equals_ignoring_case(name, "fts3_tokenizer") ||
         sql::equals_ignoring_case(name, "optimize") ||  // of FTS3; it writes from within a SELECT
         (name.size() > 9 && sql::equals_ignoring_case(name.substr(0, 9), "sqlite3mc"));
}

// Would show the statements of everybody who has used the connection.
bool is_private_table(std::string_view name) noexcept { return sql::equals_ignoring_case(name, "sqlite_stmt"); }

// The result of PRAGMA database_list without the paths of the server's files.
class DatabaseList final : public VirtualTable {
 public:
  explicit DatabaseList(engine::Connection& connection) noexcept : connection_(connection) {}
  std::string declaration() const override { return "CREATE TABLE x(seq, name, file)"; }
  std::unique_ptr<VirtualCursor> open() override { return std::make_unique<Cursor>(connection_.database_names()); }

 private:
  class Cursor final : public VirtualCursor {
   public:
    explicit Cursor(std::vector<std::string> names) noexcept : names_(std::move(names)) {}
    void filter(const TableScan&) override { at_ = 0; }
    bool at_end() const override { return at_ >= names_.size(); }
    void next() override { ++at_; }
    void column(int column, ResultSink& result) override {
      if (column == 0) return result.set(static_cast<std::int64_t>(at_ == 0 ? 0 : at_ + 1));  // number 1 is temp
      result.set(column == 1 ? std::string_view(names_[at_]) : std::string_view());
    }
    std::int64_t rowid() override { return static_cast<std::int64_t>(at_); }

   private:
    std::vector<std::string> names_;
    std::size_t at_ = 0;
  };
  engine::Connection& connection_;
};
constexpr std::string_view kDatabaseList = "pragma_database_list";

}  // namespace

DatabaseSession::DatabaseSession(std::shared_ptr<local::Store> store, std::shared_ptr<WritersRoom> room,
                                 const NamespaceConfig& config, std::uint64_t config_version, const Options& options)
    : observer_(options.observer.get()),
      config_version_(config_version),
      room_(std::move(room)),
      runner_(
          std::move(store), options.limits.statement_cache_bytes, local::WriteTurn::Scope::AllWrites,
          [this](local::WriteTurn& turn) { return give_way(turn); }, room_.get()) {
  set_up(config, options);
}

DatabaseSession::~DatabaseSession() {
  const std::lock_guard use(use_mutex_);  // a waiting writer may be inside give_way() of this session
  runner_.close_all();
}

void DatabaseSession::set_up(const NamespaceConfig& config, const Options& options) {
  engine::Connection& connection = this->connection();
  connection.patience().set_busy_timeout(options.timeouts.write_wait);
  connection.patience().set_deadline(options.timeouts.statement);
  connection.patience().set_stoppable(true);
  // Twice the engine's default, because a miss shows in every look-up: reading a page from the system's cache takes 0.6
  // us of the 14 us of a whole request. Idle sessions give the pages back.
  connection.query_text(kLargeCache);
  const Durability durability = config.durability.value_or(options.durability);
  connection.execute_script("PRAGMA synchronous=" + std::string(synchronous_of(durability)));
  if (config.max_db_size) {
    const auto page =
        static_cast<std::uint64_t>(std::max<std::int64_t>(connection.query_integer("PRAGMA page_size"), 1));
    const std::uint64_t pages = std::clamp<std::uint64_t>(*config.max_db_size / page, 1, 4'294'967'294);
    connection.query_text("PRAGMA max_page_count=" + std::to_string(pages));
  }
  const std::size_t row =
      std::min<std::size_t>(config.max_row_size.value_or(options.limits.max_row_size), 1'000'000'000);
  connection.set_limit(Limit::Length, static_cast<int>(row));
  connection.set_defensive(true);
  engine::add_module(
      connection, kDatabaseList,
      [&connection](const TableRequest&) { return std::make_unique<DatabaseList>(connection); }, ModuleKind::Eponymous,
      engine::TableAccess::ReadOnly);
  engine::Hooks& hooks = connection.hooks();
  hooks.add(hooks.authorizers,
            engine::Hooks::Authorizer([this](const Authorization& what) { return authorize(what); }));
  counts_exactly_ = options.rows_read == RowsRead::Exact;
  if (counts_exactly_) connection.observers().add(std::make_shared<ScanCounter>(), core::ObserverLife::Connection);
}

Verdict DatabaseSession::authorize(const Authorization& what) noexcept {
  switch (what.action) {
    case Action::Attach:
      return attaching_ ? Verdict::Allow : Verdict::Deny;
    case Action::Pragma: {
      const bool has_value = what.argument.data() != nullptr;
      // Noted here, as the text may not show it: a connection with changed settings is not given to another client.
      changed_ |= has_value && sql::is_connection_setting(what.name);
      // The engine's own list, even in an EXPLAIN, reveals paths. DatabaseList stands in for it.
      if (sql::equals_ignoring_case(what.name, "database_list")) return Verdict::Deny;
      return is_allowed_pragma(what.name, has_value) ? Verdict::Allow : Verdict::Deny;
    }
    case Action::Read:
      return is_private_table(what.table) ? Verdict::Deny : Verdict::Allow;
    case Action::Function:
      return is_forbidden_function(what.name) ? Verdict::Deny : Verdict::Allow;
    case Action::CreateTempIndex:
    case Action::CreateTempTable:
    case Action::CreateTempTrigger:
    case Action::CreateTempView:
      return Verdict::Deny;
    case Action::CreateVirtualTable:
      return sql::equals_ignoring_case(what.name, "sqlite_dbpage") ? Verdict::Deny : Verdict::Allow;
    default:
      return Verdict::Allow;
  }
}

// Called on the thread of a writer that waits for this one.
bool DatabaseSession::give_way(local::WriteTurn& turn) noexcept {
  const std::unique_lock use(use_mutex_, std::try_to_lock);
  if (!use) return false;
  try {
    connection().cut_cursors();
    const bool alone = is_autocommit();  // no transaction: a single statement, which is cut off or has finished
    if (!alone) connection().execute_script("ROLLBACK");
    turn.taken_away();
    if (alone) return true;
  } catch (const std::exception&) {  // it keeps the turn, and the writer tries again
    return false;
  }
  read_only_ = false;
  lost_.store(Lost::Untold, std::memory_order_relaxed);
  if (observer_ != nullptr) observer_->happened(Event::TransactionTimedOut, {});
  return true;
}

std::shared_ptr<Prepared> DatabaseSession::prepare(std::string_view sql, const StatementRules& rules) {
  local::StatementCache& texts = runner_.texts();
  const std::shared_ptr<engine::Statement>* const found = texts.find(sql);
  if (found != nullptr && (*found)->note != nullptr) [[likely]] {
    auto* const prepared = static_cast<Prepared*>((*found)->note.get());
    rules.require(prepared->traits);
    return {*found, prepared};
  }
  auto prepared = std::make_unique<Prepared>();
  prepared->text = only_statement(sql);
  const std::string& text = prepared->text;
  prepared->traits = traits_of(text);
  const StatementTraits& traits = prepared->traits;
  if (traits.kind == StatementClass::Unsupported) require_supported(text, traits);
  rules.require(traits);
  if (traits.kind == StatementClass::Attach) return prepared;
  const bool once = traits.is_pragma || texts.peek(sql) != nullptr;
  std::shared_ptr<engine::Statement> statement;
  try {
    statement = engine::Statement::prepare(
        connection(), for_engine(text, traits),
        once ? engine::Statement::Persistence::Once : engine::Statement::Persistence::Cached);
  } catch (const Error& error) {
    if (is_syntax_error(error)) throw_syntax_error(error, text);
    throw;
  }
  for (int i = 1; i <= statement->parameter_count(); ++i) {
    const std::string_view name = statement->parameter_name(i);
    if (!name.empty() && name.front() != '?') prepared->has_named = true;
  }
  prepared->statement = statement.get();
  Prepared* const note = prepared.get();
  statement->note = std::move(prepared);
  if (!once) texts.keep(sql, statement, kNoteBytes);
  return {std::move(statement), note};
}

const CacheFigures& DatabaseSession::cache_figures() noexcept {
  const std::unique_lock use(use_mutex_, std::try_to_lock);
  if (!use) return figures_;
  figures_.statement_hits = connection().statistics.cache_hits;
  figures_.statement_misses = connection().statistics.cache_misses;
  figures_.statements = runner_.texts().size();
  figures_.statement_bytes = runner_.texts().bytes();
  const engine::Connection::PageCache pages = connection().take_page_cache();
  figures_.page_hits += pages.hits;
  figures_.page_misses += pages.misses;
  figures_.page_bytes = pages.bytes;
  return figures_;
}

const StatementTraits* DatabaseSession::known(std::string_view sql) const noexcept {
  const engine::Statement* const found = runner_.texts().peek(sql);
  return found == nullptr || found->note == nullptr ? nullptr : &static_cast<const Prepared&>(*found->note).traits;
}

std::shared_ptr<engine::Statement> DatabaseSession::compile(const std::string& sql) {
  return engine::Statement::prepare(connection(), sql, engine::Statement::Persistence::Once);
}

void DatabaseSession::attach(const std::string& file, std::string_view alias_as_written) {
  attaching_ = true;
  try {
    connection().execute_script("ATTACH " + sql::quote_literal(file) + " AS " + std::string(alias_as_written));
  } catch (const Error& error) {
    attaching_ = false;
    // The engine's message names the file.
    if (error.code() == ErrorCode::CannotOpen)
      throw StatementFailure("SQLITE_CANTOPEN", "SQLite error: the namespace cannot be opened");
    throw;
  }
  attaching_ = false;
}

void DatabaseSession::statement_done(const StatementTraits& traits, bool wrote) noexcept {
  wrote_ |= wrote || traits.is_insert;
  changed_ |= traits.changes_session;
  if (traits.kind == StatementClass::End && is_autocommit()) read_only_ = false;
  if (traits.kind == StatementClass::Begin) outer_savepoint_.clear();
}

void DatabaseSession::require_transaction(const Prepared& prepared) {
  if (!has_lost_transaction()) [[likely]]
    return;
  const bool was_told = lost_.exchange(Lost::Told, std::memory_order_relaxed) == Lost::Told;
  const sql::Classification what = sql::classify(prepared.text);
  const bool is_end = prepared.traits.kind == StatementClass::End;
  const bool releases = what.kind == sql::StatementKind::Release && prepared.traits.kind == StatementClass::Savepoint &&
                        !outer_savepoint_.empty() &&
                        sql::equals_ignoring_case(sql::unquote(what.name), outer_savepoint_);
  const bool begins = prepared.traits.kind == StatementClass::Begin && was_told;
  if (is_end || releases || begins) {
    lost_.store(Lost::No, std::memory_order_relaxed);
    outer_savepoint_.clear();
  }
  if (begins) return;
  // Gives ROLLBACK a transaction to roll back, so that it succeeds.
  if (is_end && what.kind == sql::StatementKind::Rollback) return connection().execute_script("BEGIN");
  throw transaction_timed_out();
}

Residue DatabaseSession::residue() {
  const Use use(*this);  // a waiting writer may be rolling it back
  // A lost transaction counts too, as the client does not know of it yet.
  if (changed_ || !is_autocommit() || has_lost_transaction()) return Residue::Session;
  return wrote_ ? Residue::Counters : Residue::None;
}

void DatabaseSession::fit_cache(std::size_t sessions) noexcept {
  constexpr std::size_t kFew = 16;
  const bool large = sessions <= kFew;
  if (large == has_large_cache_) [[likely]]
    return;
  try {
    const engine::Hooks::Internal internal(&connection().hooks());  // not a setting changed by the client
    connection().query_text(large ? kLargeCache : kSmallCache);
    has_large_cache_ = large;
  } catch (const std::exception&) {  // it keeps its size
  }
}

void DatabaseSession::release_memory() noexcept {
  try {
    const Use use(*this);
    connection().release_memory();
  } catch (const std::exception&) {  // a connection that fails here has little memory to give
  }
}

bool DatabaseSession::recycle() noexcept {
  try {
    const Use use(*this);
    connection().end_cursors();
    if (!is_autocommit()) connection().execute_script("ROLLBACK");
    runner_.settle();
    lost_.store(Lost::No, std::memory_order_relaxed);
    outer_savepoint_.clear();
    if (changed_ || connection().patience().is_interrupted()) return false;
    connection().set_change_counters({});
    read_only_ = wrote_ = false;
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace libsql::server

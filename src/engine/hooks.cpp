#include "engine/hooks.hpp"

#include <climits>
#include <cstring>

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/change_log.hpp"
#include "engine/connection_state.hpp"
#include "engine/values.hpp"
#include "sql/classify.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::detail {

struct HookAccess {
  static RowChange row_change(sqlite3* db, ChangeKind kind, const char* database, const char* table,
                              std::int64_t old_rowid, std::int64_t new_rowid) noexcept {
    RowChange change;
    change.handle_ = db;
    change.kind_ = kind;
    change.database_ = database;
    change.table_ = table;
    change.old_rowid_ = old_rowid;
    change.new_rowid_ = new_rowid;
    return change;
  }
  static StatementEvent statement(sqlite3_stmt* stmt, const char* text) noexcept {
    StatementEvent event;
    event.handle_ = stmt;
    event.sql_ = text == nullptr ? "" : text;
    event.is_trigger_ = text != sqlite3_sql(stmt);
    return event;
  }
  static sqlite3* handle(const RowChange& change) noexcept { return static_cast<sqlite3*>(change.handle_); }
  static sqlite3_stmt* handle(const StatementEvent& event) noexcept {
    return static_cast<sqlite3_stmt*>(event.handle_);
  }
};

}  // namespace libsql::detail

namespace libsql {

using detail::HookAccess;

#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
namespace {
using ReadColumn = int(sqlite3*, int, sqlite3_value**);
ValueRef read_column(const RowChange& change, int column, ReadColumn* read, const char* which) {
  if (column < 0 || column >= change.column_count()) {
    core::throw_error(ErrorCode::OutOfRange,
                      "the table '" + std::string(change.table()) + "' has no column " + std::to_string(column));
  }
  sqlite3_value* value = nullptr;
  const int rc = read(HookAccess::handle(change), column, &value);
  if (rc == SQLITE_NOMEM) throw std::bad_alloc();
  if (rc == SQLITE_RANGE) return ValueRef();  // a virtual generated column, which is not stored
  if (rc != SQLITE_OK) core::throw_error(ErrorCode::Io, std::string("the ") + which + " value cannot be read");
  return engine::value_ref(value);
}
}  // namespace

int RowChange::column_count() const noexcept { return sqlite3_preupdate_count(HookAccess::handle(*this)); }
int RowChange::depth() const noexcept { return sqlite3_preupdate_depth(HookAccess::handle(*this)); }
std::optional<int> RowChange::blob_column() const noexcept {
#if SQLITE_VERSION_NUMBER >= 3036000
  const int column = sqlite3_preupdate_blobwrite(HookAccess::handle(*this));
  if (column >= 0) return column;
#endif
  return std::nullopt;
}
ValueRef RowChange::old_value(int column) const {
  if (kind_ == ChangeKind::Insert) core::throw_error(ErrorCode::Misuse, "an inserted row has no old values");
  return read_column(*this, column, &sqlite3_preupdate_old, "old");
}
ValueRef RowChange::new_value(int column) const {
  if (kind_ == ChangeKind::Delete) core::throw_error(ErrorCode::Misuse, "a deleted row has no new values");
  if (blob_column())
    core::throw_error(ErrorCode::Misuse, "the new values of a write through a blob handle are unknown");
  return read_column(*this, column, &sqlite3_preupdate_new, "new");
}
#else
int RowChange::column_count() const noexcept { return 0; }
int RowChange::depth() const noexcept { return 0; }
std::optional<int> RowChange::blob_column() const noexcept { return std::nullopt; }
ValueRef RowChange::old_value(int) const { return ValueRef(); }
ValueRef RowChange::new_value(int) const { return ValueRef(); }
#endif

std::string StatementEvent::expanded_sql() const {
  const std::unique_ptr<char, void (*)(void*)> text(sqlite3_expanded_sql(HookAccess::handle(*this)), &sqlite3_free);
  if (text == nullptr) core::throw_error(ErrorCode::TooBig, "the expanded SQL text is longer than the limit", sql_);
  return text.get();
}

}  // namespace libsql

namespace libsql::engine {
namespace {

// For callbacks that cannot return an error: the exception ends the statement, whose changes are rolled back.
template <class Body>
void guard_void(Connection& connection, Body&& body) noexcept {
  try {
    body();
  } catch (...) {
    connection.keep_current_exception_and_interrupt();
  }
}

std::string_view text_of(const char* text) noexcept { return text == nullptr ? std::string_view{} : text; }

ChangeKind kind_of(int op) noexcept {
  return op == SQLITE_INSERT ? ChangeKind::Insert : op == SQLITE_UPDATE ? ChangeKind::Update : ChangeKind::Delete;
}

// VACUUM and ANALYZE write to such tables like other statements do, and the engine reports that. Users cannot create
// tables with these names.
bool is_system_table(const char* table) noexcept { return sqlite3_strnicmp(table, "sqlite_", 7) == 0; }

Authorization describe(int action, const char* first, const char* second, const char* database, const char* inside) {
  Authorization question;
  question.action = static_cast<Action>(action);
  question.database = text_of(database);
  question.inside = text_of(inside);
  const auto set = [&](std::string_view Authorization::*one, std::string_view Authorization::*two) {
    question.*one = text_of(first);
    question.*two = text_of(second);
  };
  using A = Authorization;
  switch (action) {
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_TEMP_TRIGGER:
      set(&A::name, &A::table);
      break;
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_PRAGMA:
    case SQLITE_TRANSACTION:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_REINDEX:
    case SQLITE_SAVEPOINT:
      set(&A::name, &A::argument);
      break;
    case SQLITE_ALTER_TABLE:
      set(&A::database, &A::table);
      break;
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE:
      set(&A::table, &A::name);
      break;
    case SQLITE_FUNCTION:
      question.name = text_of(second);
      break;
    default:
      set(&A::table, &A::column);
      break;
  }
  return question;
}

}  // namespace

#ifndef LIBSQL_SYSTEM_SQLITE
// For some questions the engine passes a name as the SQL text spells it. A rule that compares it with a name in the
// schema could be evaded by a different case.
void respell(sqlite3* db, int action, const char*& first, const char*& second, const char*& database) noexcept {
  const auto spell = [](const char*& name, const char* known) {
    if (known != nullptr) name = known;
  };
  if (first == nullptr) return;
  if (action == SQLITE_READ && second != nullptr && second[0] == '\0') {
    spell(first, libsql_engine_table_name(db, first, &database));
  } else if (action == SQLITE_DETACH) {
    spell(first, libsql_engine_database_name(db, first));
  } else if (action == SQLITE_CREATE_VTABLE && second != nullptr) {
    spell(second, libsql_engine_module_name(db, second));
  }
}
#endif

// As the engine spells its own names.
std::string in_small_letters(const char* written) {
  std::string name = written;
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

// The functions that the engine calls.
struct HookCallbacks {
  static int authorize(void* self, int action, const char* first, const char* second, const char* database,
                       const char* inside) noexcept {
    auto& hooks = *static_cast<Hooks*>(self);
    if (hooks.internal_ != 0) return SQLITE_OK;
    const Connection::CallbackScope scope(hooks.connection_, "authorizer");
    return guard(hooks.connection_, SQLITE_DENY, [&] {
#ifndef LIBSQL_SYSTEM_SQLITE
      respell(hooks.connection_.handle(), action, first, second, database);
#endif
      std::string pragma;
      if (action == SQLITE_PRAGMA) first = (pragma = in_small_letters(first)).c_str();
      if (inside != nullptr) inside = hooks.context(inside);
#ifndef LIBSQL_SYSTEM_SQLITE
      // For the first compilation this is asked when it has ended, because the tables are known by then.
      const char* const again =
          action == SQLITE_SELECT ? libsql_engine_recompiled_text(hooks.connection_.handle()) : nullptr;
      if (again != nullptr && hooks.table_refused_to_join(again)) return SQLITE_DENY;
#endif
      const Verdict strictest = hooks.verdict_on(describe(action, first, second, database, inside));
      if (strictest == Verdict::Ignore && hooks.strict_ == 0) return SQLITE_IGNORE;
      return strictest == Verdict::Allow ? SQLITE_OK : SQLITE_DENY;
    });
  }

  static int allow(void*, int, const char*, const char*, const char*, const char*) noexcept { return SQLITE_OK; }

  static void update(void* self, int op, const char* database, const char* table, sqlite3_int64 rowid) noexcept {
    if (is_system_table(table)) return;
    auto& hooks = *static_cast<Hooks*>(self);
    const Connection::CallbackScope scope(hooks.connection_, "update listener");
    guard_void(hooks.connection_, [&] {
      const UpdateEvent event{kind_of(op), text_of(database), text_of(table), rowid};
      hooks.updates.each([&](const Hooks::UpdateListener& listener) { listener(event); });
    });
  }

#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
  static void preupdate(void* self, sqlite3* db, int op, const char* database, const char* table,
                        sqlite3_int64 old_rowid, sqlite3_int64 new_rowid) noexcept {
    auto& hooks = *static_cast<Hooks*>(self);
    if ((hooks.row_changes.empty() && hooks.change_log_ == nullptr) || is_system_table(table)) return;
    const Connection::CallbackScope scope(hooks.connection_, "row change listener");
    guard_void(hooks.connection_, [&] {
      // The engine reports a write through a blob handle as a deletion, because it does not know the new row.
      RowChange change = HookAccess::row_change(db, kind_of(op), database, table, old_rowid, new_rowid);
      if (change.blob_column()) {
        change = HookAccess::row_change(db, ChangeKind::Update, database, table, old_rowid, old_rowid);
      }
      hooks.row_changes.each([&](const Hooks::RowChangeListener& listener) { listener(change); });
      if (hooks.change_log_ != nullptr) hooks.change_log_->record(change);
    });
  }
#endif

  static int commit(void* self) noexcept {
    auto& hooks = *static_cast<Hooks*>(self);
    if (hooks.connection_.must_roll_back()) return 1;
    const Connection::CallbackScope scope(hooks.connection_, "commit listener");
    const int refused = guard(hooks.connection_, 1, [&] {
      bool commits = true;
      hooks.commits.each([&](const Hooks::CommitListener& listener) {
        if (commits) commits = listener() == CommitVerdict::Commit;
      });
      return commits ? 0 : 1;
    });
    if (refused != 0) return refused;
    if (hooks.change_log_ != nullptr) hooks.change_log_->commit_begins();
    if (hooks.wal_) hooks.take_wal_hook();
    return 0;
  }

  static void rollback(void* self) noexcept {
    auto& hooks = *static_cast<Hooks*>(self);
    if (hooks.change_log_ != nullptr) hooks.change_log_->rolled_back();
    const Connection::CallbackScope scope(hooks.connection_, "rollback listener");
    guard(hooks.connection_, 0, [&] {
      hooks.rollbacks.each([](const Hooks::PlainListener& listener) { listener(); });
      return 0;
    });
  }

  static int wal(void* self, sqlite3* db, const char* database, int pages) noexcept {
    auto& hooks = *static_cast<Hooks*>(self);
    const Connection::CallbackScope scope(hooks.connection_);
    const int rc = guard(hooks.connection_, SQLITE_ERROR, [&] {
      const WalEvent event{text_of(database), pages};
      hooks.wals.each([&](const Hooks::WalListener& listener) { listener(event); });
      return SQLITE_OK;
    });
    // The engine's own function does the same, and likewise ignores a checkpoint that fails now.
    if (hooks.auto_checkpoint_ > 0 && pages >= hooks.auto_checkpoint_) {
      sqlite3_wal_checkpoint_v2(db, database, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    }
    return rc;
  }

  static int trace(unsigned what, void* self, void* subject, void* detail) noexcept {
    auto& hooks = *static_cast<Hooks*>(self);
    if (hooks.internal_ != 0) return 0;
    auto* stmt = static_cast<sqlite3_stmt*>(subject);
    switch (what) {
      case SQLITE_TRACE_STMT: {
        const StatementEvent event = HookAccess::statement(stmt, static_cast<const char*>(detail));
        const Connection::CallbackScope scope(hooks.connection_, "statement listener");
        guard_void(hooks.connection_, [&] {
          if (!hooks.profiles.empty() && !event.is_trigger()) hooks.started_[stmt] = Clock::now();
          hooks.statements.each([&](const Hooks::StatementListener& listener) { listener(event); });
        });
        break;
      }
      case SQLITE_TRACE_ROW: {
        const StatementEvent event = HookAccess::statement(stmt, sqlite3_sql(stmt));
        const Connection::CallbackScope scope(hooks.connection_, "row listener");
        guard_void(hooks.connection_,
                   [&] { hooks.rows.each([&](const Hooks::StatementListener& listener) { listener(event); }); });
        break;
      }
      case SQLITE_TRACE_PROFILE: {
        // The engine measures in milliseconds only.
        std::chrono::nanoseconds duration(*static_cast<sqlite3_int64*>(detail));
        if (const auto found = hooks.started_.find(stmt); found != hooks.started_.end()) {
          duration = Clock::now() - found->second;
          hooks.started_.erase(found);
        }
        const StatementEvent event = HookAccess::statement(stmt, sqlite3_sql(stmt));
        const Connection::CallbackScope scope(hooks.connection_, "profile listener");
        guard(hooks.connection_, 0, [&] {
          hooks.profiles.each([&](const Hooks::ProfileListener& listener) { listener(event, duration); });
          return 0;
        });
        break;
      }
      default:
        break;
    }
    return 0;
  }
};

Verdict Hooks::verdict_on(const Authorization& question) {
  Verdict strictest = Verdict::Allow;
  authorizers.each([&](const Authorizer& authorizer) { strictest = std::max(strictest, authorizer(question)); });
  return strictest;
}

std::optional<std::string> Hooks::table_refused_to_join([[maybe_unused]] std::string_view text) {
#ifndef LIBSQL_SYSTEM_SQLITE
  if (authorizers.empty() || internal_ != 0 || !sql::joins_by_name(text)) return std::nullopt;
  const Connection::CallbackScope scope(connection_, "authorizer");
  sqlite3* const db = connection_.handle();
  sql::Tokenizer tokens(text);
  for (sql::Token token = tokens.next_significant(); token.kind != sql::TokenKind::End;
       token = tokens.next_significant()) {
    using enum sql::TokenKind;
    if (token.kind != Word && token.kind != QuotedIdentifier && token.kind != String) continue;
    const std::string name = sql::unquote(token.text);
    for (int i = 0; const char* database = sqlite3_db_name(db, i); ++i) {
      Authorization question;
      const char* place = database;
      const char* const table = libsql_engine_table_name(db, name.c_str(), &place);
      if (table == nullptr) continue;
      question.action = Action::Read;
      question.table = table;
      question.database = place;
      if (verdict_on(question) == Verdict::Deny) return table;
    }
  }
#endif
  return std::nullopt;
}

// The engine also names a common table expression as the place it is inside of. The statement chooses that name, and
// could choose the name of a view that may do more than the statement. So such a name is left out, which makes it a
// question about the statement itself. Other names get the schema's spelling.
const char* Hooks::context(const char* name) {
#ifdef LIBSQL_SYSTEM_SQLITE
  return defines(name) ? nullptr : name;
#else
  const char* const known = libsql_engine_context_name(connection_.handle(), name);
  return known == nullptr || defines(known) ? nullptr : known;
#endif
}

bool Hooks::defines(std::string_view common_table) {
  std::string_view text = compiling_;
#ifndef LIBSQL_SYSTEM_SQLITE
  if (const char* const again = libsql_engine_recompiled_text(connection_.handle())) text = again;
#endif
  if (text != defined_text_ || common_table != defined_name_) {
    defined_text_ = text;
    defined_name_ = common_table;
    defined_ = sql::defines_common_table(text, common_table);
  }
  return defined_;
}

Hooks::Hooks(Connection& connection) : connection_(connection) {}
Hooks::~Hooks() = default;

void Hooks::prepare_to_add() {
  connection_.require_open();
  if (on_reset_) return;
  connection_.on_reset([this] {
    on_reset_ = false;
    clear();
  });
  on_reset_ = true;
}

template <class Visit>
bool Hooks::any_list(Visit&& visit) {
  return visit(authorizers) || visit(updates) || visit(row_changes) || visit(commits) || visit(rollbacks) ||
         visit(wals) || visit(progress) || visit(statements) || visit(rows) || visit(profiles) || visit(closes);
}

void Hooks::remove(std::uint64_t id) noexcept {
  const bool authorised = authorizers.remove(id);
  if (!authorised) any_list([&](auto& list) { return list.remove(id); });
  if (connection_.is_closed()) return;
  // Statements compiled under the removed authorizer's verdicts must not stay so.
  if (authorised) expire_statements();
  install();
}

bool Hooks::contains(std::uint64_t id) const noexcept {
  return const_cast<Hooks*>(this)->any_list([&](const auto& list) { return list.contains(id); });
}

std::size_t Hooks::size() const noexcept {
  std::size_t total = 0;
  const_cast<Hooks*>(this)->any_list([&](const auto& list) {
    total += list.size();
    return false;
  });
  return total;
}

void Hooks::clear() noexcept {
  if (!closes.empty()) {
    const Connection::CallbackScope scope(connection_, "close listener");
    guard(connection_, 0, [&] {
      if (connection_.is_closing()) closes.each([](const PlainListener& listener) { listener(); });
      return 0;
    });
  }
  const bool authorised = !authorizers.empty();
  guards_commit_ = false;
  any_list([](auto& list) {
    list.clear();
    return false;
  });
  if (change_log_ != nullptr) change_log_->clear();
  if (connection_.is_closed()) return;
  if (authorised) expire_statements();
  install();
}

void Hooks::expire_statements() noexcept {
  sqlite3* db = connection_.handle();
  if (db == nullptr) return;
  // Setting an authorizer makes the engine compile all statements again.
  sqlite3_set_authorizer(db, &HookCallbacks::allow, nullptr);
  if (authorizer_) {
    sqlite3_set_authorizer(db, &HookCallbacks::authorize, this);
  } else {
    sqlite3_set_authorizer(db, nullptr, nullptr);
  }
}

void Hooks::guard_commit() noexcept {
  guards_commit_ = true;
  install();
}

void Hooks::take_wal_hook() noexcept {
  // PRAGMA wal_autocheckpoint replaces our function with the engine's, whose argument is the number of pages.
  void* before = sqlite3_wal_hook(connection_.handle(), &HookCallbacks::wal, this);
  if (before == this) return;
  const auto pages = reinterpret_cast<std::intptr_t>(before);
  auto_checkpoint_ = pages > 0 && pages <= INT_MAX ? static_cast<int>(pages) : 0;
}

int Hooks::auto_checkpoint() noexcept {
  take_wal_hook();
  const int pages = auto_checkpoint_;
  if (!wal_) sqlite3_wal_autocheckpoint(connection_.handle(), pages);
  return pages;
}

void Hooks::install() noexcept {
  sqlite3* db = connection_.handle();
  if (db == nullptr) return;
  const auto change = [](bool& installed, bool wanted, auto&& set) {
    if (installed == wanted) return;
    set();
    installed = wanted;
  };
  const bool records = change_log_ != nullptr && !change_log_->empty();
  const bool reads_rows = !updates.empty() || !row_changes.empty() || records;
  change(authorizer_, !authorizers.empty(), [&] {
    if (authorizer_) {
      sqlite3_set_authorizer(db, nullptr, nullptr);
    } else {
      sqlite3_set_authorizer(db, &HookCallbacks::authorize, this);
    }
  });
  change(update_, !updates.empty(),
         [&] { sqlite3_update_hook(db, update_ ? nullptr : &HookCallbacks::update, update_ ? nullptr : this); });
#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
  change(preupdate_, reads_rows, [&] {
    watch_rows(db, preupdate_ ? nullptr : &HookCallbacks::preupdate, preupdate_ ? nullptr : this);
    // A DELETE without WHERE that was compiled without this hook empties the table at once and reports no rows.
    if (!preupdate_) expire_statements();
  });
#endif
  change(commit_, !commits.empty() || !wals.empty() || reads_rows || guards_commit_,
         [&] { sqlite3_commit_hook(db, commit_ ? nullptr : &HookCallbacks::commit, commit_ ? nullptr : this); });
  change(rollback_, !rollbacks.empty() || records, [&] {
    sqlite3_rollback_hook(db, rollback_ ? nullptr : &HookCallbacks::rollback, rollback_ ? nullptr : this);
  });
  change(wal_, !wals.empty(), [&] {
    if (wal_) {
      take_wal_hook();  // reads the current setting
      sqlite3_wal_autocheckpoint(db, auto_checkpoint_);
    } else {
      take_wal_hook();
    }
  });
  const unsigned trace = (statements.empty() && profiles.empty() ? 0u : SQLITE_TRACE_STMT) |
                         (rows.empty() ? 0u : SQLITE_TRACE_ROW) | (profiles.empty() ? 0u : SQLITE_TRACE_PROFILE);
  if (trace != trace_) {
    sqlite3_trace_v2(db, trace, trace == 0 ? nullptr : &HookCallbacks::trace, this);
    trace_ = trace;
    if (profiles.empty()) started_.clear();
  }
  if ((progress_ != 0) == progress.empty()) {
    if (progress_ != 0) {
      connection_.patience().remove_progress_listener(progress_);
      progress_ = 0;
    } else {
      try {
        progress_ = connection_.patience().add_progress_listener([this] {
          const Connection::CallbackScope scope(connection_, "progress listener");
          progress.each([](const ProgressListener& listener) {
            if (listener() == ProgressVerdict::Interrupt) {
              core::throw_error(ErrorCode::Interrupted, "a progress listener ended the statement");
            }
          });
        });
      } catch (...) {  // out of memory; the next change of listeners tries again
      }
    }
  }
  connection_.set_recorded(records);
}

bool Hooks::has_row_changes() noexcept {
#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
  return true;
#else
  return false;
#endif
}

ChangeLog& Hooks::change_log() {
  if (!has_row_changes()) {
    core::throw_unsupported("the pre-update hook", "engine", "it is compiled without SQLITE_ENABLE_PREUPDATE_HOOK");
  }
  prepare_to_add();
  if (change_log_ == nullptr) change_log_ = std::make_unique<ChangeLog>(connection_, *this);
  return *change_log_;
}

void Hooks::detach_stream(detail::ChangeStreamState& stream) noexcept {
  if (change_log_ != nullptr) change_log_->detach(stream);
}

void Hooks::record_savepoints() {
  if (change_log_ != nullptr) change_log_->join_transaction();
}

void Hooks::settle() noexcept {
  if (change_log_ != nullptr) change_log_->settle();
}

}  // namespace libsql::engine

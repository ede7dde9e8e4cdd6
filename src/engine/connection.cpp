#include "engine/connection.hpp"

#include <algorithm>
#include <array>

#include <sqlite3.h>
#if defined(__unix__) || defined(__APPLE__)
#include <sys/stat.h>
#endif

#include "core/errors.hpp"
#include "engine/connection_state.hpp"
#include "engine/failure.hpp"
#include "engine/hooks.hpp"
#include "engine/statement.hpp"
#include "engine/vfs.hpp"
#include "sql/quote.hpp"

namespace libsql::engine {
namespace {

static_assert(open_flags::kReadOnly == SQLITE_OPEN_READONLY && open_flags::kReadWrite == SQLITE_OPEN_READWRITE &&
              open_flags::kCreate == SQLITE_OPEN_CREATE && open_flags::kExclusive == SQLITE_OPEN_EXCLUSIVE &&
              open_flags::kUri == SQLITE_OPEN_URI && open_flags::kMemory == SQLITE_OPEN_MEMORY &&
              open_flags::kNoMutex == SQLITE_OPEN_NOMUTEX && open_flags::kFullMutex == SQLITE_OPEN_FULLMUTEX &&
              open_flags::kNoFollow == SQLITE_OPEN_NOFOLLOW && open_flags::kExtendedCodes == SQLITE_OPEN_EXRESCODE);

constexpr int kLimitCount = 12;

// Creates the database file, empty, and fails if it exists: sqlite3_open_v2() ignores SQLITE_OPEN_EXCLUSIVE.
void make_file(const OpenOptions& options) {
  if ((options.flags & SQLITE_OPEN_URI) != 0) {
    core::throw_error(ErrorCode::Configuration, "exclusive() takes a plain path, not a URI");
  }
  sqlite3_vfs* vfs = sqlite3_vfs_find(options.vfs.empty() ? nullptr : options.vfs.c_str());
  std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
  int rc = vfs->xFullPathname(vfs, options.path.c_str(), vfs->mxPathname + 1, full.data());
  if ((rc & 0xff) == SQLITE_OK) {  // or SQLITE_OK_SYMLINK
    const std::unique_ptr<char, void (*)(sqlite3_filename)> name(
        const_cast<char*>(sqlite3_create_filename(full.data(), "", "", 0, nullptr)), &sqlite3_free_filename);
    if (name == nullptr) throw std::bad_alloc();
    const std::unique_ptr<std::byte[]> memory = std::make_unique<std::byte[]>(static_cast<std::size_t>(vfs->szOsFile));
    auto* const file = reinterpret_cast<sqlite3_file*>(memory.get());
    int out = 0;
    rc = vfs->xOpen(vfs, name.get(), file,
                    SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE, &out);
    if (file->pMethods != nullptr) file->pMethods->xClose(file);
    // If the file exists, the VFS opens it all the same, but read-only.
    if (rc == SQLITE_OK && (out & SQLITE_OPEN_READONLY) != 0) rc = SQLITE_CANTOPEN;
  }
  if (rc == SQLITE_OK) return;
  detail::ErrorData data = engine_error(nullptr, rc, {});
  data.place = ": '" + options.path + "' exists or cannot be created";
  data.message += data.place;
  core::throw_error(std::move(data));
}

}  // namespace

std::unique_ptr<Connection> Connection::open(const OpenOptions& options) {
  if (!options.vfs.empty() && sqlite3_vfs_find(options.vfs.c_str()) == nullptr) {
    core::throw_error(ErrorCode::Configuration, "there is no VFS named '" + options.vfs + "'");
  }
  if (options.path.find('\0') != std::string::npos) {
    core::throw_error(ErrorCode::CannotOpen, "a path cannot hold a NUL character");
  }
  if ((options.flags & SQLITE_OPEN_FULLMUTEX) != 0 && sqlite3_threadsafe() == 2) {
    core::throw_unsupported("the serialised mutex mode", "engine", "it is compiled for one thread per connection");
  }
  if ((options.flags & SQLITE_OPEN_EXCLUSIVE) != 0) make_file(options);
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(options.path.c_str(), &db, options.flags | SQLITE_OPEN_EXRESCODE,
                                 options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (rc != SQLITE_OK) {
    detail::ErrorData data = engine_error(db, rc, {});
    if (data.message.find("'" + options.path + "'") == std::string::npos) {
      data.place += ": '" + options.path + "'";
      data.message += ": '" + options.path + "'";
    }
    if (rc == SQLITE_ERROR) data.code = ErrorCode::Configuration;  // an unknown VFS or mode in a URI
    sqlite3_close_v2(db);
    core::throw_error(std::move(data));
  }
  std::unique_ptr<Connection> connection(new Connection(db));
  connection->temporary_files_ = options.temporary_files;
  return connection;
}

Connection::Connection(sqlite3* db) : db_(db), patience_(*this) {
  sqlite3_extended_result_codes(db_, 1);
#ifdef SQLITE_DBCONFIG_STMT_SCANSTATUS
  // Where this is compiled in it is on by default, and every operation of the virtual machine then reads the clock.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_STMT_SCANSTATUS, 0, nullptr);
#endif
  set_double_quoted_strings(true, false);
  initial_limits_.reserve(kLimitCount);
  for (int i = 0; i < kLimitCount; ++i) initial_limits_.push_back(sqlite3_limit(db_, i, -1));
}

Connection::~Connection() { close_all(); }

void Connection::set_double_quoted_strings(bool in_schema, bool in_statements) {
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DDL, in_schema ? 1 : 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, in_statements ? 1 : 0, nullptr);
  only_schema_has_strings_ = in_schema && !in_statements;
}

void Connection::close() {
  if (db_ == nullptr) return;
  core::StatementsInUse in_use;
  for (const Statement* statement = first_statement_; statement != nullptr; statement = statement->next_) {
    // A handle of Rows whose cursor has ended keeps its statement, but does not use it.
    if (statement->handles != 0 || statement->is_busy()) in_use.add(statement->sql_);
  }
  in_use.require_none();
  for (const Cleanup& entry : cleanups_) {
    if (entry.name.empty()) continue;
    core::throw_error(ErrorCode::Misuse, "the connection cannot be closed: " + entry.name + " is still open");
  }
  closing_ = true;
  patience_.note_call();
  run_cleanups();
  closing_ = false;
  while (first_statement_ != nullptr) first_statement_->detach();
  patience_.interrupt_state()->detach();
  const int rc = sqlite3_close(db_);
  if (rc != SQLITE_OK) {
    patience_.interrupt_state()->attach(db_);  // so that the handles given out still work
    core::throw_error(ErrorCode::Misuse, "the connection cannot be closed: a blob or a backup of it is still open");
  }
  db_ = nullptr;
  set_attention(kUnusable, true);
  standing_.end("the connection is closed");
}

void Connection::close_all() noexcept {
  if (db_ == nullptr) return;
  closing_ = true;
  run_cleanups();
  while (first_statement_ != nullptr) first_statement_->detach();
  patience_.interrupt_state()->detach();
  sqlite3_close_v2(db_);
  db_ = nullptr;
  set_attention(kUnusable, true);
  if (standing_.is_good()) standing_.end("the connection is closed");
}

bool Connection::is_stepping() const noexcept {
  for (const Statement* statement = first_statement_; statement != nullptr; statement = statement->next_) {
    if (statement->running_) return true;
  }
  return false;
}

void Connection::abandon(std::string reason) noexcept {
  standing_.end(std::move(reason));
  set_attention(kUnusable, true);
}

void Connection::execute_script(const std::string& sql) {
  require_open();
  patience_.start_deadline();
  require_sql_allowed();
  if (patience_.is_in_call()) patience_.check_call();
  before_write();
  const Patience::Watched watched(patience_);
  const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  settle_if_needed();
  roll_back_if_bound();
  if (rc != SQLITE_OK || (attention_ & kKeptException) != 0) fail(rc, sql);
}

void Connection::execute_unheard(const std::string& sql) {
  const Hooks::Internal internal(hooks_.get());
  execute_script(sql);
  last_run_was_done_ = true;
}

std::optional<std::string> Connection::query_text(const std::string& sql) {
  require_open();
  require_sql_allowed();
  patience_.start_deadline();
  if (patience_.is_in_call()) patience_.check_call();
  keep_read_only();
  const Patience::Watched watched(patience_);
  sqlite3_stmt* stmt = nullptr;
  check(sqlite3_prepare_v2(db_, sql.c_str(), -1, &stmt, nullptr), sql);
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(stmt, &sqlite3_finalize);
  const int rc = sqlite3_step(stmt);
  if (rc == SQLITE_DONE) return std::nullopt;
  if (rc != SQLITE_ROW) fail(rc, sql);
  std::optional<std::string> result;
  if (const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0))) {
    result.emplace(text, static_cast<std::size_t>(sqlite3_column_bytes(stmt, 0)));
  }
  // A PRAGMA that writes commits only at its end.
  check(sqlite3_finalize(owner.release()), sql);
  return result;
}

std::int64_t Connection::query_integer(const std::string& sql) {
  const auto text = query_text(sql);
  return text ? std::stoll(*text) : 0;
}

void Connection::fail(int rc, std::string_view sql) {
  rethrow_kept_exception();
  detail::ErrorData data = engine_error(db_, rc, sql);
  ++statistics.errors;
  patience_.explain(data);
  core::throw_error(std::move(data));
}

void Connection::keep_current_exception() noexcept {
  if (!kept_exception_) kept_exception_ = std::current_exception();
  set_attention(kKeptException, true);
}

void Connection::keep_current_exception_and_interrupt() noexcept {
  keep_current_exception();
  if (db_ == nullptr) return;
  must_roll_back_ = true;
  try {
    hooks().guard_commit();
  } catch (...) {  // out of memory: the interrupt alone has to do
  }
  sqlite3_interrupt(db_);
}

void Connection::roll_back_if_bound() noexcept {
  if (!must_roll_back_) return;
  must_roll_back_ = false;
  if (db_ == nullptr || engine::is_autocommit(db_)) return;
  const Hooks::Internal internal(hooks_.get());
  sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Connection::throw_no_sql() const {
  core::throw_error(ErrorCode::Misuse, std::string("the connection cannot be used inside its ") + no_sql_in_ +
                                           ": use another connection, or do the work later");
}

void Connection::require_outside_callbacks(std::string_view call) const {
  if (!patience_.is_in_callback()) return;
  core::throw_error(ErrorCode::Misuse,
                    "a callback of the connection cannot call " + std::string(call) + " on it: a statement is running");
}

Hooks& Connection::hooks() {
  require_open();
  if (hooks_ == nullptr) hooks_ = std::make_shared<Hooks>(*this);
  return *hooks_;
}

void Connection::settle() noexcept {
  set_attention(kSettle, false);
  if (hooks_ != nullptr) hooks_->settle();
}

void Connection::record_savepoints() {
  if (hooks_ != nullptr) hooks_->record_savepoints();
}

void Connection::report_later(std::exception_ptr failure) noexcept {
  if (failure == nullptr || to_report_ == nullptr) to_report_ = std::move(failure);
  set_attention(kReport, to_report_ != nullptr);
}

void Connection::rethrow_kept_exception() {
  if (!kept_exception_) return;
  set_attention(kKeptException, false);
  std::rethrow_exception(std::exchange(kept_exception_, nullptr));
}

void Connection::before_call_slow(Statement& statement) {
  if ((attention_ & kUnusable) != 0) require_open();
  if ((attention_ & kReport) != 0 && !patience_.is_in_callback() && !patience_.is_undoing()) {
    set_attention(kReport, false);
    std::rethrow_exception(std::exchange(to_report_, nullptr));
  }
  // A callback left this outside any of our statements, so nothing is going to throw it.
  if ((attention_ & kKeptException) != 0 && !statement.is_busy() && !patience_.is_in_callback()) {
    kept_exception_ = nullptr;
    must_roll_back_ = false;
    set_attention(kKeptException, false);
  }
  require_sql_allowed();
  if ((attention_ & kRecorded) != 0 && !statement.is_busy() && !statement.is_readonly()) record_savepoints();
  if (!statement.continues_call()) patience_.start_deadline();
  if ((attention_ & kCall) != 0) patience_.check_call();
}

void Connection::check_transaction() {
  if (db_ == nullptr || !engine::is_autocommit(db_)) return;
  detail::ErrorData data;
  data.code = ErrorCode::TransactionLost;
  data.origin = ErrorOrigin::Engine;
  data.message =
      "the transaction has ended without its Transaction: the engine rolled it back after an error, or SQL "
      "text ended it. Roll the Transaction back, then start again";
  data.transaction_open = false;
  core::throw_error(std::move(data));
}

void Connection::observers_changed() noexcept {
  set_attention(kObserved, !observers_.empty());
  const bool wanted = observers_.wants_rows_scanned();
  if (wanted == counts_rows_scanned_ || db_ == nullptr) return;
  counts_rows_scanned_ = wanted;
#ifdef SQLITE_DBCONFIG_STMT_SCANSTATUS
  // The engine compiles every statement again before its next run, with or without the counters.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_STMT_SCANSTATUS, wanted ? 1 : 0, nullptr);
#endif
}

void Connection::notify_started(Statement& statement, const core::ParamsView& params) noexcept {
  observers_.started(&statement, params);
}
void Connection::notify_finished(Statement& statement, core::StatementRun run) noexcept {
  run.sql = statement.sql();
  run.fullscan_steps = statement.fullscan_steps();
  run.rows_scanned = statement.rows_scanned();
  observers_.finished(&statement, run);
}
void Connection::notify_refused(std::string_view sql, const Error& error) noexcept { observers_.refused(sql, error); }

void Connection::refuse_writes(ReadOnlyReason reason) {
  require_open();
  set_query_only();
  read_only_reasons_ |= static_cast<unsigned>(reason);
  set_attention(kReadOnly, true);
}

void Connection::allow_writes(ReadOnlyReason reason) noexcept {
  read_only_reasons_ &= ~static_cast<unsigned>(reason);
  set_attention(kReadOnly, read_only_reasons_ != 0);
}

void Connection::set_query_only() {
#ifndef LIBSQL_SYSTEM_SQLITE
  libsql_engine_refuse_writes(db_);
#else
  const Hooks::Internal internal(hooks_.get());
  sqlite3_exec(db_, "PRAGMA query_only=1", nullptr, nullptr, nullptr);
#endif
}

std::optional<LogEnd> Connection::log_end() const noexcept {
  LogEnd end;
#ifndef LIBSQL_SYSTEM_SQLITE
  if (db_ != nullptr && libsql_engine_log_end(db_, &end.frame, end.salt.data(), end.checksum.data()) != 0) return end;
#endif
  return std::nullopt;
}

bool Connection::holds_write_lock() const noexcept { return db_ != nullptr && engine::holds_write_lock(db_); }

bool Connection::is_autocommit() const noexcept { return db_ == nullptr || engine::is_autocommit(db_); }

std::uint64_t Connection::changes() const noexcept {
  return db_ == nullptr ? 0 : static_cast<std::uint64_t>(sqlite3_changes64(db_));
}
std::uint64_t Connection::total_changes() const noexcept { return db_ == nullptr ? 0 : engine::total_changes(db_); }
std::int64_t Connection::last_insert_rowid() const noexcept {
  return db_ == nullptr ? 0 : sqlite3_last_insert_rowid(db_);
}
void Connection::set_last_insert_rowid(std::int64_t rowid) noexcept {
  if (db_ != nullptr) sqlite3_set_last_insert_rowid(db_, rowid);
}

bool Connection::can_set_changes() noexcept {
#ifdef LIBSQL_SYSTEM_SQLITE
  return false;
#else
  return true;
#endif
}

void Connection::set_change_counters(const ChangeCounters& counters) noexcept {
  if (db_ == nullptr) return;
  set_last_insert_rowid(counters.last_insert_rowid);
#ifndef LIBSQL_SYSTEM_SQLITE
  libsql_engine_set_changes(db_, static_cast<std::int64_t>(counters.changes),
                            static_cast<std::int64_t>(counters.total_changes));
#endif
}

bool Connection::has_open_foreign_keys() const noexcept {
  int open = 0;
  int highest = 0;
  return db_ != nullptr && sqlite3_db_status(db_, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &highest, 0) == SQLITE_OK &&
         open != 0;
}

// The engine notices at a step that its schema is out of date. When it compiles, it checks this after a few errors
// only, such as a missing table, so it would refuse an UPSERT for lack of an index that another connection has made.
bool Connection::renew_schemas() {
  if (db_ == nullptr) return false;
#ifndef LIBSQL_SYSTEM_SQLITE
  int error = SQLITE_OK;  // ignored: the statement reports it if it matters
  return libsql_engine_renew_schemas(db_, &error) != 0;
#else
  const Hooks::Internal internal(hooks_.get());
  try {
    for (const std::string& name : database_names()) {
      query_text("SELECT 1 FROM " + sql::quote_identifier(name) + ".sqlite_master LIMIT 0");
    }
  } catch (const Error&) {  // reported when the statement is tried again
  }
  return true;
#endif
}

void Connection::require_current_schemas(std::string_view sql) {
  require_open();
  require_sql_allowed();
  patience_.start_deadline();
  if (patience_.is_in_call()) patience_.check_call();
#ifndef LIBSQL_SYSTEM_SQLITE
  int error = SQLITE_OK;
  libsql_engine_renew_schemas(db_, &error);
  check(error, sql);
#else
  static_cast<void>(sql);
  renew_schemas();
#endif
}

std::int64_t Connection::schemas() {
#ifndef LIBSQL_SYSTEM_SQLITE
  return libsql_engine_schemas(db_);
#else
  const Hooks::Internal internal(hooks_.get());
  std::int64_t all = 0;
  for (const std::string& name : database_names()) {
    all = all * 1'000'003 + query_integer("PRAGMA " + sql::quote_identifier(name) + ".schema_version");
  }
  return all;
#endif
}

std::vector<std::string> Connection::database_names() const {
  std::vector<std::string> names;
#if SQLITE_VERSION_NUMBER >= 3039000
  for (int i = 0; const char* name = sqlite3_db_name(db_, i); ++i) {
    if (i != 1) names.emplace_back(name);  // 1 is temp, which only this connection can change
  }
#else
  names.emplace_back("main");
#endif
  return names;
}

Connection::PageCache Connection::take_page_cache() noexcept {
  const auto status = [&](int which) -> std::uint64_t {
    int now = 0;
    int highest = 0;
    if (db_ == nullptr || sqlite3_db_status(db_, which, &now, &highest, 1) != SQLITE_OK) return 0;
    return static_cast<std::uint64_t>(now);
  };
  return {status(SQLITE_DBSTATUS_CACHE_HIT), status(SQLITE_DBSTATUS_CACHE_MISS), status(SQLITE_DBSTATUS_CACHE_USED)};
}

bool Connection::is_readonly() const { return sqlite3_db_readonly(require_open(), "main") == 1; }
std::string Connection::path() const {
  const char* name = sqlite3_db_filename(require_open(), "main");
  return name == nullptr ? std::string() : std::string(name);
}

std::string Connection::identity() const {
  const std::string name = path();
  if (name.empty()) return {};
  char* vfs = nullptr;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_VFSNAME, &vfs);
  std::string layers = vfs == nullptr ? "" : vfs;
  if (const auto at = layers.find('('); at != std::string::npos) layers.resize(at);  // memdb adds its size
  sqlite3_free(vfs);
#if defined(__unix__) || defined(__APPLE__)
  // Files of the operating system's own VFSes are identified by their inode, which all links share.
  struct stat found {};
  if (layers.find("unix") != std::string::npos && ::stat(name.c_str(), &found) == 0) {
    return "inode " + std::to_string(found.st_dev) + ' ' + std::to_string(found.st_ino);
  }
#endif
  return layers + ' ' + name;
}

int Connection::limit(Limit which) const noexcept {
  return db_ == nullptr ? 0 : sqlite3_limit(db_, static_cast<int>(which), -1);
}
int Connection::set_limit(Limit which, int value) noexcept {
  return db_ == nullptr ? 0 : sqlite3_limit(db_, static_cast<int>(which), std::max(value, 0));
}
void Connection::restore_limits() noexcept {
  for (int i = 0; db_ != nullptr && i < kLimitCount; ++i) {
    sqlite3_limit(db_, i, initial_limits_[static_cast<std::size_t>(i)]);
  }
}

void Connection::cacheflush() {
  patience_.start_deadline();
  check(sqlite3_db_cacheflush(require_open()));
}

void Connection::set_defensive(bool on) {
  check(sqlite3_db_config(require_open(), SQLITE_DBCONFIG_DEFENSIVE, on ? 1 : 0, nullptr));
}

void Connection::probe_file() {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(require_open(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == nullptr ||
      file->pMethods == nullptr) {
    return;  // a temporary database without a file so far
  }
  int moved = 0;
  if (sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0) {
    core::throw_error(ErrorCode::CannotOpen, "the database file '" + path() + "' was moved or deleted");
  }
  sqlite3_int64 size = 0;
  check(file->pMethods->xFileSize(file, &size));
  constexpr sqlite3_int64 kSmallestPage = 512;
  if (size < kSmallestPage) {
    if (!knows_content()) return;  // new, and nothing has been written yet
    core::throw_error(ErrorCode::Corrupt,
                      "the database file '" + path() + "' was truncated to " + std::to_string(size) + " bytes");
  }
  had_content_ = true;
  std::array<char, 16> bytes;
  check(file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), 0));
}

void Connection::note_content() noexcept {
  sqlite3_file* file = nullptr;
  sqlite3_int64 size = 0;
  if (db_ != nullptr && sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
      file != nullptr && file->pMethods != nullptr && file->pMethods->xFileSize(file, &size) == SQLITE_OK) {
    had_content_ = had_content_ || size > 0;
  }
}

// Whether the main database has been seen with content.
bool Connection::knows_content() const noexcept {
#ifndef LIBSQL_SYSTEM_SQLITE
  if (libsql_engine_known_schema(db_) != 0) return true;
#endif
  return had_content_;
}

void Connection::release_memory() { sqlite3_db_release_memory(require_open()); }

int Connection::reserved_bytes() {
  int bytes = -1;
  check(sqlite3_file_control(require_open(), "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes));
  return bytes;
}

void Connection::set_reserved_bytes(int bytes) {
  if (bytes < 0 || bytes > 255) {
    core::throw_error(ErrorCode::OutOfRange, "reserved bytes must be between 0 and 255, not " + std::to_string(bytes));
  }
  if (!is_autocommit()) {
    core::throw_error(ErrorCode::Misuse,
                      "reserved bytes cannot change inside a transaction: the change needs a VACUUM");
  }
  query_text("SELECT 1 FROM sqlite_master LIMIT 1");  // the reserved bytes are known only after a read
  const int now = reserved_bytes();
  if (bytes < now) {
    // The engine keeps at least the bytes that the pages have reserved (as observed in SQLite 3.53). A cipher needs
    // them.
    const std::string why = is_encrypted("main") ? ", which its cipher needs in part" : "";
    core::throw_unsupported(
        "taking reserved bytes back", "engine",
        "the pages have " + std::to_string(now) + why + "; copy the content into a new database instead");
  }
  if (bytes == now) return;
  int wanted = bytes;
  check(sqlite3_file_control(require_open(), "main", SQLITE_FCNTL_RESERVE_BYTES, &wanted));
  execute_script("VACUUM");
  if (reserved_bytes() != bytes) {
    core::throw_error(ErrorCode::Configuration, "the database keeps " + std::to_string(reserved_bytes()) +
                                                    " reserved bytes per page, although more were asked for");
  }
}

void Connection::run_cleanups() noexcept {
  observers_.end_until_reset();
  while (!cleanups_.empty()) {
    const std::function<void()> cleanup = std::move(cleanups_.back().run);
    cleanups_.pop_back();
    try {
      cleanup();
    } catch (...) {  // a cleanup only unregisters things, so nobody is there to catch this
      keep_current_exception();
    }
  }
}

}  // namespace libsql::engine

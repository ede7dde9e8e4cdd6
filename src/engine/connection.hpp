// One connection of the engine: its handle, statements and hooks, and how its errors become exceptions.
// attention() is a set of bits that the hot path tests as one word: it is 0 unless something needs a look before or
// after a call.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libsql/connection_info.hpp>
#include <libsql/error.hpp>

#include "core/backend.hpp"
#include "core/observer.hpp"
#include "engine/patience.hpp"

struct sqlite3;

namespace libsql::engine {

class ChangeFeed;
class Hooks;
class Statement;
class TemporaryFiles;

/// What a connection is opened with. The flags are those of sqlite3_open_v2().
struct OpenOptions {
  std::string path;
  int flags = 0;
  std::string vfs;
  std::shared_ptr<const TemporaryFiles> temporary_files = nullptr;  ///< behind `vfs`; kept as long as the connection
};

/// The flags of sqlite3_open_v2() that this library uses (https://www.sqlite.org/c3ref/c_open_autoproxy.html), for
/// rooms that do not see sqlite3.h.
namespace open_flags {
inline constexpr int kReadOnly = 0x1, kReadWrite = 0x2, kCreate = 0x4, kExclusive = 0x10, kUri = 0x40, kMemory = 0x80,
                     kNoMutex = 0x8000, kFullMutex = 0x10000, kNoFollow = 0x01000000, kExtendedCodes = 0x02000000;
}

/// Where a connection's write-ahead log ends. Two equal ends are those of the same log with the same content
/// (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
struct LogEnd {
  std::uint32_t frame = 0;  // the last committed frame; 0: none
  std::array<std::uint32_t, 2> salt{};
  std::array<std::uint32_t, 2> checksum{};
  bool operator==(const LogEnd&) const = default;
};

/// The engine's interface to the queue of writers.
class WriteGate {
 public:
  virtual ~WriteGate() = default;
  /// Called before a statement that may write starts. It may wait, and it may throw to prevent the start.
  virtual void before_write(class Connection& connection) = 0;
  /// Called after a statement has ended, as GateDuty says.
  virtual void after_statement(class Connection& connection) noexcept = 0;
};

/// When a gate is called.
enum class GateDuty : std::uint8_t {
  AllStatements,   // before each write, and after each statement
  TransactionEnd,  // after the statement with which the transaction has ended; perhaps after others too
};

class Connection final {
 public:
  /// Throws CannotOpen, Configuration (unknown VFS) and other errors of the engine.
  static std::unique_ptr<Connection> open(const OpenOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The engine's handle. Null once closed.
  sqlite3* handle() const noexcept { return db_; }
  /// Throws Misuse if closed, else the handle.
  sqlite3* require_open() const {
    standing_.require();
    return db_;
  }
  /// Whether the connection can be used, or why not: close() and abandon() end that.
  const core::Standing& standing() const noexcept { return standing_; }
  /// How it waits for locks, and what ends its calls.
  Patience& patience() noexcept { return patience_; }
  const Patience& patience() const noexcept { return patience_; }

  /// Closes for good. Throws Misuse, which names what is still open, and the connection then stays open.
  void close();
  /// Closes even if statements are open, which become unusable.
  void close_all() noexcept;
  /// Whether a statement is in the middle of a step, so that the caller is one of its callbacks. To close the
  /// connection now would take the statement away from under the engine.
  bool is_stepping() const noexcept;
  bool is_closed() const noexcept { return db_ == nullptr; }
  bool is_closing() const noexcept { return closing_; }
  /// From now on every call throws `reason`.
  void abandon(std::string reason) noexcept;

  /// Runs SQL whose rows do not matter, without the statement cache. Several statements are allowed.
  void execute_script(const std::string& sql);
  /// The same without asking authorizers or telling statement listeners, for SQL that must run whatever they say.
  void execute_unheard(const std::string& sql);
  /// Whether the statement that failed last had done its work, and only a listener that was told of it failed.
  bool last_run_was_done() const noexcept { return last_run_was_done_; }
  void forget_last_run() noexcept { last_run_was_done_ = false; }
  /// The first column of the first row as text. None if there is no row, or if it is NULL.
  std::optional<std::string> query_text(const std::string& sql);
  std::int64_t query_integer(const std::string& sql);

  // -- failures ------------------------------------------------------------------------------------------------------

  /// Throws what `rc` and the engine's message mean: an exception left by a callback, Timeout, Interrupted or another
  /// error.
  [[noreturn]] void fail(int rc, std::string_view sql = {});
  void check(int rc, std::string_view sql = {}) {
    if (rc != 0) [[unlikely]]
      fail(rc, sql);
  }
  /// For callbacks from the engine: keeps the current exception, with which the running statement then ends.
  void keep_current_exception() noexcept;
  /// The same for callbacks that cannot return an error: also interrupts the statement. As the statement may finish
  /// before it notices, the transaction cannot be committed until its changes have been rolled back.
  void keep_current_exception_and_interrupt() noexcept;
  /// Whether such an exception was kept, and the open transaction still has the statement's changes.
  bool must_roll_back() const noexcept { return must_roll_back_ && kept_exception_ != nullptr; }
  /// Rolls back if such an exception was kept since the last call.
  void roll_back_if_bound() noexcept;
  void unbind() noexcept { must_roll_back_ = false; }
  /// Makes the next statement throw `failure` before it runs; an earlier one still waiting takes precedence. Null
  /// cancels.
  void report_later(std::exception_ptr failure) noexcept;
  /// Throws the exception that a callback left, if there is one.
  void rethrow_kept_exception();

  // -- what the hot path must look at

  enum Attention : unsigned {
    kInTransaction = 1,   // transaction() is open: watch for the engine losing it
    kDeadline = 2,        // calls have a deadline
    kObserved = 4,        // statements have observers
    kWriteGate = 8,       // the write gate is called for all statements
    kKeptException = 16,  // a callback left an exception
    kUnusable = 32,       // closed or abandoned
    kGuarded = 64,        // SQL text may not begin or end transactions
    kNoSql = 128,         // in a callback during which the engine allows no SQL
    kSettle = 256,        // a commit has begun, and listeners wait for its outcome
    kRecorded = 512,      // a change stream is attached
    kEndAwaited = 1024,   // the write gate is called when the open transaction has ended
    kCall = 2048,      // in a call that runs several statements: it has one deadline, and an interrupt ends all of it
    kReadOnly = 4096,  // no statement may write
    kReport = 8192,    // a failure is waiting to be thrown
  };
  unsigned attention() const noexcept { return attention_; }
  /// Called before a statement starts or continues, if attention() is not 0.
  void before_call(Statement& statement) {
    if ((attention_ & (kDeadline | kKeptException | kUnusable | kNoSql | kRecorded | kReport)) != 0 ||
        patience_.is_call_interrupted())
      before_call_slow(statement);
    if ((attention_ & kInTransaction) != 0) check_transaction();
  }

  /// The same before another row. In a call that runs several statements nothing is checked here: while a cursor is
  /// open, the engine itself remembers an interrupt and watches the deadline.
  void before_next(Statement& statement) {
    if ((attention_ & (kDeadline | kKeptException | kUnusable | kNoSql | kRecorded)) != 0) before_call_slow(statement);
    if ((attention_ & kInTransaction) != 0) check_transaction();
  }

  void set_in_transaction(bool on) noexcept { set_attention(kInTransaction, on); }
  bool is_in_transaction() const noexcept { return (attention_ & kInTransaction) != 0; }
  /// Throws TransactionLost if transaction() is open but the engine has no transaction.
  void check_transaction();
  /// The observers of its statements.
  core::ObserverList& observers() noexcept { return observers_; }
  bool is_observed() const noexcept { return (attention_ & kObserved) != 0; }
  void notify_started(Statement& statement, const core::ParamsView& params) noexcept;
  void notify_finished(Statement& statement, core::StatementRun run) noexcept;
  void notify_refused(std::string_view sql, const Error& error) noexcept;
  void set_write_gate(WriteGate* gate, GateDuty duty = GateDuty::AllStatements) noexcept {
    write_gate_ = gate;
    set_attention(kWriteGate, gate != nullptr && duty == GateDuty::AllStatements);
    set_attention(kEndAwaited, gate != nullptr && duty == GateDuty::TransactionEnd);
  }
  WriteGate* write_gate() const noexcept { return write_gate_; }
  /// While on, SQL text that begins or ends a transaction throws Misuse, because the open transaction belongs to
  /// somebody else.
  void set_transaction_guard(bool on) noexcept { set_attention(kGuarded, on); }
  bool has_transaction_guard() const noexcept { return (attention_ & kGuarded) != 0; }
  /// As long as there is a reason, statements that write throw ReadOnly, even if `PRAGMA query_only` has been switched
  /// off.
  enum class ReadOnlyReason : std::uint8_t { Transaction = 1, Session = 2, Copy = 4 };
  bool has_read_only_reason(ReadOnlyReason reason) const noexcept {
    return (read_only_reasons_ & static_cast<unsigned>(reason)) != 0;
  }
  void refuse_writes(ReadOnlyReason reason);
  void allow_writes(ReadOnlyReason reason) noexcept;
  /// Whether the open transaction holds the write lock of the main database.
  bool holds_write_lock() const noexcept;
  /// The end of the main database's log, as of this connection's last transaction. None if it has no log, or with the
  /// system's SQLite.
  std::optional<LogEnd> log_end() const noexcept;

  // -- hooks and callbacks

  /// The connection's listeners. Created by the first call.
  Hooks& hooks();
  /// The same, but null if not yet created.
  Hooks* existing_hooks() const noexcept { return hooks_.get(); }
  /// Its change streams are told there, not of its own writes: it has none. Set before the first of them.
  void set_change_feed(std::shared_ptr<ChangeFeed> feed) noexcept { change_feed_ = std::move(feed); }
  ChangeFeed* change_feed() const noexcept { return change_feed_.get(); }
  void set_settle(bool on) noexcept { set_attention(kSettle, on); }
  void set_recorded(bool on) noexcept { set_attention(kRecorded, on); }
  /// Call after a statement has ended: if a commit has begun, delivers what was waiting for it.
  void settle_if_needed() noexcept {
    if ((attention_ & kSettle) != 0) [[unlikely]]
      settle();
  }
  /// Call before a write that bypasses Statement, such as one through a blob handle. Throws errors of the engine.
  void before_write() {
    keep_read_only();
    if ((attention_ & kRecorded) != 0) [[unlikely]]
      record_savepoints();
  }
  /// If writing is forbidden, sets the engine's own flag again, which a PRAGMA may have cleared.
  void keep_read_only() {
    if ((attention_ & kReadOnly) != 0) [[unlikely]]
      set_query_only();
  }
  /// Throws Misuse in a callback during which the engine allows no SQL on its connection.
  void require_sql_allowed() const {
    if ((attention_ & kNoSql) != 0) [[unlikely]]
      throw_no_sql();
  }
  /// Throws Misuse in any callback of this connection. For calls that would take the running statement away.
  void require_outside_callbacks(std::string_view call) const;

  /// Exists while C++ code runs below the engine. A statement run by that code belongs to the call that is in progress:
  /// it has no deadline of its own, and does not throw the exception kept for the end of that call.
  /// `no_sql` is the name of a callback that must not use the connection.
  class CallbackScope {
   public:
    explicit CallbackScope(Connection& connection, const char* no_sql = nullptr) noexcept
        : connection_(connection), before_(connection.no_sql_in_) {
      connection_.patience_.enter_callback();
      if (no_sql == nullptr) return;
      connection_.no_sql_in_ = no_sql;
      connection_.set_attention(kNoSql, true);
    }
    ~CallbackScope() {
      connection_.patience_.leave_callback();
      connection_.no_sql_in_ = before_;
      connection_.set_attention(kNoSql, before_ != nullptr);
    }
    CallbackScope(const CallbackScope&) = delete;
    CallbackScope& operator=(const CallbackScope&) = delete;

   private:
    Connection& connection_;
    const char* before_;
  };

  // -- strings in double quotes

  /// Sets where "x" is a string if there is no column of that name: in the schema and in statements that create or
  /// alter it (the default), and in other statements. Call it before any statement is compiled.
  void set_double_quoted_strings(bool in_schema, bool in_statements);
  /// Whether the schema may contain such strings, but statements may not.
  bool only_schema_has_strings() const noexcept { return only_schema_has_strings_; }

  bool has_kept_exception() const noexcept { return (attention_ & kKeptException) != 0; }

  // -- facts

  bool is_autocommit() const noexcept;
  std::uint64_t changes() const noexcept;
  std::uint64_t total_changes() const noexcept;
  std::int64_t last_insert_rowid() const noexcept;
  void set_last_insert_rowid(std::int64_t rowid) noexcept;
  /// The results of the SQL functions of these names.
  using ChangeCounters = core::ChangeCounters;
  ChangeCounters change_counters() const noexcept { return {changes(), total_changes(), last_insert_rowid()}; }
  /// Unless can_set_changes(), sets the rowid only.
  void set_change_counters(const ChangeCounters& counters) noexcept;
  /// Whether the engine counts its memory. Otherwise PRAGMA hard_heap_limit and soft_heap_limit have no effect.
  static bool counts_memory() noexcept;
  /// Whether changes() can be set, which needs the built-in engine.
  static bool can_set_changes() noexcept;
  /// Whether a deferred foreign key constraint is violated now, so that the transaction cannot be committed.
  bool has_open_foreign_keys() const noexcept;
  /// main and attached databases, without temp.
  std::vector<std::string> database_names() const;
  /// Makes the engine read the schemas again that other connections have changed. Returns whether there may be any, so
  /// that a statement that failed to compile is worth another try. Read that error first: this call may replace it.
  bool renew_schemas();
  /// The same at the start of a call. Throws if the schemas cannot be checked.
  void require_current_schemas(std::string_view sql);
  /// A number that changes whenever the connection has read different schemas, and perhaps at other times.
  std::int64_t schemas();
  bool is_readonly() const;
  std::string path() const;
  /// Identifies the main database: the same for all connections to it in this process, whatever path they were opened
  /// with. Empty for a temporary database, which no other connection can open.
  std::string identity() const;

  /// What the page caches of all its databases have done since the last call (the engine's counters have 32 bits), and
  /// the memory they hold now.
  struct PageCache {
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t bytes = 0;
  };
  PageCache take_page_cache() noexcept;

  // -- settings

  int limit(Limit which) const noexcept;
  int set_limit(Limit which, int value) noexcept;
  void restore_limits() noexcept;
  /// Resets what SQL text can set and no PRAGMA resets: the format that the next VACUUM gives the file, and the cipher
  /// parameters for later keys.
  void forget_settings();
  /// Differs from an earlier result if temporary tables may have been written since.
  std::int64_t temporary_version() const noexcept;
  void cacheflush();
  /// Refuses SQL that could damage the file: writes to the schema table, to shadow tables and to pages
  /// (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html). For SQL from strangers.
  void set_defensive(bool on);
  /// Reads from the main database's file, which the engine may not have done for long. Throws CannotOpen if the file
  /// was moved or deleted, ResourceError if it cannot be read.
  void probe_file();
  /// Remembers whether the file has content, so that an empty one can later be recognised as truncated.
  void note_content() noexcept;
  void release_memory();
  int reserved_bytes();
  void set_reserved_bytes(int bytes);

  /// Sets cipher, parameters and key on a connection that has read nothing yet. Throws Unsupported, Configuration.
  void set_key(std::string_view cipher, const std::vector<std::pair<std::string, std::int64_t>>& parameters,
               std::span<const std::byte> key);
  void rekey(std::span<const std::byte> key);
  /// Whether the pages of an attached database are encrypted.
  bool is_encrypted(const std::string& schema) const;
  /// Gives the cipher and key of this connection to `other`, which has read nothing yet. False if they were not set by
  /// set_key().
  bool share_key(Connection& other) const;
  static bool has_encryption() noexcept;

  /// Loading extensions: permissions are counted; no directories means that any is allowed.
  void allow_extensions() { ++extension_permissions_; }
  void forbid_extensions() noexcept { --extension_permissions_; }
  void set_extension_directories(std::vector<std::filesystem::path> directories);
  void load_extension(const std::filesystem::path& file, std::string_view entry_point);
  /// Loads an extension that the Builder names, for which no permission is needed.
  void load_trusted_extension(const std::filesystem::path& file, std::string_view entry_point);

  /// Registers a cleanup for when the connection is reset for its next user, or closed, for example of hooks. Cleanups
  /// run in reverse order. Returns a number for cancel_cleanup(). As long as a cleanup with a name is registered,
  /// close() throws and reports the name.
  int on_reset(std::function<void()> cleanup, std::string name = {}) {
    cleanups_.push_back({++last_cleanup_, std::move(cleanup), std::move(name)});
    return last_cleanup_;
  }
  void cancel_cleanup(int number) noexcept {
    std::erase_if(cleanups_, [&](const Cleanup& entry) { return entry.number == number; });
  }
  void run_cleanups() noexcept;
  /// Closes the cursors of all statements.
  void end_cursors() noexcept;
  /// Resets the engine's side of all open cursors. Asking them for another row throws Interrupted.
  void cut_cursors() noexcept;
  void drop_temporary_objects();
  /// Detaches the databases that ATTACH added.
  void detach_databases();

  ConnectionStatistics statistics;  // kept up to date by statements and sessions

 private:
  friend class Statement;
  friend class Patience;

  explicit Connection(sqlite3* db);
  void choose_cipher();

  void set_attention(Attention bit, bool on) noexcept {
    attention_ = on ? attention_ | bit : attention_ & ~static_cast<unsigned>(bit);
  }
  void set_query_only();
  bool knows_content() const noexcept;
  void before_call_slow(Statement& statement);
  void settle() noexcept;
  void record_savepoints();
  [[noreturn]] void throw_no_sql() const;
  void observers_changed() noexcept;

  sqlite3* db_ = nullptr;
  unsigned attention_ = 0;
  Patience patience_;
  bool only_schema_has_strings_ = false;
  unsigned read_only_reasons_ = 0;
  core::ObserverList observers_{[this] { observers_changed(); }};
  bool counts_rows_scanned_ = false;
  WriteGate* write_gate_ = nullptr;
  std::exception_ptr kept_exception_;
  std::exception_ptr to_report_;
  bool last_run_was_done_ = false;
  bool must_roll_back_ = false;
  bool closing_ = false;
  bool had_content_ = false;  // whether the main database's file was seen with content
  std::shared_ptr<Hooks> hooks_;
  std::shared_ptr<ChangeFeed> change_feed_;
  const char* no_sql_in_ = nullptr;  // the callback during which SQL is forbidden
  core::Standing standing_;
  std::string cipher_ = "aes256cbc";  // libSQL's default
  std::vector<std::pair<std::string, std::int64_t>> cipher_parameters_;
  std::vector<std::byte> key_;  // empty: not encrypted, or encrypted with a key set by SQL text
  int extension_permissions_ = 0;
  std::vector<std::filesystem::path> extension_directories_;
  struct Cleanup {
    int number;
    std::function<void()> run;
    std::string name;
  };
  std::vector<Cleanup> cleanups_;
  int last_cleanup_ = 0;
  std::vector<int> initial_limits_;
  std::shared_ptr<const TemporaryFiles> temporary_files_;
  Statement* first_statement_ = nullptr;  // head of the intrusive list of all live statements
};

/// Runs `body` in a callback from the engine. If it throws, the exception is kept on the connection and becomes the
/// error of the running statement, and the callback returns `failed`. C++ code runs below C frames in this way only.
template <class Result, class Body>
Result guard(Connection& connection, Result failed, Body&& body) noexcept {
  const Connection::CallbackScope scope(connection);
  try {
    return body();
  } catch (...) {
    connection.keep_current_exception();
    return failed;
  }
}

}  // namespace libsql::engine

// One connection of the engine: its handle, its statements and hooks, and how its failures become errors.
// The hot path asks one word, attention(), whether anything unusual has to be looked at before or after a call.
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

/// Flags of sqlite3_open_v2() by the names this library uses (https://www.sqlite.org/c3ref/c_open_autoproxy.html), for
/// rooms that do not see sqlite3.h.
namespace open_flags {
inline constexpr int kReadOnly = 0x1, kReadWrite = 0x2, kCreate = 0x4, kExclusive = 0x10, kUri = 0x40, kMemory = 0x80,
                     kNoMutex = 0x8000, kFullMutex = 0x10000, kNoFollow = 0x01000000, kExtendedCodes = 0x02000000;
}

/// Where a write-ahead log ends for a connection: two that are equal are of the same log, with the same content
/// (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
struct LogEnd {
  std::uint32_t frame = 0;  // the number of the last committed frame; 0: there is none
  std::array<std::uint32_t, 2> salt{};
  std::array<std::uint32_t, 2> checksum{};
  bool operator==(const LogEnd&) const = default;
};

/// The seam of the line of writers.
class WriteGate {
 public:
  virtual ~WriteGate() = default;
  /// Before a statement starts that may write. May wait, and may throw to keep it from starting.
  virtual void before_write(class Connection& connection) = 0;
  /// After a statement has ended, as GateDuty says.
  virtual void after_statement(class Connection& connection) noexcept = 0;
};

/// Which events a gate is called for.
enum class GateDuty : std::uint8_t {
  AllStatements,   // each write before it starts, and each statement after its end
  TransactionEnd,  // only the statement after whose end no transaction is open any more; it may be told of others
};

class Connection final {
 public:
  /// Throws CannotOpen, Configuration (unknown VFS) and whatever else the engine says.
  static std::unique_ptr<Connection> open(const OpenOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The engine's handle; null after close().
  sqlite3* handle() const noexcept { return db_; }
  /// Throws Misuse if closed, else the handle.
  sqlite3* require_open() const {
    standing_.require();
    return db_;
  }
  /// Ended by close() and abandon().
  const core::Standing& standing() const noexcept { return standing_; }
  /// How it waits and what ends its calls.
  Patience& patience() noexcept { return patience_; }
  const Patience& patience() const noexcept { return patience_; }

  /// Closes for good. Throws Misuse that names what is still open; then the connection stays open.
  void close();
  /// Closes even if statements are open: they become unusable.
  void close_all() noexcept;
  /// Whether a statement is in the middle of a step: then a callback asks, and closing would pull the statement from
  /// under the engine.
  bool is_stepping() const noexcept;
  bool is_closed() const noexcept { return db_ == nullptr; }
  bool is_closing() const noexcept { return closing_; }
  /// From now on every call throws `reason`.
  void abandon(std::string reason) noexcept;

  /// Runs SQL that yields nothing of interest, past the statement cache. Several statements are allowed.
  void execute_script(const std::string& sql);
  /// The same for what must be done whatever the authorizer and the listeners of statements say: they are not asked.
  void execute_unheard(const std::string& sql);
  /// Whether the statement that failed last had done its work: what failed was a listener, who was told of it.
  bool last_run_was_done() const noexcept { return last_run_was_done_; }
  void forget_last_run() noexcept { last_run_was_done_ = false; }
  /// The first column of the first row as text; nothing if there is no row or it is NULL.
  std::optional<std::string> query_text(const std::string& sql);
  std::int64_t query_integer(const std::string& sql);

  // -- failures ------------------------------------------------------------------------------------------------------

  /// Throws what `rc` and the engine's message mean: an exception that a callback left behind, Timeout, Interrupted,
  /// ...
  [[noreturn]] void fail(int rc, std::string_view sql = {});
  void check(int rc, std::string_view sql = {}) {
    if (rc != 0) [[unlikely]]
      fail(rc, sql);
  }
  /// For callbacks from the engine: keeps the exception in flight, so that the running statement ends with it.
  void keep_current_exception() noexcept;
  /// As above, and interrupts the statement: for callbacks that cannot fail. The statement may end before it notices,
  /// so its transaction is also kept from being committed: what it wrote is rolled back.
  void keep_current_exception_and_interrupt() noexcept;
  /// Whether an exception was kept that way and the open transaction still holds what its statement wrote.
  bool must_roll_back() const noexcept { return must_roll_back_ && kept_exception_ != nullptr; }
  /// Rolls back if an exception was kept that way since the last call.
  void roll_back_if_bound() noexcept;
  void unbind() noexcept { must_roll_back_ = false; }
  /// Has the next statement throw this before it runs; null: forgets it.
  void report_later(std::exception_ptr failure) noexcept;
  /// Throws what a callback left behind, if anything.
  void rethrow_kept_exception();

  // -- what the hot path must look at

  enum Attention : unsigned {
    kInTransaction = 1,   // transaction() is open: watch for the engine losing it
    kDeadline = 2,        // every call has a deadline
    kObserved = 4,        // somebody watches statements
    kWriteGate = 8,       // the write gate is told of all statements
    kKeptException = 16,  // a callback left an exception
    kUnusable = 32,       // closed or abandoned
    kGuarded = 64,        // SQL text may not begin or end transactions
    kNoSql = 128,         // a callback is running in which the engine allows no SQL
    kSettle = 256,        // a commit has begun: tell those who wait for its end
    kRecorded = 512,      // a change stream is attached
    kEndAwaited = 1024,   // the write gate is told when the open transaction has ended
    kCall = 2048,         // a call that runs several statements: it has one deadline, and an interrupt ends all of it
    kReadOnly = 4096,     // no statement may write
    kReport = 8192,       // a failure waits to be told
  };
  unsigned attention() const noexcept { return attention_; }
  /// Called before a statement starts or goes on while attention() is not 0.
  void before_call(Statement& statement) {
    if ((attention_ & (kDeadline | kKeptException | kUnusable | kNoSql | kRecorded | kReport)) != 0 ||
        patience_.is_call_interrupted())
      before_call_slow(statement);
    if ((attention_ & kInTransaction) != 0) check_transaction();
  }

  /// The same before a further row. Of a call with several statements nothing has to be looked at: while rows are open,
  /// the engine itself keeps an interrupt in mind, and looks at the clock.
  void before_next(Statement& statement) {
    if ((attention_ & (kDeadline | kKeptException | kUnusable | kNoSql | kRecorded)) != 0) before_call_slow(statement);
    if ((attention_ & kInTransaction) != 0) check_transaction();
  }

  void set_in_transaction(bool on) noexcept { set_attention(kInTransaction, on); }
  bool is_in_transaction() const noexcept { return (attention_ & kInTransaction) != 0; }
  /// Throws TransactionLost if transaction() is open here but the engine has none.
  void check_transaction();
  /// Those who watch its statements.
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
  /// While on, a statement that begins or ends a transaction throws Misuse: somebody else's transaction is open here.
  void set_transaction_guard(bool on) noexcept { set_attention(kGuarded, on); }
  bool has_transaction_guard() const noexcept { return (attention_ & kGuarded) != 0; }
  /// While a reason stands, a statement that writes throws ReadOnly, whatever `PRAGMA query_only` was set to meanwhile.
  enum class ReadOnlyReason : std::uint8_t { Transaction = 1, Session = 2 };
  bool has_read_only_reason(ReadOnlyReason reason) const noexcept {
    return (read_only_reasons_ & static_cast<unsigned>(reason)) != 0;
  }
  void refuse_writes(ReadOnlyReason reason);
  void allow_writes(ReadOnlyReason reason) noexcept;
  /// Whether the open transaction holds the write lock of the main database.
  bool holds_write_lock() const noexcept;
  /// The end of the main database's log as this connection's last transaction left or saw it; none without a log, and
  /// with the system's SQLite.
  std::optional<LogEnd> log_end() const noexcept;

  // -- hooks and callbacks

  /// The listeners of this connection, made at the first call.
  Hooks& hooks();
  /// As above, without making them.
  Hooks* existing_hooks() const noexcept { return hooks_.get(); }
  void set_settle(bool on) noexcept { set_attention(kSettle, on); }
  void set_recorded(bool on) noexcept { set_attention(kRecorded, on); }
  /// After a statement has ended: delivers what waited for a commit, if one has begun.
  void settle_if_needed() noexcept {
    if ((attention_ & kSettle) != 0) [[unlikely]]
      settle();
  }
  /// Before a write that goes past Statement, such as through a blob handle. Throws what the engine says.
  void before_write() {
    keep_read_only();
    if ((attention_ & kRecorded) != 0) [[unlikely]]
      record_savepoints();
  }
  /// Sets the engine's own flag again, which a PRAGMA may have cleared, if nothing may be written.
  void keep_read_only() {
    if ((attention_ & kReadOnly) != 0) [[unlikely]]
      set_query_only();
  }
  /// Throws Misuse inside a callback in which the engine allows no SQL on its connection.
  void require_sql_allowed() const {
    if ((attention_ & kNoSql) != 0) [[unlikely]]
      throw_no_sql();
  }
  /// Throws Misuse inside any callback of this connection: for what would pull the running statement from under it.
  void require_outside_callbacks(std::string_view call) const;

  /// Marks the time in which C++ code runs below the engine. A statement run by it is part of the call that it
  /// interrupts: it neither has a deadline of its own nor takes away the exception that waits for that call's end.
  /// `no_sql` names a callback that may not use the connection.
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

  /// Where "x" is a string if no column has that name: in the schema and statements that make or alter it, which is the
  /// default, and in other statements. To be called before any statement is compiled.
  void set_double_quoted_strings(bool in_schema, bool in_statements);
  /// Whether the schema may hold what a statement may not.
  bool only_schema_has_strings() const noexcept { return only_schema_has_strings_; }

  bool has_kept_exception() const noexcept { return (attention_ & kKeptException) != 0; }

  // -- facts

  bool is_autocommit() const noexcept;
  std::uint64_t changes() const noexcept;
  std::uint64_t total_changes() const noexcept;
  std::int64_t last_insert_rowid() const noexcept;
  void set_last_insert_rowid(std::int64_t rowid) noexcept;
  /// What the SQL functions of these names say.
  using ChangeCounters = core::ChangeCounters;
  ChangeCounters change_counters() const noexcept { return {changes(), total_changes(), last_insert_rowid()}; }
  /// Without can_set_changes() only the rowid.
  void set_change_counters(const ChangeCounters& counters) noexcept;
  /// Whether the engine counts the memory it uses, without which PRAGMA hard_heap_limit and soft_heap_limit do nothing.
  static bool counts_memory() noexcept;
  /// Whether the engine is the one that was compiled in.
  static bool can_set_changes() noexcept;
  /// Whether a foreign key constraint that is deferred is violated now: then the transaction cannot be committed.
  bool has_open_foreign_keys() const noexcept;
  /// main and what is attached, without temp.
  std::vector<std::string> database_names() const;
  /// Has the engine read schemas again that another connection has changed since it read them. Whether there may be
  /// one: then what failed to compile is worth another try. Not before the failure has been looked at.
  bool renew_schemas();
  /// The same at the start of a call. Throws what keeps it from looking.
  void require_current_schemas(std::string_view sql);
  /// A number that changes when the connection reads other schemas, or may have.
  std::int64_t schemas();
  bool is_readonly() const;
  std::string path() const;
  /// A name of the main database that is the same for every connection to it in this process, whatever path it was
  /// opened by. Empty for a temporary database, which nobody else can open.
  std::string identity() const;

  /// What the page caches of all its databases have done since the last call (the engine counts in 32 bits), and what
  /// they hold now.
  struct PageCache {
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t bytes = 0;
  };
  PageCache take_page_cache() noexcept;

  // -- settings

  int limit(Limit which) const noexcept;
  int set_limit(Limit which, int value) noexcept;
  void restore_limits() noexcept;
  /// Takes back what SQL text has set and no PRAGMA takes back: the shape that the next VACUUM gives the file, and the
  /// parameters of ciphers for keys to come.
  void forget_settings();
  /// Differs from an earlier answer if something was written to temporary tables since, or may have been.
  std::int64_t temporary_version() const noexcept;
  void cacheflush();
  /// Refuses what could damage the file by way of SQL: writes to the schema table, to shadow tables and to pages
  /// (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html). For SQL text of strangers.
  void set_defensive(bool on);
  /// Reads from the main database's file, which the engine may not do for a long time: throws CannotOpen if the file is
  /// not in its place any more, ResourceError if it cannot be read.
  void probe_file();
  /// Remembers whether the file holds something: then it cannot be empty later.
  void note_content() noexcept;
  void release_memory();
  int reserved_bytes();
  void set_reserved_bytes(int bytes);

  /// Sets cipher, parameters and key of a connection that has read nothing yet. Throws Unsupported, Configuration.
  void set_key(std::string_view cipher, const std::vector<std::pair<std::string, std::int64_t>>& parameters,
               std::span<const std::byte> key);
  void rekey(std::span<const std::byte> key);
  /// Whether the pages of an attached database are encrypted.
  bool is_encrypted(const std::string& schema) const;
  /// Gives `other`, which has read nothing yet, the cipher and key of this one; false if no set_key() told them.
  bool share_key(Connection& other) const;
  static bool has_encryption() noexcept;

  /// Extension loading: counted permissions and allowed directories (none: any).
  void allow_extensions() { ++extension_permissions_; }
  void forbid_extensions() noexcept { --extension_permissions_; }
  void set_extension_directories(std::vector<std::filesystem::path> directories);
  void load_extension(const std::filesystem::path& file, std::string_view entry_point);
  /// Without asking for permission: for the ones that the Builder names.
  void load_trusted_extension(const std::filesystem::path& file, std::string_view entry_point);

  /// Something that must go when the connection is reset for its next user, or closed: hooks, for one. Runs in reverse
  /// order. Returns a number to cancel it by, for what goes earlier by itself. What has a name keeps close(), which
  /// tells it, from succeeding.
  int on_reset(std::function<void()> cleanup, std::string name = {}) {
    cleanups_.push_back({++last_cleanup_, std::move(cleanup), std::move(name)});
    return last_cleanup_;
  }
  void cancel_cleanup(int number) noexcept {
    std::erase_if(cleanups_, [&](const Cleanup& entry) { return entry.number == number; });
  }
  void run_cleanups() noexcept;
  /// Ends the cursors of all statements.
  void end_cursors() noexcept;
  /// Ends what all open cursors hold in the engine; their next rows are Interrupted.
  void cut_cursors() noexcept;
  void drop_temporary_objects();
  /// Detaches what ATTACH added.
  void detach_databases();

  ConnectionStatistics statistics;  // the counters that statements and sessions keep

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
  bool had_content_ = false;  // of the main database's file
  std::shared_ptr<Hooks> hooks_;
  const char* no_sql_in_ = nullptr;  // the callback that forbids SQL
  core::Standing standing_;
  std::string cipher_ = "aes256cbc";  // libSQL's
  std::vector<std::pair<std::string, std::int64_t>> cipher_parameters_;
  std::vector<std::byte> key_;  // empty: not encrypted, or with a key that SQL text set
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
  Statement* first_statement_ = nullptr;  // all live statements, an intrusive list
};

/// Runs `body` for a callback from the engine. What it throws is kept on the connection and becomes the running
/// statement's error; the callback returns `failed`. The only way C++ code runs below C frames.
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

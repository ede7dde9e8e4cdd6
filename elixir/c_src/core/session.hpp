// What one connection's thread owns: the connection, and the transaction, statements and cursors that clients have
// handles of. Nothing here knows the Erlang VM.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libsql/builder.hpp>
#include <libsql/change_stream.hpp>
#include <libsql/connection.hpp>
#include <libsql/hooks.hpp>
#include <libsql/replica.hpp>
#include <libsql/rows.hpp>
#include <libsql/statement.hpp>
#include <libsql/transaction.hpp>
#include <libsql/value.hpp>
#include <libsql/wal.hpp>

namespace libsql::beam {

class Worker;

/// How a database is opened. Empty texts and nullopt are options that were not given.
struct OpenOptions {
  bool remote = false;
  bool replica = false;  ///< of `uri`, in the file `database`
  bool read_your_writes = true;
  std::optional<std::chrono::milliseconds> sync_interval;
  std::string database;
  std::string uri;
  std::string auth_token;
  std::string name_space;
  std::string remote_encryption_key;
  std::string ca_file;
  bool accept_any_certificate = false;
  std::optional<Encryption> encryption;
  std::optional<std::chrono::milliseconds> busy_timeout;
  OpenMode open_mode = OpenMode::ReadWriteCreate;
  std::string vfs;
  bool writers_in_line = false;
  bool double_quoted_strings = false;
  std::optional<std::size_t> statement_cache_bytes;
  std::vector<std::pair<std::string, Value>> pragmas;
  std::vector<std::string> extensions;
  std::vector<std::string> extension_directories;
};

/// Takes the rows of a run as they come: the names first, if the statement yields rows at all, then each row.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;
  virtual void columns(std::span<const Column> columns) = 0;
  /// The views are valid for the call. Returns the bytes taken, for bounds on chunks.
  virtual std::size_t row(std::span<const ValueRef> cells) = 0;
};

struct Arguments {
  std::span<const ValueRef> positional;
  /// If `by_name`: pairs of name (with or without prefix) and value.
  std::span<const std::pair<std::string_view, ValueRef>> named;
  bool by_name = false;
};

/// What one statement did.
struct Outcome {
  bool has_rows = false;
  std::uint64_t rows = 0;
  std::uint64_t changes = 0;
  std::int64_t last_insert_rowid = 0;
};

/// A handle that is not, or no longer, one of this session: `what` is "Statement", "Transaction" or "Cursor".
struct UnknownHandle {
  const char* what;
};
/// A handle of another connection.
struct ForeignHandle {
  const char* what;
};
/// Arguments by name that do not fit the statement. The message is for the client.
struct BadNames {
  std::string message;
};

/// Threads: one, its worker's. Errors: libsql::Error, UnknownHandle, BadNames; Misuse before open().
class Session {
 public:
  explicit Session(Worker& worker) noexcept;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void open(const OpenOptions& options);
  /// Ends everything. Never throws.
  void close() noexcept;
  bool is_open() const noexcept { return connection_.has_value(); }
  Connection& connection();
  /// How long each call may take from now on; nullopt: as long as it needs.
  void deadline(std::optional<std::chrono::milliseconds> limit);

  /// Runs one statement and passes its rows on. At most `max_rows`: more throw UnexpectedRows.
  Outcome run(std::string_view sql, const Arguments& arguments, RowSink& sink,
              std::optional<std::uint64_t> max_rows = std::nullopt);

  /// Of a replica: copies what the primary has, or up to a frame. Ended as statements are. Throws Unsupported for any
  /// other database.
  SyncReport sync(std::optional<FrameNumber> until);
  Replica replica();
  /// Ends the replication: from now on the session is one of an ordinary local database.
  void freeze();

  std::uint64_t begin(TransactionBehavior behavior);
  /// Throws UnknownHandle unless that transaction is open.
  void check_transaction(std::uint64_t id);
  /// Whether the transaction `id` is still open.
  bool has_transaction(std::uint64_t id) const noexcept;
  /// The handle stays if the commit fails but may be tried again.
  void commit(std::uint64_t id);
  void rollback(std::uint64_t id);
  /// Whether any transaction is open, also one that SQL text began.
  bool in_transaction() const;

  /// Tells the worker what transaction is open; before each answer.
  void publish() noexcept;

  std::uint64_t prepare(std::string_view sql);
  Statement& statement(std::uint64_t id);
  Outcome run_statement(std::uint64_t id, const Arguments& arguments, RowSink& sink);

  std::uint64_t open_cursor(std::string_view sql, const Arguments& arguments);
  /// Up to `max_rows` further rows, or fewer once they take `max_bytes`. Returns their number; `done` tells whether
  /// there are no more.
  std::uint64_t fetch(std::uint64_t id, std::uint64_t max_rows, std::size_t max_bytes, RowSink& sink, bool& done);

  /// Ends a statement, transaction or cursor. False if there is none of that number.
  bool drop(std::uint64_t id) noexcept;
  /// Rolls back, ends all statements and cursors, and, if `everything`, resets the connection.
  void reset(bool everything);

  /// For what writes past run(): cursors keep the rows that they were declared with.
  void will_write() { keep_cursors_rows(); }

  /// Passes the changes of each committed transaction on; an empty function ends that.
  void follow_changes(std::function<void(const ChangeSet&)> use);
  void begin_wal_insert();
  /// Throws Misuse if none was begun.
  WalInsert& wal_insert();
  void end_wal_insert();

  /// What is attached to the connection from outside, by name; attaching again replaces it.
  void attach(const std::string& name, Subscription subscription);
  void detach(const std::string& name) noexcept;

 private:
  struct Cursor;

  void before_write(std::string_view sql);
  void keep_cursors_rows();
  Outcome read(Rows rows, std::uint64_t changes_before, RowSink& sink, std::optional<std::uint64_t> max_rows);
  Rows start(std::string_view sql, const Arguments& arguments, bool borrow);

  Worker& worker_;
  std::optional<Database> database_;
  std::optional<Connection> connection_;
  std::optional<std::chrono::milliseconds> deadline_;
  std::uint64_t next_id_ = 1;
  std::optional<std::pair<std::uint64_t, Transaction>> transaction_;
  std::map<std::uint64_t, Statement> statements_;
  std::map<std::uint64_t, std::unique_ptr<Cursor>> cursors_;
  std::map<std::string, Subscription> attached_;
  std::optional<ChangeStream> changes_;
  std::optional<WalInsert> wal_insert_;
  std::vector<ValueRef> cells_;
};

}  // namespace libsql::beam

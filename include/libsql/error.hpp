/// \file
/// What can go wrong: one base class that carries everything known about a failure, and one flat level of classes below
/// it for what callers really catch. The same failure has the same class in every mode.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/export.hpp>

namespace libsql {

/// Stable name of a kind of failure; one per class below, plus a few kinds that nobody catches apart.
enum class ErrorCode : std::uint8_t {
  Busy,             ///< another connection holds the lock, and the wait for it ended
  Constraint,       ///< a constraint of the schema refused the change
  Interrupted,      ///< interrupt() ended the call
  Timeout,          ///< a deadline passed
  TransactionLost,  ///< the transaction is gone, and nothing of it was committed
  Unsupported,      ///< this mode or this build cannot do it
  Auth,             ///< the authorizer, the server or the cipher refused
  Network,          ///< the link failed
  Protocol,         ///< the peer said something that cannot be
  Corrupt,          ///< the database file, or what was read from it, is damaged
  NotADatabase,     ///< the file is no database, or the encryption key is wrong
  CannotOpen,       ///< the file cannot be opened
  ReadOnly,         ///< a write to something that only may be read
  Full,             ///< the disk or the database is full
  Io,               ///< the operating system failed a read, write, sync or lock
  NoMemory,         ///< an allocation failed
  TooBig,           ///< a text or blob is longer than the limit
  SqlError,         ///< the SQL text is wrong, or a function in it failed
  Misuse,           ///< a call against the contract of its header
  Configuration,    ///< an option that cannot be honoured
  TypeMismatch,     ///< a value of another type than the one asked for
  OutOfRange,       ///< a value too large for the type asked for, or an index outside its range
  UnexpectedRows,   ///< another number of rows than the call promises
  Conflict,         ///< the place is taken by something else
  SnapshotTooOld,   ///< the state of the database that was asked for is gone
  Expired,          ///< the row under an open blob was changed or deleted
};

/// The name of the code as written above, for logs. Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(ErrorCode code) noexcept;

/// Who noticed the failure.
enum class ErrorOrigin : std::uint8_t { Engine, Server, Network, Api };

/// Which kind of constraint refused a change (https://www.sqlite.org/rescode.html#constraint).
enum class ConstraintKind : std::uint8_t {
  Other,
  Check,
  CommitHook,
  ForeignKey,
  Function,
  NotNull,
  PrimaryKey,
  RowId,
  Trigger,
  Unique,
  VirtualTable,
  DataType,
  Pinned
};

namespace detail {
struct ErrorAccess;

/// Everything an Error carries. Built by the rooms below the API; users read it through Error.
struct ErrorData {
  ErrorCode code = ErrorCode::SqlError;
  ErrorOrigin origin = ErrorOrigin::Api;
  int sqlite_code = 0;
  std::string message;
  std::string place;  ///< the end of the message that names a file of this machine
  std::string server_message;
  std::string sql;
  std::optional<std::size_t> offset;
  bool retryable = false;
  bool session_usable = true;
  bool outcome_known = true;
  bool write_committed = false;
  std::optional<bool> transaction_open;
  ConstraintKind constraint_kind = ConstraintKind::Other;
  std::string constraint_table;
  std::vector<std::string> constraint_columns;
  std::string constraint_name;
  std::optional<std::size_t> statement_index;
  std::string feature;
  std::string mode;
};
}  // namespace detail

/// A failure. Copies share one immutable block, so copying never allocates and never throws.
/// Threads: an Error may be read by several threads at once.
class LIBSQL_EXPORT Error : public std::exception {
 public:
  explicit Error(detail::ErrorData data);
  Error(const Error&) noexcept;
  Error& operator=(const Error&) noexcept;
  ~Error() override;

  /// The message in UTF-8; the same as message().c_str().
  const char* what() const noexcept override;
  const std::string& message() const noexcept;
  ErrorCode code() const noexcept;
  ErrorOrigin origin() const noexcept;

  /// The engine's extended result code (https://www.sqlite.org/rescode.html), or 0 when the engine was not asked.
  int sqlite_code() const noexcept;
  /// What the server said, word for word; empty unless origin() is Server.
  const std::string& server_message() const noexcept;
  /// The SQL text of the statement; never the values of its parameters. Empty when no statement was involved.
  const std::string& sql() const noexcept;
  /// The byte offset in sql() where the fault lies, when it is known.
  std::optional<std::size_t> offset() const noexcept;
  /// In a batch, the index (from 0) of the statement or parameter set that failed.
  std::optional<std::size_t> statement_index() const noexcept;

  /// True if the same call may succeed later, without any change by the caller.
  bool retryable() const noexcept;
  /// False if the connection is of no further use and must be replaced.
  bool session_usable() const noexcept;
  /// Whether a transaction was still open after the failure, when that is known.
  std::optional<bool> transaction_open() const noexcept;
  /// False if nobody knows whether the change took effect (the link broke after it was sent). Then never retry blindly.
  bool outcome_known() const noexcept;
  /// True if the statement had run and was committed before the call failed: of a server, query_row() and its like get
  /// the rows of a RETURNING clause when what they tell of is done.
  bool write_committed() const noexcept;

 protected:
  const detail::ErrorData& data() const noexcept;

 private:
  friend struct detail::ErrorAccess;
  std::shared_ptr<const detail::ErrorData> data_;
};

/// Another connection holds a lock that the call needs, and the busy timeout passed.
class LIBSQL_EXPORT Busy : public Error {
 public:
  using Error::Error;
};

/// A constraint of the schema refused a change. Nothing of the statement took effect.
class LIBSQL_EXPORT Constraint : public Error {
 public:
  using Error::Error;
  ConstraintKind kind() const noexcept;
  /// The table, when the engine names it (it does for NOT NULL, UNIQUE and PRIMARY KEY), else empty.
  const std::string& table() const noexcept;
  /// The columns, when the engine names them, else empty.
  const std::vector<std::string>& columns() const noexcept;
  /// The name of a CHECK constraint or of an index on expressions, or the text of the CHECK; else empty.
  const std::string& name() const noexcept;
};

/// Another thread interrupted the call. The connection stays usable; an open transaction may have been rolled back.
class LIBSQL_EXPORT Interrupted : public Error {
 public:
  using Error::Error;
};

/// The deadline of the call passed.
class LIBSQL_EXPORT Timeout : public Error {
 public:
  using Error::Error;
};

/// The transaction is gone without having been committed; nothing runs outside it until the caller ends it.
class LIBSQL_EXPORT TransactionLost : public Error {
 public:
  using Error::Error;
};

/// This mode, or this build of the engine, cannot do what was asked.
class LIBSQL_EXPORT Unsupported : public Error {
 public:
  using Error::Error;
  const std::string& feature() const noexcept;  ///< What was asked for, such as "update hook".
  const std::string& mode() const noexcept;     ///< Who cannot do it: "local", "remote", "replica", or "engine".
};

/// An authorizer, a server or a guard of this library refused the action.
class LIBSQL_EXPORT Auth : public Error {
 public:
  using Error::Error;
};

/// The link to the server failed.
class LIBSQL_EXPORT Network : public Error {
 public:
  using Error::Error;
};

/// The server or a file spoke something that its protocol does not allow.
class LIBSQL_EXPORT Protocol : public Error {
 public:
  using Error::Error;
};

/// The database is damaged.
class LIBSQL_EXPORT Corrupt : public Error {
 public:
  using Error::Error;
};

/// The file is not a database, or it is encrypted and the key or cipher is wrong (the two cannot be told apart).
class LIBSQL_EXPORT NotADatabase : public Error {
 public:
  using Error::Error;
};

/// The file cannot be opened: no such directory, no permission, not allowed by the open flags.
class LIBSQL_EXPORT CannotOpen : public Error {
 public:
  using Error::Error;
};

/// A write to a database, a connection or a transaction that may only be read.
class LIBSQL_EXPORT ReadOnly : public Error {
 public:
  using Error::Error;
};

/// The operating system failed an operation on a file (Io), or there is no room (Full, NoMemory, TooBig); see code().
class LIBSQL_EXPORT ResourceError : public Error {
 public:
  using Error::Error;
};

/// The SQL text is wrong, or something it refers to does not exist, or a function in it failed. See offset().
class LIBSQL_EXPORT SqlError : public Error {
 public:
  using Error::Error;
};

/// A call that its header forbids: a wrong parameter, a closed object, a second statement where one is allowed.
class LIBSQL_EXPORT Misuse : public Error {
 public:
  using Error::Error;
};

/// An option that cannot be honoured: an unknown VFS, PRAGMA, cipher or URL parameter, or a bad value for one.
class LIBSQL_EXPORT Configuration : public Error {
 public:
  using Error::Error;
};

/// The value has another type than the one asked for.
class LIBSQL_EXPORT TypeMismatch : public Error {
 public:
  using Error::Error;
};

/// The value does not fit the type asked for, or there is no column, parameter or position of that number or name.
class LIBSQL_EXPORT OutOfRange : public Error {
 public:
  using Error::Error;
};

/// The statement returned no row, or more rows, than the call promises.
class LIBSQL_EXPORT UnexpectedRows : public Error {
 public:
  using Error::Error;
};

/// A frame for a position of the log that already holds another one: the two logs have gone different ways.
class LIBSQL_EXPORT Conflict : public Error {
 public:
  using Error::Error;
};

/// A checkpoint has overwritten the state of the database that was asked for.
class LIBSQL_EXPORT SnapshotTooOld : public Error {
 public:
  using Error::Error;
};

/// The row under an open blob was changed or deleted by something else than the blob. Reopen it.
class LIBSQL_EXPORT Expired : public Error {
 public:
  using Error::Error;
};

}  // namespace libsql

/// \file
/// Errors: one base class that carries everything known about a failure, and one level of classes below it, for what
/// callers catch. The same failure has the same class in every mode.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/error_code.hpp>
#include <libsql/export.hpp>

namespace libsql {

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
  /// The byte offset of the fault in sql(), if it is known.
  std::optional<std::size_t> offset() const noexcept;
  /// In a batch, the index (from 0) of the statement or parameter set that failed.
  std::optional<std::size_t> statement_index() const noexcept;

  /// True if the same call may succeed later, without any change by the caller.
  bool retryable() const noexcept;
  /// False if the connection can no longer be used and must be replaced.
  bool session_usable() const noexcept;
  /// Whether a transaction was still open after the failure, if that is known.
  std::optional<bool> transaction_open() const noexcept;
  /// False if it is not known whether the change took effect, because the link broke after it was sent. Then never
  /// retry blindly.
  bool outcome_known() const noexcept;
  /// True if the statement had run and was committed before the call failed: a server sends the rows of a RETURNING
  /// clause, which query_row() and the like check, when the change is already committed.
  bool write_committed() const noexcept;

 protected:
  const detail::ErrorData& data() const noexcept;

 private:
  friend struct detail::ErrorAccess;
  std::shared_ptr<const detail::ErrorData> data_;
};

/// Another connection holds a lock that the call needs, and the busy timeout has passed.
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

/// The transaction is gone and was not committed. Until the caller ends it, further statements throw this too.
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

/// The server or a file broke its protocol or format.
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

/// A file operation failed (Io), or space ran out (Full, NoMemory, TooBig); see code().
class LIBSQL_EXPORT ResourceError : public Error {
 public:
  using Error::Error;
};

/// The SQL text is wrong, or something it refers to does not exist, or a function in it failed. See offset().
class LIBSQL_EXPORT SqlError : public Error {
 public:
  using Error::Error;
};

/// A call that the header forbids: a wrong parameter, a closed object, a second statement where one is allowed.
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

/// The statement returned no row, or more rows, where the call needs exactly one or at most one.
class LIBSQL_EXPORT UnexpectedRows : public Error {
 public:
  using Error::Error;
};

/// The position in the log already holds a different frame: the two logs have diverged.
class LIBSQL_EXPORT Conflict : public Error {
 public:
  using Error::Error;
};

/// A checkpoint has overwritten the requested state of the database.
class LIBSQL_EXPORT SnapshotTooOld : public Error {
 public:
  using Error::Error;
};

/// The row of an open blob was changed or deleted other than through the blob. Reopen it.
class LIBSQL_EXPORT Expired : public Error {
 public:
  using Error::Error;
};

}  // namespace libsql

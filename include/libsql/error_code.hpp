/// \file
/// The kinds of failures, for Error.
#pragma once

#include <cstdint>
#include <string_view>

#include <libsql/export.hpp>

namespace libsql {

/// The stable name of a kind of failure: one per class in error.hpp, and a few that share a class.
enum class ErrorCode : std::uint8_t {
  Busy,             ///< another connection holds the lock, and the busy timeout has passed
  Constraint,       ///< a constraint of the schema refused the change
  Interrupted,      ///< interrupt() ended the call
  Timeout,          ///< a deadline passed
  TransactionLost,  ///< the transaction is gone, and nothing of it was committed
  Unsupported,      ///< this mode or this build cannot do it
  Auth,             ///< the authorizer, the server or the cipher refused
  Network,          ///< the link failed
  Protocol,         ///< the peer broke the protocol
  Corrupt,          ///< the database file, or what was read from it, is damaged
  NotADatabase,     ///< the file is no database, or the encryption key is wrong
  CannotOpen,       ///< the file cannot be opened
  ReadOnly,         ///< a write to something that may only be read
  Full,             ///< the disk or the database is full
  Io,               ///< the operating system failed a read, write, sync or lock
  NoMemory,         ///< an allocation failed
  TooBig,           ///< a text or blob is longer than the limit
  SqlError,         ///< the SQL text is wrong, or a function in it failed
  Misuse,           ///< a call against the contract of its header
  Configuration,    ///< an option that cannot be honoured
  TypeMismatch,     ///< a value of another type than the one asked for
  OutOfRange,       ///< a value too large for the type asked for, or an index outside its range
  UnexpectedRows,   ///< more or fewer rows than the call allows
  Conflict,         ///< the place is taken by something else
  SnapshotTooOld,   ///< the requested state of the database is gone
  Expired,          ///< the row under an open blob was changed or deleted
};

/// The name of the code as written above, for logs. Valid for the program's lifetime.
LIBSQL_EXPORT std::string_view to_string(ErrorCode code) noexcept;

/// Where the failure was noticed.
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

}  // namespace libsql

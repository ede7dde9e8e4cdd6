#include "core/errors.hpp"

#include <utility>

namespace libsql::core {
namespace {

// Primary and extended result codes used below (https://www.sqlite.org/rescode.html). Written out, because this room
// may not include sqlite3.h: remote backends map the same numbers, which servers send, without an engine.
enum : int {
  kError = 1,
  kInternal = 2,
  kPerm = 3,
  kAbort = 4,
  kBusy = 5,
  kLocked = 6,
  kNoMem = 7,
  kReadOnly = 8,
  kInterrupt = 9,
  kIoErr = 10,
  kCorrupt = 11,
  kNotFound = 12,
  kFull = 13,
  kCantOpen = 14,
  kProtocol = 15,
  kSchema = 17,
  kTooBig = 18,
  kConstraint = 19,
  kMismatch = 20,
  kMisuse = 21,
  kNoLfs = 22,
  kAuth = 23,
  kFormat = 24,
  kRange = 25,
  kNotADb = 26,
  kErrorSnapshot = kError | (3 << 8),
  kAbortRollback = kAbort | (2 << 8),
  kBusySnapshot = kBusy | (2 << 8),
  kIoErrNoMem = kIoErr | (12 << 8),
};

ConstraintKind constraint_kind_of(int sqlite_code) noexcept {
  switch (sqlite_code >> 8) {
    case 1:
      return ConstraintKind::Check;
    case 2:
      return ConstraintKind::CommitHook;
    case 3:
      return ConstraintKind::ForeignKey;
    case 4:
      return ConstraintKind::Function;
    case 5:
      return ConstraintKind::NotNull;
    case 6:
      return ConstraintKind::PrimaryKey;
    case 7:
      return ConstraintKind::Trigger;
    case 8:
      return ConstraintKind::Unique;
    case 9:
      return ConstraintKind::VirtualTable;
    case 10:
      return ConstraintKind::RowId;
    case 11:
      return ConstraintKind::Pinned;
    case 12:
      return ConstraintKind::DataType;
    default:
      return ConstraintKind::Other;
  }
}

// Calls `make` with a tag of the class that belongs to the code.
template <class T>
struct ClassTag {
  using type = T;
};

template <class Make>
auto with_class(ErrorCode code, Make&& make) {
  switch (code) {
    case ErrorCode::Busy:
      return make(ClassTag<Busy>{});
    case ErrorCode::Constraint:
      return make(ClassTag<Constraint>{});
    case ErrorCode::Interrupted:
      return make(ClassTag<Interrupted>{});
    case ErrorCode::Timeout:
      return make(ClassTag<Timeout>{});
    case ErrorCode::TransactionLost:
      return make(ClassTag<TransactionLost>{});
    case ErrorCode::Unsupported:
      return make(ClassTag<Unsupported>{});
    case ErrorCode::Auth:
      return make(ClassTag<Auth>{});
    case ErrorCode::Network:
      return make(ClassTag<Network>{});
    case ErrorCode::Protocol:
      return make(ClassTag<Protocol>{});
    case ErrorCode::Corrupt:
      return make(ClassTag<Corrupt>{});
    case ErrorCode::NotADatabase:
      return make(ClassTag<NotADatabase>{});
    case ErrorCode::CannotOpen:
      return make(ClassTag<CannotOpen>{});
    case ErrorCode::ReadOnly:
      return make(ClassTag<ReadOnly>{});
    case ErrorCode::Full:
    case ErrorCode::Io:
    case ErrorCode::NoMemory:
    case ErrorCode::TooBig:
      return make(ClassTag<ResourceError>{});
    case ErrorCode::Misuse:
      return make(ClassTag<Misuse>{});
    case ErrorCode::Configuration:
      return make(ClassTag<Configuration>{});
    case ErrorCode::TypeMismatch:
      return make(ClassTag<TypeMismatch>{});
    case ErrorCode::OutOfRange:
      return make(ClassTag<OutOfRange>{});
    case ErrorCode::UnexpectedRows:
      return make(ClassTag<UnexpectedRows>{});
    case ErrorCode::Conflict:
      return make(ClassTag<Conflict>{});
    case ErrorCode::SnapshotTooOld:
      return make(ClassTag<SnapshotTooOld>{});
    case ErrorCode::Expired:
      return make(ClassTag<Expired>{});
    case ErrorCode::SqlError:
      break;
  }
  return make(ClassTag<SqlError>{});
}

}  // namespace

ErrorCode error_code_of(int sqlite_code) noexcept {
  if (sqlite_code == kErrorSnapshot) return ErrorCode::SnapshotTooOld;
  if (sqlite_code == kAbortRollback) return ErrorCode::TransactionLost;
  if (sqlite_code == kIoErrNoMem) return ErrorCode::NoMemory;
  switch (sqlite_code & 0xff) {
    case kBusy:
    case kLocked:
      return ErrorCode::Busy;
    case kConstraint:
      return ErrorCode::Constraint;
    case kInterrupt:
      return ErrorCode::Interrupted;
    case kPerm:
    case kCantOpen:
      return ErrorCode::CannotOpen;
    case kAuth:
      return ErrorCode::Auth;
    case kCorrupt:
      return ErrorCode::Corrupt;
    case kNotADb:
    case kFormat:
      return ErrorCode::NotADatabase;
    case kReadOnly:
      return ErrorCode::ReadOnly;
    case kFull:
      return ErrorCode::Full;
    case kIoErr:
    case kProtocol:  // the engine's locking protocol, not a wire protocol: a race on the WAL index
    case kNoLfs:
      return ErrorCode::Io;
    case kNoMem:
      return ErrorCode::NoMemory;
    case kTooBig:
      return ErrorCode::TooBig;
    case kMisuse:
      return ErrorCode::Misuse;
    case kRange:
      return ErrorCode::OutOfRange;
    case kMismatch:
      return ErrorCode::TypeMismatch;
    default:
      return ErrorCode::SqlError;
  }
}

bool is_retryable(int sqlite_code) noexcept {
  // A snapshot that another connection has written past stays past: only a new transaction helps. And a table that is
  // locked without a shared cache is so by a cursor of the caller's own.
  if (sqlite_code == kBusySnapshot || sqlite_code == kLocked) return false;
  switch (sqlite_code & 0xff) {
    case kBusy:
    case kLocked:
    case kProtocol:
      return true;
    default:
      return false;
  }
}

void describe_constraint(detail::ErrorData& data) {
  data.constraint_kind = constraint_kind_of(data.sqlite_code);
  // The engine has no other channel than its message: "UNIQUE constraint failed: t.a, t.b", "NOT NULL constraint
  // failed: t.a", "CHECK constraint failed: name or text", "UNIQUE constraint failed: index 'i'".
  constexpr std::string_view kMarker = " constraint failed: ";
  const auto at = data.message.find(kMarker);
  if (at == std::string::npos) return;
  std::string_view rest = std::string_view(data.message).substr(at + kMarker.size());
  if (data.constraint_kind == ConstraintKind::Check) {
    data.constraint_name = rest;
    return;
  }
  constexpr std::string_view kIndex = "index '";
  if (rest.substr(0, kIndex.size()) == kIndex && rest.back() == '\'') {
    data.constraint_name = rest.substr(kIndex.size(), rest.size() - kIndex.size() - 1);
    return;
  }
  while (!rest.empty()) {
    const auto comma = rest.find(", ");
    const std::string_view item = rest.substr(0, comma);
    const auto dot = item.find('.');
    if (dot == std::string_view::npos) return;
    if (data.constraint_table.empty()) data.constraint_table = item.substr(0, dot);
    data.constraint_columns.emplace_back(item.substr(dot + 1));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 2);
  }
}

void throw_error(detail::ErrorData data) {
  const ErrorCode code = data.code;
  with_class(code, [&](auto tag) { throw typename decltype(tag)::type(std::move(data)); });
  std::terminate();  // not reached: with_class always throws here
}

std::exception_ptr make_error(detail::ErrorData data) {
  const ErrorCode code = data.code;
  return with_class(code, [&](auto tag) -> std::exception_ptr {
    return std::make_exception_ptr(typename decltype(tag)::type(std::move(data)));
  });
}

void throw_error(ErrorCode code, std::string message, std::string_view sql) {
  detail::ErrorData data;
  data.code = code;
  data.message = std::move(message);
  data.sql = sql;
  throw_error(std::move(data));
}

void throw_unsupported(std::string_view feature, std::string_view mode, std::string_view why) {
  detail::ErrorData data;
  data.code = ErrorCode::Unsupported;
  data.feature = feature;
  data.mode = mode;
  data.message = std::string(feature) + " is not supported in " + std::string(mode) + " mode";
  if (mode == "engine") data.message = std::string(feature) + " is not supported by this build of the engine";
  if (!why.empty()) data.message.append(": ").append(why);
  throw_error(std::move(data));
}

void rethrow_with_statement_index(const Error& error, std::size_t index) {
  detail::ErrorData data = error_data(error);
  data.statement_index = index;
  throw_error(std::move(data));
}

}  // namespace libsql::core

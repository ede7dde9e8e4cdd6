#include "core/errors.hpp"

#include <algorithm>
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

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return small(x) == small(y); });
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
  name_constraint_columns(data, {});
}

void name_constraint_columns(detail::ErrorData& data, std::string_view table) {
  data.constraint_table.clear();
  data.constraint_columns.clear();
  data.constraint_name.clear();
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
  const bool is_of_table = !table.empty() && rest.size() > table.size() && rest[table.size()] == '.' &&
                           equals_ignoring_case(rest.substr(0, table.size()), table);
  constexpr std::string_view kIndex = "index '";
  if (!is_of_table && rest.starts_with(kIndex) && rest.size() > kIndex.size() && rest.ends_with('\'')) {
    rest = rest.substr(kIndex.size(), rest.size() - kIndex.size() - 1);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      data.constraint_name += rest[i];
      if (rest[i] == '\'' && i + 1 < rest.size() && rest[i + 1] == '\'') ++i;  // quotes are doubled
    }
    return;
  }
  const auto dot = is_of_table ? table.size() : rest.find('.');
  if (dot == std::string_view::npos) return;
  data.constraint_table = rest.substr(0, dot);
  rest.remove_prefix(dot + 1);
  // Each column is preceded by its table.
  const std::string separator = ", " + data.constraint_table + '.';
  for (;;) {
    const auto end = data.constraint_kind == ConstraintKind::NotNull ? std::string_view::npos : rest.find(separator);
    data.constraint_columns.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) return;
    rest.remove_prefix(end + separator.size());
  }
}

std::string message_for_peers(const Error& error) {
  const detail::ErrorData& data = error_data(error);
  std::string message = data.message;
  if (!data.place.empty() && message.ends_with(data.place)) message.resize(message.size() - data.place.size());
  return message;
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

void throw_foreign_transaction(std::string_view what, std::string_view sql) {
  throw_error(ErrorCode::Misuse,
              std::string(what) + ": the open transaction belongs to the caller of this code, which ends it", sql);
}

void rethrow_with_statement_index(const Error& error, std::size_t index) {
  detail::ErrorData data = error_data(error);
  data.statement_index = index;
  throw_error(std::move(data));
}

}  // namespace libsql::core

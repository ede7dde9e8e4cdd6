#include "core/server_errors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "core/errors.hpp"

namespace libsql::core {
namespace {

struct SqliteName {
  std::string_view name;
  int code;
};

// Names as servers send them, with the numbers of https://www.sqlite.org/rescode.html. sqld sends primary names only,
// and SQLITE_UNKNOWN for the primary code 1 (observed: sqld 0.24.33); others send extended names, too.
constexpr std::array kSqliteNames = {
    SqliteName{"SQLITE_ERROR", 1},
    SqliteName{"SQLITE_UNKNOWN", 1},
    SqliteName{"SQLITE_INTERNAL", 2},
    SqliteName{"SQLITE_PERM", 3},
    SqliteName{"SQLITE_ABORT", 4},
    SqliteName{"SQLITE_BUSY", 5},
    SqliteName{"SQLITE_LOCKED", 6},
    SqliteName{"SQLITE_NOMEM", 7},
    SqliteName{"SQLITE_READONLY", 8},
    SqliteName{"SQLITE_INTERRUPT", 9},
    SqliteName{"SQLITE_IOERR", 10},
    SqliteName{"SQLITE_CORRUPT", 11},
    SqliteName{"SQLITE_NOTFOUND", 12},
    SqliteName{"SQLITE_FULL", 13},
    SqliteName{"SQLITE_CANTOPEN", 14},
    SqliteName{"SQLITE_PROTOCOL", 15},
    SqliteName{"SQLITE_SCHEMA", 17},
    SqliteName{"SQLITE_TOOBIG", 18},
    SqliteName{"SQLITE_CONSTRAINT", 19},
    SqliteName{"SQLITE_MISMATCH", 20},
    SqliteName{"SQLITE_MISUSE", 21},
    SqliteName{"SQLITE_NOLFS", 22},
    SqliteName{"SQLITE_AUTH", 23},
    SqliteName{"SQLITE_FORMAT", 24},
    SqliteName{"SQLITE_RANGE", 25},
    SqliteName{"SQLITE_NOTADB", 26},
    SqliteName{"SQLITE_BUSY_SNAPSHOT", 5 | (2 << 8)},
};

constexpr std::array kConstraintNames = {
    SqliteName{"_CHECK", 1},   SqliteName{"_COMMITHOOK", 2}, SqliteName{"_FOREIGNKEY", 3}, SqliteName{"_FUNCTION", 4},
    SqliteName{"_NOTNULL", 5}, SqliteName{"_PRIMARYKEY", 6}, SqliteName{"_TRIGGER", 7},    SqliteName{"_UNIQUE", 8},
    SqliteName{"_VTAB", 9},    SqliteName{"_ROWID", 10},     SqliteName{"_PINNED", 11},    SqliteName{"_DATATYPE", 12},
};

// The engine's code for a name, 0 if it is none of the engine's.
int sqlite_code_of(std::string_view name) noexcept {
  for (const SqliteName& known : kSqliteNames) {
    if (known.name == name) return known.code;
  }
  constexpr std::string_view kConstraint = "SQLITE_CONSTRAINT";
  if (name.starts_with(kConstraint)) {
    for (const SqliteName& known : kConstraintNames) {
      if (name.substr(kConstraint.size()) == known.name) return 19 | (known.code << 8);
    }
    return 19;
  }
  // Any other extended name begins with its primary one.
  for (const SqliteName& known : kSqliteNames) {
    if (name.starts_with(known.name) && name[known.name.size()] == '_') return known.code;
  }
  return 0;
}

// The kind that the engine's own message tells. A primary key other than the rowid says UNIQUE, too.
int constraint_code_of(std::string_view message) noexcept {
  struct Known {
    std::string_view begin;
    int code;
  };
  constexpr std::array kKnown = {Known{"CHECK constraint failed", 1}, Known{"FOREIGN KEY constraint failed", 3},
                                 Known{"NOT NULL constraint failed", 5}, Known{"UNIQUE constraint failed", 8},
                                 Known{"cannot store ", 12}};
  for (const Known& known : kKnown) {
    if (message.starts_with(known.begin)) return 19 | (known.code << 8);
  }
  return 19;
}

// "SQL input error: near "x": syntax error (at offset 7)" and the like, as sqld writes them.
void strip_envelope(std::string_view& message, std::optional<std::size_t>& offset) {
  for (const std::string_view envelope : {"SQLite error: ", "SQL input error: ", "SQLite input error: "}) {
    if (!message.starts_with(envelope)) continue;
    message.remove_prefix(envelope.size());
    break;
  }
  constexpr std::string_view kAt = " (at offset ";
  const auto at = message.rfind(kAt);
  if (at == std::string_view::npos || !message.ends_with(')')) return;
  const std::string_view number = message.substr(at + kAt.size(), message.size() - at - kAt.size() - 1);
  std::size_t value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) return;
  offset = value;
  message = message.substr(0, at);
}

struct ProtocolCode {
  std::string_view name;
  ErrorCode code;
  bool retryable = false;
};

constexpr std::array kProtocolCodes = {
    ProtocolCode{"SQL_PARSE_ERROR", ErrorCode::SqlError},
    ProtocolCode{"SQL_INPUT_ERROR", ErrorCode::SqlError},
    ProtocolCode{"SQL_NO_STATEMENT", ErrorCode::Misuse},
    ProtocolCode{"SQL_MANY_STATEMENTS", ErrorCode::Misuse},
    ProtocolCode{"ARGS_INVALID", ErrorCode::Misuse},
    ProtocolCode{"ARGS_BOTH_POSITIONAL_AND_NAMED", ErrorCode::Misuse},
    ProtocolCode{"TRANSACTION_TIMEOUT", ErrorCode::TransactionLost},
    ProtocolCode{"TRANSACTION_BUSY", ErrorCode::Busy, true},
    ProtocolCode{"RESPONSE_TOO_LARGE", ErrorCode::TooBig},
    ProtocolCode{"TOO_MANY_RESPONSES", ErrorCode::Busy},  // what the statement did may stay, so it is not repeated
    ProtocolCode{"TOO_MANY_STREAMS", ErrorCode::Busy, true},
    ProtocolCode{"BLOCKED", ErrorCode::Auth},
    ProtocolCode{"SQL_STORE_TOO_MANY", ErrorCode::TooBig},
    ProtocolCode{"SQL_STORE_TOO_LARGE", ErrorCode::TooBig},
    ProtocolCode{"SQL_STORE_FULL", ErrorCode::Busy},
    ProtocolCode{"STREAM_EXPIRED", ErrorCode::TransactionLost},
    ProtocolCode{"STREAM_NOT_OPEN", ErrorCode::Protocol},
    ProtocolCode{"CURSOR_NOT_OPEN", ErrorCode::Protocol},
    ProtocolCode{"PROXY_ERROR", ErrorCode::Network, true},
};

}  // namespace

detail::ErrorData server_error(std::string_view code, std::string_view message, std::string_view extended_code) {
  detail::ErrorData data;
  data.origin = ErrorOrigin::Server;
  data.server_message = message;
  strip_envelope(message, data.offset);
  data.message = message;
  data.code = ErrorCode::SqlError;
  if (code.starts_with("AUTH_")) {
    data.code = ErrorCode::Auth;
    return data;
  }
  for (const ProtocolCode& known : kProtocolCodes) {
    if (known.name != code) continue;
    data.code = known.code;
    data.retryable = known.retryable;
    if (data.code == ErrorCode::SqlError) data.sqlite_code = 1;
    // The engine's words for a value beyond its limit, which servers wrap into the error of a failed bind (observed:
    // sqld 0.24.33).
    if (code == "ARGS_INVALID" && message.ends_with("string or blob too big")) data.code = ErrorCode::TooBig;
    return data;
  }
  data.sqlite_code = sqlite_code_of(code);
  if (const int extended = sqlite_code_of(extended_code); extended > 0xff) data.sqlite_code = extended;
  if (data.sqlite_code == 0) return data;
  if (data.sqlite_code == 19) data.sqlite_code = constraint_code_of(message);
  data.code = error_code_of(data.sqlite_code);
  data.retryable = is_retryable(data.sqlite_code);
  if (data.code == ErrorCode::Constraint) {
    describe_constraint(data);
    // A code guessed from the message was not sent by the server.
    if (sqlite_code_of(code) == 19 && sqlite_code_of(extended_code) <= 0xff) data.sqlite_code = 19;
  }
  return data;
}

detail::ErrorData http_error(int status, std::string_view message) {
  detail::ErrorData data;
  data.origin = ErrorOrigin::Server;
  data.server_message = message;
  data.message = "the server answered " + std::to_string(status);
  if (!message.empty()) data.message.append(": ").append(message);
  if (status == 401 || status == 403 || status == 407) {
    data.code = ErrorCode::Auth;
  } else if (status == 404) {
    data.code = ErrorCode::CannotOpen;
  } else if (status == 408) {
    data.code = ErrorCode::Timeout;
    data.retryable = true;
  } else if (status == 413) {
    data.code = ErrorCode::TooBig;
  } else if (status == 429) {
    data.code = ErrorCode::Busy;
    data.retryable = true;
  } else if (status >= 500) {
    data.code = ErrorCode::Network;
    data.retryable = status == 503;
  } else {
    data.code = ErrorCode::Protocol;
  }
  return data;
}

}  // namespace libsql::core

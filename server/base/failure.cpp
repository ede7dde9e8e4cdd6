#include "server/base/failure.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/errors.hpp"

namespace libsql::server {
namespace {

// Indexed by primary result code (https://www.sqlite.org/rescode.html).
constexpr std::array<std::string_view, 27> kNames = {
    "SQLITE_UNKNOWN",  "SQLITE_UNKNOWN",    "SQLITE_INTERNAL", "SQLITE_PERM",      "SQLITE_ABORT", "SQLITE_BUSY",
    "SQLITE_LOCKED",   "SQLITE_NOMEM",      "SQLITE_READONLY", "SQLITE_INTERRUPT", "SQLITE_IOERR", "SQLITE_CORRUPT",
    "SQLITE_NOTFOUND", "SQLITE_FULL",       "SQLITE_CANTOPEN", "SQLITE_PROTOCOL",  "SQLITE_EMPTY", "SQLITE_SCHEMA",
    "SQLITE_TOOBIG",   "SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_MISUSE",    "SQLITE_NOLFS", "SQLITE_AUTH",
    "SQLITE_FORMAT",   "SQLITE_RANGE",      "SQLITE_NOTADB"};

// For errors that the library found without asking the engine.
std::string_view name_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Busy:
      return "SQLITE_BUSY";
    case ErrorCode::Constraint:
      return "SQLITE_CONSTRAINT";
    case ErrorCode::Interrupted:
    case ErrorCode::Timeout:
      return "SQLITE_INTERRUPT";
    case ErrorCode::Auth:
      return "SQLITE_AUTH";
    case ErrorCode::Corrupt:
      return "SQLITE_CORRUPT";
    case ErrorCode::NotADatabase:
      return "SQLITE_NOTADB";
    case ErrorCode::CannotOpen:
      return "SQLITE_CANTOPEN";
    case ErrorCode::ReadOnly:
      return "SQLITE_READONLY";
    case ErrorCode::Full:
      return "SQLITE_FULL";
    case ErrorCode::Io:
      return "SQLITE_IOERR";
    case ErrorCode::NoMemory:
      return "SQLITE_NOMEM";
    case ErrorCode::TooBig:
      return "SQLITE_TOOBIG";
    case ErrorCode::Misuse:
      return "SQLITE_MISUSE";
    default:
      return "SQLITE_UNKNOWN";
  }
}

struct NearToken {
  std::string_view token;
  std::string_view advice;  // what the library's engine adds: empty, or from a colon on
};

std::optional<NearToken> near_token(std::string_view message) noexcept {
  constexpr std::string_view kBefore = "near \"";
  constexpr std::string_view kAfter = "\": syntax error";
  if (!message.starts_with(kBefore)) return std::nullopt;
  const auto end = message.rfind(kAfter);
  if (end == std::string_view::npos || end < kBefore.size()) return std::nullopt;
  const std::string_view advice = message.substr(end + kAfter.size());
  if (!advice.empty() && !advice.starts_with(": ")) return std::nullopt;
  return NearToken{message.substr(kBefore.size(), end - kBefore.size()), advice};
}

}  // namespace

bool is_syntax_error(const Error& error) noexcept {
  if ((error.sqlite_code() & 0xff) != 1) return false;
  const std::string_view message = error.message();
  return near_token(message).has_value() || message == "incomplete input" ||
         message.starts_with("unrecognized token: ");
}

void throw_syntax_error(const Error& error, std::string_view sql) {
  std::string text = "SQL string could not be parsed: ";
  const std::string_view message = error.message();
  if (const std::optional<NearToken> token = near_token(message)) {
    text += "syntax error around ";
    const std::string_view before = sql.substr(0, std::min(error.offset().value_or(0), sql.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n');
    const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    text += "L" + std::to_string(line) + ":" + std::to_string(column) + ": `";
    text.append(token->token).append("`").append(token->advice);
  } else {
    text += message == "incomplete input" ? std::string_view("unexpected end of input") : message;
  }
  throw StatementFailure("SQL_PARSE_ERROR", text);
}

int status_of(const StatementFailure& failure) noexcept {
  const std::string_view code = failure.code();
  if (code == "ARGS_BOTH_POSITIONAL_AND_NAMED") return 501;  // as observed in sqld 0.24.33
  if (code == "BLOCKED") return 403;
  constexpr std::array<std::string_view, 6> kLater = {"TRANSACTION_TIMEOUT", "TRANSACTION_BUSY", "TOO_MANY_RESPONSES",
                                                      "TOO_MANY_STREAMS",    "SQLITE_BUSY",      "SQLITE_INTERRUPT"};
  if (std::find(kLater.begin(), kLater.end(), code) != kLater.end()) return 503;
  return code.starts_with("SQLITE_") || code == "INVALID_UTF8" ? 500 : 400;
}

void throw_too_many_streams(Whose whose) {
  throw StatementFailure("TOO_MANY_STREAMS", "Too many streams are open: " + std::string(to_string(whose)) +
                                                 " limit is reached; close some, or try again");
}

StatementFailure failure_of(const Error& error) {
  const int primary = error.sqlite_code() & 0xff;
  if (primary == 1 && error.offset()) {
    return {"SQL_INPUT_ERROR",
            "SQL input error: " + error.message() + " (at offset " + std::to_string(*error.offset()) + ")",
            error.sqlite_code()};
  }
  const std::string_view name = primary > 0 && primary < static_cast<int>(kNames.size())
                                    ? kNames[static_cast<std::size_t>(primary)]
                                    : name_of(error.code());
  return {name, std::string(kEnginePrefix) + core::message_for_peers(error), error.sqlite_code()};
}

}  // namespace libsql::server

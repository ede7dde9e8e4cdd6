// The ways in which a request can fail: inside its answer, as a whole, or by breaking the protocol.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <libsql/error.hpp>

#include "server/base/budget.hpp"

namespace libsql::server {

/// A statement failed: an error object inside the answer.
class StatementFailure : public std::runtime_error {
 public:
  /// `code` lives for the program's lifetime.
  StatementFailure(std::string_view code, const std::string& message, int engine_code = 0)
      : std::runtime_error(message), code_(code), engine_code_(engine_code) {}
  std::string_view code() const noexcept { return code_; }
  /// The engine's extended code; 0 if it was not the engine that failed.
  int engine_code() const noexcept { return engine_code_; }

 private:
  std::string_view code_;
  int engine_code_;
};

/// What failure_of() puts before the engine's own message.
inline constexpr std::string_view kEnginePrefix = "SQLite error: ";

/// Another writer has taken the transaction away.
inline StatementFailure transaction_timed_out() { return {"TRANSACTION_TIMEOUT", "Transaction timed out"}; }

/// The answer has become too large: the whole request fails, not the step that made it so.
class ResponseTooLarge : public StatementFailure {
 public:
  ResponseTooLarge() : StatementFailure("RESPONSE_TOO_LARGE", "Response is too large") {}
  /// It would not be, but together with others that are being built.
  explicit ResponseTooLarge(Whose whose)
      : StatementFailure("TOO_MANY_RESPONSES", "Responses under construction have reached " +
                                                   std::string(to_string(whose)) + " limit; try again") {}
};

/// The client broke the protocol: HTTP 400, or the end of the WebSocket.
class ProtocolViolation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The request is refused as a whole, with an HTTP status.
class RequestRefused : public std::runtime_error {
 public:
  RequestRefused(int status, std::string code, const std::string& message)
      : std::runtime_error(message), status_(status), code_(std::move(code)) {}
  int status() const noexcept { return status_; }
  const std::string& code() const noexcept { return code_; }

 private:
  int status_;
  std::string code_;
};

/// Whether the engine's parser refused the text, before it looked at any table.
bool is_syntax_error(const Error& error) noexcept;
/// SQL_PARSE_ERROR with the place in `sql`.
[[noreturn]] void throw_syntax_error(const Error& error, std::string_view sql);
/// The status of an answer that is nothing but this failure: 403 and 503 for what the server refuses, 400 for what is
/// wrong with the request, 500 for what the engine says.
int status_of(const StatementFailure& failure) noexcept;
/// TOO_MANY_STREAMS.
[[noreturn]] void throw_too_many_streams(Whose whose);
/// The code and message that sqld 0.24.33 was observed to give an error of the engine.
StatementFailure failure_of(const Error& error);

}  // namespace libsql::server

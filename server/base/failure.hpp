// The three ways in which a request can fail: inside its answer, as a whole, or by violating the protocol.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <libsql/error.hpp>

#include "server/base/budget.hpp"

namespace libsql::server {

/// A statement failed, which is reported as an error object inside the answer.
class StatementFailure : public std::runtime_error {
 public:
  /// `code` must live as long as the program.
  StatementFailure(std::string_view code, const std::string& message, int engine_code = 0)
      : std::runtime_error(message), code_(code), engine_code_(engine_code) {}
  std::string_view code() const noexcept { return code_; }
  /// The engine's extended result code; 0 if the error is not the engine's.
  int engine_code() const noexcept { return engine_code_; }

 private:
  std::string_view code_;
  int engine_code_;
};

/// failure_of() puts this before the engine's own message.
inline constexpr std::string_view kEnginePrefix = "SQLite error: ";

/// The transaction was rolled back because it held the write lock too long while another writer waited.
inline StatementFailure transaction_timed_out() { return {"TRANSACTION_TIMEOUT", "Transaction timed out"}; }

/// The answer grew too large. The whole request fails, not only the step that exceeded the limit.
class ResponseTooLarge : public StatementFailure {
 public:
  ResponseTooLarge() : StatementFailure("RESPONSE_TOO_LARGE", "Response is too large") {}
  /// This answer is small enough, but together with the others under construction it exceeds `whose` limit.
  explicit ResponseTooLarge(Whose whose)
      : StatementFailure("TOO_MANY_RESPONSES", "Responses under construction have reached " +
                                                   std::string(to_string(whose)) + " limit; try again") {}
};

/// The client violated the protocol: HTTP 400, or the end of the WebSocket.
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

/// Whether the error came from the engine's parser, which does not look at any table.
bool is_syntax_error(const Error& error) noexcept;
/// Throws SQL_PARSE_ERROR with the position in `sql`.
[[noreturn]] void throw_syntax_error(const Error& error, std::string_view sql);
/// The HTTP status of an answer that is this failure alone: 403 and 503 for refusals by the server, 400 for faults of
/// the request, 500 for errors of the engine.
int status_of(const StatementFailure& failure) noexcept;
/// Throws TOO_MANY_STREAMS.
[[noreturn]] void throw_too_many_streams(Whose whose);
/// The code and message that sqld 0.24.33 was observed to send for an error of the engine.
StatementFailure failure_of(const Error& error);

}  // namespace libsql::server

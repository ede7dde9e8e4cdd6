// The accessors of the error classes.
#include <libsql/error.hpp>

#include "core/errors.hpp"

namespace libsql {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Busy:
      return "Busy";
    case ErrorCode::Constraint:
      return "Constraint";
    case ErrorCode::Interrupted:
      return "Interrupted";
    case ErrorCode::Timeout:
      return "Timeout";
    case ErrorCode::TransactionLost:
      return "TransactionLost";
    case ErrorCode::Unsupported:
      return "Unsupported";
    case ErrorCode::Auth:
      return "Auth";
    case ErrorCode::Network:
      return "Network";
    case ErrorCode::Protocol:
      return "Protocol";
    case ErrorCode::Corrupt:
      return "Corrupt";
    case ErrorCode::NotADatabase:
      return "NotADatabase";
    case ErrorCode::CannotOpen:
      return "CannotOpen";
    case ErrorCode::ReadOnly:
      return "ReadOnly";
    case ErrorCode::Full:
      return "Full";
    case ErrorCode::Io:
      return "Io";
    case ErrorCode::NoMemory:
      return "NoMemory";
    case ErrorCode::TooBig:
      return "TooBig";
    case ErrorCode::SqlError:
      return "SqlError";
    case ErrorCode::Misuse:
      return "Misuse";
    case ErrorCode::Configuration:
      return "Configuration";
    case ErrorCode::TypeMismatch:
      return "TypeMismatch";
    case ErrorCode::OutOfRange:
      return "OutOfRange";
    case ErrorCode::UnexpectedRows:
      return "UnexpectedRows";
    case ErrorCode::Conflict:
      return "Conflict";
    case ErrorCode::SnapshotTooOld:
      return "SnapshotTooOld";
    case ErrorCode::Expired:
      return "Expired";
  }
  return "Error";
}

Error::Error(detail::ErrorData data) : data_(std::make_shared<const detail::ErrorData>(std::move(data))) {}
Error::Error(const Error&) noexcept = default;
Error& Error::operator=(const Error&) noexcept = default;
Error::~Error() = default;

const char* Error::what() const noexcept { return data_->message.c_str(); }
const std::string& Error::message() const noexcept { return data_->message; }
ErrorCode Error::code() const noexcept { return data_->code; }
ErrorOrigin Error::origin() const noexcept { return data_->origin; }
int Error::sqlite_code() const noexcept { return data_->sqlite_code; }
const std::string& Error::server_message() const noexcept { return data_->server_message; }
const std::string& Error::sql() const noexcept { return data_->sql; }
std::optional<std::size_t> Error::offset() const noexcept { return data_->offset; }
std::optional<std::size_t> Error::statement_index() const noexcept { return data_->statement_index; }
bool Error::retryable() const noexcept { return data_->retryable; }
bool Error::session_usable() const noexcept { return data_->session_usable; }
std::optional<bool> Error::transaction_open() const noexcept { return data_->transaction_open; }
bool Error::outcome_known() const noexcept { return data_->outcome_known; }
bool Error::write_committed() const noexcept { return data_->write_committed; }
const detail::ErrorData& Error::data() const noexcept { return *data_; }

ConstraintKind Constraint::kind() const noexcept { return data().constraint_kind; }
const std::string& Constraint::table() const noexcept { return data().constraint_table; }
const std::vector<std::string>& Constraint::columns() const noexcept { return data().constraint_columns; }
const std::string& Constraint::name() const noexcept { return data().constraint_name; }

const std::string& Unsupported::feature() const noexcept { return data().feature; }
const std::string& Unsupported::mode() const noexcept { return data().mode; }

namespace detail {
struct ErrorAccess {
  static const ErrorData& data(const Error& error) noexcept { return error.data(); }
};
}  // namespace detail

namespace core {
const detail::ErrorData& error_data(const Error& error) noexcept { return detail::ErrorAccess::data(error); }
}  // namespace core

}  // namespace libsql

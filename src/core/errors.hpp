// Making errors: the one table that says which class a failure has, and short helpers to throw them.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <libsql/error.hpp>

namespace libsql::core {

/// The library's code for an engine result code (primary or extended).
ErrorCode error_code_of(int sqlite_code) noexcept;

/// Whether a failure with this engine code may succeed later without any change by the caller.
bool is_retryable(int sqlite_code) noexcept;

/// Fills the constraint fields of `data` from its extended code and the engine's message.
void describe_constraint(detail::ErrorData& data);

/// Takes table and columns of a constraint from the engine's message, whose names are not quoted: which dots and commas
/// part them is known best if the table is known that the statement writes to (in any case of letters; or empty).
void name_constraint_columns(detail::ErrorData& data, std::string_view table);

/// The message without the paths of this machine that were added to it.
std::string message_for_peers(const Error& error);

/// Throws the class that belongs to data.code.
[[noreturn]] void throw_error(detail::ErrorData data);

/// The same as an exception_ptr, for errors that travel between threads or through C.
std::exception_ptr make_error(detail::ErrorData data);

/// Throws an error found by the library itself, without the engine.
[[noreturn]] void throw_error(ErrorCode code, std::string message, std::string_view sql = {});

/// Throws Unsupported for `feature` in `mode`.
[[noreturn]] void throw_unsupported(std::string_view feature, std::string_view mode, std::string_view why = {});

/// Throws Misuse: `what`, such as "the connection cannot be closed", would end a transaction that is not the caller's.
[[noreturn]] void throw_foreign_transaction(std::string_view what, std::string_view sql = {});

/// Throws `error` again with the index of the batch entry that failed.
[[noreturn]] void rethrow_with_statement_index(const Error& error, std::size_t index);

/// The data of an error, for adding to it.
const detail::ErrorData& error_data(const Error& error) noexcept;

}  // namespace libsql::core

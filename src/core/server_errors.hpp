// What a server's errors mean: the same classes as for a local database.
#pragma once

#include <string_view>

#include <libsql/error.hpp>

namespace libsql::core {

/// An error that came with a code of the remote protocol, such as SQLITE_CONSTRAINT, ARGS_INVALID or STREAM_EXPIRED.
/// `extended_code` may be empty; without it the kind of a constraint is told by the message.
detail::ErrorData server_error(std::string_view code, std::string_view message, std::string_view extended_code = {});

/// An answer whose HTTP status is not 200 and whose body has no code. `message` is what the body says.
detail::ErrorData http_error(int status, std::string_view message);

}  // namespace libsql::core

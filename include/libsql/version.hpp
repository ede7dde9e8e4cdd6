/// \file
/// Versions of the library and of its engine.
#pragma once

#include <string_view>

#include <libsql/export.hpp>

#define LIBSQL_CPP_VERSION_MAJOR 0
#define LIBSQL_CPP_VERSION_MINOR 1
#define LIBSQL_CPP_VERSION_PATCH 0

namespace libsql {

/// The version of this library, such as "0.1.0".
LIBSQL_EXPORT std::string_view version() noexcept;
/// The version of SQLite inside, such as "3.53.4".
LIBSQL_EXPORT std::string_view sqlite_version() noexcept;
/// The name and version of the encryption extension, such as "SQLite3 Multiple Ciphers 2.4.0"; empty if there is none.
LIBSQL_EXPORT std::string_view cipher_version() noexcept;

}  // namespace libsql

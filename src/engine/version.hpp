// Versions of what is linked in.
#pragma once

#include <string_view>

namespace libsql::engine {

std::string_view sqlite_version() noexcept;
/// Empty without encryption.
std::string_view cipher_version() noexcept;

}  // namespace libsql::engine

#include <libsql/version.hpp>

#include "engine/version.hpp"

#define LIBSQL_STRINGIFY_(x) #x
#define LIBSQL_STRINGIFY(x) LIBSQL_STRINGIFY_(x)

namespace libsql {

std::string_view version() noexcept {
  return LIBSQL_STRINGIFY(LIBSQL_CPP_VERSION_MAJOR) "." LIBSQL_STRINGIFY(LIBSQL_CPP_VERSION_MINOR) "." LIBSQL_STRINGIFY(
      LIBSQL_CPP_VERSION_PATCH);
}
std::string_view sqlite_version() noexcept { return engine::sqlite_version(); }
std::string_view cipher_version() noexcept { return engine::cipher_version(); }

}  // namespace libsql

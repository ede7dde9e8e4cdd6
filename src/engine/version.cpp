#include "engine/version.hpp"

#include <sqlite3.h>

namespace libsql::engine {

std::string_view sqlite_version() noexcept { return sqlite3_libversion(); }

std::string_view cipher_version() noexcept {
#ifdef SQLITE3MC_VERSION_STRING
  return sqlite3mc_version();
#else
  return {};
#endif
}

}  // namespace libsql::engine

#include "functions/register.hpp"

#include "functions/sqlite_api.hpp"

namespace libsql::functions {

int register_all(sqlite3* connection, const RegisterOptions& options) noexcept {
  const int code = register_vector_functions(connection);
  return code == SQLITE_OK ? register_uuid_functions(connection, options.uuid_flavour) : code;
}

}  // namespace libsql::functions

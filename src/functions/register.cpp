#include "functions/register.hpp"

#include <initializer_list>

#include "functions/sqlite_api.hpp"

namespace libsql::functions {

int register_all(sqlite3* connection, const RegisterOptions& options) noexcept {
  int code = register_vector_functions(connection);
  if (code == SQLITE_OK) code = register_uuid_functions(connection, options.uuid_flavour);
  for (const auto add :
       {register_regexp_functions, register_text_functions, register_stats_functions, register_math_functions,
        register_crypto_functions, register_fuzzy_functions, register_json_functions, register_series}) {
    if (code == SQLITE_OK) code = add(connection);
  }
  if (code == SQLITE_OK && options.server_database_name) {
    code = register_server_functions(connection, *options.server_database_name);
  }
  return code;
}

}  // namespace libsql::functions

#include "functions/register.hpp"

#include <initializer_list>
#include <mutex>

#include "functions/sqlite_api.hpp"
#include "functions/target.hpp"

#if defined(SQLITE_CORE)
#include "engine/connection_state.hpp"
#endif

namespace libsql::functions {
namespace {

// What every connection has alike.
int register_common(const Target& target) noexcept {
  int code = SQLITE_OK;
  for (const auto add :
       {register_vector_functions, register_uuid_functions, register_regexp_functions, register_text_functions,
        register_stats_functions, register_math_functions, register_crypto_functions, register_fuzzy_functions}) {
    if (code == SQLITE_OK) code = add(target);
  }
  return code;
}

// What each has to be told, or what depends on it.
int register_own(sqlite3* connection, const RegisterOptions& options) noexcept {
  int code = SQLITE_OK;
  for (const auto add : {register_text_collation, register_json_functions, register_series}) {
    if (code == SQLITE_OK) code = add(connection);
  }
  if (code == SQLITE_OK && options.uuid_flavour == UuidFlavour::Blob) code = register_uuid_blob_functions(connection);
  if (code == SQLITE_OK && options.server_database_name) {
    code = register_server_functions(connection, *options.server_database_name);
  }
  return code;
}

// Whether add_to_engine() has added all.
bool engine_has_common = false;

}  // namespace

int register_all(sqlite3* connection, const RegisterOptions& options) noexcept {
  const int code = register_common(connection);
  return code == SQLITE_OK ? register_own(connection, options) : code;
}

int register_rest(sqlite3* connection, const RegisterOptions& options) noexcept {
#if defined(SQLITE_CORE)
  const engine::LongLivedMemory memory(connection);
#endif
  return engine_has_common ? register_own(connection, options) : register_all(connection, options);
}

void add_to_engine() noexcept {
#if defined(SQLITE_CORE) && !defined(LIBSQL_SYSTEM_SQLITE)
  static std::once_flag once;
  std::call_once(once, [] {
    const Target engine(
        [](void*, const Definition& definition) noexcept {
          return libsql_engine_add_function(definition.name, definition.arity, definition.flags, definition.callback,
                                            definition.step, definition.finish);
        },
        nullptr);
    engine_has_common = register_common(engine) == SQLITE_OK;
  });
#endif
}

}  // namespace libsql::functions

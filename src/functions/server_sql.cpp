// What a server tells its clients about itself.
#include <new>

#include "functions/arguments.hpp"
#include "functions/register.hpp"

namespace libsql::functions {
namespace {

void tell_database_name(sqlite3_context* context, int /*count*/, sqlite3_value** /*arguments*/) noexcept {
  guarded(context, [&] { result_text(context, *static_cast<const std::string*>(sqlite3_user_data(context))); });
}

}  // namespace

int register_server_functions(sqlite3* connection, const std::string& database_name) noexcept {
  auto* const name = new (std::nothrow) std::string;
  if (name == nullptr) return SQLITE_NOMEM;
  try {
    *name = database_name;
  } catch (...) {
    delete name;
    return SQLITE_NOMEM;
  }
  // Not deterministic: the same file may be served by another name tomorrow, so no index may hold it.
  return sqlite3_create_function_v2(connection, "libsql_server_database_name", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, name,
                                    &tell_database_name, nullptr, nullptr,
                                    [](void* owned) { delete static_cast<std::string*>(owned); });
}

}  // namespace libsql::functions

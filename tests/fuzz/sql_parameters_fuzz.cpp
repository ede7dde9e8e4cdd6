// Where the engine compiles a statement, its parameters have the numbers and names that we give them.
#include <sqlite3.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sql/parameters.hpp"
#include "sql/split.hpp"
#include "unit/sql/corpus.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

int refuse_pragmas(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_PRAGMA ? SQLITE_DENY : SQLITE_OK;
}

sqlite3* database() {
  static const libsql::test::DatabaseHandle handle = [] {
    auto opened = libsql::test::open_memory_database();
    sqlite3_exec(opened.get(), libsql::test::kSchema, nullptr, nullptr, nullptr);
    sqlite3_set_authorizer(opened.get(), refuse_pragmas, nullptr);
    return opened;
  }();
  return handle.get();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  if (script.find('\0') != std::string_view::npos) return 0;
  for (const auto& statement : libsql::sql::split(script)) {
    const auto ours = libsql::sql::parameters(statement.text);
    sqlite3_stmt* raw = nullptr;
    const int bytes = static_cast<int>(statement.text.size());
    const int rc = sqlite3_prepare_v3(database(), statement.text.data(), bytes, 0, &raw, nullptr);
    const libsql::test::StatementHandle handle(raw);
    if (rc != SQLITE_OK) continue;
    require(!ours.fault.has_value());
    require(ours.count == sqlite3_bind_parameter_count(raw));
    for (const auto& parameter : ours.parameters) {
      const char* name = sqlite3_bind_parameter_name(raw, parameter.number);
      require(ours.name(parameter.number) == std::string_view(name == nullptr ? "" : name));
    }
  }
  return 0;
}

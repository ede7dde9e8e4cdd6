// Where the engine compiles a statement, its parameters have the numbers and names that we give them.
#include <cstdint>
#include <string_view>

#include "fuzz/sql_engine.hpp"
#include "sql/parameters.hpp"
#include "sql/split.hpp"

using libsql::test::fuzz_database;
using libsql::test::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  if (script.find('\0') != std::string_view::npos) return 0;
  for (const auto& statement : libsql::sql::split(script)) {
    const auto ours = libsql::sql::parameters(statement.text);
    sqlite3_stmt* raw = nullptr;
    const int bytes = static_cast<int>(statement.text.size());
    const int rc = sqlite3_prepare_v3(fuzz_database(), statement.text.data(), bytes, 0, &raw, nullptr);
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

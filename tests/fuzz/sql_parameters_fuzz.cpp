// Where the library compiles a statement, its parameters have the numbers and names that we give them.
#include <cstdint>
#include <string_view>

#include "fuzz/sql_engine.hpp"
#include "sql/parameters.hpp"
#include "sql/split.hpp"

using libsql::test::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  for (const auto& statement : libsql::sql::split(script)) {
    const auto ours = libsql::sql::parameters(statement.text);
    const auto prepared = libsql::test::fuzz_prepare(statement.text);
    if (prepared == nullptr) continue;
    sqlite3_stmt* const raw = prepared->handle();
    require(!ours.fault.has_value());
    require(ours.count == sqlite3_bind_parameter_count(raw));
    for (const auto& parameter : ours.parameters) {
      const char* name = sqlite3_bind_parameter_name(raw, parameter.number);
      require(ours.name(parameter.number) == std::string_view(name == nullptr ? "" : name));
    }
  }
  return 0;
}

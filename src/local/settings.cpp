#include "local/settings.hpp"

#include <string_view>

#include "core/errors.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"

namespace libsql::local {
namespace {

void set(engine::Connection& connection, std::string_view name, std::string_view value) {
  connection.query_text("PRAGMA main." + std::string(name) + '=' + sql::quote_literal(value));
}

}  // namespace

void Settings::remember(engine::Connection& connection) {
  for (const sql::PragmaInfo& pragma : sql::pragmas()) {
    if (!pragma.restored) continue;
    const std::string_view name = pragma.name;
    std::optional<std::string> value = connection.query_text("PRAGMA " + std::string(name));
    if (!value) continue;                                          // for example, a database in memory has no mmap_size
    if (name == "secure_delete" && *value == "2") value = "fast";  // the number would mean "on"
    initial_.emplace_back(name, *std::move(value));
  }
  locking_mode_ = connection.query_text("PRAGMA main.locking_mode").value_or("normal");
  default_locking_mode_ = connection.query_text("PRAGMA locking_mode").value_or("normal");
  spills_cache_ = connection.query_integer("PRAGMA cache_spill") != 0;
}

void Settings::restore(engine::Connection& connection) const {
  for (const auto& [name, value] : initial_) {
    if (connection.query_text("PRAGMA " + name) != value) set(connection, name, value);
  }
  // Reading it does not give the setting, as the answer depends on the size of the cache.
  set(connection, "cache_spill", "1");
  if (!spills_cache_) set(connection, "cache_spill", "0");
  // The file may have its own default.
  if (const auto pages = connection.query_text("PRAGMA main.default_cache_size")) set(connection, "cache_size", *pages);
  // This setting survives the end of the temporary database. 0: not set.
  if (connection.query_text("PRAGMA temp.cache_size") != "0") connection.query_text("PRAGMA temp.cache_size=0");
  connection.execute_script("PRAGMA case_sensitive_like=OFF");  // cannot be read, so it is always set
  connection.forget_settings();
  // Without a journal, a failing transaction could not be rolled back.
  const std::string mode = connection.query_text("PRAGMA main.journal_mode").value_or("");
  if (mode != "wal" && mode != "delete") set(connection, "journal_mode", "delete");
  restore_locking_mode(connection);
  // A lock that need not be kept any more is released by the next access.
  connection.query_text("SELECT 1 FROM main.sqlite_schema LIMIT 1");
}

void Settings::restore_locking_mode(engine::Connection& connection) const {
  const auto mode = [&] { return connection.query_text("PRAGMA main.locking_mode").value_or(locking_mode_); };
  // Without a schema the PRAGMA reads the mode for databases attached later, and sets that of all databases.
  const auto set_default = [&] { connection.query_text("PRAGMA locking_mode=" + default_locking_mode_); };
  if (connection.query_text("PRAGMA locking_mode") != default_locking_mode_) set_default();
  if (mode() == locking_mode_) return;
  set_default();
  if (mode() != locking_mode_) {
    // The log was opened for a single connection (https://www.sqlite.org/pragma.html#pragma_locking_mode).
    set(connection, "journal_mode", "delete");
    set_default();
  }
  if (mode() != locking_mode_) {
    core::throw_error(ErrorCode::Configuration, "the connection cannot leave locking_mode=" + mode());
  }
}

}  // namespace libsql::local

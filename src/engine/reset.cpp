// What a connection must lose before its next user gets it.
#include <memory>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/connection.hpp"
#include "engine/connection_state.hpp"
#include "engine/statement.hpp"
#include "sql/quote.hpp"

namespace libsql::engine {
namespace {

std::vector<std::pair<std::string, std::string>> query_pairs(Connection& connection, const char* sql) {
  std::vector<std::pair<std::string, std::string>> pairs;
  sqlite3_stmt* stmt = nullptr;
  connection.check(sqlite3_prepare_v2(connection.handle(), sql, -1, &stmt, nullptr), sql);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(stmt, &sqlite3_finalize);
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    pairs.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0)),
                       reinterpret_cast<const char*>(sqlite3_column_text(stmt, 1)));
  }
  if (rc != SQLITE_DONE) connection.fail(rc, sql);
  return pairs;
}

}  // namespace

void Connection::end_cursors() noexcept {
  for (Statement* statement = first_statement_; statement != nullptr; statement = statement->next_) {
    statement->close_cursor();
  }
}

void Connection::cut_cursors() noexcept {
  for (Statement* statement = first_statement_; statement != nullptr; statement = statement->next_) statement->cut();
}

void Connection::drop_temporary_objects() {
  // Foreign keys off: the order of the drops must not matter. Indexes go with their tables; a virtual table's shadow
  // tables go with it, hence IF EXISTS.
  const auto objects = query_pairs(*this,
                                   "SELECT type, name FROM sqlite_temp_master WHERE type IN ('table','view','trigger') "
                                   "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type = 'table', rowid DESC");
  if (!objects.empty()) {
    const std::int64_t foreign_keys = query_integer("PRAGMA foreign_keys");
    execute_script("PRAGMA foreign_keys=OFF");
    for (const auto& [type, name] : objects) {
      execute_script("DROP " + type + " IF EXISTS temp." + sql::quote_identifier(name));
    }
    if (foreign_keys != 0) execute_script("PRAGMA foreign_keys=ON");
  }
  // The temporary database has settings of its own, a journal mode for one. It is closed when its place changes.
  const std::string place = query_text("PRAGMA temp_store").value_or("0");
  execute_script(std::string("PRAGMA temp_store=") + (place == "2" ? "1" : "2"));
  execute_script("PRAGMA temp_store=" + place);
}

bool Connection::counts_memory() noexcept { return sqlite3_compileoption_used("DEFAULT_MEMSTATUS=0") == 0; }

void Connection::forget_settings() {
#ifdef LIBSQL_SYSTEM_SQLITE
  execute_script("PRAGMA main.page_size=0; PRAGMA main.auto_vacuum=" +
                 std::to_string(query_integer("PRAGMA main.auto_vacuum")));
#else
  libsql_engine_forget_settings(require_open());
#endif
}

std::int64_t Connection::temporary_version() const noexcept {
  return db_ == nullptr ? 0 : engine::temporary_version(db_);
}

void Connection::detach_databases() {
  for (const auto& [number, name] : query_pairs(*this, "SELECT seq, name FROM pragma_database_list WHERE seq > 1")) {
    execute_script("DETACH " + sql::quote_identifier(name));
  }
}

}  // namespace libsql::engine

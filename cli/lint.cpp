#include "cli/lint.hpp"

#include <libsql/connection.hpp>
#include <libsql/rows.hpp>
#include <string>
#include <vector>

#include "cli/shell.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

struct ForeignKey {
  std::string parent;
  std::vector<std::string> columns;
  std::vector<std::string> parents;  // empty names: the parent's primary key
};

std::vector<ForeignKey> foreign_keys(Connection& connection, const std::string& table) {
  std::vector<ForeignKey> keys;
  std::int64_t current = -1;
  for (auto [id, parent, from, to] :
       connection.query<std::int64_t, std::string, std::string, std::optional<std::string>>(
           "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?) ORDER BY id, seq", table)) {
    if (id != current) keys.push_back({parent, {}, {}});
    current = id;
    keys.back().columns.push_back(from);
    keys.back().parents.push_back(to.value_or(std::string()));
  }
  return keys;
}

// Whether the first columns of an index, or the key of the table itself, are those of the foreign key in any order.
bool leads_with(const std::vector<std::string>& index, const std::vector<std::string>& columns) {
  if (index.size() < columns.size()) return false;
  for (const std::string& column : columns) {
    bool found = false;
    for (std::size_t i = 0; i < columns.size(); ++i) found = found || sql::equals_ignoring_case(index[i], column);
    if (!found) return false;
  }
  return true;
}

std::string covering_index(Connection& connection, const std::string& table, const std::vector<std::string>& columns) {
  if (columns.size() == 1 &&
      connection.query_value<std::int64_t>(
          "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2 COLLATE nocase AND pk = 1 AND type = 'INTEGER' "
          "COLLATE nocase AND (SELECT max(pk) FROM pragma_table_info(?1)) = 1",
          table, columns[0]) != 0) {
    return "the rowid";
  }
  std::vector<std::string> names;
  for (auto [name] : connection.query<std::string>("SELECT name FROM pragma_index_list(?) WHERE NOT partial", table)) {
    names.push_back(name);
  }
  for (const std::string& name : names) {
    std::vector<std::string> of_index;
    for (auto [column] :
         connection.query<std::optional<std::string>>("SELECT name FROM pragma_index_info(?) ORDER BY seqno", name)) {
      of_index.push_back(column.value_or(std::string()));
    }
    if (leads_with(of_index, columns)) return name;
  }
  return {};
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + sql::quote_identifier_if_needed(name);
  return text;
}

}  // namespace

void lint_foreign_keys(Shell& shell, bool verbose) {
  Connection& connection = shell.connection();
  std::vector<std::string> tables;
  for (auto [name] : connection.query<std::string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT "
                                                   "LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")) {
    tables.push_back(name);
  }
  for (const std::string& table : tables) {
    for (const ForeignKey& key : foreign_keys(connection, table)) {
      const std::string parent = sql::quote_identifier_if_needed(key.parent) +
                                 (key.parents[0].empty() ? std::string() : "(" + list(key.parents) + ")");
      const std::string index = covering_index(connection, table, key.columns);
      if (!index.empty()) {
        if (verbose) {
          shell.print_line("/* " + sql::quote_identifier_if_needed(table) + "(" + list(key.columns) + ") --> " +
                           parent + ": " + index + " */");
        }
        continue;
      }
      std::string name = table;
      for (const std::string& column : key.columns) name += "_" + column;
      shell.print_line("CREATE INDEX " + sql::quote_identifier_if_needed(name) + " ON " +
                       sql::quote_identifier_if_needed(table) + "(" + list(key.columns) + "); --> " + parent);
    }
  }
}

}  // namespace libsql::cli

#include "cli/schema.hpp"

#include <algorithm>

#include "sql/quote.hpp"

namespace libsql::cli {
namespace {

std::vector<std::string> names_of(Connection& connection, std::string_view condition, std::string_view pattern) {
  std::vector<std::string> names;
  for (const std::string& database : database_names(connection)) {
    const std::string prefix = database == "main" ? "" : database + ".";
    const std::string sql = "SELECT name FROM " + sql::quote_identifier(database) + ".sqlite_schema WHERE " +
                            std::string(condition) + " ORDER BY name";
    for (auto [name] : connection.query<std::string>(sql, pattern.empty() ? std::string_view("%") : pattern)) {
      names.push_back(prefix + name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<std::string> database_names(Connection& connection) {
  std::vector<std::string> names;
  for (auto [name] : connection.query<std::string>("SELECT name FROM pragma_database_list ORDER BY seq")) {
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> object_names(Connection& connection, std::string_view pattern) {
  return names_of(connection, "type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name LIKE ?1",
                  pattern);
}

std::vector<std::string> index_names(Connection& connection, std::string_view table_pattern) {
  return names_of(connection, "type = 'index' AND tbl_name LIKE ?1", table_pattern);
}

std::vector<std::string> insertable_columns(Connection& connection, std::string_view table,
                                            std::optional<std::string_view> schema) {
  std::vector<std::string> names;
  for (auto [name] : connection.query<std::string>(
           "SELECT name FROM pragma_table_xinfo(?, ?) WHERE hidden = 0 ORDER BY cid", table, schema)) {
    names.push_back(name);
  }
  return names;
}

bool table_exists(Connection& connection, std::string_view table, std::optional<std::string_view> schema) {
  return connection.query_value<std::int64_t>("SELECT count(*) FROM pragma_table_xinfo(?, ?)", table, schema) != 0;
}

}  // namespace libsql::cli

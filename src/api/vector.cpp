// Nearest neighbours in a table.
#include <libsql/connection.hpp>
#include <libsql/rows.hpp>
#include <libsql/vector.hpp>

#include "sql/quote.hpp"

namespace libsql::vector {

std::vector<Neighbor> nearest(Connection& connection, std::string_view table, std::string_view column, BlobView query,
                              std::size_t k, const NearestOptions& options) {
  Nearest nearest(options.metric, query, k);
  std::string sql = "SELECT rowid, " + sql::quote_identifier(column) + " FROM " +
                    sql::quote_identifier(options.schema) + '.' + sql::quote_identifier(table);
  // On lines of its own, so that a comment in it cannot swallow the bracket.
  if (!options.where.empty()) sql += " WHERE (\n" + options.where + "\n)";
  Rows rows = connection.query(sql);
  while (rows.next()) nearest.add(rows.row().get<std::int64_t>(0), rows.row().value(1));
  return nearest.result();
}

std::vector<Neighbor> nearest(Connection& connection, std::string_view table, std::string_view column,
                              std::span<const float> query, std::size_t k, const NearestOptions& options) {
  return nearest(connection, table, column, as_blob(query), k, options);
}

}  // namespace libsql::vector

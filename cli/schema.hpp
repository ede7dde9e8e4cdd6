// Questions to the schema that several commands ask.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/connection.hpp>

namespace libsql::cli {

/// The attached databases, "main" first.
std::vector<std::string> database_names(Connection& connection);

/// The tables and views (or with "index" the indexes) that users made, sorted; those of attached databases as
/// "db.name". `pattern` is one of LIKE; empty: all.
std::vector<std::string> object_names(Connection& connection, std::string_view pattern);
std::vector<std::string> index_names(Connection& connection, std::string_view table_pattern);

/// The columns of a table that an INSERT may give values for. Without a schema it is the one that a bare name means.
std::vector<std::string> insertable_columns(Connection& connection, std::string_view table,
                                            std::optional<std::string_view> schema);

bool table_exists(Connection& connection, std::string_view table, std::optional<std::string_view> schema);

}  // namespace libsql::cli
